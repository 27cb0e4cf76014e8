//! `weft run`: a CUDA program, unmodified, with Weft's libraries on its loader's path.
//!
//! The program is a child process. Its standard streams are ours, signals sent to us reach it,
//! and its exit status becomes ours. Each process that used the library leaves a report when
//! it exits; they are merged and shown, or written to a file.

mod child;
mod libraries;
mod program;
mod trace;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use weft_chip::ChipFile;

use crate::failure;
use crate::report::Report;

/// Exit status for failures of `weft run` itself, as `env` and `timeout` have it: 126 and 127
/// mean that the program could not be started, anything else is the program's own.
pub(super) const STATUS_OWN_FAILURE: u8 = 125;

/// Run an unmodified CUDA program on the chip.
///
/// The program must reach CUDA through shared libraries: the driver API (libcuda.so.1), or the
/// runtime API linked with `nvcc -cudart shared`. Python programs that use the driver API
/// count. Only PTX can be run; machine code for Nvidia GPUs cannot.
///
/// The exit status is the program's own, or 128 + N when signal N ended it. It is 125 when
/// weft itself failed, 126 when the program could not be executed, 127 when it was not found.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft run -- ./vector_add 1000000
  weft run --report report.json -- python3 train.py
  weft run --engine-threads 1 -- ./my_cuda_program
  weft run --timing -- ./my_cuda_program
  weft run --timing --chip w1-hbm2 --report report.json --trace trace.json -- ./my_cuda_program")]
pub(crate) struct Arguments {
    /// Write the merged launch report as JSON to FILE instead of a summary to stderr.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Host threads that execute the chip's cores [default: all that the host has].
    #[arg(long, value_name = "N")]
    engine_threads: Option<std::num::NonZeroUsize>,

    /// Compute capability that programs see [default: 8.9].
    #[arg(long, value_name = "MAJOR.MINOR", value_parser = compute_capability)]
    cc: Option<String>,

    /// Time every launch on the model of the chip: cycles, seconds and joules in the report.
    #[arg(long)]
    timing: bool,

    /// The chip: a built-in one (w1, w0, w1-hbm2, w1-gddr6) or a chip file.
    #[arg(long, value_name = "NAME|FILE")]
    chip: Option<String>,

    /// Write a trace of modelled time to FILE, for Perfetto (ui.perfetto.dev). Implies --timing.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,

    /// Print every driver call with its arguments, result and duration to stderr.
    #[arg(long)]
    trace_calls: bool,

    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Runs the program and returns its exit status.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let prepared = prepare(arguments).map_err(own_failure)?;
    if let Some(concern) = program::concern(prepared.command.get_program()) {
        failure::warn(&concern.message, Some(concern.hint));
    }
    let ended = child::run(prepared.command)?;
    match show(arguments, prepared.reports.path()) {
        Ok(()) => {}
        // The program's own failure says more than that of its report.
        Err(error) if !ended.succeeded() => {
            failure::report(&error);
        }
        Err(error) => return Err(own_failure(error)),
    }
    Ok(ended.exit_code())
}

fn show(arguments: &Arguments, reports: &Path) -> Result<()> {
    let report = Report::collect(reports)?;
    match &arguments.report {
        Some(file) => report.write(file)?,
        None => report.summarise(),
    }
    if let Some(file) = &arguments.trace {
        trace::merge(reports, file)?;
    }
    if report.launches() == 0 {
        failure::warn("no kernel was launched", None);
    }
    Ok(())
}

fn own_failure(error: anyhow::Error) -> anyhow::Error {
    failure::with_status(error, STATUS_OWN_FAILURE)
}

/// A program that is ready to start.
struct Prepared {
    command: std::process::Command,
    /// Where the library leaves its reports; removed when dropped.
    reports: tempfile::TempDir,
}

fn prepare(arguments: &Arguments) -> Result<Prepared> {
    let directory = libraries::directory()?;
    let reports = tempfile::Builder::new()
        .prefix("weft-report-")
        .tempdir()
        .context("failed to make a directory for launch reports")?;

    let (program, rest) = arguments
        .program
        .split_first()
        .context("no program is named")?;
    let mut command = std::process::Command::new(program);
    command.args(rest);
    command.env("LD_LIBRARY_PATH", libraries::loader_path(&directory));
    command.env("WEFT_REPORT_DIR", reports.path());
    // Triton makes machine code with an assembler, and links its launcher with libcuda.
    if let Some(assembler) = libraries::assembler() {
        for name in ["TRITON_PTXAS_PATH", "TRITON_PTXAS_BLACKWELL_PATH"] {
            command.env(name, &assembler);
        }
    }
    command.env("TRITON_LIBCUDA_PATH", &directory);
    if let Some(threads) = arguments.engine_threads {
        command.env("WEFT_THREADS", threads.to_string());
    }
    if let Some(capability) = &arguments.cc {
        command.env("WEFT_CC", capability);
    }
    if let Some(chip) = &arguments.chip {
        // A wrong chip is the user's mistake, told before the program starts.
        ChipFile::named(chip)?;
        let is_file = Path::new(chip).is_file();
        let name = if is_file {
            fs::canonicalize(chip)?.into_os_string()
        } else {
            chip.into()
        };
        command.env("WEFT_CHIP", name);
    }
    if arguments.timing || arguments.trace.is_some() {
        command.env("WEFT_TIMING", "1");
    }
    if arguments.trace.is_some() {
        command.env("WEFT_TIMELINE", "1");
    }
    if arguments.trace_calls {
        command.env("WEFT_TRACE", "1");
    }
    Ok(Prepared { command, reports })
}

/// Accepts `MAJOR.MINOR`, each a small number.
pub(crate) fn compute_capability(text: &str) -> Result<String, String> {
    let parts = text
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u8>().ok()?, minor.parse::<u8>().ok()?)));
    match parts {
        Some((major, minor)) if minor < 10 => Ok(format!("{major}.{minor}")),
        _ => Err("not of the form MAJOR.MINOR, such as 8.9".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::compute_capability;

    #[test]
    fn a_capability_is_two_numbers() {
        assert_eq!(compute_capability("8.9"), Ok("8.9".to_owned()));
        assert_eq!(compute_capability("12.0"), Ok("12.0".to_owned()));
        for bad in ["", "8", "8.", ".9", "8.9.1", "8.10", "sm_89", "-8.9"] {
            assert!(compute_capability(bad).is_err(), "{bad}");
        }
    }
}
