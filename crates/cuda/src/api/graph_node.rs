//! Nodes of graphs: adding them, their parameters and attributes.
#![expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "a structure is read and what it points to, under one contract"
)]

use super::copy::request_of;
use super::graph_params::{self as params, Made};
use crate::c::{
    BatchMemOpNodeParams, EdgeData, Handle, HostNodeParams, KernelNodeParams, KernelNodeParamsV1,
    MemAllocNodeParams, Memcpy3D, MemsetNodeParams, NodeParams, get, put,
};
use crate::call::exports;
use crate::graphs::{NodeEntry, check_edges, graph, node, node_handle, node_ids};
use crate::result::CUresult;
use crate::runtime::{EVENTS, code, device};
use std::ffi::c_uint;
use std::sync::Arc;
use weft_driver::{Event, Graph, KernelLaunch, Node, NodeKind, Work};

/// Nodes that a new one comes after.
struct After {
    nodes: *const Handle,
    data: *const EdgeData,
    count: usize,
}

impl After {
    const fn nodes(nodes: *const Handle, count: usize) -> Self {
        Self {
            nodes,
            data: std::ptr::null(),
            count,
        }
    }
}

/// Adds a node.
///
/// # Safety
/// `out` is null or valid, and so are the arrays.
unsafe fn add(
    out: *mut Handle,
    handle: Handle,
    after: &After,
    make: impl FnOnce(&Arc<Graph>) -> Result<Made, CUresult>,
) -> Result<(), CUresult> {
    device()?;
    let graph = graph(handle)?;
    if out.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    // SAFETY: the caller's arrays.
    unsafe { check_edges(after.data, after.count) }?;
    // SAFETY: as above.
    let nodes = unsafe { node_ids(&graph, after.nodes, after.count) }?;
    let (kind, context) = make(&graph)?;
    let id = graph.add(&context, kind, &nodes).map_err(code)?;
    // SAFETY: as above.
    unsafe { put(out, node_handle(&graph, id)) }
}

fn look(handle: Handle) -> Result<(Arc<NodeEntry>, Node), CUresult> {
    device()?;
    let entry = node(handle)?;
    let node = entry.graph.node(entry.id).map_err(code)?;
    Ok((entry, node))
}

fn kernel_of(handle: Handle) -> Result<(Arc<NodeEntry>, KernelLaunch), CUresult> {
    match look(handle)? {
        (
            entry,
            Node {
                kind: NodeKind::Work(Work::Kernel(launch)),
                ..
            },
        ) => Ok((entry, launch)),
        _ => Err(CUresult::INVALID_VALUE),
    }
}

fn event_of(handle: Handle, recorded: bool) -> Result<Arc<Event>, CUresult> {
    match look(handle)?.1.kind {
        NodeKind::Work(Work::Record(event, _)) if recorded => Ok(event),
        NodeKind::Work(Work::Wait(event, _)) if !recorded => Ok(event),
        _ => Err(CUresult::INVALID_VALUE),
    }
}

/// Replaces what a node does.
fn set(
    handle: Handle,
    make: impl FnOnce(&Arc<Graph>) -> Result<Made, CUresult>,
) -> Result<(), CUresult> {
    device()?;
    let entry = node(handle)?;
    let (mut kind, _) = make(&entry.graph)?;
    if let (NodeKind::Work(Work::Kernel(new)), Ok((_, old))) = (&mut kind, kernel_of(handle)) {
        // An attribute of the node, which its parameters do not change.
        new.config.cooperative = old.config.cooperative;
    }
    entry.graph.set(entry.id, kind).map_err(code)
}

/// `CU_LAUNCH_ATTRIBUTE_COOPERATIVE`.
const COOPERATIVE: c_uint = 2;

/// Whether kernel nodes have an attribute: window of the access policy, cooperative, cluster (of one
/// block), priority, map and domain of memory synchronization, carveout.
const fn has_attribute(number: c_uint) -> bool {
    matches!(number, 1 | COOPERATIVE | 4 | 5 | 8 | 9 | 10 | 14)
}

fn set_attribute(handle: Handle, number: c_uint, value: [u64; 8]) -> Result<(), CUresult> {
    let (entry, mut launch) = kernel_of(handle)?;
    match number {
        COOPERATIVE => {
            launch.config.cooperative = params::cooperative_of(&value);
            let kind = NodeKind::Work(Work::Kernel(launch));
            entry.graph.set(entry.id, kind).map_err(code)
        }
        // Clusters exist from compute capability 9.0 on.
        4 if (value[0] & 0xFFFF_FFFF) * (value[0] >> 32) * (value[1] & 0xFFFF_FFFF) > 1 => {
            Err(CUresult::INVALID_CLUSTER_SIZE)
        }
        _ if has_attribute(number) => entry
            .graph
            .set_attribute(entry.id, number, value)
            .map_err(code),
        _ => Err(CUresult::INVALID_VALUE),
    }
}

