//! `weft exec`: a RISC-V ELF file on one hart of the chip, without CUDA.

mod gdb;
mod gdb_registers;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use weft_chip::exec_elf::{Console, Engine, Guest, Options};

use crate::failure;

/// Execute a RISC-V ELF file on one hart of the chip.
///
/// The file is a statically linked 64-bit executable, of one of two kinds. A program for a bare
/// machine has a symbol `tohost`, or lies at 0x80000000 or above: it begins in machine mode,
/// handles its own traps, and reaches the host by HTIF (tohost and fromhost) or semihosting. Any
/// other file is a Linux program without files and threads: it has arguments, the console, time
/// and memory. System calls that are not served are named once and answer ENOSYS.
///
/// All instructions of the chip may be used: RV64GCV with VLEN 1024 and its extensions. One
/// instruction takes one nanosecond, and random bytes are the same in every run.
///
/// The exit status is the program's own, or 1 with a message when it faults; a bare machine's
/// is 0 exactly when tohost says pass.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft exec hello.elf
  weft exec compress.elf -- -9 < data > data.z
  weft exec --gdb 1234 program.elf    # then, in gdb: target remote localhost:1234
  weft exec --count --limit 1000000 test.elf")]
pub(crate) struct Arguments {
    /// The executable.
    #[arg(required_unless_present = "engines")]
    file: Option<PathBuf>,

    /// Give up after about N instructions.
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    limit: u64,

    /// Memory for brk and mmap, in MiB; at most 1024.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u64).range(..=1024))]
    heap: u64,

    /// How to execute: a name that --engines prints. Results are the same.
    #[arg(long, value_name = "NAME")]
    engine: Option<Engine>,

    /// Print the engines that this host has, those of kernels (WEFT_ENGINE) too.
    #[arg(long)]
    engines: bool,

    /// Wait for gdb on this TCP port of localhost (0: any that is free) before the first
    /// instruction.
    #[arg(long, value_name = "PORT")]
    gdb: Option<u16>,

    /// Write the memory between the symbols begin_signature and end_signature to FILE at the
    /// end: a line of 16 hexadecimal digits for each 64-bit word.
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,

    /// Show the number of retired instructions by class on stderr.
    #[arg(long)]
    count: bool,

    /// Arguments of the program.
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

/// Executes the file and returns its exit status.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Some(path) = arguments.file.as_ref().filter(|_| !arguments.engines) else {
        list_engines();
        return Ok(ExitCode::SUCCESS);
    };
    let name = path.display();
    let file = fs::read(path).with_context(|| format!("failed to read {name}"))?;
    let mut options = Options {
        heap_bytes: arguments.heap << 20,
        instructions_max: arguments.limit,
        ..Options::default()
    };
    if let Some(engine) = arguments.engine {
        options.engine = engine;
    }
    options.arguments = vec![name.to_string()];
    options.arguments.extend_from_slice(&arguments.arguments);
    let mut console = Console {
        input: &mut io::stdin().lock(),
        output: &mut io::stdout().lock(),
        errors: &mut io::stderr().lock(),
        notes: &mut |note| failure::note(note),
    };
    let context = || format!("failed to execute {name}");
    let mut guest = Guest::load(&file, &options).with_context(context)?;
    let outcome = match arguments.gdb {
        Some(port) => {
            let code = gdb::serve(&mut guest, &mut console, port).with_context(context)?;
            guest.outcome(code)
        }
        None => guest.run(&mut console).with_context(context)?,
    };
    if let Some(path) = &arguments.signature {
        write_signature(&guest, path)?;
    }
    if arguments.count {
        let instructions = &outcome.instructions;
        failure::note(&format!("{} instructions", instructions.total()));
        for (class, count) in instructions.iter().filter(|(_, count)| *count > 0) {
            failure::note(&format!("{:<18}{count:>14}", class.name()));
        }
    }
    // As a shell sees it: the low eight bits, which must not make a success of a failure.
    Ok(
        match (outcome.exit_code, outcome.exit_code.to_le_bytes()[0]) {
            (0, _) => ExitCode::SUCCESS,
            (_, 0) => ExitCode::FAILURE,
            (_, low) => ExitCode::from(low),
        },
    )
}

fn write_signature(guest: &Guest, path: &Path) -> Result<()> {
    let words = guest
        .signature()
        .context("the file has no symbols begin_signature and end_signature in memory")?;
    let lines: String = words.iter().map(|word| format!("{word:016x}\n")).collect();
    fs::write(path, lines).with_context(|| format!("failed to write {}", path.display()))
}

#[expect(clippy::print_stdout, reason = "asked for")]
fn list_engines() {
    for engine in Engine::available() {
        println!("{engine}");
    }
}
