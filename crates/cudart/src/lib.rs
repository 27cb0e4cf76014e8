//! The CUDA runtime API, as much of it as programs linked with `-cudart shared` call, written
//! from NVIDIA's public documentation over the driver API.
//!
//! It holds no device state of its own: it finds `libcuda.so.1` as any runtime does, registers
//! the fatbins that nvcc-built programs announce at start-up, loads them into the primary
//! context at first use, and translates calls. `weft-cudart12` and `weft-cudart13` give these
//! functions the library names and symbol versions of the two runtimes; where the two differ
//! (`cudaGetDeviceProperties`), both symbols exist.
//!
//! Function documentation is NVIDIA's "CUDA Runtime API" reference: each function here does
//! what its section there says, or returns an error.
#![expect(
    non_snake_case,
    reason = "exported functions and C structures bear their C names"
)]

pub mod api;
mod c;
#[cfg(test)]
mod coverage;
mod driver;
mod error;
mod registry;
