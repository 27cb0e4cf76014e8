//! RISC-V executables for bare machines that judge themselves: a store to `tohost` says whether
//! they passed. riscv-tests and riscv-vector-tests are such suites.
//!
//! Every file runs under every engine of `weft exec`, several at once, each in a process of its
//! own with a time limit. A file passes when the command's status is 0.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;

use crate::process::{Finished, Weft};
use crate::table::{Case, Table, Verdict, write_json};

/// Runs the executables below `dir` whose name contains `filter`; whether all passed under all
/// engines, of which `engines` picks some. Prints what did not pass, and the counts of each
/// engine; writes all of it to `json` too.
///
/// # Errors
/// When the folder holds no executable, or a command cannot be started.
pub fn run(
    weft: &Weft,
    dir: &Path,
    filter: &str,
    engines: &[String],
    json: Option<&Path>,
    with_times: bool,
) -> Result<bool> {
    let mut files = executables(dir)?;
    files.retain(|file| file.to_string_lossy().contains(filter));
    ensure!(!files.is_empty(), "no executable in {}", dir.display());
    let available = weft.engines()?;
    if let Some(unknown) = engines.iter().find(|name| !available.contains(name)) {
        bail!("no engine `{unknown}`; there are {}", available.join(", "));
    }
    let mut succeeded = true;
    let mut results = BTreeMap::new();
    for engine in available {
        if !engines.is_empty() && !engines.contains(&engine) {
            continue;
        }
        let mut table = Table::new("elf", with_times);
        for (file, finished) in files.iter().zip(run_all(weft, &engine, &files)?) {
            let name = file.strip_prefix(dir).unwrap_or(file);
            table.add_silently(Case {
                name: format!("{} [{engine}]", name.display()),
                verdict: verdict(&finished),
                elapsed: finished.elapsed,
            })?;
        }
        say(&format!("{engine}: {table}"));
        succeeded &= table.succeeded();
        results.insert(engine, table.as_json());
    }
    if let Some(path) = json {
        write_json(path, &json!({ "engines": results }))?;
    }
    Ok(succeeded)
}

/// ELF files below a folder, in order of name.
///
/// # Errors
/// When a folder cannot be read.
pub fn executables(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(dir, &mut files)?;
    Ok(files)
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let context = || format!("failed to read {}", dir.display());
    let mut entries = fs::read_dir(dir)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .with_context(context)?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files)?;
        } else if fs::read(&path).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF")) {
            files.push(path);
        }
    }
    Ok(())
}

/// Runs every file, as many at once as the host has processors; results in the order of files.
fn run_all(weft: &Weft, engine: &str, files: &[PathBuf]) -> Result<Vec<Finished>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else {
                return;
            };
            let arguments = [
                "exec".as_ref(),
                "--engine".as_ref(),
                engine.as_ref(),
                file.as_os_str(),
            ];
            let finished = weft.command(&arguments);
            let mut done = done.lock().unwrap_or_else(|poison| poison.into_inner());
            done.insert(index, finished);
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let done = done
        .into_inner()
        .unwrap_or_else(|poison| poison.into_inner());
    done.into_values().collect()
}

fn verdict(finished: &Finished) -> Verdict {
    if finished.succeeded() {
        return Verdict::Pass;
    }
    let reason = finished.reason();
    // Not a program that could judge itself here: 32-bit, dynamically linked, another machine.
    if reason.contains("unsupported ELF file") {
        return Verdict::Skip(reason);
    }
    match finished.status.and_then(|status| status.code()) {
        Some(code) if finished.stderr.is_empty() => {
            Verdict::Fail(format!("test {code} of the program failed"))
        }
        _ => Verdict::Fail(reason),
    }
}

#[expect(clippy::print_stdout, reason = "the output of the runner")]
fn say(line: &str) {
    println!("{line}");
}
