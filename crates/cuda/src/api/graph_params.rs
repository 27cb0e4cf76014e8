//! Parameters of nodes: from the structures of the API to what a node does, and back.

use super::context::context_or_current;
use super::copy::{copy_of, request_of};
use super::execution::parameter_block;
use super::graph::node_type;
use super::stream::{host_call, host_function};
use super::stream_memory::{operation_of, structure_of};
use crate::c::{
    BatchMemOp, BatchMemOpNodeParams, ChildNodeParams, ConditionalNodeParams, EventNodeParams,
    Handle, HostNodeParams, KernelNodeParams, KernelNodeParamsV1, MemAccessDesc,
    MemAllocNodeParams, MemLocation, MemPoolProps, Memcpy3D, MemcpyNodeParams, MemsetNodeParams,
    MemsetNodeParamsV2, NodeParams, get, pointer, put,
};
use crate::graphs::{NodeEntry, give_up, graph, lend_bodies, lend_graph};
use crate::result::CUresult;
use crate::runtime::{EVENTS, KERNELS, code, context_handle};
use std::ffi::c_void;
use std::sync::Arc;
use weft_driver::{
    Conditional, ConditionalKind, Context, Fill, Graph, GraphAllocation, HostCall, KernelLaunch,
    LaunchConfig, Node, NodeKind, Work,
};

/// What a node is to do, and where.
pub(super) type Made = (NodeKind, Arc<Context>);

/// A node that launches a kernel.
///
/// # Safety
/// Parameters are as the kernel requires.
pub(super) unsafe fn kernel(params: &KernelNodeParams) -> Result<Made, CUresult> {
    let handle = if params.func.is_null() {
        params.kern
    } else {
        params.func
    };
    let kernel = KERNELS.get(handle)?;
    // SAFETY: the caller's parameters.
    let parameters = unsafe { parameter_block(&kernel, params.parameters, params.extra) }?;
    let context = Arc::clone(kernel.context());
    let config = LaunchConfig {
        grid: params.grid,
        block: params.block,
        shared_bytes: params.shared_bytes,
        cooperative: false,
    };
    let launch = KernelLaunch {
        kernel,
        config,
        parameters,
    };
    Ok((NodeKind::Work(Work::Kernel(launch)), context))
}

/// Version 1 of the structure as version 2.
pub(super) const fn kernel_v1(params: &KernelNodeParamsV1) -> KernelNodeParams {
    KernelNodeParams {
        func: params.func,
        grid: params.grid,
        block: params.block,
        shared_bytes: params.shared_bytes,
        parameters: params.parameters,
        extra: params.extra,
        kern: std::ptr::null_mut(),
        ctx: std::ptr::null_mut(),
    }
}

/// Memory that a kernel's structure points to.
struct KernelArguments {
    _block: Box<[u8]>,
    pointers: Box<[usize]>,
}

/// The structure of a kernel node; what it points to lives with the node's handle.
pub(super) fn kernel_params(
    entry: &NodeEntry,
    launch: &KernelLaunch,
) -> Result<KernelNodeParams, CUresult> {
    let block: Box<[u8]> = launch.parameters.clone().into();
    let offsets = launch.kernel.parameters().iter();
    let pointers =
        offsets.map(|&(offset, _)| block.as_ptr().wrapping_add(offset as usize) as usize);
    let arguments = KernelArguments {
        pointers: pointers.collect(),
        _block: block,
    };
    let parameters = arguments.pointers.as_ptr().cast();
    entry.lend(arguments);
    let kernel = KERNELS
        .find(|known| std::ptr::eq(known, Arc::as_ptr(&launch.kernel)))
        .ok_or(CUresult::INVALID_HANDLE)?;
    Ok(KernelNodeParams {
        func: kernel,
        grid: launch.config.grid,
        block: launch.config.block,
        shared_bytes: launch.config.shared_bytes,
        parameters,
        extra: std::ptr::null(),
        kern: std::ptr::null_mut(),
        ctx: context_handle(launch.kernel.context()),
    })
}

/// A node that fills memory.
pub(super) fn memset(params: &MemsetNodeParams, context: Handle) -> Result<Made, CUresult> {
    let fill = Fill {
        address: params.dst,
        pitch: params.pitch as u64,
        value: params.value,
        element_bytes: params.element_size,
        width: params.width as u64,
        height: params.height as u64,
    };
    if params.width == 0 || params.height == 0 {
        return Err(CUresult::INVALID_VALUE);
    }
    Ok((
        NodeKind::Work(Work::Fill(fill)),
        context_or_current(context)?,
    ))
}

