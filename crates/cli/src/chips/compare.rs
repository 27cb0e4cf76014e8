//! `weft chips compare`: chips side by side on one model.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use weft_fleet::catalog::Catalog;
use weft_fleet::compare::{Row, compare};
use weft_fleet::model;
use weft_fleet::perf::Precision;
use weft_fleet::perf::constants::Constants;

use super::{picture, table};
use crate::print::say;

/// Compare chips on one model: speed, latency, memory, energy and cost of a card.
///
/// Figures come from performance models. `model error` is their mean error on matrix products
/// that were held out of the fit; `modelled` means that constants come from microbenchmarks of a
/// timing model, `assumed` that nobody measured the chip.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft chips compare w1 l4 h100-sxm --model qwen3-8b --isl 1024 --osl 256
  weft chips compare w1 l4 --model qwen2.5-7b --price w1=0.25 --price l4=0.8 --html compare.html")]
pub(super) struct Arguments {
    /// Chips to compare.
    #[arg(required = true)]
    chips: Vec<String>,
    /// The model.
    #[arg(long, default_value = "qwen3-8b")]
    model: String,
    /// Tokens of a prompt.
    #[arg(long, default_value = "1024")]
    isl: u32,
    /// Tokens of an output.
    #[arg(long, default_value = "256")]
    osl: u32,
    /// Precision of the weights: bf16, fp8, int8, fp4, int8-weight or int4-weight; the best of
    /// INT8, FP8 and BF16 that each chip has when absent.
    #[arg(long)]
    precision: Option<Precision>,
    /// Cost of a card, CHIP=USD_PER_HOUR; the catalogue's rent when absent.
    #[arg(long, value_parser = price)]
    price: Vec<(String, f64)>,
    /// Write the comparison as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write a page with pictures: roofline, speed, and speed for a kilowatt.
    #[arg(long)]
    html: Option<PathBuf>,
}

fn price(text: &str) -> Result<(String, f64), String> {
    let (chip, usd) = text.split_once('=').ok_or("expected CHIP=USD_PER_HOUR")?;
    let usd: f64 = usd.parse().map_err(|_| format!("`{usd}` is no price"))?;
    if usd > 0.0 && usd.is_finite() {
        Ok((chip.to_owned(), usd))
    } else {
        Err(format!("`{usd}` is no price"))
    }
}

/// Compares.
///
/// # Errors
/// When a chip or model is unknown, or a file cannot be written.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let catalog = Catalog::builtin();
    let constants = Constants::builtin();
    let model = model::find(&arguments.model)?;
    let lengths = (f64::from(arguments.isl), f64::from(arguments.osl));
    let mut rows: Vec<Row> = Vec::new();
    let mut impossible = Vec::new();
    for name in &arguments.chips {
        let chip = catalog.chip(name)?;
        let price = arguments
            .price
            .iter()
            .find(|(of, _)| catalog.chip(of).is_ok_and(|it| it.id == chip.id));
        let price = price.map(|(_, usd)| *usd);
        match compare(
            chip,
            &model,
            arguments.precision,
            lengths,
            price,
            &constants,
        ) {
            Ok(row) => rows.push(row),
            Err(why) => impossible.push(format!("{}: {why}", chip.id)),
        }
    }
    say(&table::comparison(&rows, &impossible))?;
    if let Some(path) = &arguments.json {
        let value = serde_json::json!({
            "model": model.id, "isl": arguments.isl, "osl": arguments.osl,
            "chips": rows, "impossible": impossible,
        });
        fs::write(path, serde_json::to_string_pretty(&value)?)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    if let Some(path) = &arguments.html {
        let title = format!(
            "{}, {} tokens in, {} out",
            model.id, arguments.isl, arguments.osl
        );
        fs::write(path, picture::page(&title, &rows)?)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
