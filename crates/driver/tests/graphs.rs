//! Graphs, stream capture, waiting streams and virtual memory, through the public interface.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use weft_driver::{
    AllocationKind, CaptureError, CaptureMode, Condition, Conditional, ConditionalKind, Config,
    Context, Copy, Device, DotDetail, Error, Event, ExecGraph, Fill, GRANULARITY, Graph,
    GraphAllocation, HostCall, Kernel, KernelLaunch, LaunchConfig, MemoryOperation, Module,
    ModuleImage, NodeKind, Place, Protection, Stream, StreamKind, UpdateError, Work,
    instantiate_flag,
};

const PTX: &str = "
.version 8.0
.target sm_80
.address_size 64
.visible .entry add(.param .u64 target, .param .u32 value)
{
    .reg .u64 %rd<3>; .reg .u32 %r<4>;
    ld.param.u64 %rd1, [target];
    ld.param.u32 %r1, [value];
    ld.global.u32 %r2, [%rd1];
    add.u32 %r3, %r2, %r1;
    st.global.u32 [%rd1], %r3;
    ret;
}
.visible .entry triple(.param .u64 target)
{
    .reg .u64 %rd<3>; .reg .u32 %r<4>;
    ld.param.u64 %rd1, [target];
    ld.global.u32 %r2, [%rd1];
    mul.lo.u32 %r3, %r2, 3;
    st.global.u32 [%rd1], %r3;
    ret;
}";

struct Rig {
    device: Arc<Device>,
    context: Arc<Context>,
    stream: Arc<Stream>,
    add: Arc<Kernel>,
    triple: Arc<Kernel>,
    target: u64,
}

fn rig() -> Rig {
    let device = Device::new(Config::default()).unwrap();
    let context = Context::new(&device, 0);
    let module = Module::load(&context, ModuleImage::Ptx(PTX.as_bytes())).unwrap();
    let target = context.allocate(64, AllocationKind::Device, 0).unwrap();
    let new = Rig {
        stream: Stream::new(&context, 0, 0).unwrap(),
        add: module.kernel("add").unwrap(),
        triple: module.kernel("triple").unwrap(),
        device,
        context,
        target,
    };
    new.set(0);
    new
}

impl Rig {
    fn set(&self, value: u32) {
        self.device
            .write(self.target, &value.to_le_bytes())
            .unwrap();
    }

    fn value(&self) -> u32 {
        let mut bytes = [0; 4];
        self.device.read(self.target, &mut bytes).unwrap();
        u32::from_le_bytes(bytes)
    }

    fn launch(kernel: &Arc<Kernel>, parameters: &[u8]) -> Work {
        let config = LaunchConfig {
            grid: [1; 3],
            block: [1, 1, 1],
            shared_bytes: 0,
            cooperative: false,
        };
        Work::Kernel(KernelLaunch {
            kernel: Arc::clone(kernel),
            config,
            parameters: parameters.to_vec(),
        })
    }

    fn adding(&self, value: u32) -> Work {
        let parameters = [&self.target.to_le_bytes()[..], &value.to_le_bytes()].concat();
        Self::launch(&self.add, &parameters)
    }

    fn tripling(&self) -> Work {
        Self::launch(&self.triple, &self.target.to_le_bytes())
    }

    fn node(&self, graph: &Graph, work: Work, after: &[u64]) -> u64 {
        graph
            .add(&self.context, NodeKind::Work(work), after)
            .unwrap()
    }

    fn run(&self, exec: &Arc<ExecGraph>) -> Result<(), Error> {
        // SAFETY: nodes name device memory and functions of this test only.
        unsafe { exec.launch(&self.stream) }?;
        self.stream.synchronize()
    }

    fn submit(&self, stream: &Arc<Stream>, work: Work) -> Result<(), Error> {
        // SAFETY: as above.
        unsafe { stream.submit(work) }
    }
}

