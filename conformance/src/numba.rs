//! numba-cuda's own test suite, which its wheel carries: every test, in processes that may die.
//!
//! The tests of one file run in one process (`python/pytest_events.py`), which tells each test's beginning
//! and end. One that ends the process, or says nothing for the time limit, has failed; the others of its
//! file run in the next process. Tests that the suite skips itself are skipped with its reason, and those of
//! [`EXCLUDED`] with the reason given there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::process::{self, Weft};
use crate::table::{Case, Table, Verdict};

/// The package of the suite.
const PACKAGE: &str = "numba.cuda.tests";

/// Tests that are not run, by the beginning of their name, and why.
const EXCLUDED: &[(&str, &str)] = &[
    (
        "benchmarks/",
        "measures launch overhead with pytest-benchmark, PyTorch and CuPy; tests nothing",
    ),
    (
        "cudapy/test_dispatcher.py::TestDispatcher::test_dispatcher_cpointer_arguments",
        "the test reads and writes past the end of its arrays, which hardware does not notice",
    ),
    (
        "cudapy/test_localmem.py::TestCudaLocalMem::test_struct_model_type_arr",
        "the test writes past the end of its arrays, which hardware does not notice",
    ),
    (
        "cudadrv/test_linker.py::TestLinker::test_set_registers_no_max",
        "expects the number of registers that Nvidia's compiler uses",
    ),
    (
        "cudapy/test_debug.py::TestDebugOutput::test_dump_assembly",
        "counts the warning that nvJitLink is not installed as output",
    ),
    (
        "cudapy/test_warning.py::TestWarnings::test_efficient_launch_configuration",
        "counts the warning that nvJitLink is not installed as one of the launch",
    ),
];

/// Time in which the suite must be read.
const COLLECT_LIMIT: Duration = Duration::from_secs(300);

/// Runs the tests whose name contains `filter`, giving each `limit` of host time.
///
/// # Errors
/// When the toolchain has no Python with the suite, or `weft` cannot be started.
pub fn run(
    weft: &Weft,
    toolchain: &Path,
    filter: &str,
    limit: Duration,
    table: &mut Table,
) -> Result<()> {
    let suite = Suite::new(weft, toolchain)?;
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for test in suite.collect(table)? {
        if !test.contains(filter) || table.passed_earlier(&test) {
            continue;
        }
        let excluded = EXCLUDED.iter().find(|(start, _)| test.starts_with(start));
        if let Some((_, reason)) = excluded {
            table.add_silently(Case {
                name: test,
                verdict: Verdict::Skip((*reason).to_owned()),
                elapsed: Duration::ZERO,
            })?;
            continue;
        }
        let file = test.split("::").next().unwrap_or_default().to_owned();
        files.entry(file).or_default().push(test);
    }
    for tests in files.into_values() {
        suite.run_file(tests, limit, table)?;
    }
    Ok(())
}

/// What it takes to start a process of the suite.
struct Suite<'a> {
    weft: &'a Weft,
    python: PathBuf,
    script: PathBuf,
    /// Where a process writes its events, which is also the folder that tests may write to.
    folder: PathBuf,
}

impl<'a> Suite<'a> {
    fn new(weft: &'a Weft, toolchain: &Path) -> Result<Self> {
        let python = toolchain.join("bin/python");
        ensure!(
            python.exists(),
            "{} is missing: run `cargo xtask toolchain`",
            python.display()
        );
        let folder = weft.folder().join("numba-tests");
        fs::create_dir_all(&folder)
            .with_context(|| format!("failed to create {}", folder.display()))?;
        Ok(Self {
            weft,
            python: std::path::absolute(python)?,
            script: Path::new(env!("CARGO_MANIFEST_DIR")).join("python/pytest_events.py"),
            folder,
        })
    }

    fn events_path(&self) -> PathBuf {
        self.folder.join("events.jsonl")
    }

    fn command(&self, mode: &str) -> Command {
        let mut command = self.weft.run_command(&self.python);
        command.arg(&self.script).arg(self.events_path());
        command.args([PACKAGE, mode]).current_dir(&self.folder);
        command
    }

    /// The names of all tests. A file that cannot be imported becomes a case of the table.
    fn collect(&self, table: &mut Table) -> Result<Vec<String>> {
        self.forget_events()?;
        let finished = process::run_limited(&mut self.command("collect"), COLLECT_LIMIT)?;
        let mut tests = Vec::new();
        for event in self.events()? {
            if let Some(test) = event["collected"].as_str() {
                tests.push(test.to_owned());
            } else if let Some(file) = event["broken"].as_str() {
                let reason = event["reason"].as_str().unwrap_or_default();
                let verdict = match reason.strip_prefix("skipped: ") {
                    Some(reason) => Verdict::Skip(reason.to_owned()),
                    None => Verdict::Fail(reason.to_owned()),
                };
                table.add(case(file, verdict, Duration::ZERO))?;
            }
        }
        ensure!(
            !tests.is_empty(),
            "no tests of {PACKAGE} were found: {}",
            finished.reason()
        );
        Ok(tests)
    }

