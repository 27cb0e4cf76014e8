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
//! Every operation is complete when the call that submits it returns, unless it waits for a word of
//! memory that the program has to write: then it, and what is ordered after it, is kept back until the
//! program asks for anything again ([`Stream`]). That is a legal schedule of CUDA's asynchronous
//! operations: a program may not rely on an operation *not* having happened yet, except a kernel that
//! itself spins on mapped host memory, which would never end here.
//!
//! # What it does not do
//!
//! No C types, no environment, no clocks in results but the host seconds of the report and
//! of events.

mod advice;
mod allocator;
mod archive;
mod array;
mod attributes;
mod blob;
mod cache;
mod config;
mod context;
mod copy;
mod device;
mod environment;
mod error;
mod event;
mod graph;
mod host_mapping;
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
mod stream_memory;
#[cfg(test)]
mod tests;
mod texture;
mod timeline;
mod timing;
mod trace;
mod virtual_memory;
mod work;

pub use advice::{Advice, Location};
pub use array::{Array, ArrayShape, MipmappedArray, TexelFormat, array_flag};
pub use attributes::MAX_SHARED_BYTES_PER_BLOCK;
pub use config::{CacheConfig, Config};
pub use context::{Context, Limit};
pub use copy::{Copy, Fill, Place, Side};
pub use device::Device;
pub use environment::{Console, StandardStreams};
pub use error::{CaptureError, Error, FaultClass};
pub use event::{Event, event_flag};
pub use graph::{
    Capture, CaptureInfo, CaptureMode, Conditional, ConditionalKind, ConditionalValue,
    DependencyChange, DotDetail, ExecGraph, Graph, GraphAllocation, GraphMemoryUse, Node, NodeId,
    NodeKind, Running, UpdateError, UpdateFailure, UserObject, instantiate_flag,
};
pub use kernel::Kernel;
pub use launch::LaunchConfig;
pub use linker::Linker;
pub use memory::{Allocation, AllocationKind};
pub use module::{Module, ModuleImage};
pub use pool::Pool;
pub use report::{KernelReport, Report};
pub use stream::{NON_BLOCKING, PRIORITY_RANGE, Stream, StreamKind};
pub use stream_memory::{Condition, MemoryOperation};
pub use texture::{Resource, Sampler, Texture, View};
pub use timeline::{DEFAULT_STREAM, Elapsed, Operation, OperationKind};
pub use timing::{KernelTiming, LineTiming};
pub use virtual_memory::{GRANULARITY, Physical, Protection};
pub use weft_chip::timing as chip_timing;
pub use weft_chip::{ChipConfig, ChipFile, ChipFileError, LaunchReport, TimingReport};
pub use weft_isa::texture as texture_layout;
pub use weft_ptx::elf::{HostProgram, Runtime};
pub use work::{HostCall, KernelLaunch, Work};
