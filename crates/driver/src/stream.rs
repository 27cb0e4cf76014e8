//! Streams: work in order.
//!
//! Work is complete when its submission returns (see the crate documentation), unless it waits for
//! something that the program has to do: then it and all that follows it in the stream is kept, and
//! goes on whenever the program asks for anything ([`Device::progress`]).
//!
//! [`Device::progress`]: crate::Device::progress

use crate::context::Context;
use crate::device::lock;
use crate::error::{CaptureError, Error, invalid};
use crate::graph::{Participation, captured};
use crate::timeline::DEFAULT_STREAM;
use crate::work::{Progress, Work};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Lowest and highest priority: numbers as CUDA orders them, lower is more urgent.
pub const PRIORITY_RANGE: (i32, i32) = (0, -5);

/// Flag of a stream that does not wait for the default stream, nor that one for it.
pub const NON_BLOCKING: u32 = 1;

/// How long waiting for the program sleeps between two looks.
pub(crate) const POLL: Duration = Duration::from_micros(50);

/// What a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// Made by the program.
    Created,
    /// The default stream of a context, which other streams wait for and that waits for them.
    Legacy,
    /// The default stream of a thread.
    PerThread,
}

/// An operation, and what it comes after besides the one before it in its stream: a number of
/// operations of other streams.
#[derive(Debug)]
struct Pending {
    work: Work,
    after: Vec<(Arc<Stream>, u64)>,
}

/// See the module documentation.
#[derive(Debug)]
pub struct Stream {
    id: u64,
    kind: StreamKind,
    context: Arc<Context>,
    /// Resets of the context before it was made.
    resets: u64,
    flags: u32,
    priority: i32,
    destroyed: AtomicBool,
    /// Attributes that make no difference here, as the program set them: values by number.
    attributes: Mutex<BTreeMap<u32, [u64; 8]>>,
    /// Work that is kept back.
    pending: Mutex<VecDeque<Pending>>,
    /// Operations submitted and done so far.
    submitted: AtomicU64,
    done: AtomicU64,
    /// Its part in a capture.
    pub(crate) capture: Mutex<Option<Participation>>,
}

impl Stream {
    /// A new stream. The priority is clamped to the device's range, as CUDA does.
    ///
    /// # Errors
    ///
    /// If the context is unusable, or flags are unknown.
    pub fn new(context: &Arc<Context>, flags: u32, priority: i32) -> Result<Arc<Self>, Error> {
        if flags & !NON_BLOCKING != 0 {
            return Err(invalid(format!("stream flags {flags:#x}")));
        }
        Self::of_kind(context, StreamKind::Created, flags, priority)
    }

    /// A default stream of a context.
    ///
    /// # Errors
    ///
    /// If the context is unusable.
    pub fn default_of(context: &Arc<Context>, kind: StreamKind) -> Result<Arc<Self>, Error> {
        Self::of_kind(context, kind, 0, 0)
    }

    fn of_kind(
        context: &Arc<Context>,
        kind: StreamKind,
        flags: u32,
        priority: i32,
    ) -> Result<Arc<Self>, Error> {
        context.usable()?;
        let new = Arc::new(Self {
            id: match kind {
                StreamKind::Legacy => DEFAULT_STREAM,
                StreamKind::Created | StreamKind::PerThread => context.device().new_id(),
            },
            kind,
            resets: context.resets(),
            context: Arc::clone(context),
            flags,
            priority: priority.clamp(PRIORITY_RANGE.1, PRIORITY_RANGE.0),
            destroyed: AtomicBool::new(false),
            attributes: Mutex::default(),
            pending: Mutex::default(),
            submitted: AtomicU64::new(0),
            done: AtomicU64::new(0),
            capture: Mutex::default(),
        });
        Ok(new)
    }

