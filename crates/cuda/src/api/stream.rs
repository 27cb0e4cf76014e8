//! Stream management.
//!
//! The null stream, the legacy one (1) and the per-thread one (2) belong to the current context; which
//! of them null is depends on the name by which a function is called.

use crate::c::{Handle, HostFn, StreamCallback, pointer, put, put_optional};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{
    EVENTS, STREAMS, check_unsafe_call, code, context_handle, number, stream, usable,
};
use std::ffi::{c_int, c_uint, c_void};
use weft_driver::{HostCall, Stream, Work};

/// Submits work to a stream.
///
/// Host memory and functions in it are those of the caller of the API, who promises them until the
/// work is done, as the reference says.
pub(super) fn submit(handle: Handle, work: Work) -> Result<(), CUresult> {
    // SAFETY: the promise of the caller of the API.
    unsafe { stream(handle)?.submit(work) }.map_err(code)
}

/// Does work in the default stream and waits for it.
pub(super) fn execute(work: Work) -> Result<(), CUresult> {
    usable()?;
    check_unsafe_call()?;
    let stream = stream(std::ptr::null_mut())?;
    // SAFETY: the promise of the caller of the API.
    unsafe { stream.submit(work) }.map_err(code)?;
    stream.synchronize().map_err(|error| number(&error))
}

