//! `libcudart.so.12`: the functions of `weft-cudart` under the name and symbol version of
//! the CUDA 12 runtime, and those whose signature is another in other runtimes.

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

/// The location that a device number means, where -1 is the host.
const fn location(device: c_int) -> MemLocation {
    const HOST: c_uint = 2;
    const DEVICE: c_uint = 1;
    if device == -1 {
        MemLocation { kind: HOST, id: 0 }
    } else {
        MemLocation {
            kind: DEVICE,
            id: device,
        }
    }
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

/// Edges without data.
const NO_DATA: *mut c_void = std::ptr::null_mut();

versioned! {
    /// Adds edges to a graph.
    cudaGraphAddDependencies(
        graph: Handle, from: *const Handle, to: *const Handle, count: usize,
    ) = cudaGraphAddDependencies_v2(
        Handle: graph, *const Handle: from, *const Handle: to, *mut c_void: NO_DATA,
        usize: count,
    );
    /// Removes edges of a graph.
    cudaGraphRemoveDependencies(
        graph: Handle, from: *const Handle, to: *const Handle, count: usize,
    ) = cudaGraphRemoveDependencies_v2(
        Handle: graph, *const Handle: from, *const Handle: to, *mut c_void: NO_DATA,
        usize: count,
    );
    /// Lists the edges of a graph.
    cudaGraphGetEdges(
        graph: Handle, from: *mut Handle, to: *mut Handle, count: *mut usize,
    ) = cudaGraphGetEdges_v2(
        Handle: graph, *mut Handle: from, *mut Handle: to, *mut c_void: NO_DATA,
        *mut usize: count,
    );
    /// Lists the nodes that a node depends on.
    cudaGraphNodeGetDependencies(node: Handle, nodes: *mut Handle, count: *mut usize) =
        cudaGraphNodeGetDependencies_v2(
            Handle: node, *mut Handle: nodes, *mut c_void: NO_DATA, *mut usize: count,
        );
    /// Lists the nodes that depend on a node.
    cudaGraphNodeGetDependentNodes(node: Handle, nodes: *mut Handle, count: *mut usize) =
        cudaGraphNodeGetDependentNodes_v2(
            Handle: node, *mut Handle: nodes, *mut c_void: NO_DATA, *mut usize: count,
        );
    /// Adds a node of any type to a graph.
    cudaGraphAddNode(
        out: *mut Handle, graph: Handle, nodes: *const Handle, count: usize,
        params: *mut c_void,
    ) = cudaGraphAddNode_v2(
        *mut Handle: out, Handle: graph, *const Handle: nodes, *mut c_void: NO_DATA,
        usize: count, *mut c_void: params,
    );
    /// Makes a graph executable.
    cudaGraphInstantiate(exec: *mut Handle, graph: Handle, flags: u64) =
        cudaGraphInstantiateWithFlags(*mut Handle: exec, Handle: graph, u64: flags);
    /// What is known of a stream's capture, without the graph.
    cudaStreamGetCaptureInfo(stream: Handle, status: *mut c_int, id: *mut u64) =
        cudaStreamGetCaptureInfo_v3(
            Handle: stream, *mut c_int: status, *mut u64: id, *mut Handle: std::ptr::null_mut(),
            *mut *const Handle: std::ptr::null_mut(), *mut c_void: NO_DATA,
            *mut usize: std::ptr::null_mut(),
        );
    /// What is known of a stream's capture.
    cudaStreamGetCaptureInfo_v2(
        stream: Handle, status: *mut c_int, id: *mut u64, graph: *mut Handle,
        nodes: *mut *const Handle, count: *mut usize,
    ) = cudaStreamGetCaptureInfo_v3(
        Handle: stream, *mut c_int: status, *mut u64: id, *mut Handle: graph,
        *mut *const Handle: nodes, *mut c_void: NO_DATA, *mut usize: count,
    );
    /// The same where the null stream is the thread's own.
    cudaStreamGetCaptureInfo_v2_ptsz(
        stream: Handle, status: *mut c_int, id: *mut u64, graph: *mut Handle,
        nodes: *mut *const Handle, count: *mut usize,
    ) = cudaStreamGetCaptureInfo_v3_ptsz(
        Handle: stream, *mut c_int: status, *mut u64: id, *mut Handle: graph,
        *mut *const Handle: nodes, *mut c_void: NO_DATA, *mut usize: count,
    );
    /// Changes what the next captured operation comes after.
    cudaStreamUpdateCaptureDependencies(
        stream: Handle, nodes: *mut Handle, count: usize, flags: c_uint,
    ) = cudaStreamUpdateCaptureDependencies_v2(
        Handle: stream, *mut Handle: nodes, *mut c_void: NO_DATA, usize: count, c_uint: flags,
    );
    /// Advises about a range of managed memory.
    cudaMemAdvise(pointer: u64, bytes: usize, advice: c_int, device: c_int) =
        cudaMemAdvise_v2(
            u64: pointer, usize: bytes, c_int: advice, MemLocation: location(device),
        );
    /// Prefetches a range of managed memory.
    cudaMemPrefetchAsync(pointer: u64, bytes: usize, device: c_int, stream: Handle) =
        cudaMemPrefetchAsync_v2(
            u64: pointer, usize: bytes, MemLocation: location(device), c_uint: 0,
            Handle: stream,
        );
    /// Copies many ranges.
    cudaMemcpyBatchAsync(
        to: *const u64, from: *const u64, sizes: *const usize, count: usize,
        attributes: *mut c_void, indices: *mut usize, attribute_count: usize,
        failed: *mut usize, stream: Handle,
    ) = cudaMemcpyBatchAsync_v1(
        *const u64: to, *const u64: from, *const usize: sizes, usize: count,
        *mut c_void: attributes, *mut usize: indices, usize: attribute_count,
        *mut usize: failed, Handle: stream,
    );
    /// Copies many volumes.
    cudaMemcpy3DBatchAsync(
        count: usize, operations: *mut c_void, failed: *mut usize, flags: u64, stream: Handle,
    ) = cudaMemcpy3DBatchAsync_v1(
        usize: count, *mut c_void: operations, *mut usize: failed, u64: flags, Handle: stream,
    );
}
