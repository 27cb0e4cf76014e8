//! Physical memory protection: which addresses an access of a mode may reach
//! (Privileged, Physical Memory Protection).
//!
//! There are 16 entries with a granularity of four bytes; registers beyond them are zero. Rather
//! than every access, the ranges in which accesses succeed are computed whenever the registers or
//! the mode change. An access that is not inside one of them fails, as it must: the entry that
//! decides must match all of its bytes.

/// Entries.
pub(crate) const ENTRIES: usize = 16;
/// Entries in a register of configurations.
const PER_REGISTER: usize = 8;
/// Bits of an address register: addresses of 56 bits, in words of four bytes.
const ADDRESS_BITS: u32 = 54;

const READ: u8 = 1;
const WRITE: u8 = 2;
const EXECUTE: u8 = 4;
const MATCHING_SHIFT: u8 = 3;
const LOCKED: u8 = 1 << 7;
/// What a configuration can hold.
const CONFIGURATION: u8 = READ | WRITE | EXECUTE | 3 << MATCHING_SHIFT | LOCKED;
/// Matching: from the address of the entry before, one word, or a power of two of bytes.
const TOP_OF_RANGE: u8 = 1;
const FOUR_BYTES: u8 = 2;

/// A range of addresses and what may be done there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permitted {
    /// First byte.
    pub(crate) begin: u64,
    /// Address after the last byte.
    pub(crate) end: u64,
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) execute: bool,
}

/// The registers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Protection {
    configurations: [u8; ENTRIES],
    addresses: [u64; ENTRIES],
}

impl Protection {
    /// Register `number` of configurations, of those with even numbers.
    pub(crate) fn configuration(&self, number: usize) -> u64 {
        let first = number / 2 * PER_REGISTER;
        let entries = self.configurations.get(first..first + PER_REGISTER);
        let bytes = entries.and_then(|entries| entries.try_into().ok());
        bytes.map_or(0, u64::from_le_bytes)
    }

    /// Sets a register of configurations. Locked entries keep theirs, and the reserved one, write
    /// without read, becomes neither.
    pub(crate) fn set_configuration(&mut self, number: usize, value: u64) {
        let first = number / 2 * PER_REGISTER;
        let entries = self.configurations.iter_mut().skip(first);
        for (entry, byte) in entries.zip(value.to_le_bytes()) {
            if *entry & LOCKED == 0 {
                let reserved = if byte & READ == 0 { WRITE } else { 0 };
                *entry = byte & CONFIGURATION & !reserved;
            }
        }
    }

    /// Address register `number`.
    pub(crate) fn address(&self, number: usize) -> u64 {
        self.addresses.get(number).copied().unwrap_or(0)
    }

    /// Sets an address register, unless it is locked, or is the bottom of the range of a locked
    /// entry.
    pub(crate) fn set_address(&mut self, number: usize, value: u64) {
        let is_locked = |number: usize, by: u8| {
            let next = self.configurations.get(number);
            next.is_some_and(|&next| {
                next & LOCKED != 0 && (by == 0 || next >> MATCHING_SHIFT & 3 == by)
            })
        };
        if number < ENTRIES && !is_locked(number, 0) && !is_locked(number + 1, TOP_OF_RANGE) {
            self.addresses[number] = value & ((1 << ADDRESS_BITS) - 1);
        }
    }

    /// First byte of an entry and the address after its last; none if it matches nothing.
    fn range(&self, number: usize) -> Option<(u64, u64)> {
        let top = self.addresses[number];
        let range = match self.configurations[number] >> MATCHING_SHIFT & 3 {
            0 => return None,
            TOP_OF_RANGE => {
                let bottom = number
                    .checked_sub(1)
                    .map_or(0, |below| self.addresses[below]);
                (bottom << 2, top << 2)
            }
            FOUR_BYTES => (top << 2, (top << 2) + 4),
            _ => {
                let ones = top.trailing_ones();
                let begin = (top & !((1 << ones) - 1)) << 2;
                (begin, begin + (8 << ones))
            }
        };
        (range.0 < range.1).then_some(range)
    }

    /// The parts of memory from `begin` to `end`, in order, in which accesses of a mode are decided
    /// by one entry or by none.
    pub(crate) fn permitted(&self, is_machine: bool, begin: u64, end: u64) -> Vec<Permitted> {
        let ranges: Vec<(usize, (u64, u64))> = (0..ENTRIES)
            .filter_map(|number| Some((number, self.range(number)?)))
            .collect();
        let mut edges: Vec<u64> = ranges
            .iter()
            .flat_map(|&(_, (low, high))| [low, high])
            .filter(|&edge| begin < edge && edge < end)
            .chain([begin, end])
            .collect();
        edges.sort_unstable();
        edges.dedup();
        let mut parts: Vec<(Option<usize>, Permitted)> = Vec::new();
        for edge in edges.windows(2) {
            let (low, high) = (edge[0], edge[1]);
            let entry = ranges
                .iter()
                .find(|(_, range)| range.0 <= low && high <= range.1)
                .map(|&(number, _)| number);
            match parts.last_mut() {
                Some((last, part)) if *last == entry => part.end = high,
                _ => parts.push((entry, self.part(entry, is_machine, low, high))),
            }
        }
        parts.into_iter().map(|(_, part)| part).collect()
    }