exports! {
    fn cuGraphAddKernelNode(
        out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
        params: *const KernelNodeParamsV1,
    ) {
        // SAFETY: the caller's pointers.
        unsafe {
            add(out, graph, &After::nodes(nodes, count), |_| {
                params::kernel(&params::kernel_v1(&get(params)?))
            })
        }
    }

    fn cuGraphAddKernelNode_v2(
        out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
        params: *const KernelNodeParams,
    ) {
        // SAFETY: the caller's pointers.
        unsafe { add(out, graph, &After::nodes(nodes, count), |_| params::kernel(&get(params)?)) }
    }

    fn cuGraphAddMemcpyNode(
        out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
        params: *const Memcpy3D, context: Handle,
    ) {
        // SAFETY: the caller's pointers.
        unsafe {
            add(out, graph, &After::nodes(nodes, count), |_| {
                params::memcpy(&get(params)?, context)
            })
        }
    }

    fn cuGraphAddMemsetNode(
        out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
        params: *const MemsetNodeParams, context: Handle,
    ) {
        // SAFETY: the caller's pointers.
        unsafe {
            add(out, graph, &After::nodes(nodes, count), |_| {
                params::memset(&get(params)?, context)
            })
        }
    }

    fn cuGraphAddHostNode(
        out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
        params: *const HostNodeParams,
    ) {
        // SAFETY: the caller's pointers.
        unsafe { add(out, graph, &After::nodes(nodes, count), |_| params::host(&get(params)?)) }
    }

    fn cuGraphAddChildGraphNode(
        out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize, child: Handle,
    ) {
        // SAFETY: the caller's pointers.
        unsafe { add(out, graph, &After::nodes(nodes, count), |_| params::child(child)) }
    }

    fn cuGraphAddEmptyNode(
        out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
    ) {
        let make = |_: &_| {
            let context = super::context::context_or_current(std::ptr::null_mut())?;
            Ok((NodeKind::Empty, context))
        };
        // SAFETY: the caller's pointers.
        unsafe { add(out, graph, &After::nodes(nodes, count), make) }
    }

    fn cuGraphAddEventRecordNode(
        out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize, event: Handle,
    ) {
        // SAFETY: the caller's pointers.
        unsafe { add(out, graph, &After::nodes(nodes, count), |_| params::record(event)) }
    }

    fn cuGraphAddEventWaitNode(
        out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize, event: Handle,
    ) {
        // SAFETY: the caller's pointers.
        unsafe { add(out, graph, &After::nodes(nodes, count), |_| params::wait(event)) }
    }

    fn cuGraphAddMemAllocNode(
        out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
        params: *mut MemAllocNodeParams,
    ) {
        // SAFETY: the caller's pointers.
        unsafe {
            add(out, graph, &After::nodes(nodes, count), |graph| {
                params::allocation(params, graph)
            })
        }
    }

    fn cuGraphAddMemFreeNode(
        out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize, address: u64,
    ) {
        // SAFETY: the caller's pointers.
        unsafe { add(out, graph, &After::nodes(nodes, count), |_| params::free(address)) }
    }

    fn cuGraphAddBatchMemOpNode(
        out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
        params: *const BatchMemOpNodeParams,
    ) {
        // SAFETY: the caller's pointers.
        unsafe { add(out, graph, &After::nodes(nodes, count), |_| params::memory(&get(params)?)) }
    }

    fn cuGraphAddNode(
        out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
        params: *mut NodeParams,
    ) {
        // SAFETY: the caller's pointers.
        unsafe { add(out, graph, &After::nodes(nodes, count), |graph| params::any(params, graph)) }
    }

    fn cuGraphAddNode_v2 | cuGraphAddNode_v3(
        out: *mut Handle, graph: Handle, nodes: *const Handle, data: *const EdgeData,
        count: usize, params: *mut NodeParams,
    ) {
        // SAFETY: the caller's pointers.
        unsafe { add(out, graph, &After { nodes, data, count }, |graph| params::any(params, graph)) }
    }

    fn cuGraphNodeGetParams(handle: Handle, out: *mut NodeParams) {
        let (entry, _) = look(handle)?;
        // SAFETY: the caller's pointer.
        unsafe { params::put_any(&entry, out) }
    }

    fn cuGraphNodeSetParams | cuGraphNodeSetParams_v2(handle: Handle, params: *mut NodeParams) {
        // SAFETY: the caller's pointer.
        set(handle, |graph| unsafe { params::any(params, graph) })
    }

    fn cuGraphKernelNodeGetParams(handle: Handle, out: *mut KernelNodeParamsV1) {
        let (entry, launch) = kernel_of(handle)?;
        let value = params::kernel_params(&entry, &launch)?;
        let value = KernelNodeParamsV1 {
            func: value.func,
            grid: value.grid,
            block: value.block,
            shared_bytes: value.shared_bytes,
            parameters: value.parameters,
            extra: value.extra,
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, value) }
    }

    fn cuGraphKernelNodeGetParams_v2(handle: Handle, out: *mut KernelNodeParams) {
        let (entry, launch) = kernel_of(handle)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, params::kernel_params(&entry, &launch)?) }
    }

    fn cuGraphKernelNodeSetParams(handle: Handle, params: *const KernelNodeParamsV1) {
        // SAFETY: the caller's pointers.
        set(handle, |_| unsafe { params::kernel(&params::kernel_v1(&get(params)?)) })
    }

    fn cuGraphKernelNodeSetParams_v2(handle: Handle, params: *const KernelNodeParams) {
        // SAFETY: the caller's pointers.
        set(handle, |_| unsafe { params::kernel(&get(params)?) })
    }

    fn cuGraphKernelNodeGetAttribute(handle: Handle, number: c_uint, out: *mut [u64; 8]) {
        let (_, launch) = kernel_of(handle)?;
        let (_, node) = look(handle)?;
        let value = match number {
            COOPERATIVE => [u64::from(launch.config.cooperative), 0, 0, 0, 0, 0, 0, 0],
            _ if has_attribute(number) => {
                node.attributes.get(&number).copied().unwrap_or_default()
            }
            _ => return Err(CUresult::INVALID_VALUE),
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, value) }
    }

    fn cuGraphKernelNodeSetAttribute(handle: Handle, number: c_uint, value: *const [u64; 8]) {
        // SAFETY: the caller passes a valid value.
        set_attribute(handle, number, unsafe { get(value) }?)
    }

    fn cuGraphKernelNodeCopyAttributes(to: Handle, from: Handle) {
        let (_, launch) = kernel_of(from)?;
        let (_, node) = look(from)?;
        let cooperative = [u64::from(launch.config.cooperative), 0, 0, 0, 0, 0, 0, 0];
        set_attribute(to, COOPERATIVE, cooperative)?;
        for (number, value) in node.attributes {
            set_attribute(to, number, value)?;
        }
        Ok(())
    }

    fn cuGraphMemcpyNodeGetParams(handle: Handle, out: *mut Memcpy3D) {
        let NodeKind::Work(Work::Copy(copy)) = look(handle)?.1.kind else {
            return Err(CUresult::INVALID_VALUE);
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, request_of(&copy)) }
    }

    fn cuGraphMemcpyNodeSetParams(handle: Handle, params: *const Memcpy3D) {
        // SAFETY: the caller's pointer.
        set(handle, |_| params::memcpy(&unsafe { get(params) }?, std::ptr::null_mut()))
    }

    fn cuGraphMemsetNodeGetParams(handle: Handle, out: *mut MemsetNodeParams) {
        let NodeKind::Work(Work::Fill(fill)) = look(handle)?.1.kind else {
            return Err(CUresult::INVALID_VALUE);
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, params::memset_params(&fill)) }
    }

    fn cuGraphMemsetNodeSetParams(handle: Handle, params: *const MemsetNodeParams) {
        // SAFETY: the caller's pointer.
        set(handle, |_| params::memset(&unsafe { get(params) }?, std::ptr::null_mut()))
    }

    fn cuGraphHostNodeGetParams(handle: Handle, out: *mut HostNodeParams) {
        let NodeKind::Work(Work::Host(call)) = look(handle)?.1.kind else {
            return Err(CUresult::INVALID_VALUE);
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, params::host_params(&call)) }
    }

    fn cuGraphHostNodeSetParams(handle: Handle, params: *const HostNodeParams) {
        // SAFETY: the caller's pointer.
        set(handle, |_| params::host(&unsafe { get(params) }?))
    }

    fn cuGraphEventRecordNodeGetEvent(handle: Handle, out: *mut Handle) {
        let event = event_of(handle, true)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, EVENTS.handle_of(event.id())) }
    }

    fn cuGraphEventRecordNodeSetEvent(handle: Handle, event: Handle) {
        set(handle, |_| params::record(event))
    }

    fn cuGraphEventWaitNodeGetEvent(handle: Handle, out: *mut Handle) {
        let event = event_of(handle, false)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, EVENTS.handle_of(event.id())) }
    }

    fn cuGraphEventWaitNodeSetEvent(handle: Handle, event: Handle) {
        set(handle, |_| params::wait(event))
    }

    fn cuGraphMemAllocNodeGetParams(handle: Handle, out: *mut MemAllocNodeParams) {
        let NodeKind::Allocate(allocation) = look(handle)?.1.kind else {
            return Err(CUresult::INVALID_VALUE);
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, params::allocation_params(&allocation)) }
    }

    fn cuGraphBatchMemOpNodeGetParams(handle: Handle, out: *mut BatchMemOpNodeParams) {
        let (entry, node) = look(handle)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, params::memory_params(&entry, &node)?) }
    }

    fn cuGraphBatchMemOpNodeSetParams(handle: Handle, params: *const BatchMemOpNodeParams) {
        // SAFETY: the caller's pointers.
        set(handle, |_| unsafe { params::memory(&get(params)?) })
    }
}
