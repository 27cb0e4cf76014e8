//! Block formats of ggml, to f32.
//!
//! Source: ggml `ggml-quants.c`, `dequantize_row_*`. Products are in f32 in the same order, so
//! values are the same bits.

use crate::weights::StoredType;
use half::f16;

/// How a tensor's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockFormat {
    Plain(StoredType),
    Q4_0,
    Q4_1,
    Q8_0,
    Q4K,
    Q6K,
}

/// Values of a block of the K formats.
const K_VALUES: usize = 256;

impl BlockFormat {
    /// Names of all formats, for messages.
    pub(super) const NAMES: &str = "F32, F16, BF16, Q4_0, Q4_1, Q8_0, Q4_K and Q6_K";

    /// The format with this number in `ggml_type`.
    pub(super) const fn of_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Plain(StoredType::F32),
            1 => Self::Plain(StoredType::F16),
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            8 => Self::Q8_0,
            12 => Self::Q4K,
            14 => Self::Q6K,
            30 => Self::Plain(StoredType::Bf16),
            _ => return None,
        })
    }

    /// Values of a block.
    pub(super) const fn block_values(self) -> u64 {
        match self {
            Self::Plain(_) => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q8_0 => 32,
            Self::Q4K | Self::Q6K => K_VALUES as u64,
        }
    }

    /// Bytes of a block.
    pub(super) const fn block_bytes(self) -> u64 {
        match self {
            Self::Plain(stored) => stored.bytes(1),
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q8_0 => 34,
            Self::Q4K => 144,
            Self::Q6K => 210,
        }
    }

    /// Values of whole blocks.
    pub(super) fn to_f32(self, bytes: &[u8]) -> Vec<f32> {
        let mut values = Vec::new();
        match self {
            Self::Plain(stored) => return stored.to_f32(bytes),
            Self::Q4_0 => bytes
                .as_chunks::<18>()
                .0
                .iter()
                .for_each(|b| q4_0(b, &mut values)),
            Self::Q4_1 => bytes
                .as_chunks::<20>()
                .0
                .iter()
                .for_each(|b| q4_1(b, &mut values)),
            Self::Q8_0 => bytes
                .as_chunks::<34>()
                .0
                .iter()
                .for_each(|b| q8_0(b, &mut values)),
            Self::Q4K => bytes
                .as_chunks::<144>()
                .0
                .iter()
                .for_each(|b| q4_k(b, &mut values)),
            Self::Q6K => bytes
                .as_chunks::<210>()
                .0
                .iter()
                .for_each(|b| q6_k(b, &mut values)),
        }
        values
    }
}

fn half_at(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

fn q4_0(block: &[u8; 18], values: &mut Vec<f32>) {
    let d = half_at(block, 0);
    let value = |nibble: u8| (f32::from(nibble) - 8.0) * d;
    values.extend(block[2..].iter().map(|byte| value(byte & 15)));
    values.extend(block[2..].iter().map(|byte| value(byte >> 4)));
}

fn q4_1(block: &[u8; 20], values: &mut Vec<f32>) {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    let value = |nibble: u8| f32::from(nibble) * d + m;
    values.extend(block[4..].iter().map(|byte| value(byte & 15)));
    values.extend(block[4..].iter().map(|byte| value(byte >> 4)));
}

fn q8_0(block: &[u8; 34], values: &mut Vec<f32>) {
    let d = half_at(block, 0);
    values.extend(
        block[2..]
            .iter()
            .map(|&byte| f32::from(byte.cast_signed()) * d),
    );
}

/// d, dmin, 12 bytes of 6-bit scales and minima, 128 bytes of nibbles.
fn q4_k(block: &[u8; 144], values: &mut Vec<f32>) {
    let (d, dmin) = (half_at(block, 0), half_at(block, 2));
    let scales = &block[4..16];
    let scale_and_min = |j: usize| {
        let (scale, min) = if j < 4 {
            (scales[j] & 63, scales[j + 4] & 63)
        } else {
            (
                scales[j + 4] & 15 | scales[j - 4] >> 6 << 4,
                scales[j + 4] >> 4 | scales[j] >> 6 << 4,
            )
        };
        (d * f32::from(scale), dmin * f32::from(min))
    };
    for (pair, bytes) in block[16..].chunks_exact(32).enumerate() {
        let (scale, min) = scale_and_min(2 * pair);
        values.extend(bytes.iter().map(|byte| scale * f32::from(byte & 15) - min));
        let (scale, min) = scale_and_min(2 * pair + 1);
        values.extend(bytes.iter().map(|byte| scale * f32::from(byte >> 4) - min));
    }
}

/// 128 bytes of low nibbles, 64 of high pairs of bits, 16 scales, d.
fn q6_k(block: &[u8; 210], values: &mut Vec<f32>) {
    let d = half_at(block, 208);
    let (low, rest) = block.split_at(128);
    let (high, rest) = rest.split_at(64);
    let halves = low.chunks_exact(64).zip(high.chunks_exact(32));
    for ((low, high), scales) in halves.zip(rest[..16].chunks_exact(8)) {
        for quarter in 0..4 {
            for l in 0..32 {
                let byte = low[l + 32 * (quarter % 2)];
                let nibble = if quarter < 2 { byte & 15 } else { byte >> 4 };
                let bits = high[l] >> (2 * quarter) & 3;
                let scale = scales[2 * quarter + l / 16].cast_signed();
                let value = f32::from(nibble | bits << 4) - 32.0;
                values.push(d * f32::from(scale) * value);
            }
        }
    }
}
