//! `config.json` of a checkpoint: what to compute.
//!
//! Field names are those of Hugging Face Transformers. Both spellings are read where version 5
//! changed one (`rope_parameters` for `rope_theta` and `rope_scaling`, `num_local_experts` for
//! `num_experts`). A field is used, or known to have no effect on inference, or must have the
//! one value that this engine computes, or it is an error that names it: a model is never run as
//! something that it is not.

mod fields;
mod rope;

use crate::error::Error;
use fields::Fields;
pub(crate) use fields::token_list;
pub use rope::{Rope, RopeScaling};
use serde_json::{Map, Value};

/// Families of decoders. They differ in biases, norms and feed-forward layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Llama, and what shares its layout (SmolLM2): no biases, no q/k norm.
    Llama,
    /// Qwen2 and Qwen2.5: biases on q, k and v.
    Qwen2,
    /// Qwen3 dense: RMS norm on every head of q and k before the rotation.
    Qwen3,
    /// Qwen3 mixture of experts.
    Qwen3Moe,
}

impl Architecture {
    /// `model_type` in config.json.
    #[must_use]
    pub const fn model_type(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
            Self::Qwen3Moe => "qwen3_moe",
        }
    }
}

/// Shape of a decoder. Field names are the checkpoint's.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// Family.
    pub architecture: Architecture,
    /// Rows of the embedding and of the output head.
    pub vocab_size: u32,
    /// Width of the residual stream.
    pub hidden_size: u32,
    /// Width of the dense feed-forward layers.
    pub intermediate_size: u32,
    /// Decoder layers.
    pub num_hidden_layers: u32,
    /// Query heads.
    pub num_attention_heads: u32,
    /// Key and value heads; divides the query heads.
    pub num_key_value_heads: u32,
    /// Width of a head; even.
    pub head_dim: u32,
    /// Most positions of a sequence.
    pub max_position_embeddings: u32,
    /// Added to the mean square in RMS norms.
    pub rms_norm_eps: f32,
    /// Rotary position embedding.
    pub rope: Rope,
    /// The output head is the embedding.
    pub tie_word_embeddings: bool,
    /// q, k and v have biases.
    pub qkv_bias: bool,
    /// The attention output has a bias.
    pub output_bias: bool,
    /// Experts, in the layers that have them.
    pub moe: Option<MoeConfig>,
    /// Tokens that end a sequence.
    pub eos_token_id: Vec<u32>,
}

/// Feed-forward layers of experts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoeConfig {
    /// Experts of a layer.
    pub num_experts: u32,
    /// Experts that a token goes to.
    pub num_experts_per_tok: u32,
    /// Width of one expert.
    pub moe_intermediate_size: u32,
    /// The weights of the chosen experts are divided by their sum.
    pub norm_topk_prob: bool,
    /// Layer `i` has experts when this divides `i + 1`.
    pub decoder_sparse_step: u32,
    /// Layers without experts all the same.
    pub mlp_only_layers: Vec<u32>,
}

/// Largest value of any extent in a configuration: everything the engine multiplies stays far
/// below 2^63, and a corrupt file does not make it allocate the address space.
const MAX_EXTENT: u64 = 1 << 24;

