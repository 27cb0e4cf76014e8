//! `weft chips`: the catalogue of accelerators, and comparisons of them on a model.

mod compare;
pub(crate) mod picture;
pub(crate) mod table;

use std::process::ExitCode;

use anyhow::Result;
use weft_fleet::catalog::Catalog;

use crate::print::say;

/// List and compare accelerators.
///
/// A number is followed by a letter for how it is known: p published by the maker, r reported by
/// others, d derived, m from memory, a assumed. A dash means that no public figure was found.
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  weft chips                        all chips
  weft chips --vendor huawei        those of one vendor
  weft chips h100-sxm --json        everything known of one, with sources
  weft chips compare w1 l4 --model qwen3-8b"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Chips to list; all when none is named.
    chips: Vec<String>,
    /// List only chips of vendors whose name contains this.
    #[arg(long)]
    vendor: Option<String>,
    /// Print JSON with unit, source and status of every number.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum Command {
    Compare(compare::Arguments),
}

/// Lists or compares.
///
/// # Errors
/// When a chip is unknown.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(Command::Compare(arguments)) = &arguments.command {
        return compare::run(arguments);
    }
    let catalog = Catalog::builtin();
    let mut chips = Vec::new();
    if arguments.chips.is_empty() {
        chips.extend(catalog.chips());
    }
    for name in &arguments.chips {
        chips.push(catalog.chip(name)?);
    }
    if let Some(vendor) = &arguments.vendor {
        let wanted = vendor.to_lowercase();
        chips.retain(|chip| chip.vendor.to_lowercase().contains(&wanted));
    }
    if arguments.json {
        say(&serde_json::to_string_pretty(&chips)?)?;
    } else {
        say(&table::catalogue(&chips))?;
    }
    Ok(ExitCode::SUCCESS)
}
