//! The implemented functions, one file an area of the driver API reference.
//!
//! # Safety
//!
//! All are `unsafe extern "C"`: their contracts are those of the CUDA Driver API reference.
//! Pointers are null or valid for what the function reads and writes through them, strings are
//! NUL-terminated, callbacks may be called with their data. Handles may be anything: unknown
//! ones are refused.

mod absent;
mod array;
mod capture;
mod context;
mod copy;
mod copy_batch;
mod coredump;
mod device;
mod entry;
mod event;
mod execution;
mod graph;
mod graph_exec;
mod graph_node;
mod graph_params;
mod legacy_launch;
mod linker;
mod logs;
mod memory;
mod memory_range;
mod module;
mod pointer;
mod pool;
mod resource;
mod stream;
mod stream_memory;
#[cfg(test)]
mod tests;
mod texref;
mod texture;
mod virtual_memory;

use crate::proc_address::Export;

pub(crate) use absent::ABSENT;

/// Every implemented function by area.
pub(crate) const EXPORTS: &[(&str, &[Export])] = &[
    (
        "Initialization, versions, errors, entry points",
        entry::EXPORTS,
    ),
    ("Devices", device::EXPORTS),
    ("Contexts", context::EXPORTS),
    ("Modules and libraries", module::EXPORTS),
    ("Linking", linker::EXPORTS),
    ("Memory", memory::EXPORTS),
    ("Ranges of memory", memory_range::EXPORTS),
    ("Copies", copy::EXPORTS),
    ("Copies in batches", copy_batch::EXPORTS),
    ("Texture and surface references", texref::EXPORTS),
    ("Virtual memory", virtual_memory::EXPORTS),
    ("Arrays", array::EXPORTS),
    ("Texture and surface objects", texture::EXPORTS),
    ("Stream-ordered memory", pool::EXPORTS),
    ("Unified addressing", pointer::EXPORTS),
    ("Streams", stream::EXPORTS),
    ("Stream memory operations", stream_memory::EXPORTS),
    ("Stream capture", capture::EXPORTS),
    ("Events", event::EXPORTS),
    ("Execution and occupancy", execution::EXPORTS),
    ("Launching as in CUDA 3", legacy_launch::EXPORTS),
    ("Graphs", graph::EXPORTS),
    ("Nodes of graphs", graph_node::EXPORTS),
    ("Executable graphs", graph_exec::EXPORTS),
    ("Error logs", logs::EXPORTS),
    ("Coredump attributes", coredump::EXPORTS),
    ("Resources", resource::EXPORTS),
];
