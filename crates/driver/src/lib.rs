//! The device runtime: what a CUDA driver does, as safe Rust.
//!
//! A [`Device`] is one chip and its memory. [`Context`]s share it, each with its own sticky
//! error; a [`Module`] is PTX loaded into a context, from which [`Kernel`]s are compiled at
//! first use through a [cache](CacheConfig) on disk; [`Stream`]s and [`Event`]s order work;
//! [`Kernel::launch`] runs it and adds to the [`Report`]. With [`Device::set_timing`] launches
//! are also timed on the model of a chip, and [`Kernel::launch_reported`] gives cycles and
//! joules of each.
//!
//! # Order of execution
//!
//! Every operation is complete when the call that submits it returns. That is a legal schedule
//! of CUDA's asynchronous operations: a program may not rely on an operation *not* having
//! happened yet, except one that waits on the device for the host to act later (a kernel
//! spinning on mapped host memory), which would never end here.
//!
//! # What it does not do
//!
//! No C types, no environment, no clocks in results but the host seconds of the report and
//! of events.

mod allocator;
mod archive;
mod attributes;
mod blob;
mod cache;
mod config;
mod context;
mod device;
mod environment;
mod error;
mod event;
mod kernel;
mod launch;
mod linker;
mod memory;
mod merge;
mod module;
mod pool;
mod rename;
mod report;
mod stream;
#[cfg(test)]
mod tests;
mod timeline;
mod timing;
mod trace;

pub use attributes::MAX_SHARED_BYTES_PER_BLOCK;
pub use config::{CacheConfig, Config};
pub use context::{Context, Limit};
pub use device::Device;
pub use environment::{Console, StandardStreams};
pub use error::{Error, FaultClass};
pub use event::Event;
pub use kernel::Kernel;
pub use launch::LaunchConfig;
pub use linker::Linker;
pub use memory::{Allocation, AllocationKind};
pub use module::{Module, ModuleImage};
pub use pool::Pool;
pub use report::{KernelReport, Report};
pub use stream::{PRIORITY_RANGE, Stream};
pub use timeline::{DEFAULT_STREAM, Elapsed, Operation, OperationKind};
pub use timing::{KernelTiming, LineTiming};
pub use weft_chip::timing as chip_timing;
pub use weft_chip::{ChipConfig, ChipFile, ChipFileError, LaunchReport, TimingReport};
pub use weft_ptx::elf::{HostProgram, Runtime};
