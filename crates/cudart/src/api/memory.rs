//! Memory management and unified addressing.

use super::exports;
use crate::c::{
    DriverMemcpy2D, Extent, Handle, PitchedPtr, PointerAttributes, pointer as pointer_to, put,
};
use crate::driver::{Driver, check, with_context};
use crate::error::Error;
use crate::registry::variable;
use std::ffi::{c_int, c_uint, c_void};

/// `cudaMemcpyKind`.
mod kind {
    pub(super) const HOST_TO_HOST: i32 = 0;
    pub(super) const HOST_TO_DEVICE: i32 = 1;
    pub(super) const DEVICE_TO_HOST: i32 = 2;
    pub(super) const DEVICE_TO_DEVICE: i32 = 3;
    pub(super) const DEFAULT: i32 = 4;
}

/// `CUmemorytype`.
mod memory_type {
    pub(super) const HOST: u32 = 1;
    pub(super) const DEVICE: u32 = 2;
    pub(super) const UNIFIED: u32 = 4;
}

/// Copies in the given direction; `stream` is `None` for the synchronous form.
#[expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "one of the calls is made, and all have the same contract"
)]
fn copy(
    driver: &Driver,
    destination: *mut c_void,
    source: *const c_void,
    bytes: usize,
    direction: c_int,
    stream: Option<Handle>,
) -> Result<(), Error> {
    let (to, from) = (destination as u64, source as u64);
    // SAFETY: the caller of the API promises `bytes` readable and writable bytes; device
    // addresses are checked by the driver. This holds for each call below.
    let code = unsafe {
        match (direction, stream) {
            (kind::HOST_TO_HOST | kind::DEFAULT, None) => (driver.cuMemcpy)(to, from, bytes),
            (kind::HOST_TO_HOST | kind::DEFAULT, Some(stream)) => {
                (driver.cuMemcpyAsync)(to, from, bytes, stream)
            }
            (kind::HOST_TO_DEVICE, None) => (driver.cuMemcpyHtoD_v2)(to, source, bytes),
            (kind::HOST_TO_DEVICE, Some(stream)) => {
                (driver.cuMemcpyHtoDAsync_v2)(to, source, bytes, stream)
            }
            (kind::DEVICE_TO_HOST, None) => (driver.cuMemcpyDtoH_v2)(destination, from, bytes),
            (kind::DEVICE_TO_HOST, Some(stream)) => {
                (driver.cuMemcpyDtoHAsync_v2)(destination, from, bytes, stream)
            }
            (kind::DEVICE_TO_DEVICE, None) => (driver.cuMemcpyDtoD_v2)(to, from, bytes),
            (kind::DEVICE_TO_DEVICE, Some(stream)) => {
                (driver.cuMemcpyDtoDAsync_v2)(to, from, bytes, stream)
            }
            _ => return Err(Error::INVALID_MEMCPY_DIRECTION),
        }
    };
    check(code)
}