/// The structure of a node that fills memory.
pub(super) fn memset_params(fill: &Fill) -> MemsetNodeParams {
    let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    MemsetNodeParams {
        dst: fill.address,
        pitch: size(fill.pitch),
        value: fill.value,
        element_size: fill.element_bytes,
        width: size(fill.width),
        height: size(fill.height),
    }
}

/// A node that copies.
pub(super) fn memcpy(params: &Memcpy3D, context: Handle) -> Result<Made, CUresult> {
    let copy = Work::Copy(copy_of(params)?);
    Ok((NodeKind::Work(copy), context_or_current(context)?))
}

/// A node that calls a function.
pub(super) fn host(params: &HostNodeParams) -> Result<Made, CUresult> {
    let call = host_call(params.function, params.data)?;
    Ok((
        NodeKind::Work(Work::Host(call)),
        context_or_current(std::ptr::null_mut())?,
    ))
}

/// The structure of a node that calls a function.
pub(super) fn host_params(call: &HostCall) -> HostNodeParams {
    HostNodeParams {
        function: host_function(call.function),
        data: pointer(call.data),
    }
}

/// A node that executes a copy of a graph.
pub(super) fn child(handle: Handle) -> Result<Made, CUresult> {
    let graph = graph(handle)?;
    if graph.is_unique() {
        return Err(CUresult::NOT_SUPPORTED);
    }
    let copy = graph.duplicate().map_err(code)?;
    Ok((
        NodeKind::Child(copy),
        context_or_current(std::ptr::null_mut())?,
    ))
}

/// A node that records an event.
pub(super) fn record(event: Handle) -> Result<Made, CUresult> {
    let event = EVENTS.get(event)?;
    let context = Arc::clone(event.context());
    Ok((NodeKind::Work(Work::Record(event, 0)), context))
}

/// A node that waits for an event.
pub(super) fn wait(event: Handle) -> Result<Made, CUresult> {
    let event = EVENTS.get(event)?;
    let context = Arc::clone(event.context());
    Ok((NodeKind::Work(Work::Wait(event, 0)), context))
}

/// `CU_MEM_LOCATION_TYPE_DEVICE`.
const LOCATION_DEVICE: u32 = 1;
/// `CU_MEM_ALLOCATION_TYPE_PINNED`.
const ALLOCATION_PINNED: u32 = 1;

/// A node that allocates memory; its address is stored in the structure.
///
/// # Safety
/// `params` is null or valid, and so are its access descriptors.
pub(super) unsafe fn allocation(
    params: *mut MemAllocNodeParams,
    graph: &Graph,
) -> Result<Made, CUresult> {
    // SAFETY: the caller's structure.
    let mut asked = unsafe { get(params) }?;
    let pool = &asked.pool;
    let known = pool.location.kind == LOCATION_DEVICE && pool.location.id == 0;
    if pool.allocation_type != ALLOCATION_PINNED || !known {
        return Err(CUresult::INVALID_VALUE);
    }
    if pool.handle_types != 0 {
        return Err(CUresult::NOT_SUPPORTED);
    }
    for index in 0..asked.access_count {
        // SAFETY: as above.
        let access = unsafe { get(asked.access.wrapping_add(index)) }?;
        if access.location.kind != LOCATION_DEVICE || access.location.id != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
    }
    let context = context_or_current(std::ptr::null_mut())?;
    let made = GraphAllocation::new(&context, graph, asked.bytes as u64).map_err(code)?;
    asked.address = made.address();
    // SAFETY: as above.
    unsafe { put(params, asked) }?;
    Ok((NodeKind::Allocate(made), context))
}

/// The structure of a node that allocates memory.
pub(super) fn allocation_params(allocation: &GraphAllocation) -> MemAllocNodeParams {
    MemAllocNodeParams {
        pool: MemPoolProps {
            allocation_type: ALLOCATION_PINNED,
            handle_types: 0,
            location: MemLocation {
                kind: LOCATION_DEVICE,
                id: 0,
            },
            security: std::ptr::null_mut(),
            max_size: 0,
            usage: 0,
            reserved: [0; 54],
        },
        access: std::ptr::null::<MemAccessDesc>(),
        access_count: 0,
        bytes: usize::try_from(allocation.bytes()).unwrap_or(usize::MAX),
        address: allocation.address(),
    }
}

