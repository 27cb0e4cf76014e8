//! Developer tasks, run as `cargo xtask TASK`.
//!
//! Each task is one module with an argument type and a `run`. A task either does its work
//! here (`tidy`) or starts the crate that does (`bench`, `conformance`, `fuzz`), so that
//! `cargo xtask` itself builds in seconds. Nothing here is shipped.
#![forbid(unsafe_code)]

mod cargo;
mod delegate;
mod kernels;
mod tidy;
mod toolchain;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Developer tasks of the Weft workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check the rules that no lint can: who may depend on whom, module docs, file hygiene.
    Tidy(tidy::Arguments),
    /// Rewrite the expected output of file tests from what the code does now.
    Bless(delegate::BlessArguments),
    /// Feed mutated and generated input to every parser, decoder and to the compiler.
    Fuzz(delegate::PassedArguments),
    /// Install the CUDA compiler and the Python clients from PyPI, without a GPU.
    Toolchain(toolchain::Arguments),
    /// Compile CUDA sources: the PTX in the tree, or the example programs.
    Kernels(kernels::Arguments),
    /// Run outside suites against the built libraries.
    Conformance(delegate::PassedArguments),
    /// Fit the performance models of `weft-fleet` to measured tables, and check the errors.
    Fit(delegate::PassedArguments),
    /// Measure host time on fixed workloads.
    Bench(delegate::PassedArguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Tidy(arguments) => tidy::run(&arguments),
        Task::Bless(arguments) => delegate::bless(&arguments),
        Task::Fuzz(arguments) => delegate::fuzz(&arguments),
        Task::Toolchain(arguments) => toolchain::run(&arguments),
        Task::Kernels(arguments) => kernels::run(&arguments),
        Task::Conformance(arguments) => delegate::conformance(&arguments),
        Task::Fit(arguments) => delegate::fit(&arguments),
        Task::Bench(arguments) => delegate::bench(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the one place where a task's failure is told"
)]
fn report(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
