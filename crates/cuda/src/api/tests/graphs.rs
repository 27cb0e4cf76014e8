//! Graphs and capture through the C interface: handles, structures, lists.

use super::{
    ACTIVE, GLOBAL, allocate, alone, arguments, call, kernel, null, set_up, set_word, stream, word,
};
use crate::c::{
    ChildNodeParams, ConditionalNodeParams, EdgeData, Handle, KernelNodeParams, KernelNodeParamsV1,
    MemsetNodeParams, NodeParams, UpdateResult,
};
use crate::result::CUresult;
use std::ffi::{c_uint, c_void};
use std::sync::atomic::{AtomicU32, Ordering};

const OK: CUresult = CUresult::SUCCESS;

fn graph() -> Handle {
    let mut graph: Handle = null();
    assert_eq!(call!(graph::cuGraphCreate(&raw mut graph, 0)), OK);
    graph
}

fn kernel_node(graph: Handle, kernel: Handle, target: u64, value: u32, after: &[Handle]) -> Handle {
    let arguments = arguments(target, value);
    let params = KernelNodeParamsV1 {
        func: kernel,
        grid: [1; 3],
        block: [1; 3],
        shared_bytes: 0,
        parameters: arguments.pointers.as_ptr(),
        extra: null(),
    };
    let mut node: Handle = null();
    let added = call!(graph_node::cuGraphAddKernelNode(
        &raw mut node,
        graph,
        after.as_ptr(),
        after.len(),
        &raw const params
    ));
    assert_eq!(added, OK);
    node
}

fn instantiate(graph: Handle) -> Handle {
    let mut exec: Handle = null();
    let made = call!(graph_exec::cuGraphInstantiateWithFlags(
        &raw mut exec,
        graph,
        0
    ));
    assert_eq!(made, OK);
    exec
}

fn launch(exec: Handle, stream: Handle) {
    assert_eq!(call!(graph_exec::cuGraphLaunch(exec, stream)), OK);
    assert_eq!(call!(stream::cuStreamSynchronize(stream)), OK);
}

#[test]
fn a_graph_is_built_asked_about_launched_changed_and_destroyed() {
    let _alone = alone();
    set_up();
    let (kernel, target, stream) = (kernel(), allocate(64), stream());
    set_word(target, 1);
    let graph = graph();
    let params = MemsetNodeParams {
        dst: target,
        pitch: 0,
        value: 10,
        element_size: 4,
        width: 1,
        height: 1,
    };
    let mut fill: Handle = null();
    let added = call!(graph_node::cuGraphAddMemsetNode(
        &raw mut fill,
        graph,
        null(),
        0,
        &raw const params,
        null()
    ));
    assert_eq!(added, OK);
    let add = kernel_node(graph, kernel, target, 5, &[fill]);
    let exec = instantiate(graph);
    launch(exec, stream);
    assert_eq!(word(target), 15);

    // What the program asks for comes back: counts, lists that are too long, neighbours, parameters.
    let mut count = 0;
    assert_eq!(
        call!(graph::cuGraphGetNodes(graph, null(), &raw mut count)),
        OK
    );
    assert_eq!(count, 2);
    let mut nodes: [Handle; 3] = [null::<c_void>().wrapping_add(1); 3];
    count = 3;
    assert_eq!(
        call!(graph::cuGraphGetNodes(
            graph,
            nodes.as_mut_ptr(),
            &raw mut count
        )),
        OK
    );
    assert_eq!((nodes, count), ([fill, add, null()], 2));
    let (mut from, mut to, mut edge): (Handle, Handle, EdgeData) =
        (null(), null(), EdgeData::default());
    count = 1;
    let listed = call!(graph::cuGraphGetEdges_v2(
        graph,
        &raw mut from,
        &raw mut to,
        &raw mut edge,
        &raw mut count
    ));
    assert_eq!((listed, from, to, count), (OK, fill, add, 1));
    let mut kind: c_uint = 99;
    assert_eq!(call!(graph::cuGraphNodeGetType(fill, &raw mut kind)), OK);
    assert_eq!(kind, 2);
    let mut found = KernelNodeParams {
        func: null(),
        grid: [0; 3],
        block: [0; 3],
        shared_bytes: 0,
        parameters: null(),
        extra: null(),
        kern: null(),
        ctx: null(),
    };
    assert_eq!(
        call!(graph_node::cuGraphKernelNodeGetParams_v2(
            add,
            &raw mut found
        )),
        OK
    );
    // SAFETY: the node keeps the values that the structure points to.
    let value = unsafe { found.parameters.wrapping_add(1).read() };
    // SAFETY: as above; the second parameter is a number of 32 bits.
    let value = unsafe { value.cast::<u32>().read() };
    assert_eq!((found.func, value), (kernel, 5));

    // A change of the executable graph alone, then an update from a graph of the same form.
    let arguments = arguments(target, 100);
    found.parameters = arguments.pointers.as_ptr();
    let set = call!(graph_exec::cuGraphExecKernelNodeSetParams_v2(
        exec,
        add,
        &raw const found
    ));
    assert_eq!(set, OK);
    launch(exec, stream);
    assert_eq!(word(target), 110);
    let mut result = UpdateResult {
        result: 99,
        node: null(),
        from: null(),
    };
    let updated = call!(graph_exec::cuGraphExecUpdate_v2(
        exec,
        graph,
        &raw mut result
    ));
    assert_eq!((updated, result.result), (OK, 0));
    launch(exec, stream);
    assert_eq!(word(target), 15);
    let mut empty: Handle = null();
    let added = call!(graph_node::cuGraphAddEmptyNode(
        &raw mut empty,
        graph,
        null(),
        0
    ));
    assert_eq!(added, OK);
    let updated = call!(graph_exec::cuGraphExecUpdate_v2(
        exec,
        graph,
        &raw mut result
    ));
    assert_eq!(
        (updated, result.result),
        (CUresult::GRAPH_EXEC_UPDATE_FAILURE, 2)
    );

    let mut copy: Handle = null();
    assert_eq!(call!(graph::cuGraphClone(&raw mut copy, graph)), OK);
    let mut twin: Handle = null();
    assert_eq!(
        call!(graph::cuGraphNodeFindInClone(&raw mut twin, add, copy)),
        OK
    );
    assert!(!twin.is_null() && twin != add);
    assert_eq!(call!(graph::cuGraphDestroyNode(twin)), OK);
    assert_eq!(
        call!(graph::cuGraphDestroyNode(twin)),
        CUresult::INVALID_VALUE
    );
    assert_eq!(call!(graph::cuGraphDestroy(copy)), OK);
    assert_eq!(call!(graph::cuGraphDestroy(graph)), OK);
    assert_eq!(call!(graph::cuGraphDestroy(graph)), CUresult::INVALID_VALUE);
    assert_eq!(
        call!(graph::cuGraphNodeGetType(add, &raw mut kind)),
        CUresult::INVALID_VALUE
    );
    launch(exec, stream);
    assert_eq!(call!(graph_exec::cuGraphExecDestroy(exec)), OK);
    assert_eq!(
        call!(graph_exec::cuGraphLaunch(exec, stream)),
        CUresult::INVALID_VALUE
    );
}

