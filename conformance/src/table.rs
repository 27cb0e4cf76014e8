//! The outcome of a suite: one line for each case, then the counts.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// How one case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As expected.
    Pass,
    /// Not as expected, and how; one line.
    Fail(String),
    /// Not run, because the suite gives nothing to compare with; one line.
    Skip(String),
}

/// One case of a suite.
#[derive(Debug, Clone)]
pub struct Case {
    /// Name within the suite.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// Host time it took.
    pub elapsed: Duration,
}

/// All cases of a suite, in the order in which they ran.
#[derive(Debug, Default)]
pub struct Table {
    cases: Vec<Case>,
    with_times: bool,
}

impl Table {
    /// An empty table; `with_times` adds a column of host seconds, which no two runs share.
    #[must_use]
    pub fn new(with_times: bool) -> Self {
        Self {
            cases: Vec::new(),
            with_times,
        }
    }

    /// Adds a case and prints its line, so that a long suite shows where it is.
    #[expect(clippy::print_stdout, reason = "the output of the runner")]
    pub fn add(&mut self, case: Case) {
        println!("{}", self.line(&case));
        self.cases.push(case);
    }

    /// Adds a case and prints its line unless it passed, for suites of many cases.
    pub fn add_silently(&mut self, case: Case) {
        if case.verdict == Verdict::Pass {
            self.cases.push(case);
        } else {
            self.add(case);
        }
    }

    /// The cases so far.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// How many passed, failed and were skipped.
    #[must_use]
    pub fn counts(&self) -> [usize; 3] {
        let passed = self.count(|verdict| matches!(verdict, Verdict::Pass));
        let failed = self.count(|verdict| matches!(verdict, Verdict::Fail(_)));
        [passed, failed, self.cases.len() - passed - failed]
    }

    /// Whether at least one case passed and none failed.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        let [passed, failed, _] = self.counts();
        failed == 0 && passed > 0
    }

    /// Counts and cases, for other programs. Times are left out: no two runs share them.
    #[must_use]
    pub fn as_json(&self) -> Value {
        let [passed, failed, skipped] = self.counts();
        let cases = self.cases.iter().map(|case| {
            let (verdict, reason) = match &case.verdict {
                Verdict::Pass => ("pass", None),
                Verdict::Fail(reason) => ("fail", Some(reason)),
                Verdict::Skip(reason) => ("skip", Some(reason)),
            };
            json!({ "name": case.name, "verdict": verdict, "reason": reason })
        });
        json!({
            "passed": passed,
            "failed": failed,
            "skipped": skipped,
            "cases": cases.collect::<Vec<_>>(),
        })
    }

    fn count(&self, wanted: impl Fn(&Verdict) -> bool) -> usize {
        self.cases
            .iter()
            .filter(|case| wanted(&case.verdict))
            .count()
    }

    fn line(&self, case: &Case) -> String {
        let time = if self.with_times {
            format!("{:8.2} s  ", case.elapsed.as_secs_f64())
        } else {
            String::new()
        };
        match &case.verdict {
            Verdict::Pass => format!("pass  {time}{}", case.name),
            Verdict::Fail(reason) => format!("FAIL  {time}{}: {reason}", case.name),
            Verdict::Skip(reason) => format!("skip  {time}{}: {reason}", case.name),
        }
    }
}

/// Writes a document that [`Table::as_json`] made a part of.
///
/// # Errors
/// When the file cannot be written.
pub fn write_json(path: &Path, document: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(document)?;
    fs::write(path, text + "\n").with_context(|| format!("failed to write {}", path.display()))
}

/// The counts: `31 passed, 2 failed`, with the skipped when there are any.
impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [passed, failed, skipped] = self.counts();
        write!(formatter, "{passed} passed, {failed} failed")?;
        match skipped {
            0 => Ok(()),
            skipped => write!(formatter, ", {skipped} skipped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table_of(verdicts: &[Verdict]) -> Table {
        let mut table = Table::new(false);
        for verdict in verdicts {
            table.add(Case {
                name: "case".to_owned(),
                verdict: verdict.clone(),
                elapsed: Duration::ZERO,
            });
        }
        table
    }

    #[test]
    fn an_empty_suite_is_no_success() {
        assert!(!table_of(&[]).succeeded());
        assert!(!table_of(&[Verdict::Skip("why".to_owned())]).succeeded());
    }

    #[test]
    fn the_document_has_counts_and_reasons() {
        let table = table_of(&[Verdict::Pass, Verdict::Skip("why".to_owned())]);
        let document = table.as_json();
        assert_eq!(document["passed"], 1);
        assert_eq!(document["failed"], 0);
        assert_eq!(document["skipped"], 1);
        assert_eq!(document["cases"][1]["reason"], "why");
    }

    #[test]
    fn one_failure_spoils_the_suite() {
        let table = table_of(&[Verdict::Pass, Verdict::Fail("why".to_owned())]);
        assert!(!table.succeeded());
        assert_eq!(table.to_string(), "1 passed, 1 failed");
    }
}