#[test]
fn edges_decide_the_order_not_the_making() {
    let rig = rig();
    let graph = Graph::new(&rig.device);
    let triple = rig.node(&graph, rig.tripling(), &[]);
    let add = rig.node(&graph, rig.adding(5), &[]);
    graph.add_edges(&[(add, triple)]).unwrap();
    assert_eq!(graph.roots(), [add]);
    let exec = ExecGraph::new(&graph, 0).unwrap();
    rig.run(&exec).unwrap();
    assert_eq!(rig.value(), 15);
    rig.run(&exec).unwrap();
    assert_eq!(rig.value(), 60);

    graph.remove_edges(&[(add, triple)]).unwrap();
    graph.add_edges(&[(triple, add)]).unwrap();
    rig.set(1);
    rig.run(&ExecGraph::new(&graph, 0).unwrap()).unwrap();
    assert_eq!(rig.value(), 8);

    assert!(graph.add_edges(&[(triple, add)]).is_err(), "an edge twice");
    assert!(graph.add_edges(&[(add, add)]).is_err(), "an edge to itself");
    graph.add_edges(&[(add, triple)]).unwrap();
    assert!(ExecGraph::new(&graph, 0).is_err(), "a circle");
    assert!(
        graph
            .add(&rig.context, NodeKind::Empty, &[add, add])
            .is_err()
    );
    assert!(
        graph
            .add(&rig.context, NodeKind::Empty, &[1 << 40])
            .is_err()
    );
}

#[test]
fn copies_of_graphs_are_apart_and_know_their_origin() {
    let rig = rig();
    let graph = Graph::new(&rig.device);
    let add = rig.node(&graph, rig.adding(1), &[]);
    let copy = graph.duplicate().unwrap();
    let parent = Graph::new(&rig.device);
    parent
        .add(&rig.context, NodeKind::Child(copy), &[])
        .unwrap();
    graph.set(add, NodeKind::Work(rig.adding(100))).unwrap();
    rig.run(&ExecGraph::new(&parent, 0).unwrap()).unwrap();
    assert_eq!(rig.value(), 1);

    let again = parent.duplicate().unwrap();
    let (_, inner) = again
        .find_copy_of(parent.inner_graphs()[0].node_ids()[0])
        .unwrap();
    assert_eq!(inner.unwrap().id(), again.inner_graphs()[0].id());
    graph.remove(add).unwrap();
    assert!(graph.node(add).is_err());
    assert!(graph.to_dot(DotDetail::default()).starts_with("digraph"));
}

#[test]
fn executable_graphs_are_changed_in_place() {
    let rig = rig();
    let graph = Graph::new(&rig.device);
    let add = rig.node(&graph, rig.adding(1), &[]);
    let triple = rig.node(&graph, rig.tripling(), &[add]);
    let exec = ExecGraph::new(&graph, 0).unwrap();
    exec.set(add, &NodeKind::Work(rig.adding(10))).unwrap();
    exec.set_enabled(triple, false).unwrap();
    assert!(!exec.is_enabled(triple).unwrap());
    rig.run(&exec).unwrap();
    assert_eq!(rig.value(), 10);
    assert!(exec.set(add, &NodeKind::Empty).is_err(), "another type");
    assert!(exec.set(12345, &NodeKind::Empty).is_err(), "no node");

    let same = Graph::new(&rig.device);
    let first = rig.node(&same, rig.adding(2), &[]);
    rig.node(&same, rig.tripling(), &[first]);
    exec.set_enabled(triple, true).unwrap();
    exec.update(&same).unwrap();
    rig.set(0);
    rig.run(&exec).unwrap();
    assert_eq!(rig.value(), 6);

    let apart = Graph::new(&rig.device);
    rig.node(&apart, rig.adding(2), &[]);
    let node = rig.node(&apart, rig.tripling(), &[]);
    let failure = exec.update(&apart).unwrap_err();
    assert_eq!(
        (failure.error, failure.node),
        (UpdateError::TopologyChanged, Some(node))
    );
    let longer = same.duplicate().unwrap();
    longer.add(&rig.context, NodeKind::Empty, &[]).unwrap();
    assert_eq!(exec.update(&longer).unwrap_err().node, None);
    let other = Graph::new(&rig.device);
    let first = other.add(&rig.context, NodeKind::Empty, &[]).unwrap();
    rig.node(&other, rig.tripling(), &[first]);
    assert_eq!(
        exec.update(&other).unwrap_err().error,
        UpdateError::NodeTypeChanged
    );
}

