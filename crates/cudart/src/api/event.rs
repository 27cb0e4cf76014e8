//! Event management.

use super::exports;
use crate::c::Handle;
use crate::driver::{check, with_context};
use std::ffi::c_uint;

exports! {
    fn cudaEventCreate(event: *mut Handle) {
        let driver = with_context()?;
        // SAFETY: the caller passes a valid out pointer.
        check(unsafe { (driver.cuEventCreate)(event, 0) })
    }

    fn cudaEventCreateWithFlags(event: *mut Handle, flags: c_uint) {
        let driver = with_context()?;
        // SAFETY: the caller passes a valid out pointer.
        check(unsafe { (driver.cuEventCreate)(event, flags) })
    }

    fn cudaEventDestroy(event: Handle) {
        let driver = with_context()?;
        // SAFETY: unknown handles are refused by the driver.
        check(unsafe { (driver.cuEventDestroy_v2)(event) })
    }

    fn cudaEventRecord | cudaEventRecord_ptsz(event: Handle, stream: Handle) {
        let driver = with_context()?;
        // SAFETY: unknown handles are refused by the driver.
        check(unsafe { (driver.cuEventRecord)(event, stream) })
    }

    fn cudaEventRecordWithFlags | cudaEventRecordWithFlags_ptsz(
        event: Handle, stream: Handle, flags: c_uint,
    ) {
        let driver = with_context()?;
        // SAFETY: unknown handles are refused by the driver.
        check(unsafe { (driver.cuEventRecordWithFlags)(event, stream, flags) })
    }

    fn cudaEventSynchronize(event: Handle) {
        let driver = with_context()?;
        // SAFETY: unknown handles are refused by the driver.
        check(unsafe { (driver.cuEventSynchronize)(event) })
    }

    fn cudaEventQuery(event: Handle) {
        let driver = with_context()?;
        // SAFETY: unknown handles are refused by the driver.
        check(unsafe { (driver.cuEventQuery)(event) })
    }

    fn cudaEventElapsedTime | cudaEventElapsedTime_v2(
        milliseconds: *mut f32, start: Handle, end: Handle,
    ) {
        let driver = with_context()?;
        // SAFETY: the caller passes a valid out pointer; unknown handles are refused.
        check(unsafe { (driver.cuEventElapsedTime)(milliseconds, start, end) })
    }
}
