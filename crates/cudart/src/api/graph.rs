//! Graphs, executable graphs, and objects that graphs keep alive.

use super::forward;
use crate::c::Handle;
use crate::driver::HostFn;
use std::ffi::{c_char, c_int, c_uint, c_void};

forward! {
    cudaGraphCreate = cuGraphCreate(graph: *mut Handle, flags: c_uint);
    cudaGraphDestroy = cuGraphDestroy(graph: Handle);
    cudaGraphClone = cuGraphClone(out: *mut Handle, original: Handle);
    cudaGraphGetId = cuGraphGetId(graph: Handle, id: *mut c_uint);
    cudaGraphGetNodes = cuGraphGetNodes(graph: Handle, nodes: *mut Handle, count: *mut usize);
    cudaGraphGetRootNodes =
        cuGraphGetRootNodes(graph: Handle, nodes: *mut Handle, count: *mut usize);
    cudaGraphGetEdges_v2 = cuGraphGetEdges_v2(
        graph: Handle, from: *mut Handle, to: *mut Handle, data: *mut c_void, count: *mut usize
    );
    cudaGraphAddDependencies_v2 = cuGraphAddDependencies_v2(
        graph: Handle, from: *const Handle, to: *const Handle, data: *const c_void, count: usize
    );
    cudaGraphRemoveDependencies_v2 = cuGraphRemoveDependencies_v2(
        graph: Handle, from: *const Handle, to: *const Handle, data: *const c_void, count: usize
    );
    cudaGraphNodeGetDependencies_v2 = cuGraphNodeGetDependencies_v2(
        node: Handle, nodes: *mut Handle, data: *mut c_void, count: *mut usize
    );
    cudaGraphNodeGetDependentNodes_v2 = cuGraphNodeGetDependentNodes_v2(
        node: Handle, nodes: *mut Handle, data: *mut c_void, count: *mut usize
    );
    cudaGraphNodeGetType = cuGraphNodeGetType(node: Handle, kind: *mut c_uint);
    cudaGraphNodeFindInClone =
        cuGraphNodeFindInClone(out: *mut Handle, original: Handle, copy: Handle);
    cudaGraphNodeGetContainingGraph = cuGraphNodeGetContainingGraph(node: Handle, out: *mut Handle);
    cudaGraphNodeGetLocalId = cuGraphNodeGetLocalId(node: Handle, id: *mut c_uint);
    cudaGraphNodeGetToolsId = cuGraphNodeGetToolsId(node: Handle, id: *mut u64);
    cudaGraphDestroyNode = cuGraphDestroyNode(node: Handle);
    cudaGraphDebugDotPrint =
        cuGraphDebugDotPrint(graph: Handle, path: *const c_char, flags: c_uint);
    cudaGraphInstantiateWithFlags =
        cuGraphInstantiateWithFlags(exec: *mut Handle, graph: Handle, flags: u64);
    cudaGraphInstantiateWithParams | cudaGraphInstantiateWithParams_ptsz =
        cuGraphInstantiateWithParams(exec: *mut Handle, graph: Handle, params: *mut c_void);
    cudaGraphExecDestroy = cuGraphExecDestroy(exec: Handle);
    cudaGraphExecGetFlags = cuGraphExecGetFlags(exec: Handle, flags: *mut u64);
    cudaGraphExecGetId = cuGraphExecGetId(exec: Handle, id: *mut c_uint);
    cudaGraphExecUpdate = cuGraphExecUpdate_v2(exec: Handle, graph: Handle, result: *mut c_void);
    cudaGraphLaunch | cudaGraphLaunch_ptsz = cuGraphLaunch(exec: Handle, stream: Handle);
    cudaGraphUpload | cudaGraphUpload_ptsz = cuGraphUpload(exec: Handle, stream: Handle);
    cudaGraphNodeSetEnabled =
        cuGraphNodeSetEnabled(exec: Handle, node: Handle, enabled: c_uint);
    cudaGraphNodeGetEnabled =
        cuGraphNodeGetEnabled(exec: Handle, node: Handle, enabled: *mut c_uint);
    cudaUserObjectCreate = cuUserObjectCreate(
        out: *mut Handle, object: *mut c_void, destroy: HostFn, count: c_uint, flags: c_uint
    );
    cudaUserObjectRetain = cuUserObjectRetain(object: Handle, count: c_uint);
    cudaUserObjectRelease = cuUserObjectRelease(object: Handle, count: c_uint);
    cudaGraphRetainUserObject = cuGraphRetainUserObject(
        graph: Handle, object: Handle, count: c_uint, flags: c_uint
    );
    cudaGraphReleaseUserObject =
        cuGraphReleaseUserObject(graph: Handle, object: Handle, count: c_uint);
    cudaGraphConditionalHandleCreate_v2 = cuGraphConditionalHandleCreate(
        out: *mut u64, graph: Handle, context: Handle, default: c_uint, flags: c_uint
    );
    cudaDeviceGetGraphMemAttribute =
        cuDeviceGetGraphMemAttribute(device: c_int, attribute: c_uint, value: *mut c_void);
    cudaDeviceSetGraphMemAttribute =
        cuDeviceSetGraphMemAttribute(device: c_int, attribute: c_uint, value: *mut c_void);
    cudaDeviceGraphMemTrim = cuDeviceGraphMemTrim(device: c_int);
}
