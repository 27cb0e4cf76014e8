//! Many threads that call the library at once, rightly and wrongly.
//!
//! A fast run is a test. Longer ones, which print what they did:
//! `WEFT_STRESS_SECONDS=120 cargo test --release -p weft-cuda stress -- --nocapture`.

use super::{allocate, alone, arguments, call, kernel, null, set_up};
use crate::c::Handle;
use crate::result::CUresult;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const THREADS: u64 = 64;
/// Calls of a thread in the fast run.
const STEPS: u64 = 60;

/// A small linear congruential generator (Knuth, MMIX) is random enough to mix calls.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// What a thread made and has not destroyed, and some of what it has.
#[derive(Default)]
struct Things {
    /// Memory that stays: a kernel's fault would end the context for every thread.
    target: u64,
    memory: Vec<u64>,
    streams: Vec<Handle>,
    events: Vec<Handle>,
    graphs: Vec<Handle>,
    execs: Vec<Handle>,
}

/// One of the list, or something that is none of it.
fn any(list: &[Handle], random: &mut Random) -> Handle {
    match random.below(8) {
        0 => null(),
        1 => random.below(1 << 20) as Handle,
        _ if list.is_empty() => null(),
        _ => list[random.below(list.len())],
    }
}

fn some_address(things: &Things, random: &mut Random) -> u64 {
    match (random.below(8), things.memory.len()) {
        (0, _) | (_, 0) => random.below(1 << 30) as u64,
        (1, count) => things.memory[random.below(count)] + 8,
        (_, count) => things.memory[random.below(count)],
    }
}

/// One call. Whether it is right depends on chance.
fn step(things: &mut Things, kernel: Handle, random: &mut Random) -> CUresult {
    let mut made: Handle = null();
    let stream = any(&things.streams, random);
    let event = any(&things.events, random);
    let mut bytes = [0u8; 64];
    let host: *mut c_void = bytes.as_mut_ptr().cast();
    let keep = |result: CUresult, made: Handle, list: &mut Vec<Handle>| {
        if result == CUresult::SUCCESS {
            list.push(made);
        }
        result
    };
    match random.below(20) {
        0 => {
            let mut address = 0;
            let bytes = 8 + random.below(4096);
            let result = call!(memory::cuMemAlloc_v2(&raw mut address, bytes));
            if result == CUresult::SUCCESS {
                things.memory.push(address);
            }
            result
        }
        1 => {
            let address = some_address(things, random);
            let result = call!(memory::cuMemFree_v2(address));
            things.memory.retain(|&known| known != address);
            result
        }
        2 => {
            let result = call!(stream::cuStreamCreate(&raw mut made, 1));
            keep(result, made, &mut things.streams)
        }
        3 => {
            let gone = any(&things.streams, random);
            things.streams.retain(|&known| known != gone);
            call!(stream::cuStreamDestroy_v2(gone))
        }
        4 => {
            let flags = u32::try_from(random.below(8)).unwrap();
            let result = call!(event::cuEventCreate(&raw mut made, flags));
            keep(result, made, &mut things.events)
        }
        5 => call!(event::cuEventRecord(event, stream)),
        6 => call!(stream::cuStreamWaitEvent(stream, event, 0)),
        7 => call!(event::cuEventQuery(event)),
        8 => {
            let arguments = arguments(things.target, 1);
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
        }
        9 => call!(copy::cuMemcpyHtoDAsync_v2(
            some_address(things, random),
            host,
            8,
            stream
        )),
        10 => call!(copy::cuMemcpyDtoH_v2(host, some_address(things, random), 8)),
        11 => call!(memory::cuMemsetD8Async(
            some_address(things, random),
            1,
            8,
            stream
        )),
        12 => {
            let mode = u32::try_from(1 + random.below(3)).unwrap();
            call!(capture::cuStreamBeginCapture_v2(stream, mode))
        }
        13 => {
            let result = call!(capture::cuStreamEndCapture(stream, &raw mut made));
            keep(result, made, &mut things.graphs)
        }
        14 => {
            let graph = any(&things.graphs, random);
            let result = call!(graph_exec::cuGraphInstantiateWithFlags(
                &raw mut made,
                graph,
                0
            ));
            keep(result, made, &mut things.execs)
        }
        15 => call!(graph_exec::cuGraphLaunch(
            any(&things.execs, random),
            stream
        )),
        16 => {
            let gone = any(&things.graphs, random);
            things.graphs.retain(|&known| known != gone);
            call!(graph::cuGraphDestroy(gone))
        }
        17 => {
            let gone = any(&things.execs, random);
            things.execs.retain(|&known| known != gone);
            call!(graph_exec::cuGraphExecDestroy(gone))
        }
        18 => {
            things.events.retain(|&known| known != event);
            call!(event::cuEventDestroy_v2(event))
        }
        _ => call!(stream::cuStreamQuery(stream)),
    }
}

fn give_everything_back(things: Things) {
    for exec in things.execs {
        let _ = call!(graph_exec::cuGraphExecDestroy(exec));
    }
    for graph in things.graphs {
        let _ = call!(graph::cuGraphDestroy(graph));
    }
    for stream in things.streams {
        let _ = call!(stream::cuStreamDestroy_v2(stream));
    }
    for event in things.events {
        let _ = call!(event::cuEventDestroy_v2(event));
    }
    for address in things.memory.into_iter().chain([things.target]) {
        assert_eq!(call!(memory::cuMemFree_v2(address)), CUresult::SUCCESS);
    }
}

#[test]
fn stress_of_many_threads_leaves_the_library_whole() {
    let _alone = alone();
    set_up();
    // A handle is not sent to threads, a number is.
    let kernel = kernel() as usize;
    let free_bytes = || {
        let (mut free, mut total) = (0, 0);
        let asked = call!(memory::cuMemGetInfo_v2(&raw mut free, &raw mut total));
        assert_eq!(asked, CUresult::SUCCESS);
        free
    };
    // The kernel keeps parameter blocks, one for each launch at a time.
    let before = free_bytes();
    let seconds = std::env::var("WEFT_STRESS_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let (calls, successes) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for seed in 0..THREADS {
            let (calls, successes) = (&calls, &successes);
            scope.spawn(move || {
                set_up();
                let mut random = Random(seed);
                let mut things = Things {
                    target: allocate(64),
                    ..Things::default()
                };
                let mut number = 0;
                while end.map_or(number < STEPS, |end| Instant::now() < end) {
                    number += 1;
                    let result = step(&mut things, kernel as Handle, &mut random);
                    assert_ne!(result, CUresult::UNKNOWN, "seed {seed}, call {number}");
                    calls.fetch_add(1, Ordering::Relaxed);
                    if result == CUresult::SUCCESS {
                        successes.fetch_add(1, Ordering::Relaxed);
                    }
                }
                give_everything_back(things);
            });
        }
    });
    assert_eq!(call!(context::cuCtxSynchronize()), CUresult::SUCCESS);
    let lost = before.saturating_sub(free_bytes());
    let blocks = usize::try_from(THREADS).unwrap() * 1024;
    assert!(lost <= blocks, "{lost} bytes were not given back");
    let (calls, successes) = (calls.into_inner(), successes.into_inner());
    assert!(
        successes > calls / 10,
        "{successes} of {calls} calls did something"
    );
    #[expect(clippy::print_stderr, reason = "what a long run is made for")]
    if end.is_some() {
        eprintln!("{calls} calls of {THREADS} threads, {successes} of them successful");
    }
}
