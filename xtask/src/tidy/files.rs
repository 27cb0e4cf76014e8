//! Rules for single files: what git would commit, read once, without parsing Rust.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Largest file that may be committed, in bytes. Anything larger is fetched or generated.
const BLOB_BYTES_MAX: u64 = 1 << 20;

/// Text that names one machine or one mirror. Split, so that this file passes its own rule.
const MACHINE_TEXT: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("crates.io", "/api"),
    concat!("py", "pi.org"),
    concat!("files.python", "hosted.org"),
    concat!("registry.", "npmjs"),
    concat!("deb.", "debian"),
];

/// Findings about every file that git tracks or would add.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for name in committed(root)? {
        let path = root.join(&name);
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue; // Deleted in the working tree, not yet in the index.
        };
        if !metadata.is_file() {
            continue;
        }
        if metadata.len() > BLOB_BYTES_MAX {
            findings.push(format!(
                "{name}: {} bytes; at most {BLOB_BYTES_MAX} are committed",
                metadata.len()
            ));
            continue;
        }
        let bytes = fs::read(&path).with_context(|| format!("failed to read {name}"))?;
        // Binary test inputs (object files, fatbins) carry no rules but their size.
        if let Ok(text) = std::str::from_utf8(&bytes) {
            check_text(&name, text, &mut findings);
        }
    }
    Ok(findings)
}

/// Names relative to `root` of all files that are tracked, or untracked and not ignored.
fn committed(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("failed to start git ls-files")?;
    ensure!(
        output.status.success(),
        "git ls-files failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    Ok(names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}

fn check_text(name: &str, text: &str, findings: &mut Vec<String>) {
    for (index, line) in text.lines().enumerate() {
        for machine in MACHINE_TEXT {
            if line.contains(machine) {
                findings.push(format!("{name}:{}: names {machine}", index + 1));
            }
        }
        if line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") {
            findings.push(format!("{name}:{}: conflict marker", index + 1));
        }
    }
    if name.ends_with(".rs") && !has_module_docs(text) {
        findings.push(format!("{name}: begins without module docs (//!)"));
    }
}

/// Whether the first thing said in a Rust file, comments and inner attributes aside, is what
/// the module is for.
fn has_module_docs(text: &str) -> bool {
    let first = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with("#!") && !is_plain_comment(line));
    first.is_some_and(|line| line.starts_with("//!"))
}

fn is_plain_comment(line: &str) -> bool {
    line.starts_with("//") && !line.starts_with("//!") && !line.starts_with("///")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings_of(name: &str, text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        check_text(name, text, &mut findings);
        findings
    }

    #[test]
    fn module_docs_may_follow_comments_and_attributes() {
        assert!(has_module_docs("// Copyright.\n#![no_std]\n\n//! Docs.\n"));
        assert!(has_module_docs("//! Docs.\nuse x;"));
    }

    #[test]
    fn a_file_without_module_docs_is_found() {
        assert_eq!(findings_of("a.rs", "use x;\n//! Late.\n").len(), 1);
        assert_eq!(
            findings_of("a.rs", "/// Docs of an item.\nfn f() {}\n").len(),
            1
        );
        assert_eq!(findings_of("a.rs", "").len(), 1);
        assert_eq!(findings_of("a.ptx", "").len(), 0);
    }

    #[test]
    fn machine_paths_are_found_with_their_line() {
        let text = format!("//! Docs.\n// see {}x\n", MACHINE_TEXT[0]);
        let findings = findings_of("a.rs", &text);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("a.rs:2: "), "{findings:?}");
    }

    #[test]
    fn the_source_of_a_locked_package_is_no_machine_text() {
        let line = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
        assert_eq!(findings_of("Cargo.lock", line), Vec::<String>::new());
    }
}
