//! Event management.

use crate::c::{Handle, put};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{EVENTS, code, device, number, usable};
use std::ffi::c_uint;
use weft_driver::Event;

/// `CU_EVENT_DISABLE_TIMING`.
const DISABLE_TIMING: c_uint = 2;
/// `CU_EVENT_INTERPROCESS`.
const INTERPROCESS: c_uint = 4;

fn record(event: Handle, stream: Handle) -> Result<(), CUresult> {
    super::stream::check(stream)?;
    let event = EVENTS.get(event)?;
    event
        .record(super::stream::number_of(stream)?)
        .map_err(|error| number(&error))
}

exports! {
    fn cuEventCreate(out: *mut Handle, flags: c_uint) {
        let context = usable()?;
        if out.is_null() || flags > 7 {
            return Err(CUresult::INVALID_VALUE);
        }
        if flags & INTERPROCESS != 0 {
            return Err(CUresult::NOT_SUPPORTED);
        }
        let event = Event::new(&context, flags & DISABLE_TIMING == 0).map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, EVENTS.insert(event)) }
    }

    fn cuEventDestroy_v2(event: Handle) {
        EVENTS.remove(event).map(|_| ())
    }

    fn cuEventRecord | cuEventRecord_ptsz(event: Handle, stream: Handle) {
        record(event, stream)
    }

    fn cuEventRecordWithFlags | cuEventRecordWithFlags_ptsz(
        event: Handle, stream: Handle, _flags: c_uint,
    ) {
        record(event, stream)
    }

    fn cuEventQuery(event: Handle) {
        EVENTS.get(event)?.synchronize().map_err(|error| number(&error))
    }

    fn cuEventSynchronize(event: Handle) {
        let event = EVENTS.get(event)?;
        event.synchronize().map_err(|error| number(&error))?;
        if let Some(time) = event.chip_seconds() {
            device()?.wait_until(time);
        }
        Ok(())
    }

    fn cuEventElapsedTime | cuEventElapsedTime_v2(
        milliseconds: *mut f32, start: Handle, end: Handle,
    ) {
        let (start, end) = (EVENTS.get(start)?, EVENTS.get(end)?);
        let elapsed = start.elapsed_ms(&end).map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(milliseconds, elapsed) }
    }
}