impl ModelConfig {
    /// Reads the text of a config.json.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidConfig`] for what is no configuration, [`Error::UnsupportedConfig`] for
    /// a field or value that this engine does not compute.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| Error::InvalidConfig(format!("not JSON: {error}")))?;
        let Value::Object(map) = value else {
            return Err(Error::InvalidConfig("not a JSON object".to_owned()));
        };
        Self::from_map(&map)
    }

    fn from_map(map: &Map<String, Value>) -> Result<Self, Error> {
        let fields = Fields::new(map);
        let architecture = match fields.text("model_type")? {
            "llama" => Architecture::Llama,
            "qwen2" => Architecture::Qwen2,
            "qwen3" => Architecture::Qwen3,
            "qwen3_moe" => Architecture::Qwen3Moe,
            other => {
                return Err(Error::UnsupportedConfig {
                    field: "model_type".to_owned(),
                    value: format!("\"{other}\""),
                    supported: "llama, qwen2, qwen3 and qwen3_moe are supported".to_owned(),
                });
            }
        };
        let extent = |name| fields.integer(name, 1, MAX_EXTENT);
        let hidden_size = extent("hidden_size")?;
        let heads = extent("num_attention_heads")?;
        let kv_heads = fields
            .optional_integer("num_key_value_heads", 1, MAX_EXTENT)?
            .unwrap_or(heads);
        if !heads.is_multiple_of(kv_heads) {
            return Err(Error::InvalidConfig(format!(
                "{heads} query heads cannot share {kv_heads} key and value heads"
            )));
        }
        let head_dim = match fields.optional_integer("head_dim", 2, 1024)? {
            Some(head_dim) => head_dim,
            None if hidden_size.is_multiple_of(heads) => hidden_size / heads,
            None => {
                return Err(Error::InvalidConfig(format!(
                    "no `head_dim`, and `hidden_size` {hidden_size} is no multiple of {heads} heads"
                )));
            }
        };
        if !head_dim.is_multiple_of(2) {
            return Err(Error::InvalidConfig(format!(
                "`head_dim` {head_dim} is odd: it cannot be rotated"
            )));
        }
        let max_position_embeddings = extent("max_position_embeddings")?;
        let attention_bias = fields.flag("attention_bias", false)?;
        let (qkv_bias, output_bias) = match architecture {
            Architecture::Qwen2 => (true, false),
            Architecture::Llama | Architecture::Qwen3 | Architecture::Qwen3Moe => {
                (attention_bias, attention_bias)
            }
        };
        let config = Self {
            architecture,
            vocab_size: extent("vocab_size")?,
            hidden_size,
            intermediate_size: extent("intermediate_size")?,
            num_hidden_layers: fields.integer("num_hidden_layers", 1, 1024)?,
            num_attention_heads: heads,
            num_key_value_heads: kv_heads,
            head_dim,
            max_position_embeddings,
            rms_norm_eps: fields.positive("rms_norm_eps", 1e-6)?,
            rope: Rope::from_fields(&fields, max_position_embeddings)?,
            // Transformers' default is false for Llama and Qwen alike.
            tie_word_embeddings: fields.flag("tie_word_embeddings", false)?,
            qkv_bias,
            output_bias,
            moe: match architecture {
                Architecture::Qwen3Moe => Some(MoeConfig::from_fields(&fields)?),
                Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3 => None,
            },
            eos_token_id: fields.tokens("eos_token_id")?,
        };
        fields.check_rest(architecture, config.num_hidden_layers)?;
        Ok(config)
    }

    /// Whether layer `index` has experts.
    #[must_use]
    pub fn is_sparse(&self, index: u32) -> bool {
        self.moe.as_ref().is_some_and(|moe| {
            !moe.mlp_only_layers.contains(&index)
                && (index + 1).is_multiple_of(moe.decoder_sparse_step)
        })
    }

    /// Whether q and k are normed per head.
    #[must_use]
    pub const fn has_qk_norm(&self) -> bool {
        matches!(
            self.architecture,
            Architecture::Qwen3 | Architecture::Qwen3Moe
        )
    }

    /// Width of all query heads.
    #[must_use]
    pub const fn query_width(&self) -> u32 {
        self.num_attention_heads * self.head_dim
    }

    /// Width of all key heads; the value heads' too.
    #[must_use]
    pub const fn kv_width(&self) -> u32 {
        self.num_key_value_heads * self.head_dim
    }

    /// Number of parameters, with tied weights once.
    #[must_use]
    pub fn parameter_count(&self) -> u64 {
        let wide = u64::from;
        let (hidden, query, kv) = (
            wide(self.hidden_size),
            wide(self.query_width()),
            wide(self.kv_width()),
        );
        let embeddings = wide(self.vocab_size) * hidden;
        let mut count = embeddings * if self.tie_word_embeddings { 1 } else { 2 } + hidden;
        for layer in 0..self.num_hidden_layers {
            count += 2 * hidden + hidden * (query + 2 * kv) + query * hidden;
            count += if self.qkv_bias { query + 2 * kv } else { 0 };
            count += if self.output_bias { hidden } else { 0 };
            count += if self.has_qk_norm() {
                2 * wide(self.head_dim)
            } else {
                0
            };
            count += match &self.moe {
                Some(moe) if self.is_sparse(layer) => {
                    let experts = wide(moe.num_experts);
                    experts * hidden * (1 + 3 * wide(moe.moe_intermediate_size))
                }
                _ => 3 * hidden * wide(self.intermediate_size),
            };
        }
        count
    }
}

impl MoeConfig {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, Error> {
        let experts = match fields.optional_integer("num_experts", 1, 4096)? {
            Some(experts) => {
                fields.ignore("num_local_experts");
                experts
            }
            None => fields.integer("num_local_experts", 1, 4096)?,
        };
        let per_token = fields.integer("num_experts_per_tok", 1, 64)?;
        if per_token > experts {
            return Err(Error::InvalidConfig(format!(
                "`num_experts_per_tok` {per_token} is above {experts} experts"
            )));
        }
        Ok(Self {
            num_experts: experts,
            num_experts_per_tok: per_token,
            moe_intermediate_size: fields.integer("moe_intermediate_size", 1, MAX_EXTENT)?,
            norm_topk_prob: fields.flag("norm_topk_prob", false)?,
            decoder_sparse_step: fields
                .optional_integer("decoder_sparse_step", 1, 1024)?
                .unwrap_or(1),
            mlp_only_layers: fields.tokens("mlp_only_layers")?,
        })
    }
}

#[cfg(test)]
mod tests;
