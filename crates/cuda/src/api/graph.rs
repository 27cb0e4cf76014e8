//! Graphs: making, edges, listing.

use crate::c::{EdgeData, Handle, put, put_optional, text};
use crate::call::exports;
use crate::graphs::{
    check_edges, destroy_graph, forget_node, give_graph, graph, lend_graph, node, node_handle,
    node_ids, put_list,
};
use crate::result::CUresult;
use crate::runtime::{code, device};
use std::ffi::{c_char, c_int, c_uint};
use std::sync::Arc;
use weft_driver::{DotDetail, Graph, NodeId, NodeKind, Work};

/// `CUgraphNodeType`.
pub(super) mod node_type {
    pub(in super::super) const KERNEL: u32 = 0;
    pub(in super::super) const MEMCPY: u32 = 1;
    pub(in super::super) const MEMSET: u32 = 2;
    pub(in super::super) const HOST: u32 = 3;
    pub(in super::super) const GRAPH: u32 = 4;
    pub(in super::super) const EMPTY: u32 = 5;
    pub(in super::super) const WAIT_EVENT: u32 = 6;
    pub(in super::super) const EVENT_RECORD: u32 = 7;
    pub(in super::super) const MEM_ALLOC: u32 = 10;
    pub(in super::super) const MEM_FREE: u32 = 11;
    pub(in super::super) const BATCH_MEM_OP: u32 = 12;
    pub(in super::super) const CONDITIONAL: u32 = 13;
}

/// The type of a node.
pub(super) const fn type_of(kind: &NodeKind) -> u32 {
    match kind {
        NodeKind::Empty => node_type::EMPTY,
        NodeKind::Child(_) | NodeKind::Work(Work::Graph(_)) => node_type::GRAPH,
        NodeKind::Allocate(_) => node_type::MEM_ALLOC,
        NodeKind::Free(_) | NodeKind::Work(Work::Free(_)) => node_type::MEM_FREE,
        NodeKind::Conditional(_) => node_type::CONDITIONAL,
        NodeKind::Work(Work::Kernel(_)) => node_type::KERNEL,
        NodeKind::Work(Work::Copy(_)) => node_type::MEMCPY,
        NodeKind::Work(Work::Fill(_)) => node_type::MEMSET,
        NodeKind::Work(Work::Host(_)) => node_type::HOST,
        NodeKind::Work(Work::Memory(_)) => node_type::BATCH_MEM_OP,
        NodeKind::Work(Work::Record(..)) => node_type::EVENT_RECORD,
        NodeKind::Work(Work::Wait(..)) => node_type::WAIT_EVENT,
    }
}

fn handles(graph: &Arc<Graph>, ids: &[NodeId]) -> Vec<Handle> {
    ids.iter().map(|&id| node_handle(graph, id)).collect()
}

/// Edges from node to node.
type Edges = Vec<(NodeId, NodeId)>;

/// Edges from arrays of nodes.
///
/// # Safety
/// The arrays are valid for `count` elements, `data` may be null.
unsafe fn edges(
    handle: Handle,
    from: *const Handle,
    to: *const Handle,
    data: *const EdgeData,
    count: usize,
) -> Result<(Arc<Graph>, Edges), CUresult> {
    let graph = graph(handle)?;
    // SAFETY: the caller's arrays.
    unsafe { check_edges(data, count) }?;
    // SAFETY: as above.
    let from = unsafe { node_ids(&graph, from, count) }?;
    // SAFETY: as above.
    let to = unsafe { node_ids(&graph, to, count) }?;
    Ok((graph, from.into_iter().zip(to).collect()))
}

