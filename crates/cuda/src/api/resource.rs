//! Resources of the device that a context or stream has: all of its cores, which cannot be divided.

use super::context::context_or_current;
use crate::c::{Device, Handle, put};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::stream;
use std::ffi::{c_int, c_uint};

/// `CUdevResource`, of the type of multiprocessors.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct DevResource {
    kind: c_uint,
    padding: [u8; 92],
    count: c_uint,
    smallest_part: c_uint,
    alignment: c_uint,
    flags: c_uint,
    locality_domain: c_uint,
    reserved: [c_uint; 5],
    next: Handle,
}

/// Stores the cores of the device.
///
/// # Safety
/// `out` is null or valid.
unsafe fn cores(out: *mut DevResource, kind: c_uint, ordinal: Device) -> Result<(), CUresult> {
    /// `CU_DEV_RESOURCE_TYPE_SM`; the others are queues of green contexts.
    const MULTIPROCESSORS: c_uint = 1;
    match kind {
        MULTIPROCESSORS => {}
        1000 | 10_000 => return Err(CUresult::NOT_SUPPORTED),
        _ => return Err(CUresult::INVALID_RESOURCE_TYPE),
    }
    /// `CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT`.
    const COUNT: c_int = 16;
    let count = super::device::known(ordinal)?.attribute(COUNT).unwrap_or(1);
    let count = c_uint::try_from(count).unwrap_or(1);
    let value = DevResource {
        kind,
        padding: [0; 92],
        count,
        smallest_part: count,
        alignment: count,
        flags: 0,
        locality_domain: 0,
        reserved: [0; 5],
        next: std::ptr::null_mut(),
    };
    // SAFETY: the caller's pointer.
    unsafe { put(out, value) }
}

exports! {
    fn cuDeviceGetDevResource(ordinal: Device, out: *mut DevResource, kind: c_uint) {
        // SAFETY: the caller passes a valid out pointer.
        unsafe { cores(out, kind, ordinal) }
    }

    fn cuCtxGetDevResource(context: Handle, out: *mut DevResource, kind: c_uint) {
        context_or_current(context)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { cores(out, kind, 0) }
    }

    fn cuStreamGetDevResource | cuStreamGetDevResource_ptsz(
        handle: Handle, out: *mut DevResource, kind: c_uint,
    ) {
        stream(handle)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { cores(out, kind, 0) }
    }
}
