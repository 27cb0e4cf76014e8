//! `weft report`: a report of `weft run --timing --report` for people.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use super::{Report, page, sections};

/// Show a launch report: limits, memory, stalls and source lines of each kernel.
///
/// FILE is what `weft run --timing --report FILE` wrote. With a second file the two runs are
/// compared, kernel by kernel.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft run --timing --report a.json -- ./my_cuda_program
  weft report a.json
  weft report a.json b.json --html comparison.html")]
pub(crate) struct Arguments {
    /// The report.
    file: PathBuf,

    /// Another one, to compare with.
    other: Option<PathBuf>,

    /// Write one self-contained HTML page to FILE.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Shows the report and returns the exit status.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let report = read(&arguments.file)?;
    let other = arguments.other.as_deref().map(read).transpose()?;
    if let Some(file) = &arguments.html {
        fs::write(file, page::render(&report, other.as_ref()))
            .with_context(|| format!("failed to write {}", file.display()))?;
    }
    std::io::stdout()
        .write_all(sections::render(&report, other.as_ref()).as_bytes())
        .context("failed to write to stdout")?;
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Report> {
    let text =
        fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is no report of weft run", path.display()))
}
