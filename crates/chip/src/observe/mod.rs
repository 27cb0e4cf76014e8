//! Observed execution: the same instructions with the same results, and a record of what they
//! did for models of time and energy.
//!
//! The record of a warp is the sequence of blocks that it ran, and for each access to memory
//! and each barrier what cannot be known from the instruction alone. Addresses are taken from
//! the registers before the instruction executes, so the bodies in [`crate::exec`] know nothing
//! of it. Nothing here depends on a model of time, and unobserved execution pays nothing.

mod access;
mod code;
mod cost;
mod operands;

pub(crate) use access::{Accesses, Space};
pub(crate) use code::{Observed, ObservedCode, WarpRecord};
pub(crate) use cost::{Domain, Kind, OpInfo, Unit};
pub(crate) use operands::Registers;
