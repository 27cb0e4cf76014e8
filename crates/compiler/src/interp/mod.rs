//! The meaning of the IR, executed: the first oracle for everything the compiler makes.
//!
//! Every thread is a context of its own, so there is no divergence analysis and no mask that
//! could be wrong in the same way as in the back end. CTAs run one after the other; the warps
//! of a CTA take turns, each running its threads until they exit or wait, or for a slice of time
//! if that is long. Threads wait at warp instructions for the members named, at barriers for the
//! CTA. [`Op::ActiveMask`] waits until every other thread of the warp has had its slice, so that
//! it sees the most threads it may.
//!
//! Promises: the same launch gives the same result on every host; a launch ends within its step
//! limit; bad accesses, faults and deadlocks are errors with the thread and the PTX line.
//! Approximations are computed in double and rounded, closer than the PTX manual asks, so results
//! of [`Op::Approx`] may differ from the chip's in the last bits.
//!
//! [`Op::Approx`]: crate::ir::Op::Approx
//! [`Op::ActiveMask`]: crate::ir::Op::ActiveMask

mod eval;
mod float;
mod matrix;
mod memory;
mod thread;
mod warp;

use crate::ir::Unit;
use weft_isa::abi::{FaultCode, LANES, Service};

pub use eval::evaluate;
pub use memory::DeviceMemory;

use thread::{State, Thread};

/// A grid to run.
#[derive(Clone, Debug)]
pub struct Launch<'a> {
    /// CTAs in x, y and z.
    pub grid: [u32; 3],
    /// Threads of a CTA in x, y and z: 1024 in all at most.
    pub block: [u32; 3],
    /// Kernel parameter block.
    pub params: &'a [u8],
    /// Dynamic shared memory in bytes.
    pub shared_dynamic_bytes: u32,
    /// Address of each symbol of the unit, in order.
    pub symbols: &'a [u64],
    /// The most instructions that all threads together may execute.
    pub steps_max: u64,
}

/// Why a launch did not end well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Grid, block, parameters or symbols do not fit the unit.
    #[error("invalid launch: {0}")]
    Launch(&'static str),
    /// A thread did what it must not.
    #[error("{function}, PTX line {line}, CTA {cta:?}, thread {thread}: {fault}")]
    Fault {
        /// Function it was in.
        function: String,
        /// PTX line; 0 when unknown.
        line: u32,
        /// CTA in x, y and z.
        cta: [u32; 3],
        /// Linear index of the thread in its CTA.
        thread: u32,
        /// What happened.
        #[source]
        fault: Fault,
    },
    /// Threads wait for others that will never come.
    #[error("deadlock in CTA {cta:?}: {waiting} threads wait")]
    Deadlock {
        /// CTA in x, y and z.
        cta: [u32; 3],
        /// How many threads wait.
        waiting: usize,
    },
    /// The launch executed more instructions than it may.
    #[error("the launch exceeds its limit of steps")]
    StepLimit,
}

/// What a thread must not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An access outside every allocation and window.
    #[error("access of {bytes} bytes at {address:#x} is out of bounds")]
    OutOfBounds {
        /// Generic address.
        address: u64,
        /// Size of the access.
        bytes: u32,
    },
    /// An access that is not naturally aligned.
    #[error("access of {bytes} bytes at {address:#x} is misaligned")]
    Misaligned {
        /// Generic address.
        address: u64,
        /// Size of the access.
        bytes: u32,
    },
    /// The program ended the launch.
    #[error("fault {0:?}")]
    Code(FaultCode),
    /// The program asked for a service, which nobody provides here.
    #[error("no environment serves {0:?}")]
    Environment(Service),
}

/// What a launch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Instructions executed by all threads.
    pub steps: u64,
}

/// Runs a grid.
///
/// # Errors
///
/// The first error in order of execution. Memory keeps what was written before it.
pub fn run(
    unit: &Unit,
    launch: &Launch<'_>,
    memory: &mut DeviceMemory,
) -> Result<Statistics, Error> {
    let threads = product(launch.block).filter(|&threads| (1..=1024).contains(&threads));
    let Some(threads) = threads else {
        return Err(Error::Launch("a CTA has 1 to 1024 threads"));
    };
    if unit.functions.is_empty() {
        return Err(Error::Launch("the unit has no kernel"));
    }
    if launch.params.len() < unit.param_bytes as usize {
        return Err(Error::Launch("the parameter block is too short"));
    }
    if launch.symbols.len() < unit.symbols.len() {
        return Err(Error::Launch("a symbol has no address"));
    }
    let mut steps = Steps {
        done: 0,
        limit: launch.steps_max,
    };
    let [width, height, depth] = launch.grid;
    for z in 0..depth {
        for y in 0..height {
            for x in 0..width {
                Cta::new(unit, launch, [x, y, z], threads).run(memory, &mut steps)?;
            }
        }
    }
    Ok(Statistics { steps: steps.done })
}

fn product([x, y, z]: [u32; 3]) -> Option<u32> {
    x.checked_mul(y)?.checked_mul(z)
}

/// Instructions executed and allowed.
#[derive(Debug)]
struct Steps {
    done: u64,
    limit: u64,
}