/// Rows of one side of a 2D copy, and how the driver is to read the pointer.
pub(super) fn side(direction: c_int, is_source: bool) -> Result<c_uint, Error> {
    let host = match direction {
        kind::HOST_TO_HOST => true,
        kind::HOST_TO_DEVICE => is_source,
        kind::DEVICE_TO_HOST => !is_source,
        kind::DEVICE_TO_DEVICE => false,
        kind::DEFAULT => return Ok(memory_type::UNIFIED),
        _ => return Err(Error::INVALID_MEMCPY_DIRECTION),
    };
    Ok(if host {
        memory_type::HOST
    } else {
        memory_type::DEVICE
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "the parameters of cudaMemcpy2DAsync, in its order"
)]
fn copy_2d(
    destination: *mut c_void,
    destination_pitch: usize,
    source: *const c_void,
    source_pitch: usize,
    width: usize,
    height: usize,
    direction: c_int,
    stream: Option<Handle>,
) -> Result<(), Error> {
    let driver = with_context()?;
    let request = DriverMemcpy2D {
        src_x: 0,
        src_y: 0,
        src_type: side(direction, true)?,
        src_host: source,
        src_device: source as u64,
        src_array: std::ptr::null_mut(),
        src_pitch: source_pitch,
        dst_x: 0,
        dst_y: 0,
        dst_type: side(direction, false)?,
        dst_host: destination,
        dst_device: destination as u64,
        dst_array: std::ptr::null_mut(),
        dst_pitch: destination_pitch,
        width,
        height,
    };
    check(match stream {
        // SAFETY: the caller of the API promises the rows; device addresses are checked.
        None => unsafe { (driver.cuMemcpy2D_v2)(&raw const request) },
        // SAFETY: as above.
        Some(stream) => unsafe { (driver.cuMemcpy2DAsync_v2)(&raw const request, stream) },
    })
}

/// Address inside a variable, after a check of the range.
fn symbol_address(symbol: *const c_void, offset: usize, bytes: usize) -> Result<u64, Error> {
    let (address, size) = variable(symbol)?;
    let end = offset.checked_add(bytes).ok_or(Error::INVALID_VALUE)?;
    if end > size {
        return Err(Error::INVALID_VALUE);
    }
    Ok(address + offset as u64)
}

fn alloc(pointer: *mut *mut c_void, bytes: usize) -> Result<(), Error> {
    let driver = with_context()?;
    if bytes == 0 {
        // SAFETY: the caller passes a valid out pointer.
        return unsafe { put(pointer, std::ptr::null_mut()) };
    }
    // SAFETY: a device pointer has the size of a host pointer; the driver refuses null.
    check(unsafe { (driver.cuMemAlloc_v2)(pointer.cast(), bytes) })
}

fn alloc_host(pointer: *mut *mut c_void, bytes: usize, flags: c_uint) -> Result<(), Error> {
    let driver = with_context()?;
    if bytes == 0 {
        // SAFETY: the caller passes a valid out pointer.
        return unsafe { put(pointer, std::ptr::null_mut()) };
    }
    // SAFETY: the caller passes a valid out pointer; the driver refuses null.
    check(unsafe { (driver.cuMemHostAlloc)(pointer, bytes, flags) })
}

exports! {
    fn cudaMalloc(pointer: *mut *mut c_void, bytes: usize) {
        alloc(pointer, bytes)
    }

    fn cudaMallocAsync | cudaMallocAsync_ptsz(
        pointer: *mut *mut c_void, bytes: usize, stream: Handle,
    ) {
        let driver = with_context()?;
        // SAFETY: a device pointer has the size of a host pointer; the driver refuses null.
        check(unsafe { (driver.cuMemAllocAsync)(pointer.cast(), bytes, stream) })
    }

    fn cudaMallocManaged(pointer: *mut *mut c_void, bytes: usize, flags: c_uint) {
        let driver = with_context()?;
        // SAFETY: a device pointer has the size of a host pointer; the driver refuses null.
        check(unsafe { (driver.cuMemAllocManaged)(pointer.cast(), bytes, flags) })
    }

    fn cudaMallocPitch(
        pointer: *mut *mut c_void, pitch: *mut usize, width: usize, height: usize,
    ) {
        let driver = with_context()?;
        // SAFETY: the caller passes valid out pointers; 16 is the widest element.
        check(unsafe { (driver.cuMemAllocPitch_v2)(pointer.cast(), pitch, width, height, 16) })
    }

    fn cudaMalloc3D(pitched: *mut PitchedPtr, extent: Extent) {
        let driver = with_context()?;
        let rows = extent.height.checked_mul(extent.depth).ok_or(Error::INVALID_VALUE)?;
        let (mut address, mut pitch) = (0u64, 0usize);
        // SAFETY: out pointers to locals; 16 is the widest element.
        check(unsafe {
            (driver.cuMemAllocPitch_v2)(&raw mut address, &raw mut pitch, extent.width, rows, 16)
        })?;
        let value = PitchedPtr {
            pointer: pointer_to(address),
            pitch,
            x_bytes: extent.width,
            y: extent.height,
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(pitched, value) }
    }

    fn cudaFree(pointer: *mut c_void) {
        let driver = with_context()?;
        if pointer.is_null() {
            return Ok(());
        }
        // SAFETY: the driver refuses what it did not allocate.
        check(unsafe { (driver.cuMemFree_v2)(pointer as u64) })
    }

    fn cudaFreeAsync | cudaFreeAsync_ptsz(pointer: *mut c_void, stream: Handle) {
        let driver = with_context()?;
        // SAFETY: the driver refuses what it did not allocate.
        check(unsafe { (driver.cuMemFreeAsync)(pointer as u64, stream) })
    }

    fn cudaMallocHost(pointer: *mut *mut c_void, bytes: usize) {
        alloc_host(pointer, bytes, 0)
    }

    fn cudaHostAlloc(pointer: *mut *mut c_void, bytes: usize, flags: c_uint) {
        alloc_host(pointer, bytes, flags)
    }

    fn cudaFreeHost(pointer: *mut c_void) {
        let driver = with_context()?;
        if pointer.is_null() {
            return Ok(());
        }
        // SAFETY: the driver refuses what it did not allocate.
        check(unsafe { (driver.cuMemFreeHost)(pointer) })
    }

    fn cudaHostRegister(pointer: *mut c_void, bytes: usize, flags: c_uint) {
        let driver = with_context()?;
        // SAFETY: the caller promises the range until it is unregistered.
        check(unsafe { (driver.cuMemHostRegister_v2)(pointer, bytes, flags) })
    }

    fn cudaHostUnregister(pointer: *mut c_void) {
        let driver = with_context()?;
        // SAFETY: the driver refuses what was not registered.
        check(unsafe { (driver.cuMemHostUnregister)(pointer) })
    }

    fn cudaHostGetDevicePointer(device: *mut *mut c_void, host: *mut c_void, flags: c_uint) {
        let driver = with_context()?;
        // SAFETY: the caller passes a valid out pointer.
        check(unsafe { (driver.cuMemHostGetDevicePointer_v2)(device.cast(), host, flags) })
    }

    fn cudaHostGetFlags(flags: *mut c_uint, host: *mut c_void) {
        let driver = with_context()?;
        // SAFETY: the caller passes a valid out pointer.
        check(unsafe { (driver.cuMemHostGetFlags)(flags, host) })
    }

    fn cudaMemGetInfo(free: *mut usize, total: *mut usize) {
        let driver = with_context()?;
        // SAFETY: the caller passes valid out pointers.
        check(unsafe { (driver.cuMemGetInfo_v2)(free, total) })
    }

    fn cudaMemcpy | cudaMemcpy_ptds(
        destination: *mut c_void, source: *const c_void, bytes: usize, direction: c_int,
    ) {
        copy(with_context()?, destination, source, bytes, direction, None)
    }

    fn cudaMemcpyAsync | cudaMemcpyAsync_ptsz(
        destination: *mut c_void, source: *const c_void, bytes: usize, direction: c_int,
        stream: Handle,
    ) {
        copy(with_context()?, destination, source, bytes, direction, Some(stream))
    }

    fn cudaMemcpyPeer(
        destination: *mut c_void, _destination_device: c_int, source: *const c_void,
        _source_device: c_int, bytes: usize,
    ) {
        copy(with_context()?, destination, source, bytes, kind::DEVICE_TO_DEVICE, None)
    }

    fn cudaMemcpy2D | cudaMemcpy2D_ptds(
        destination: *mut c_void, destination_pitch: usize, source: *const c_void,
        source_pitch: usize, width: usize, height: usize, direction: c_int,
    ) {
        copy_2d(
            destination, destination_pitch, source, source_pitch, width, height, direction, None,
        )
    }

    fn cudaMemcpy2DAsync | cudaMemcpy2DAsync_ptsz(
        destination: *mut c_void, destination_pitch: usize, source: *const c_void,
        source_pitch: usize, width: usize, height: usize, direction: c_int, stream: Handle,
    ) {
        copy_2d(
            destination, destination_pitch, source, source_pitch, width, height, direction,
            Some(stream),
        )
    }

    fn cudaMemcpyToSymbol | cudaMemcpyToSymbol_ptds(
        symbol: *const c_void, source: *const c_void, bytes: usize, offset: usize,
        direction: c_int,
    ) {
        let address = symbol_address(symbol, offset, bytes)?;
        copy(with_context()?, pointer_to(address), source, bytes, direction, None)
    }

    fn cudaMemcpyToSymbolAsync | cudaMemcpyToSymbolAsync_ptsz(
        symbol: *const c_void, source: *const c_void, bytes: usize, offset: usize,
        direction: c_int, stream: Handle,
    ) {
        let address = symbol_address(symbol, offset, bytes)?;
        let to = pointer_to(address);
        copy(with_context()?, to, source, bytes, direction, Some(stream))
    }

    fn cudaMemcpyFromSymbol | cudaMemcpyFromSymbol_ptds(
        destination: *mut c_void, symbol: *const c_void, bytes: usize, offset: usize,
        direction: c_int,
    ) {
        let address = symbol_address(symbol, offset, bytes)?;
        let from = pointer_to(address);
        copy(with_context()?, destination, from, bytes, direction, None)
    }

    fn cudaMemcpyFromSymbolAsync | cudaMemcpyFromSymbolAsync_ptsz(
        destination: *mut c_void, symbol: *const c_void, bytes: usize, offset: usize,
        direction: c_int, stream: Handle,
    ) {
        let address = symbol_address(symbol, offset, bytes)?;
        let from = pointer_to(address);
        copy(with_context()?, destination, from, bytes, direction, Some(stream))
    }

    fn cudaGetSymbolAddress(address: *mut *mut c_void, symbol: *const c_void) {
        let (value, _) = variable(symbol)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(address, pointer_to(value)) }
    }

    fn cudaGetSymbolSize(bytes: *mut usize, symbol: *const c_void) {
        let (_, size) = variable(symbol)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(bytes, size) }
    }

    fn cudaMemset | cudaMemset_ptds(pointer: *mut c_void, value: c_int, bytes: usize) {
        let driver = with_context()?;
        // SAFETY: device addresses are checked by the driver.
        check(unsafe { (driver.cuMemsetD8_v2)(pointer as u64, low_byte(value), bytes) })
    }

    fn cudaMemsetAsync | cudaMemsetAsync_ptsz(
        pointer: *mut c_void, value: c_int, bytes: usize, stream: Handle,
    ) {
        let driver = with_context()?;
        // SAFETY: device addresses are checked by the driver.
        check(unsafe { (driver.cuMemsetD8Async)(pointer as u64, low_byte(value), bytes, stream) })
    }

    fn cudaMemset2D | cudaMemset2D_ptds(
        pointer: *mut c_void, pitch: usize, value: c_int, width: usize, height: usize,
    ) {
        let driver = with_context()?;
        // SAFETY: device addresses are checked by the driver.
        check(unsafe {
            (driver.cuMemsetD2D8_v2)(pointer as u64, pitch, low_byte(value), width, height)
        })
    }

    fn cudaMemset2DAsync | cudaMemset2DAsync_ptsz(
        pointer: *mut c_void, pitch: usize, value: c_int, width: usize, height: usize,
        stream: Handle,
    ) {
        let driver = with_context()?;
        // SAFETY: device addresses are checked by the driver.
        check(unsafe {
            (driver.cuMemsetD2D8Async)(
                pointer as u64, pitch, low_byte(value), width, height, stream,
            )
        })
    }

    fn cudaPointerGetAttributes(attributes: *mut PointerAttributes, pointer: *const c_void) {
        let driver = with_context()?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(attributes, pointer_attributes(driver, pointer)) }
    }
}

