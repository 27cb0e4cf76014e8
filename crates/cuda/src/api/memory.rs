//! Memory management: allocation, host memory, fills.

use super::pointer::allocation_of_program;
use super::stream::{execute, submit};
use crate::c::{DevicePtr, Handle, put, put_optional};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{check_unsafe_call, code, device, usable};
use std::ffi::{c_uint, c_void};
use weft_driver::{AllocationKind, Fill, Work};

/// Rows of pitched memory begin at multiples of this many bytes, as texture units want it.
const PITCH_BYTES: usize = 512;

/// Flags of pinned host memory: portable, mapped, write-combined.
const HOST_ALLOCATION_FLAGS: c_uint = 7;
/// Flags of registered host memory: portable, mapped, of a device, read only.
const REGISTRATION_FLAGS: c_uint = 15;
/// Memory of a device that is no memory of the host: there is none to register.
const IO_MEMORY: c_uint = 4;

fn allocate_host(out: *mut *mut c_void, bytes: usize, flags: c_uint) -> Result<(), CUresult> {
    let context = usable()?;
    check_unsafe_call()?;
    if out.is_null() || flags & !HOST_ALLOCATION_FLAGS != 0 {
        return Err(CUresult::INVALID_VALUE);
    }
    let address = context
        .allocate(bytes as u64, AllocationKind::Host, u64::from(flags))
        .map_err(code)?;
    // SAFETY: the caller passes a valid out pointer.
    unsafe { put(out.cast(), address) }
}

/// A fill of `height` rows of `width` elements, `pitch` bytes apart.
fn fill(
    address: DevicePtr,
    pitch: usize,
    pattern: &[u8],
    width: usize,
    height: usize,
) -> Result<Work, CUresult> {
    usable()?;
    let mut value = [0; 4];
    value[..pattern.len()].copy_from_slice(pattern);
    let fill = Fill {
        address,
        pitch: pitch as u64,
        value: u32::from_le_bytes(value),
        element_bytes: c_uint::try_from(pattern.len()).unwrap_or(0),
        width: width as u64,
        height: height as u64,
    };
    fill.check().map_err(code)?;
    Ok(Work::Fill(fill))
}