/// Instructions that a thread executes before others have their turn, so that one may wait for
/// another by looking at memory again and again.
const THREAD_SLICE: u64 = 10_000;

/// A CTA being run.
struct Cta<'a> {
    unit: &'a Unit,
    launch: &'a Launch<'a>,
    index: [u32; 3],
    threads: Vec<Thread>,
    shared: Vec<u8>,
    /// Threads that have arrived at each barrier without waiting.
    arrived: [u32; weft_isa::abi::BARRIERS_PER_CTA],
    /// Bytes of the last access to the parameter block, which nothing can change.
    param_copy: [u8; 8],
}

impl<'a> Cta<'a> {
    fn new(unit: &'a Unit, launch: &'a Launch<'a>, index: [u32; 3], threads: u32) -> Self {
        let shared = unit.shared_dynamic_offset as usize + launch.shared_dynamic_bytes as usize;
        Self {
            unit,
            launch,
            index,
            threads: (0..threads)
                .map(|thread| Thread::new(unit, thread))
                .collect(),
            shared: vec![0; shared.max(unit.shared_static_bytes as usize)],
            arrived: [0; weft_isa::abi::BARRIERS_PER_CTA],
            param_copy: [0; 8],
        }
    }

    fn run(mut self, memory: &mut DeviceMemory, steps: &mut Steps) -> Result<(), Error> {
        let warps = self.threads.len().div_ceil(LANES);
        loop {
            for warp in 0..warps {
                self.run_warp(warp, memory, steps)?;
            }
            if self
                .threads
                .iter()
                .all(|thread| thread.state == State::Exited)
            {
                return Ok(());
            }
            let runs = |thread: &Thread| thread.state == State::Running;
            if !self.release_barriers() && !self.threads.iter().any(runs) {
                let waiting = self
                    .threads
                    .iter()
                    .filter(|t| t.state != State::Exited)
                    .count();
                return Err(Error::Deadlock {
                    cta: self.index,
                    waiting,
                });
            }
        }
    }

    /// Runs a warp until every thread has exited or waits at a barrier of the CTA, for members
    /// that do not come, or has had its turn.
    fn run_warp(
        &mut self,
        warp: usize,
        memory: &mut DeviceMemory,
        steps: &mut Steps,
    ) -> Result<(), Error> {
        let first = warp * LANES;
        let last = self.threads.len().min(first + LANES);
        loop {
            for index in first..last {
                let slice_end = steps.done.saturating_add(THREAD_SLICE);
                while self.threads[index].state == State::Running && steps.done < slice_end {
                    if steps.done >= steps.limit {
                        return Err(Error::StepLimit);
                    }
                    steps.done += 1;
                    self.step(index, memory)
                        .map_err(|fault| self.located(index, fault))?;
                }
            }
            let progress = warp::exchange(self.unit, &mut self.threads[first..last])
                .map_err(|(lane, fault)| self.located(first + lane, fault))?;
            if !progress {
                return Ok(());
            }
        }
    }

    fn located(&self, thread: usize, fault: Fault) -> Error {
        let (function, line) = self.threads[thread].place(self.unit);
        Error::Fault {
            function,
            line,
            cta: self.index,
            thread: u32::try_from(thread).unwrap_or(u32::MAX),
            fault,
        }
    }

    /// Lets the threads of every complete barrier go on; false if there is none.
    fn release_barriers(&mut self) -> bool {
        let mut released = false;
        for id in 0..self.arrived.len() {
            let waiting: Vec<usize> = (0..self.threads.len())
                .filter(|&index| self.threads[index].barrier().is_some_and(|at| at.id == id))
                .collect();
            let Some(&first) = waiting.first() else {
                continue;
            };
            let expected = self.threads[first].barrier().and_then(|at| at.threads);
            let complete = match expected {
                // Exited threads do not count.
                None => {
                    let live = self
                        .threads
                        .iter()
                        .filter(|t| t.state != State::Exited)
                        .count();
                    waiting.len() + self.arrived[id] as usize >= live
                }
                Some(threads) => self.present(&waiting) + self.arrived[id] >= threads,
            };
            if !complete {
                continue;
            }
            let count = waiting
                .iter()
                .filter(|&&index| self.threads[index].barrier().is_some_and(|at| at.pred))
                .count();
            for index in waiting {
                self.threads[index].pass_barrier(self.unit, count as u64);
            }
            self.arrived[id] = 0;
            released = true;
        }
        released
    }

    /// How many threads the waiting ones stand for: a whole warp counts as 32 even if it was
    /// launched with fewer or some have exited.
    fn present(&self, waiting: &[usize]) -> u32 {
        let mut total = 0;
        for (warp, threads) in self.threads.chunks(LANES).enumerate() {
            let here = waiting
                .iter()
                .filter(|&&index| index / LANES == warp)
                .count();
            let live = threads
                .iter()
                .filter(|thread| thread.state != State::Exited)
                .count();
            let counted = if here > 0 && here == live {
                LANES
            } else {
                here
            };
            total += u32::try_from(counted).unwrap_or(u32::MAX);
        }
        total
    }
}
