//! Stream management.

use super::exports;
use crate::c::Handle;
use crate::driver::{StreamCallback, check, with_context};
use std::ffi::{c_int, c_uint, c_void};

exports! {
    fn cudaStreamCreate(stream: *mut Handle) {
        let driver = with_context()?;
        // SAFETY: the caller passes a valid out pointer.
        check(unsafe { (driver.cuStreamCreateWithPriority)(stream, 0, 0) })
    }

    fn cudaStreamCreateWithFlags(stream: *mut Handle, flags: c_uint) {
        let driver = with_context()?;
        // SAFETY: the caller passes a valid out pointer.
        check(unsafe { (driver.cuStreamCreateWithPriority)(stream, flags, 0) })
    }

    fn cudaStreamCreateWithPriority(stream: *mut Handle, flags: c_uint, priority: c_int) {
        let driver = with_context()?;
        // SAFETY: the caller passes a valid out pointer.
        check(unsafe { (driver.cuStreamCreateWithPriority)(stream, flags, priority) })
    }

    fn cudaStreamDestroy(stream: Handle) {
        let driver = with_context()?;
        // SAFETY: unknown handles are refused by the driver.
        check(unsafe { (driver.cuStreamDestroy_v2)(stream) })
    }

    fn cudaStreamSynchronize | cudaStreamSynchronize_ptsz(stream: Handle) {
        let driver = with_context()?;
        // SAFETY: unknown handles are refused by the driver.
        check(unsafe { (driver.cuStreamSynchronize)(stream) })
    }

    fn cudaStreamQuery | cudaStreamQuery_ptsz(stream: Handle) {
        let driver = with_context()?;
        // SAFETY: unknown handles are refused by the driver.
        check(unsafe { (driver.cuStreamQuery)(stream) })
    }

    fn cudaStreamWaitEvent | cudaStreamWaitEvent_ptsz(
        stream: Handle, event: Handle, flags: c_uint,
    ) {
        let driver = with_context()?;
        // SAFETY: unknown handles are refused by the driver.
        check(unsafe { (driver.cuStreamWaitEvent)(stream, event, flags) })
    }

    fn cudaStreamAddCallback | cudaStreamAddCallback_ptsz(
        stream: Handle, callback: StreamCallback, data: *mut c_void, flags: c_uint,
    ) {
        let driver = with_context()?;
        // SAFETY: the caller's callback may be called with its data.
        check(unsafe { (driver.cuStreamAddCallback)(stream, callback, data, flags) })
    }

    fn cudaStreamGetPriority | cudaStreamGetPriority_ptsz(stream: Handle, priority: *mut c_int) {
        let driver = with_context()?;
        // SAFETY: the caller passes a valid out pointer.
        check(unsafe { (driver.cuStreamGetPriority)(stream, priority) })
    }

    fn cudaStreamGetFlags | cudaStreamGetFlags_ptsz(stream: Handle, flags: *mut c_uint) {
        let driver = with_context()?;
        // SAFETY: the caller passes a valid out pointer.
        check(unsafe { (driver.cuStreamGetFlags)(stream, flags) })
    }

    fn cudaDeviceGetStreamPriorityRange(least: *mut c_int, greatest: *mut c_int) {
        let driver = with_context()?;
        // SAFETY: the caller passes null or valid out pointers.
        check(unsafe { (driver.cuCtxGetStreamPriorityRange)(least, greatest) })
    }
}
