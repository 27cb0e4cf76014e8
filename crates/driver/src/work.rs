//! What a stream executes and a graph consists of.

use crate::context::Context;
use crate::copy::{Copy, Fill};
use crate::device::lock;
use crate::error::Error;
use crate::event::Event;
use crate::graph::Running;
use crate::kernel::Kernel;
use crate::launch::LaunchConfig;
use crate::stream_memory::MemoryOperation;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

/// A kernel with everything that a launch needs.
#[derive(Clone, Debug)]
pub struct KernelLaunch {
    /// The kernel.
    pub kernel: Arc<Kernel>,
    /// Shape of the launch.
    pub config: LaunchConfig,
    /// Parameter block, laid out as [`Kernel::parameters`] says.
    pub parameters: Vec<u8>,
}

/// A function of the program, to be called when its turn comes.
#[derive(Clone, Copy, Debug)]
pub struct HostCall {
    /// What the program names the function by.
    pub function: u64,
    /// What the program wants it to be called with.
    pub data: u64,
    /// Calls the function with the data.
    pub call: fn(function: u64, data: u64),
}

/// Threads that are inside a function of the program that a stream called. Streams are closed to them
/// meanwhile, as they may wait for the function.
#[derive(Debug, Default)]
pub(crate) struct HostCalls {
    /// How many there are, so that the list is looked at only if there is one.
    count: AtomicUsize,
    threads: Mutex<Vec<ThreadId>>,
}

impl HostCalls {
    /// Calls a function of the program.
    fn call(&self, function: impl FnOnce()) {
        lock(&self.threads).push(thread::current().id());
        self.count.fetch_add(1, Ordering::AcqRel);
        function();
        self.count.fetch_sub(1, Ordering::AcqRel);
        let own = thread::current().id();
        let mut threads = lock(&self.threads);
        if let Some(index) = threads.iter().rposition(|&thread| thread == own) {
            threads.swap_remove(index);
        }
    }

    /// Whether this thread is inside such a function.
    pub(crate) fn is_inside(&self) -> bool {
        self.count.load(Ordering::Acquire) != 0
            && lock(&self.threads).contains(&thread::current().id())
    }
}

/// One operation.
#[derive(Clone, Debug)]
pub enum Work {
    /// Launches a kernel.
    Kernel(KernelLaunch),
    /// Copies.
    Copy(Copy),
    /// Fills.
    Fill(Fill),
    /// Calls back into the program.
    Host(HostCall),
    /// Reads and writes words of memory in order.
    Memory(VecDeque<MemoryOperation>),
    /// Marks a point in the order of work; the number is given at submission.
    Record(Arc<Event>, u64),
    /// Waits for such a point; the number is given at submission.
    Wait(Arc<Event>, u64),
    /// Frees device memory.
    Free(u64),
    /// Launches a graph.
    Graph(Box<Running>),
}

/// How far an operation got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It is complete.
    Done,
    /// It waits for something that the program has to do.
    Blocked,
}

impl Work {
    /// Goes on with it as far as it can, as work of a stream with this number.
    ///
    /// # Errors
    ///
    /// Those of the operation.
    ///
    /// # Safety
    ///
    /// Host memory that a copy names is valid as [`Copy::run`] wants it, and functions may be called
    /// with their data.
    pub(crate) unsafe fn step(
        &mut self,
        context: &Arc<Context>,
        stream: u64,
    ) -> Result<Progress, Error> {
        let device = context.device();
        device.choose_stream(stream);
        match self {
            Self::Kernel(launch) => launch.kernel.launch(&launch.config, &launch.parameters)?,
            // SAFETY: the caller's memory.
            Self::Copy(copy) => unsafe { copy.run(context) }?,
            Self::Fill(fill) => fill.run(context)?,
            Self::Host(host) => device
                .host_calls
                .call(|| (host.call)(host.function, host.data)),
            Self::Memory(operations) => {
                while let Some(next) = operations.front() {
                    if next.step(context)? == Progress::Blocked {
                        return Ok(Progress::Blocked);
                    }
                    operations.pop_front();
                }
            }
            Self::Record(event, number) => event.record(*number, stream)?,
            Self::Wait(event, number) => {
                if !event.is_done(*number)? {
                    return Ok(Progress::Blocked);
                }
                if let Some(time) = event.chip_seconds() {
                    device.hold_stream(stream, time);
                }
            }
            Self::Free(address) => context.free_device_memory(*address)?,
            // SAFETY: the caller's memory.
            Self::Graph(running) => return unsafe { running.step(context, stream) },
        }
        Ok(Progress::Done)
    }
}
