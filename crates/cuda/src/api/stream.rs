//! Stream management.
//!
//! Work is complete when it is submitted, so waiting is checking for a fault. The null stream,
//! the legacy one (1) and the per-thread one (2) belong to the current context.

use crate::c::{Handle, HostFn, StreamCallback, put, put_optional};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{EVENTS, STREAMS, code, context_handle, device, usable};
use std::ffi::{c_int, c_uint, c_void};
use weft_driver::{DEFAULT_STREAM, Stream};

/// Whether a handle is one of the default streams: null, `CU_STREAM_LEGACY`,
/// `CU_STREAM_PER_THREAD`.
fn is_default(stream: Handle) -> bool {
    (stream as usize) <= 2
}

/// Checks that work can be submitted to a stream.
pub(super) fn check(stream: Handle) -> Result<(), CUresult> {
    if is_default(stream) {
        usable()?.device().choose_stream(DEFAULT_STREAM);
        Ok(())
    } else {
        let stream = STREAMS.get(stream)?;
        stream
            .synchronize()
            .map_err(|error| crate::runtime::number(&error))?;
        stream.context().device().choose_stream(stream.id());
        Ok(())
    }
}

/// Number of a stream in modelled time.
pub(super) fn number_of(stream: Handle) -> Result<u64, CUresult> {
    if is_default(stream) {
        Ok(DEFAULT_STREAM)
    } else {
        Ok(STREAMS.get(stream)?.id())
    }
}

fn create(out: *mut Handle, flags: c_uint, priority: c_int) -> Result<(), CUresult> {
    let context = usable()?;
    /// `CU_STREAM_NON_BLOCKING`.
    const NON_BLOCKING: c_uint = 1;
    if out.is_null() || flags & !NON_BLOCKING != 0 {
        return Err(CUresult::INVALID_VALUE);
    }
    let stream = Stream::new(&context, flags, priority).map_err(code)?;
    // SAFETY: the caller passes a valid out pointer.
    unsafe { put(out, STREAMS.insert(stream)) }
}

/// Answers "not capturing" in the shape of `cuStreamGetCaptureInfo`.
fn capture_info(stream: Handle, status: *mut c_int, id: *mut u64) -> Result<(), CUresult> {
    check(stream)?;
    // SAFETY: the caller passes a valid out pointer.
    unsafe { put(status, 0) }?;
    // SAFETY: the caller passes null or a valid out pointer.
    unsafe { put_optional(id, 0) };
    Ok(())
}

