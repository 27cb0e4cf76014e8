//! C structures, constants and pointer access of the driver API.
//!
//! Layouts follow the CUDA Driver API reference, "Data types used by CUDA driver", for 64-bit
//! Linux.

use crate::result::CUresult;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

/// Opaque handle: the value is an index into a registry of ours, never an address.
pub(crate) type Handle = *mut c_void;
/// `CUdevice`.
pub(crate) type Device = c_int;
/// `CUdeviceptr`.
pub(crate) type DevicePtr = u64;
/// `CUhostFn`.
pub(crate) type HostFn = Option<unsafe extern "C" fn(*mut c_void)>;
/// `CUstreamCallback`.
pub(crate) type StreamCallback = Option<unsafe extern "C" fn(Handle, CUresult, *mut c_void)>;
/// `CUoccupancyB2DSize`.
pub(crate) type BlockToShared = Option<unsafe extern "C" fn(c_int) -> usize>;

/// `CUuuid`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Uuid(pub(crate) [u8; 16]);

/// `CUDA_MEMCPY2D_v2`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Memcpy2D {
    pub(crate) src_x: usize,
    pub(crate) src_y: usize,
    pub(crate) src_type: c_uint,
    pub(crate) src_host: *const c_void,
    pub(crate) src_device: DevicePtr,
    pub(crate) src_array: Handle,
    pub(crate) src_pitch: usize,
    pub(crate) dst_x: usize,
    pub(crate) dst_y: usize,
    pub(crate) dst_type: c_uint,
    pub(crate) dst_host: *mut c_void,
    pub(crate) dst_device: DevicePtr,
    pub(crate) dst_array: Handle,
    pub(crate) dst_pitch: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// `CUDA_MEMCPY3D_v2`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Memcpy3D {
    pub(crate) src_x: usize,
    pub(crate) src_y: usize,
    pub(crate) src_z: usize,
    pub(crate) src_lod: usize,
    pub(crate) src_type: c_uint,
    pub(crate) src_host: *const c_void,
    pub(crate) src_device: DevicePtr,
    pub(crate) src_array: Handle,
    pub(crate) reserved0: *mut c_void,
    pub(crate) src_pitch: usize,
    pub(crate) src_height: usize,
    pub(crate) dst_x: usize,
    pub(crate) dst_y: usize,
    pub(crate) dst_z: usize,
    pub(crate) dst_lod: usize,
    pub(crate) dst_type: c_uint,
    pub(crate) dst_host: *mut c_void,
    pub(crate) dst_device: DevicePtr,
    pub(crate) dst_array: Handle,
    pub(crate) reserved1: *mut c_void,
    pub(crate) dst_pitch: usize,
    pub(crate) dst_height: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) depth: usize,
}

/// `CUctxCreateParams`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct CtxCreateParams {
    pub(crate) affinity: *const c_void,
    pub(crate) affinities: c_int,
    pub(crate) graphics: *const c_void,
}

/// `CUlaunchAttribute`: an id, padding, and a 64-byte value.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct LaunchAttribute {
    pub(crate) id: c_uint,
    pub(crate) pad: [u8; 4],
    pub(crate) value: [u64; 8],
}

/// `CUlaunchConfig`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct LaunchConfig {
    pub(crate) grid: [c_uint; 3],
    pub(crate) block: [c_uint; 3],
    pub(crate) shared_bytes: c_uint,
    pub(crate) stream: Handle,
    pub(crate) attributes: *const LaunchAttribute,
    pub(crate) attribute_count: c_uint,
}

/// `CUmemLocation`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct MemLocation {
    pub(crate) kind: c_uint,
    pub(crate) id: c_int,
}

/// Leading fields of `CUmemPoolProps`; the rest is reserved or for other systems.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct MemPoolProps {
    pub(crate) allocation_type: c_uint,
    pub(crate) handle_types: c_uint,
    pub(crate) location: MemLocation,
    pub(crate) security: *mut c_void,
    pub(crate) max_size: usize,
}

/// `CUdevprop`, of the deprecated `cuDeviceGetProperties`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct DeviceProperties {
    pub(crate) max_threads_per_block: c_int,
    pub(crate) max_threads_dim: [c_int; 3],
    pub(crate) max_grid_size: [c_int; 3],
    pub(crate) shared_mem_per_block: c_int,
    pub(crate) total_constant_memory: c_int,
    pub(crate) simd_width: c_int,
    pub(crate) mem_pitch: c_int,
    pub(crate) regs_per_block: c_int,
    pub(crate) clock_rate: c_int,
    pub(crate) texture_align: c_int,
}

/// Stores through an out pointer that must not be null.
///
/// # Safety
/// `pointer` is null or valid for a write of `T`.
pub(crate) unsafe fn put<T>(pointer: *mut T, value: T) -> Result<(), CUresult> {
    if pointer.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    // SAFETY: not null, and valid by the caller's contract.
    unsafe { pointer.write_unaligned(value) };
    Ok(())
}

/// Stores through an out pointer that may be null.
///
/// # Safety
/// `pointer` is null or valid for a write of `T`.
pub(crate) unsafe fn put_optional<T>(pointer: *mut T, value: T) {
    if !pointer.is_null() {
        // SAFETY: not null, and valid by the caller's contract.
        unsafe { pointer.write_unaligned(value) };
    }
}

/// Reads through an in pointer that must not be null.
///
/// # Safety
/// `pointer` is null or valid for a read of `T`.
pub(crate) unsafe fn get<T: Copy>(pointer: *const T) -> Result<T, CUresult> {
    if pointer.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    // SAFETY: not null, and valid by the caller's contract.
    Ok(unsafe { pointer.read_unaligned() })
}

/// A C string that must not be null and must be UTF-8.
///
/// # Safety
/// `pointer` is null or a NUL-terminated string that lives as long as the result is used.
pub(crate) unsafe fn text<'a>(pointer: *const c_char) -> Result<&'a str, CUresult> {
    if pointer.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    // SAFETY: not null, and NUL-terminated by the caller's contract.
    let string = unsafe { CStr::from_ptr(pointer) };
    string.to_str().map_err(|_| CUresult::INVALID_VALUE)
}

/// The bytes at a host address, as a slice.
///
/// # Safety
/// `pointer` is valid for reads of `len` bytes, which nothing changes while the slice lives.
pub(crate) unsafe fn bytes<'a>(pointer: *const c_void, len: usize) -> Result<&'a [u8], CUresult> {
    if len == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    // SAFETY: not null, and valid by the caller's contract.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast(), len) })
}

/// The bytes at a host address, to write.
///
/// # Safety
/// `pointer` is valid for writes of `len` bytes, which nothing else uses while the slice lives.
pub(crate) unsafe fn bytes_mut<'a>(
    pointer: *mut c_void,
    len: usize,
) -> Result<&'a mut [u8], CUresult> {
    if len == 0 {
        return Ok(&mut []);
    }
    if pointer.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    // SAFETY: not null, and valid by the caller's contract.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer.cast(), len) })
}
