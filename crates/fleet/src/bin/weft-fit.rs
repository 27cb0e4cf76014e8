//! `cargo xtask fit`: fits the performance models to measured tables, writes the constants with
//! their errors, and checks the bars.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use weft_fleet::catalog::Catalog;
use weft_fleet::fit::{Tables, fit};

const USAGE: &str = "\
Fit the performance models to measured tables.

Usage: cargo xtask fit [--check] [--json FILE] [--tables DIRECTORY]

  --check              change nothing; fail when the constants in the tree are stale or a bar
                       is missed
  --json FILE          write every error, rejected row and bar as JSON
  --tables DIRECTORY   report on these tables instead of the sample in the tree, and change
                       nothing; crates/fleet/data/measured/extract.py --all makes them from the
                       PyPI package aiconfigurator-core
";

fn main() -> ExitCode {
    match run() {
        Ok(held) if held => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, String> {
    let mut check = false;
    let mut json: Option<PathBuf> = None;
    let mut tables_at: Option<PathBuf> = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .map(PathBuf::from)
                .ok_or(format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--check" => check = true,
            "--json" => json = Some(value()?),
            "--tables" => tables_at = Some(value()?),
            "--help" | "-h" => {
                say(USAGE);
                return Ok(true);
            }
            _ => return Err(format!("unknown argument {argument}\n\n{USAGE}")),
        }
    }
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let own = data.join("measured");
    let mut texts = Vec::new();
    for name in [
        "gemm",
        "attention",
        "mixture",
        "all_reduce",
        "served",
        "offline",
    ] {
        let at = tables_at
            .as_deref()
            .unwrap_or(&own)
            .join(format!("{name}.csv"));
        // The offline results are in the tree only.
        let at = if at.exists() {
            at
        } else {
            own.join(format!("{name}.csv"))
        };
        let text = fs::read_to_string(&at).map_err(|error| format!("{}: {error}", at.display()))?;
        texts.push((name, text));
    }
    let read = |wanted: &'static str| {
        texts
            .iter()
            .find(|(name, _)| *name == wanted)
            .map(|(_, text)| text.clone())
            .unwrap_or_default()
    };
    let tables = Tables::read(read).map_err(|error| error.to_string())?;
    let (constants, report) =
        fit(&tables, &Catalog::builtin()).map_err(|error| error.to_string())?;
    say(&report.table());
    if let Some(path) = json {
        let bars = report.bars();
        let text =
            serde_json::to_string_pretty(&serde_json::json!({ "fit": report, "bars": bars }))
                .map_err(|error| error.to_string())?;
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let held = report.bars().iter().all(|bar| bar.held);
    if tables_at.is_some() {
        return Ok(held);
    }
    let written = format!(
        "# Written by `cargo xtask fit` from the tables of data/measured. Shares are of peak, times in seconds.\n\
         # Errors are on rows of shapes that were held out of the fit.\n\n{}",
        toml::to_string(&constants).map_err(|error| error.to_string())?
    );
    let path = data.join("constants.toml");
    if check {
        let stale = fs::read_to_string(&path).map_err(|error| error.to_string())? != written;
        if stale {
            complain("data/constants.toml is stale: run cargo xtask fit");
        }
        return Ok(held && !stale);
    }
    fs::write(&path, written).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(held)
}

#[expect(clippy::print_stdout, reason = "the result")]
fn say(text: &str) {
    print!("{text}");
}

#[expect(clippy::print_stderr, reason = "the program's own failure")]
fn complain(error: &str) {
    eprintln!("error: {error}");
}
