//! Nodes of graphs.
//!
//! Most structures are those of the driver API under other names. Two differ: a kernel is named by its
//! host stub, and a copy counts in elements of arrays.

use super::copy_3d::{linear, parms_of, request_of};
use super::exports;
use crate::c::{
    DriverKernelNodeParams, DriverMemcpy3D, Handle, KernelNodeParams, Memcpy3DParms, get, pointer,
    put,
};
use crate::driver::call;
use crate::error::Error;
use crate::registry::{is_kernel, kernel, variable};
use std::ffi::{c_int, c_uint, c_void};

/// The driver's structure for a kernel node.
fn kernel_params(params: *const KernelNodeParams) -> Result<DriverKernelNodeParams, Error> {
    // SAFETY: the caller passes a valid structure.
    let mut base = unsafe { get(params) }?;
    base.func = function_of(base.func)?;
    let null = std::ptr::null_mut();
    Ok(DriverKernelNodeParams {
        base,
        kern: null,
        ctx: null,
    })
}

/// The driver's handle for a host stub, or for a handle that is the driver's already.
fn function_of(function: *mut c_void) -> Result<Handle, Error> {
    if function.is_null() || is_kernel(function) {
        kernel(function)
    } else {
        Ok(function)
    }
}

fn memcpy_params(params: *const Memcpy3DParms) -> Result<DriverMemcpy3D, Error> {
    // SAFETY: the caller passes a valid structure.
    request_of(&unsafe { get(params) }?)
}

/// The address of a part of a variable.
fn part_of_variable(
    symbol: *const c_void,
    offset: usize,
    bytes: usize,
) -> Result<*mut c_void, Error> {
    let (address, size) = variable(symbol)?;
    let end = offset.checked_add(bytes).ok_or(Error::INVALID_VALUE)?;
    if end > size {
        return Err(Error::INVALID_VALUE);
    }
    Ok(pointer(address + offset as u64))
}

fn add_memcpy(
    out: *mut Handle,
    graph: Handle,
    nodes: *const Handle,
    count: usize,
    request: &DriverMemcpy3D,
) -> Result<(), Error> {
    call!(cuGraphAddMemcpyNode(
        *mut Handle: out, Handle: graph, *const Handle: nodes, usize: count,
        *const DriverMemcpy3D: request, Handle: std::ptr::null_mut()
    ))
}

fn set_memcpy(node: Handle, request: &DriverMemcpy3D) -> Result<(), Error> {
    call!(cuGraphMemcpyNodeSetParams(Handle: node, *const DriverMemcpy3D: request))
}

fn exec_set_memcpy(exec: Handle, node: Handle, request: &DriverMemcpy3D) -> Result<(), Error> {
    call!(cuGraphExecMemcpyNodeSetParams(
        Handle: exec, Handle: node, *const DriverMemcpy3D: request,
        Handle: std::ptr::null_mut()
    ))
}

/// `cudaGraphNodeParams`: type, three reserved numbers, 232 bytes, a reserved number.
#[derive(Clone, Copy)]
#[repr(C)]
struct NodeParams {
    kind: c_uint,
    reserved0: [c_int; 3],
    bytes: [u64; 29],
    reserved2: i64,
}

/// `cudaMemcpyNodeParams`, and the driver's: they differ in the copy.
#[derive(Clone, Copy)]
#[repr(C)]
struct MemcpyNodeParams<T> {
    flags: c_int,
    reserved: c_int,
    context: Handle,
    copy: T,
}

const KERNEL: c_uint = 0;
const MEMCPY: c_uint = 1;

impl NodeParams {
    /// # Safety
    /// The structure of this type is what the bytes hold.
    unsafe fn read<T: Copy>(&self) -> T {
        const { assert!(size_of::<T>() <= 232, "a structure of the union") };
        // SAFETY: within the bytes, and of the caller's type.
        unsafe { self.bytes.as_ptr().cast::<T>().read_unaligned() }
    }

    fn write<T>(&mut self, value: T) {
        const { assert!(size_of::<T>() <= 232, "a structure of the union") };
        // SAFETY: within the bytes.
        unsafe { self.bytes.as_mut_ptr().cast::<T>().write_unaligned(value) };
    }