#[test]
fn fills_copies_host_functions_and_events_are_nodes() {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let rig = rig();
    let graph = Graph::new(&rig.device);
    let fill = Fill {
        address: rig.target,
        pitch: 0,
        value: 7,
        element_bytes: 4,
        width: 1,
        height: 1,
    };
    let fill = rig.node(&graph, Work::Fill(fill), &[]);
    let copied = Copy::linear(Place::Device(rig.target + 8), Place::Device(rig.target), 4);
    let copy = rig.node(&graph, Work::Copy(copied), &[fill]);
    let host = HostCall {
        function: 0,
        data: 5,
        call: |_, data| {
            CALLS.fetch_add(data, Ordering::Relaxed);
        },
    };
    let host = rig.node(&graph, Work::Host(host), &[copy]);
    let event = Event::new(&rig.context, 0).unwrap();
    let record = rig.node(&graph, Work::Record(Arc::clone(&event), 0), &[host]);
    rig.node(&graph, Work::Wait(event, 0), &[record]);
    let exec = ExecGraph::new(&graph, 0).unwrap();
    rig.run(&exec).unwrap();
    rig.run(&exec).unwrap();
    let mut bytes = [0; 4];
    rig.device.read(rig.target + 8, &mut bytes).unwrap();
    assert_eq!((bytes, CALLS.load(Ordering::Relaxed)), ([7, 0, 0, 0], 10));
}

#[test]
fn memory_of_graphs_lives_from_launch_to_free() {
    let rig = rig();
    let graph = Graph::new(&rig.device);
    let memory = GraphAllocation::new(&rig.context, &graph, 1000).unwrap();
    let address = memory.address();
    graph
        .add(&rig.context, NodeKind::Allocate(memory), &[])
        .unwrap();
    assert!(
        rig.device.allocation_of(address).is_none(),
        "nothing ran yet"
    );
    let exec = ExecGraph::new(&graph, 0).unwrap();
    assert!(
        ExecGraph::new(&graph, 0).is_err(),
        "one executable graph at a time"
    );
    rig.run(&exec).unwrap();
    assert!(rig.device.allocation_of(address).is_some());
    assert!(rig.run(&exec).is_err(), "not freed");
    rig.context.free_device_memory(address).unwrap();
    rig.run(&exec).unwrap();
    rig.context.free_device_memory(address).unwrap();
    drop(exec);

    let exec = ExecGraph::new(&graph, instantiate_flag::AUTO_FREE_ON_LAUNCH).unwrap();
    rig.run(&exec).unwrap();
    rig.run(&exec).unwrap();
    assert_eq!(rig.device.graph_memory_use().used, 1000);
    assert!(graph.duplicate().is_err());
    assert!(graph.remove(graph.node_ids()[0]).is_err());
    rig.context.free_device_memory(address).unwrap();
    assert_eq!(rig.device.graph_memory_use().used, 0);
    drop((exec, graph));
    assert_eq!(rig.device.graph_memory_use().reserved, 0);

    let graph = Graph::new(&rig.device);
    let memory = GraphAllocation::new(&rig.context, &graph, 64).unwrap();
    let address = memory.address();
    let made = graph
        .add(&rig.context, NodeKind::Allocate(memory), &[])
        .unwrap();
    graph
        .add(&rig.context, NodeKind::Free(address), &[made])
        .unwrap();
    let twice = graph.add(&rig.context, NodeKind::Free(address), &[made]);
    assert!(matches!(twice, Err(Error::InvalidValue(_))));
    let foreign = graph.add(&rig.context, NodeKind::Free(rig.target), &[]);
    assert!(matches!(foreign, Err(Error::InvalidValue(_))));
    let exec = ExecGraph::new(&graph, 0).unwrap();
    rig.run(&exec).unwrap();
    rig.run(&exec).unwrap();
}