    /// Serial number, unique in the process; [`DEFAULT_STREAM`] for the legacy default streams.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> StreamKind {
        self.kind
    }

    /// Its context.
    #[must_use]
    pub const fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Flags it was made with.
    #[must_use]
    pub const fn flags(&self) -> u32 {
        self.flags
    }

    /// Its priority.
    #[must_use]
    pub const fn priority(&self) -> i32 {
        self.priority
    }

    /// An attribute that the program set, by its number.
    #[must_use]
    pub fn attribute(&self, number: u32) -> Option<[u64; 8]> {
        lock(&self.attributes).get(&number).copied()
    }

    /// Keeps an attribute that makes no difference here.
    pub fn set_attribute(&self, number: u32, value: [u64; 8]) {
        lock(&self.attributes).insert(number, value);
    }

    /// Takes over all attributes of another stream.
    pub fn copy_attributes(&self, from: &Self) {
        let attributes = lock(&from.attributes).clone();
        *lock(&self.attributes) = attributes;
    }

    /// Whether it can be used.
    ///
    /// # Errors
    ///
    /// The fault of an earlier kernel of the context, or a destroyed stream or context.
    pub fn usable(&self) -> Result<(), Error> {
        if self.context.device().host_calls.is_inside() {
            return Err(Error::NotPermitted);
        }
        if self.destroyed.load(Ordering::Acquire) {
            return Err(Error::InvalidHandle("the stream is destroyed".to_owned()));
        }
        self.context.usable_since(self.resets, "stream")
    }

    /// Whether its context was destroyed or reset.
    pub(crate) fn is_stale(&self) -> bool {
        self.context.resets() != self.resets || self.destroyed.load(Ordering::Acquire)
    }

    /// Submits an operation: it becomes a node of a graph if the stream is captured, else it is
    /// executed, now or when what it waits for has happened.
    ///
    /// # Errors
    ///
    /// Those of the operation, as far as it is executed now, or of the capture.
    ///
    /// # Safety
    ///
    /// Until the work is done, host memory that a copy names is valid for it, and functions may be
    /// called with their data; for captured work, until the last launch of a graph made of it.
    pub unsafe fn submit(self: &Arc<Self>, work: Work) -> Result<(), Error> {
        // SAFETY: the caller's promise.
        unsafe { self.submit_with(work, false) }
    }

    /// [`Self::submit`] of a recording or a wait that is a node of its own when the stream is
    /// captured, and acts on the world outside the graph.
    ///
    /// # Errors
    ///
    /// As [`Self::submit`].
    ///
    /// # Safety
    ///
    /// As [`Self::submit`].
    pub unsafe fn submit_external(self: &Arc<Self>, work: Work) -> Result<(), Error> {
        // SAFETY: the caller's promise.
        unsafe { self.submit_with(work, true) }
    }

    unsafe fn submit_with(self: &Arc<Self>, work: Work, external: bool) -> Result<(), Error> {
        self.usable()?;
        let Some(mut work) = captured(self, work, external)? else {
            return Ok(());
        };
        let device = self.context.device();
        device.progress();
        let after = device.before(self);
        let mut pending = lock(&self.pending);
        match &mut work {
            Work::Record(event, number) => *number = event.begin_record()?,
            Work::Wait(event, number) => *number = event.last_record(),
            _ => {}
        }
        self.submitted.fetch_add(1, Ordering::AcqRel);
        pending.push_back(Pending { work, after });
        let outcome = self.run_pending(&mut pending);
        if !pending.is_empty() {
            device.keep_back(self);
        }
        outcome
    }

    /// Executes kept work as far as possible.
    fn run_pending(&self, pending: &mut VecDeque<Pending>) -> Result<(), Error> {
        while let Some(next) = pending.front_mut() {
            next.after
                .retain(|(stream, count)| stream.done.load(Ordering::Acquire) < *count);
            if !next.after.is_empty() {
                return Ok(());
            }
            // SAFETY: what was submitted stays valid until it is done.
            let outcome = unsafe { next.work.step(&self.context, self.id) };
            if outcome == Ok(Progress::Blocked) {
                return Ok(());
            }
            if let (Err(_), Work::Record(event, number)) = (&outcome, &next.work) {
                event.end_record(*number);
            }
            pending.pop_front();
            self.done.fetch_add(1, Ordering::AcqRel);
            outcome?;
        }
        Ok(())
    }

    /// Goes on with work that was kept back; true if some is left. Errors are those of faults, which
    /// the context remembers.
    pub(crate) fn progress(&self) -> bool {
        // When another thread holds the lock, that one goes on with it.
        if let Ok(mut pending) = self.pending.try_lock() {
            while self.run_pending(&mut pending).is_err() {}
        }
        self.is_busy()
    }

    /// Whether work is kept back.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.done.load(Ordering::Acquire) < self.submitted.load(Ordering::Acquire)
    }

    /// What an operation of `other` that is submitted now has to wait for in this stream, because
    /// one of them is the default stream.
    pub(crate) fn comes_before(&self, other: &Self) -> Option<u64> {
        let blocking = |stream: &Self| stream.flags & NON_BLOCKING == 0;
        let ordered = self.id != other.id
            && self.context.id() == other.context.id()
            && (self.kind == StreamKind::Legacy && blocking(other)
                || other.kind == StreamKind::Legacy && blocking(self));
        (ordered && self.is_busy()).then(|| self.submitted.load(Ordering::Acquire))
    }

    /// Whether the work submitted is done.
    ///
    /// # Errors
    ///
    /// [`Error::NotReady`] if it is not; those of [`Self::usable`]; [`CaptureError::Unsupported`] for
    /// a stream that is captured, whose capture becomes invalid.
    pub fn query(&self) -> Result<(), Error> {
        self.usable()?;
        self.refuse_captured()?;
        self.context.device().progress();
        if self.is_busy() {
            return Err(Error::NotReady);
        }
        self.context.usable()
    }

    /// Waits for the work submitted.
    ///
    /// # Errors
    ///
    /// As [`Self::query`], which it repeats while the work is not ready.
    pub fn synchronize(&self) -> Result<(), Error> {
        loop {
            match self.query() {
                Err(Error::NotReady) => std::thread::sleep(POLL),
                Ok(()) => {
                    self.context.device().wait_for_stream(Some(self.id));
                    return Ok(());
                }
                error => return error,
            }
        }
    }

    fn refuse_captured(&self) -> Result<(), Error> {
        match &*lock(&self.capture) {
            Some(part) => {
                part.capture.invalidate();
                Err(CaptureError::Unsupported.into())
            }
            None => Ok(()),
        }
    }

    /// Ends the stream. Work that is kept back is still done; a capture that began in it becomes
    /// invalid.
    ///
    /// # Errors
    ///
    /// If it has ended already.
    pub fn destroy(&self) -> Result<(), Error> {
        if self.destroyed.swap(true, Ordering::AcqRel) {
            return Err(Error::InvalidHandle("the stream is destroyed".to_owned()));
        }
        let part = lock(&self.capture).take();
        if let Some(part) = part {
            part.capture.leave(self, part.dependencies);
        }
        Ok(())
    }
}
