//! C types of the runtime API. Layouts: CUDA Runtime API reference, "Data types used by CUDA
//! Runtime", for 64-bit Linux.

use crate::error::Error;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

/// `cudaStream_t`, `cudaEvent_t`, `cudaKernel_t` and other opaque handles.
pub(crate) type Handle = *mut c_void;
/// `cudaError_t`.
pub(crate) type Status = c_int;

/// `dim3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Dim3 {
    /// Extent along x.
    pub x: c_uint,
    /// Extent along y.
    pub y: c_uint,
    /// Extent along z.
    pub z: c_uint,
}

/// `cudaLaunchConfig_t`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct LaunchConfig {
    pub(crate) grid: Dim3,
    pub(crate) block: Dim3,
    pub(crate) shared_bytes: usize,
    pub(crate) stream: Handle,
    pub(crate) attributes: *const c_void,
    pub(crate) attribute_count: c_uint,
}

/// `CUlaunchConfig` of the driver API.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct DriverLaunchConfig {
    pub(crate) grid: Dim3,
    pub(crate) block: Dim3,
    pub(crate) shared_bytes: c_uint,
    pub(crate) stream: Handle,
    pub(crate) attributes: *const c_void,
    pub(crate) attribute_count: c_uint,
}

/// `CUDA_MEMCPY2D_v2` of the driver API.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct DriverMemcpy2D {
    pub(crate) src_x: usize,
    pub(crate) src_y: usize,
    pub(crate) src_type: c_uint,
    pub(crate) src_host: *const c_void,
    pub(crate) src_device: u64,
    pub(crate) src_array: Handle,
    pub(crate) src_pitch: usize,
    pub(crate) dst_x: usize,
    pub(crate) dst_y: usize,
    pub(crate) dst_type: c_uint,
    pub(crate) dst_host: *mut c_void,
    pub(crate) dst_device: u64,
    pub(crate) dst_array: Handle,
    pub(crate) dst_pitch: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// Leading fields of `cudaFuncAttributes`, common to runtimes 12 and 13.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct FuncAttributes {
    pub(crate) shared_bytes: usize,
    pub(crate) const_bytes: usize,
    pub(crate) local_bytes: usize,
    pub(crate) max_threads_per_block: c_int,
    pub(crate) registers: c_int,
    pub(crate) ptx_version: c_int,
    pub(crate) binary_version: c_int,
    pub(crate) cache_mode_ca: c_int,
    pub(crate) max_dynamic_shared_bytes: c_int,
    pub(crate) preferred_shared_carveout: c_int,
}

/// `cudaPointerAttributes` without its reserved tail.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct PointerAttributes {
    pub(crate) kind: c_int,
    pub(crate) device: c_int,
    pub(crate) device_pointer: *mut c_void,
    pub(crate) host_pointer: *mut c_void,
}

/// `cudaPitchedPtr`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct PitchedPtr {
    pub(crate) pointer: *mut c_void,
    pub(crate) pitch: usize,
    pub(crate) x_bytes: usize,
    pub(crate) y: usize,
}

/// `cudaPos`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Pos {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) z: usize,
}

/// `cudaMemcpy3DParms`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Memcpy3DParms {
    pub(crate) src_array: Handle,
    pub(crate) src_pos: Pos,
    pub(crate) src: PitchedPtr,
    pub(crate) dst_array: Handle,
    pub(crate) dst_pos: Pos,
    pub(crate) dst: PitchedPtr,
    pub(crate) extent: Extent,
    pub(crate) kind: c_int,
}

/// `cudaMemcpy3DPeerParms`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Memcpy3DPeerParms {
    pub(crate) src_array: Handle,
    pub(crate) src_pos: Pos,
    pub(crate) src: PitchedPtr,
    pub(crate) src_device: c_int,
    pub(crate) dst_array: Handle,
    pub(crate) dst_pos: Pos,
    pub(crate) dst: PitchedPtr,
    pub(crate) dst_device: c_int,
    pub(crate) extent: Extent,
}

