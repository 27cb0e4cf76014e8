//! What programs advise about ranges of managed memory. Managed memory is one memory here, so advice
//! makes no difference; it is kept, because programs can ask for it.

use crate::device::{Device, lock};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A place that memory can be at: a device by its number, the host, or a node of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// `CUmemLocationType`.
    pub kind: u32,
    /// Number of the device or node.
    pub id: i32,
}

/// What was advised about a range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// It is mostly read.
    pub read_mostly: bool,
    /// Where it should be.
    pub preferred: Option<Location>,
    /// The device accesses it.
    pub accessed: bool,
    /// The host accesses it.
    pub accessed_by_host: bool,
    /// Where it was last prefetched to.
    pub prefetched: Option<Location>,
}

/// Advice by first address: each holds up to the next one.
#[derive(Debug, Default)]
pub(crate) struct Advices(Mutex<BTreeMap<u64, Advice>>);

/// Lets a range begin at an address.
fn split(map: &mut BTreeMap<u64, Advice>, address: u64) {
    let before = map.range(..=address).next_back().map(|(_, advice)| *advice);
    map.entry(address)
        .or_insert_with(|| before.unwrap_or_default());
}

impl Device {
    /// Changes what is known of a range.
    pub fn advise(&self, address: u64, bytes: u64, change: impl Fn(&mut Advice)) {
        let end = address.saturating_add(bytes);
        let mut map = lock(&self.advices.0);
        split(&mut map, address);
        split(&mut map, end);
        map.range_mut(address..end)
            .for_each(|(_, advice)| change(advice));
        // Neighbours that agree are one.
        let mut last = Some(Advice::default());
        map.retain(|_, advice| last.replace(*advice) != Some(*advice));
    }

    /// What is known of the parts of a range, in order.
    #[must_use]
    pub fn advice(&self, address: u64, bytes: u64) -> Vec<Advice> {
        let end = address.saturating_add(bytes);
        let map = lock(&self.advices.0);
        let first = map.range(..=address).next_back().map(|(_, advice)| *advice);
        let later = map.range(address.saturating_add(1)..end.max(address.saturating_add(1)));
        let mut parts = vec![first.unwrap_or_default()];
        parts.extend(later.map(|(_, advice)| *advice));
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn advice_holds_for_its_range_and_no_byte_more() {
        let device = Device::new(Config::default()).unwrap();
        device.advise(1000, 100, |advice| advice.read_mostly = true);
        device.advise(1050, 100, |advice| advice.accessed = true);
        let flags = |address, bytes| -> Vec<_> {
            let parts = device.advice(address, bytes);
            parts
                .iter()
                .map(|part| (part.read_mostly, part.accessed))
                .collect()
        };
        assert_eq!(flags(999, 1), [(false, false)]);
        assert_eq!(flags(1000, 50), [(true, false)]);
        assert_eq!(flags(1050, 50), [(true, true)]);
        assert_eq!(flags(1099, 2), [(true, true), (false, true)]);
        assert_eq!(flags(1150, 10), [(false, false)]);
        device.advise(1000, 150, |advice| *advice = Advice::default());
        assert_eq!(flags(0, 5000), [(false, false)]);
    }
}
