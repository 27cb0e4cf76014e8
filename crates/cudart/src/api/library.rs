//! Libraries and their kernels.

use super::exports;
use crate::c::Handle;
use crate::driver::call;
use crate::registry::kernel;
use std::ffi::{c_char, c_int, c_uint, c_void};

exports! {
    fn cudaLibraryLoadData(
        library: *mut Handle, code: *const c_void, jit_options: *mut c_uint,
        jit_values: *mut *mut c_void, jit_count: c_uint, options: *mut c_uint,
        values: *mut *mut c_void, count: c_uint,
    ) {
        call!(cuLibraryLoadData(
            *mut Handle: library, *const c_void: code, *mut c_uint: jit_options,
            *mut *mut c_void: jit_values, c_uint: jit_count, *mut c_uint: options,
            *mut *mut c_void: values, c_uint: count
        ))
    }

    fn cudaLibraryLoadFromFile(
        library: *mut Handle, path: *const c_char, jit_options: *mut c_uint,
        jit_values: *mut *mut c_void, jit_count: c_uint, options: *mut c_uint,
        values: *mut *mut c_void, count: c_uint,
    ) {
        call!(cuLibraryLoadFromFile(
            *mut Handle: library, *const c_char: path, *mut c_uint: jit_options,
            *mut *mut c_void: jit_values, c_uint: jit_count, *mut c_uint: options,
            *mut *mut c_void: values, c_uint: count
        ))
    }

    fn cudaLibraryUnload(library: Handle) {
        call!(cuLibraryUnload(Handle: library))
    }

    fn cudaLibraryGetKernel(out: *mut Handle, library: Handle, name: *const c_char) {
        call!(cuLibraryGetKernel(*mut Handle: out, Handle: library, *const c_char: name))
    }

    fn cudaLibraryGetKernelCount(count: *mut c_uint, library: Handle) {
        call!(cuLibraryGetKernelCount(*mut c_uint: count, Handle: library))
    }

    fn cudaLibraryEnumerateKernels(kernels: *mut Handle, count: c_uint, library: Handle) {
        call!(cuLibraryEnumerateKernels(*mut Handle: kernels, c_uint: count, Handle: library))
    }

    fn cudaLibraryGetGlobal(
        pointer: *mut u64, bytes: *mut usize, library: Handle, name: *const c_char,
    ) {
        call!(cuLibraryGetGlobal(
            *mut u64: pointer, *mut usize: bytes, Handle: library, *const c_char: name
        ))
    }

    fn cudaLibraryGetManaged(
        pointer: *mut u64, bytes: *mut usize, library: Handle, name: *const c_char,
    ) {
        call!(cuLibraryGetManaged(
            *mut u64: pointer, *mut usize: bytes, Handle: library, *const c_char: name
        ))
    }

    fn cudaKernelSetAttributeForDevice(
        kernel: Handle, attribute: c_int, value: c_int, device: c_int,
    ) {
        call!(cuKernelSetAttribute(
            c_int: attribute, c_int: value, Handle: kernel, c_int: device
        ))
    }

    fn cudaGetKernel(out: *mut Handle, stub: *const c_void) {
        // SAFETY: the caller passes a valid out pointer.
        unsafe { crate::c::put(out, kernel(stub)?) }
    }

    fn cudaFuncGetName(name: *mut *const c_char, stub: *const c_void) {
        call!(cuFuncGetName(*mut *const c_char: name, Handle: kernel(stub)?))
    }

    fn cudaFuncGetParamCount(stub: *const c_void, count: *mut usize) {
        call!(cuFuncGetParamCount(Handle: kernel(stub)?, *mut usize: count))
    }

    fn cudaFuncGetParamInfo(
        stub: *const c_void, index: usize, offset: *mut usize, size: *mut usize,
    ) {
        call!(cuFuncGetParamInfo(
            Handle: kernel(stub)?, usize: index, *mut usize: offset, *mut usize: size
        ))
    }

    fn cudaFuncSetSharedMemConfig(stub: *const c_void, config: c_uint) {
        call!(cuFuncSetSharedMemConfig(Handle: kernel(stub)?, c_uint: config))
    }

    fn cudaOccupancyAvailableDynamicSMemPerBlock(
        bytes: *mut usize, stub: *const c_void, blocks: c_int, block_size: c_int,
    ) {
        call!(cuOccupancyAvailableDynamicSMemPerBlock(
            *mut usize: bytes, Handle: kernel(stub)?, c_int: blocks, c_int: block_size
        ))
    }
}