#[test]
fn conditional_nodes_decide_by_their_value() {
    let rig = rig();
    let graph = Graph::new(&rig.device);
    let handle = graph.add_condition(&rig.context, 1, true).unwrap();
    let either = Conditional::new(&graph, handle, ConditionalKind::If, 2).unwrap();
    rig.node(&either.bodies()[0], rig.adding(1), &[]);
    rig.node(&either.bodies()[1], rig.adding(100), &[]);
    graph
        .add(&rig.context, NodeKind::Conditional(either), &[])
        .unwrap();
    rig.run(&ExecGraph::new(&graph, 0).unwrap()).unwrap();
    assert_eq!(rig.value(), 1);

    // A loop whose body is executed while the value, which the body lowers, is not 0.
    let graph = Graph::new(&rig.device);
    let handle = graph.add_condition(&rig.context, 3, true).unwrap();
    let repeat = Conditional::new(&graph, handle, ConditionalKind::While, 1).unwrap();
    let body = &repeat.bodies()[0];
    let parameters = [&handle.to_le_bytes()[..], &u32::MAX.to_le_bytes()].concat();
    let lower = Rig::launch(&rig.add, &parameters);
    rig.node(body, lower, &[]);
    rig.node(body, rig.adding(10), &[]);
    graph
        .add(&rig.context, NodeKind::Conditional(repeat), &[])
        .unwrap();
    rig.set(0);
    let exec = ExecGraph::new(&graph, 0).unwrap();
    rig.run(&exec).unwrap();
    assert_eq!(rig.value(), 30);
    rig.run(&exec).unwrap();
    assert_eq!(rig.value(), 60);
    assert!(Conditional::new(&graph, rig.target, ConditionalKind::If, 1).is_err());
    assert!(Conditional::new(&graph, handle, ConditionalKind::While, 2).is_err());
}

#[test]
fn a_fork_that_is_joined_is_captured_whole() {
    let rig = rig();
    let side = Stream::new(&rig.context, 0, 0).unwrap();
    let [forked, joined] = [0; 2].map(|_| Event::new(&rig.context, 0).unwrap());
    let stream = &rig.stream;
    stream.begin_capture(CaptureMode::Global, None).unwrap();
    rig.submit(stream, rig.adding(1)).unwrap();
    rig.submit(stream, Work::Record(Arc::clone(&forked), 0))
        .unwrap();
    rig.submit(&side, Work::Wait(Arc::clone(&forked), 0))
        .unwrap();
    rig.submit(&side, rig.tripling()).unwrap();
    rig.submit(&side, Work::Record(Arc::clone(&joined), 0))
        .unwrap();
    rig.submit(stream, Work::Wait(Arc::clone(&joined), 0))
        .unwrap();
    rig.submit(stream, rig.adding(2)).unwrap();
    assert_eq!(rig.value(), 0, "nothing is executed");
    assert!(side.capture_info().unwrap().is_some());
    let graph = stream.end_capture().unwrap();
    assert!(side.capture_info().unwrap().is_none());
    assert_eq!((graph.node_ids().len(), graph.edges().len()), (3, 3));
    rig.run(&ExecGraph::new(&graph, 0).unwrap()).unwrap();
    assert_eq!(rig.value(), 5);
}

