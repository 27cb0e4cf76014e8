//! `tidy`: the rules of the workspace that neither rustc nor clippy can check.
//!
//! [`edges`] compares the dependency graph with the allow-list of ARCHITECTURE.md;
//! [`files`] looks at every file that git would commit. All findings are collected and
//! printed, so that one run shows everything there is to mend.

mod edges;
mod files;

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use crate::cargo::{cargo, workspace_root};

/// Arguments of `tidy`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Root of the workspace to check; this one when absent.
    #[arg(long)]
    root: Option<PathBuf>,
}

/// Checks the workspace.
///
/// # Errors
/// When cargo or git cannot be asked, or when there is a finding.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = arguments.root.clone().unwrap_or_else(workspace_root);
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(&root)
        .output()
        .context("failed to start cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let metadata: edges::Metadata =
        serde_json::from_slice(&output.stdout).context("failed to read cargo metadata")?;

    let mut findings = edges::check(&metadata);
    findings.extend(files::check(&root)?);
    findings.sort();
    print(&findings);
    ensure!(findings.is_empty(), "tidy: {} finding(s)", findings.len());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "findings are the task's output")]
fn print(findings: &[String]) {
    for finding in findings {
        println!("{finding}");
    }
}
