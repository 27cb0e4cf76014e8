//! Error handling.

use crate::c::Status;
use crate::{driver, error};
use std::ffi::c_char;

/// The thread's last error, which it resets.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn cudaGetLastError() -> Status {
    error::last(true)
}

/// The thread's last error.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn cudaPeekAtLastError() -> Status {
    error::last(false)
}

/// Name of an error code.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn cudaGetErrorName(code: Status) -> *const c_char {
    error::name(code).as_ptr()
}

/// Text of an error code.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn cudaGetErrorString(code: Status) -> *const c_char {
    error::own_text(code)
        .or_else(|| driver::error_text(code))
        .unwrap_or(c"unrecognized error code")
        .as_ptr()
}

/// Names of the functions above.
#[cfg(test)]
pub(crate) const NAMES: &[&str] = &[
    "cudaGetLastError",
    "cudaPeekAtLastError",
    "cudaGetErrorName",
    "cudaGetErrorString",
];
