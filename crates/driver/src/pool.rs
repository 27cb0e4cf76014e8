//! Pools of stream-ordered allocation: accounting over ordinary allocations.

use crate::context::Context;
use crate::device::{Device, lock};
use crate::error::Error;
use crate::memory::{Allocation, AllocationKind};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

/// A pool. Memory goes back to the device when it is freed; nothing is held in reserve.
#[derive(Debug)]
pub struct Pool {
    id: u64,
    usage: Mutex<Usage>,
}

#[derive(Debug, Default)]
struct Usage {
    release_threshold: u64,
    used: u64,
    used_high: u64,
    /// The three reuse switches, which make no difference here, as programs set them.
    reuse: [bool; 3],
}

/// Pools by number, for the accounting of what is freed.
#[derive(Debug, Default)]
pub(crate) struct Pools(Mutex<BTreeMap<u64, Weak<Pool>>>);

impl Pools {
    /// Notes that an allocation was freed.
    pub(crate) fn note_freed(&self, allocation: &Allocation) {
        if allocation.kind != AllocationKind::Device || allocation.tag == 0 {
            return;
        }
        let mut pools = lock(&self.0);
        match pools.get(&allocation.tag).map(Weak::upgrade) {
            Some(Some(pool)) => pool.note_freed(allocation.bytes),
            Some(None) => {
                pools.remove(&allocation.tag);
            }
            None => {}
        }
    }
}

impl Pool {
    /// A pool of a device.
    #[must_use]
    pub fn new(device: &Device) -> Arc<Self> {
        let new = Arc::new(Self {
            id: device.new_id(),
            usage: Mutex::new(Usage {
                reuse: [true; 3],
                ..Usage::default()
            }),
        });
        lock(&device.pools.0).insert(new.id, Arc::downgrade(&new));
        new
    }

    /// Serial number; the tag of its allocations.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Allocates from the pool.
    ///
    /// # Errors
    ///
    /// As [`Context::allocate`].
    pub fn allocate(&self, context: &Context, bytes: u64) -> Result<u64, Error> {
        let address = context.allocate(bytes, AllocationKind::Device, self.id)?;
        let mut usage = lock(&self.usage);
        usage.used += bytes;
        usage.used_high = usage.used_high.max(usage.used);
        Ok(address)
    }

    fn note_freed(&self, bytes: u64) {
        let mut usage = lock(&self.usage);
        usage.used = usage.used.saturating_sub(bytes);
    }

    /// Value of a `CU_MEMPOOL_ATTR_*` number: 1 to 3 the reuse switches (0 or 1), 4 the release
    /// threshold, 5 and 6 bytes reserved now and at most, 7 and 8 bytes used now and at most.
    #[must_use]
    pub fn attribute(&self, number: i32) -> Option<u64> {
        let usage = lock(&self.usage);
        Some(match number {
            1 => u64::from(usage.reuse[0]),
            2 => u64::from(usage.reuse[1]),
            3 => u64::from(usage.reuse[2]),
            4 => usage.release_threshold,
            5 | 7 => usage.used,
            6 | 8 => usage.used_high,
            _ => return None,
        })
    }

    /// Sets an attribute; the high-water marks 6 and 8 can only be set to 0.
    ///
    /// # Errors
    ///
    /// If the attribute or the value is not allowed.
    pub fn set_attribute(&self, number: i32, value: u64) -> Result<(), Error> {
        let mut usage = lock(&self.usage);
        match (number, value) {
            (1, _) => usage.reuse[0] = value != 0,
            (2, _) => usage.reuse[1] = value != 0,
            (3, _) => usage.reuse[2] = value != 0,
            (4, _) => usage.release_threshold = value,
            (6 | 8, 0) => usage.used_high = usage.used,
            _ => {
                return Err(Error::InvalidValue(format!(
                    "pool attribute {number} cannot be set to {value}"
                )));
            }
        }
        Ok(())
    }
}
