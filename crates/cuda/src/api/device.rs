//! Device management.

use crate::c::{Device, DeviceProperties, Handle, Uuid, get, put, put_optional, text};
use crate::call::exports;
use crate::handle::Registry;
use crate::result::CUresult;
use crate::runtime::{CONTEXTS, context_handle, device};
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::sync::Arc;

/// Checks a device number: there is one device, 0.
pub(super) fn known(ordinal: Device) -> Result<&'static Arc<weft_driver::Device>, CUresult> {
    let device = device()?;
    if ordinal == 0 {
        Ok(device)
    } else {
        Err(CUresult::INVALID_DEVICE)
    }
}

/// Registrations for notifications.
static NOTIFICATIONS: Registry<()> = Registry::new(18, CUresult::INVALID_VALUE);

/// What atomic operations on host memory can do (`CUatomicOperationCapability`), by operation.
const fn atomic_capabilities(operation: c_uint) -> Result<c_uint, CUresult> {
    const SIGNED: c_uint = 1;
    const UNSIGNED: c_uint = 2;
    const REDUCTION: c_uint = 4;
    const BITS_32_64: c_uint = 8 | 16;
    match operation {
        // Add, min, max of integers; increment, decrement; and, or, xor.
        0..=2 => Ok(SIGNED | UNSIGNED | REDUCTION | BITS_32_64),
        3 | 4 => Ok(UNSIGNED | REDUCTION | 8),
        5..=7 => Ok(SIGNED | UNSIGNED | REDUCTION | BITS_32_64),
        // Exchange, compare and swap.
        8 | 9 => Ok(SIGNED | UNSIGNED | BITS_32_64),
        // Add of floating-point numbers; their min and max do not exist.
        10 => Ok(REDUCTION | BITS_32_64),
        11 | 12 => Ok(0),
        _ => Err(CUresult::INVALID_VALUE),
    }
}

/// Copies text into a buffer of `length` bytes, cut off if need be and NUL-terminated.
///
/// # Safety
/// `buffer` is null or valid for writes of `length` bytes.
unsafe fn put_text(buffer: *mut c_char, length: c_int, value: &str) -> Result<(), CUresult> {
    let length = usize::try_from(length).map_err(|_| CUresult::INVALID_VALUE)?;
    if length == 0 {
        return Err(CUresult::INVALID_VALUE);
    }
    let cut = value.len().min(length - 1);
    // SAFETY: `cut` + 1 bytes fit the buffer.
    let target = unsafe { crate::c::bytes_mut(buffer.cast(), cut + 1) }?;
    target[..cut].copy_from_slice(&value.as_bytes()[..cut]);
    target[cut] = 0;
    Ok(())
}

