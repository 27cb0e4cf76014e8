//! `docs/cudart-coverage.md` and `.json`: which functions of the runtime API there are.
//!
//! The tables are made from what the library exports and from the names that the toolkit's public
//! `cuda_runtime_api.h` declares (`documented.txt`). The test fails when a file is stale;
//! `BLESS=1 cargo test -p weft-cudart` writes them.

use crate::api;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

/// Functions that are not counted: objects of other programming interfaces, which a program that
/// computes on this device does not have. By parts of their names.
const NOT_COUNTED: &[(&str, &str)] = &[
    (
        "Graphics",
        "buffers and textures of OpenGL, Direct3D, EGL and VDPAU",
    ),
    (
        "External",
        "memory and semaphores of Vulkan, Direct3D and NvSci",
    ),
    ("NvSci", "NvSciSync"),
];

fn counted(function: &str) -> bool {
    !NOT_COUNTED.iter().any(|(part, _)| function.contains(part))
}

/// Functions that CUDA 13 declares.
const DOCUMENTED: &str = include_str!("documented.txt");

const HEAD: &str = "\
# CUDA runtime API coverage

Generated from what `libcudart.so.12` and `.13` export (`crates/cudart/src/coverage.rs`); not edited
by hand. The functions do what the CUDA Runtime API reference says or return the error it lists. A
program that needs one that is not there does not start: its loader names the function.
";

fn implemented() -> BTreeSet<&'static str> {
    let all = api::NAMES.iter().flat_map(|(_, names)| names.iter());
    all.copied().collect()
}

fn absent() -> BTreeSet<&'static str> {
    api::ABSENT.iter().copied().collect()
}

fn missing() -> BTreeSet<&'static str> {
    let (implemented, absent) = (implemented(), absent());
    let documented = DOCUMENTED.lines();
    documented
        .filter(|name| !implemented.contains(name) && !absent.contains(name))
        .collect()
}

fn page() -> Result<String, std::fmt::Error> {
    let mut text = HEAD.to_owned();
    let documented: BTreeSet<&str> = DOCUMENTED.lines().filter(|name| counted(name)).collect();
    let all = documented.len();
    let there = implemented().intersection(&documented).count();
    let absent_count = absent().intersection(&documented).count();
    let percent = |part: usize| {
        100.0 * f64::from(u32::try_from(part).unwrap_or(0))
            / f64::from(u32::try_from(all).unwrap_or(1))
    };
    let neither = all - there - absent_count;
    writeln!(
        text,
        "\n| functions that `cuda_runtime_api.h` of CUDA 13 declares and that are counted | {all} | |\n\
         |---|---|---|\n| implemented | {there} | {:.1} % |\n\
         | absent, as a device attribute says | {absent_count} | {:.1} % |\n\
         | neither | {neither} | {:.1} % |",
        percent(there),
        percent(absent_count),
        percent(neither)
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
    writeln!(
        text,
        "\n## Absent, as a device attribute says\n\nThey answer `cudaErrorNotSupported`.\n\n{}",
        list(&mut absent().iter())
    )?;
    let missing = missing();
    let mut counted = missing.iter().filter(|name| counted(name));
    writeln!(text, "\n## Not there\n\n{}", list(&mut counted))?;
    text.push_str("\n## Not there, and not counted\n\n| functions | objects of |\n|---|---|\n");
    for (part, reason) in NOT_COUNTED {
        let mut names = missing.iter().filter(|name| name.contains(part));
        writeln!(text, "| {} | {reason} |", list(&mut names))?;
    }
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
        list(missing().union(&absent()).copied().collect())
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
