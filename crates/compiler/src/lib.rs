//! PTX to RISC-V vector code for the Weft chip.
//!
//! The path: PTX tree ([`weft_ptx`]) -> SSA IR ([`ir`]), checked by a verifier and given
//! meaning by an interpreter -> divergence analysis -> linearised, masked machine code ->
//! register allocation -> image. Nothing here executes machine code.
#![forbid(unsafe_code)]

pub mod ir;