/// Checks that work can be submitted to a stream.
pub(super) fn check(handle: Handle) -> Result<(), CUresult> {
    stream(handle)?.usable().map_err(|error| number(&error))
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

/// Calls a `CUhostFn`.
pub(super) fn call_host_function(function: u64, data: u64) {
    if let Some(function) = host_function(function) {
        // SAFETY: the program gave the function to be called with this data.
        unsafe { function(pointer(data)) };
    }
}

/// The function that a number of [`HostCall::function`] means.
pub(super) fn host_function(function: u64) -> HostFn {
    // SAFETY: the number is of a `HostFn`, which has the size of a pointer.
    unsafe { std::mem::transmute::<*mut c_void, HostFn>(pointer(function)) }
}

/// A call of a `CUhostFn`.
pub(super) fn host_call(function: HostFn, data: *mut c_void) -> Result<HostCall, CUresult> {
    let function = function.ok_or(CUresult::INVALID_VALUE)?;
    Ok(HostCall {
        function: function as usize as u64,
        data: data as u64,
        call: call_host_function,
    })
}

/// What a stream callback is called with.
struct Callback {
    function: unsafe extern "C" fn(Handle, CUresult, *mut c_void),
    stream: Handle,
    data: *mut c_void,
}

/// Calls a `CUstreamCallback`, which happens once.
fn call_back(_: u64, callback: u64) {
    // SAFETY: made by `Box::into_raw` for this one call.
    let callback = unsafe { Box::from_raw(pointer(callback).cast::<Callback>()) };
    // SAFETY: the program gave the function to be called with this data.
    unsafe { (callback.function)(callback.stream, CUresult::SUCCESS, callback.data) };
}

exports! {
    fn cuStreamCreate(out: *mut Handle, flags: c_uint) {
        create(out, flags, 0)
    }

    fn cuStreamCreateWithPriority(out: *mut Handle, flags: c_uint, priority: c_int) {
        create(out, flags, priority)
    }

    fn cuStreamDestroy_v2 | cuStreamDestroy(stream: Handle) {
        usable()?;
        STREAMS.remove(stream)?.destroy().map_err(code)
    }

    fn cuStreamSynchronize | cuStreamSynchronize_ptsz(handle: Handle) {
        stream(handle)?.synchronize().map_err(|error| number(&error))
    }

    fn cuStreamQuery | cuStreamQuery_ptsz(handle: Handle) {
        stream(handle)?.query().map_err(|error| number(&error))
    }

    fn cuStreamWaitEvent | cuStreamWaitEvent_ptsz(
        handle: Handle, event: Handle, flags: c_uint,
    ) {
        let (stream, event) = (stream(handle)?, EVENTS.get(event)?);
        super::event::order(&stream, Work::Wait(event, 0), flags)
    }

    fn cuStreamGetPriority | cuStreamGetPriority_ptsz(handle: Handle, priority: *mut c_int) {
        let value = stream(handle)?.priority();
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(priority, value) }
    }

    fn cuStreamGetFlags | cuStreamGetFlags_ptsz(handle: Handle, flags: *mut c_uint) {
        let value = stream(handle)?.flags();
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(flags, value) }
    }

    fn cuStreamGetId | cuStreamGetId_ptsz(handle: Handle, id: *mut u64) {
        let stream = stream(handle)?;
        stream.usable().map_err(|error| number(&error))?;
        // The legacy default streams of all contexts have one number in modelled time.
        let value = match stream.id() {
            weft_driver::DEFAULT_STREAM => stream.context().id() << 32,
            id => id,
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(id, value) }
    }

    fn cuStreamGetCtx | cuStreamGetCtx_ptsz(handle: Handle, context: *mut Handle) {
        let owner = context_handle(stream(handle)?.context());
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(context, owner) }
    }

    fn cuStreamGetCtx_v2 | cuStreamGetCtx_v2_ptsz(
        handle: Handle, context: *mut Handle, green: *mut Handle,
    ) {
        let owner = context_handle(stream(handle)?.context());
        // SAFETY: the caller passes null or a valid out pointer.
        unsafe { put_optional(green, std::ptr::null_mut()) };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(context, owner) }
    }

    /// No stream is of a green context.
    fn cuStreamGetGreenCtx(stream: Handle, green: *mut Handle) {
        check(stream)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(green, std::ptr::null_mut()) }
    }

    fn cuStreamGetDevice | cuStreamGetDevice_ptsz(stream: Handle, device: *mut c_int) {
        check(stream)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(device, 0) }
    }

    fn cuLaunchHostFunc | cuLaunchHostFunc_ptsz(
        stream: Handle, function: HostFn, data: *mut c_void,
    ) {
        submit(stream, Work::Host(host_call(function, data)?))
    }

    /// The function of an event loop is called as every other, whatever `mode` allows besides.
    fn cuLaunchHostFunc_v2 | cuLaunchHostFunc_v2_ptsz(
        stream: Handle, function: HostFn, data: *mut c_void, mode: c_uint,
    ) {
        if mode > 1 {
            return Err(CUresult::INVALID_VALUE);
        }
        submit(stream, Work::Host(host_call(function, data)?))
    }

    fn cuStreamAddCallback | cuStreamAddCallback_ptsz(
        handle: Handle, callback: StreamCallback, data: *mut c_void, flags: c_uint,
    ) {
        let function = callback.ok_or(CUresult::INVALID_VALUE)?;
        if flags != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        let stream = stream(handle)?;
        if stream.capture_info().map_err(code)?.is_some() {
            return Err(CUresult::STREAM_CAPTURE_UNSUPPORTED);
        }
        let callback = Box::new(Callback { function, stream: handle, data });
        let work = HostCall {
            function: function as usize as u64,
            data: Box::into_raw(callback) as u64,
            call: call_back,
        };
        // SAFETY: the program gave the function to be called with its data.
        unsafe { stream.submit(Work::Host(work)) }.map_err(code)
    }

    fn cuStreamCopyAttributes | cuStreamCopyAttributes_ptsz(to: Handle, from: Handle) {
        let (to, from) = (stream(to)?, stream(from)?);
        to.copy_attributes(&from);
        Ok(())
    }

    fn cuStreamGetAttribute | cuStreamGetAttribute_ptsz(
        handle: Handle, attribute: c_uint, value: *mut [u64; 8],
    ) {
        let stream = stream(handle)?;
        stream.usable().map_err(|error| number(&error))?;
        let found = stream_attribute(&stream, attribute)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(value, found) }
    }

    fn cuStreamSetAttribute | cuStreamSetAttribute_ptsz(
        handle: Handle, attribute: c_uint, value: *const [u64; 8],
    ) {
        let stream = stream(handle)?;
        stream.usable().map_err(|error| number(&error))?;
        stream_attribute(&stream, attribute)?;
        // SAFETY: the caller passes a valid value.
        let value = unsafe { crate::c::get(value) }?;
        stream.set_attribute(attribute, value);
        Ok(())
    }

    /// All memory is accessible to every stream.
    fn cuStreamAttachMemAsync | cuStreamAttachMemAsync_ptsz(
        stream: Handle, _address: u64, _bytes: usize, _flags: c_uint,
    ) {
        check(stream)
    }
}

/// Attributes of streams (`CUstreamAttrID`), none of which makes a difference here: window of the
/// access policy, synchronization policy, priority, map and domain of memory synchronization.
fn stream_attribute(stream: &Stream, number: c_uint) -> Result<[u64; 8], CUresult> {
    const PRIORITY: c_uint = 8;
    // Domains 0 and 1 map to themselves.
    const DOMAIN_MAP: c_uint = 9;
    match number {
        1 | 3 | 10 => Ok(stream.attribute(number).unwrap_or_default()),
        DOMAIN_MAP => Ok(stream
            .attribute(number)
            .unwrap_or([0x0100, 0, 0, 0, 0, 0, 0, 0])),
        PRIORITY => Ok(stream.attribute(number).unwrap_or_else(|| {
            [
                u64::from(stream.priority().cast_unsigned()),
                0,
                0,
                0,
                0,
                0,
                0,
                0,
            ]
        })),
        _ => Err(CUresult::INVALID_VALUE),
    }
}
