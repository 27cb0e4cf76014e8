//! `weft exec`: a RISC-V ELF file on one hart of the chip, without CUDA.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use weft_chip::exec_elf::{self, Options};

use crate::failure;

/// Execute a RISC-V ELF file on one hart of the chip.
///
/// The file is a statically linked 64-bit executable without an operating system's help beyond
/// the Linux system calls write (descriptors 1 and 2, both shown on stdout), exit, exit_group
/// and brk; or one that ends by writing to `tohost`, as riscv-tests do. All instructions of the
/// chip may be used: RV64GCV with VLEN 1024 and its extensions.
///
/// The exit status is the program's own; it is 1 with a message when the program faults.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft exec hello.elf
  weft exec --count --limit 1000000 test.elf")]
pub(crate) struct Arguments {
    /// The executable.
    file: PathBuf,

    /// Give up at the first look after N instructions; there is one every 65,536.
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    limit: u64,

    /// Memory for brk, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(..=1 << 14))]
    heap: u64,

    /// Show the number of retired instructions by class on stderr.
    #[arg(long)]
    count: bool,
}

/// Executes the file and returns its exit status.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let name = arguments.file.display();
    let file = fs::read(&arguments.file).with_context(|| format!("failed to read {name}"))?;
    let options = Options {
        heap_bytes: arguments.heap << 20,
        instructions_max: arguments.limit,
    };
    let outcome = exec_elf::run(&file, &options, &mut io::stdout().lock())
        .with_context(|| format!("failed to execute {name}"))?;
    if arguments.count {
        let instructions = &outcome.instructions;
        failure::note(&format!("{} instructions", instructions.total()));
        for (class, count) in instructions.iter().filter(|(_, count)| *count > 0) {
            failure::note(&format!("{:<18}{count:>14}", class.name()));
        }
    }
    // As a shell sees it: the low eight bits.
    Ok(ExitCode::from(outcome.exit_code.to_le_bytes()[0]))
}
