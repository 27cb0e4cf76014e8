//! Events: points in the order of work, with the host's time, and the chip's if it is modelled.

use crate::context::Context;
use crate::device::lock;
use crate::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// When an event was recorded.
#[derive(Clone, Copy, Debug)]
struct Recorded {
    host: Instant,
    /// Modelled time in seconds.
    chip: Option<f64>,
}

/// A recorded event has happened, because work is complete when it is submitted. Elapsed time
/// between events is the modelled chip's while launches are timed, else the host's.
#[derive(Debug)]
pub struct Event {
    context: Arc<Context>,
    /// Resets of the context before it was made.
    resets: u64,
    timing: bool,
    recorded: Mutex<Option<Recorded>>,
}

impl Event {
    /// A new event; without `timing` it cannot measure.
    ///
    /// # Errors
    ///
    /// If the context is unusable.
    pub fn new(context: &Arc<Context>, timing: bool) -> Result<Arc<Self>, Error> {
        context.usable()?;
        Ok(Arc::new(Self {
            resets: context.resets(),
            context: Arc::clone(context),
            timing,
            recorded: Mutex::default(),
        }))
    }

    /// Its context.
    #[must_use]
    pub const fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Marks the present point of a stream, whose number is [`crate::Stream::id`], or
    /// [`crate::DEFAULT_STREAM`].
    ///
    /// # Errors
    ///
    /// If the context is unusable.
    pub fn record(&self, stream: u64) -> Result<(), Error> {
        self.context.usable_since(self.resets, "event")?;
        *lock(&self.recorded) = Some(Recorded {
            host: Instant::now(),
            chip: self.context.device().stream_time(stream),
        });
        Ok(())
    }

    /// Modelled time of the recording in seconds, if launches were timed.
    #[must_use]
    pub fn chip_seconds(&self) -> Option<f64> {
        lock(&self.recorded).and_then(|recorded| recorded.chip)
    }

    /// Waits until the event has happened. One that was never recorded counts as happened.
    ///
    /// # Errors
    ///
    /// The fault of an earlier kernel of the context.
    pub fn synchronize(&self) -> Result<(), Error> {
        self.context.usable_since(self.resets, "event")
    }

    /// Milliseconds from this event to a later one.
    ///
    /// # Errors
    ///
    /// If one was not recorded or made without timing.
    pub fn elapsed_ms(&self, end: &Self) -> Result<f32, Error> {
        let recorded = |event: &Self| {
            event.timing.then_some(())?;
            *lock(&event.recorded)
        };
        match (recorded(self), recorded(end)) {
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
