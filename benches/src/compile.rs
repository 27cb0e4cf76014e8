//! `compile`: PTX instructions parsed and compiled per second of one host thread, and how long Nvidia's own
//! assembler takes for the same text where the toolchain has it.
//!
//! Parsing is of the whole text; compiling is all steps from the parsed tree to the image, of every kernel
//! of it one after the other. Processor time is measured, so that other programs on the machine disturb
//! little.

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow};
use weft_compiler::{Options, compile_kernel, kernels};
use weft_ptx::ast::{Directive, Module, Statement};

use crate::isa::{children_seconds, thread_seconds};
use crate::spread::Spread;

/// Name and text.
type Source = (&'static str, &'static [u8]);

/// What nvcc and Triton made of kernels: from small ones to a file of many large ones.
const SOURCES: [Source; 5] = [
    (
        "triton matmul",
        include_bytes!("../compile/triton_matmul.ptx"),
    ),
    (
        "triton attention",
        include_bytes!("../compile/triton_attention.ptx"),
    ),
    (
        "transcendental",
        include_bytes!("../../examples/ptx/transcendental.ptx"),
    ),
    (
        "matmul",
        include_bytes!("../../crates/engine/kernels/matmul/matmul.ptx"),
    ),
    (
        "paged attention",
        include_bytes!("../../crates/engine/kernels/paged_attention/paged_attention.ptx"),
    ),
];

/// Measures all sources; gives the table.
pub(crate) fn run(runs: NonZeroU32) -> Result<String> {
    let assembler = assembler();
    let mut table = String::new();
    let _ = writeln!(
        table,
        "processor time in ms of one thread: min, median, max of {runs} runs; thousands of PTX instructions \
         a second of the median; ratio of medians to ptxas -O1\n\n{:<18}{:>8} {:>8} {:<9}{:>9} {:>9} \
         {:>9} {:>10} {:>7}",
        "source", "kernels", "instr.", "step", "min", "median", "max", "k instr/s", "ratio"
    );
    for (name, text) in SOURCES {
        measure(name, text, runs, assembler.as_deref(), &mut table)
            .with_context(|| format!("failed to measure {name}"))?;
    }
    Ok(table)
}

fn measure(
    name: &str,
    text: &[u8],
    runs: NonZeroU32,
    assembler: Option<&Path>,
    table: &mut String,
) -> Result<()> {
    let module = weft_ptx::parse(text).map_err(|errors| anyhow!("{errors:?}"))?;
    let count = instructions(&module);
    let names = kernels(&module);
    let options = Options::default();
    let (mut parse, mut compile, mut assemble) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..=runs.get() {
        let begin = thread_seconds();
        let tree = weft_ptx::parse(text);
        parse.push(thread_seconds() - begin);
        drop(tree);
        let begin = thread_seconds();
        for kernel in &names {
            compile_kernel(&module, text, kernel, &options)
                .map_err(|errors| anyhow!("{kernel}: {errors:?}"))?;
        }
        compile.push(thread_seconds() - begin);
        if let Some(assembler) = assembler {
            assemble.push(assemble_once(assembler, text)?);
        }
    }
    let spread = |seconds: &[f64]| Spread::of(seconds.get(1..).unwrap_or_default());
    let reference = spread(&assemble);
    let steps = [
        ("parse", spread(&parse)),
        ("compile", spread(&compile)),
        ("ptxas", reference),
    ];
    for (step, spread) in steps {
        let Some(spread) = spread else { continue };
        let rate = f64::from(count) / spread.median / 1e3;
        let ratio = match reference {
            Some(reference) if step != "parse" => {
                format!("{:.2}", spread.median / reference.median)
            }
            _ => String::new(),
        };
        let _ = writeln!(
            table,
            "{name:<18}{:>8} {count:>8} {step:<9}{spread} {rate:>10.0} {ratio:>7}",
            names.len()
        );
    }
    Ok(())
}

/// Instructions of all bodies.
fn instructions(module: &Module<'_>) -> u32 {
    fn of(statements: &[Statement<'_>]) -> u32 {
        statements
            .iter()
            .map(|statement| match statement {
                Statement::Instruction(_) => 1,
                Statement::Block(inner) => of(inner),
                _ => 0,
            })
            .sum()
    }
    module
        .directives
        .iter()
        .map(|directive| match directive {
            Directive::Function(function) => of(function.body.as_deref().unwrap_or_default()),
            _ => 0,
        })
        .sum()
}

/// Nvidia's assembler, where `cargo xtask toolchain` put it.
fn assembler() -> Option<PathBuf> {
    let path = Path::new("toolchain/cuda/bin/ptxas");
    path.is_file().then(|| path.to_owned())
}

/// Processor seconds of the assembler for a text.
fn assemble_once(assembler: &Path, text: &[u8]) -> Result<f64> {
    let folder = std::env::temp_dir();
    let input = folder.join(format!("weft-bench-{}.ptx", std::process::id()));
    std::fs::write(&input, text).context("failed to write the text")?;
    let begin = children_seconds();
    let status = Command::new(assembler)
        .args(["-O1", "-arch=sm_89", "-o", "/dev/null"])
        .arg(&input)
        .status()
        .context("failed to start ptxas")?;
    let seconds = children_seconds() - begin;
    std::fs::remove_file(&input).context("failed to remove the text")?;
    anyhow::ensure!(status.success(), "ptxas: {status}");
    Ok(seconds)
}
