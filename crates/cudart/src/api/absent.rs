//! Functions for what the device does not have, as a device attribute tells every program that asks.
//! Each answers what the driver does: `cudaErrorNotSupported`.

use super::forward;
use std::ffi::{c_uint, c_void};

forward! {
    // cudaDevAttrIpcEventSupport.
    cudaIpcCloseMemHandle = cuIpcCloseMemHandle();
    cudaIpcGetEventHandle = cuIpcGetEventHandle();
    cudaIpcGetMemHandle = cuIpcGetMemHandle();
    cudaIpcOpenEventHandle = cuIpcOpenEventHandle();
    cudaIpcOpenMemHandle = cuIpcOpenMemHandle_v2();
    // cudaDevAttrMemoryPoolSupportedHandleTypes.
    cudaMemPoolExportPointer = cuMemPoolExportPointer();
    cudaMemPoolExportToShareableHandle = cuMemPoolExportToShareableHandle();
    cudaMemPoolImportFromShareableHandle = cuMemPoolImportFromShareableHandle();
    cudaMemPoolImportPointer = cuMemPoolImportPointer();
    // cudaDevAttrClusterLaunch.
    cudaOccupancyMaxActiveClusters = cuOccupancyMaxActiveClusters();
    cudaOccupancyMaxPotentialClusterSize = cuOccupancyMaxPotentialClusterSize();
    // cudaDevAttrGPUDirectRDMAFlushWritesOptions.
    cudaDeviceFlushGPUDirectRDMAWrites =
        cuFlushGPUDirectRDMAWrites(target: c_uint, scope: c_uint);
    // CU_DEVICE_ATTRIBUTE_UNIFIED_FUNCTION_POINTERS.
    cudaLibraryGetUnifiedFunction = cuLibraryGetUnifiedFunction(
        function: *mut *mut c_void, library: *mut c_void, symbol: *const std::ffi::c_char
    );
}