#[test]
fn nodes_of_every_kind_come_through_the_one_structure() {
    let _alone = alone();
    set_up();
    let (kernel, target, stream) = (kernel(), allocate(64), stream());
    set_word(target, 0);
    let inner = graph();
    kernel_node(inner, kernel, target, 3, &[]);
    let outer = graph();
    let mut params = NodeParams {
        kind: 4,
        reserved0: [0; 3],
        bytes: [0; _],
        reserved2: 0,
    };
    let child = ChildNodeParams {
        graph: inner,
        ownership: 0,
    };
    // SAFETY: the union is larger than the structure.
    unsafe {
        params
            .bytes
            .as_mut_ptr()
            .cast::<ChildNodeParams>()
            .write(child)
    };
    let mut node: Handle = null();
    let added = call!(graph_node::cuGraphAddNode_v2(
        &raw mut node,
        outer,
        null(),
        null(),
        0,
        &raw mut params
    ));
    assert_eq!(added, OK);
    let mut lent: Handle = null();
    assert_eq!(
        call!(graph::cuGraphChildGraphNodeGetGraph(node, &raw mut lent)),
        OK
    );
    assert_eq!(
        call!(graph::cuGraphDestroy(lent)),
        CUresult::INVALID_VALUE,
        "it is the node's"
    );

    // Twice, by a loop whose body lowers its value.
    let mut handle = 0u64;
    let made = call!(graph::cuGraphConditionalHandleCreate(
        &raw mut handle,
        outer,
        null(),
        2,
        1
    ));
    assert_eq!(made, OK);
    let mut params = NodeParams {
        kind: 13,
        reserved0: [0; 3],
        bytes: [0; _],
        reserved2: 0,
    };
    let repeat = ConditionalNodeParams {
        handle,
        kind: 1,
        size: 1,
        graphs: null(),
        ctx: null(),
    };
    let at = params.bytes.as_mut_ptr().cast::<ConditionalNodeParams>();
    // SAFETY: as above.
    unsafe { at.write(repeat) };
    let mut conditional: Handle = null();
    let added = call!(graph_node::cuGraphAddNode_v2(
        &raw mut conditional,
        outer,
        &raw const node,
        null(),
        1,
        &raw mut params
    ));
    assert_eq!(added, OK);
    // SAFETY: the structure of the node's type.
    let stored = unsafe { params.bytes.as_ptr().cast::<ConditionalNodeParams>().read() };
    // SAFETY: the call stored an array of one graph in it.
    let body = unsafe { stored.graphs.read() };
    kernel_node(body, kernel, handle, u32::MAX, &[]);
    kernel_node(body, kernel, target, 100, &[]);
    launch(instantiate(outer), stream);
    assert_eq!(word(target), 203);
    params.kind = 77;
    let added = call!(graph_node::cuGraphAddNode_v2(
        &raw mut node,
        outer,
        null(),
        null(),
        0,
        &raw mut params
    ));
    assert_eq!(added, CUresult::INVALID_VALUE);
    assert_eq!(call!(graph::cuGraphDestroy(outer)), OK);
}