exports! {
    fn cuDeviceGetCount(count: *mut c_int) {
        device()?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(count, 1) }
    }

    fn cuDeviceGet(out: *mut Device, ordinal: c_int) {
        known(ordinal)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, 0) }
    }

    fn cuDeviceGetName(name: *mut c_char, length: c_int, ordinal: Device) {
        let value = known(ordinal)?.name();
        // SAFETY: the caller passes `length` writable bytes.
        unsafe { put_text(name, length, &value) }
    }

    fn cuDeviceGetUuid | cuDeviceGetUuid_v2(uuid: *mut Uuid, ordinal: Device) {
        let value = known(ordinal)?.uuid();
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(uuid, Uuid(value)) }
    }

    fn cuDeviceTotalMem_v2(bytes: *mut usize, ordinal: Device) {
        let value = known(ordinal)?.total_memory();
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(bytes, usize::try_from(value).unwrap_or(usize::MAX)) }
    }

    fn cuDeviceGetAttribute(value: *mut c_int, attribute: c_int, ordinal: Device) {
        let found = known(ordinal)?.attribute(attribute).ok_or(CUresult::INVALID_VALUE)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(value, found) }
    }

    fn cuDeviceComputeCapability(major: *mut c_int, minor: *mut c_int, ordinal: Device) {
        let device = known(ordinal)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(major, device.attribute(75).unwrap_or(0)) }?;
        // SAFETY: as above.
        unsafe { put(minor, device.attribute(76).unwrap_or(0)) }
    }

    fn cuDeviceGetProperties(out: *mut DeviceProperties, ordinal: Device) {
        let device = known(ordinal)?;
        let value = |number| device.attribute(number).unwrap_or(0);
        let properties = DeviceProperties {
            max_threads_per_block: value(1),
            max_threads_dim: [value(2), value(3), value(4)],
            max_grid_size: [value(5), value(6), value(7)],
            shared_mem_per_block: value(8),
            total_constant_memory: value(9),
            simd_width: value(10),
            mem_pitch: value(11),
            regs_per_block: value(12),
            clock_rate: value(13),
            texture_align: value(14),
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, properties) }
    }

    fn cuDeviceGetPCIBusId(text: *mut c_char, length: c_int, ordinal: Device) {
        let value = known(ordinal)?.pci_bus_id();
        // SAFETY: the caller passes `length` writable bytes.
        unsafe { put_text(text, length, value) }
    }

    fn cuDeviceGetByPCIBusId(out: *mut Device, id: *const c_char) {
        // SAFETY: the caller passes a NUL-terminated string.
        let id = unsafe { text(id) }?;
        if device()?.pci_bus_id() != id {
            return Err(CUresult::INVALID_DEVICE);
        }
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, 0) }
    }

    fn cuDeviceCanAccessPeer(can: *mut c_int, ordinal: Device, peer: Device) {
        known(ordinal)?;
        known(peer)?;
        // A device is not its own peer, and there is no other.
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(can, 0) }
    }

    fn cuDevicePrimaryCtxRetain(context: *mut Handle, ordinal: Device) {
        let retained = known(ordinal)?.retain_primary();
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(context, context_handle(&retained)) }
    }

    fn cuDevicePrimaryCtxRelease | cuDevicePrimaryCtxRelease_v2(ordinal: Device) {
        known(ordinal)?
            .release_primary()
            .map_err(|_| CUresult::INVALID_CONTEXT)?;
        // A context that the release destroyed has no handle any more.
        CONTEXTS.remove_if(|context| context.usable() == Err(weft_driver::Error::ContextDestroyed));
        Ok(())
    }

    fn cuDevicePrimaryCtxReset | cuDevicePrimaryCtxReset_v2(ordinal: Device) {
        known(ordinal)?.reset_primary();
        Ok(())
    }

    fn cuDevicePrimaryCtxGetState(ordinal: Device, flags: *mut c_uint, active: *mut c_int) {
        let (value, exists) = known(ordinal)?.primary_state();
        // SAFETY: the caller passes null or valid out pointers.
        unsafe { put_optional(flags, value) };
        // SAFETY: as above.
        unsafe { put_optional(active, c_int::from(exists)) };
        Ok(())
    }

    fn cuDevicePrimaryCtxSetFlags | cuDevicePrimaryCtxSetFlags_v2(
        ordinal: Device, flags: c_uint,
    ) {
        let device = known(ordinal)?;
        super::context::check_flags(flags)?;
        device.set_primary_flags(flags);
        Ok(())
    }

    /// The same list of sizes that `cuDeviceGetAttribute` gives, one execution-affinity kind
    /// of which the device has none.
    fn cuDeviceGetExecAffinitySupport(supported: *mut c_int, _kind: c_uint, ordinal: Device) {
        known(ordinal)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(supported, 0) }
    }

    fn cuDeviceGetP2PAttribute(
        value: *mut c_int, _attribute: c_uint, source: Device, destination: Device,
    ) {
        known(source)?;
        known(destination)?;
        // Both are the one device, and a device has no link to itself.
        let _ = value;
        Err(CUresult::INVALID_DEVICE)
    }

    /// Kernels access host memory with the host's own atomic instructions.
    fn cuDeviceGetHostAtomicCapabilities(
        capabilities: *mut c_uint, operations: *const c_uint, count: c_uint, ordinal: Device,
    ) {
        known(ordinal)?;
        if count == 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        for index in 0..count as usize {
            // SAFETY: the caller's array.
            let operation = unsafe { get(operations.wrapping_add(index)) }?;
            // SAFETY: as above.
            unsafe { put(capabilities.wrapping_add(index), atomic_capabilities(operation)?) }?;
        }
        Ok(())
    }

    /// A device is not its own peer, and there is no other.
    fn cuDeviceGetP2PAtomicCapabilities(
        _capabilities: *mut c_uint, _operations: *const c_uint, _count: c_uint,
        source: Device, destination: Device,
    ) {
        known(source)?;
        known(destination)?;
        Err(CUresult::INVALID_DEVICE)
    }

    /// The one kind of notification tells that memory is over a budget, which there is none of: it
    /// never comes.
    fn cuDeviceRegisterAsyncNotification(
        ordinal: Device, function: *const c_void, _data: *mut c_void, out: *mut Handle,
    ) {
        known(ordinal)?;
        if function.is_null() || out.is_null() {
            return Err(CUresult::INVALID_VALUE);
        }
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, NOTIFICATIONS.insert(Arc::new(()))) }
    }

    fn cuDeviceUnregisterAsyncNotification(ordinal: Device, registration: Handle) {
        known(ordinal)?;
        NOTIFICATIONS.remove(registration).map(|_| ())
    }

    fn cuDeviceGetLuid(_luid: *mut c_void, _mask: *mut c_uint, ordinal: Device) {
        known(ordinal)?;
        // Locally unique ids exist on Windows only.
        Err(CUresult::NOT_SUPPORTED)
    }
}
