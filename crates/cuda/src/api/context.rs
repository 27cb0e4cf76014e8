//! Context management.

use crate::c::{CtxCreateParams, Device, Handle, get, put, put_optional};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{
    CONTEXTS, code, context_handle, current, current_handle, device, number, pop_current,
    push_current, set_current,
};
use std::ffi::{c_int, c_uint, c_void};
use std::sync::Arc;
use weft_driver::{Context, Limit};

/// The context of a handle, or the current one for null.
pub(super) fn context_or_current(handle: Handle) -> Result<Arc<Context>, CUresult> {
    if handle.is_null() {
        current()
    } else {
        CONTEXTS.get(handle)
    }
}

/// Limits by `CUlimit`; the others do not exist on this device.
const fn limit_of(number: c_uint) -> Result<Limit, CUresult> {
    match number {
        0 => Ok(Limit::StackBytes),
        1 => Ok(Limit::PrintfBytes),
        2 => Ok(Limit::HeapBytes),
        _ => Err(CUresult::UNSUPPORTED_LIMIT),
    }
}

/// Flags of contexts: how the host waits (0, 1, 2 or 4), mapped host memory, local memory that is
/// kept, coredumps, their pipe, and synchronous memory operations.
pub(super) const fn check_flags(flags: c_uint) -> Result<(), CUresult> {
    const ALL: c_uint = 0xFF;
    const SCHEDULE: c_uint = 0x07;
    match (flags & !ALL, flags & SCHEDULE) {
        (0, 0 | 1 | 2 | 4) => Ok(()),
        _ => Err(CUresult::INVALID_VALUE),
    }
}

fn synchronize(context: &Context) -> Result<(), CUresult> {
    context.synchronize().map_err(|error| number(&error))?;
    context.device().wait_for_stream(None);
    Ok(())
}

fn create(out: *mut Handle, flags: c_uint, ordinal: Device) -> Result<(), CUresult> {
    let device = super::device::known(ordinal)?;
    check_flags(flags)?;
    if out.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    let handle = CONTEXTS.insert(Context::new(device, flags));
    push_current(handle);
    // SAFETY: the caller passes a valid out pointer.
    unsafe { put(out, handle) }
}

