//! `libcuda.so.1`: the C face of the chip.
//!
//! Every exported function checks its pointers, converts handles and calls `weft-driver`;
//! nothing is decided here. What is implemented stands in [`api`], one file an area. Every
//! other function of the driver API is exported too, answers `CUDA_ERROR_NOT_SUPPORTED` and
//! names itself once on stderr ([`unsupported`]), so that a program never meets a silent
//! no-op. Nothing unwinds across the boundary.
//!
//! Environment, read once at the first call: `WEFT_CHIP` names the chip or its file,
//! `WEFT_TIMING=1` times launches on its model, `WEFT_TIMELINE=1` leaves a trace of modelled time
//! beside the report, `WEFT_TRACE=1` prints every call with its
//! arguments, result and duration; `WEFT_REPORT_DIR` is where the launch report is written at
//! exit; `WEFT_CACHE_DIR` and `WEFT_CACHE=0` steer the compile cache; `WEFT_CC=8.9` sets the
//! compute capability; `WEFT_THREADS` the host threads.
//!
//! Source of names, signatures and rules: CUDA Driver API reference manual.

mod api;
mod c;
mod call;
mod console;
#[cfg(test)]
mod coverage;
mod graphs;
mod handle;
mod logs;
mod proc_address;
mod result;
mod runtime;
mod textures;
mod unsupported;
