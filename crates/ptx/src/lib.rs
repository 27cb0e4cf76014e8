//! PTX text to a tree, with located errors, and the extraction of PTX from fatbins and ELF
//! files.
//!
//! The tree says what was written, not what it means: opcodes and modifiers stay words, so an
//! instruction nobody knows is an entry in the tree that the compiler can name and locate.
//! Parsing never panics on any bytes and never stops at the first error.
#![forbid(unsafe_code)]

pub mod ast;
pub mod elf;
pub mod error;
pub mod fatbin;
#[cfg(feature = "fuzzing")]
pub mod fuzz;
mod lexer;
pub mod opcodes;
pub mod parse;
mod print;
pub mod source;

pub use error::{Cause, ContainerCause, ContainerError, Error};
pub use parse::{parse, parse_with_errors};
