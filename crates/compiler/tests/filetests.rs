//! Runs the kernels in `tests/filetests/*.ptx` on every engine there is and compares.
//!
//! A file begins with comment lines that say what to do:
//!
//! ```text
//! // buffer x: f32[4] = 1 2.5 -3 0x7f800000    values, or bits in hexadecimal
//! // buffer y: u32[64] = iota 5 3              5, 8, 11, ...
//! // buffer z: b32[64] = random 7              any bits, from a seed
//! // buffer r: u64[8] = zero
//! // run kernel grid=2,1,1 block=32 shared=256 args=x, y, 64:u32, 2.5:f32
//! // expect r = 1 2 3 4 5 6 7 8
//! // expect x within 2 ulp = 0.5 0.25 0.125 1
//! // error out of bounds | illegal write       the last run ends with an error that says one of these
//! ```
//!
//! Each `run` begins with the buffers as declared. `expect` and `error` lines belong to the run
//! before them. Without an `expect` line for a buffer, the engines must still agree on all of
//! its bits, or on as many as `// agree within 4 ulp` says for floating-point buffers. Buffers
//! larger than their list of values repeat it.
#![allow(clippy::unwrap_used, reason = "a malformed test file is a failed test")]

mod case;
mod chip;

use case::{Arg, Buffer, Case, Run};
use std::path::{Path, PathBuf};
use weft_compiler::interp::{self, DeviceMemory, Launch};
use weft_compiler::ir::{LaunchShape, Unit};
use weft_compiler::{
    ModuleVariable, Options, RelocationKind, compile, lower, module_variables, optimise,
};
use weft_ptx::ast::Module;

/// Buffers after a run, in order of declaration, or the error.
type Outcome = Result<Vec<Vec<u8>>, String>;

#[test]
fn every_file_gives_what_it_expects_on_every_engine() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/filetests");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ptx"));
    paths.sort();
    assert!(!paths.is_empty(), "there are no test files");
    let only = std::env::var("FILETEST").unwrap_or_default();
    let mut failures = Vec::new();
    for path in paths
        .iter()
        .filter(|path| path.to_string_lossy().contains(&only))
    {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let source = std::fs::read(path).unwrap();
        failures.extend(
            check_file(&source)
                .into_iter()
                .map(|failure| format!("{name}: {failure}")),
        );
    }
    assert!(
        failures.is_empty(),
        "{} failures\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn check_file(source: &[u8]) -> Vec<String> {
    let case = Case::parse(std::str::from_utf8(source).unwrap());
    let module = match weft_ptx::parse(source) {
        Ok(module) => module,
        Err(errors) => return errors.iter().map(ToString::to_string).collect(),
    };
    assert!(!case.runs.is_empty(), "the file has no run line");
    let mut failures = Vec::new();
    for run in &case.runs {
        let unit = match lower(&module, source, &run.kernel, &Options::default()) {
            Ok(unit) => unit,
            Err(errors) => {
                let refused = run.error.as_ref();
                failures.extend(
                    errors
                        .iter()
                        .map(ToString::to_string)
                        .filter(|text| !refused.is_some_and(|wanted| says(text, wanted))),
                );
                continue;
            }
        };
        let mut optimised = unit.clone();
        optimise(&mut optimised);
        let outcomes = [
            ("interpreter", interpret(&module, &case, run, &unit)),
            ("optimised", interpret(&module, &case, run, &optimised)),
        ];
        let [interpreted, optimised_only] = outcomes;
        let mut outcomes = vec![interpreted, optimised_only];
        // Code for any launch, and for those like this one.
        let own = LaunchShape::of(Some(run.grid), run.block);
        for (engine, launch) in [("chip", LaunchShape::default()), ("own code", own)] {
            optimised.launch = launch;
            match compile(&optimised) {
                Ok(image) => outcomes.push((engine, chip::run(&module, &case, run, &image))),
                Err(error) => failures.push(format!("{}: {engine}: {error}", run.kernel)),
            }
        }
        failures.extend(
            check_run(&case, run, &outcomes)
                .into_iter()
                .map(|failure| format!("{}: {failure}", run.kernel)),
        );
    }
    failures
}

fn check_run(case: &Case, run: &Run, outcomes: &[(&str, Outcome)]) -> Vec<String> {
    let mut failures = Vec::new();
    let mut reference: Option<&Vec<Vec<u8>>> = None;
    for (engine, outcome) in outcomes {
        match (outcome, &run.error) {
            (Err(text), Some(wanted)) if says(text, wanted) => {}
            (Err(text), _) => failures.push(format!("{engine}: {text}")),
            (Ok(_), Some(wanted)) => failures.push(format!("{engine}: no error `{wanted}`")),
            (Ok(buffers), None) => {
                for (index, found) in buffers.iter().enumerate() {
                    let buffer = &case.buffers[index];
                    let expected = run.expectations.iter().find(|e| e.buffer == index);
                    let difference = match (expected, reference) {
                        (Some(expected), _) => {
                            buffer.difference(&expected.bytes, found, expected.ulp)
                        }
                        (None, Some(reference)) => {
                            buffer.difference(&reference[index], found, run.agree_ulp)
                        }
                        (None, None) => None,
                    };
                    failures.extend(difference.map(|text| format!("{engine}: {text}")));
                }
                reference = reference.or(Some(buffers));
            }
        }
    }
    failures
}

