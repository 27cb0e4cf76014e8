//! What nvcc's host code calls from static initialisers.
//!
//! Source: the declarations in the toolkit's public `crt/host_runtime.h`.

use crate::c::{Dim3, Handle, string};
use crate::error::Error;
use crate::registry;
use std::ffi::{c_char, c_int, c_void};

/// Notes a fatbin; the result is the handle for the calls below.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn __cudaRegisterFatBinary(wrapper: *mut c_void) -> *mut *mut c_void {
    registry::add_fatbin(wrapper) as *mut *mut c_void
}

/// Ends the registration of a fatbin.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn __cudaRegisterFatBinaryEnd(_fatbin: *mut *mut c_void) {}

/// Forgets a fatbin.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn __cudaUnregisterFatBinary(fatbin: *mut *mut c_void) {
    registry::remove_fatbin(fatbin as usize);
}

/// Notes a kernel.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn __cudaRegisterFunction(
    fatbin: *mut *mut c_void,
    stub: *const c_char,
    _device_stub: *mut c_char,
    name: *const c_char,
    _thread_limit: c_int,
    _tid: *mut c_void,
    _bid: *mut c_void,
    _block: *mut Dim3,
    _grid: *mut Dim3,
    _warp_size: *mut c_int,
) {
    // SAFETY: nvcc passes a string literal.
    if let Ok(name) = unsafe { string(name) } {
        registry::add_kernel(fatbin as usize, stub.cast(), name);
    }
}

/// Notes a `__device__` or `__constant__` variable.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn __cudaRegisterVar(
    fatbin: *mut *mut c_void,
    shadow: *mut c_char,
    _device_address: *mut c_char,
    name: *const c_char,
    _external: c_int,
    _bytes: usize,
    _constant: c_int,
    _global: c_int,
) {
    // SAFETY: nvcc passes a string literal.
    if let Ok(name) = unsafe { string(name) } {
        registry::add_variable(fatbin as usize, shadow.cast(), name, None);
    }
}

/// Notes a `__managed__` variable.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn __cudaRegisterManagedVar(
    fatbin: *mut *mut c_void,
    pointer: *mut *mut c_void,
    _device_address: *mut c_char,
    name: *const c_char,
    _external: c_int,
    _bytes: usize,
    _constant: c_int,
    _global: c_int,
) {
    // SAFETY: nvcc passes a string literal.
    if let Ok(name) = unsafe { string(name) } {
        registry::add_variable(
            fatbin as usize,
            pointer.cast_const().cast(),
            name,
            Some(pointer),
        );
    }
}

/// Makes managed variables usable from the host. Gives 1 on success.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn __cudaInitModule(_fatbin: *mut *mut c_void) -> c_char {
    c_char::from(crate::error::guarded(registry::publish_managed_variables) == 0)
}

/// The handle that a kernel's host stub passes to `__cudaLaunchKernel`.
///
/// It is the stub's own address. nvcc's code asks once in the life of the process and ignores the
/// result, so the kernel is looked up at each launch: a module that cannot be loaded then fails
/// the launch with the module's error, and a device that was reset gets it loaded again.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn __cudaGetKernel(
    kernel: *mut Handle,
    stub: *const c_void,
) -> crate::c::Status {
    crate::error::guarded(|| {
        if !registry::is_kernel(stub) {
            return Err(Error::INVALID_DEVICE_FUNCTION);
        }
        // SAFETY: the caller passes a valid out pointer.
        unsafe { crate::c::put(kernel, stub.cast_mut()) }
    })
}
