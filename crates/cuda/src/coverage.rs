//! `docs/cuda-coverage.md` and `.json`: which functions of the driver API do something.
//!
//! The tables are made from what the library exports and from the functions that the toolkit's public
//! `cuda.h` declares (`documented.txt`). The tests fail when a file is stale;
//! `BLESS=1 cargo test -p weft-cuda` writes them.

use crate::api;
use crate::result::CUresult;
use crate::unsupported;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// Functions that `cuda.h` of CUDA 13 declares, without versions and stream variants.
const DOCUMENTED: &str = include_str!("documented.txt");

/// Functions that are not counted: objects of other programming interfaces, which a program that
/// computes on this device does not have. By the beginning of their names.
const NOT_COUNTED: &[(&str, &str)] = &[
    (
        "cuGraphics",
        "buffers and textures of OpenGL, Direct3D, EGL and VDPAU",
    ),
    (
        "cuExternalMemory",
        "memory of Vulkan, Direct3D and NvSciBuf",
    ),
    (
        "cuImportExternal",
        "memory and semaphores of Vulkan, Direct3D and NvSci",
    ),
    (
        "cuDestroyExternal",
        "memory and semaphores of Vulkan, Direct3D and NvSci",
    ),
    (
        "cuSignalExternalSemaphores",
        "semaphores of Vulkan, Direct3D and NvSciSync",
    ),
    (
        "cuWaitExternalSemaphores",
        "semaphores of Vulkan, Direct3D and NvSciSync",
    ),
    (
        "cuGraphAddExternalSemaphores",
        "semaphores of Vulkan, Direct3D and NvSciSync",
    ),
    (
        "cuGraphExternalSemaphores",
        "semaphores of Vulkan, Direct3D and NvSciSync",
    ),
    (
        "cuGraphExecExternalSemaphores",
        "semaphores of Vulkan, Direct3D and NvSciSync",
    ),
    ("cuDeviceGetNvSciSyncAttributes", "NvSciSync"),
];

const HEAD: &str = "\
# CUDA driver API coverage

Generated from what `libcuda.so.1` exports (`crates/cuda/src/coverage.rs`); not edited by hand.
Symbols under *implemented* do what the CUDA Driver API reference says or return the error it
lists; arguments that cannot be honoured are `CUDA_ERROR_NOT_SUPPORTED`. All others are exported
too, so that programs load: they return `CUDA_ERROR_NOT_SUPPORTED` and name themselves once on
stderr. The variants for the per-thread default stream (`_ptsz`, `_ptds`) are like the functions
they stand for. `cuGetProcAddress` finds implemented and absent symbols.
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

/// Names of the functions that a device attribute says are of no use.
fn absent() -> BTreeSet<&'static str> {
    let exports = api::ABSENT.iter().flat_map(|absent| absent.exports);
    exports.map(|export| export.name).collect()
}

fn implemented() -> BTreeSet<&'static str> {
    let exports = api::EXPORTS.iter().flat_map(|(_, exports)| exports.iter());
    exports.map(|export| export.name).collect()
}

fn list<'a>(symbols: impl IntoIterator<Item = &'a &'a str>) -> String {
    let quoted = symbols.into_iter().map(|symbol| format!("`{symbol}`"));
    quoted.collect::<Vec<_>>().join(" ")
}

fn counted(function: &str) -> bool {
    !NOT_COUNTED
        .iter()
        .any(|(beginning, _)| function.starts_with(beginning))
}

/// Documented functions that count, by whether they are implemented, absent or neither.
struct Count {
    all: usize,
    implemented: usize,
    absent: usize,
}

fn count() -> Count {
    let functions = |symbols: BTreeSet<&'static str>| -> BTreeSet<&str> {
        symbols.into_iter().map(function).collect()
    };
    let (implemented, absent) = (functions(implemented()), functions(absent()));
    let all: Vec<&str> = DOCUMENTED.lines().filter(|name| counted(name)).collect();
    let in_both = |set: &BTreeSet<&str>| all.iter().filter(|name| set.contains(*name)).count();
    Count {
        implemented: in_both(&implemented),
        absent: in_both(&absent),
        all: all.len(),
    }
}