/// `cudaMemoryType` of an address the driver does not know.
const UNREGISTERED: c_int = 0;
/// `cudaMemoryTypeManaged`.
const MANAGED: c_int = 3;

fn pointer_attributes(driver: &Driver, pointer: *const c_void) -> PointerAttributes {
    /// `CU_POINTER_ATTRIBUTE_*` numbers.
    const MEMORY_TYPE: c_int = 2;
    const DEVICE_POINTER: c_int = 3;
    const HOST_POINTER: c_int = 4;
    const IS_MANAGED: c_int = 8;
    let address = pointer as u64;
    let mut memory_type: c_uint = 0;
    let mut managed: c_uint = 0;
    let mut device_pointer: *mut c_void = std::ptr::null_mut();
    let mut host_pointer: *mut c_void = std::ptr::null_mut();
    let query = driver.cuPointerGetAttribute;
    // SAFETY: an out pointer to a local of the attribute's type.
    let known = unsafe { query((&raw mut memory_type).cast(), MEMORY_TYPE, address) } == 0;
    // An attribute that does not apply leaves its local at null or zero.
    // SAFETY: as above.
    let _ = unsafe { query((&raw mut managed).cast(), IS_MANAGED, address) };
    // SAFETY: as above.
    let _ = unsafe { query((&raw mut device_pointer).cast(), DEVICE_POINTER, address) };
    // SAFETY: as above.
    let _ = unsafe { query((&raw mut host_pointer).cast(), HOST_POINTER, address) };
    let kind = match (known, managed) {
        (false, _) => UNREGISTERED,
        (true, 0) => c_int::try_from(memory_type).unwrap_or(UNREGISTERED),
        (true, _) => MANAGED,
    };
    if kind == UNREGISTERED {
        host_pointer = pointer.cast_mut();
    }
    PointerAttributes {
        kind,
        device: if known { crate::driver::device() } else { -2 },
        device_pointer,
        host_pointer,
    }
}

/// `memset` takes the low byte of its value.
const fn low_byte(value: c_int) -> u8 {
    value.to_le_bytes()[0]
}
