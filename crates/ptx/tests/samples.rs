//! Real PTX: what nvcc writes for the programs in `samples/`, what is in `examples/ptx`, and a
//! text of rare syntax. All parse, and survive printing; mutated, they never break the parser.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use weft_ptx::{
    ast::{Directive, Statement},
    fuzz::{Random, check_ptx, mutate},
    opcodes, parse,
    source::render_all,
};

/// File names and texts, in the order of the names.
fn samples() -> Vec<(String, Vec<u8>)> {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut samples = Vec::new();
    for folder in [
        crate_root.join("tests/samples"),
        crate_root.join("../../examples/ptx"),
    ] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "ptx") {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                samples.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    samples.sort();
    samples
}

#[test]
fn samples_parse_and_survive_printing() {
    let samples = samples();
    assert!(samples.len() > 5, "samples are missing");
    for (name, source) in samples {
        if let Err(errors) = parse(&source) {
            panic!("{}", render_all(&name, &source, &errors));
        }
        check_ptx(&source);
    }
}

#[test]
fn every_instruction_of_the_samples_is_in_the_manual() {
    fn check(name: &str, statements: &[Statement<'_>]) {
        for statement in statements {
            match statement {
                Statement::Instruction(instruction) => {
                    assert!(
                        opcodes::section_of(instruction).is_some(),
                        "{name}: {instruction}"
                    );
                }
                Statement::Block(block) => check(name, block),
                _ => {}
            }
        }
    }
    for (name, source) in samples() {
        for directive in parse(&source).unwrap().directives {
            if let Directive::Function(function) = directive {
                check(&name, function.body.as_deref().unwrap_or_default());
            }
        }
    }
}

#[test]
fn truncated_samples_do_not_break_the_parser() {
    let (_, source) = samples()
        .into_iter()
        .find(|(name, _)| name == "syntax.ptx")
        .unwrap();
    for length in 0..source.len() {
        check_ptx(&source[..length]);
    }
}

#[test]
fn mutated_samples_do_not_break_the_parser() {
    const SEED: u64 = 0x0077_6566_7470;
    let samples: Vec<_> = samples().into_iter().map(|(_, source)| source).collect();
    let mut random = Random::new(SEED);
    for number in 0..3_000 {
        let bytes = mutate(&mut random, &samples);
        let result = std::panic::catch_unwind(|| check_ptx(&bytes));
        assert!(result.is_ok(), "mutation {number} of seed {SEED:#x}");
    }
}