fn tables() -> Result<String, std::fmt::Error> {
    let mut text = HEAD.to_owned();
    let Count {
        all,
        implemented,
        absent,
    } = count();
    let percent = |part: usize| {
        100.0 * f64::from(u32::try_from(part).unwrap_or(0))
            / f64::from(u32::try_from(all).unwrap_or(1))
    };
    writeln!(
        text,
        "\n| functions that `cuda.h` of CUDA 13 declares and that are counted | {all} | |\n|---|---|---|\n\
         | implemented | {implemented} | {:.1} % |\n\
         | absent, as a device attribute says | {absent} | {:.1} % |\n\
         | neither | {} | {:.1} % |\n\n\
         A function is what its versions have in common: `cuMemAlloc` and `cuMemAlloc_v2` are one.",
        percent(implemented),
        percent(absent),
        all - implemented - absent,
        percent(all - implemented - absent)
    )?;
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
    text.push_str(
        "\n## Absent, as a device attribute says\n\n| attribute | symbols |\n|---|---|\n",
    );
    for absent in api::ABSENT {
        let symbols: BTreeSet<&str> = absent
            .exports
            .iter()
            .map(|export| stem(export.name))
            .collect();
        writeln!(
            text,
            "| `CU_DEVICE_ATTRIBUTE_{}` | {} |",
            absent.name,
            list(&symbols)
        )?;
    }
    let mut families: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, symbols) in missing.iter().filter(|(name, _)| counted(name)) {
        families.entry(family(name)).or_default().extend(symbols);
    }
    text.push_str("\n## Not implemented at all\n\n| family | symbols |\n|---|---|\n");
    for (family, symbols) in families {
        writeln!(text, "| {family} | {} |", list(&symbols))?;
    }
    text.push_str("\n## Not counted\n\n| functions | objects of |\n|---|---|\n");
    for (beginning, reason) in NOT_COUNTED {
        let names = missing.keys().filter(|name| name.starts_with(beginning));
        writeln!(text, "| {} | {reason} |", list(names))?;
    }
    Ok(text)
}

/// Compares a file of `docs` with what it should be, or writes it.
fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).expect("the file can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "docs/{name} is stale: run with BLESS=1 and look at the change"
    );
}

#[test]
fn the_coverage_table_is_current() {
    check(
        "cuda-coverage.md",
        &tables().expect("a string takes any text"),
    );
}

/// The same for tools: `docs/cuda-coverage.json`, which `weft check` reads.
#[test]
fn the_list_of_functions_is_current() {
    let list = |names: BTreeSet<&str>| {
        let lines: Vec<String> = names.iter().map(|name| format!("    \"{name}\"")).collect();
        lines.join(",\n")
    };
    let mut refused = refused();
    refused.extend(absent());
    let text = format!(
        "{{\n  \"implemented\": [\n{}\n  ],\n  \"unsupported\": [\n{}\n  ]\n}}\n",
        list(implemented()),
        list(refused)
    );
    check("cuda-coverage.json", &text);
}

#[test]
fn a_function_is_implemented_absent_or_unsupported_and_no_two_of_them() {
    let (implemented, absent, refused) = (implemented(), absent(), refused());
    assert_eq!(implemented.intersection(&refused).next(), None);
    assert_eq!(implemented.intersection(&absent).next(), None);
    assert_eq!(absent.intersection(&refused).next(), None);
}

#[test]
fn attributes_say_what_is_absent() {
    let device = weft_driver::Device::new(weft_driver::Config::default()).expect("a device");
    for absent in api::ABSENT {
        assert_eq!(
            device.attribute(absent.attribute),
            Some(0),
            "{}",
            absent.name
        );
    }
}

#[test]
fn every_function_that_is_not_implemented_says_so() {
    for (name, function) in unsupported::ALL {
        assert_eq!(function(), CUresult::NOT_SUPPORTED, "{name}");
        assert_eq!(function(), CUresult::NOT_SUPPORTED, "{name}, called again");
    }
}
