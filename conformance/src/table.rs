//! The outcome of a suite: one line for each case, then the counts.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
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
    suite: &'static str,
    cases: Vec<Case>,
    with_times: bool,
    file: Option<PathBuf>,
    /// Cases of the run that this one goes on with, by name, less those that it has run again.
    earlier: BTreeMap<String, Verdict>,
}

impl Table {
    /// An empty table of a suite; `with_times` adds a column of host seconds, which no two runs share.
    #[must_use]
    pub fn new(suite: &'static str, with_times: bool) -> Self {
        Self {
            suite,
            with_times,
            ..Self::default()
        }
    }

    /// Has the table write itself to `file` after each case, and go on with the run that is there, if
    /// any: what passed then is not run again where the suite asks [`Table::passed_earlier`], and what this
    /// run leaves out stays in the file.
    ///
    /// # Errors
    /// When there is a file that no run wrote.
    pub fn resume(&mut self, file: &Path) -> Result<()> {
        if file.is_file() {
            let context = || format!("failed to read {}", file.display());
            let text = fs::read_to_string(file).with_context(context)?;
            let document: Value = serde_json::from_str(&text).with_context(context)?;
            let cases = document["cases"].as_array().with_context(context)?;
            self.earlier = cases
                .iter()
                .filter_map(|case| Some((case["name"].as_str()?.to_owned(), verdict_of(case)?)))
                .collect();
        }
        self.file = Some(file.to_owned());
        Ok(())
    }

    /// Whether the case passed in the run that this one goes on with; then it is in the table already.
    pub fn passed_earlier(&mut self, name: &str) -> bool {
        let passed = self.earlier.get(name) == Some(&Verdict::Pass);
        if passed {
            self.earlier.remove(name);
            self.cases.push(Case {
                name: name.to_owned(),
                verdict: Verdict::Pass,
                elapsed: Duration::ZERO,
            });
        }
        passed
    }

    /// Adds a case and prints its line, so that a long suite shows where it is.
    ///
    /// # Errors
    /// When the file of a run that can be resumed cannot be written.
    #[expect(clippy::print_stdout, reason = "the output of the runner")]
    pub fn add(&mut self, case: Case) -> Result<()> {
        println!("{}", self.line(&case));
        self.push(case)
    }

    /// Adds a case and prints its line unless it passed, for suites of many cases.
    ///
    /// # Errors
    /// As [`Table::add`].
    pub fn add_silently(&mut self, case: Case) -> Result<()> {
        if case.verdict == Verdict::Pass {
            self.push(case)
        } else {
            self.add(case)
        }
    }

    fn push(&mut self, case: Case) -> Result<()> {
        self.earlier.remove(&case.name);
        self.cases.push(case);
        match &self.file {
            None => Ok(()),
            Some(file) => write_json(file, &self.as_json()),
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
        counts(self.cases.iter().map(|case| &case.verdict))
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
        let run = self.cases.iter().map(|case| (&case.name, &case.verdict));
        let all: Vec<_> = run.chain(&self.earlier).collect();
        let [passed, failed, skipped] = counts(all.iter().map(|(_, verdict)| *verdict));
        let cases = all.into_iter().map(|(name, verdict)| {
            let (verdict, reason) = match verdict {
                Verdict::Pass => ("pass", None),
                Verdict::Fail(reason) => ("fail", Some(reason)),
                Verdict::Skip(reason) => ("skip", Some(reason)),
            };
            json!({ "name": name, "verdict": verdict, "reason": reason })
        });
        json!({
            "suite": self.suite,
            "passed": passed,
            "failed": failed,
            "skipped": skipped,
            "cases": cases.collect::<Vec<_>>(),
        })
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

/// How many passed, failed and were skipped.
fn counts<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> [usize; 3] {
    let mut counts = [0; 3];
    for verdict in verdicts {
        counts[match verdict {
            Verdict::Pass => 0,
            Verdict::Fail(_) => 1,
            Verdict::Skip(_) => 2,
        }] += 1;
    }
    counts
}

/// The verdict of a case of [`Table::as_json`].
fn verdict_of(case: &Value) -> Option<Verdict> {
    let reason = case["reason"].as_str().unwrap_or_default().to_owned();
    match case["verdict"].as_str()? {
        "pass" => Some(Verdict::Pass),
        "fail" => Some(Verdict::Fail(reason)),
        "skip" => Some(Verdict::Skip(reason)),
        _ => None,
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
        let mut table = Table::new("suite", false);
        for (index, verdict) in verdicts.iter().enumerate() {
            table
                .add(Case {
                    name: format!("case {index}"),
                    verdict: verdict.clone(),
                    elapsed: Duration::ZERO,
                })
                .expect("nothing is written");
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
    fn a_run_goes_on_with_what_passed() {
        let folder = std::env::temp_dir().join(format!("weft-table-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        let file = folder.join("run.json");
        let first = table_of(&[Verdict::Pass, Verdict::Fail("why".to_owned())]);
        write_json(&file, &first.as_json()).expect("written");

        let mut second = Table::new("suite", false);
        second.resume(&file).expect("read");
        assert!(second.passed_earlier("case 0"));
        assert!(!second.passed_earlier("case 1"));
        second
            .add(Case {
                name: "case 1".to_owned(),
                verdict: Verdict::Pass,
                elapsed: Duration::ZERO,
            })
            .expect("written");
        let text = fs::read_to_string(&file).expect("the run");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        fs::remove_dir_all(folder).expect("removed");
        assert_eq!(document["passed"], 2);
        assert_eq!(document["cases"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn one_failure_spoils_the_suite() {
        let table = table_of(&[Verdict::Pass, Verdict::Fail("why".to_owned())]);
        assert!(!table.succeeded());
        assert_eq!(table.to_string(), "1 passed, 1 failed");
    }
}