/// Whether an error's text contains one of the texts wanted, which bars separate.
fn says(text: &str, wanted: &str) -> bool {
    wanted.split('|').any(|part| text.contains(part.trim()))
}

fn interpret(module: &Module<'_>, case: &Case, run: &Run, unit: &Unit) -> Outcome {
    let mut memory = DeviceMemory::new();
    // Addresses of a scratch memory that is filled the same way.
    let mut scratch = DeviceMemory::new();
    let symbols = place_variables(
        module,
        &unit.symbols,
        |bytes| scratch.allocate(vec![0; bytes]),
        |address, content| assert_eq!(memory.allocate(content), address),
    );
    let addresses: Vec<u64> = case
        .buffers
        .iter()
        .map(|buffer| memory.allocate(buffer.init.clone()))
        .collect();
    let params = run.params(&unit.params, &addresses);
    let launch = Launch {
        grid: run.grid,
        block: run.block,
        params: &params,
        shared_dynamic_bytes: run.shared,
        symbols: &symbols,
        steps_max: 50_000_000,
    };
    match interp::run(unit, &launch, &mut memory) {
        Ok(_) => Ok(addresses
            .iter()
            .map(|&address| memory.allocation(address).unwrap().to_vec())
            .collect()),
        Err(error) => Err(error.to_string()),
    }
}

/// Allocates the module's variables and gives the addresses of the unit's symbols.
fn place_variables(
    module: &Module<'_>,
    symbols: &[String],
    mut allocate: impl FnMut(usize) -> u64,
    mut write: impl FnMut(u64, Vec<u8>),
) -> Vec<u64> {
    let variables = module_variables(module).unwrap();
    // Addresses first, contents after: an initialiser may point anywhere.
    let size = |variable: &ModuleVariable| usize::try_from(variable.bytes).unwrap().max(1);
    let addresses: Vec<u64> = variables
        .iter()
        .map(|variable| allocate(size(variable)))
        .collect();
    let find = |name: &str| {
        let index = variables.iter().position(|variable| variable.name == name);
        addresses[index.unwrap()]
    };
    for (variable, &address) in variables.iter().zip(&addresses) {
        let mut content = variable.init.clone();
        content.resize(size(variable), 0);
        for relocation in &variable.relocations {
            let target = find(&relocation.symbol).wrapping_add_signed(relocation.addend);
            let at = usize::try_from(relocation.offset).unwrap();
            let bytes = target.to_le_bytes();
            match relocation.kind {
                RelocationKind::Address(width) => content[at..at + usize::from(width)]
                    .copy_from_slice(&bytes[..usize::from(width)]),
                RelocationKind::Byte(shift) => content[at] = bytes[usize::from(shift / 8)],
            }
        }
        write(address, content);
    }
    symbols.iter().map(|name| find(name)).collect()
}

impl Run {
    /// The kernel parameter block.
    fn params(&self, layout: &[(u32, u32)], addresses: &[u64]) -> Vec<u8> {
        assert_eq!(
            layout.len(),
            self.args.len(),
            "the kernel has other parameters"
        );
        let mut block = Vec::new();
        for (arg, &(offset, bytes)) in self.args.iter().zip(layout) {
            let content = match arg {
                Arg::Buffer(index) => addresses[*index].to_le_bytes().to_vec(),
                Arg::Scalar(content) => content.clone(),
            };
            assert_eq!(
                content.len(),
                bytes as usize,
                "an argument has the wrong size"
            );
            block.resize(offset as usize, 0);
            block.extend(content);
        }
        block
    }
}

impl Buffer {
    /// The first difference, as text.
    fn difference(&self, expected: &[u8], found: &[u8], ulp: u64) -> Option<String> {
        let width = self.ty.bytes();
        let elements = expected.chunks(width).zip(found.chunks(width)).enumerate();
        let mut wrong = elements.filter(|(_, (a, b))| !self.ty.close(a, b, ulp));
        let (index, (a, b)) = wrong.next()?;
        let more = wrong.count();
        Some(format!(
            "{}[{index}]: expected {}, found {} ({more} more differ)",
            self.name,
            self.ty.show(a),
            self.ty.show(b)
        ))
    }
}
