//! Time of a matrix product `out[m, n] = activations[m, k] x weights[k, n]`.

use serde::{Deserialize, Serialize};

use super::Precision;
use super::roofline::{cached_share, smooth_max};

/// Sizes of a product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Rows of activations: tokens.
    pub m: f64,
    /// Columns of the weights.
    pub n: f64,
    /// Summed dimension.
    pub k: f64,
}

/// What a product runs on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hardware {
    /// Peak rate in the precision of the product, operations/s.
    pub ops_per_s: f64,
    /// Memory bandwidth, bytes/s.
    pub bytes_per_s: f64,
    /// Last-level cache, bytes; 0 when there is none, or none is known.
    pub cache_bytes: f64,
}

/// Fitted constants of a chip in one precision.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Constants {
    /// Share of the peak rate that an endless product reaches.
    pub compute_share: f64,
    /// Share of the memory bandwidth that a long stream reaches.
    pub memory_share: f64,
    /// Launch and tail of a kernel, s.
    pub launch_s: f64,
    /// Rows that every product pays besides its own: part tiles, and the ends of waves.
    pub pad_m: f64,
    /// The same of columns.
    pub pad_n: f64,
    /// The same of the summed dimension: prologue and epilogue of a tile.
    pub pad_k: f64,
    /// Sharpness of the maximum of arithmetic and memory time.
    pub sharpness: f64,
    /// How much faster than memory the last-level cache is, less one.
    pub cache_gain: f64,
}

/// Bytes that a product reads and writes at least. The output is 2 bytes wide.
#[must_use]
pub fn bytes(shape: Shape, precision: Precision) -> f64 {
    precision.activation_bytes() * shape.m * shape.k
        + precision.weight_bytes() * shape.k * shape.n
        + 2.0 * shape.m * shape.n
}

/// Seconds of one product, launch included.
#[must_use]
pub fn seconds(c: &Constants, on: &Hardware, shape: Shape, precision: Precision) -> f64 {
    c.launch_s + busy_seconds(c, on, shape, precision)
}

/// Seconds of one product without its launch.
#[must_use]
pub fn busy_seconds(c: &Constants, on: &Hardware, shape: Shape, precision: Precision) -> f64 {
    let padded = (shape.m + c.pad_m) * (shape.n + c.pad_n) * (shape.k + c.pad_k);
    let arithmetic_s = 2.0 * padded / (on.ops_per_s * c.compute_share);
    let bytes = bytes(shape, precision);
    let gain = 1.0 + c.cache_gain * cached_share(bytes, on.cache_bytes);
    let memory_s = bytes / (on.bytes_per_s * c.memory_share * gain);
    smooth_max(arithmetic_s, memory_s, c.sharpness)
}
