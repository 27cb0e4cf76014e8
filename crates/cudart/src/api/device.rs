//! Device management and versions.

use super::exports;
use crate::c::put;
use crate::driver::{self, check, driver as load, set_device, with_context};
use crate::error::Error;
use crate::registry;
use std::ffi::{c_char, c_int, c_uint};

/// Version of the runtime API that this library implements.
const RUNTIME_VERSION: c_int = 13_000;

exports! {
    fn cudaGetDeviceCount(count: *mut c_int) {
        let driver = load()?;
        // SAFETY: the caller passes a valid out pointer.
        check(unsafe { (driver.cuDeviceGetCount)(count) })
    }

    fn cudaGetDevice(device: *mut c_int) {
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(device, driver::device()) }
    }

    fn cudaSetDevice(device: c_int) {
        set_device(device)
    }

    fn cudaSetValidDevices(devices: *mut c_int, count: c_int) {
        if devices.is_null() || count < 1 {
            return Err(Error::INVALID_VALUE);
        }
        // SAFETY: the caller passes `count` device numbers.
        set_device(unsafe { devices.read() })
    }

    fn cudaInitDevice(device: c_int, _device_flags: c_uint, _flags: c_uint) {
        set_device(device)
    }

    fn cudaSetDeviceFlags(flags: c_uint) {
        let driver = load()?;
        // SAFETY: plain numbers.
        check(unsafe { (driver.cuDevicePrimaryCtxSetFlags_v2)(driver::device(), flags) })
    }

    fn cudaGetDeviceFlags(flags: *mut c_uint) {
        let driver = load()?;
        let mut active = 0;
        // SAFETY: out pointers: the caller's and a local.
        check(unsafe {
            (driver.cuDevicePrimaryCtxGetState)(driver::device(), flags, &raw mut active)
        })
    }

    fn cudaDeviceSynchronize() {
        let driver = with_context()?;
        // SAFETY: a context is current.
        check(unsafe { (driver.cuCtxSynchronize)() })
    }

    fn cudaDeviceReset() {
        let driver = load()?;
        registry::forget_loaded();
        // SAFETY: plain number.
        check(unsafe { (driver.cuDevicePrimaryCtxReset_v2)(driver::device()) })
    }

    fn cudaDeviceGetAttribute(value: *mut c_int, attribute: c_int, device: c_int) {
        let driver = load()?;
        // SAFETY: the caller passes a valid out pointer.
        check(unsafe { (driver.cuDeviceGetAttribute)(value, attribute, device) })
    }

    fn cudaDeviceGetPCIBusId(text: *mut c_char, length: c_int, device: c_int) {
        let driver = load()?;
        // SAFETY: the caller passes `length` writable bytes.
        check(unsafe { (driver.cuDeviceGetPCIBusId)(text, length, device) })
    }

    fn cudaDeviceCanAccessPeer(can: *mut c_int, device: c_int, peer: c_int) {
        let driver = load()?;
        // SAFETY: the caller passes a valid out pointer.
        check(unsafe { (driver.cuDeviceCanAccessPeer)(can, device, peer) })
    }

    fn cudaDeviceGetLimit(value: *mut usize, limit: c_uint) {
        let driver = with_context()?;
        // SAFETY: the caller passes a valid out pointer.
        check(unsafe { (driver.cuCtxGetLimit)(value, limit) })
    }

    fn cudaDeviceSetLimit(limit: c_uint, value: usize) {
        let driver = with_context()?;
        // SAFETY: plain numbers.
        check(unsafe { (driver.cuCtxSetLimit)(limit, value) })
    }

    fn cudaDeviceGetCacheConfig(config: *mut c_uint) {
        let driver = with_context()?;
        // SAFETY: the caller passes a valid out pointer.
        check(unsafe { (driver.cuCtxGetCacheConfig)(config) })
    }

    fn cudaDeviceSetCacheConfig(config: c_uint) {
        let driver = with_context()?;
        // SAFETY: plain number.
        check(unsafe { (driver.cuCtxSetCacheConfig)(config) })
    }

    fn cudaDriverGetVersion(version: *mut c_int) {
        let driver = load()?;
        // SAFETY: the caller passes a valid out pointer.
        check(unsafe { (driver.cuDriverGetVersion)(version) })
    }

    fn cudaRuntimeGetVersion(version: *mut c_int) {
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(version, RUNTIME_VERSION) }
    }

    /// Profilers see the chip through the launch report; the calls mark no range.
    fn cudaProfilerStart() {
        Ok(())
    }

    /// See `cudaProfilerStart`.
    fn cudaProfilerStop() {
        Ok(())
    }
}