    /// The driver's structure for the runtime's.
    fn to_driver(mut self) -> Result<Self, Error> {
        match self.kind {
            KERNEL => {
                // SAFETY: the type says so.
                let mut params: DriverKernelNodeParams = unsafe { self.read() };
                params.base.func = function_of(params.base.func)?;
                params.kern = std::ptr::null_mut();
                params.ctx = std::ptr::null_mut();
                self.write(params);
            }
            MEMCPY => {
                // SAFETY: the type says so.
                let params: MemcpyNodeParams<Memcpy3DParms> = unsafe { self.read() };
                self.write(MemcpyNodeParams {
                    flags: params.flags,
                    reserved: params.reserved,
                    context: params.context,
                    copy: request_of(&params.copy)?,
                });
            }
            _ => {}
        }
        Ok(self)
    }
}

/// Calls a driver function with the driver's structure, and gives the caller what it stored there.
fn with_params(
    params: *mut c_void,
    act: impl FnOnce(*mut NodeParams) -> Result<(), Error>,
) -> Result<(), Error> {
    // SAFETY: the caller passes a valid structure.
    let asked: NodeParams = unsafe { get(params.cast()) }?;
    let mut given = asked.to_driver()?;
    act(&raw mut given)?;
    if matches!(asked.kind, KERNEL | MEMCPY) {
        return Ok(());
    }
    // Allocations and conditional nodes store what they made.
    // SAFETY: as above.
    unsafe { put(params.cast(), given) }
}

macro_rules! nodes {
    ($($name:ident = $target:ident($($arg:ident: $ty:ty),*);)*) => {
        exports! {$(
            fn $name(
                out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
                $($arg: $ty),*
            ) {
                call!($target(
                    *mut Handle: out, Handle: graph, *const Handle: nodes, usize: count,
                    $($ty: $arg),*
                ))
            }
        )*}
    };
}

/// Nodes that are added as in the driver API.
pub(super) mod same {
    use super::{Handle, c_void, call, exports};

    nodes! {
        cudaGraphAddHostNode = cuGraphAddHostNode(params: *const c_void);
        cudaGraphAddChildGraphNode = cuGraphAddChildGraphNode(child: Handle);
        cudaGraphAddEmptyNode = cuGraphAddEmptyNode();
        cudaGraphAddEventRecordNode = cuGraphAddEventRecordNode(event: Handle);
        cudaGraphAddEventWaitNode = cuGraphAddEventWaitNode(event: Handle);
        cudaGraphAddMemAllocNode = cuGraphAddMemAllocNode(params: *mut c_void);
        cudaGraphAddMemFreeNode = cuGraphAddMemFreeNode(address: u64);
    }
}

/// Parameters that are those of the driver API.
pub(super) mod parameters {
    use super::{Handle, c_uint, c_void};
    use crate::api::forward;

    forward! {
        cudaGraphHostNodeGetParams = cuGraphHostNodeGetParams(node: Handle, out: *mut c_void);
        cudaGraphHostNodeSetParams = cuGraphHostNodeSetParams(node: Handle, params: *const c_void);
        cudaGraphMemsetNodeGetParams = cuGraphMemsetNodeGetParams(node: Handle, out: *mut c_void);
        cudaGraphMemsetNodeSetParams =
            cuGraphMemsetNodeSetParams(node: Handle, params: *const c_void);
        cudaGraphMemAllocNodeGetParams =
            cuGraphMemAllocNodeGetParams(node: Handle, out: *mut c_void);
        cudaGraphMemFreeNodeGetParams = cuGraphMemFreeNodeGetParams(node: Handle, out: *mut u64);
        cudaGraphChildGraphNodeGetGraph =
            cuGraphChildGraphNodeGetGraph(node: Handle, out: *mut Handle);
        cudaGraphEventRecordNodeGetEvent =
            cuGraphEventRecordNodeGetEvent(node: Handle, out: *mut Handle);
        cudaGraphEventRecordNodeSetEvent =
            cuGraphEventRecordNodeSetEvent(node: Handle, event: Handle);
        cudaGraphEventWaitNodeGetEvent =
            cuGraphEventWaitNodeGetEvent(node: Handle, out: *mut Handle);
        cudaGraphEventWaitNodeSetEvent =
            cuGraphEventWaitNodeSetEvent(node: Handle, event: Handle);
        cudaGraphExecHostNodeSetParams =
            cuGraphExecHostNodeSetParams(exec: Handle, node: Handle, params: *const c_void);
        cudaGraphExecChildGraphNodeSetParams =
            cuGraphExecChildGraphNodeSetParams(exec: Handle, node: Handle, child: Handle);
        cudaGraphExecEventRecordNodeSetEvent =
            cuGraphExecEventRecordNodeSetEvent(exec: Handle, node: Handle, event: Handle);
        cudaGraphExecEventWaitNodeSetEvent =
            cuGraphExecEventWaitNodeSetEvent(exec: Handle, node: Handle, event: Handle);
        cudaGraphKernelNodeGetAttribute =
            cuGraphKernelNodeGetAttribute(node: Handle, attribute: c_uint, out: *mut c_void);
        cudaGraphKernelNodeSetAttribute =
            cuGraphKernelNodeSetAttribute(node: Handle, attribute: c_uint, value: *const c_void);
        cudaGraphKernelNodeCopyAttributes =
            cuGraphKernelNodeCopyAttributes(to: Handle, from: Handle);
    }
}

