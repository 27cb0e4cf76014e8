//! Functions for what this device does not have, as a device attribute tells every program that asks.
//! Each answers `CUDA_ERROR_NOT_SUPPORTED`, as the reference has it for such a device.

use crate::proc_address::Export;
use crate::result::CUresult;
use crate::runtime::device;

/// Functions that an attribute says are of no use.
pub(crate) struct Absent {
    /// Number of the attribute (`CUdevice_attribute`).
    #[cfg_attr(not(test), expect(dead_code, reason = "for the coverage page"))]
    pub(crate) attribute: i32,
    /// Its name, without `CU_DEVICE_ATTRIBUTE_`.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the coverage page"))]
    pub(crate) name: &'static str,
    /// The functions.
    pub(crate) exports: &'static [Export],
}

macro_rules! absent {
    ($($attribute:literal $attribute_name:ident: $($name:ident)*;)*) => {
        $($(
            // Arguments are not read, which every supported C calling convention allows.
            #[unsafe(no_mangle)]
            pub(crate) extern "C" fn $name() -> CUresult {
                $crate::call::call(stringify!($name), || "..".to_owned(), || {
                    device()?;
                    Err(CUresult::NOT_SUPPORTED)
                })
            }
        )*)*

        /// All of them.
        pub(crate) const ABSENT: &[Absent] = &[$(
            Absent {
                attribute: $attribute,
                name: stringify!($attribute_name),
                exports: &[$(Export::new(stringify!($name), $name as *const ())),*],
            },
        )*];
    };
}

absent! {
    96 COOPERATIVE_MULTI_DEVICE_LAUNCH: cuLaunchCooperativeKernelMultiDevice;
    112 SPARSE_CUDA_ARRAY_SUPPORTED: cuMemMapArrayAsync cuMemMapArrayAsync_ptsz;
    117 GPU_DIRECT_RDMA_FLUSH_WRITES_OPTIONS: cuFlushGPUDirectRDMAWrites;
    119 MEMPOOL_SUPPORTED_HANDLE_TYPES:
        cuMemPoolExportPointer cuMemPoolExportToShareableHandle
        cuMemPoolImportFromShareableHandle cuMemPoolImportPointer;
    120 CLUSTER_LAUNCH: cuOccupancyMaxActiveClusters cuOccupancyMaxPotentialClusterSize;
    124 DMA_BUF_SUPPORTED: cuMemGetHandleForAddressRange;
    125 IPC_EVENT_SUPPORTED:
        cuIpcCloseMemHandle cuIpcGetEventHandle cuIpcGetMemHandle cuIpcOpenEventHandle
        cuIpcOpenMemHandle cuIpcOpenMemHandle_v2;
    127 TENSOR_MAP_ACCESS_SUPPORTED:
        cuTensorMapEncodeIm2col cuTensorMapEncodeIm2colWide cuTensorMapEncodeTiled
        cuTensorMapReplaceAddress cuTensorMapSetAllocationClass;
    128 HANDLE_TYPE_FABRIC_SUPPORTED:
        cuDeviceGetCliqueCount cuDeviceGetCliqueInfo cuDeviceGetFabricClusterUuid
        cuFabricCpyBatchAsync cuFabricCpyBatchAsync_ptsz;
    129 UNIFIED_FUNCTION_POINTERS: cuLibraryGetUnifiedFunction;
    132 MULTICAST_SUPPORTED:
        cuMulticastAddDevice cuMulticastBindAddr cuMulticastBindAddr_v2 cuMulticastBindMem
        cuMulticastBindMem_v2 cuMulticastCreate cuMulticastGetGranularity cuMulticastUnbind;
    136 MEM_DECOMPRESS_ALGORITHM_MASK: cuMemBatchDecompressAsync cuMemBatchDecompressAsync_ptsz;
    138 VULKAN_CIG_SUPPORTED:
        cuStreamBeginCaptureToCig cuStreamBeginCaptureToCig_ptsz
        cuStreamEndCaptureToCig cuStreamEndCaptureToCig_ptsz;
    153 LOGICAL_ENDPOINT_UNICAST_SUPPORTED:
        cuLogicalEndpointAddDevice cuLogicalEndpointBindAddr cuLogicalEndpointBindMem
        cuLogicalEndpointCreate cuLogicalEndpointDestroy cuLogicalEndpointExport
        cuLogicalEndpointGetLimits cuLogicalEndpointIdRelease cuLogicalEndpointIdReserve
        cuLogicalEndpointImport cuLogicalEndpointQuery cuLogicalEndpointUnbind;
}