#[test]
fn what_a_capture_does_not_allow_makes_it_invalid() {
    let rig = rig();
    let stream = &rig.stream;
    let is = |result: Result<(), Error>, error: CaptureError| {
        assert_eq!(result, Err(Error::Capture(error)));
    };
    let default = rig.device.default_stream(&rig.context).unwrap();
    is(
        default.begin_capture(CaptureMode::Global, None),
        CaptureError::Unsupported,
    );

    // Waiting for a stream that is captured.
    stream.begin_capture(CaptureMode::Global, None).unwrap();
    let again = stream.begin_capture(CaptureMode::Global, None);
    assert!(matches!(again, Err(Error::IllegalState(_))));
    is(stream.synchronize(), CaptureError::Unsupported);
    is(rig.submit(stream, rig.adding(1)), CaptureError::Invalidated);
    is(stream.end_capture().map(|_| ()), CaptureError::Invalidated);
    assert!(matches!(stream.end_capture(), Err(Error::IllegalState(_))));
    rig.submit(stream, rig.adding(1)).unwrap();
    assert_eq!(rig.value(), 1, "the stream executes again");

    // The default stream would wait for it.
    stream.begin_capture(CaptureMode::Global, None).unwrap();
    is(rig.submit(&default, rig.adding(1)), CaptureError::Implicit);
    is(stream.end_capture().map(|_| ()), CaptureError::Invalidated);

    // An event from outside, an event inside that is asked for, a stream that is left out.
    let event = Event::new(&rig.context, 0).unwrap();
    stream.begin_capture(CaptureMode::Relaxed, None).unwrap();
    is(
        rig.submit(stream, Work::Wait(Arc::clone(&event), 0)),
        CaptureError::Isolation,
    );
    is(stream.end_capture().map(|_| ()), CaptureError::Invalidated);
    stream.begin_capture(CaptureMode::Relaxed, None).unwrap();
    rig.submit(stream, Work::Record(Arc::clone(&event), 0))
        .unwrap();
    is(event.query(), CaptureError::CapturedEvent);
    is(stream.end_capture().map(|_| ()), CaptureError::Invalidated);

    let side = Stream::new(&rig.context, 0, 0).unwrap();
    stream.begin_capture(CaptureMode::Relaxed, None).unwrap();
    rig.submit(stream, Work::Record(Arc::clone(&event), 0))
        .unwrap();
    rig.submit(&side, Work::Wait(Arc::clone(&event), 0))
        .unwrap();
    rig.submit(&side, rig.adding(1)).unwrap();
    is(side.end_capture().map(|_| ()), CaptureError::Unmatched);
    is(stream.end_capture().map(|_| ()), CaptureError::Unjoined);

    // A stream that is destroyed: what it did has to be joined as if it were there.
    for joined in [false, true] {
        let side = Stream::new(&rig.context, 0, 0).unwrap();
        stream.begin_capture(CaptureMode::Relaxed, None).unwrap();
        rig.submit(stream, Work::Record(Arc::clone(&event), 0))
            .unwrap();
        rig.submit(&side, Work::Wait(Arc::clone(&event), 0))
            .unwrap();
        rig.submit(&side, rig.adding(1)).unwrap();
        if joined {
            rig.submit(&side, Work::Record(Arc::clone(&event), 0))
                .unwrap();
            rig.submit(stream, Work::Wait(Arc::clone(&event), 0))
                .unwrap();
        }
        side.destroy().unwrap();
        drop(side);
        match stream.end_capture() {
            Ok(graph) => assert!(joined && graph.node_ids().len() == 1),
            error => is(error.map(|_| ()), CaptureError::Unjoined),
        }
    }

    // Calls that could break it, by the mode of capture and thread.
    for (mode, thread, allowed) in [
        (CaptureMode::Global, CaptureMode::Global, false),
        (CaptureMode::Global, CaptureMode::Relaxed, true),
        (CaptureMode::Relaxed, CaptureMode::Global, true),
    ] {
        stream.begin_capture(mode, None).unwrap();
        assert_eq!(rig.device.check_unsafe_call(thread).is_ok(), allowed);
        assert_eq!(stream.end_capture().is_ok(), allowed);
    }
    stream
        .begin_capture(CaptureMode::ThreadLocal, None)
        .unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| rig.device.check_unsafe_call(CaptureMode::Global).unwrap());
        let ended = scope
            .spawn(|| stream.end_capture().map(|_| ()))
            .join()
            .unwrap();
        is(ended, CaptureError::WrongThread);
    });
    is(stream.end_capture().map(|_| ()), CaptureError::Invalidated);
}

