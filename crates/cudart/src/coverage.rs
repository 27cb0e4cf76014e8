//! `docs/cudart-coverage.md` and `.json`: which functions of the runtime API there are.
//!
//! The tables are made from what the library exports and from the names that the toolkit's public
//! `cuda_runtime_api.h` declares (`documented.txt`). The test fails when a file is stale;
//! `BLESS=1 cargo test -p weft-cudart` writes them.

use crate::api;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

/// Functions that CUDA 13 declares.
const DOCUMENTED: &str = include_str!("documented.txt");

const HEAD: &str = "\
# CUDA runtime API coverage

Generated from what `libcudart.so.12` and `.13` export (`crates/cudart/src/coverage.rs`); not edited
by hand. The functions do what the CUDA Runtime API reference says or return the error it lists. A
program that needs one that is absent does not start: its loader names the function.
";

fn implemented() -> BTreeSet<&'static str> {
    let all = api::NAMES.iter().flat_map(|(_, names)| names.iter());
    all.copied().collect()
}

fn missing() -> BTreeSet<&'static str> {
    let implemented = implemented();
    let documented = DOCUMENTED
        .lines()
        .filter(|name| !implemented.contains(name));
    documented.collect()
}

fn page() -> Result<String, std::fmt::Error> {
    let mut text = HEAD.to_owned();
    let documented: BTreeSet<&str> = DOCUMENTED.lines().collect();
    let there = implemented().intersection(&documented).count();
    writeln!(
        text,
        "\n{there} of the {} functions that `cuda_runtime_api.h` of CUDA 13 declares.",
        documented.len()
    )?;
    let list = |names: &mut dyn Iterator<Item = &&str>| {
        names
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    text.push_str("\n## Implemented\n\n| area | functions |\n|---|---|\n");
    for (area, names) in api::NAMES {
        let names: BTreeSet<&str> = names
            .iter()
            .copied()
            .filter(|name| !name.ends_with("_ptsz") && !name.ends_with("_ptds"))
            .collect();
        writeln!(text, "| {area} | {} |", list(&mut names.iter()))?;
    }
    writeln!(text, "\n## Absent\n\n{}", list(&mut missing().iter()))?;
    Ok(text)
}

fn json() -> String {
    let list = |names: BTreeSet<&str>| {
        let lines: Vec<String> = names.iter().map(|name| format!("    \"{name}\"")).collect();
        lines.join(",\n")
    };
    format!(
        "{{\n  \"implemented\": [\n{}\n  ],\n  \"unsupported\": [\n{}\n  ]\n}}\n",
        list(implemented()),
        list(missing())
    )
}

#[test]
fn the_coverage_page_is_current() {
    let page = page().expect("a string takes any text");
    for (name, text) in [
        ("cudart-coverage.md", page),
        ("cudart-coverage.json", json()),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../docs")
            .join(name);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &text).expect("the file can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == text,
            "docs/{name} is stale: run with BLESS=1 and look at the change"
        );
    }
}
