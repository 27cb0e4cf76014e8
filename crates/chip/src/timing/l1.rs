//! First-level cache of a core: tags, and the lines that are under way to it.
#![expect(
    clippy::cast_possible_truncation,
    reason = "indices of sets and of misses"
)]

use crate::chipfile::{ChipFile, LINE_BYTES};

/// A time that is not known yet.
pub(super) const UNKNOWN: u64 = u64::MAX;

#[derive(Clone, Copy, Default)]
struct Line {
    /// Line number + 1; 0: empty.
    tag: u64,
    used: u32,
    /// Sectors present or on their way.
    valid: u8,
    /// Sectors that may still be on their way.
    pending: u8,
}

/// Sectors of a line that were asked for.
pub(super) struct Miss {
    pub(super) line: u64,
    pub(super) sectors: u8,
    /// When they arrive.
    pub(super) ready: u64,
    /// Where they came from; see [`super::stall::Stall`].
    pub(super) cause: u8,
    /// Loads that wait for them, while `ready` is unknown.
    pub(super) waiters: Vec<u32>,
    live: bool,
}

/// What a load finds of the sectors that it does not have to ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// When those whose arrival is known are there; 0: they are already.
    pub(super) at: u64,
    /// Where the last of these come from.
    pub(super) cause: u8,
    /// Misses of unknown arrival that the load was entered at.
    pub(super) waits: u32,
}

/// The cache.
pub(super) struct L1 {
    lines: Vec<Line>,
    sets: u64,
    ways: usize,
    clock: u32,
    pub(super) misses: Vec<Miss>,
    free: Vec<u32>,
    /// Misses that have not arrived.
    pub(super) outstanding: u32,
    pub(super) outstanding_max: u32,
}

impl L1 {
    pub(super) fn new(chip: &ChipFile) -> Self {
        let lines = u64::from(chip.l1.size.value) * 1024 / LINE_BYTES;
        let ways = chip.l1.ways.value;
        Self {
            lines: vec![Line::default(); lines as usize],
            sets: lines / u64::from(ways),
            ways: ways as usize,
            clock: 0,
            misses: Vec::new(),
            free: Vec::new(),
            outstanding: 0,
            outstanding_max: chip.l1.outstanding.value,
        }
    }

    /// Empties the cache, as at the start of a launch.
    pub(super) fn clear(&mut self) {
        self.lines.fill(Line::default());
        self.misses.clear();
        self.free.clear();
        (self.clock, self.outstanding) = (0, 0);
    }

    fn set(&self, line: u64) -> std::ops::Range<usize> {
        // Folding the upper bits in spreads strides that are powers of two.
        let folded = line ^ line >> 7 ^ line >> 17;
        let begin = (folded % self.sets) as usize * self.ways;
        begin..begin + self.ways
    }

    /// Looks for sectors. Those that are missing are marked as on their way, and given back:
    /// the caller must ask for them with [`L1::begin_miss`].
    #[inline]
    pub(super) fn load(&mut self, line: u64, sectors: u8, waiter: u32) -> (Found, u8) {
        self.clock += 1;
        let clock = self.clock;
        let set = self.set(line);
        let ways = &mut self.lines[set.clone()];
        let mut missing = sectors;
        let mut found = Found::default();
        if let Some(entry) = ways.iter_mut().find(|entry| entry.tag == line + 1) {
            entry.used = clock;
            missing = sectors & !entry.valid;
            let awaited = sectors & entry.pending;
            entry.valid |= sectors;
            entry.pending |= missing;
            if awaited != 0 {
                let still;
                (found, still) = self.wait(line, awaited, waiter);
                let entry = self.lines[set]
                    .iter_mut()
                    .find(|entry| entry.tag == line + 1);
                if let Some(entry) = entry {
                    entry.pending &= !(awaited & !still);
                }
            }
        } else if let Some(victim) = ways.iter_mut().min_by_key(|entry| entry.used) {
            *victim = Line {
                tag: line + 1,
                used: clock,
                valid: sectors,
                pending: sectors,
            };
        }
        (found, missing)
    }

    /// Enters a waiter at the misses that bring `sectors`; also gives the sectors that some
    /// miss still brings.
    fn wait(&mut self, line: u64, sectors: u8, waiter: u32) -> (Found, u8) {
        let (mut found, mut brought) = (Found::default(), 0);
        for miss in self
            .misses
            .iter_mut()
            .filter(|miss| miss.live && miss.line == line)
        {
            if miss.sectors & sectors == 0 {
                continue;
            }
            brought |= miss.sectors;
            if miss.ready == UNKNOWN {
                miss.waiters.push(waiter);
                found.waits += 1;
            } else if miss.ready > found.at {
                (found.at, found.cause) = (miss.ready, miss.cause);
            }
        }
        (found, brought)
    }

    /// Notes that sectors were asked for; gives the number of the miss.
    pub(super) fn begin_miss(&mut self, line: u64, sectors: u8, waiter: Option<u32>) -> u32 {
        self.outstanding += 1;
        let index = self.free.pop().unwrap_or_else(|| {
            self.misses.push(Miss {
                line: 0,
                sectors: 0,
                ready: UNKNOWN,
                cause: 0,
                waiters: Vec::new(),
                live: false,
            });
            self.misses.len() as u32 - 1
        });
        let miss = &mut self.misses[index as usize];
        (miss.line, miss.sectors, miss.ready, miss.live) = (line, sectors, UNKNOWN, true);
        miss.waiters.clear();
        miss.waiters.extend(waiter);
        index
    }

    /// Forgets misses that have arrived before `now`. Gives the first arrival to come.
    pub(super) fn retire(&mut self, now: u64) -> Option<u64> {
        let mut next = None;
        for (index, miss) in self.misses.iter_mut().enumerate() {
            if !miss.live || miss.ready == UNKNOWN {
                continue;
            }
            if miss.ready <= now {
                miss.live = false;
                self.outstanding -= 1;
                self.free.push(index as u32);
            } else if next.is_none_or(|time| miss.ready < time) {
                next = Some(miss.ready);
            }
        }
        next
    }

    /// Whether any arrival is not known yet.
    pub(super) fn awaits_answers(&self) -> bool {
        self.misses
            .iter()
            .any(|miss| miss.live && miss.ready == UNKNOWN)
    }

    /// When the last of what was asked for arrives, as far as it is known.
    pub(super) fn last_arrival(&self) -> u64 {
        let known = self
            .misses
            .iter()
            .filter(|miss| miss.live && miss.ready != UNKNOWN);
        known.map(|miss| miss.ready).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timing::core::private_line;
    use std::collections::BTreeMap;

    #[test]
    fn stacks_of_the_harts_of_a_core_spread_over_the_first_level() {
        let l1 = L1::new(&ChipFile::w1());
        let mut sets: BTreeMap<usize, usize> = BTreeMap::new();
        for hart in 0..32 {
            for line in 504..512 {
                let set = l1.set(private_line(7, hart, line));
                *sets.entry(set.start).or_default() += 1;
            }
        }
        let fullest = sets.values().max().copied();
        assert!(fullest <= Some(l1.ways), "{fullest:?} lines in a set");
    }
}
