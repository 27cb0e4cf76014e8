//! Devices: finding them, peers, settings.

use super::exports;
use crate::c::{Handle, put};
use crate::driver::{call, device};
use crate::error::Error;
use std::ffi::{c_char, c_int, c_uint, c_void};

exports! {
    fn cudaDeviceGetByPCIBusId(device: *mut c_int, id: *const c_char) {
        call!(cuDeviceGetByPCIBusId(*mut c_int: device, *const c_char: id))
    }

    fn cudaDeviceGetP2PAttribute(value: *mut c_int, attribute: c_uint, from: c_int, to: c_int) {
        call!(cuDeviceGetP2PAttribute(*mut c_int: value, c_uint: attribute, c_int: from, c_int: to))
    }

    fn cudaDeviceGetHostAtomicCapabilities(capabilities: *mut c_uint, operations: *const c_uint, count: c_uint, device: c_int) {
        call!(cuDeviceGetHostAtomicCapabilities(*mut c_uint: capabilities, *const c_uint: operations, c_uint: count, c_int: device))
    }

    fn cudaDeviceGetP2PAtomicCapabilities(capabilities: *mut c_uint, operations: *const c_uint, count: c_uint, from: c_int, to: c_int) {
        call!(cuDeviceGetP2PAtomicCapabilities(*mut c_uint: capabilities, *const c_uint: operations, c_uint: count, c_int: from, c_int: to))
    }

    fn cudaDeviceGetSharedMemConfig(config: *mut c_uint) {
        call!(cuCtxGetSharedMemConfig(*mut c_uint: config))
    }

    fn cudaDeviceSetSharedMemConfig(config: c_uint) {
        call!(cuCtxSetSharedMemConfig(c_uint: config))
    }

    fn cudaCtxResetPersistingL2Cache() {
        call!(cuCtxResetPersistingL2Cache())
    }

    fn cudaDeviceRegisterAsyncNotification(device: c_int, function: *const c_void, data: *mut c_void, out: *mut Handle) {
        call!(cuDeviceRegisterAsyncNotification(c_int: device, *const c_void: function, *mut c_void: data, *mut Handle: out))
    }

    fn cudaDeviceUnregisterAsyncNotification(device: c_int, registration: Handle) {
        call!(cuDeviceUnregisterAsyncNotification(c_int: device, Handle: registration))
    }

    /// There is one device, and none is its own peer.
    fn cudaDeviceEnablePeerAccess(_peer: c_int, flags: c_uint) {
        crate::driver::with_context()?;
        Err(if flags == 0 { Error::INVALID_DEVICE } else { Error::INVALID_VALUE })
    }

    /// See `cudaDeviceEnablePeerAccess`.
    fn cudaDeviceDisablePeerAccess(_peer: c_int) {
        crate::driver::with_context()?;
        Err(Error::INVALID_DEVICE)
    }

    /// The one device is the best there is for any properties.
    fn cudaChooseDevice(chosen: *mut c_int, properties: *const c_void) {
        crate::driver::with_context()?;
        if properties.is_null() {
            return Err(Error::INVALID_VALUE);
        }
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(chosen, device()) }
    }

    /// Tables that are private to Nvidia's libraries; none is offered.
    fn cudaGetExportTable(table: *mut *const c_void, id: *const c_void) {
        call!(cuGetExportTable(*mut *const c_void: table, *const c_void: id))
    }
}
