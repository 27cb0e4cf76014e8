//! Events: points in the order of work, with the host's time.

use crate::context::Context;
use crate::device::lock;
use crate::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// A recorded event has happened, because work is complete when it is submitted. Elapsed time
/// between events is the host's, not the modelled chip's.
#[derive(Debug)]
pub struct Event {
    context: Arc<Context>,
    /// Resets of the context before it was made.
    resets: u64,
    timing: bool,
    recorded: Mutex<Option<Instant>>,
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

    /// Marks the present point.
    ///
    /// # Errors
    ///
    /// If the context is unusable.
    pub fn record(&self) -> Result<(), Error> {
        self.context.usable_since(self.resets, "event")?;
        *lock(&self.recorded) = Some(Instant::now());
        Ok(())
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
