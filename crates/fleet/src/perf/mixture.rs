//! Time of a mixture of experts: the three products of each expert that a token chose.

use serde::{Deserialize, Serialize};

use super::Precision;
use super::gemm::Hardware;
use super::roofline::smooth_max;

/// Sizes of the mixture of one layer on one chip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Tokens of the step.
    pub tokens: f64,
    /// Width of the residual stream.
    pub hidden: f64,
    /// Width of an expert.
    pub intermediate: f64,
    /// Experts on the chip.
    pub experts: f64,
    /// Experts that a token uses.
    pub used: f64,
}

/// Fitted constants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Constants {
    /// Share of the peak rate.
    pub compute_share: f64,
    /// Share of the memory bandwidth.
    pub memory_share: f64,
    /// Launches of routing, sorting and products together, s.
    pub launch_s: f64,
    /// Rows that the product of each expert pays besides its own.
    pub pad_rows: f64,
    /// Columns that every product pays besides its own.
    pub pad_width: f64,
    /// Sharpness of the maximum.
    pub sharpness: f64,
    /// Exponent of the share of experts that are hit: 1 when choices are uniform, less when few
    /// experts take most tokens.
    pub evenness: f64,
}

/// Experts that `tokens` tokens hit, when each chooses `used` of `experts` uniformly.
#[must_use]
pub fn experts_hit(shape: Shape) -> f64 {
    shape.experts * (1.0 - (1.0 - shape.used / shape.experts).powf(shape.tokens))
}

/// Seconds of the mixture of one layer.
#[must_use]
pub fn seconds(c: &Constants, on: &Hardware, shape: Shape, precision: Precision) -> f64 {
    let hit = (experts_hit(shape) / shape.used).powf(c.evenness) * shape.used;
    let rows = shape.tokens * shape.used;
    let expert = 3.0 * (shape.hidden + c.pad_width) * (shape.intermediate + c.pad_width);
    let ops = 2.0 * (rows + hit * c.pad_rows) * expert;
    let bytes = hit * 3.0 * shape.hidden * shape.intermediate * precision.weight_bytes()
        + rows * (2.0 * shape.hidden + 3.0 * shape.intermediate) * 2.0;
    let arithmetic_s = ops / (on.ops_per_s * c.compute_share);
    let memory_s = bytes / (on.bytes_per_s * c.memory_share);
    smooth_max(arithmetic_s, memory_s, c.sharpness) + c.launch_s
}
