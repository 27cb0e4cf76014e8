//! Pools of stream-ordered memory.

use super::forward;
use crate::c::{Handle, MemLocation};
use std::ffi::{c_int, c_uint, c_void};

forward! {
    cudaMallocFromPoolAsync | cudaMallocFromPoolAsync_ptsz = cuMemAllocFromPoolAsync(
        pointer: *mut *mut c_void, bytes: usize, pool: Handle, stream: Handle
    );
    cudaDeviceGetDefaultMemPool = cuDeviceGetDefaultMemPool(pool: *mut Handle, device: c_int);
    cudaDeviceGetMemPool = cuDeviceGetMemPool(pool: *mut Handle, device: c_int);
    cudaDeviceSetMemPool = cuDeviceSetMemPool(device: c_int, pool: Handle);
    cudaMemGetDefaultMemPool =
        cuMemGetDefaultMemPool(pool: *mut Handle, location: *mut MemLocation, kind: c_uint);
    cudaMemGetMemPool =
        cuMemGetMemPool(pool: *mut Handle, location: *mut MemLocation, kind: c_uint);
    cudaMemSetMemPool = cuMemSetMemPool(location: *mut MemLocation, kind: c_uint, pool: Handle);
    cudaMemPoolCreate = cuMemPoolCreate(pool: *mut Handle, properties: *const c_void);
    cudaMemPoolDestroy = cuMemPoolDestroy(pool: Handle);
    cudaMemPoolTrimTo = cuMemPoolTrimTo(pool: Handle, kept: usize);
    cudaMemPoolGetAttribute =
        cuMemPoolGetAttribute(pool: Handle, attribute: c_int, value: *mut c_void);
    cudaMemPoolSetAttribute =
        cuMemPoolSetAttribute(pool: Handle, attribute: c_int, value: *mut c_void);
    cudaMemPoolGetAccess =
        cuMemPoolGetAccess(flags: *mut c_uint, pool: Handle, location: *mut MemLocation);
    cudaMemPoolSetAccess =
        cuMemPoolSetAccess(pool: Handle, access: *const c_void, count: usize);
}
