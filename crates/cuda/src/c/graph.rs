//! Structures of graph management.

use super::{BatchMemOp, DevicePtr, Handle, HostFn, MemAccessDesc, MemPoolProps, Memcpy3D};
use std::ffi::{c_int, c_uint, c_void};

/// `CUDA_KERNEL_NODE_PARAMS_v2`; version 1 ends before `kern`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct KernelNodeParams {
    pub(crate) func: Handle,
    pub(crate) grid: [c_uint; 3],
    pub(crate) block: [c_uint; 3],
    pub(crate) shared_bytes: c_uint,
    pub(crate) parameters: *const *const c_void,
    pub(crate) extra: *const *const c_void,
    pub(crate) kern: Handle,
    pub(crate) ctx: Handle,
}

/// `CUDA_KERNEL_NODE_PARAMS_v1`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct KernelNodeParamsV1 {
    pub(crate) func: Handle,
    pub(crate) grid: [c_uint; 3],
    pub(crate) block: [c_uint; 3],
    pub(crate) shared_bytes: c_uint,
    pub(crate) parameters: *const *const c_void,
    pub(crate) extra: *const *const c_void,
}

/// `CUDA_MEMSET_NODE_PARAMS`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct MemsetNodeParams {
    pub(crate) dst: DevicePtr,
    pub(crate) pitch: usize,
    pub(crate) value: c_uint,
    pub(crate) element_size: c_uint,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// `CUDA_MEMSET_NODE_PARAMS_v2`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct MemsetNodeParamsV2 {
    pub(crate) base: MemsetNodeParams,
    pub(crate) ctx: Handle,
}

/// `CUDA_HOST_NODE_PARAMS`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct HostNodeParams {
    pub(crate) function: HostFn,
    pub(crate) data: *mut c_void,
}

/// `CUDA_MEMCPY_NODE_PARAMS`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct MemcpyNodeParams {
    pub(crate) flags: c_int,
    pub(crate) reserved: c_int,
    pub(crate) ctx: Handle,
    pub(crate) copy: Memcpy3D,
}

/// `CUDA_CHILD_GRAPH_NODE_PARAMS`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct ChildNodeParams {
    pub(crate) graph: Handle,
    pub(crate) ownership: c_int,
}

/// `CUDA_EVENT_RECORD_NODE_PARAMS`; that of waiting is its first field.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct EventNodeParams {
    pub(crate) event: Handle,
}

/// `CUDA_MEM_ALLOC_NODE_PARAMS`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct MemAllocNodeParams {
    pub(crate) pool: MemPoolProps,
    pub(crate) access: *const MemAccessDesc,
    pub(crate) access_count: usize,
    pub(crate) bytes: usize,
    pub(crate) address: DevicePtr,
}

/// `CUDA_BATCH_MEM_OP_NODE_PARAMS`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct BatchMemOpNodeParams {
    pub(crate) ctx: Handle,
    pub(crate) count: c_uint,
    pub(crate) operations: *const BatchMemOp,
    pub(crate) flags: c_uint,
}

/// `CUDA_CONDITIONAL_NODE_PARAMS`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct ConditionalNodeParams {
    pub(crate) handle: u64,
    pub(crate) kind: c_uint,
    pub(crate) size: c_uint,
    pub(crate) graphs: *mut Handle,
    pub(crate) ctx: Handle,
}

/// Bytes of the union in `CUgraphNodeParams`.
pub(crate) const NODE_PARAMS_BYTES: usize = 232;

/// `CUgraphNodeParams`: the type of a node, and in `bytes` the structure of that type.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct NodeParams {
    pub(crate) kind: c_uint,
    pub(crate) reserved0: [c_int; 3],
    pub(crate) bytes: [u64; NODE_PARAMS_BYTES / 8],
    pub(crate) reserved2: i64,
}

/// `CUgraphEdgeData`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct EdgeData {
    pub(crate) from_port: u8,
    pub(crate) to_port: u8,
    pub(crate) kind: u8,
    pub(crate) reserved: [u8; 5],
}

/// `CUgraphExecUpdateResultInfo`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct UpdateResult {
    pub(crate) result: c_int,
    pub(crate) node: Handle,
    pub(crate) from: Handle,
}

/// `CUDA_GRAPH_INSTANTIATE_PARAMS`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct InstantiateParams {
    pub(crate) flags: u64,
    pub(crate) upload_stream: Handle,
    pub(crate) error_node: Handle,
    pub(crate) result: c_int,
}
