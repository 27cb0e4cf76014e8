//! Weights to int8 and int4 at load, and the choice of the cache's format.
//!
//! int8: one scale per output, symmetric: largest magnitude / 127. int4: one scale per output and
//! 32 inputs, so chosen that the value of largest magnitude becomes -8, as ggml's Q4_0 does.
//! The order of words is that of `kernels/int8.cuh`.

use half::f16;

/// What weights become at load. Norms, biases and the router of experts stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quantization {
    /// As stored; block formats of GGUF become f32.
    #[default]
    None,
    /// int8 weights, with int8 activations scaled per token: products on the matrix unit.
    Int8,
    /// int4 weights in groups of 32, with int8 activations scaled per token; the embedding and
    /// the output head are int8.
    Int4,
}

/// How keys and values are kept in the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KvCacheFormat {
    /// As computed.
    #[default]
    F32,
    /// int8, with a scale for the key and the value of each head and position: a quarter of the
    /// memory, and of the traffic of attention.
    Int8,
}

/// Inputs of a tile.
pub(crate) const TILE_INPUTS: usize = 32;
/// Outputs of a tile.
pub(crate) const TILE_OUTPUTS: usize = 16;
/// Rows of a group of tiles of activations.
pub(crate) const GROUP_ROWS: usize = 32;

/// Words of an int8 tile.
pub(crate) const INT8_TILE_WORDS: usize = 128;
/// Words of an int4 tile.
pub(crate) const INT4_TILE_WORDS: usize = 64;

/// Register and lane of a tile, and byte in its word, that hold an input of an output.
const fn place(output: usize, input: usize) -> (usize, usize, usize) {
    let register = output / 8 + 2 * (input / 16);
    let lane = output % 8 * 4 + input % 16 / 4;
    (register, lane, input % 4)
}

/// Quantises the weights of one output; gives its scale.
pub(crate) fn int8_row(words: &mut [u32], tiles: usize, output: usize, row: &[f32]) -> f32 {
    let largest = row.iter().fold(0.0f32, |largest, w| largest.max(w.abs()));
    let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
    for (input, &value) in row.iter().enumerate() {
        let (register, lane, byte) = place(output % TILE_OUTPUTS, input % TILE_INPUTS);
        let tile = output / TILE_OUTPUTS * tiles + input / TILE_INPUTS;
        let bits = u32::from(rounded(value * inverse, 127).cast_unsigned());
        words[tile * INT8_TILE_WORDS + register * 32 + lane] |= bits << (8 * byte);
    }
    largest / 127.0
}

/// Quantises the weights of one output; writes its scale of each tile of inputs.
pub(crate) fn int4_row(
    words: &mut [u32],
    scales: &mut [f16],
    tiles: usize,
    output: usize,
    row: &[f32],
) {
    for (index, group) in row.chunks(TILE_INPUTS).enumerate() {
        let tile = output / TILE_OUTPUTS * tiles + index;
        let extreme = group.iter().fold(
            0.0f32,
            |extreme, &w| {
                if w.abs() > extreme.abs() { w } else { extreme }
            },
        );
        let scale = f16::from_f32(extreme / -8.0);
        scales[tile * TILE_OUTPUTS + output % TILE_OUTPUTS] = scale;
        let scale = scale.to_f32();
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        for (input, &value) in group.iter().enumerate() {
            let (register, lane, byte) = place(output % TILE_OUTPUTS, input);
            let nibble = u32::from(rounded(value * inverse, 7).cast_unsigned() & 15);
            let shift = 8 * byte + if register % 2 == 0 { 4 } else { 0 };
            words[tile * INT4_TILE_WORDS + register / 2 * 32 + lane] |= nibble << shift;
        }
    }
}

/// The nearest integer, ties to even, in -(limit + 1) ..= limit.
#[expect(clippy::cast_possible_truncation, reason = "clamped to eight bits")]
fn rounded(value: f32, limit: i8) -> i8 {
    let limit = f32::from(limit);
    value.round_ties_even().clamp(-limit - 1.0, limit) as i8
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn every_place_of_a_tile_is_used_once() {
        let mut seen = [false; 4 * 32 * 4];
        for output in 0..16 {
            for input in 0..32 {
                let (register, lane, byte) = place(output, input);
                let at = (register * 32 + lane) * 4 + byte;
                assert!(!std::mem::replace(&mut seen[at], true));
            }
        }
        assert!(seen.into_iter().all(|each| each));
    }
}
