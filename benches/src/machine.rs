//! Where and what was measured.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, ensure};

/// Date, commit, compiler, processor and load: one `name: value` a line.
pub(crate) fn describe() -> Result<String> {
    let mut text = String::new();
    let _ = writeln!(text, "date: {}", date()?);
    let _ = writeln!(text, "commit: {}", commit()?);
    let _ = writeln!(text, "compiler: {}", output("rustc", &["--version"])?);
    let _ = writeln!(text, "processor: {}", processor());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let _ = writeln!(text, "host threads: {threads}");
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let _ = write!(text, "load average of the last minute: {load}");
    Ok(text)
}

/// Today in UTC, as 2026-01-31.
pub(crate) fn date() -> Result<String> {
    output("date", &["-u", "+%Y-%m-%d"])
}

/// The commit, and whether the working tree differs from it.
fn commit() -> Result<String> {
    let commit = output("git", &["rev-parse", "--short=12", "HEAD"])?;
    let changed = output("git", &["status", "--porcelain", "--untracked-files=no"])?;
    let suffix = if changed.is_empty() {
        ""
    } else {
        " with changes"
    };
    Ok(commit + suffix)
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": "));
    model.map_or_else(
        || std::env::consts::ARCH.to_owned(),
        |(_, name)| name.to_owned(),
    )
}

fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("failed to start {program}"))?;
    ensure!(
        output.status.success(),
        "{program} failed: {}",
        output.status
    );
    let text = String::from_utf8(output.stdout).context("output is not UTF-8")?;
    Ok(text.trim().to_owned())
}
