//! Weights out of a seed, for measurements that need a shape and no sense.

use super::{StoredType, Tensor, TensorSource};
use crate::error::Error;

/// Gives every tensor that is asked for: norms of 1, biases of 0, and matrices whose products keep
/// the size of their inputs.
#[derive(Clone, Copy, Debug)]
pub struct RandomWeights {
    seed: u64,
}

impl RandomWeights {
    /// Weights of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }
}

impl TensorSource for RandomWeights {
    fn read(&self, name: &str, shape: &[u64]) -> Result<Tensor, Error> {
        let count = shape
            .iter()
            .try_fold(1u64, |count, &extent| count.checked_mul(extent))
            .and_then(|count| usize::try_from(count).ok())
            .ok_or_else(|| Error::tensor(name, "it is too large"))?;
        let bytes = match shape {
            [_, inputs] => matrix(self.seed ^ digest(name), count, *inputs),
            _ => {
                let value = if name.ends_with(".bias") { 0.0 } else { 1.0 };
                half::bf16::from_f32(value).to_le_bytes().repeat(count)
            }
        };
        Ok(Tensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            stored: StoredType::Bf16,
            bytes,
        })
    }

    fn contains(&self, _name: &str) -> bool {
        true
    }

    fn names(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// Uniform values of mean 0 and variance 1 / inputs, as bf16.
fn matrix(mut state: u64, count: usize, inputs: u64) -> Vec<u8> {
    #[expect(clippy::cast_precision_loss, reason = "a scale")]
    let scale = (3.0 / inputs as f32).sqrt() / 128.0;
    let table: Vec<[u8; 2]> = (0u8..=255)
        .map(|byte| half::bf16::from_f32((f32::from(byte) - 127.5) * scale).to_le_bytes())
        .collect();
    let mut bytes = Vec::with_capacity(count * 2 + 16);
    while bytes.len() < count * 2 {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        for byte in (z ^ z >> 31).to_le_bytes() {
            bytes.extend(table[usize::from(byte)]);
        }
    }
    bytes.truncate(count * 2);
    bytes
}

/// FNV-1a: another stream for every name.
fn digest(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
