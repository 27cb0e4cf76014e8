//! Time of attention over grouped heads: causal prefill, and decode against a KV cache.

use serde::{Deserialize, Serialize};

use super::gemm::Hardware;
use super::roofline::{cached_share, smooth_max};

/// Heads of one layer on one chip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heads {
    /// Query heads.
    pub query: f64,
    /// Key and value heads.
    pub kv: f64,
    /// Width of a head.
    pub dim: f64,
}

/// Fitted constants of prefill attention.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrefillConstants {
    /// Share of the peak rate that endless attention reaches.
    pub compute_share: f64,
    /// Share of the memory bandwidth.
    pub memory_share: f64,
    /// Launch, s.
    pub launch_s: f64,
    /// Tiles (of 128 queries of a head) at which half of the compute share is reached.
    pub tiles_half: f64,
    /// Tokens that every sequence pays besides its own.
    pub pad_tokens: f64,
    /// Seconds of a tile besides its arithmetic, times the chip's parallelism.
    pub tile_s: f64,
    /// Sharpness of the maximum.
    pub sharpness: f64,
}

/// Fitted constants of decode attention.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DecodeConstants {
    /// Share of the memory bandwidth that a long stream reaches.
    pub memory_share: f64,
    /// Share of the peak rate.
    pub compute_share: f64,
    /// Launch, s.
    pub launch_s: f64,
    /// Tokens that every sequence pays at least: a block of the cache.
    pub pad_tokens: f64,
    /// Seconds of a sequence of one KV head besides its stream.
    pub item_s: f64,
    /// Seconds per token that one sequence takes at least where heads are not grouped: some
    /// kernels split a sequence over the chip only when several query heads share its keys.
    pub serial_s: f64,
    /// Sharpness of the maximum.
    pub sharpness: f64,
    /// How much faster than memory the last-level cache is, less one.
    pub cache_gain: f64,
    /// Share of the last-level cache that keys and values can use.
    pub cache_share: f64,
}

/// Queries of a tile: what kernels of this kind use.
const TILE_TOKENS: f64 = 128.0;
/// Rows to which the query heads of a group are filled up in a matrix unit.
const GROUP_ROWS: f64 = 16.0;
/// Sharpness of bounds that are nearly hard.
const PAD_SHARPNESS: f64 = 4.0;
/// Bytes of an element of keys, values, queries and output in the measured tables.
const ELEMENT_BYTES: f64 = 2.0;

/// Seconds of causal attention of `batch` sequences of `tokens` each that follow `past` tokens
/// which are in the cache.
#[must_use]
pub fn prefill_seconds(
    c: &PrefillConstants,
    on: &Hardware,
    heads: Heads,
    batch: f64,
    tokens: f64,
    past: f64,
) -> f64 {
    // Query i meets past + i keys: on average past and half of the tokens.
    let pairs = (tokens + c.pad_tokens) * (past + (tokens + c.pad_tokens) / 2.0);
    let ops = batch * heads.query * heads.dim * 4.0 * pairs;
    let tiles = batch * heads.query * (tokens / TILE_TOKENS).ceil();
    let share = c.compute_share * tiles / (tiles + c.tiles_half);
    let arithmetic_s = ops / (on.ops_per_s * share);
    let bytes = ELEMENT_BYTES
        * batch
        * heads.dim
        * 2.0
        * (tokens * heads.query + (tokens + past) * heads.kv);
    let memory_s = bytes / (on.bytes_per_s * c.memory_share);
    smooth_max(arithmetic_s, memory_s, c.sharpness) + c.launch_s + tiles * c.tile_s
}

/// Seconds of one decode step of `batch` sequences that hold `kv_tokens` tokens together, with
/// `element_bytes` per element of keys and values.
#[must_use]
pub fn decode_seconds(
    c: &DecodeConstants,
    on: &Hardware,
    heads: Heads,
    batch: f64,
    kv_tokens: f64,
    element_bytes: f64,
) -> f64 {
    if batch <= 0.0 {
        return 0.0;
    }
    let streamed = batch * smooth_max(kv_tokens / batch, c.pad_tokens, PAD_SHARPNESS);
    let bytes = 2.0
        * heads.dim
        * (streamed * heads.kv * element_bytes + ELEMENT_BYTES * batch * heads.query);
    let gain = 1.0 + c.cache_gain * cached_share(bytes, on.cache_bytes * c.cache_share);
    let memory_s = bytes / (on.bytes_per_s * c.memory_share * gain);
    let group_rows = (heads.query / heads.kv / GROUP_ROWS).ceil() * GROUP_ROWS;
    let ops = streamed * heads.kv * group_rows * heads.dim * 4.0;
    let arithmetic_s = ops / (on.ops_per_s * c.compute_share);
    let ungrouped = heads.query <= heads.kv;
    let serial_s = if ungrouped {
        c.serial_s * kv_tokens / batch
    } else {
        0.0
    };
    let stream_s = smooth_max(memory_s, serial_s, PAD_SHARPNESS);
    smooth_max(stream_s, arithmetic_s, c.sharpness) + c.launch_s + batch * heads.kv * c.item_s
}
