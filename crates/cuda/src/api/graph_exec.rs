//! Executable graphs, and objects that graphs keep alive.
#![expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "a structure is read and what it points to, under one contract"
)]

use super::graph_params::{self as params, Made};
use super::stream::call_host_function;
use crate::c::{
    BatchMemOpNodeParams, Handle, HostFn, HostNodeParams, InstantiateParams, KernelNodeParams,
    KernelNodeParamsV1, Memcpy3D, MemsetNodeParams, NodeParams, UpdateResult, get, put,
    put_optional,
};
use crate::call::exports;
use crate::graphs::{EXECS, USER_OBJECTS, UserEntry, graph, node, node_handle};
use crate::result::CUresult;
use crate::runtime::{code, device, stream, usable};
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::sync::{Arc, Mutex, PoisonError};
use weft_driver::{ExecGraph, Graph, UpdateError, UserObject};

/// Makes a graph executable.
fn instantiate(out: *mut Handle, handle: Handle, flags: u64) -> Result<Arc<ExecGraph>, CUresult> {
    usable()?;
    let graph = graph(handle)?;
    if out.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    let exec = ExecGraph::new(&graph, flags).map_err(code)?;
    // SAFETY: the caller passes a valid out pointer.
    unsafe { put(out, EXECS.insert_as(exec.id(), || Arc::clone(&exec))) }?;
    Ok(exec)
}

/// Replaces what a node does in an executable graph.
fn set(
    exec: Handle,
    handle: Handle,
    make: impl FnOnce(&Arc<Graph>) -> Result<Made, CUresult>,
) -> Result<(), CUresult> {
    device()?;
    let (exec, entry) = (EXECS.get(exec)?, node(handle)?);
    let (mut kind, _) = make(&entry.graph)?;
    if let weft_driver::NodeKind::Work(weft_driver::Work::Kernel(new)) = &mut kind
        && let Ok(node) = entry.graph.node(entry.id)
        && let weft_driver::NodeKind::Work(weft_driver::Work::Kernel(old)) = &node.kind
    {
        // An attribute of the node, which its parameters do not change.
        new.config.cooperative = old.config.cooperative;
    }
    exec.set(entry.id, &kind).map_err(code)
}

/// Updates an executable graph, and what stands in the way if that is not possible.
fn update(exec: Handle, handle: Handle) -> Result<UpdateResult, CUresult> {
    device()?;
    let (exec, graph) = (EXECS.get(exec)?, graph(handle)?);
    let null = std::ptr::null_mut();
    Ok(match exec.update(&graph) {
        Ok(()) => UpdateResult {
            result: 0,
            node: null,
            from: null,
        },
        Err(failure) => UpdateResult {
            result: match failure.error {
                UpdateError::TopologyChanged => 2,
                UpdateError::NodeTypeChanged => 3,
                UpdateError::ParametersChanged => 5,
                UpdateError::NotSupported => 6,
                UpdateError::UnsupportedFunctionChange => 7,
                UpdateError::AttributesChanged => 8,
            },
            node: failure.node.map_or(null, |id| node_handle(&graph, id)),
            from: failure.from.map_or(null, |id| node_handle(&graph, id)),
        },
    })
}

const fn outcome(result: &UpdateResult) -> Result<(), CUresult> {
    if result.result == 0 {
        Ok(())
    } else {
        Err(CUresult::GRAPH_EXEC_UPDATE_FAILURE)
    }
}

/// Calls the destructor of a user object.
fn end_user_object(function: u64, object: u64) {
    call_host_function(function, object);
}

/// Takes references to a user object away from the program.
fn release(entry: &UserEntry, count: u32) -> Result<(), CUresult> {
    let mut own = entry.own.lock().unwrap_or_else(PoisonError::into_inner);
    own.0 = own.0.checked_sub(count).ok_or(CUresult::INVALID_VALUE)?;
    let gone = (own.0 == 0).then(|| own.1.take());
    drop(own);
    // Its end may call back into this library.
    drop(gone);
    Ok(())
}