/// A node that frees memory.
pub(super) fn free(address: u64) -> Result<Made, CUresult> {
    Ok((
        NodeKind::Free(address),
        context_or_current(std::ptr::null_mut())?,
    ))
}

/// A node of operations on words of memory.
///
/// # Safety
/// The structure's array is valid for as many elements as it says.
pub(super) unsafe fn memory(params: &BatchMemOpNodeParams) -> Result<Made, CUresult> {
    let context = context_or_current(params.ctx)?;
    if params.flags != 0 || params.count == 0 || params.count > 256 {
        return Err(CUresult::INVALID_VALUE);
    }
    let operations = (0..params.count as usize).map(|index| {
        // SAFETY: the caller's array.
        operation_of(&unsafe { get(params.operations.wrapping_add(index)) }?)
    });
    let work = Work::Memory(operations.collect::<Result<_, CUresult>>()?);
    Ok((NodeKind::Work(work), context))
}

/// The structure of a node of operations on words of memory.
pub(super) fn memory_params(
    entry: &NodeEntry,
    node: &Node,
) -> Result<BatchMemOpNodeParams, CUresult> {
    let NodeKind::Work(Work::Memory(operations)) = &node.kind else {
        return Err(CUresult::INVALID_VALUE);
    };
    let structures: Box<[BatchMemOp]> = operations.iter().map(structure_of).collect();
    let params = BatchMemOpNodeParams {
        ctx: context_handle(&node.context),
        count: u32::try_from(structures.len()).unwrap_or(0),
        operations: structures.as_ptr(),
        flags: 0,
    };
    entry.lend(structures);
    Ok(params)
}

/// A conditional node; handles of its graphs are stored in the structure.
///
/// # Safety
/// `params` is valid.
unsafe fn conditional(params: *mut ConditionalNodeParams, graph: &Graph) -> Result<Made, CUresult> {
    // SAFETY: the caller's structure.
    let mut asked = unsafe { get(params) }?;
    let kind = match asked.kind {
        0 => ConditionalKind::If,
        1 => ConditionalKind::While,
        2 => ConditionalKind::Switch,
        _ => return Err(CUresult::INVALID_VALUE),
    };
    let context = context_or_current(asked.ctx)?;
    let made = Conditional::new(graph, asked.handle, kind, asked.size).map_err(code)?;
    asked.graphs = lend_bodies(made.bodies())?;
    // SAFETY: as above.
    unsafe { put(params, asked) }?;
    Ok((NodeKind::Conditional(made), context))
}

/// A node of the type that the structure says.
///
/// # Safety
/// `params` is null or valid, and so is what it points to.
#[expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "one structure is read, and all have the same contract"
)]
pub(super) unsafe fn any(params: *mut NodeParams, graph: &Arc<Graph>) -> Result<Made, CUresult> {
    // SAFETY: the caller's structure.
    let asked = unsafe { get(params) }?;
    if asked.reserved0 != [0; 3] || asked.reserved2 != 0 {
        return Err(CUresult::INVALID_VALUE);
    }
    // SAFETY: not null, as it was read.
    let at: *mut c_void = unsafe { (&raw mut (*params).bytes).cast() };
    // SAFETY: the structure of the type that it names, for each below.
    unsafe {
        match asked.kind {
            node_type::KERNEL => kernel(&get(at.cast())?),
            node_type::MEMCPY => {
                let params: MemcpyNodeParams = get(at.cast())?;
                if params.flags != 0 {
                    return Err(CUresult::INVALID_VALUE);
                }
                memcpy(&params.copy, params.ctx)
            }
            node_type::MEMSET => {
                let params: MemsetNodeParamsV2 = get(at.cast())?;
                memset(&params.base, params.ctx)
            }
            node_type::HOST => host(&get(at.cast())?),
            node_type::GRAPH => {
                let params: ChildNodeParams = get(at.cast())?;
                match params.ownership {
                    0 => child(params.graph),
                    1 => {
                        let moved = give_up(params.graph)?;
                        Ok((
                            NodeKind::Child(moved),
                            context_or_current(std::ptr::null_mut())?,
                        ))
                    }
                    _ => Err(CUresult::INVALID_VALUE),
                }
            }
            node_type::EMPTY => Ok((NodeKind::Empty, context_or_current(std::ptr::null_mut())?)),
            node_type::WAIT_EVENT => wait(get::<EventNodeParams>(at.cast())?.event),
            node_type::EVENT_RECORD => record(get::<EventNodeParams>(at.cast())?.event),
            node_type::MEM_ALLOC => allocation(at.cast(), graph),
            node_type::MEM_FREE => free(get(at.cast())?),
            node_type::BATCH_MEM_OP => memory(&get(at.cast())?),
            node_type::CONDITIONAL => conditional(at.cast(), graph),
            8 | 9 | 14..=18 => Err(CUresult::NOT_SUPPORTED),
            _ => Err(CUresult::INVALID_VALUE),
        }
    }
}

