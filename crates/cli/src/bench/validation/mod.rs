//! `weft bench validation`: the models against what is known from outside, and against each
//! other.

mod explain;
mod kernels;
mod memory;
mod page;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Serialize;
use weft_chip::ChipFile;
use weft_chip::microbench::{self, Measured};
use weft_fleet::catalog::Catalog;
use weft_fleet::fit::{Report, Tables, fit};

use crate::print::say;
use kernels::{Case, Problem};
use memory::Device;

/// Validate the models: laws on measurements, the timing model against the laws, memory and
/// energy against published behaviour.
///
/// Kernels run on the timing model of W1 and are checked; nothing is measured on this host.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft bench validation --quick
  weft bench validation --tables crates/fleet/data/measured --page docs")]
pub(super) struct Arguments {
    /// Fit the laws to the measured tables of this directory, and state their errors.
    #[arg(long, value_name = "DIRECTORY")]
    tables: Option<PathBuf>,
    /// Only small kernels.
    #[arg(long)]
    quick: bool,
    /// Write validation.md into this directory.
    #[arg(long, value_name = "DIRECTORY")]
    page: Option<PathBuf>,
    /// Write all figures as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Everything that was found.
#[derive(Serialize)]
struct Validation {
    /// Errors of the laws on measurements.
    laws: Option<Report>,
    /// Kernels on the timing model.
    kernels: Vec<Case>,
    /// Memory devices on the timing model.
    memory: Vec<Device>,
    /// Microbenchmarks of W1 and of W0.
    chips: Vec<Measured>,
}

/// Measures and prints.
///
/// # Errors
/// When a table is broken, with its line; when a kernel fails; when a file cannot be written.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let laws = match &arguments.tables {
        None => None,
        Some(directory) => {
            let read = |name: &str| {
                let path = directory.join(format!("{name}.csv"));
                fs::read_to_string(&path)
                    .with_context(|| format!("failed to read {}", path.display()))
            };
            let mut texts = std::collections::BTreeMap::new();
            for name in [
                "gemm",
                "attention",
                "mixture",
                "all_reduce",
                "served",
                "offline",
            ] {
                texts.insert(name, read(name)?);
            }
            let tables = Tables::read(|name| texts.get(name).cloned().unwrap_or_default())?;
            Some(fit(&tables, &Catalog::builtin())?.1)
        }
    };
    let w1 = ChipFile::named("w1")?;
    let kernels: Result<Vec<Case>> = Problem::grid(arguments.quick)
        .into_iter()
        .map(|problem| {
            kernels::run(problem, &w1)
                .with_context(|| format!("{} of {}", problem.operator(), problem.sizes()))
        })
        .collect();
    let mut chips = Vec::new();
    let mut devices = Vec::new();
    for name in ["w1", "w1-hbm2", "w1-gddr6", "w0"] {
        let file = ChipFile::named(name)?;
        let measured =
            microbench::run(&file).with_context(|| format!("failed to measure {name}"))?;
        if name != "w0" {
            devices.push(Device::of(&file, &measured));
        }
        if name == "w1" || name == "w0" {
            chips.push(measured);
        }
    }
    let validation = Validation {
        laws,
        kernels: kernels?,
        memory: devices,
        chips,
    };
    let text = page::page(&validation);
    if let Some(path) = &arguments.json {
        fs::write(path, serde_json::to_string_pretty(&validation)?)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    if let Some(directory) = &arguments.page {
        let path = directory.join("validation.md");
        fs::write(&path, &text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    say(&text)
}