exports! {
    fn cuGraphInstantiate | cuGraphInstantiate_v2(
        out: *mut Handle, graph: Handle, error_node: *mut Handle, log: *mut c_char,
        log_bytes: usize,
    ) {
        // SAFETY: the caller passes null or a valid out pointer.
        unsafe { put_optional(error_node, std::ptr::null_mut()) };
        if log_bytes > 0 {
            // SAFETY: the caller passes null or a buffer of that size.
            unsafe { put_optional(log, 0) };
        }
        instantiate(out, graph, 0).map(|_| ())
    }

    fn cuGraphInstantiateWithFlags(out: *mut Handle, graph: Handle, flags: u64) {
        instantiate(out, graph, flags).map(|_| ())
    }

    fn cuGraphInstantiateWithParams | cuGraphInstantiateWithParams_ptsz(
        out: *mut Handle, graph: Handle, params: *mut InstantiateParams,
    ) {
        // SAFETY: the caller's structure.
        let mut asked = unsafe { get(params) }?;
        let made = instantiate(out, graph, asked.flags);
        asked.error_node = std::ptr::null_mut();
        // `CUDA_GRAPH_INSTANTIATE_SUCCESS`, and `_ERROR`, which the code of the call explains.
        asked.result = c_int::from(made.is_err());
        // SAFETY: as above.
        unsafe { put(params, asked) }?;
        made.map(|_| ())
    }

    fn cuGraphExecDestroy(exec: Handle) {
        device()?;
        EXECS.remove(exec).map(|_| ())
    }

    fn cuGraphExecGetFlags(exec: Handle, flags: *mut u64) {
        device()?;
        let value = EXECS.get(exec)?.flags();
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(flags, value) }
    }

    fn cuGraphExecGetId(exec: Handle, id: *mut c_uint) {
        device()?;
        let value = EXECS.get(exec)?.id();
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(id, c_uint::try_from(value).unwrap_or(c_uint::MAX)) }
    }

    fn cuGraphLaunch | cuGraphLaunch_ptsz(exec: Handle, handle: Handle) {
        device()?;
        let (exec, stream) = (EXECS.get(exec)?, stream(handle)?);
        // SAFETY: the program promises the memory and functions of the nodes.
        unsafe { exec.launch(&stream) }.map_err(code)
    }

    /// What a launch needs is there already.
    fn cuGraphUpload | cuGraphUpload_ptsz(exec: Handle, handle: Handle) {
        device()?;
        EXECS.get(exec)?;
        super::stream::check(handle)
    }

    fn cuGraphExecUpdate(
        exec: Handle, graph: Handle, error_node: *mut Handle, result: *mut c_int,
    ) {
        let found = update(exec, graph)?;
        // SAFETY: the caller passes null or valid out pointers.
        unsafe { put_optional(error_node, found.node) };
        // SAFETY: as above.
        unsafe { put_optional(result, found.result) };
        outcome(&found)
    }

    fn cuGraphExecUpdate_v2(exec: Handle, graph: Handle, result: *mut UpdateResult) {
        let found = update(exec, graph)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(result, found) }?;
        outcome(&found)
    }

    fn cuGraphExecNodeSetParams(exec: Handle, node: Handle, params: *mut NodeParams) {
        // SAFETY: the caller's pointer.
        set(exec, node, |graph| unsafe { params::any(params, graph) })
    }

    fn cuGraphExecKernelNodeSetParams(
        exec: Handle, node: Handle, params: *const KernelNodeParamsV1,
    ) {
        // SAFETY: the caller's pointers.
        set(exec, node, |_| unsafe { params::kernel(&params::kernel_v1(&get(params)?)) })
    }

    fn cuGraphExecKernelNodeSetParams_v2(
        exec: Handle, node: Handle, params: *const KernelNodeParams,
    ) {
        // SAFETY: the caller's pointers.
        set(exec, node, |_| unsafe { params::kernel(&get(params)?) })
    }

    fn cuGraphExecMemcpyNodeSetParams(
        exec: Handle, node: Handle, params: *const Memcpy3D, context: Handle,
    ) {
        // SAFETY: the caller's pointer.
        set(exec, node, |_| params::memcpy(&unsafe { get(params) }?, context))
    }

    fn cuGraphExecMemsetNodeSetParams(
        exec: Handle, node: Handle, params: *const MemsetNodeParams, context: Handle,
    ) {
        // SAFETY: the caller's pointer.
        set(exec, node, |_| params::memset(&unsafe { get(params) }?, context))
    }

    fn cuGraphExecHostNodeSetParams(
        exec: Handle, node: Handle, params: *const HostNodeParams,
    ) {
        // SAFETY: the caller's pointer.
        set(exec, node, |_| params::host(&unsafe { get(params) }?))
    }

    fn cuGraphExecChildGraphNodeSetParams(exec: Handle, node: Handle, child: Handle) {
        set(exec, node, |_| params::child(child))
    }

    fn cuGraphExecEventRecordNodeSetEvent(exec: Handle, node: Handle, event: Handle) {
        set(exec, node, |_| params::record(event))
    }

    fn cuGraphExecEventWaitNodeSetEvent(exec: Handle, node: Handle, event: Handle) {
        set(exec, node, |_| params::wait(event))
    }

    fn cuGraphExecBatchMemOpNodeSetParams(
        exec: Handle, node: Handle, params: *const BatchMemOpNodeParams,
    ) {
        // SAFETY: the caller's pointers.
        set(exec, node, |_| unsafe { params::memory(&get(params)?) })
    }

    fn cuGraphNodeSetEnabled(exec: Handle, handle: Handle, enabled: c_uint) {
        device()?;
        let (exec, entry) = (EXECS.get(exec)?, node(handle)?);
        exec.set_enabled(entry.id, enabled != 0).map_err(code)
    }

    fn cuGraphNodeGetEnabled(exec: Handle, handle: Handle, enabled: *mut c_uint) {
        device()?;
        let (exec, entry) = (EXECS.get(exec)?, node(handle)?);
        let value = exec.is_enabled(entry.id).map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(enabled, c_uint::from(value)) }
    }

    fn cuUserObjectCreate(
        out: *mut Handle, object: *mut c_void, destroy: HostFn, count: c_uint, flags: c_uint,
    ) {
        device()?;
        /// `CU_USER_OBJECT_NO_DESTRUCTOR_SYNC`, which has to be given.
        const NO_DESTRUCTOR_SYNC: c_uint = 1;
        let function = destroy.ok_or(CUresult::INVALID_VALUE)?;
        if out.is_null() || flags != NO_DESTRUCTOR_SYNC || !(1..=c_int::MAX as u32).contains(&count) {
            return Err(CUresult::INVALID_VALUE);
        }
        USER_OBJECTS.remove_if(|entry| entry.object.strong_count() == 0);
        let made = UserObject::new(object as u64, function as usize as u64, end_user_object);
        let entry = UserEntry {
            object: Arc::downgrade(&made),
            own: Mutex::new((count, Some(made))),
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, USER_OBJECTS.insert(Arc::new(entry))) }
    }

    fn cuUserObjectRetain(object: Handle, count: c_uint) {
        device()?;
        let entry = USER_OBJECTS.get(object)?;
        let known = entry.object.upgrade().ok_or(CUresult::INVALID_VALUE)?;
        let mut own = entry.own.lock().unwrap_or_else(PoisonError::into_inner);
        if count == 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        own.0 = own.0.checked_add(count).ok_or(CUresult::INVALID_VALUE)?;
        own.1.get_or_insert(known);
        Ok(())
    }

    fn cuUserObjectRelease(object: Handle, count: c_uint) {
        device()?;
        if count == 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        release(&*USER_OBJECTS.get(object)?, count)
    }

    fn cuGraphRetainUserObject(handle: Handle, object: Handle, count: c_uint, flags: c_uint) {
        device()?;
        /// `CU_GRAPH_USER_OBJECT_MOVE`: the references are the program's.
        const MOVE: c_uint = 1;
        let (graph, entry) = (graph(handle)?, USER_OBJECTS.get(object)?);
        let known = entry.object.upgrade().ok_or(CUresult::INVALID_VALUE)?;
        if count == 0 || flags & !MOVE != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        if flags & MOVE != 0 {
            release(&entry, count)?;
        }
        graph.retain_user_object(&known, count);
        Ok(())
    }

    fn cuGraphReleaseUserObject(handle: Handle, object: Handle, count: c_uint) {
        device()?;
        let (graph, entry) = (graph(handle)?, USER_OBJECTS.get(object)?);
        let known = entry.object.upgrade().ok_or(CUresult::INVALID_VALUE)?;
        if count == 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        graph.release_user_object(&known, count).map_err(code)
    }
}
