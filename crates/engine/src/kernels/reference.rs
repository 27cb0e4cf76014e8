//! Plain Rust of what the kernels compute, in f64 where sums are long.

use crate::quantization::Quantization;

/// `x` [rows, inputs] times `w` [outputs, inputs] transposed.
pub(super) fn matmul(x: &[f32], w: &[f32], inputs: usize) -> Vec<f32> {
    let dot = |a: &[f32], b: &[f32]| {
        let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
        narrow(products.sum())
    };
    x.chunks_exact(inputs)
        .flat_map(|row| w.chunks_exact(inputs).map(move |weights| dot(row, weights)))
        .collect()
}

/// The product of quantised values: both sides are rounded as the engine rounds them, the sums
/// are exact.
pub(super) fn product(x: &[f32], w: &[f32], inputs: usize, to: Quantization) -> Vec<f32> {
    if to == Quantization::None {
        return matmul(x, w, inputs);
    }
    let four = |row: &[f32]| {
        let groups = row.chunks(32).flat_map(|group| {
            let extreme = group
                .iter()
                .copied()
                .max_by(|a, b| a.abs().total_cmp(&b.abs()));
            let first = group
                .iter()
                .find(|v| v.abs() == extreme.unwrap_or(0.0).abs());
            let scale = half::f16::from_f32(first.unwrap_or(&0.0) / -8.0).to_f32();
            let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
            let value = move |v: &f32| (v * inverse).round_ties_even().clamp(-8.0, 7.0) * scale;
            group.iter().map(value).collect::<Vec<f32>>()
        });
        groups.collect::<Vec<f32>>()
    };
    let x: Vec<f32> = x.chunks_exact(inputs).flat_map(eight_bits).collect();
    let w: Vec<f32> = match to {
        Quantization::Int4 => w.chunks_exact(inputs).flat_map(four).collect(),
        _ => w.chunks_exact(inputs).flat_map(eight_bits).collect(),
    };
    matmul(&x, &w, inputs)
}

/// Values rounded to 255 steps, of which the largest magnitude is the last.
pub(super) fn eight_bits(row: &[f32]) -> Vec<f32> {
    let largest = row.iter().fold(0.0f32, |largest, v| largest.max(v.abs()));
    let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
    let step = largest / 127.0;
    let rounded = row.iter().map(|v| (v * inverse).round_ties_even() * step);
    rounded.collect()
}

/// RMS norm of rows as wide as `w`.
pub(super) fn rms_norm(x: &[f32], w: &[f32], eps: f32) -> Vec<f32> {
    let mut y = Vec::new();
    for row in x.chunks_exact(w.len()) {
        let squares: f64 = row.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        let scale = 1.0 / (squares / wide(w.len()) + f64::from(eps)).sqrt();
        let scaled = row
            .iter()
            .zip(w)
            .map(|(&v, &w)| narrow(f64::from(v) * scale * f64::from(w)));
        y.extend(scaled);
    }
    y
}

/// Rotation of a head by the angles of its pairs.
pub(super) fn rotate(head: &[f32], angles: &[f64]) -> Vec<f32> {
    let half = head.len() / 2;
    let turn = |index: usize| {
        let (sin, cos) = angles[index % half].sin_cos();
        let (own, other) = (
            f64::from(head[index]),
            f64::from(head[(index + half) % head.len()]),
        );
        narrow(if index < half {
            own * cos - other * sin
        } else {
            own * cos + other * sin
        })
    };
    (0..head.len()).map(turn).collect()
}

/// One query head over keys and values of its positions, each [positions, head_dim].
pub(super) fn attention(q: &[f32], keys: &[Vec<f32>], values: &[Vec<f32>]) -> Vec<f32> {
    let scale = 1.0 / wide(q.len()).sqrt();
    let scores: Vec<f64> = keys
        .iter()
        .map(|key| {
            let products = key
                .iter()
                .zip(q)
                .map(|(&a, &b)| f64::from(a) * f64::from(b));
            products.sum::<f64>() * scale
        })
        .collect();
    let weights = softmax(&scores);
    (0..q.len())
        .map(|d| {
            let parts = weights.iter().zip(values).map(|(w, v)| w * f64::from(v[d]));
            narrow(parts.sum())
        })
        .collect()
}

pub(super) fn softmax(scores: &[f64]) -> Vec<f64> {
    let peak = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = scores.iter().map(|score| (score - peak).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// Gate of the feed-forward layer, of rows of twice the width.
pub(super) fn silu_mul(x: &[f32], width: usize) -> Vec<f32> {
    let mut y = Vec::new();
    for row in x.chunks_exact(2 * width) {
        let (gate, up) = row.split_at(width);
        y.extend(gate.iter().zip(up).map(|(&g, &u)| {
            let g = f64::from(g);
            narrow(g / (1.0 + (-g).exp()) * f64::from(u))
        }));
    }
    y
}

/// Experts of one row and their weights.
pub(super) fn route(logits: &[f32], chosen: usize, normalise: bool) -> (Vec<u32>, Vec<f32>) {
    let logits: Vec<f64> = logits.iter().map(|&logit| f64::from(logit)).collect();
    let probabilities = softmax(&logits);
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| {
        probabilities[b]
            .total_cmp(&probabilities[a])
            .then(a.cmp(&b))
    });
    order.truncate(chosen);
    let sum: f64 = order.iter().map(|&expert| probabilities[expert]).sum();
    let scale = if normalise { sum } else { 1.0 };
    let weights = order
        .iter()
        .map(|&expert| narrow(probabilities[expert] / scale));
    let weights = weights.collect();
    let experts = order
        .into_iter()
        .map(|expert| u32::try_from(expert).expect("few"));
    (experts.collect(), weights)
}

#[expect(clippy::cast_possible_truncation, reason = "results are f32")]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[expect(clippy::cast_precision_loss, reason = "extents are small")]
fn wide(value: usize) -> f64 {
    value as f64
}