exports! {
    fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize) {
        usable()?;
        let device = device()?;
        let size = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
        // SAFETY: the caller passes null or valid out pointers.
        unsafe { put_optional(free, size(device.free_memory())) };
        // SAFETY: as above.
        unsafe { put_optional(total, size(device.total_memory())) };
        Ok(())
    }

    fn cuMemAlloc_v2(out: *mut DevicePtr, bytes: usize) {
        let context = usable()?;
        check_unsafe_call()?;
        if out.is_null() {
            return Err(CUresult::INVALID_VALUE);
        }
        let address = context
            .allocate(bytes as u64, AllocationKind::Device, 0)
            .map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, address) }
    }

    fn cuMemAllocPitch_v2(
        out: *mut DevicePtr, pitch: *mut usize, width: usize, height: usize,
        element_bytes: c_uint,
    ) {
        let context = usable()?;
        check_unsafe_call()?;
        if out.is_null() || pitch.is_null() || !matches!(element_bytes, 4 | 8 | 16) {
            return Err(CUresult::INVALID_VALUE);
        }
        let row = width
            .checked_next_multiple_of(PITCH_BYTES)
            .ok_or(CUresult::INVALID_VALUE)?;
        let bytes = row.checked_mul(height).ok_or(CUresult::INVALID_VALUE)?;
        let address = context
            .allocate(bytes as u64, AllocationKind::Device, 0)
            .map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, address) }?;
        // SAFETY: as above.
        unsafe { put(pitch, row) }
    }

    fn cuMemAllocManaged(out: *mut DevicePtr, bytes: usize, flags: c_uint) {
        let context = usable()?;
        check_unsafe_call()?;
        /// `CU_MEM_ATTACH_GLOBAL` and `CU_MEM_ATTACH_HOST`.
        const ATTACH: [c_uint; 2] = [1, 2];
        if out.is_null() || !ATTACH.contains(&flags) {
            return Err(CUresult::INVALID_VALUE);
        }
        let address = context
            .allocate(bytes as u64, AllocationKind::Managed, 0)
            .map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, address) }
    }

    fn cuMemFree_v2(address: DevicePtr) {
        let context = usable()?;
        check_unsafe_call()?;
        if address == 0 {
            return Ok(());
        }
        context.free_device_memory(address).map_err(code)
    }

    fn cuMemAllocHost_v2(out: *mut *mut c_void, bytes: usize) {
        allocate_host(out, bytes, 0)
    }

    fn cuMemHostAlloc(out: *mut *mut c_void, bytes: usize, flags: c_uint) {
        allocate_host(out, bytes, flags)
    }

    fn cuMemFreeHost(pointer: *mut c_void) {
        let context = usable()?;
        check_unsafe_call()?;
        context
            .free(pointer as u64, |kind| kind == AllocationKind::Host)
            .map_err(code)
    }

    fn cuMemHostRegister_v2 | cuMemHostRegister(pointer: *mut c_void, bytes: usize, flags: c_uint) {
        let context = usable()?;
        check_unsafe_call()?;
        if flags & !REGISTRATION_FLAGS != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        if flags & IO_MEMORY != 0 {
            return Err(CUresult::NOT_SUPPORTED);
        }
        // SAFETY: the caller promises the range until it is unregistered.
        unsafe { context.register_host(pointer as u64, bytes as u64, flags) }.map_err(code)
    }

    fn cuMemHostUnregister(pointer: *mut c_void) {
        usable()?.unregister_host(pointer as u64).map_err(code)
    }

    fn cuMemHostGetDevicePointer_v2(
        out: *mut DevicePtr, pointer: *mut c_void, flags: c_uint,
    ) {
        let context = usable()?;
        let known = context.device().allocation_of(pointer as u64);
        if flags != 0 || !known.is_some_and(|allocation| allocation.kind.is_host()) {
            return Err(CUresult::INVALID_VALUE);
        }
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, pointer as u64) }
    }

    fn cuMemHostGetFlags(flags: *mut c_uint, pointer: *mut c_void) {
        let context = usable()?;
        let allocation = context
            .device()
            .allocation_of(pointer as u64)
            .filter(|allocation| allocation.kind.is_host())
            .ok_or(CUresult::INVALID_VALUE)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(flags, c_uint::try_from(allocation.tag).unwrap_or(0)) }
    }

    fn cuMemGetAddressRange_v2(
        base: *mut DevicePtr, bytes: *mut usize, address: DevicePtr,
    ) {
        usable()?;
        let allocation = allocation_of_program(address)?.ok_or(CUresult::NOT_FOUND)?;
        // SAFETY: the caller passes null or valid out pointers.
        unsafe { put_optional(base, allocation.address) };
        let size = usize::try_from(allocation.bytes).unwrap_or(usize::MAX);
        // SAFETY: as above.
        unsafe { put_optional(bytes, size) };
        Ok(())
    }

    fn cuMemsetD8_v2 | cuMemsetD8_v2_ptds(address: DevicePtr, value: u8, count: usize) {
        execute(fill(address, 0, &[value], count, 1)?)
    }

    fn cuMemsetD16_v2 | cuMemsetD16_v2_ptds(address: DevicePtr, value: u16, count: usize) {
        execute(fill(address, 0, &value.to_le_bytes(), count, 1)?)
    }

    fn cuMemsetD32_v2 | cuMemsetD32_v2_ptds(address: DevicePtr, value: u32, count: usize) {
        execute(fill(address, 0, &value.to_le_bytes(), count, 1)?)
    }

    fn cuMemsetD8Async | cuMemsetD8Async_ptsz(
        address: DevicePtr, value: u8, count: usize, stream: Handle,
    ) {
        submit(stream, fill(address, 0, &[value], count, 1)?)
    }

    fn cuMemsetD16Async | cuMemsetD16Async_ptsz(
        address: DevicePtr, value: u16, count: usize, stream: Handle,
    ) {
        submit(stream, fill(address, 0, &value.to_le_bytes(), count, 1)?)
    }

    fn cuMemsetD32Async | cuMemsetD32Async_ptsz(
        address: DevicePtr, value: u32, count: usize, stream: Handle,
    ) {
        submit(stream, fill(address, 0, &value.to_le_bytes(), count, 1)?)
    }

    fn cuMemsetD2D8_v2 | cuMemsetD2D8_v2_ptds(
        address: DevicePtr, pitch: usize, value: u8, width: usize, height: usize,
    ) {
        execute(fill(address, pitch, &[value], width, height)?)
    }

    fn cuMemsetD2D16_v2 | cuMemsetD2D16_v2_ptds(
        address: DevicePtr, pitch: usize, value: u16, width: usize, height: usize,
    ) {
        execute(fill(address, pitch, &value.to_le_bytes(), width, height)?)
    }

    fn cuMemsetD2D32_v2 | cuMemsetD2D32_v2_ptds(
        address: DevicePtr, pitch: usize, value: u32, width: usize, height: usize,
    ) {
        execute(fill(address, pitch, &value.to_le_bytes(), width, height)?)
    }

    fn cuMemsetD2D8Async | cuMemsetD2D8Async_ptsz(
        address: DevicePtr, pitch: usize, value: u8, width: usize, height: usize,
        stream: Handle,
    ) {
        submit(stream, fill(address, pitch, &[value], width, height)?)
    }

    fn cuMemsetD2D16Async | cuMemsetD2D16Async_ptsz(
        address: DevicePtr, pitch: usize, value: u16, width: usize, height: usize,
        stream: Handle,
    ) {
        submit(stream, fill(address, pitch, &value.to_le_bytes(), width, height)?)
    }

    fn cuMemsetD2D32Async | cuMemsetD2D32Async_ptsz(
        address: DevicePtr, pitch: usize, value: u32, width: usize, height: usize,
        stream: Handle,
    ) {
        submit(stream, fill(address, pitch, &value.to_le_bytes(), width, height)?)
    }
}

/// Checks that a range lies in one allocation.
pub(super) fn known_range(address: DevicePtr, bytes: usize) -> Result<(), CUresult> {
    usable()?;
    let allocation = allocation_of_program(address)?.ok_or(CUresult::INVALID_VALUE)?;
    let room = allocation.bytes - (address - allocation.address);
    if bytes as u64 > room {
        return Err(CUresult::INVALID_VALUE);
    }
    Ok(())
}
