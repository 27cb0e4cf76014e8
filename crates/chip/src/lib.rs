//! Model of the Weft chip: harts, cores, memory, execution engine; time and energy beside.
//!
//! # What it is
//!
//! A [`Chip`] is device memory, a set of cores and the host threads that run them. A
//! [`Program`] is RISC-V code placed in the code window. [`Chip::launch`] runs a grid of CTAs
//! of that code to the end and gives a [`LaunchReport`], or the [`Fault`] that ended it.
//! The contract with the code is [`weft_isa::abi`].
//!
//! # Promises
//!
//! - Integer and IEEE results are bit-exact on every host; approximations (`Xweft` special
//!   functions) are the same bits on every host.
//! - Every access of a kernel is checked: it hits an accessible interval of [`Memory`] or one
//!   of the hart's windows, or the launch ends with a located fault.
//! - No code, launch or ELF file makes the process fail; a chip stays usable after a fault.
//! - Per-core results do not depend on the number of host threads, except through races of
//!   the program itself.
//!
//! # What it does not do
//!
//! It allocates no memory (the driver decides where allocations lie) and knows no CUDA. Time
//! and energy are modelled beside execution ([`timing`]), only when asked for, and never change
//! a result.

mod block;
mod chip;
pub mod chipfile;
mod config;
mod core;
mod engine;
mod env;
mod environment;
mod exec;
pub mod exec_elf;
mod fault;
mod first_fault;
mod grid;
mod hart;
#[cfg(feature = "jit")]
mod jit;
#[cfg(not(feature = "jit"))]
#[path = "jit_disabled.rs"]
mod jit;
mod launch;
mod machine;
pub mod mem;
pub mod microbench;
mod observe;
mod pmp;
mod program;
mod report;
pub mod timing;

pub use chip::{Chip, ChipError};
pub use chipfile::{ChipFile, ChipFileError};
pub use config::ChipConfig;
pub use engine::Engine;
pub use environment::{Environment, EnvironmentCall, Refusal};
pub use fault::{Fault, FaultKind};
pub use launch::{Launch, LaunchError};
pub use mem::{Access, AccessError, Interval, MapError, Memory};
pub use program::Program;
pub use report::{ClassCounts, LaunchReport, MemoryTraffic, Traffic};
pub use timing::TimingReport;
