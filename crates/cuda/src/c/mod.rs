//! C structures, constants and pointer access of the driver API.
//!
//! Layouts follow the CUDA Driver API reference, "Data types used by CUDA driver", for 64-bit
//! Linux.

mod graph;
mod texture;

pub(crate) use graph::*;
pub(crate) use texture::*;

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

/// `CUDA_MEMCPY3D_PEER`: a [`Memcpy3D`] whose reserved fields are contexts.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Memcpy3DPeer {
    pub(crate) copy: Memcpy3D,
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

/// `CUmemPoolProps`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct MemPoolProps {
    pub(crate) allocation_type: c_uint,
    pub(crate) handle_types: c_uint,
    pub(crate) location: MemLocation,
    pub(crate) security: *mut c_void,
    pub(crate) max_size: usize,
    pub(crate) usage: u16,
    pub(crate) reserved: [u8; 54],
}

/// `CUmemAccessDesc`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct MemAccessDesc {
    pub(crate) location: MemLocation,
    pub(crate) flags: c_uint,
}

/// `CUmemAllocationProp`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct MemAllocationProp {
    pub(crate) allocation_type: c_uint,
    pub(crate) handle_types: c_uint,
    pub(crate) location: MemLocation,
    pub(crate) metadata: *mut c_void,
    pub(crate) allocation_flags: [u8; 8],
}

/// `CUmemcpyAttributes`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct MemcpyAttributes {
    pub(crate) order: c_uint,
    pub(crate) from: MemLocation,
    pub(crate) to: MemLocation,
    pub(crate) flags: c_uint,
}

/// `CUmemcpy3DOperand`: an address, elements of a row, rows of a layer and a location; or an array and
/// an offset along x, y, z.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Copy3dOperand {
    pub(crate) kind: c_uint,
    pub(crate) words: [u64; 4],
}

/// `CUDA_MEMCPY3D_BATCH_OP`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Copy3dBatchOp {
    pub(crate) from: Copy3dOperand,
    pub(crate) to: Copy3dOperand,
    pub(crate) extent: [usize; 3],
    pub(crate) order: c_uint,
    pub(crate) flags: c_uint,
}

/// `CUstreamBatchMemOpParams`, of which the fields that matter have the same place in every variant.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct BatchMemOp {
    pub(crate) operation: c_uint,
    /// Flags of a barrier.
    pub(crate) barrier_flags: c_uint,
    pub(crate) address: DevicePtr,
    pub(crate) value: u64,
    pub(crate) flags: c_uint,
    pub(crate) pad: c_uint,
    pub(crate) alias: DevicePtr,
    pub(crate) more: u64,
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

/// The pointer with a number.
pub(crate) fn pointer(address: u64) -> *mut c_void {
    usize::try_from(address).expect("a 64-bit address space, as CUDA has") as *mut c_void
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
