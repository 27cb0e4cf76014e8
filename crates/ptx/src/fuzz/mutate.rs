//! A seeded source of changed samples.

/// A seeded sequence of numbers (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts the sequence of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.bits() % (bound.max(1) as u64)).unwrap_or(0)
    }

    /// One of `items`, which must not be empty.
    fn choose<'a, T: ?Sized>(&mut self, items: &'a [&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

/// Pieces of text that reach deep into the parser.
const WORDS: [&str; 28] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ";",
    ",",
    ":",
    "|",
    "!",
    "-",
    "@%p1 ",
    "_",
    " .reg .b32 ",
    " .param ",
    "<",
    ">",
    "0x",
    "0f3F800000",
    "18446744073709551616",
    "generic(",
    "WARP_SZ",
    "\"",
    "/*",
    "//",
    "\0",
    "\u{e9}",
];

/// Numbers at the edges of what header fields hold.
const EDGES: [u64; 8] = [0, 1, 15, 16, 64, u32::MAX as u64, i64::MAX as u64, u64::MAX];

/// Longest result of [`mutate`].
const LENGTH_MAX: usize = 1 << 18;

/// Changes one of the samples in a few places: bits, bytes, words of PTX, little-endian fields,
/// ranges removed, repeated or taken from another sample, the end cut off.
///
/// # Panics
/// If there are no samples.
#[must_use]
pub fn mutate(random: &mut Random, samples: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = samples[random.below(samples.len())].clone();
    bytes.truncate(LENGTH_MAX);
    for _ in 0..=random.below(6) {
        let at = random.below(bytes.len());
        let length = random.below((bytes.len() - at).min(64) + 1);
        match random.below(8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..at + length)),
            2 => drop(bytes.splice(at..at, random.choose(&WORDS).bytes())),
            3 => {
                let repeated = bytes[at..at + length].repeat(1 + random.below(200));
                drop(bytes.splice(at..at, repeated));
            }
            4 => {
                let other = &samples[random.below(samples.len())];
                let from = random.below(other.len());
                let piece = &other[from..from + random.below((other.len() - from).min(512) + 1)];
                drop(bytes.splice(at..at + length, piece.iter().copied()));
            }
            5 => {
                let field = EDGES[random.below(EDGES.len())].to_le_bytes();
                let width = [1, 2, 4, 8][random.below(4)];
                for (byte, new) in bytes.iter_mut().skip(at).zip(&field[..width]) {
                    *byte = *new;
                }
            }
            6 => {
                let new = random.bits().to_le_bytes()[0];
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = new;
                }
            }
            _ => {
                let bit = random.below(8);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
        }
        bytes.truncate(LENGTH_MAX);
    }
    bytes
}
