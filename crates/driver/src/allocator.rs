//! Which parts of a range of addresses are in use: a best-fit allocator with coalescing.
//!
//! It knows addresses only; the memory behind them is the chip's. Deterministic: among equally
//! good places the lowest is taken.

use std::collections::{BTreeMap, BTreeSet};

/// Every allocation begins at a multiple of this many bytes, as CUDA promises.
pub(crate) const ALIGNMENT: u64 = 256;
/// Bytes left free after every allocation, so that an index one past the end (or a few) meets
/// no neighbour and is found out.
const GUARD: u64 = 512;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct Allocator {
    /// Free extents: bytes by address.
    free: BTreeMap<u64, u64>,
    /// The same as (bytes, address), for the best fit.
    by_size: BTreeSet<(u64, u64)>,
    /// Extents in use, guards included: bytes by address.
    used: BTreeMap<u64, u64>,
    free_bytes: u64,
    /// Extents begin and end at multiples of this many bytes.
    granularity: u64,
    /// Bytes left free after every allocation.
    guard: u64,
}

impl Allocator {
    /// All of `base .. base + bytes` free.
    pub(crate) fn new(base: u64, bytes: u64) -> Self {
        Self::with_granularity(base, bytes, ALIGNMENT, GUARD)
    }

    /// The same with another granularity, a power of two, and another guard, both in bytes.
    pub(crate) fn with_granularity(base: u64, bytes: u64, granularity: u64, guard: u64) -> Self {
        let start = base.next_multiple_of(granularity);
        let bytes = bytes.saturating_sub(start - base) / granularity * granularity;
        let mut new = Self {
            free: BTreeMap::new(),
            by_size: BTreeSet::new(),
            used: BTreeMap::new(),
            free_bytes: bytes,
            granularity,
            guard,
        };
        if bytes != 0 {
            new.add_free(start, bytes);
        }
        new
    }

    /// Bytes not in use.
    pub(crate) fn free_bytes(&self) -> u64 {
        self.free_bytes
    }

    /// Takes room for `bytes` (at least 1) at a multiple of `alignment`, a power of two, and of
    /// the granularity; `None` when no free extent is large enough.
    pub(crate) fn allocate(&mut self, bytes: u64, alignment: u64) -> Option<u64> {
        let extent = bytes
            .max(1)
            .checked_add(self.guard)?
            .checked_next_multiple_of(self.granularity)?;
        let alignment = alignment.max(self.granularity);
        let fit = |&(found, begin): &(u64, u64)| {
            let address = begin.next_multiple_of(alignment);
            let rest = found.checked_sub(address - begin)?.checked_sub(extent)?;
            Some((begin, found, address, rest))
        };
        let (begin, found, address, rest) = self.by_size.range((extent, 0)..).find_map(fit)?;
        self.remove_free(begin, found);
        if address > begin {
            self.add_free(begin, address - begin);
        }
        if rest > 0 {
            self.add_free(address + extent, rest);
        }
        self.used.insert(address, extent);
        self.free_bytes -= extent;
        Some(address)
    }

    /// Gives back what began at `address`; false when nothing did.
    pub(crate) fn release(&mut self, address: u64) -> bool {
        let Some(mut bytes) = self.used.remove(&address) else {
            return false;
        };
        self.free_bytes += bytes;
        let mut start = address;
        if let Some((&before, &size)) = self.free.range(..address).next_back()
            && before + size == address
        {
            self.remove_free(before, size);
            start = before;
            bytes += size;
        }
        if let Some(&size) = self.free.get(&(start + bytes)) {
            self.remove_free(start + bytes, size);
            bytes += size;
        }
        self.add_free(start, bytes);
        true
    }

    fn add_free(&mut self, address: u64, bytes: u64) {
        self.free.insert(address, bytes);
        self.by_size.insert((bytes, address));
    }

    fn remove_free(&mut self, address: u64, bytes: u64) {
        self.free.remove(&address);
        self.by_size.remove(&(bytes, address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small linear congruential generator (Knuth, MMIX) is random enough to mix operations.
    fn next(state: &mut u64) -> u64 {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        *state >> 33
    }

    #[test]
    fn random_use_never_overlaps_and_gives_everything_back() {
        let (base, bytes) = (0x10_0000, 1 << 20);
        let mut allocator = Allocator::new(base, bytes);
        let mut live: Vec<(u64, u64)> = Vec::new();
        let mut state = 1;
        let mut refused = 0;
        for _ in 0..5_000 {
            if !next(&mut state).is_multiple_of(3) || live.is_empty() {
                let size = next(&mut state) % 20_000 + 1;
                let alignment = 1 << (next(&mut state) % 14);
                let Some(address) = allocator.allocate(size, alignment) else {
                    refused += 1;
                    continue;
                };
                assert_eq!(address % alignment.max(ALIGNMENT), 0);
                assert!(address >= base && address + size <= base + bytes);
                for &(other, length) in &live {
                    assert!(
                        address + size + GUARD <= other || other + length + GUARD <= address,
                        "{address:#x}+{size} meets {other:#x}+{length}"
                    );
                }
                live.push((address, size));
            } else {
                let index = usize::try_from(next(&mut state)).expect("fits") % live.len();
                let (address, _) = live.swap_remove(index);
                assert!(allocator.release(address));
                assert!(!allocator.release(address), "freed twice");
            }
        }
        assert!(refused > 0, "the range was never exhausted");
        for (address, _) in live {
            assert!(allocator.release(address));
        }
        assert_eq!(allocator.free_bytes(), bytes);
        assert_eq!(allocator.free.len(), 1, "extents coalesce");
        assert!(allocator.allocate(bytes - GUARD, 1).is_some());
    }

    #[test]
    fn sizes_near_the_end_of_the_address_space_are_refused() {
        let mut allocator = Allocator::new(0, 1 << 20);
        assert_eq!(allocator.allocate(u64::MAX, 1), None);
        assert_eq!(allocator.allocate(u64::MAX - GUARD, 1), None);
        assert_eq!(allocator.allocate(1 << 20, 1), None);
    }
}
