//! Bare execution: a RISC-V ELF file on one hart with flat memory, without CUDA's surroundings.
//!
//! There are two surroundings. A file that has a symbol `tohost`, or lies at 0x8000_0000 or
//! above, is a program for a **bare machine**: it begins in machine mode, its traps go to its
//! own handler, and it speaks to the host through HTIF (`tohost` and `fromhost`: exit status,
//! console, proxied system calls) or through semihosting. Any other file is a **Linux
//! program**: it begins in user mode with arguments, environment and auxiliary vector on its
//! stack, and `ecall` is a system call. On a machine without a trap handler `ecall` is one too.
//!
//! Time is instructions: one nanosecond each. Random numbers come from a fixed seed. So a run
//! depends on the file, its arguments and its input alone.
//!
//! It promises that no file, however corrupt, does more than return an error. It does not run
//! dynamically linked or 32-bit files, interrupts, paging, threads or signals.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "bytes of words, and error numbers of Linux"
)]

mod code;
mod debug;
mod guest;
mod htif;
mod image;
mod linux;
mod linux_stack;
mod semihosting;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{Read, Write};

pub use debug::Registers;
pub use guest::Guest;

pub use crate::engine::Engine;
use crate::fault::FaultKind;
use crate::report::{ClassCounts, Traffic};

/// Settings of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory after the segments, for `brk` and `mmap`, in bytes; at most 1 GiB is given.
    pub heap_bytes: u64,
    /// Instructions after which the run ends with an error.
    pub instructions_max: u64,
    /// How instructions are executed.
    pub engine: Engine,
    /// Arguments of the program, its name first.
    pub arguments: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            heap_bytes: 256 << 20,
            instructions_max: u64::MAX,
            engine: Engine::best(),
            arguments: vec!["program".to_owned()],
        }
    }
}

/// What a program reads and writes.
pub struct Console<'a> {
    /// Its standard input.
    pub input: &'a mut dyn Read,
    /// Its standard output, and the console of a bare machine.
    pub output: &'a mut dyn Write,
    /// Its standard error.
    pub errors: &'a mut dyn Write,
    /// Receives what the user should know: system calls that are not served, each once.
    pub notes: &'a mut dyn FnMut(&str),
}

/// What a finished run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// What the program passed to `exit` or `tohost`; 0 is success.
    pub exit_code: u64,
    /// Retired instructions by class.
    pub instructions: ClassCounts,
    /// Bytes moved.
    pub memory: Traffic,
}

/// An instruction of a program, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Its address.
    pub pc: u64,
    /// The symbol it is in, with the distance from its beginning, if the file tells.
    pub symbol: Option<String>,
    /// Its text, if it is one.
    pub instruction: Option<String>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pc {:#x}", self.pc)?;
        if let Some(symbol) = &self.symbol {
            write!(f, " in {symbol}")?;
        }
        if let Some(instruction) = &self.instruction {
            write!(f, ": {instruction}")?;
        }
        Ok(())
    }
}

/// Why a file could not be run to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not an ELF file that can be read.
    #[error("malformed ELF file: {part}: {reason}")]
    Malformed {
        /// Which part of the file.
        part: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// An ELF file for something else.
    #[error("unsupported ELF file: {0}")]
    Unsupported(&'static str),
    /// A segment that does not fit into memory.
    #[error("segment {index}: {bytes} bytes at {address:#x} do not fit into memory")]
    Segment {
        /// Index in the program header table.
        index: usize,
        /// First byte.
        address: u64,
        /// Size in memory.
        bytes: u64,
    },
    /// The arguments do not fit on the stack.
    #[error("{0} bytes of arguments do not fit on the stack")]
    Arguments(usize),
    /// The program did what cannot be done, and has no handler for it.
    #[error("{kind} ({location})")]
    Fault {
        /// What.
        kind: FaultKind,
        /// Where.
        location: Location,
    },
    /// The program ended itself with a signal, as `abort` does.
    #[error("ended by signal {signal} of its own ({location})")]
    Signal {
        /// Number of the signal.
        signal: u64,
        /// Where.
        location: Location,
    },
    /// A command to the host that is not served.
    #[error("unsupported {interface} request {request:#x} ({location})")]
    HostRequest {
        /// HTIF or semihosting.
        interface: &'static str,
        /// The command word, or the number of the operation.
        request: u64,
        /// Where.
        location: Location,
    },
    /// The limit of [`Options::instructions_max`] was reached.
    #[error("no end after {instructions} instructions ({location})")]
    Limit {
        /// Instructions executed.
        instructions: u64,
        /// Where it was then.
        location: Location,
    },
    /// The program's input or output failed.
    #[error("failed to read or write for the program: {0}")]
    Console(#[from] std::io::Error),
}

/// Runs a file to its end.
///
/// # Errors
///
/// If the file is not a 64-bit little-endian static RISC-V executable, or the program faults,
/// asks for something that a host cannot give, or does not end.
pub fn run(file: &[u8], options: &Options, console: &mut Console<'_>) -> Result<Outcome, Error> {
    Guest::load(file, options)?.run(console)
}
