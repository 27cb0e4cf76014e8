//! Event management.

use crate::c::{Handle, put};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{CONTEXTS, EVENTS, code, device, number, stream, usable};
use std::ffi::c_uint;
use std::sync::Arc;
use weft_driver::{Event, Stream, Work, event_flag};

/// `CU_EVENT_INTERPROCESS`.
const INTERPROCESS: c_uint = 4;
/// `CU_EVENT_RECORD_EXTERNAL` and `CU_EVENT_WAIT_EXTERNAL`.
const EXTERNAL: c_uint = 1;

/// Submits a recording of an event, or a wait for one.
pub(super) fn order(stream: &Arc<Stream>, work: Work, flags: c_uint) -> Result<(), CUresult> {
    if flags & !EXTERNAL != 0 {
        return Err(CUresult::INVALID_VALUE);
    }
    if flags == EXTERNAL {
        // Only inside a capture is there an outside.
        if stream.capture_info().map_err(code)?.is_none() {
            return Err(CUresult::INVALID_VALUE);
        }
        // SAFETY: no memory of the program is touched.
        return unsafe { stream.submit_external(work) }.map_err(code);
    }
    // SAFETY: no memory of the program is touched.
    unsafe { stream.submit(work) }.map_err(code)
}

fn record(event: Handle, handle: Handle, flags: c_uint) -> Result<(), CUresult> {
    let (stream, event) = (stream(handle)?, EVENTS.get(event)?);
    if event.context().id() != stream.context().id() {
        return Err(CUresult::INVALID_HANDLE);
    }
    order(&stream, Work::Record(event, 0), flags)
}

exports! {
    fn cuEventCreate(out: *mut Handle, flags: c_uint) {
        let context = usable()?;
        if out.is_null() || flags > 7 {
            return Err(CUresult::INVALID_VALUE);
        }
        if flags & INTERPROCESS != 0 {
            // Which cannot measure time besides.
            let timed = flags & event_flag::DISABLE_TIMING == 0;
            return Err(if timed { CUresult::INVALID_VALUE } else { CUresult::NOT_SUPPORTED });
        }
        let event = Event::new(&context, flags).map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, EVENTS.insert_as(event.id(), || event.clone())) }
    }

    fn cuEventDestroy_v2 | cuEventDestroy(event: Handle) {
        device()?;
        EVENTS.remove(event).map(|_| ())
    }

    fn cuEventRecord | cuEventRecord_ptsz(event: Handle, stream: Handle) {
        record(event, stream, 0)
    }

    fn cuEventRecordWithFlags | cuEventRecordWithFlags_ptsz(
        event: Handle, stream: Handle, flags: c_uint,
    ) {
        record(event, stream, flags)
    }

    fn cuEventQuery(event: Handle) {
        device()?;
        EVENTS.get(event)?.query().map_err(|error| number(&error))
    }

    fn cuEventSynchronize(event: Handle) {
        let device = device()?;
        let event = EVENTS.get(event)?;
        event.synchronize().map_err(|error| number(&error))?;
        if let Some(time) = event.chip_seconds() {
            device.wait_until(time);
        }
        Ok(())
    }

    fn cuEventElapsedTime | cuEventElapsedTime_v2(
        milliseconds: *mut f32, start: Handle, end: Handle,
    ) {
        device()?;
        let (start, end) = (EVENTS.get(start)?, EVENTS.get(end)?);
        let elapsed = start.elapsed_ms(&end).map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(milliseconds, elapsed) }
    }

    /// All work of the context is done when it is submitted, or in the default stream's order.
    fn cuCtxRecordEvent(context: Handle, event: Handle) {
        let (context, event) = (CONTEXTS.get(context)?, EVENTS.get(event)?);
        if event.context().id() != context.id() {
            return Err(CUresult::INVALID_HANDLE);
        }
        let stream = device()?.default_stream(&context).map_err(code)?;
        order(&stream, Work::Record(event, 0), 0)
    }

    fn cuCtxWaitEvent(context: Handle, event: Handle) {
        let (context, event) = (CONTEXTS.get(context)?, EVENTS.get(event)?);
        let stream = device()?.default_stream(&context).map_err(code)?;
        order(&stream, Work::Wait(event, 0), 0)
    }
}