#[test]
fn a_stream_that_waits_keeps_its_work_back_and_others_go_on() {
    let rig = rig();
    let word = rig.target + 32;
    rig.device.write(word, &[0; 8]).unwrap();
    let wait = MemoryOperation::Wait {
        address: word,
        value: 2,
        bytes: 4,
        condition: Condition::GreaterOrEqual,
    };
    let waiting = Stream::new(&rig.context, 1, 0).unwrap();
    let event = Event::new(&rig.context, 0).unwrap();
    rig.submit(&waiting, Work::Memory([wait].into())).unwrap();
    rig.submit(&waiting, rig.adding(1)).unwrap();
    rig.submit(&waiting, Work::Record(Arc::clone(&event), 0))
        .unwrap();
    assert_eq!(
        (waiting.query(), event.query()),
        (Err(Error::NotReady), Err(Error::NotReady))
    );
    assert_eq!(rig.value(), 0);

    // Another stream goes on, a third waits for the event.
    let third = Stream::new(&rig.context, 1, 0).unwrap();
    rig.submit(&third, Work::Wait(Arc::clone(&event), 0))
        .unwrap();
    rig.submit(&third, rig.tripling()).unwrap();
    rig.submit(&rig.stream, rig.adding(10)).unwrap();
    assert_eq!(rig.value(), 10);
    let write = MemoryOperation::Write {
        address: word,
        value: 2,
        bytes: 4,
    };
    rig.submit(&rig.stream, Work::Memory([write].into()))
        .unwrap();
    third.synchronize().unwrap();
    assert_eq!(rig.value(), 33);
    event.synchronize().unwrap();
    assert!(!waiting.is_busy());
    // The host can write the word too, and another thread can wait meanwhile.
    rig.device.write(word, &[0; 8]).unwrap();
    rig.submit(&waiting, Work::Memory([wait].into())).unwrap();
    std::thread::scope(|scope| {
        let waited = scope.spawn(|| waiting.synchronize());
        rig.device.write(word, &[9, 0, 0, 0]).unwrap();
        waited.join().unwrap().unwrap();
    });
}

