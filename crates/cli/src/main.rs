//! The `weft` command: parse, call, print.
//!
//! Each subcommand is a module with an argument type and a `run` that returns the exit status.
//! Data goes to stdout, everything else to stderr. A failure is one line `error: ...`,
//! followed after a blank line by `hint: ...` where there is something to be done about it.
#![forbid(unsafe_code)]

mod bench;
mod chat;
mod check;
mod chips;
mod compile;
mod download;
mod exec;
mod failure;
mod model;
mod plan;
mod print;
mod pull;
mod report;
mod route;
mod run;
mod serve;
mod simulate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Run CUDA programs on a RISC-V inference chip in software.
///
/// Weft compiles the PTX of CUDA programs to RISC-V vector code and executes it on a model of
/// the chip, inside the program's own process. No GPU, driver, daemon or root is needed.
#[derive(Parser)]
#[command(name = "weft", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Chat(chat::Arguments),
    Serve(serve::Arguments),
    Pull(pull::Arguments),
    Route(route::Arguments),
    Run(run::Arguments),
    Bench(bench::Arguments),
    Check(check::Arguments),
    Compile(compile::Arguments),
    Exec(exec::Arguments),
    Report(report::Arguments),
    Chips(chips::Arguments),
    Simulate(simulate::Arguments),
    Plan(plan::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Chat(arguments) => chat::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Pull(arguments) => pull::run(&arguments),
        Command::Route(arguments) => route::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Compile(arguments) => compile::run(&arguments),
        Command::Exec(arguments) => exec::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Chips(arguments) => chips::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
    };
    result.unwrap_or_else(|error| failure::report(&error))
}
