//! Host programs: their runtime, the functions they name, the libraries they need.

use std::collections::BTreeSet;

use object::read::elf::ElfFile64;
use object::{Endianness, Object as _, ObjectSymbol as _};
use weft_ptx::elf::{HostProgram, Runtime};

use super::kernels;
use super::report::FileReport;
use super::sources::Source;

/// What the driver library implements and what it only names, as its own test writes it.
const DRIVER_COVERAGE: &str = include_str!("../../../../docs/cuda-coverage.json");
/// The same of the runtime library.
const RUNTIME_COVERAGE: &str = include_str!("../../../../docs/cudart-coverage.json");

/// Beginnings of the names of Nvidia's libraries that nothing here stands for.
const ABSENT_LIBRARIES: &[&str] = &[
    "libcublas",
    "libcublasLt",
    "libcudnn",
    "libcufft",
    "libcufile",
    "libcurand",
    "libcusolver",
    "libcusparse",
    "libcusparseLt",
    "libnccl",
    "libnpp",
    "libnvJitLink",
    "libnvidia-ml",
    "libnvjpeg",
    "libnvrtc",
    "libnvshmem",
    "libcupti",
];

/// Python packages by whose import a file is known to use CUDA.
const PACKAGES: &[&str] = &[
    "cuda",
    "cupy",
    "jax",
    "numba",
    "pycuda",
    "tensorflow",
    "torch",
    "triton",
];

/// Functions of a coverage file.
struct Coverage {
    implemented: BTreeSet<String>,
}

impl Coverage {
    fn read(text: &str) -> Self {
        let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let list = value["implemented"].as_array();
        Self {
            implemented: list
                .into_iter()
                .flatten()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
        }
    }
}

/// Checks a program or shared library; `None` if it has nothing to do with CUDA.
pub(super) fn check_program(
    source: &Source,
    capability: (u32, u32),
    report: &mut FileReport,
) -> Option<()> {
    let program = HostProgram::parse(&source.bytes).ok()?;
    let names = undefined(&source.bytes);
    let of = |prefix: &str| -> Vec<&String> {
        let next = |name: &str| {
            name.as_bytes()
                .get(prefix.len())
                .is_some_and(u8::is_ascii_uppercase)
        };
        names
            .iter()
            .filter(|name| name.starts_with(prefix) && next(name))
            .collect()
    };
    let (runtime, driver) = (of("cuda"), of("cu"));
    if program.runtime == Runtime::None && driver.is_empty() && runtime.is_empty() {
        return None;
    }
    report.kind = "program";
    match &program.runtime {
        Runtime::Static => report.missing.push(
            "a shared runtime: Nvidia's is linked in and accepts only Nvidia's driver; relink with \
             `nvcc -cudart shared`"
                .to_owned(),
        ),
        Runtime::Shared(name) => report.notes.push(format!("runtime: {name}")),
        Runtime::Driver => report.notes.push("driver API only".to_owned()),
        Runtime::None => {}
    }
    for (text, used) in [(RUNTIME_COVERAGE, &runtime), (DRIVER_COVERAGE, &driver)] {
        let coverage = Coverage::read(text);
        let lacking = used
            .iter()
            .filter(|name| !coverage.implemented.contains(name.as_str()));
        report.functions.extend(lacking.map(|name| (*name).clone()));
    }
    for library in &program.needed {
        let is = |stem: &&&str| {
            library
                .strip_prefix(**stem)
                .is_some_and(|rest| rest.starts_with(['.', '-', '_']))
        };
        if ABSENT_LIBRARIES.iter().any(|stem| is(&stem)) {
            report.libraries.push(library.clone());
        }
    }
    for range in &program.fatbins {
        let bytes = source.bytes.get(range.clone()).unwrap_or_default();
        match weft_ptx::fatbin::entries(bytes, range.start as u64) {
            Ok(entries) if entries.is_empty() => {}
            Ok(entries) => kernels::check_fatbin(&source.name, &entries, capability, report),
            Err(error) => report.missing.push(format!("a readable fatbin: {error}")),
        }
    }
    // Some parts of a program may be machine code that a library brought; what matters is
    // whether the kernels that are there run.
    Some(())
}

/// Names that a file expects of others.
fn undefined(bytes: &[u8]) -> BTreeSet<String> {
    let Ok(file) = ElfFile64::<Endianness>::parse(bytes) else {
        return BTreeSet::new();
    };
    file.dynamic_symbols()
        .filter(|symbol| symbol.is_undefined())
        .filter_map(|symbol| symbol.name().ok().map(str::to_owned))
        .collect()
}

/// The packages by which Python code uses CUDA, if it uses any.
pub(super) fn python(bytes: &[u8]) -> Option<Vec<&'static str>> {
    let text = String::from_utf8_lossy(bytes);
    let imports = |package: &&&str| {
        text.lines().any(|line| {
            let mut words = line.split_whitespace();
            matches!(words.next(), Some("import" | "from"))
                && words
                    .next()
                    .is_some_and(|module| module.split(['.', ',']).next() == Some(**package))
        })
    };
    let found: Vec<&str> = PACKAGES
        .iter()
        .filter(|package| imports(package))
        .copied()
        .collect();
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_files_name_functions() {
        let driver = Coverage::read(DRIVER_COVERAGE);
        assert!(driver.implemented.contains("cuLaunchKernel"));
        assert!(!driver.implemented.contains("cuGraphicsGLRegisterBuffer"));
        let runtime = Coverage::read(RUNTIME_COVERAGE);
        assert!(runtime.implemented.contains("cudaMalloc"));
    }

    #[test]
    fn imports_are_seen() {
        let code = b"import numpy as np\nfrom numba import cuda\n  import triton.language as tl\n# import torch\n";
        assert_eq!(python(code), Some(vec!["numba", "triton"]));
        assert_eq!(python(b"import numpy\n"), None);
    }
}