    fn part(&self, entry: Option<usize>, is_machine: bool, begin: u64, end: u64) -> Permitted {
        let allowed = match entry.map(|number| self.configurations[number]) {
            // Nothing decides: machine mode may, user mode may not.
            None if is_machine => READ | WRITE | EXECUTE,
            None => 0,
            Some(entry) if is_machine && entry & LOCKED == 0 => READ | WRITE | EXECUTE,
            Some(entry) => entry,
        };
        Permitted {
            begin,
            end,
            read: allowed & READ != 0,
            write: allowed & WRITE != 0,
            execute: allowed & EXECUTE != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NATURAL: u8 = 3;

    fn entry(matching: u8, allowed: u8) -> u64 {
        u64::from(matching << MATCHING_SHIFT | allowed)
    }

    /// What the manual says of one access, entry by entry and byte by byte.
    fn decide(protection: &Protection, is_machine: bool, address: u64, bytes: u64) -> [bool; 3] {
        for number in 0..ENTRIES {
            let configuration = protection.configuration(number / 8 * 2) >> (number % 8 * 8);
            let [this, below] = [Some(number), number.checked_sub(1)]
                .map(|number| number.map_or(0, |number| protection.address(number)));
            let matches = |byte: u64| {
                let word = byte >> 2;
                match configuration >> 3 & 3 {
                    0 => false,
                    1 => below <= word && word < this,
                    2 => word == this,
                    _ => {
                        let same = !(this ^ (this + 1));
                        word & same == this & same
                    }
                }
            };
            let matching = (address..address + bytes)
                .filter(|&byte| matches(byte))
                .count() as u64;
            if matching == 0 {
                continue;
            }
            if matching < bytes {
                return [false; 3];
            }
            let free = is_machine && configuration & 0x80 == 0;
            return [1, 2, 4].map(|bit| free || configuration & bit != 0);
        }
        [is_machine; 3]
    }

    #[test]
    fn ranges_are_what_the_manual_says_of_each_access() {
        let mut random = 1_u64;
        let mut draw = |limit: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 33) % limit
        };
        for _ in 0..300 {
            let mut protection = Protection::default();
            for number in 0..ENTRIES {
                protection.set_address(number, 0x100 + draw(32));
            }
            for number in [0, 2] {
                // Locked entries among them.
                let value = (0..8).map(|at| draw(256) << (8 * at)).sum();
                protection.set_configuration(number, value);
            }
            for is_machine in [false, true] {
                let parts = protection.permitted(is_machine, 0x400, 0x480);
                assert_eq!(
                    (parts[0].begin, parts.last().map(|part| part.end)),
                    (0x400, Some(0x480))
                );
                for address in 0x400..0x478 {
                    for bytes in [1, 2, 4, 8] {
                        let inside = |part: &&Permitted| {
                            part.begin <= address && address + bytes <= part.end
                        };
                        let found = parts
                            .iter()
                            .find(inside)
                            .map_or([false; 3], |part| [part.read, part.write, part.execute]);
                        let expected = decide(&protection, is_machine, address, bytes);
                        assert_eq!(found, expected, "{protection:?} {address:#x} {bytes}");
                    }
                }
            }
        }
    }

    #[test]
    fn locked_registers_keep_their_values() {
        let mut protection = Protection::default();
        protection.set_address(0, 1);
        protection.set_address(1, 2);
        protection.set_configuration(0, (entry(TOP_OF_RANGE, READ) | u64::from(LOCKED)) << 8);
        protection.set_address(0, 7);
        protection.set_address(1, 7);
        protection.set_configuration(0, entry(NATURAL, READ));
        assert_eq!((protection.address(0), protection.address(1)), (1, 2));
        assert_eq!(protection.configuration(0), 0x8919);
        // Reserved: write without read. Beyond the entries and in reserved bits nothing is kept.
        protection.set_configuration(2, u64::from(WRITE | EXECUTE | 0x60));
        assert_eq!(protection.configuration(2), u64::from(EXECUTE));
        protection.set_address(3, u64::MAX);
        assert_eq!(protection.address(3), (1 << 54) - 1);
        protection.set_address(16, 1);
        protection.set_configuration(4, 1);
        assert_eq!(
            (protection.address(16), protection.configuration(4)),
            (0, 0)
        );
    }
}
