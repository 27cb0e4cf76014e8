//! `weft exec --gdb`: a scripted session of gdb, whose output must be what the program means.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::process::{Weft, run_limited};
use crate::table::{Case, Table, Verdict};

/// What the session prints, apart from what gdb says by itself. The sum of 5 to 1 is 15; the first
/// turn adds 5, then the session replaces the sum by 105, to which 4, 3, 2 and 1 are added.
const EXPECTED: [&str; 7] = [
    "at turn: a0 5, a1 0",
    "after two steps: a0 4, a1 5, pc turn+8",
    "at turn again: a0 4, a1 5",
    "at done: a1 115, result 115, fa0 115",
    "vl 32, vlenb 128, v9 115 116 146",
    "v9 115 -7, result 42",
    // In octal.
    "exited with code 052",
];
/// Exit status of the program: what the session stored.
const STATUS: i32 = 42;
const LIMIT: Duration = Duration::from_secs(60);

/// Builds the program in `dir`, runs it and gdb, and compares.
///
/// # Errors
/// When clang, gdb or the command cannot be run.
pub fn run(weft: &Weft, dir: &Path, out: &Path, gdb: &str, table: &mut Table) -> Result<()> {
    fs::create_dir_all(out).with_context(|| format!("failed to make {}", out.display()))?;
    let program = out.join("sum.elf");
    let mut clang = Command::new("clang-22");
    clang
        .args(["--target=riscv64-unknown-elf", "-march=rv64gcv"])
        .args(["-mno-relax", "-nostdlib", "-static", "-fuse-ld=lld"])
        .arg(dir.join("sum.S"))
        .arg("-o")
        .arg(&program);
    let built = run_limited(&mut clang, LIMIT)?;
    ensure!(built.succeeded(), "clang-22: {}", built.reason());

    let begin = Instant::now();
    let mut guest = weft
        .start(&[
            "exec".as_ref(),
            "--gdb".as_ref(),
            "0".as_ref(),
            program.as_os_str(),
        ])
        .stderr(Stdio::piped())
        .spawn()
        .context("failed to start weft exec")?;
    let stderr = guest.stderr.take().context("standard error is no pipe")?;
    let mut lines = BufReader::new(stderr).lines();
    let target = lines.find_map(|line| {
        let line = line.ok()?;
        line.split_once("target remote ")
            .map(|(_, target)| target.to_owned())
    });
    let Some(target) = target else {
        guest.kill()?;
        guest.wait()?;
        bail!("weft exec does not say where it waits for gdb");
    };
    // The pipe is drained to its end, so that nothing that is said blocks the program.
    let drain = thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
    let mut session = Command::new(gdb);
    session.args(["-nx", "-batch"]);
    session.arg("-ex").arg("set architecture riscv:rv64");
    session.arg("-ex").arg(format!("target remote {target}"));
    session.arg("-x").arg(dir.join("session.gdb")).arg(&program);
    let said = run_limited(&mut session, LIMIT);
    if !matches!(&said, Ok(said) if said.succeeded()) {
        guest.kill()?;
    }
    let status = guest.wait()?;
    let notes = drain.join().unwrap_or_default();
    let said = said?;
    let mut found = said.stdout.lines();
    let missing = EXPECTED
        .iter()
        .find(|expected| !found.any(|line| line.contains(**expected)));
    let verdict = match missing {
        None if status.code() == Some(STATUS) => Verdict::Pass,
        None => Verdict::Fail(format!("weft exec: {status}; {}", notes.join("; "))),
        Some(expected) => Verdict::Fail(format!(
            "gdb did not print `{expected}`, but: {}; {}",
            said.stdout.replace('\n', " | "),
            said.stderr.replace('\n', " | ")
        )),
    };
    table.add(Case {
        name: "session".to_owned(),
        verdict,
        elapsed: begin.elapsed(),
    })?;
    Ok(())
}
