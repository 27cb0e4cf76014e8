//! `weft bench`: measurements that users repeat.

mod chip;
mod fleet;
mod llm;
mod serve;
mod validation;

pub(crate) use llm::Quant;

use std::process::ExitCode;

use anyhow::Result;

/// Measure speed.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(clap::Subcommand)]
enum Benchmark {
    Chip(chip::Arguments),
    Fleet(fleet::Arguments),
    Llm(llm::Arguments),
    Validation(validation::Arguments),
    Serve(serve::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.benchmark {
        Benchmark::Chip(arguments) => chip::run(arguments)?,
        Benchmark::Fleet(arguments) => fleet::run(arguments)?,
        Benchmark::Llm(arguments) => llm::run(arguments)?,
        Benchmark::Validation(arguments) => validation::run(arguments)?,
        Benchmark::Serve(arguments) => serve::run(arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}
