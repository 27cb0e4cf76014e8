//! Tasks that build and start another crate of the workspace with optimisation on.
//!
//! They take the arguments of that crate's program and add nothing to its output.

use anyhow::Result;

use crate::cargo::{cargo, succeed};

/// Arguments handed on unread.
#[derive(clap::Args)]
pub(crate) struct PassedArguments {
    /// Arguments of the task's own program; `--help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Arguments of `bless`.
#[derive(clap::Args)]
pub(crate) struct BlessArguments {
    /// Packages whose file tests are rewritten; all when none is named.
    packages: Vec<String>,
}

/// Runs the file tests with `WEFT_BLESS=1`, which makes them write what they would compare.
pub(crate) fn bless(arguments: &BlessArguments) -> Result<()> {
    let mut command = cargo();
    command.arg("test").env("WEFT_BLESS", "1");
    if arguments.packages.is_empty() {
        command.arg("--workspace");
    }
    for package in &arguments.packages {
        command.args(["--package", package]);
    }
    succeed(&mut command)
}

/// Runs the fuzz targets on the stable toolchain.
pub(crate) fn fuzz(arguments: &PassedArguments) -> Result<()> {
    succeed(release_program("weft-fuzz").args(&arguments.arguments))
}

/// Runs the conformance suites.
pub(crate) fn conformance(arguments: &PassedArguments) -> Result<()> {
    succeed(release_program("weft-conformance").args(&arguments.arguments))
}

/// Runs the fit of the performance models.
pub(crate) fn fit(arguments: &PassedArguments) -> Result<()> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--release", "--package", "weft-fleet"]);
    command.args(["--bin", "weft-fit", "--"]);
    succeed(command.args(&arguments.arguments))
}

/// Runs a benchmark by name.
pub(crate) fn bench(arguments: &PassedArguments) -> Result<()> {
    let mut command = program("weft-benches");
    command.args(["--features", "weft-benches/jit", "--"]);
    succeed(command.args(&arguments.arguments))
}

fn release_program(package: &str) -> std::process::Command {
    let mut command = program(package);
    command.arg("--");
    command
}

fn program(package: &str) -> std::process::Command {
    let mut command = cargo();
    command.args(["run", "--quiet", "--release", "--package", package]);
    command
}