/// Nodes whose structures or calls differ from the driver's.
pub(super) mod converted {
    use super::{
        DriverKernelNodeParams, DriverMemcpy3D, Handle, KernelNodeParams, Memcpy3DParms,
        NodeParams, add_memcpy, c_int, c_void, call, exec_set_memcpy, exports, kernel_params,
        linear, memcpy_params, parms_of, part_of_variable, put, set_memcpy, with_params,
    };
    use crate::error::Error;

    exports! {
        fn cudaGraphAddKernelNode(
            out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
            params: *const KernelNodeParams,
        ) {
            let params = kernel_params(params)?;
            call!(cuGraphAddKernelNode_v2(
                *mut Handle: out, Handle: graph, *const Handle: nodes, usize: count,
                *const DriverKernelNodeParams: &raw const params
            ))
        }

        fn cudaGraphKernelNodeGetParams(node: Handle, out: *mut KernelNodeParams) {
            call!(cuGraphKernelNodeGetParams(Handle: node, *mut KernelNodeParams: out))
        }

        fn cudaGraphKernelNodeSetParams(node: Handle, params: *const KernelNodeParams) {
            let params = kernel_params(params)?;
            call!(cuGraphKernelNodeSetParams_v2(
                Handle: node, *const DriverKernelNodeParams: &raw const params
            ))
        }

        fn cudaGraphExecKernelNodeSetParams(
            exec: Handle, node: Handle, params: *const KernelNodeParams,
        ) {
            let params = kernel_params(params)?;
            call!(cuGraphExecKernelNodeSetParams_v2(
                Handle: exec, Handle: node, *const DriverKernelNodeParams: &raw const params
            ))
        }

        fn cudaGraphAddMemsetNode(
            out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
            params: *const c_void,
        ) {
            call!(cuGraphAddMemsetNode(
                *mut Handle: out, Handle: graph, *const Handle: nodes, usize: count,
                *const c_void: params, Handle: std::ptr::null_mut()
            ))
        }

        fn cudaGraphExecMemsetNodeSetParams(
            exec: Handle, node: Handle, params: *const c_void,
        ) {
            call!(cuGraphExecMemsetNodeSetParams(
                Handle: exec, Handle: node, *const c_void: params,
                Handle: std::ptr::null_mut()
            ))
        }

        fn cudaGraphAddMemcpyNode(
            out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
            params: *const Memcpy3DParms,
        ) {
            add_memcpy(out, graph, nodes, count, &memcpy_params(params)?)
        }

        fn cudaGraphAddMemcpyNode1D(
            out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
            to: *mut c_void, from: *const c_void, bytes: usize, kind: c_int,
        ) {
            add_memcpy(out, graph, nodes, count, &linear(to, from, bytes, kind)?)
        }

        fn cudaGraphAddMemcpyNodeToSymbol(
            out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
            symbol: *const c_void, from: *const c_void, bytes: usize, offset: usize,
            kind: c_int,
        ) {
            let to = part_of_variable(symbol, offset, bytes)?;
            add_memcpy(out, graph, nodes, count, &linear(to, from, bytes, kind)?)
        }

        fn cudaGraphAddMemcpyNodeFromSymbol(
            out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
            to: *mut c_void, symbol: *const c_void, bytes: usize, offset: usize, kind: c_int,
        ) {
            let from = part_of_variable(symbol, offset, bytes)?;
            add_memcpy(out, graph, nodes, count, &linear(to, from, bytes, kind)?)
        }

        fn cudaGraphMemcpyNodeGetParams(node: Handle, out: *mut Memcpy3DParms) {
            let mut found = linear(
                std::ptr::dangling_mut::<u8>().cast(),
                std::ptr::dangling::<u8>().cast(),
                0,
                0,
            )?;
            call!(cuGraphMemcpyNodeGetParams(
                Handle: node, *mut DriverMemcpy3D: &raw mut found
            ))?;
            // SAFETY: the caller passes a valid out pointer.
            unsafe { put(out, parms_of(&found)?) }
        }

        fn cudaGraphMemcpyNodeSetParams(node: Handle, params: *const Memcpy3DParms) {
            set_memcpy(node, &memcpy_params(params)?)
        }

        fn cudaGraphMemcpyNodeSetParams1D(
            node: Handle, to: *mut c_void, from: *const c_void, bytes: usize, kind: c_int,
        ) {
            set_memcpy(node, &linear(to, from, bytes, kind)?)
        }

        fn cudaGraphMemcpyNodeSetParamsToSymbol(
            node: Handle, symbol: *const c_void, from: *const c_void, bytes: usize,
            offset: usize, kind: c_int,
        ) {
            let to = part_of_variable(symbol, offset, bytes)?;
            set_memcpy(node, &linear(to, from, bytes, kind)?)
        }

        fn cudaGraphMemcpyNodeSetParamsFromSymbol(
            node: Handle, to: *mut c_void, symbol: *const c_void, bytes: usize, offset: usize,
            kind: c_int,
        ) {
            let from = part_of_variable(symbol, offset, bytes)?;
            set_memcpy(node, &linear(to, from, bytes, kind)?)
        }

        fn cudaGraphExecMemcpyNodeSetParams(
            exec: Handle, node: Handle, params: *const Memcpy3DParms,
        ) {
            exec_set_memcpy(exec, node, &memcpy_params(params)?)
        }

        fn cudaGraphExecMemcpyNodeSetParams1D(
            exec: Handle, node: Handle, to: *mut c_void, from: *const c_void, bytes: usize,
            kind: c_int,
        ) {
            exec_set_memcpy(exec, node, &linear(to, from, bytes, kind)?)
        }

        fn cudaGraphExecMemcpyNodeSetParamsToSymbol(
            exec: Handle, node: Handle, symbol: *const c_void, from: *const c_void,
            bytes: usize, offset: usize, kind: c_int,
        ) {
            let to = part_of_variable(symbol, offset, bytes)?;
            exec_set_memcpy(exec, node, &linear(to, from, bytes, kind)?)
        }

        fn cudaGraphExecMemcpyNodeSetParamsFromSymbol(
            exec: Handle, node: Handle, to: *mut c_void, symbol: *const c_void, bytes: usize,
            offset: usize, kind: c_int,
        ) {
            let from = part_of_variable(symbol, offset, bytes)?;
            exec_set_memcpy(exec, node, &linear(to, from, bytes, kind)?)
        }

        fn cudaGraphAddNode_v2(
            out: *mut Handle, graph: Handle, nodes: *const Handle, data: *const c_void,
            count: usize, params: *mut c_void,
        ) {
            with_params(params, |params| call!(cuGraphAddNode_v2(
                *mut Handle: out, Handle: graph, *const Handle: nodes, *const c_void: data,
                usize: count, *mut NodeParams: params
            )))
        }

        fn cudaGraphNodeSetParams(node: Handle, params: *mut c_void) {
            with_params(params, |params| {
                call!(cuGraphNodeSetParams(Handle: node, *mut NodeParams: params))
            })
        }

        fn cudaGraphExecNodeSetParams(exec: Handle, node: Handle, params: *mut c_void) {
            with_params(params, |params| call!(cuGraphExecNodeSetParams(
                Handle: exec, Handle: node, *mut NodeParams: params
            )))
        }

        /// The context is the current one.
        fn cudaGraphConditionalHandleCreate(
            out: *mut u64, graph: Handle, default: std::ffi::c_uint, flags: std::ffi::c_uint,
        ) {
            if out.is_null() {
                return Err(Error::INVALID_VALUE);
            }
            call!(cuGraphConditionalHandleCreate(
                *mut u64: out, Handle: graph, Handle: std::ptr::null_mut(),
                std::ffi::c_uint: default, std::ffi::c_uint: flags
            ))
        }
    }
}
