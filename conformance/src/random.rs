//! Random CUDA programs, each compared with the CPU: `conformance/python/random_programs.py` writes them,
//! nvcc compiles them once for the host and once for the device.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::process::{Weft, run_limited};
use crate::table::{Case, Table, Verdict};

/// Functions in one program: enough for nvcc's start-up not to count.
const FUNCTIONS: &str = "20";

/// Time that one compilation may take.
const BUILD_LIMIT: Duration = Duration::from_secs(300);

/// Writes, builds and runs the programs of `seeds` in the folder `out`. A failure names the seed, with
/// which the same program is written again, and the first kernel that differs.
///
/// # Errors
/// When the toolchain is missing or a program cannot be started.
pub fn run(
    weft: &Weft,
    toolchain: &Path,
    seeds: Range<u32>,
    out: &Path,
    table: &mut Table,
) -> Result<()> {
    let (python, nvcc) = (
        toolchain.join("bin/python"),
        toolchain.join("cuda/bin/nvcc"),
    );
    ensure!(
        python.exists() && nvcc.is_file(),
        "{} holds no toolchain: run `cargo xtask toolchain`",
        toolchain.display()
    );
    fs::create_dir_all(out).with_context(|| format!("failed to create {}", out.display()))?;
    for seed in seeds {
        let source = out.join(format!("seed_{seed}.cu"));
        let program = out.join(format!("seed_{seed}"));
        write(&python, seed, &source)?;
        build(&nvcc, &source, &program)?;
        let none: &[&str] = &[];
        let finished = weft.run(std::path::absolute(&program)?, none, None)?;
        let differing = finished
            .stdout
            .lines()
            .find(|line| line.starts_with("kernel_"));
        let verdict = match differing {
            None if finished.succeeded() => Verdict::Pass,
            None => Verdict::Fail(finished.reason()),
            Some(line) => Verdict::Fail(line.to_owned()),
        };
        table.add(Case {
            name: format!("seed {seed}"),
            verdict,
            elapsed: finished.elapsed,
        })?;
    }
    Ok(())
}

fn write(python: &Path, seed: u32, source: &Path) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/random_programs.py");
    let written = run_limited(
        Command::new(python)
            .arg(script)
            .args([&seed.to_string(), FUNCTIONS]),
        BUILD_LIMIT,
    )?;
    ensure!(
        written.succeeded(),
        "failed to write seed {seed}: {}",
        written.reason()
    );
    fs::write(source, written.stdout)
        .with_context(|| format!("failed to write {}", source.display()))
}

fn build(nvcc: &Path, source: &Path, program: &Path) -> Result<()> {
    // For check.cuh, which the programs include.
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/cuda");
    let built = run_limited(
        Command::new(nvcc)
            .args(["-std=c++17", "-w", "-cudart", "shared"])
            .arg("-gencode=arch=compute_80,code=compute_80")
            .arg("-I")
            .arg(include)
            .arg(source)
            .arg("-o")
            .arg(program),
        BUILD_LIMIT,
    )?;
    ensure!(
        built.succeeded(),
        "failed to build {}: {}",
        source.display(),
        built.reason()
    );
    Ok(())
}
