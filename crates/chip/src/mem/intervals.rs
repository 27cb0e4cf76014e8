//! The sorted table of accessible intervals. A table never changes; changes make new ones.

/// What kernels may do with an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Loads, stores and atomics.
    ReadWrite,
    /// Loads only.
    ReadOnly,
}

/// Accessible bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interval {
    /// First byte.
    pub address: u64,
    /// Size; at least 1.
    pub bytes: u64,
    /// What kernels may do with it.
    pub access: Access,
    /// Registered host memory, not device memory.
    pub host: bool,
    /// What is added to an address to get the host address; 0 on a chip.
    pub(crate) delta: u64,
}

impl Interval {
    /// Address after the last byte.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.address + self.bytes
    }
}

/// Disjoint intervals in order of address.
#[derive(Debug, Default)]
pub(crate) struct Intervals(Vec<Interval>);

impl Intervals {
    /// The interval with this index, which [`Intervals::find`] of this table gave.
    pub(crate) fn get(&self, index: usize) -> Interval {
        self.0[index]
    }

    /// A table of disjoint ranges (first byte, size, in order) that are at other addresses on
    /// the host: `address` is at `host`, and the others are as far from it as here.
    pub(crate) fn translated(
        address: u64,
        host: *mut u8,
        ranges: impl IntoIterator<Item = (u64, u64, Access)>,
    ) -> Self {
        let delta = (host.expose_provenance() as u64).wrapping_sub(address);
        let interval = |(address, bytes, access)| Interval {
            address,
            bytes,
            access,
            host: true,
            delta,
        };
        Self(ranges.into_iter().map(interval).collect())
    }

    /// Index of the interval that holds all the bytes.
    pub(crate) fn find(&self, address: u64, bytes: u64) -> Option<usize> {
        let after = self
            .0
            .partition_point(|interval| interval.address <= address);
        let index = after.checked_sub(1)?;
        let offset = address - self.0[index].address;
        let size = self.0[index].bytes;
        (offset < size && bytes <= size - offset).then_some(index)
    }

    /// A table with one interval more, or `None` if it overlaps another.
    pub(super) fn with(&self, interval: Interval) -> Option<Self> {
        let at = self
            .0
            .partition_point(|other| other.address < interval.address);
        let before_ends = at
            .checked_sub(1)
            .is_none_or(|i| self.0[i].end() <= interval.address);
        let after_begins = self
            .0
            .get(at)
            .is_none_or(|next| interval.end() <= next.address);
        if !(before_ends && after_begins) {
            return None;
        }
        let mut next = Vec::with_capacity(self.0.len() + 1);
        next.extend_from_slice(&self.0[..at]);
        next.push(interval);
        next.extend_from_slice(&self.0[at..]);
        Some(Self(next))
    }

    /// A table without the interval that begins at `address`, and that interval.
    pub(super) fn without(&self, address: u64, host: bool) -> Option<(Self, Interval)> {
        let at = self
            .0
            .binary_search_by_key(&address, |interval| interval.address)
            .ok()?;
        if self.0[at].host != host {
            return None;
        }
        let mut next = self.0.clone();
        let removed = next.remove(at);
        Some((Self(next), removed))
    }
}
