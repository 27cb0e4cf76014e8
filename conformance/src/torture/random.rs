//! Randomness from a seed, and values that are likely to be special cases.

/// splitmix64.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95) ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// 32 random bits.
    pub(super) fn word(&mut self) -> u32 {
        (self.bits() >> 32) as u32
    }

    /// Below `limit`, which is not 0.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        self.word() % limit
    }

    /// True in `percent` of 100 cases.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let length = u32::try_from(from.len()).unwrap_or(u32::MAX);
        from[self.below(length) as usize]
    }

    /// An integer near an end of a range, or any.
    pub(super) fn integer(&mut self) -> u64 {
        const ENDS: [u64; 14] = [
            0,
            1,
            u64::MAX,
            1 << 63,
            (1 << 63) - 1,
            0x7fff_ffff,
            0xffff_ffff_8000_0000,
            0xffff_ffff,
            0x8000_0000,
            0x7f,
            0x80,
            0x7fff,
            0x8000,
            0xff,
        ];
        match self.below(4) {
            0 => self.pick(&ENDS),
            1 => self.bits() >> self.below(64),
            2 => self.bits() & 0x7f,
            _ => self.bits(),
        }
    }

    /// Bits of a float of 16, 32 or 64 bits (also bfloat16), special in half of the cases.
    fn float(&mut self, bits: u32) -> u64 {
        let (exponent, fraction) = match (bits, self.chance(70)) {
            (16, true) => (5, 10),
            (16, false) => (8, 7),
            (32, _) => (8, 23),
            _ => (11, 52),
        };
        let infinity = ((1u64 << exponent) - 1) << fraction;
        let one = ((1u64 << (exponent - 1)) - 1) << fraction;
        let sign = self.bits() & 1 << (bits - 1);
        let small = u64::from(self.below(4));
        let fraction_bits = self.bits() & ((1 << fraction) - 1);
        sign | match self.below(16) {
            0 => 0,
            1 => infinity,
            2 => infinity | 1 << (fraction - 1) | small,
            3 => infinity | (1 + small),
            4 => small,
            5 => (1 << fraction) - 1 + small,
            6 => infinity - 1 - small,
            7 => one,
            8 => one + small,
            // Near the powers that integers of 8 to 64 bits end at.
            9 => one.wrapping_add(u64::from(self.below(66)) << fraction) + small,
            10 | 11 => {
                let near = one.wrapping_add(u64::from(self.below(5)) << fraction);
                near.wrapping_sub(2 << fraction) & infinity | fraction_bits
            }
            12 => fraction_bits,
            _ => self.bits() & (infinity | ((1 << fraction) - 1)),
        } & ((1u128 << (bits - 1)) - 1) as u64
    }

    /// A floating-point register: any of the formats, boxed mostly.
    pub(super) fn float_register(&mut self) -> u64 {
        match self.below(8) {
            0 => self.bits(),
            1 | 2 => self.float(16) | u64::MAX << 16,
            3 | 4 => self.float(32) | u64::MAX << 32,
            _ => self.float(64),
        }
    }

    /// Eight bytes of vector or memory contents.
    pub(super) fn contents(&mut self) -> u64 {
        match self.below(6) {
            0 => self.integer(),
            1 => self.bits(),
            2 => self.float(64),
            3 => self.float(32) | self.float(32) << 32,
            _ => (0..4).fold(0, |word, _| word << 16 | self.float(16)),
        }
    }
}
