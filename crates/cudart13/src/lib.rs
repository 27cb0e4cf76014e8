//! `libcudart.so.13`: the functions of `weft-cudart` under the name and symbol version of
//! the CUDA 13 runtime, and those whose signature is another in other runtimes.

pub use weft_cudart::api;

use std::ffi::{c_int, c_uint, c_void};

type Handle = *mut c_void;

/// `cudaMemLocation`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MemLocation {
    kind: c_uint,
    id: c_int,
}

/// Declares exported functions that call one of `weft-cudart`.
macro_rules! versioned {
    ($($(#[$meta:meta])* $name:ident($($arg:ident: $ty:ty),* $(,)?) =
        $target:ident($($target_ty:ty: $value:expr),* $(,)?);)*) => {$(
        $(#[$meta])*
        ///
        /// # Safety
        ///
        /// The contract is that of the CUDA Runtime API reference.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $ty),*) -> c_int {
            unsafe extern "C" {
                fn $target($(_: $target_ty),*) -> c_int;
            }
            // SAFETY: the function has the contract of this one.
            unsafe { $target($($value),*) }
        }
    )*};
}

versioned! {
    /// Adds edges to a graph.
    cudaGraphAddDependencies(
        graph: Handle, from: *const Handle, to: *const Handle, data: *const c_void, count: usize,
    ) = cudaGraphAddDependencies_v2(
        Handle: graph, *const Handle: from, *const Handle: to, *const c_void: data, usize: count,
    );
    /// Removes edges of a graph.
    cudaGraphRemoveDependencies(
        graph: Handle, from: *const Handle, to: *const Handle, data: *const c_void, count: usize,
    ) = cudaGraphRemoveDependencies_v2(
        Handle: graph, *const Handle: from, *const Handle: to, *const c_void: data, usize: count,
    );
    /// Lists the edges of a graph.
    cudaGraphGetEdges(
        graph: Handle, from: *mut Handle, to: *mut Handle, data: *mut c_void, count: *mut usize,
    ) = cudaGraphGetEdges_v2(
        Handle: graph, *mut Handle: from, *mut Handle: to, *mut c_void: data, *mut usize: count,
    );
    /// Lists the nodes that a node depends on.
    cudaGraphNodeGetDependencies(
        node: Handle, nodes: *mut Handle, data: *mut c_void, count: *mut usize,
    ) = cudaGraphNodeGetDependencies_v2(
        Handle: node, *mut Handle: nodes, *mut c_void: data, *mut usize: count,
    );
    /// Lists the nodes that depend on a node.
    cudaGraphNodeGetDependentNodes(
        node: Handle, nodes: *mut Handle, data: *mut c_void, count: *mut usize,
    ) = cudaGraphNodeGetDependentNodes_v2(
        Handle: node, *mut Handle: nodes, *mut c_void: data, *mut usize: count,
    );
    /// Adds a node of any type to a graph.
    cudaGraphAddNode(
        out: *mut Handle, graph: Handle, nodes: *const Handle, data: *const c_void, count: usize,
        params: *mut c_void,
    ) = cudaGraphAddNode_v2(
        *mut Handle: out, Handle: graph, *const Handle: nodes, *const c_void: data, usize: count,
        *mut c_void: params,
    );
    /// Makes a graph executable.
    cudaGraphInstantiate(exec: *mut Handle, graph: Handle, flags: u64) =
        cudaGraphInstantiateWithFlags(*mut Handle: exec, Handle: graph, u64: flags);
    /// What is known of a stream's capture.
    cudaStreamGetCaptureInfo(
        stream: Handle, status: *mut c_int, id: *mut u64, graph: *mut Handle,
        nodes: *mut *const Handle, data: *mut *const c_void, count: *mut usize,
    ) = cudaStreamGetCaptureInfo_v3(
        Handle: stream, *mut c_int: status, *mut u64: id, *mut Handle: graph,
        *mut *const Handle: nodes, *mut *const c_void: data, *mut usize: count,
    );
    /// The same where the null stream is the thread's own.
    cudaStreamGetCaptureInfo_ptsz(
        stream: Handle, status: *mut c_int, id: *mut u64, graph: *mut Handle,
        nodes: *mut *const Handle, data: *mut *const c_void, count: *mut usize,
    ) = cudaStreamGetCaptureInfo_v3_ptsz(
        Handle: stream, *mut c_int: status, *mut u64: id, *mut Handle: graph,
        *mut *const Handle: nodes, *mut *const c_void: data, *mut usize: count,
    );
    /// Changes what the next captured operation comes after.
    cudaStreamUpdateCaptureDependencies(
        stream: Handle, nodes: *mut Handle, data: *const c_void, count: usize, flags: c_uint,
    ) = cudaStreamUpdateCaptureDependencies_v2(
        Handle: stream, *mut Handle: nodes, *const c_void: data, usize: count, c_uint: flags,
    );
    /// Advises about a range of managed memory.
    cudaMemAdvise(pointer: u64, bytes: usize, advice: c_int, location: MemLocation) =
        cudaMemAdvise_v2(u64: pointer, usize: bytes, c_int: advice, MemLocation: location);
    /// Prefetches a range of managed memory.
    cudaMemPrefetchAsync(
        pointer: u64, bytes: usize, location: MemLocation, flags: c_uint, stream: Handle,
    ) = cudaMemPrefetchAsync_v2(
        u64: pointer, usize: bytes, MemLocation: location, c_uint: flags, Handle: stream,
    );
    /// Copies many ranges.
    cudaMemcpyBatchAsync(
        to: *const u64, from: *const u64, sizes: *const usize, count: usize,
        attributes: *mut c_void, indices: *mut usize, attribute_count: usize, stream: Handle,
    ) = cudaMemcpyBatchAsync_v2(
        *const u64: to, *const u64: from, *const usize: sizes, usize: count,
        *mut c_void: attributes, *mut usize: indices, usize: attribute_count, Handle: stream,
    );
    /// Copies many volumes.
    cudaMemcpy3DBatchAsync(count: usize, operations: *mut c_void, flags: u64, stream: Handle) =
        cudaMemcpy3DBatchAsync_v2(
            usize: count, *mut c_void: operations, u64: flags, Handle: stream,
        );
}
