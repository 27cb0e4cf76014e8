//! Contexts: owners of allocations, and the scope of a fault.

use crate::device::{Device, lock};
use crate::environment::Heap;
use crate::error::{CaptureError, Error, invalid};
use crate::memory::AllocationKind;
use crate::stream::POLL;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// Limits of a context that programs set with `cuCtxSetLimit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Local memory of a thread available to recursion and indirect calls, in bytes.
    StackBytes,
    /// Buffer of device `printf`, in bytes.
    PrintfBytes,
    /// Heap of device `malloc`, in bytes.
    HeapBytes,
}

/// See the module documentation. A fault of a kernel makes its context answer with that error
/// until it is destroyed or reset; other contexts go on.
#[derive(Debug)]
pub struct Context {
    id: u64,
    device: Arc<Device>,
    flags: AtomicU32,
    state: Mutex<State>,
    /// Heap of device `malloc`, made at the first use.
    heap: Mutex<Option<Heap>>,
}

#[derive(Debug)]
struct State {
    fault: Option<Error>,
    destroyed: bool,
    /// Number of resets: what was made before the last one is gone.
    resets: u64,
    limits: [u64; 3],
}

/// Stack, printf buffer and heap as CUDA starts with.
const DEFAULT_LIMITS: [u64; 3] = [1024, 1 << 20, 8 << 20];
/// Most stack a lane can have: its local window less room for the frames of the program.
const MAX_STACK_BYTES: u64 = 512 << 10;

impl Context {
    /// A new context of a device.
    pub fn new(device: &Arc<Device>, flags: u32) -> Arc<Self> {
        Arc::new(Self {
            id: device.new_id(),
            device: Arc::clone(device),
            flags: AtomicU32::new(flags),
            state: Mutex::new(State {
                fault: None,
                destroyed: false,
                resets: 0,
                limits: DEFAULT_LIMITS,
            }),
            heap: Mutex::new(None),
        })
    }

    /// Serial number, unique in the process.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Its device.
    #[must_use]
    pub const fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// Its flags, which make no difference here.
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.flags.load(Ordering::Relaxed)
    }

    /// Replaces the flags.
    pub fn set_flags(&self, flags: u32) {
        self.flags.store(flags, Ordering::Relaxed);
    }

    /// Whether work may be submitted.
    ///
    /// # Errors
    ///
    /// [`Error::ContextDestroyed`], or the fault of an earlier kernel.
    pub fn usable(&self) -> Result<(), Error> {
        let state = lock(&self.state);
        if state.destroyed {
            return Err(Error::ContextDestroyed);
        }
        state.fault.clone().map_or(Ok(()), Err)
    }

    /// Waits for all work of its streams.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Unsupported`] while a stream of the context is captured, whose capture becomes
    /// invalid; the fault of a kernel.
    pub fn synchronize(&self) -> Result<(), Error> {
        self.usable()?;
        if self.device.host_calls.is_inside() {
            return Err(Error::NotPermitted);
        }
        if self.device.captures.invalidate_of(self.id) {
            return Err(CaptureError::Unsupported.into());
        }
        self.device.progress();
        while self.device.is_busy(self.id) {
            std::thread::sleep(POLL);
            self.device.progress();
        }
        self.usable()
    }

    /// Number of resets so far, for [`Self::usable_since`].
    pub(crate) fn resets(&self) -> u64 {
        lock(&self.state).resets
    }

    /// Whether work may be submitted with an object that was made after so many resets.
    pub(crate) fn usable_since(&self, resets: u64, what: &str) -> Result<(), Error> {
        self.usable()?;
        if self.resets() != resets {
            return Err(Error::InvalidHandle(format!(
                "the context of the {what} was reset"
            )));
        }
        Ok(())
    }

    /// Records a fault, which later calls will answer with. The first one stays.
    pub(crate) fn fail(&self, fault: &Error) {
        lock(&self.state).fault.get_or_insert_with(|| fault.clone());
    }

    /// Frees what the context owns; every later use is an error. Destroying twice is one.
    pub fn destroy(&self) {
        let first = !std::mem::replace(&mut lock(&self.state).destroyed, true);
        if first {
            self.device.forget_streams_of(self.id);
            self.device.release_all_of(self.id);
        }
    }

    /// Frees what the context owns, makes its modules, streams and events invalid, and forgets
    /// a fault.
    pub(crate) fn reset(&self) {
        {
            let mut state = lock(&self.state);
            state.fault = None;
            state.resets += 1;
            state.limits = DEFAULT_LIMITS;
        }
        *lock(&self.heap) = None;
        self.device.forget_streams_of(self.id);
        self.device.release_all_of(self.id);
    }

    /// Value of a limit.
    #[must_use]
    pub fn limit(&self, limit: Limit) -> u64 {
        lock(&self.state).limits[limit as usize]
    }

    /// Sets a limit.
    ///
    /// # Errors
    ///
    /// If the device cannot give as much stack, or the heap is in use already.
    pub fn set_limit(&self, limit: Limit, value: u64) -> Result<(), Error> {
        if limit == Limit::StackBytes && value > MAX_STACK_BYTES {
            return Err(invalid(format!(
                "a stack of {value} bytes per thread; at most {MAX_STACK_BYTES} are possible"
            )));
        }
        if limit == Limit::HeapBytes && lock(&self.heap).is_some() {
            return Err(invalid(
                "the heap of the device is in use, its size is fixed",
            ));
        }
        lock(&self.state).limits[limit as usize] = value;
        Ok(())
    }

    /// Memory for a kernel's `malloc`; `None` when the heap has no room.
    pub(crate) fn allocate_from_heap(&self, bytes: u64) -> Option<u64> {
        let mut heap = lock(&self.heap);
        if heap.is_none() {
            let size = self.limit(Limit::HeapBytes);
            let address = self.allocate(size, AllocationKind::Internal, 0).ok()?;
            *heap = Some(Heap::new(address, size));
        }
        heap.as_mut()?.allocate(bytes)
    }

    /// Takes memory back from a kernel; false if none began there.
    pub(crate) fn free_to_heap(&self, address: u64) -> bool {
        lock(&self.heap)
            .as_mut()
            .is_some_and(|heap| heap.free(address))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        self.destroy();
    }
}