#[test]
fn the_default_stream_waits_for_blocking_streams_and_they_for_it() {
    let rig = rig();
    let word = rig.target + 32;
    rig.device.write(word, &[0; 8]).unwrap();
    let wait = MemoryOperation::Wait {
        address: word,
        value: 1,
        bytes: 8,
        condition: Condition::Equal,
    };
    let default = rig.device.default_stream(&rig.context).unwrap();
    let free = Stream::new(&rig.context, 1, 0).unwrap();
    let own = Stream::default_of(&rig.context, StreamKind::PerThread).unwrap();
    rig.submit(&rig.stream, Work::Memory([wait].into()))
        .unwrap();
    rig.submit(&default, rig.adding(1)).unwrap();
    rig.submit(&own, rig.tripling()).unwrap();
    assert_eq!(rig.value(), 0);
    rig.submit(&free, rig.adding(100)).unwrap();
    assert_eq!(rig.value(), 100, "it does not wait for the default stream");
    rig.device.write(word, &[1, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    rig.context.synchronize().unwrap();
    assert_eq!(rig.value(), 303);
}

#[test]
fn a_function_that_a_stream_calls_cannot_use_streams() {
    static SEEN: Mutex<Option<Result<(), Error>>> = Mutex::new(None);
    static STREAM: Mutex<Option<Arc<Stream>>> = Mutex::new(None);
    let rig = rig();
    *STREAM.lock().unwrap() = Some(Arc::clone(&rig.stream));
    let host = HostCall {
        function: 0,
        data: 0,
        call: |_, _| {
            let stream = STREAM.lock().unwrap().clone().unwrap();
            *SEEN.lock().unwrap() = Some(stream.synchronize());
        },
    };
    rig.submit(&rig.stream, Work::Host(host)).unwrap();
    assert_eq!(*SEEN.lock().unwrap(), Some(Err(Error::NotPermitted)));
    rig.stream.synchronize().unwrap();
    *STREAM.lock().unwrap() = None;
}

#[test]
fn physical_memory_can_be_at_two_addresses_and_ends_when_unmapped() {
    let rig = rig();
    let device = &rig.device;
    // The kernel takes memory for its parameters at its first launch, and keeps it.
    rig.submit(&rig.stream, rig.adding(0)).unwrap();
    let free = device.free_memory();
    let base = device.reserve_addresses(3 * GRANULARITY, 0).unwrap();
    let memory = device.create_physical(GRANULARITY, true, 0).unwrap();
    assert_eq!(device.free_memory(), free - GRANULARITY);
    for place in [0, 1] {
        let address = base + place * GRANULARITY;
        device
            .map_physical(address, GRANULARITY, &memory, 0)
            .unwrap();
        assert!(device.write(address, &[1]).is_err(), "no access yet");
    }
    device
        .set_access(base, 2 * GRANULARITY, Protection::ReadWrite)
        .unwrap();
    device.write(base + 100, &[42]).unwrap();
    let mut byte = [0];
    device.read(base + GRANULARITY + 100, &mut byte).unwrap();
    assert_eq!(byte, [42]);
    // A copy may cross from one mapping into its neighbour.
    device.write(base + GRANULARITY - 2, &[1, 2, 3, 4]).unwrap();
    device.read(base, &mut byte).unwrap();
    assert_eq!(byte, [3]);

    let imported = {
        use std::os::fd::AsRawFd as _;
        let descriptor = memory.export().unwrap();
        device.import_physical(descriptor.as_raw_fd()).unwrap()
    };
    let third = base + 2 * GRANULARITY;
    device
        .map_physical(third, GRANULARITY, &imported, 0)
        .unwrap();
    device
        .set_access(third, GRANULARITY, Protection::Read)
        .unwrap();
    device.read(third + 100, &mut byte).unwrap();
    assert_eq!(byte, [42]);

    // A kernel uses it like any other memory, and only as far as access goes.
    let parameters = [&(base + 200).to_le_bytes()[..], &5u32.to_le_bytes()].concat();
    rig.submit(&rig.stream, Rig::launch(&rig.add, &parameters))
        .unwrap();
    device.read(third + 200, &mut byte).unwrap();
    assert_eq!(byte, [5]);

    assert!(device.unmap_physical(base, GRANULARITY / 2).is_err());
    assert!(
        device.release_addresses(base, 3 * GRANULARITY).is_err(),
        "in use"
    );
    device.unmap_physical(base, 3 * GRANULARITY).unwrap();
    assert!(device.read(base, &mut byte).is_err());
    assert!(device.release_addresses(base, GRANULARITY).is_err());
    device.release_addresses(base, 3 * GRANULARITY).unwrap();
    drop((memory, imported));
    assert_eq!(device.free_memory(), free);
    assert!(device.create_physical(1, true, 0).is_err());
    assert!(device.reserve_addresses(GRANULARITY, 3).is_err());
    assert!(device.import_physical(-1).is_err());
}
