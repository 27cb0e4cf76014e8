//! Seeded random instruction words.

use weft_isa::Opcode;

/// SplitMix64: the same sequence on every machine.
pub(crate) struct Random(u64);

impl Random {
    /// A sequence that depends on the seed alone.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// The next 32 bits.
    pub(crate) fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }
}

/// A word of this row with random operand bits. It may be reserved, or belong to a row that
/// refines this one.
pub(crate) fn random_word(opcode: Opcode, random: &mut Random) -> u32 {
    let row = opcode.row();
    row.match_bits | random.next_u32() & !row.mask
}
