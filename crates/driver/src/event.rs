//! Events: points in the order of work, with the host's time, and the chip's if it is modelled.

use crate::context::Context;
use crate::device::lock;
use crate::error::{CaptureError, Error, invalid};
use crate::graph::CapturedPoint;
use crate::stream::POLL;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// When an event was recorded.
#[derive(Clone, Copy, Debug)]
struct Recorded {
    host: Instant,
    /// Modelled time in seconds.
    chip: Option<f64>,
}

/// A recorded event has happened unless its stream keeps the recording back. Elapsed time between
/// events is the modelled chip's while launches are timed, else the host's.
#[derive(Debug)]
pub struct Event {
    id: u64,
    context: Arc<Context>,
    /// Resets of the context before it was made.
    resets: u64,
    flags: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    recorded: Option<Recorded>,
    /// Number of the last recording submitted; they count from 1.
    last: u64,
    /// Recordings that did not happen yet.
    outstanding: BTreeSet<u64>,
    /// Where it was recorded, if last in a stream that is captured.
    captured: Option<CapturedPoint>,
}

/// Flags of events (`CU_EVENT_*`).
pub mod event_flag {
    /// Waiting blocks the thread; makes no difference here.
    pub const BLOCKING_SYNC: u32 = 1;
    /// It cannot measure time.
    pub const DISABLE_TIMING: u32 = 2;
}

impl Event {
    /// A new event with [`event_flag`] bits.
    ///
    /// # Errors
    ///
    /// If the context is unusable, or flags are unknown.
    pub fn new(context: &Arc<Context>, flags: u32) -> Result<Arc<Self>, Error> {
        context.usable()?;
        if flags & !(event_flag::BLOCKING_SYNC | event_flag::DISABLE_TIMING) != 0 {
            return Err(invalid(format!("event flags {flags:#x}")));
        }
        Ok(Arc::new(Self {
            id: context.device().new_id(),
            resets: context.resets(),
            context: Arc::clone(context),
            flags,
            state: Mutex::default(),
        }))
    }

    /// Serial number, unique in the process.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Its context.
    #[must_use]
    pub const fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Whether it can be used.
    ///
    /// # Errors
    ///
    /// If its context cannot be, or was reset.
    pub fn usable(&self) -> Result<(), Error> {
        self.context.usable_since(self.resets, "event")
    }

    /// Notes that a recording was submitted, and gives its number.
    pub(crate) fn begin_record(&self) -> Result<u64, Error> {
        self.usable()?;
        let mut state = lock(&self.state);
        state.last += 1;
        let number = state.last;
        state.outstanding.insert(number);
        state.captured = None;
        Ok(number)
    }

    /// Takes back a recording that cannot happen.
    pub(crate) fn end_record(&self, number: u64) {
        lock(&self.state).outstanding.remove(&number);
    }

    /// The recording happens, in a stream with that number of [`crate::Stream::id`]. A number of 0
    /// is a recording by a graph, which nobody waits for in particular.
    pub(crate) fn record(&self, number: u64, stream: u64) -> Result<(), Error> {
        self.usable()?;
        let chip = self.context.device().stream_time(stream);
        let mut state = lock(&self.state);
        state.outstanding.remove(&number);
        state.recorded = Some(Recorded {
            host: Instant::now(),
            chip,
        });
        if number == 0 {
            state.captured = None;
        }
        Ok(())
    }

    /// Number of the last recording submitted, 0 if there is none.
    pub(crate) fn last_record(&self) -> u64 {
        lock(&self.state).last
    }

    /// Whether a recording happened.
    pub(crate) fn is_done(&self, number: u64) -> Result<bool, Error> {
        self.usable()?;
        Ok(!lock(&self.state).outstanding.contains(&number))
    }

    /// Where it was recorded, if last in a stream that is captured.
    pub(crate) fn captured(&self) -> Option<CapturedPoint> {
        lock(&self.state).captured.clone()
    }

    /// Records it in a stream that is captured.
    pub(crate) fn record_captured(&self, point: CapturedPoint) {
        lock(&self.state).captured = Some(point);
    }

    /// Modelled time of the recording in seconds, if launches were timed.
    #[must_use]
    pub fn chip_seconds(&self) -> Option<f64> {
        lock(&self.state)
            .recorded
            .and_then(|recorded| recorded.chip)
    }

    /// Whether the last recording has happened. An event that was never recorded counts as happened.
    ///
    /// # Errors
    ///
    /// [`Error::NotReady`] if it has not; [`CaptureError::CapturedEvent`] if it was in a capture, which
    /// becomes invalid; the fault of an earlier kernel of the context.
    pub fn query(&self) -> Result<(), Error> {
        self.usable()?;
        if self.context.device().host_calls.is_inside() {
            return Err(Error::NotPermitted);
        }
        let point = self.captured();
        if let Some(point) = point {
            point.capture.invalidate();
            return Err(CaptureError::CapturedEvent.into());
        }
        self.context.device().progress();
        let state = lock(&self.state);
        if state.outstanding.contains(&state.last) {
            return Err(Error::NotReady);
        }
        drop(state);
        self.usable()
    }

    /// Waits until the event has happened.
    ///
    /// # Errors
    ///
    /// As [`Self::query`], which it repeats while the event is not ready.
    pub fn synchronize(&self) -> Result<(), Error> {
        loop {
            match self.query() {
                Err(Error::NotReady) => std::thread::sleep(POLL),
                other => return other,
            }
        }
    }

    /// Milliseconds from this event to a later one.
    ///
    /// # Errors
    ///
    /// [`Error::NotReady`] if one did not happen yet; if one was not recorded, was recorded in a
    /// capture, or made without timing.
    pub fn elapsed_ms(&self, end: &Self) -> Result<f32, Error> {
        let recorded = |event: &Self| {
            let state = lock(&event.state);
            let measures = event.flags & event_flag::DISABLE_TIMING == 0;
            let known = measures && state.captured.is_none();
            let outstanding = known && state.outstanding.contains(&state.last);
            (state.recorded.filter(|_| known), outstanding)
        };
        let ((start, start_outstanding), (end, end_outstanding)) = (recorded(self), recorded(end));
        if start_outstanding || end_outstanding {
            return Err(Error::NotReady);
        }
        match (start, end) {
            (Some(start), Some(end)) => {
                if let (Some(start), Some(end)) = (start.chip, end.chip) {
                    #[expect(clippy::cast_possible_truncation, reason = "what CUDA gives")]
                    return Ok(((end - start) * 1e3) as f32);
                }
                let (start, end) = (start.host, end.host);
                let forward = end.saturating_duration_since(start).as_secs_f32();
                let backward = start.saturating_duration_since(end).as_secs_f32();
                Ok((forward - backward) * 1e3)
            }
            _ => Err(Error::InvalidHandle(
                "an event that was not recorded, or has no timing".to_owned(),
            )),
        }
    }
}
