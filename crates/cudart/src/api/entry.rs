//! Functions of the driver by name, and error logs.

use super::exports;
use crate::c::Handle;
use crate::driver::call;
use crate::error::Error;
use std::ffi::{c_char, c_int, c_uint, c_void};

/// Version of the driver API that a program of this runtime means.
const CUDA_VERSION: c_int = 13_000;

fn entry_point(
    symbol: *const c_char,
    function: *mut *mut c_void,
    version: c_int,
    flags: u64,
    status: *mut c_int,
) -> Result<(), Error> {
    /// `CUDA_ERROR_NOT_FOUND`, which the status tells more of.
    const NOT_FOUND: Error = Error::SYMBOL_NOT_FOUND;
    match call!(cuGetProcAddress_v2(
        *const c_char: symbol, *mut *mut c_void: function, c_int: version, u64: flags,
        *mut c_int: status
    )) {
        // With a place for the status, a function that is not there is no error.
        Err(NOT_FOUND) if !status.is_null() => Ok(()),
        other => other,
    }
}

exports! {
    fn cudaGetDriverEntryPoint | cudaGetDriverEntryPoint_ptsz(
        symbol: *const c_char, function: *mut *mut c_void, flags: u64, status: *mut c_int,
    ) {
        entry_point(symbol, function, CUDA_VERSION, flags, status)
    }

    fn cudaGetDriverEntryPointByVersion | cudaGetDriverEntryPointByVersion_ptsz(
        symbol: *const c_char, function: *mut *mut c_void, version: c_uint, flags: u64,
        status: *mut c_int,
    ) {
        let version = c_int::try_from(version).map_err(|_| Error::INVALID_VALUE)?;
        entry_point(symbol, function, version, flags, status)
    }

    fn cudaLogsRegisterCallback(
        function: *const c_void, data: *mut c_void, out: *mut Handle,
    ) {
        call!(cuLogsRegisterCallback(
            *const c_void: function, *mut c_void: data, *mut Handle: out
        ))
    }

    fn cudaLogsUnregisterCallback(callback: Handle) {
        call!(cuLogsUnregisterCallback(Handle: callback))
    }

    fn cudaLogsCurrent(iterator: *mut c_uint, flags: c_uint) {
        call!(cuLogsCurrent(*mut c_uint: iterator, c_uint: flags))
    }

    fn cudaLogsDumpToFile(iterator: *mut c_uint, path: *const c_char, flags: c_uint) {
        call!(cuLogsDumpToFile(*mut c_uint: iterator, *const c_char: path, c_uint: flags))
    }

    fn cudaLogsDumpToMemory(
        iterator: *mut c_uint, buffer: *mut c_char, size: *mut usize, flags: c_uint,
    ) {
        call!(cuLogsDumpToMemory(
            *mut c_uint: iterator, *mut c_char: buffer, *mut usize: size, c_uint: flags
        ))
    }
}
