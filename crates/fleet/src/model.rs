//! Shapes of language models, and what follows from a shape: parameters and KV bytes.

use serde::{Deserialize, Serialize};

use crate::names::{UnknownName, key};

/// The shape of a decoder-only transformer with gated feed-forward layers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Name in commands and specifications.
    pub id: String,
    /// Decoder layers.
    pub layers: u32,
    /// Width of the residual stream.
    pub hidden: u32,
    /// Query heads.
    pub heads: u32,
    /// Key and value heads.
    pub kv_heads: u32,
    /// Width of a head.
    pub head_dim: u32,
    /// Width of the feed-forward layer, of one expert where there are experts.
    pub intermediate: u32,
    /// Entries of the vocabulary.
    pub vocabulary: u32,
    /// Whether input and output embedding are one matrix.
    pub tied: bool,
    /// Experts of a layer; 0 for a dense model.
    #[serde(default)]
    pub experts: u32,
    /// Experts that a token uses.
    #[serde(default)]
    pub experts_per_token: u32,
}

impl Model {
    /// Whether the feed-forward layers are mixtures of experts.
    #[must_use]
    pub fn is_mixture(&self) -> bool {
        self.experts > 0
    }

    /// Parameters of the attention projections of one layer.
    #[must_use]
    pub fn attention_parameters(&self) -> f64 {
        let hidden = f64::from(self.hidden);
        let query = f64::from(self.heads * self.head_dim);
        let key_value = f64::from(self.kv_heads * self.head_dim);
        hidden * (2.0 * query + 2.0 * key_value)
    }

    /// Parameters of one feed-forward layer, or of one expert.
    #[must_use]
    pub fn feed_forward_parameters(&self) -> f64 {
        3.0 * f64::from(self.hidden) * f64::from(self.intermediate)
    }

    /// Parameters of the router of one layer.
    #[must_use]
    pub fn router_parameters(&self) -> f64 {
        f64::from(self.hidden) * f64::from(self.experts)
    }

    /// All parameters, but norms and biases.
    #[must_use]
    pub fn parameters(&self) -> f64 {
        let experts = f64::from(self.experts.max(1));
        let layer = self.attention_parameters()
            + self.router_parameters()
            + experts * self.feed_forward_parameters();
        let embeddings = if self.tied { 1.0 } else { 2.0 };
        f64::from(self.layers) * layer + embeddings * self.embedding_parameters()
    }

    /// Parameters that one token uses in the decoder layers and the output head.
    #[must_use]
    pub fn active_parameters(&self) -> f64 {
        let experts = f64::from(self.experts_per_token.max(1));
        let layer = self.attention_parameters()
            + self.router_parameters()
            + experts * self.feed_forward_parameters();
        f64::from(self.layers) * layer + self.embedding_parameters()
    }

    /// Parameters of one embedding matrix.
    #[must_use]
    pub fn embedding_parameters(&self) -> f64 {
        f64::from(self.hidden) * f64::from(self.vocabulary)
    }

    /// Bytes of keys and values of one token over all layers, with `element_bytes` per element.
    #[must_use]
    pub fn kv_bytes_per_token(&self, element_bytes: f64) -> f64 {
        2.0 * f64::from(self.layers)
            * f64::from(self.kv_heads)
            * f64::from(self.head_dim)
            * element_bytes
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    model: Vec<Model>,
}

/// The models of this release.
///
/// # Panics
/// Never: a test reads the file.
#[must_use]
pub fn builtin() -> Vec<Model> {
    toml::from_str::<File>(include_str!("../data/models.toml"))
        .expect("a test reads the data file")
        .model
}

/// The model called `name`; case and punctuation do not matter.
///
/// # Errors
/// When there is none; the error suggests near names.
pub fn find(name: &str) -> Result<Model, UnknownName> {
    let models = builtin();
    let wanted = key(name);
    if let Some(model) = models.iter().find(|model| key(&model.id) == wanted) {
        return Ok(model.clone());
    }
    Err(UnknownName::new(
        "model",
        name,
        models.iter().map(|model| model.id.as_str()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parameter counts, active counts (without the input embedding) and INT8 KV bytes per token
    /// as the makers' model cards and configurations give them.
    #[test]
    fn sizes_are_those_of_the_model_cards() {
        let known = [
            ("qwen2.5-0.5b", 0.494, 0.494, 6_144.0),
            ("qwen2.5-7b", 7.616, 7.071, 28_672.0),
            ("qwen3-8b", 8.191, 7.568, 73_728.0),
            ("qwen3-30b-a3b", 30.532, 3.042, 49_152.0),
        ];
        for (name, all, active, kv) in known {
            let model = find(name).unwrap();
            assert!(
                (model.parameters() / 1e9 / all - 1.0).abs() < 2e-3,
                "{name}"
            );
            assert!(
                (model.active_parameters() / 1e9 / active - 1.0).abs() < 2e-3,
                "{name}"
            );
            assert!((model.kv_bytes_per_token(1.0) - kv).abs() < 0.5, "{name}");
        }
    }

    #[test]
    fn a_misspelt_model_gets_suggestions() {
        assert!(
            find("qwen3-8")
                .unwrap_err()
                .near
                .contains(&"qwen3-8b".to_owned())
        );
    }
}
