//! When harts are ready: a ring of cycles, each with the set of harts that wait for it.
#![expect(clippy::cast_possible_truncation, reason = "distances within the ring")]

/// Cycles of the ring. Harts that are ready later wait in its last cycle and are put back.
const CYCLES: u64 = 512;
const WORDS: usize = (CYCLES / 64) as usize;

/// The harts of a core by the cycle in which their next instruction could issue.
pub(super) struct Calendar {
    harts: [u32; CYCLES as usize],
    /// Cycles of the ring with any hart.
    occupied: [u64; WORDS],
    /// Ready times of harts.
    times: [u64; 32],
    /// No hart is ready before.
    now: u64,
    /// The hart that came last, for turns among those of one cycle.
    last: u32,
    count: u32,
}

impl Calendar {
    pub(super) fn new() -> Self {
        Self {
            harts: [0; CYCLES as usize],
            occupied: [0; WORDS],
            times: [0; 32],
            now: 0,
            last: 0,
            count: 0,
        }
    }

    /// Begins again at cycle 0 with no hart.
    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Enters a hart that is ready at `time`.
    #[inline]
    pub(super) fn push(&mut self, hart: usize, time: u64) {
        let time = time.max(self.now);
        self.times[hart] = time;
        self.count += 1;
        self.put(hart, time);
    }

    #[inline]
    fn put(&mut self, hart: usize, time: u64) {
        let slot = (time.min(self.now + CYCLES - 1) % CYCLES) as usize;
        self.harts[slot] |= 1 << hart;
        self.occupied[slot / 64] |= 1 << (slot % 64);
    }

    /// Takes the hart that is ready first, if that is before cycle `until`; among those of one
    /// cycle the next in turn.
    #[inline]
    pub(super) fn pop(&mut self, until: u64) -> Option<(u64, usize)> {
        loop {
            let Some(time) = self.first().filter(|&time| time < until) else {
                // Nothing before `until`: what is entered from now on is not before it either.
                if self.count == 0 {
                    self.now = self.now.max(until);
                }
                return None;
            };
            self.now = time;
            let slot = (time % CYCLES) as usize;
            let turn = self.harts[slot].rotate_right(self.last + 1);
            let hart = ((turn.trailing_zeros() + self.last + 1) % 32) as usize;
            self.harts[slot] &= !(1 << hart);
            if self.harts[slot] == 0 {
                self.occupied[slot / 64] &= !(1 << (slot % 64));
            }
            if self.times[hart] > time {
                self.put(hart, self.times[hart]);
                continue;
            }
            self.last = hart as u32;
            self.count -= 1;
            return Some((time, hart));
        }
    }

    /// First cycle that has a hart.
    #[inline]
    fn first(&self) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let begin = (self.now % CYCLES) as usize;
        let (word, bit) = (begin / 64, begin % 64);
        let ahead = self.occupied[word] >> bit;
        if ahead != 0 {
            return Some(self.now + u64::from(ahead.trailing_zeros()));
        }
        for step in 1..=WORDS {
            let index = (word + step) % WORDS;
            let found = self.occupied[index];
            if found != 0 {
                let slot = index as u64 * 64 + u64::from(found.trailing_zeros());
                let distance = (slot + CYCLES - begin as u64) % CYCLES;
                return Some(self.now + distance);
            }
        }
        None
    }

    /// First cycle in which anything is to be looked at.
    pub(super) fn next_time(&self) -> Option<u64> {
        self.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harts_come_in_order_of_time_however_far() {
        let mut calendar = Calendar::new();
        let times = [5u64, 1, 70_000, 1, 511, 512, 513, 2000];
        for (hart, &time) in times.iter().enumerate() {
            calendar.push(hart, time);
        }
        let mut order = Vec::new();
        while let Some((time, hart)) = calendar.pop(u64::MAX) {
            assert_eq!(time, times[hart]);
            order.push(time);
        }
        assert_eq!(order, [1, 1, 5, 511, 512, 513, 2000, 70_000]);
    }

    #[test]
    fn nothing_comes_before_its_limit() {
        let mut calendar = Calendar::new();
        calendar.push(3, 100);
        assert_eq!(calendar.pop(100), None);
        assert_eq!(calendar.pop(101), Some((100, 3)));
        assert_eq!(calendar.next_time(), None);
    }

    #[test]
    fn harts_of_one_cycle_take_turns() {
        let mut calendar = Calendar::new();
        for hart in 0..3 {
            calendar.push(hart, 0);
        }
        let mut order = Vec::new();
        for time in 0..6 {
            let (_, hart) = calendar.pop(u64::MAX).unwrap();
            order.push(hart);
            calendar.push(hart, time / 3 + 1);
        }
        assert_eq!(order, [1, 2, 0, 1, 2, 0]);
    }
}
