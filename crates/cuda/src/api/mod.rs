//! The implemented functions, one file an area of the driver API reference.
//!
//! # Safety
//!
//! All are `unsafe extern "C"`: their contracts are those of the CUDA Driver API reference.
//! Pointers are null or valid for what the function reads and writes through them, strings are
//! NUL-terminated, callbacks may be called with their data. Handles may be anything: unknown
//! ones are refused.

mod context;
mod copy;
mod device;
mod entry;
mod event;
mod execution;
mod linker;
mod memory;
mod module;
mod pointer;
mod pool;
mod stream;

use crate::proc_address::Export;

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
    ("Copies", copy::EXPORTS),
    ("Stream-ordered memory", pool::EXPORTS),
    ("Unified addressing", pointer::EXPORTS),
    ("Streams", stream::EXPORTS),
    ("Events", event::EXPORTS),
    ("Execution and occupancy", execution::EXPORTS),
];
