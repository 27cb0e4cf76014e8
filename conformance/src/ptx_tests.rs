//! `vosen/ptx_tests`: one PTX instruction a test, over all inputs of up to four bytes or many random ones,
//! against a CPU reference that its authors wrote.
//!
//! The user has built its program, which loads a driver library by path. Each test runs in a process of its
//! own with a time limit.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::process::{Finished, run_limited};
use crate::table::{Case, Table, Verdict};

/// Time that listing the tests may take.
const LIST_LIMIT: Duration = Duration::from_secs(60);

/// Compute capability that the suite's PTX is for, though no instruction in it needs that.
const TARGET: &str = "9.0";

/// Runs the tests of `program` whose name contains `filter` against the driver at `library`.
///
/// # Errors
/// When the program lists no tests or cannot be started.
pub fn run(
    program: &Path,
    library: &Path,
    filter: &str,
    limit: Duration,
    table: &mut Table,
) -> Result<()> {
    let listed = run_limited(Command::new(program).arg("-l"), LIST_LIMIT)?;
    ensure!(
        listed.succeeded() && !listed.stdout.trim().is_empty(),
        "{} lists no tests: {}",
        program.display(),
        listed.reason()
    );
    for test in listed.stdout.lines().filter(|test| test.contains(filter)) {
        if table.passed_earlier(test) {
            continue;
        }
        let mut command = Command::new(program);
        command.arg(library).args(["-f", &exactly(test)]);
        command.env("WEFT_CC", TARGET);
        let finished = run_limited(&mut command, limit)?;
        table.add(Case {
            name: test.to_owned(),
            verdict: judge(test, &finished),
            elapsed: finished.elapsed,
        })?;
    }
    Ok(())
}

/// A regular expression that matches the name alone.
fn exactly(name: &str) -> String {
    let escaped: String = name
        .chars()
        .flat_map(|c| {
            let backslash = (!c.is_ascii_alphanumeric() && c != '_').then_some('\\');
            backslash.into_iter().chain([c])
        })
        .collect();
    format!("^{escaped}$")
}

fn judge(test: &str, finished: &Finished) -> Verdict {
    let passed = format!("{test}: OK");
    if finished.succeeded() && finished.stdout.lines().any(|line| line == passed) {
        return Verdict::Pass;
    }
    let told = finished
        .stdout
        .split_once("FAIL - ")
        .map(|(_, told)| told.split_whitespace().collect::<Vec<_>>().join(" "));
    Verdict::Fail(told.unwrap_or_else(|| finished.reason()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_matched_as_it_is() {
        assert_eq!(exactly("add_u32"), "^add_u32$");
        assert_eq!(exactly("cvt.rn|x"), r"^cvt\.rn\|x$");
    }
}
