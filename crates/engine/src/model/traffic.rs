//! What a step must move and compute at the least: the sides of a roofline.

use super::{FeedForward, Model};
use crate::matrix::Matrix;
use crate::quantization::KvCacheFormat;

/// Least work of a model's steps. Norms, biases and activations are left out: they are small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traffic {
    /// Bytes of the weights that every step reads: all but the experts and an embedding that is
    /// not the output head.
    pub dense_bytes: f64,
    /// Bytes of all experts of all layers.
    pub expert_bytes: f64,
    /// Part of the experts that a token goes to.
    pub expert_share: f64,
    /// Bytes of keys and values of one position.
    pub kv_bytes: f64,
    /// Multiply-accumulates of one token in products with weights, without the output head.
    pub token_macs: f64,
    /// Multiply-accumulates of the output head.
    pub head_macs: f64,
    /// Multiply-accumulates of attention, for one token and one position before it.
    pub attention_macs: f64,
}

impl Traffic {
    /// Bytes that a step of `batch` sequences of `context` positions reads. Sequences choose
    /// their experts independently.
    #[must_use]
    pub fn decode_bytes(&self, batch: f64, context: f64) -> f64 {
        let distinct = 1.0 - (1.0 - self.expert_share).powf(batch);
        self.dense_bytes + distinct * self.expert_bytes + batch * context * self.kv_bytes
    }

    /// Operations (two for a multiply-accumulate) of a step of `batch` sequences of `context`
    /// positions.
    #[must_use]
    pub fn decode_operations(&self, batch: f64, context: f64) -> f64 {
        let macs = self.token_macs + self.head_macs + context * self.attention_macs;
        2.0 * batch * macs
    }

    /// Operations of a prompt of `length` tokens, of which only the last needs the head.
    #[must_use]
    pub fn prompt_operations(&self, length: f64) -> f64 {
        let attention = length * (length + 1.0) / 2.0 * self.attention_macs;
        2.0 * (length * self.token_macs + self.head_macs + attention)
    }
}

impl Model {
    /// The least work of its steps.
    pub(crate) fn traffic(&self) -> Traffic {
        let config = self.config();
        let layers = f64::from(config.num_hidden_layers);
        let cached = match self.limits.kv_cache {
            KvCacheFormat::F32 => f64::from(config.kv_width()) * 4.0,
            KvCacheFormat::Int8 => {
                f64::from(config.kv_width()) + f64::from(config.num_key_value_heads) * 4.0
            }
        };
        let mut traffic = Traffic {
            dense_bytes: bytes(&self.lm_head),
            expert_bytes: 0.0,
            expert_share: 0.0,
            kv_bytes: 2.0 * layers * cached,
            token_macs: 0.0,
            head_macs: macs(&self.lm_head),
            attention_macs: 2.0 * layers * f64::from(config.query_width()),
        };
        for layer in &self.layers {
            let mut dense = vec![&layer.qkv_proj, &layer.o_proj];
            match (&layer.mlp, &config.moe) {
                (
                    FeedForward::Sparse {
                        gate,
                        gate_up_proj,
                        down_proj,
                    },
                    Some(moe),
                ) => {
                    dense.push(gate);
                    let (all, chosen) = (
                        f64::from(moe.num_experts),
                        f64::from(moe.num_experts_per_tok),
                    );
                    traffic.expert_share = chosen / all;
                    traffic.expert_bytes += all * (bytes(gate_up_proj) + bytes(down_proj));
                    traffic.token_macs += chosen * (macs(gate_up_proj) + macs(down_proj));
                }
                (
                    FeedForward::Dense {
                        gate_up_proj,
                        down_proj,
                    }
                    | FeedForward::Sparse {
                        gate_up_proj,
                        down_proj,
                        ..
                    },
                    _,
                ) => dense.extend([gate_up_proj, down_proj]),
            }
            for matrix in dense {
                traffic.dense_bytes += bytes(matrix);
                traffic.token_macs += macs(matrix);
            }
        }
        traffic
    }
}

#[expect(clippy::cast_precision_loss, reason = "a measure, not a size")]
fn bytes(matrix: &Matrix) -> f64 {
    (matrix.word_count() * 4 + matrix.scale_bytes()) as f64
}

fn macs(matrix: &Matrix) -> f64 {
    f64::from(matrix.outputs) * f64::from(matrix.inputs)
}