    /// Runs the tests of one file, in as many processes as it takes.
    fn run_file(&self, tests: Vec<String>, limit: Duration, table: &mut Table) -> Result<()> {
        let mut left: BTreeSet<String> = tests.into_iter().collect();
        while !left.is_empty() {
            self.forget_events()?;
            let before = left.len();
            let ended = self.run_process(&left, limit)?;
            let mut open: Option<String> = None;
            let mut broken = None;
            for event in self.events()? {
                if let Some(test) = event["start"].as_str() {
                    open = Some(test.to_owned());
                } else if let Some(test) = event["end"].as_str() {
                    open = None;
                    if left.remove(test) {
                        table.add_silently(case(test, verdict(&event), Duration::ZERO))?;
                    }
                } else if event["broken"].is_string() {
                    broken = event["reason"].as_str().map(str::to_owned);
                }
            }
            if let Some(test) = open {
                left.remove(&test);
                table.add(case(&test, Verdict::Fail(ended.clone()), Duration::ZERO))?;
            }
            if left.len() == before {
                // The process could not even begin: the reason holds for all of them.
                let reason = broken.unwrap_or(ended);
                for test in std::mem::take(&mut left) {
                    table.add(case(&test, Verdict::Fail(reason.clone()), Duration::ZERO))?;
                }
            }
        }
        Ok(())
    }

    /// One process; how it ended, for a test that did not.
    fn run_process(&self, tests: &BTreeSet<String>, limit: Duration) -> Result<String> {
        let log = self.folder.join("output.txt");
        let output =
            fs::File::create(&log).with_context(|| format!("failed to write {}", log.display()))?;
        let mut child = self
            .command("run")
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("failed to start weft run")?;
        let mut input = child.stdin.take().context("standard input is no pipe")?;
        for test in tests {
            writeln!(input, "{test}")?;
        }
        drop(input);
        let status = self.wait(&mut child, limit)?;
        let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let last = said.lines().rfind(|line| !line.trim().is_empty());
        Ok(format!("{status}; {}", last.unwrap_or_default().trim()))
    }

    /// Waits until the process ends, or stops it when no event has come for the time limit.
    fn wait(&self, child: &mut Child, limit: Duration) -> Result<String> {
        let mut seen = 0;
        let mut since = Instant::now();
        loop {
            if let Some(status) = child.try_wait().context("failed to wait for weft run")? {
                return Ok(format!("the process ended with {status}"));
            }
            let size = fs::metadata(self.events_path()).map_or(0, |metadata| metadata.len());
            if size != seen {
                seen = size;
                since = Instant::now();
            }
            if since.elapsed() >= limit {
                process::stop(child)?;
                return Ok(format!("stopped after {} s", limit.as_secs()));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn forget_events(&self) -> Result<()> {
        let path = self.events_path();
        fs::write(&path, "").with_context(|| format!("failed to write {}", path.display()))
    }

    fn events(&self) -> Result<Vec<Value>> {
        let path = self.events_path();
        let text = fs::read_to_string(&path)
            .with_context(|| format!("failed to read {}", path.display()))?;
        // The last line is cut off when its process was stopped while it wrote.
        Ok(text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect())
    }
}

fn case(name: &str, verdict: Verdict, elapsed: Duration) -> Case {
    Case {
        name: name.to_owned(),
        verdict,
        elapsed,
    }
}

fn verdict(event: &Value) -> Verdict {
    let reason = event["reason"].as_str().unwrap_or_default().to_owned();
    match event["verdict"].as_str() {
        Some("pass") => Verdict::Pass,
        Some("skip") => Verdict::Skip(reason),
        _ => Verdict::Fail(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_without_a_known_verdict_is_a_failure() {
        let of = |text: &str| verdict(&json!({ "end": "t", "verdict": text, "reason": "why" }));
        assert_eq!(of("pass"), Verdict::Pass);
        assert_eq!(of("skip"), Verdict::Skip("why".to_owned()));
        assert_eq!(of("fail"), Verdict::Fail("why".to_owned()));
        assert_eq!(of("other"), Verdict::Fail("why".to_owned()));
        assert_eq!(
            verdict(&json!({ "end": "t" })),
            Verdict::Fail(String::new())
        );
    }
}
