//! `docs/cuda-coverage.md`: which functions of the driver API do something.
//!
//! The tables are made from what the library exports. The test fails when the file is stale;
//! `BLESS=1 cargo test -p weft-cuda` writes it.

use crate::api;
use crate::result::CUresult;
use crate::unsupported;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

const HEAD: &str = "\
# CUDA driver API coverage

Generated from what `libcuda.so.1` exports (`crates/cuda/src/coverage.rs`); not edited by hand.
Symbols under *implemented* do what the CUDA Driver API reference says or return the error it
lists; arguments that cannot be honoured are `CUDA_ERROR_NOT_SUPPORTED`. All others are exported
too, so that programs load: they return `CUDA_ERROR_NOT_SUPPORTED` and name themselves once on
stderr. The variants for the per-thread default stream (`_ptsz`, `_ptds`) are like the functions
they stand for. `cuGetProcAddress` finds implemented symbols only.
";

/// A symbol without the suffix of the per-thread default stream.
fn stem(symbol: &str) -> &str {
    symbol
        .strip_suffix("_ptsz")
        .or_else(|| symbol.strip_suffix("_ptds"))
        .unwrap_or(symbol)
}

/// The function that a symbol is a version of, such as `cuMemAlloc` of `cuMemAlloc_v2`.
fn function(symbol: &str) -> &str {
    let stem = stem(symbol);
    stem.rsplit_once("_v")
        .filter(|(_, version)| version.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(stem, |(name, _)| name)
}

/// The first word of a function's name after `cu`: `Tex` of `cuTexObjectCreate`.
fn family(function: &str) -> &str {
    let name = function.strip_prefix("cu").unwrap_or(function);
    let starts_word =
        |(at, char): (usize, char)| (at > 0 && char.is_ascii_uppercase()).then_some(at);
    let end = name.char_indices().find_map(starts_word);
    &name[..end.unwrap_or(name.len())]
}

/// Names of the functions that are not implemented.
fn refused() -> BTreeSet<&'static str> {
    unsupported::ALL.iter().map(|(name, _)| *name).collect()
}

fn list<'a>(symbols: impl IntoIterator<Item = &'a &'a str>) -> String {
    let quoted = symbols.into_iter().map(|symbol| format!("`{symbol}`"));
    quoted.collect::<Vec<_>>().join(" ")
}

fn tables() -> Result<String, std::fmt::Error> {
    let mut text = HEAD.to_owned();
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let refused = refused();
    for &symbol in &refused {
        let symbols = missing.entry(function(symbol)).or_default();
        // A variant alone is missing where the function itself is implemented.
        let stem = Some(stem(symbol)).filter(|stem| refused.contains(stem));
        symbols.insert(stem.unwrap_or(symbol));
    }
    for (area, exports) in api::EXPORTS {
        let mut rows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for export in *exports {
            let symbols = rows.entry(function(export.name)).or_default();
            symbols.insert(stem(export.name));
        }
        write!(text, "\n## {area}\n\n| implemented | not |\n|---|---|\n")?;
        for (name, symbols) in rows {
            let others = missing.remove(name).unwrap_or_default();
            writeln!(text, "| {} | {} |", list(&symbols), list(&others))?;
        }
    }
    let mut families: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, symbols) in &missing {
        families.entry(family(name)).or_default().extend(symbols);
    }
    text.push_str("\n## Not implemented at all\n\n| family | symbols |\n|---|---|\n");
    for (family, symbols) in families {
        writeln!(text, "| {family} | {} |", list(&symbols))?;
    }
    Ok(text)
}

#[test]
fn the_coverage_table_is_current() {
    let tables = tables().expect("a string takes any text");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cuda-coverage.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &tables).expect("the file can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == tables,
        "docs/cuda-coverage.md is stale: run with BLESS=1 and look at the change"
    );
}

#[test]
fn no_function_is_both_implemented_and_unsupported() {
    let exports = api::EXPORTS.iter().flat_map(|(_, exports)| exports.iter());
    let implemented: BTreeSet<&str> = exports.map(|export| export.name).collect();
    assert_eq!(implemented.intersection(&refused()).next(), None);
}

#[test]
fn every_function_that_is_not_implemented_says_so() {
    for (name, function) in unsupported::ALL {
        assert_eq!(function(), CUresult::NOT_SUPPORTED, "{name}");
        assert_eq!(function(), CUresult::NOT_SUPPORTED, "{name}, called again");
    }
}

/// The same for tools: `docs/cuda-coverage.json`, which `weft check` reads.
#[test]
fn the_list_of_functions_is_current() {
    let exports = api::EXPORTS.iter().flat_map(|(_, exports)| exports.iter());
    let list = |names: BTreeSet<&str>| {
        let lines: Vec<String> = names.iter().map(|name| format!("    \"{name}\"")).collect();
        lines.join(",\n")
    };
    let text = format!(
        "{{\n  \"implemented\": [\n{}\n  ],\n  \"unsupported\": [\n{}\n  ]\n}}\n",
        list(exports.map(|export| export.name).collect()),
        list(refused())
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cuda-coverage.json");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).expect("the file can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "docs/cuda-coverage.json is stale: run with BLESS=1 and look at the change"
    );
}
