//! A link that carries a fixed number of bytes a cycle.

/// Cycles that can be booked ahead of the first one not yet full.
const WINDOW: usize = 16_384;
const WORDS: usize = WINDOW / 64;

/// Which cycles of a link are taken. Transfers may be booked in any order of time: each takes
/// the first free cycles from when it is ready.
pub(super) struct Link {
    taken: Box<[u64; WORDS]>,
    /// Cycles before are of no more interest.
    begin: u64,
}

impl Link {
    pub(super) fn new() -> Self {
        Self {
            taken: Box::new([0; WORDS]),
            begin: 0,
        }
    }

    /// Begins again at cycle 0.
    pub(super) fn clear(&mut self) {
        self.taken.fill(0);
        self.begin = 0;
    }

    /// Forgets cycles before `now`: nothing will be booked there.
    pub(super) fn forget(&mut self, now: u64) {
        let first = self.begin / 64;
        let last = now / 64;
        if last - first >= WORDS as u64 {
            self.taken.fill(0);
        } else {
            for word in first..last {
                self.taken[Self::word(word)] = 0;
            }
        }
        self.begin = self.begin.max(last * 64);
    }

    #[expect(clippy::cast_possible_truncation, reason = "an index of the window")]
    fn word(index: u64) -> usize {
        (index % WORDS as u64) as usize
    }

    /// Takes `cycles` free cycles from `ready` on; gives the last of them.
    pub(super) fn book(&mut self, ready: u64, cycles: u64) -> u64 {
        let mut at = ready.max(self.begin);
        let end = self.begin + WINDOW as u64 - 64;
        let mut left = cycles;
        // Beyond the window contention is not tracked; nothing is booked so far ahead that
        // requests under way, which are bounded, could fill it.
        while at < end {
            let word = &mut self.taken[Self::word(at / 64)];
            let free = !*word >> (at % 64);
            if free == 0 {
                at = (at / 64 + 1) * 64;
                continue;
            }
            at += u64::from(free.trailing_zeros());
            *word |= 1 << (at % 64);
            left -= 1;
            if left == 0 {
                return at;
            }
            at += 1;
        }
        at + left
    }
}

#[cfg(test)]
mod tests {
    use super::Link;

    #[test]
    fn transfers_fill_gaps_and_do_not_overlap() {
        let mut link = Link::new();
        assert_eq!(link.book(100, 2), 101);
        assert_eq!(link.book(10, 4), 13);
        assert_eq!(link.book(99, 2), 102);
        assert_eq!(link.book(100, 1), 103);
        link.forget(1 << 30);
        assert_eq!(link.book(1 << 30, 2), (1 << 30) + 1);
    }
}
