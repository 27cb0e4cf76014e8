//! Streams. Work is complete when its submission returns (see the crate documentation), so a
//! stream is an identity with properties and never has anything pending.

use crate::context::Context;
use crate::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lowest and highest priority: numbers as CUDA orders them, lower is more urgent.
pub const PRIORITY_RANGE: (i32, i32) = (0, -5);

/// See the module documentation.
#[derive(Debug)]
pub struct Stream {
    id: u64,
    context: Arc<Context>,
    /// Resets of the context before it was made.
    resets: u64,
    flags: u32,
    priority: i32,
    destroyed: AtomicBool,
}

impl Stream {
    /// A new stream. The priority is clamped to the device's range, as CUDA does.
    ///
    /// # Errors
    ///
    /// If the context is unusable.
    pub fn new(context: &Arc<Context>, flags: u32, priority: i32) -> Result<Arc<Self>, Error> {
        context.usable()?;
        Ok(Arc::new(Self {
            id: context.device().new_id(),
            resets: context.resets(),
            context: Arc::clone(context),
            flags,
            priority: priority.clamp(PRIORITY_RANGE.1, PRIORITY_RANGE.0),
            destroyed: AtomicBool::new(false),
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

    /// Waits for the work submitted. Also the answer to "is it done".
    ///
    /// # Errors
    ///
    /// The fault of an earlier kernel of the context, or a destroyed stream or context.
    pub fn synchronize(&self) -> Result<(), Error> {
        if self.destroyed.load(Ordering::Acquire) {
            return Err(Error::InvalidHandle("the stream is destroyed".to_owned()));
        }
        self.context.usable_since(self.resets, "stream")
    }

    /// Ends the stream.
    ///
    /// # Errors
    ///
    /// If it has ended already.
    pub fn destroy(&self) -> Result<(), Error> {
        if self.destroyed.swap(true, Ordering::AcqRel) {
            return Err(Error::InvalidHandle("the stream is destroyed".to_owned()));
        }
        Ok(())
    }
}
