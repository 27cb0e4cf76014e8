//! Host-time benchmarks: `cargo xtask bench NAME`. README.md says what and why.

mod chip;
mod compile;
mod first_light;
mod isa;
mod machine;
mod matrix;
mod native;
mod opencl;
mod simulator;
mod spread;
mod timed;

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

/// Measure host time on fixed workloads.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    #[command(subcommand)]
    benchmark: Benchmark,
    /// Measurements of each kind; the first of all is preceded by one that is thrown away.
    #[arg(long, global = true, default_value = "11")]
    runs: NonZeroU32,
    /// Keep the output in benches/runs/, named by date.
    #[arg(long, global = true)]
    keep: bool,
}

#[derive(Subcommand)]
enum Benchmark {
    /// Vector add, tiled SGEMM and Mandelbrot on the chip against native loops, and against OpenCL
    /// on the host's processor where PoCL or the like is installed.
    FirstLight,
    /// The same kernels with the timing model on, against without.
    Timed,
    /// A million requests through simulated fleets.
    Simulator,
    /// PTX instructions parsed and compiled per second, against Nvidia's assembler if it is there.
    Compile,
    /// Products of matrices on the chip against products in the host's registers.
    Matrix,
    /// Loops of RISC-V instructions on one core of the chip, on QEMU, on Spike and natively.
    /// Needs clang-22; without qemu-riscv64 or spike their columns are empty.
    Isa {
        /// Write the figures to this file as JSON.
        #[arg(long)]
        json: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let (name, table) = match &arguments.benchmark {
        Benchmark::FirstLight => ("first-light", first_light::run(arguments.runs)?),
        Benchmark::Timed => ("timed", timed::run(arguments.runs)?),
        Benchmark::Simulator => ("simulator", simulator::run(arguments.runs)?),
        Benchmark::Compile => ("compile", compile::run(arguments.runs)?),
        Benchmark::Matrix => ("matrix", matrix::run(arguments.runs)?),
        Benchmark::Isa { json } => {
            let (table, figures) = isa::run(arguments.runs)?;
            if let Some(path) = json {
                let text = format!("{figures:#}\n");
                fs::write(path, text)
                    .with_context(|| format!("failed to write {}", path.display()))?;
            }
            ("isa", table)
        }
    };
    let command = format!("cargo xtask bench {name} --runs {}", arguments.runs);
    let text = format!("{}\ncommand: {command}\n\n{table}", machine::describe()?);
    say(&text);
    if arguments.keep {
        keep(name, &text)?;
    }
    Ok(())
}

/// Writes `text` to a file of its own under `runs/`.
fn keep(name: &str, text: &str) -> Result<()> {
    let runs = Path::new(env!("CARGO_MANIFEST_DIR")).join("runs");
    fs::create_dir_all(&runs).context("failed to make benches/runs")?;
    let stem = format!("{}-{name}", machine::date()?);
    let path = (1..)
        .map(|number| runs.join(format!("{stem}-{number}.txt")))
        .find(|path| !path.exists())
        .context("no free name in benches/runs")?;
    fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
}

#[expect(clippy::print_stdout, reason = "the result")]
fn say(text: &str) {
    print!("{text}");
}

#[expect(clippy::print_stderr, reason = "the program's own failure")]
fn complain(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
