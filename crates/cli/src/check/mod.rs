//! `weft check`: will it run, and what is missing, where.
//!
//! Only what is in the files is looked at, and nothing is predicted that was not checked: every
//! kernel that comes as PTX is compiled, every function and library that a program names is
//! looked up. Python code says too little about the CUDA it will use; it is listed as such.

mod kernels;
mod libraries;
mod report;
mod sources;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use report::{FileReport, Report};
use sources::Source;

/// Say whether CUDA programs will run on the chip, and what is missing.
///
/// Takes executables, shared libraries, wheels, PTX, cubins, fatbins, and folders of them. Every
/// kernel that comes as PTX is compiled; functions and libraries are looked up by name.
///
/// The exit status is 0 when nothing is missing, 1 when something is, 2 when a path could not be
/// read.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft check ./my_cuda_program
  weft check kernels.ptx plugin.so
  weft check --json report.json dist/*.whl")]
pub(crate) struct Arguments {
    /// Files and folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Write the findings as JSON to FILE instead of text to stdout.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Compute capability of the device [default: 8.9].
    #[arg(long, value_name = "MAJOR.MINOR", value_parser = crate::run::compute_capability)]
    cc: Option<String>,
}

/// Exit status when a path could not be read.
const STATUS_UNREADABLE: u8 = 2;

/// Checks all paths.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let capability = arguments.cc.as_deref().map_or((8, 9), |text| {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        (major.parse().unwrap_or(8), minor.parse().unwrap_or(9))
    });
    let mut files = Vec::new();
    for path in &arguments.paths {
        let found = sources::collect(path)
            .map_err(|error| crate::failure::with_status(error, STATUS_UNREADABLE))?;
        for source in found {
            files.extend(check(&source, capability));
        }
    }
    let report = Report::new(capability, files);
    match &arguments.json {
        Some(path) => report
            .write(path)
            .with_context(|| format!("failed to write {}", path.display()))?,
        None => report.show()?,
    }
    Ok(if report.is_complete() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Checks one file; nothing if it has nothing to do with CUDA.
fn check(source: &Source, capability: (u32, u32)) -> Option<FileReport> {
    let mut report = FileReport::new(&source.name);
    if source.is_python() {
        return libraries::python(&source.bytes).map(|packages| {
            report.kind = "Python";
            report.notes.push(format!(
                "uses {}; what it compiles at run time cannot be seen here",
                packages.join(", ")
            ));
            report
        });
    }
    match weft_ptx::elf::classify(&source.bytes) {
        Ok(weft_ptx::elf::Image::Ptx) => {
            report.kind = "PTX";
            kernels::check_ptx(&source.name, &source.bytes, capability, &mut report);
        }
        Ok(weft_ptx::elf::Image::Fatbin) => {
            report.kind = "fatbin";
            match weft_ptx::fatbin::entries(&source.bytes, 0) {
                Ok(entries) => {
                    kernels::check_fatbin(&source.name, &entries, capability, &mut report)
                }
                Err(error) => report.missing.push(format!("unreadable: {error}")),
            }
        }
        Ok(weft_ptx::elf::Image::MachineCode) => {
            report.kind = "cubin";
            report.machine_code += 1;
            report
                .missing
                .push("PTX: machine code for Nvidia GPUs is not translated".to_owned());
        }
        Ok(weft_ptx::elf::Image::OtherElf(_)) => {
            libraries::check_program(source, capability, &mut report)?;
        }
        Ok(weft_ptx::elf::Image::FatbinWrapper) | Err(_) => return None,
    }
    Some(report)
}
