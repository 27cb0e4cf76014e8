//! Every kernel that nvcc made of the examples is translated.
#![allow(
    clippy::unwrap_used,
    reason = "a failure to read the examples is a failed test"
)]

use std::path::Path;
use weft_compiler::verify::verify;
use weft_compiler::{Options, kernels, lower, module_variables, optimise};

#[test]
fn every_example_kernel_is_lowered() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ptx");
    let mut paths: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut failures = Vec::new();
    let mut seen = 0;
    for path in paths {
        let source = std::fs::read(&path).unwrap();
        let module = weft_ptx::parse(&source).unwrap();
        module_variables(&module).unwrap();
        for kernel in kernels(&module) {
            seen += 1;
            match lower(&module, &source, kernel, &Options::default()) {
                Ok(mut unit) => {
                    // Both verify what they make in debug builds.
                    optimise(&mut unit);
                    verify(&unit).unwrap();
                }
                Err(errors) => failures.extend(errors.iter().map(ToString::to_string)),
            }
        }
    }
    assert!(seen > 30, "the examples are missing");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