#[test]
fn a_capture_makes_a_graph_and_says_what_it_is_doing() {
    let _alone = alone();
    set_up();
    let (kernel, target, stream) = (kernel(), allocate(64), stream());
    set_word(target, 0);
    let arguments = arguments(target, 4);
    let submit = || {
        call!(execution::cuLaunchKernel(
            kernel,
            1,
            1,
            1,
            1,
            1,
            1,
            0,
            stream,
            arguments.pointers.as_ptr(),
            null()
        ))
    };
    assert_eq!(call!(capture::cuStreamBeginCapture_v2(stream, GLOBAL)), OK);
    assert_eq!(submit(), OK);
    let (mut status, mut id, mut graph, mut count) = (99, 0, null(), 9);
    let mut nodes: *const Handle = null();
    let asked = call!(capture::cuStreamGetCaptureInfo_v2(
        stream,
        &raw mut status,
        &raw mut id,
        &raw mut graph,
        &raw mut nodes,
        &raw mut count
    ));
    assert_eq!((asked, status, count), (OK, ACTIVE, 1));
    // An allocation would wait for the device, which nothing captured may.
    let mut address = 0;
    let made = call!(memory::cuMemAlloc_v2(&raw mut address, 64));
    assert_eq!(made, CUresult::STREAM_CAPTURE_UNSUPPORTED);
    let mut ended: Handle = null::<c_void>().wrapping_add(1);
    let end = call!(capture::cuStreamEndCapture(stream, &raw mut ended));
    assert_eq!((end, ended), (CUresult::STREAM_CAPTURE_INVALIDATED, null()));

    assert_eq!(call!(capture::cuStreamBeginCapture_v2(stream, GLOBAL)), OK);
    assert_eq!((submit(), submit()), (OK, OK));
    let mut memory = 0;
    let made = call!(pool::cuMemAllocAsync(&raw mut memory, 4, stream));
    assert_eq!(made, OK);
    assert_eq!(call!(memory::cuMemsetD32Async(memory, 5, 1, stream)), OK);
    assert_eq!(
        call!(copy::cuMemcpyDtoDAsync_v2(target + 8, memory, 4, stream)),
        OK
    );
    assert_eq!(call!(pool::cuMemFreeAsync(memory, stream)), OK);
    assert_eq!(
        call!(capture::cuStreamEndCapture(stream, &raw mut ended)),
        OK
    );
    assert_eq!(word(target), 0, "nothing ran yet");
    let exec = instantiate(ended);
    launch(exec, stream);
    launch(exec, stream);
    assert_eq!((word(target), word(target + 8)), (16, 5));
    assert_eq!(call!(graph_exec::cuGraphExecDestroy(exec)), OK);
    assert_eq!(call!(graph::cuGraphDestroy(ended)), OK);
}

#[test]
fn user_objects_end_with_the_last_reference() {
    static ENDED: AtomicU32 = AtomicU32::new(0);
    unsafe extern "C" fn end(_: *mut c_void) {
        ENDED.fetch_add(1, Ordering::Relaxed);
    }
    set_up();
    let graph = graph();
    let create = |flags| {
        let mut object: Handle = null();
        let made = call!(graph_exec::cuUserObjectCreate(
            &raw mut object,
            null(),
            Some(end),
            1,
            flags
        ));
        (made, object)
    };
    assert_eq!(create(0).0, CUresult::INVALID_VALUE, "the flag is required");
    let (made, object) = create(1);
    assert_eq!(made, OK);
    // The graph takes over the program's reference, and shares it with an executable graph.
    assert_eq!(
        call!(graph_exec::cuGraphRetainUserObject(graph, object, 1, 1)),
        OK
    );
    let exec = instantiate(graph);
    assert_eq!(call!(graph::cuGraphDestroy(graph)), OK);
    assert_eq!(ENDED.load(Ordering::Relaxed), 0);
    assert_eq!(call!(graph_exec::cuGraphExecDestroy(exec)), OK);
    assert_eq!(ENDED.load(Ordering::Relaxed), 1);
    let released = call!(graph_exec::cuUserObjectRelease(object, 1));
    assert_eq!(released, CUresult::INVALID_VALUE);
}