exports! {
    fn cuStreamCreate(out: *mut Handle, flags: c_uint) {
        create(out, flags, 0)
    }

    fn cuStreamCreateWithPriority(out: *mut Handle, flags: c_uint, priority: c_int) {
        create(out, flags, priority)
    }

    fn cuStreamDestroy_v2(stream: Handle) {
        STREAMS.remove(stream)?.destroy().map_err(code)
    }

    fn cuStreamSynchronize | cuStreamSynchronize_ptsz(stream: Handle) {
        check(stream)?;
        device()?.wait_for_stream(Some(number_of(stream)?));
        Ok(())
    }

    fn cuStreamQuery | cuStreamQuery_ptsz(stream: Handle) {
        check(stream)
    }

    fn cuStreamWaitEvent | cuStreamWaitEvent_ptsz(
        stream: Handle, event: Handle, _flags: c_uint,
    ) {
        check(stream)?;
        let event = EVENTS.get(event)?;
        if let Some(time) = event.chip_seconds() {
            device()?.hold_stream(number_of(stream)?, time);
        }
        Ok(())
    }

    fn cuStreamGetPriority | cuStreamGetPriority_ptsz(stream: Handle, priority: *mut c_int) {
        check(stream)?;
        let value = if is_default(stream) { 0 } else { STREAMS.get(stream)?.priority() };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(priority, value) }
    }

    fn cuStreamGetFlags | cuStreamGetFlags_ptsz(stream: Handle, flags: *mut c_uint) {
        check(stream)?;
        let value = if is_default(stream) { 0 } else { STREAMS.get(stream)?.flags() };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(flags, value) }
    }

    fn cuStreamGetId | cuStreamGetId_ptsz(stream: Handle, id: *mut u64) {
        check(stream)?;
        let value = if is_default(stream) {
            stream as u64
        } else {
            STREAMS.get(stream)?.id()
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(id, value) }
    }

    fn cuStreamGetCtx | cuStreamGetCtx_ptsz(stream: Handle, context: *mut Handle) {
        let owner = if is_default(stream) {
            usable()?
        } else {
            STREAMS.get(stream)?.context().clone()
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(context, context_handle(&owner)) }
    }

    fn cuStreamGetCtx_v2 | cuStreamGetCtx_v2_ptsz(
        stream: Handle, context: *mut Handle, green: *mut Handle,
    ) {
        let owner = if is_default(stream) {
            usable()?
        } else {
            STREAMS.get(stream)?.context().clone()
        };
        // SAFETY: the caller passes valid out pointers.
        unsafe { put_optional(green, std::ptr::null_mut()) };
        // SAFETY: as above.
        unsafe { put(context, context_handle(&owner)) }
    }

    fn cuStreamGetDevice | cuStreamGetDevice_ptsz(stream: Handle, device: *mut c_int) {
        check(stream)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(device, 0) }
    }

    fn cuStreamIsCapturing | cuStreamIsCapturing_ptsz(stream: Handle, status: *mut c_int) {
        capture_info(stream, status, std::ptr::null_mut())
    }

    fn cuStreamGetCaptureInfo | cuStreamGetCaptureInfo_ptsz(
        stream: Handle, status: *mut c_int, id: *mut u64,
    ) {
        capture_info(stream, status, id)
    }

    fn cuStreamGetCaptureInfo_v2 | cuStreamGetCaptureInfo_v2_ptsz(
        stream: Handle, status: *mut c_int, id: *mut u64, _graph: *mut Handle,
        _dependencies: *mut *const Handle, _count: *mut usize,
    ) {
        capture_info(stream, status, id)
    }

    fn cuStreamGetCaptureInfo_v3 | cuStreamGetCaptureInfo_v3_ptsz(
        stream: Handle, status: *mut c_int, id: *mut u64, _graph: *mut Handle,
        _dependencies: *mut *const Handle, _edges: *mut *const c_void, _count: *mut usize,
    ) {
        capture_info(stream, status, id)
    }

    fn cuThreadExchangeStreamCaptureMode(mode: *mut c_uint) {
        if mode.is_null() {
            return Err(CUresult::INVALID_VALUE);
        }
        // Nothing captures, so every mode is as good; the thread's mode stays global (0).
        // SAFETY: not null, and valid by the caller's contract.
        unsafe { mode.write(0) };
        Ok(())
    }

    fn cuLaunchHostFunc | cuLaunchHostFunc_ptsz(
        stream: Handle, function: HostFn, data: *mut c_void,
    ) {
        check(stream)?;
        let function = function.ok_or(CUresult::INVALID_VALUE)?;
        // SAFETY: the caller's function may be called with its data.
        unsafe { function(data) };
        Ok(())
    }

    fn cuStreamAddCallback | cuStreamAddCallback_ptsz(
        stream: Handle, callback: StreamCallback, data: *mut c_void, flags: c_uint,
    ) {
        check(stream)?;
        let callback = callback.ok_or(CUresult::INVALID_VALUE)?;
        if flags != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        // SAFETY: the caller's callback may be called with its data.
        unsafe { callback(stream, CUresult::SUCCESS, data) };
        Ok(())
    }

    /// All memory is accessible to every stream.
    fn cuStreamAttachMemAsync | cuStreamAttachMemAsync_ptsz(
        stream: Handle, _address: u64, _bytes: usize, _flags: c_uint,
    ) {
        check(stream)
    }
}