/// # Safety
/// As [`put_list`], for both arrays and, if it is not null, the data.
unsafe fn put_edges(
    handle: Handle,
    from: *mut Handle,
    to: *mut Handle,
    data: *mut EdgeData,
    count: *mut usize,
) -> Result<(), CUresult> {
    let graph = graph(handle)?;
    if from.is_null() != to.is_null() || (from.is_null() && !data.is_null()) {
        return Err(CUresult::INVALID_VALUE);
    }
    let (sources, targets): (Vec<_>, Vec<_>) = graph.edges().into_iter().unzip();
    // SAFETY: the caller's pointer.
    let room = unsafe { crate::c::get(count) }?;
    // SAFETY: the caller's array.
    unsafe { put_list(&handles(&graph, &sources), from, count) }?;
    if !to.is_null() {
        // SAFETY: as above.
        unsafe { put(count, room) }?;
        // SAFETY: as above.
        unsafe { put_list(&handles(&graph, &targets), to, count) }?;
        // SAFETY: as above.
        unsafe { put_default_edges(data, targets.len().min(room)) };
    }
    Ok(())
}

/// # Safety
/// `data` is null or valid for `count` structures.
pub(super) unsafe fn put_default_edges(data: *mut EdgeData, count: usize) {
    for index in 0..count {
        if !data.is_null() {
            // SAFETY: the caller's array.
            unsafe { data.wrapping_add(index).write(EdgeData::default()) };
        }
    }
}

/// Neighbours of a node: those it depends on, or that depend on it.
///
/// # Safety
/// As [`put_list`], for nodes and, if it is not null, data.
unsafe fn put_neighbours(
    handle: Handle,
    before: bool,
    nodes: *mut Handle,
    data: *mut EdgeData,
    count: *mut usize,
) -> Result<(), CUresult> {
    let entry = node(handle)?;
    if nodes.is_null() && !data.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    let node = entry.graph.node(entry.id).map_err(code)?;
    let ids = if before {
        node.dependencies
    } else {
        node.dependents
    };
    let list = handles(&entry.graph, &ids);
    // SAFETY: the caller's pointers.
    unsafe { put_list(&list, nodes, count) }?;
    if !nodes.is_null() {
        // SAFETY: as above.
        let stored = unsafe { crate::c::get(count) }?;
        // SAFETY: as above.
        unsafe { put_default_edges(data, stored) };
    }
    Ok(())
}