/// `CUDA_MEMCPY3D_v2` of the driver API.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct DriverMemcpy3D {
    pub(crate) src_x: usize,
    pub(crate) src_y: usize,
    pub(crate) src_z: usize,
    pub(crate) src_lod: usize,
    pub(crate) src_type: c_uint,
    pub(crate) src_host: *const c_void,
    pub(crate) src_device: u64,
    pub(crate) src_array: Handle,
    pub(crate) reserved0: Handle,
    pub(crate) src_pitch: usize,
    pub(crate) src_height: usize,
    pub(crate) dst_x: usize,
    pub(crate) dst_y: usize,
    pub(crate) dst_z: usize,
    pub(crate) dst_lod: usize,
    pub(crate) dst_type: c_uint,
    pub(crate) dst_host: *mut c_void,
    pub(crate) dst_device: u64,
    pub(crate) dst_array: Handle,
    pub(crate) reserved1: Handle,
    pub(crate) dst_pitch: usize,
    pub(crate) dst_height: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) depth: usize,
}

/// `cudaChannelFormatDesc`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct ChannelFormat {
    /// Bits of each channel.
    pub(crate) bits: [c_int; 4],
    /// Signed, unsigned, floating-point, or a format with a name.
    pub(crate) kind: c_int,
}

/// `CUDA_ARRAY3D_DESCRIPTOR` of the driver API.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct DriverArrayDescriptor {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) depth: usize,
    pub(crate) format: c_uint,
    pub(crate) channels: c_uint,
    pub(crate) flags: c_uint,
}

/// `cudaKernelNodeParams`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct KernelNodeParams {
    pub(crate) func: *mut c_void,
    pub(crate) grid: Dim3,
    pub(crate) block: Dim3,
    pub(crate) shared_bytes: c_uint,
    pub(crate) parameters: *mut *mut c_void,
    pub(crate) extra: *mut *mut c_void,
}

/// `CUDA_KERNEL_NODE_PARAMS_v2` of the driver API.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct DriverKernelNodeParams {
    pub(crate) base: KernelNodeParams,
    pub(crate) kern: Handle,
    pub(crate) ctx: Handle,
}

/// `cudaMemLocation`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct MemLocation {
    pub(crate) kind: c_uint,
    pub(crate) id: c_int,
}

/// `cudaExtent`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Extent {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) depth: usize,
}

/// What a function for the per-thread default stream passes on: its stream if it is not null, else
/// the thread's own; other arguments as they are.
pub(crate) fn own_stream<T: Copy>(name: &str, value: T) -> T {
    /// `cudaStreamPerThread`.
    const PER_THREAD: usize = 2;
    if name != "stream" || size_of::<T>() != size_of::<usize>() {
        return value;
    }
    // SAFETY: both are as large as a pointer, and every bit pattern is one.
    let handle = unsafe { std::mem::transmute_copy::<T, usize>(&value) };
    let own = if handle == 0 { PER_THREAD } else { handle };
    // SAFETY: as above; a stream is a pointer that is never followed.
    unsafe { std::mem::transmute_copy::<usize, T>(&own) }
}

/// A device address as the pointer that programs hold: device and host share one space.
pub(crate) fn pointer(address: u64) -> *mut c_void {
    usize::try_from(address).expect("a 64-bit address space, as CUDA has") as *mut c_void
}

/// Stores through an out pointer that must not be null.
///
/// # Safety
/// `pointer` is null or valid for a write of `T`.
pub(crate) unsafe fn put<T>(pointer: *mut T, value: T) -> Result<(), Error> {
    if pointer.is_null() {
        return Err(Error::INVALID_VALUE);
    }
    // SAFETY: not null, and valid by the caller's contract.
    unsafe { pointer.write_unaligned(value) };
    Ok(())
}

/// Reads through an in pointer that must not be null.
///
/// # Safety
/// `pointer` is null or valid for a read of `T`.
pub(crate) unsafe fn get<T: Copy>(pointer: *const T) -> Result<T, Error> {
    if pointer.is_null() {
        return Err(Error::INVALID_VALUE);
    }
    // SAFETY: not null, and valid by the caller's contract.
    Ok(unsafe { pointer.read_unaligned() })
}

/// A copy of a C string that must not be null.
///
/// # Safety
/// `pointer` is null or a NUL-terminated string.
pub(crate) unsafe fn string(pointer: *const c_char) -> Result<std::ffi::CString, Error> {
    if pointer.is_null() {
        return Err(Error::INVALID_VALUE);
    }
    // SAFETY: not null, and NUL-terminated by the caller's contract.
    Ok(unsafe { CStr::from_ptr(pointer) }.to_owned())
}
