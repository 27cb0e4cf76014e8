//! The instruction set of the Weft chip: one table of instructions, from which encoding,
//! decoding and disassembly follow, and the kernel ABI.
//!
//! This is the only room that the compiler and the chip share. It promises that what one
//! encodes the other decodes to the same [`abi`] contract. It holds no execution semantics.
#![no_std]
#![forbid(unsafe_code)]

pub mod abi;