exports! {
    fn cuCtxCreate_v2(out: *mut Handle, flags: c_uint, ordinal: Device) {
        create(out, flags, ordinal)
    }

    fn cuCtxCreate_v3(
        out: *mut Handle, _affinity: *const c_void, affinities: c_int, flags: c_uint,
        ordinal: Device,
    ) {
        if affinities != 0 {
            return Err(CUresult::UNSUPPORTED_EXEC_AFFINITY);
        }
        create(out, flags, ordinal)
    }

    fn cuCtxCreate_v4(
        out: *mut Handle, parameters: *const CtxCreateParams, flags: c_uint, ordinal: Device,
    ) {
        // Execution affinity and graphics interoperability, of which there is none; a structure
        // that asks for neither is as good as none.
        if !parameters.is_null() {
            // SAFETY: not null, and valid by the caller's contract.
            let asked = unsafe { get(parameters) }?;
            if asked.affinities != 0 || !asked.graphics.is_null() {
                return Err(CUresult::NOT_SUPPORTED);
            }
        }
        create(out, flags, ordinal)
    }

    fn cuCtxDestroy_v2 | cuCtxDestroy(handle: Handle) {
        device()?;
        let context = CONTEXTS.get(handle)?;
        let primary = device()?.primary_context_id() == Some(context.id());
        if primary {
            return Err(CUresult::INVALID_CONTEXT);
        }
        CONTEXTS.remove(handle)?;
        context.destroy();
        if current_handle() == handle {
            pop_current()?;
        }
        Ok(())
    }

    fn cuCtxPushCurrent_v2 | cuCtxPushCurrent(handle: Handle) {
        device()?;
        CONTEXTS.get(handle)?;
        push_current(handle);
        Ok(())
    }

    fn cuCtxPopCurrent_v2 | cuCtxPopCurrent(out: *mut Handle) {
        device()?;
        let handle = pop_current()?;
        // SAFETY: the caller passes null or a valid out pointer.
        unsafe { put_optional(out, handle) };
        Ok(())
    }

    fn cuCtxSetCurrent(handle: Handle) {
        device()?;
        if !handle.is_null() {
            CONTEXTS.get(handle)?;
        }
        set_current(handle);
        Ok(())
    }

    fn cuCtxGetCurrent(out: *mut Handle) {
        device()?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, current_handle()) }
    }

    fn cuCtxGetDevice(out: *mut Device) {
        current()?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, 0) }
    }

    fn cuCtxGetDevice_v2(out: *mut Device, handle: Handle) {
        context_or_current(handle)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, 0) }
    }

    fn cuCtxGetFlags(flags: *mut c_uint) {
        let context = current()?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(flags, context.flags()) }
    }

    fn cuCtxGetId(handle: Handle, id: *mut u64) {
        let context = context_or_current(handle)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(id, context.id()) }
    }

    fn cuCtxGetApiVersion(handle: Handle, version: *mut c_uint) {
        context_or_current(handle)?;
        /// Version of the context API since CUDA 3.2.
        const CONTEXT_API: c_uint = 3020;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(version, CONTEXT_API) }
    }

    fn cuCtxSynchronize() {
        synchronize(&*current()?)
    }

    fn cuCtxSynchronize_v2(handle: Handle) {
        synchronize(&*context_or_current(handle)?)
    }

    fn cuCtxGetExecAffinity(_affinity: *mut c_void, _kind: c_uint) {
        current()?;
        // `cuDeviceGetExecAffinitySupport` says so.
        Err(CUresult::UNSUPPORTED_EXEC_AFFINITY)
    }

    /// How the host waits, and whether it maps memory, which is always so: nothing that makes a
    /// difference here.
    fn cuCtxSetFlags(flags: c_uint) {
        let context = current()?;
        check_flags(flags)?;
        context.set_flags(flags);
        Ok(())
    }

    fn cuCtxGetLimit(value: *mut usize, limit: c_uint) {
        let context = current()?;
        let found = context.limit(limit_of(limit)?);
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(value, usize::try_from(found).unwrap_or(usize::MAX)) }
    }

    fn cuCtxSetLimit(limit: c_uint, value: usize) {
        let context = current()?;
        context.set_limit(limit_of(limit)?, value as u64).map_err(code)
    }

    fn cuCtxGetCacheConfig(config: *mut c_uint) {
        current()?;
        // No preference: the scratchpad and L1 are apart.
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(config, 0) }
    }

    /// A hint about the split of scratchpad and L1, which are apart here.
    fn cuCtxSetCacheConfig(_config: c_uint) {
        current().map(|_| ())
    }

    fn cuCtxGetSharedMemConfig(config: *mut c_uint) {
        current()?;
        /// `CU_SHARED_MEM_CONFIG_FOUR_BYTE_BANK_SIZE`.
        const FOUR_BYTE_BANKS: c_uint = 1;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(config, FOUR_BYTE_BANKS) }
    }

    /// A hint about bank width, which is fixed here.
    fn cuCtxSetSharedMemConfig(_config: c_uint) {
        current().map(|_| ())
    }

    fn cuCtxGetStreamPriorityRange(least: *mut c_int, greatest: *mut c_int) {
        current()?;
        let (low, high) = weft_driver::PRIORITY_RANGE;
        // SAFETY: the caller passes null or valid out pointers.
        unsafe { put_optional(least, low) };
        // SAFETY: as above.
        unsafe { put_optional(greatest, high) };
        Ok(())
    }

    /// No lines of L2 persist here.
    fn cuCtxResetPersistingL2Cache() {
        current().map(|_| ())
    }

    fn cuCtxAttach(out: *mut Handle, flags: c_uint) {
        if flags != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        let context = current()?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, context_handle(&context)) }
    }

    fn cuCtxDetach(handle: Handle) {
        CONTEXTS.get(handle).map(|_| ())
    }

    fn cuCtxEnablePeerAccess(_peer: Handle, _flags: c_uint) {
        current()?;
        Err(CUresult::PEER_ACCESS_UNSUPPORTED)
    }

    fn cuCtxDisablePeerAccess(_peer: Handle) {
        current()?;
        Err(CUresult::PEER_ACCESS_NOT_ENABLED)
    }
}
