//! Handles: what C programs hold instead of our objects.
//!
//! A handle is a number made from a kind and a serial number, never an address. A stale or
//! foreign handle is therefore found out instead of followed, and a destroyed one never
//! becomes valid again.

use crate::c::Handle;
use crate::result::CUresult;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Objects of one kind by their handle.
pub(crate) struct Registry<T> {
    /// Distinguishes handles of different kinds.
    kind: u8,
    /// Answer to a handle that is not (or no longer) known.
    unknown: CUresult,
    entries: Mutex<Entries<T>>,
}

struct Entries<T> {
    last: usize,
    objects: BTreeMap<usize, Arc<T>>,
}

/// Keeps handle values apart from null, small integers and user-space addresses of real
/// objects, so that a mix-up shows.
const TAG: usize = 0x5EF7 << 48;

impl<T> Registry<T> {
    /// An empty registry. `kind` must differ between registries.
    pub(crate) const fn new(kind: u8, unknown: CUresult) -> Self {
        Self {
            kind,
            unknown,
            entries: Mutex::new(Entries {
                last: 0,
                objects: BTreeMap::new(),
            }),
        }
    }

    /// Registers an object.
    pub(crate) fn insert(&self, object: Arc<T>) -> Handle {
        let mut entries = self.lock();
        entries.last += 1;
        let value = TAG | (usize::from(self.kind) << 40) | (entries.last << 4);
        entries.objects.insert(value, object);
        value as Handle
    }

    /// Registers an object under a number of its own, or finds it there: the same number gives the
    /// same handle. Not to be mixed with [`Self::insert`] in one registry.
    pub(crate) fn insert_as(&self, number: u64, object: impl FnOnce() -> Arc<T>) -> Handle {
        let handle = self.handle_of(number);
        self.lock()
            .objects
            .entry(handle as usize)
            .or_insert_with(object);
        handle
    }

    /// The handle that an object with this number has.
    pub(crate) fn handle_of(&self, number: u64) -> Handle {
        // Serial numbers stay far below 2^36.
        let number = usize::try_from(number).unwrap_or(usize::MAX) & ((1 << 36) - 1);
        (TAG | (usize::from(self.kind) << 40) | (number << 4)) as Handle
    }

    /// The object of a handle.
    pub(crate) fn get(&self, handle: Handle) -> Result<Arc<T>, CUresult> {
        let entries = self.lock();
        entries
            .objects
            .get(&(handle as usize))
            .cloned()
            .ok_or(self.unknown)
    }

    /// Forgets a handle and gives its object.
    pub(crate) fn remove(&self, handle: Handle) -> Result<Arc<T>, CUresult> {
        let mut entries = self.lock();
        entries
            .objects
            .remove(&(handle as usize))
            .ok_or(self.unknown)
    }

    /// The handle of the first object that satisfies the condition, in order of creation.
    pub(crate) fn find(&self, condition: impl Fn(&T) -> bool) -> Option<Handle> {
        let entries = self.lock();
        entries
            .objects
            .iter()
            .find(|(_, object)| condition(object))
            .map(|(&value, _)| value as Handle)
    }

    /// All objects, in order of their making.
    pub(crate) fn all(&self) -> Vec<Arc<T>> {
        self.lock().objects.values().cloned().collect()
    }

    /// Forgets every object that satisfies the condition.
    pub(crate) fn remove_if(&self, condition: impl Fn(&T) -> bool) {
        let removed: Vec<_> = self
            .lock()
            .objects
            .extract_if(.., |_, object| condition(object))
            .collect();
        // The end of an object may call back into this library, so it comes after the lock.
        drop(removed);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries<T>> {
        // No operation under the lock can panic halfway, so a poisoned map is still whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_handle_stays_unknown() {
        let registry = Registry::new(1, CUresult::INVALID_HANDLE);
        let first = registry.insert(Arc::new(1));
        assert_eq!(registry.get(first).as_deref(), Ok(&1));
        assert_eq!(registry.remove(first).as_deref(), Ok(&1));
        let second = registry.insert(Arc::new(2));
        assert_ne!(first, second);
        assert_eq!(registry.get(first), Err(CUresult::INVALID_HANDLE));
    }

    #[test]
    fn handles_of_other_kinds_are_unknown() {
        let streams = Registry::new(1, CUresult::INVALID_HANDLE);
        let events = Registry::new(2, CUresult::INVALID_HANDLE);
        let stream = streams.insert(Arc::new(()));
        events.insert(Arc::new(()));
        assert_eq!(events.get(stream), Err(CUresult::INVALID_HANDLE));
    }
}
