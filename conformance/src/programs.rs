//! Ordinary C programs: built for RISC-V and for this host, run on the chip, on QEMU where it is
//! installed, and natively, and compared by what they print and return.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::process::{Finished, Weft, run_limited};
use crate::table::{Case, Table, Verdict};

/// Compilers for RISC-V and the options that make static executables.
const COMPILERS: [(&str, &str, &[&str]); 2] = [
    ("gcc", "riscv64-linux-gnu-gcc", &["-O2", "-static"]),
    (
        "clang-rvv",
        "clang-22",
        &[
            "--target=riscv64-linux-gnu",
            "-march=rv64gcv_zvl128b_zba_zbb_zbs_zvfh",
            "-O3",
            "-static",
        ],
    ),
];
/// No fused operations: the host's compiler does not make the same ones.
const COMMON: [&str; 2] = ["-ffp-contract=off", "-std=gnu11"];
/// QEMU with the chip's vector registers.
const QEMU_CPU: &str = "rv64,v=true,vlen=1024,elen=64,vext_spec=v1.0,zba=true,zbb=true,zbs=true";
/// Arguments of every program.
const ARGUMENTS: [&str; 2] = ["7", "two words"];
const LIMIT: Duration = Duration::from_secs(60);

/// Builds and runs the programs in `dir`.
///
/// # Errors
/// When a folder cannot be read or written, or the host has no C compiler.
pub fn run(weft: &Weft, dir: &Path, out: &Path, filter: &str, table: &mut Table) -> Result<()> {
    fs::create_dir_all(out).with_context(|| format!("failed to make {}", out.display()))?;
    let entries = fs::read_dir(dir).with_context(|| format!("failed to read {}", dir.display()))?;
    let mut sources: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
    sources.sort();
    ensure!(!sources.is_empty(), "no programs in {}", dir.display());
    let engines = weft.engines()?;
    for source in sources {
        let name = source.file_stem().unwrap_or_default().to_string_lossy();
        if !name.contains(filter) {
            continue;
        }
        let native = out.join(format!("{name}-native"));
        let built = build("cc", &["-O2"], &source, &native)?;
        ensure!(
            built.succeeded(),
            "cc {}: {}",
            source.display(),
            built.reason()
        );
        let expected = run_limited(Command::new(&native).args(ARGUMENTS), LIMIT)?;
        for (label, compiler, options) in COMPILERS {
            let executable = out.join(format!("{name}-{label}"));
            let case = |what: &str, verdict: Verdict, elapsed: Duration| Case {
                name: format!("{name} {label} [{what}]"),
                verdict,
                elapsed,
            };
            match build(compiler, options, &source, &executable) {
                Ok(built) if built.succeeded() => {}
                Ok(built) => {
                    let reason = format!("{compiler}: {}", built.reason());
                    table.add(case("build", Verdict::Skip(reason), built.elapsed))?;
                    continue;
                }
                Err(_) => {
                    let reason = format!("{compiler} is not installed");
                    table.add(case("build", Verdict::Skip(reason), Duration::ZERO))?;
                    continue;
                }
            }
            let mut qemu = Command::new("qemu-riscv64");
            qemu.args(["-cpu", QEMU_CPU])
                .arg(&executable)
                .args(ARGUMENTS);
            if let Ok(finished) = run_limited(&mut qemu, LIMIT) {
                // QEMU 7.2 fails an assertion of its own on some vector code.
                let verdict = if finished.stderr.contains("Assertion") {
                    Verdict::Skip(finished.reason())
                } else {
                    compare(&finished, &expected)
                };
                table.add(case("QEMU", verdict, finished.elapsed))?;
            }
            for engine in &engines {
                let mut arguments = vec!["exec".to_owned(), "--engine".to_owned(), engine.clone()];
                arguments.push(executable.display().to_string());
                arguments.push("--".to_owned());
                arguments.extend(ARGUMENTS.map(str::to_owned));
                let finished = weft.command(&arguments)?;
                let verdict = compare(&finished, &expected);
                table.add(case(engine, verdict, finished.elapsed))?;
            }
        }
    }
    Ok(())
}

fn build(compiler: &str, options: &[&str], source: &Path, to: &Path) -> Result<Finished> {
    let mut command = Command::new(compiler);
    command
        .args(options)
        .args(COMMON)
        .arg(source)
        .arg("-o")
        .arg(to)
        .arg("-lm");
    run_limited(&mut command, LIMIT)
}

fn compare(found: &Finished, expected: &Finished) -> Verdict {
    let code = |finished: &Finished| finished.status.and_then(|status| status.code());
    if code(found) != code(expected) {
        return Verdict::Fail(format!("{}, native {:?}", found.reason(), code(expected)));
    }
    let lines = expected.stdout.lines().zip(found.stdout.lines());
    for (index, (expected, found)) in lines.enumerate() {
        if expected != found {
            return Verdict::Fail(format!(
                "line {}: `{found}`, native `{expected}`",
                index + 1
            ));
        }
    }
    if found.stdout.len() != expected.stdout.len() {
        return Verdict::Fail("a different number of lines".to_owned());
    }
    Verdict::Pass
}