exports! {
    fn cuGraphCreate(out: *mut Handle, flags: c_uint) {
        let device = device()?;
        if out.is_null() || flags != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, give_graph(&Graph::new(device))) }
    }

    fn cuGraphDestroy(handle: Handle) {
        device()?;
        destroy_graph(handle)
    }

    fn cuGraphClone(out: *mut Handle, original: Handle) {
        device()?;
        let original = graph(original)?;
        if out.is_null() {
            return Err(CUresult::INVALID_VALUE);
        }
        let copy = original.duplicate().map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, give_graph(&copy)) }
    }

    fn cuGraphGetId(handle: Handle, id: *mut c_uint) {
        device()?;
        let value = graph(handle)?.id();
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(id, c_uint::try_from(value).unwrap_or(c_uint::MAX)) }
    }

    fn cuGraphGetNodes(handle: Handle, nodes: *mut Handle, count: *mut usize) {
        device()?;
        let graph = graph(handle)?;
        let list = handles(&graph, &graph.node_ids());
        // SAFETY: the caller's array.
        unsafe { put_list(&list, nodes, count) }
    }

    fn cuGraphGetRootNodes(handle: Handle, nodes: *mut Handle, count: *mut usize) {
        device()?;
        let graph = graph(handle)?;
        let list = handles(&graph, &graph.roots());
        // SAFETY: the caller's array.
        unsafe { put_list(&list, nodes, count) }
    }

    fn cuGraphGetEdges(handle: Handle, from: *mut Handle, to: *mut Handle, count: *mut usize) {
        device()?;
        // SAFETY: the caller's arrays.
        unsafe { put_edges(handle, from, to, std::ptr::null_mut(), count) }
    }

    fn cuGraphGetEdges_v2(
        handle: Handle, from: *mut Handle, to: *mut Handle, data: *mut EdgeData,
        count: *mut usize,
    ) {
        device()?;
        // SAFETY: the caller's arrays.
        unsafe { put_edges(handle, from, to, data, count) }
    }

    fn cuGraphAddDependencies(
        handle: Handle, from: *const Handle, to: *const Handle, count: usize,
    ) {
        device()?;
        // SAFETY: the caller's arrays.
        let (graph, edges) = unsafe { edges(handle, from, to, std::ptr::null(), count) }?;
        graph.add_edges(&edges).map_err(code)
    }

    fn cuGraphAddDependencies_v2(
        handle: Handle, from: *const Handle, to: *const Handle, data: *const EdgeData,
        count: usize,
    ) {
        device()?;
        // SAFETY: the caller's arrays.
        let (graph, edges) = unsafe { edges(handle, from, to, data, count) }?;
        graph.add_edges(&edges).map_err(code)
    }

    fn cuGraphRemoveDependencies(
        handle: Handle, from: *const Handle, to: *const Handle, count: usize,
    ) {
        device()?;
        // SAFETY: the caller's arrays.
        let (graph, edges) = unsafe { edges(handle, from, to, std::ptr::null(), count) }?;
        graph.remove_edges(&edges).map_err(code)
    }

    fn cuGraphRemoveDependencies_v2(
        handle: Handle, from: *const Handle, to: *const Handle, data: *const EdgeData,
        count: usize,
    ) {
        device()?;
        // SAFETY: the caller's arrays.
        let (graph, edges) = unsafe { edges(handle, from, to, data, count) }?;
        graph.remove_edges(&edges).map_err(code)
    }

    fn cuGraphNodeGetDependencies(handle: Handle, nodes: *mut Handle, count: *mut usize) {
        device()?;
        // SAFETY: the caller's array.
        unsafe { put_neighbours(handle, true, nodes, std::ptr::null_mut(), count) }
    }

    fn cuGraphNodeGetDependencies_v2(
        handle: Handle, nodes: *mut Handle, data: *mut EdgeData, count: *mut usize,
    ) {
        device()?;
        // SAFETY: the caller's arrays.
        unsafe { put_neighbours(handle, true, nodes, data, count) }
    }

    fn cuGraphNodeGetDependentNodes(handle: Handle, nodes: *mut Handle, count: *mut usize) {
        device()?;
        // SAFETY: the caller's array.
        unsafe { put_neighbours(handle, false, nodes, std::ptr::null_mut(), count) }
    }

    fn cuGraphNodeGetDependentNodes_v2(
        handle: Handle, nodes: *mut Handle, data: *mut EdgeData, count: *mut usize,
    ) {
        device()?;
        // SAFETY: the caller's arrays.
        unsafe { put_neighbours(handle, false, nodes, data, count) }
    }

    fn cuGraphNodeGetType(handle: Handle, kind: *mut c_uint) {
        device()?;
        let entry = node(handle)?;
        let value = type_of(&entry.graph.node(entry.id).map_err(code)?.kind);
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(kind, value) }
    }

    fn cuGraphNodeFindInClone(out: *mut Handle, original: Handle, copy: Handle) {
        device()?;
        let (original, copy) = (node(original)?, graph(copy)?);
        let (id, inner) = copy.find_copy_of(original.id).ok_or(CUresult::INVALID_VALUE)?;
        let found = node_handle(&inner.unwrap_or(copy), id);
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, found) }
    }

    fn cuGraphNodeGetContainingGraph(handle: Handle, out: *mut Handle) {
        device()?;
        let entry = node(handle)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, lend_graph(&entry.graph)) }
    }

    fn cuGraphNodeGetLocalId(handle: Handle, id: *mut c_uint) {
        device()?;
        let entry = node(handle)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(id, c_uint::try_from(entry.id).unwrap_or(c_uint::MAX)) }
    }

    fn cuGraphNodeGetToolsId(handle: Handle, id: *mut u64) {
        device()?;
        let entry = node(handle)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(id, entry.id) }
    }

    fn cuGraphDestroyNode(handle: Handle) {
        device()?;
        let entry = node(handle)?;
        let kind = entry.graph.node(entry.id).map_err(code)?.kind;
        entry.graph.remove(entry.id).map_err(code)?;
        forget_node(handle);
        match kind {
            NodeKind::Child(graph) => crate::graphs::forget_graph(&graph),
            NodeKind::Conditional(node) => {
                node.bodies().iter().for_each(crate::graphs::forget_graph);
            }
            NodeKind::Empty
            | NodeKind::Work(_)
            | NodeKind::Allocate(_)
            | NodeKind::Free(_) => {}
        }
        Ok(())
    }

    fn cuGraphDebugDotPrint(handle: Handle, path: *const c_char, flags: c_uint) {
        device()?;
        let graph = graph(handle)?;
        // SAFETY: the caller's string.
        let path = unsafe { text(path) }?;
        let detail = DotDetail { parameters: flags != 0 };
        std::fs::write(path, graph.to_dot(detail)).map_err(|_| CUresult::OPERATING_SYSTEM)
    }

    fn cuGraphConditionalHandleCreate(
        out: *mut u64, handle: Handle, context: Handle, default: c_uint, flags: c_uint,
    ) {
        device()?;
        /// `CU_GRAPH_COND_ASSIGN_DEFAULT`.
        const ASSIGN_DEFAULT: c_uint = 1;
        let graph = graph(handle)?;
        let context = super::context::context_or_current(context)?;
        if out.is_null() || flags & !ASSIGN_DEFAULT != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        let assigns = flags & ASSIGN_DEFAULT != 0;
        let value = graph.add_condition(&context, default, assigns).map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, value) }
    }

    fn cuDeviceGetGraphMemAttribute(ordinal: c_int, attribute: c_uint, value: *mut u64) {
        let usage = super::device::known(ordinal)?.graph_memory_use();
        let found = match attribute {
            0 => usage.used,
            1 => usage.used_high,
            2 => usage.reserved,
            3 => usage.reserved_high,
            _ => return Err(CUresult::INVALID_VALUE),
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(value, found) }
    }

    fn cuDeviceSetGraphMemAttribute(ordinal: c_int, attribute: c_uint, value: *const u64) {
        let device = super::device::known(ordinal)?;
        // SAFETY: the caller passes a valid value.
        let value = unsafe { crate::c::get(value) }?;
        // The high-water marks can be reset to 0, which means what is used now.
        if !matches!(attribute, 1 | 3) || value != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        device.reset_graph_memory_marks(attribute == 1, attribute == 3);
        Ok(())
    }

    /// Memory that a graph does not use is never held.
    fn cuDeviceGraphMemTrim(ordinal: c_int) {
        super::device::known(ordinal).map(|_| ())
    }

    fn cuGraphChildGraphNodeGetGraph(handle: Handle, out: *mut Handle) {
        device()?;
        let entry = node(handle)?;
        let NodeKind::Child(child) = entry.graph.node(entry.id).map_err(code)?.kind else {
            return Err(CUresult::INVALID_VALUE);
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, lend_graph(&child)) }
    }

    fn cuGraphMemFreeNodeGetParams(handle: Handle, address: *mut u64) {
        device()?;
        let entry = node(handle)?;
        let NodeKind::Free(freed) = entry.graph.node(entry.id).map_err(code)?.kind else {
            return Err(CUresult::INVALID_VALUE);
        };
        // SAFETY: the caller passes null or a valid out pointer.
        unsafe { put_optional(address, freed) };
        if address.is_null() { Err(CUresult::INVALID_VALUE) } else { Ok(()) }
    }
}