/// Stores the structure of a node of any type.
///
/// # Safety
/// `out` is null or valid.
pub(super) unsafe fn put_any(entry: &NodeEntry, out: *mut NodeParams) -> Result<(), CUresult> {
    let node = entry.graph.node(entry.id).map_err(code)?;
    let mut params = NodeParams {
        kind: super::graph::type_of(&node.kind),
        reserved0: [0; 3],
        bytes: [0; _],
        reserved2: 0,
    };
    let at: *mut c_void = (&raw mut params.bytes).cast();
    match &node.kind {
        NodeKind::Empty => Ok(()),
        NodeKind::Child(graph) => {
            let value = ChildNodeParams {
                graph: lend_graph(graph),
                ownership: 0,
            };
            // SAFETY: the union has room for every structure of its types, here and below.
            unsafe { put(at.cast(), value) }
        }
        NodeKind::Allocate(allocation) => {
            // SAFETY: as above.
            unsafe { put(at.cast(), allocation_params(allocation)) }
        }
        // SAFETY: as above.
        NodeKind::Free(address) => unsafe { put(at.cast(), *address) },
        NodeKind::Conditional(conditional) => {
            let value = ConditionalNodeParams {
                handle: conditional.handle(),
                kind: match conditional.kind() {
                    ConditionalKind::If => 0,
                    ConditionalKind::While => 1,
                    ConditionalKind::Switch => 2,
                },
                size: u32::try_from(conditional.bodies().len()).unwrap_or(0),
                graphs: lend_bodies(conditional.bodies())?,
                ctx: context_handle(&node.context),
            };
            // SAFETY: as above.
            unsafe { put(at.cast(), value) }
        }
        NodeKind::Work(Work::Kernel(launch)) => {
            // SAFETY: as above.
            unsafe { put(at.cast(), kernel_params(entry, launch)?) }
        }
        NodeKind::Work(Work::Copy(copy)) => {
            let value = MemcpyNodeParams {
                flags: 0,
                reserved: 0,
                ctx: context_handle(&node.context),
                copy: request_of(copy),
            };
            // SAFETY: as above.
            unsafe { put(at.cast(), value) }
        }
        NodeKind::Work(Work::Fill(fill)) => {
            let value = MemsetNodeParamsV2 {
                base: memset_params(fill),
                ctx: context_handle(&node.context),
            };
            // SAFETY: as above.
            unsafe { put(at.cast(), value) }
        }
        NodeKind::Work(Work::Host(call)) => {
            // SAFETY: as above.
            unsafe { put(at.cast(), host_params(call)) }
        }
        NodeKind::Work(Work::Record(event, _) | Work::Wait(event, _)) => {
            let value = EventNodeParams {
                event: EVENTS.handle_of(event.id()),
            };
            // SAFETY: as above.
            unsafe { put(at.cast(), value) }
        }
        NodeKind::Work(Work::Memory(_)) => {
            // SAFETY: as above.
            unsafe { put(at.cast(), memory_params(entry, &node)?) }
        }
        NodeKind::Work(Work::Free(_) | Work::Graph(_)) => Err(CUresult::UNKNOWN),
    }?;
    // SAFETY: the caller's pointer.
    unsafe { put(out, params) }
}

/// Whether a launch attribute can be on a node, and what it does: 2 is cooperative, the others make no
/// difference here.
pub(super) fn cooperative_of(value: &[u64; 8]) -> bool {
    value[0] & 0xFFFF_FFFF != 0
}
