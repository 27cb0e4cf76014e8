//! Initialisation, versions, error texts, entry points, profiler control.

use crate::c::{put, put_optional, text};
use crate::call::{exports, message};
use crate::proc_address::{Answer, find};
use crate::result::CUresult;
use crate::runtime;
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::sync::Once;

/// `CUDA_VERSION` of the driver API that this library speaks.
pub(crate) const DRIVER_VERSION: c_int = 13_000;

/// `CUdriverProcAddressQueryResult`.
mod query {
    pub(super) const SUCCESS: i32 = 0;
    pub(super) const SYMBOL_NOT_FOUND: i32 = 1;
    pub(super) const VERSION_NOT_SUFFICIENT: i32 = 2;
}

fn proc_address(
    symbol: *const c_char,
    function: *mut *const c_void,
    version: c_int,
    flags: u64,
    status: *mut c_int,
) -> Result<(), CUresult> {
    /// `CU_GET_PROC_ADDRESS_LEGACY_STREAM`.
    const LEGACY_STREAM: u64 = 1;
    /// `CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM`.
    const PER_THREAD_STREAM: u64 = 2;
    if !matches!(flags, 0 | LEGACY_STREAM | PER_THREAD_STREAM) {
        return Err(CUresult::INVALID_VALUE);
    }
    // SAFETY: the caller passes a NUL-terminated name.
    let name = unsafe { text(symbol) }?;
    let (address, code) = match find(name, version, flags == PER_THREAD_STREAM) {
        Answer::Found(address) => (address.cast(), query::SUCCESS),
        Answer::NotFound => (std::ptr::null(), query::SYMBOL_NOT_FOUND),
        Answer::VersionNotSufficient => (std::ptr::null(), query::VERSION_NOT_SUFFICIENT),
    };
    // SAFETY: the caller passes a valid out pointer.
    unsafe { put(function, address) }?;
    // SAFETY: the caller passes null or a valid out pointer.
    unsafe { put_optional(status, code) };
    if code == query::SUCCESS {
        Ok(())
    } else {
        Err(CUresult::NOT_FOUND)
    }
}

exports! {
    fn cuInit(flags: c_uint) {
        if flags != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        runtime::initialise()
    }

    fn cuDriverGetVersion(version: *mut c_int) {
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(version, DRIVER_VERSION) }
    }

    fn cuGetErrorName(code: CUresult, name: *mut *const c_char) {
        let found = code.describe();
        let value = found.map_or(std::ptr::null(), |(name, _)| name.as_ptr());
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(name, value) }?;
        found.map(|_| ()).ok_or(CUresult::INVALID_VALUE)
    }

    fn cuGetErrorString(code: CUresult, string: *mut *const c_char) {
        let found = code.describe();
        let value = found.map_or(std::ptr::null(), |(_, text)| text.as_ptr());
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(string, value) }?;
        found.map(|_| ()).ok_or(CUresult::INVALID_VALUE)
    }

    fn cuGetProcAddress(
        symbol: *const c_char, function: *mut *const c_void, version: c_int, flags: u64,
    ) {
        proc_address(symbol, function, version, flags, std::ptr::null_mut())
    }

    fn cuGetProcAddress_v2 | cuGetProcAddress_v2_ptsz(
        symbol: *const c_char, function: *mut *const c_void, version: c_int, flags: u64,
        status: *mut c_int,
    ) {
        proc_address(symbol, function, version, flags, status)
    }

    /// Export tables are private to Nvidia's libraries, which authenticate the driver through
    /// them. None is offered; a runtime that asks is told how to do without.
    fn cuGetExportTable(table: *mut *const c_void, _id: *const c_void) {
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(table, std::ptr::null()) }?;
        explain_static_runtime();
        Err(CUresult::NOT_FOUND)
    }

    /// The launch report covers the whole run; the calls mark no range.
    fn cuProfilerStart() {
        Ok(())
    }

    /// See `cuProfilerStart`.
    fn cuProfilerStop() {
        Ok(())
    }
}

/// Clients other than the CUDA runtime ask for tables too and do without, so the hint is for
/// programs that carry Nvidia's runtime inside.
fn explain_static_runtime() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if runtime::program_links_runtime_statically() {
            message(format_args!(
                "this program has Nvidia's CUDA runtime linked in statically, which accepts only \
                 Nvidia's driver\nhint: relink it with `nvcc -cudart shared` (no source change)"
            ));
        }
    });
}
