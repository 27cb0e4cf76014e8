//! A GGUF file as a checkpoint: configuration, tokenizer and tensors under the names that the
//! rest of the engine knows.
//!
//! Source: llama.cpp `convert_hf_to_gguf.py` and `gguf-py/gguf/constants.py`.

use super::blocks::BlockFormat;
use super::{GgufFile, GgufValue};
use crate::config::ModelConfig;
use crate::directory::{GenerationDefaults, SpecialTokens};
use crate::error::Error;
use crate::weights::{StoredType, Tensor, TensorSource, check_shape};
use serde_json::{Map, Value, json};
use std::path::Path;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct GgufCheckpoint {
    file: GgufFile,
    config: ModelConfig,
    /// q and k have the rows of a head interleaved for another form of rotation.
    interleaved_heads: bool,
}

/// Special tokens in `tokenizer.ggml.token_type`.
const TOKEN_CONTROL: i128 = 3;
const TOKEN_USER_DEFINED: i128 = 4;

/// How Qwen splits text before byte pair encoding.
const QWEN2_SPLIT: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

impl GgufCheckpoint {
    /// Opens a file of a supported architecture.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = GgufFile::open(path)?;
        let architecture = text(&file, "general.architecture")?;
        let model_type = match architecture {
            "llama" => "llama",
            "qwen2" => "qwen2",
            "qwen3" => "qwen3",
            "qwen3moe" => "qwen3_moe",
            other => {
                return Err(Error::UnsupportedConfig {
                    field: "general.architecture".to_owned(),
                    value: format!("\"{other}\""),
                    supported: "llama, qwen2, qwen3 and qwen3moe are supported".to_owned(),
                });
            }
        };
        let config = config(&file, architecture, model_type)?;
        Ok(Self {
            interleaved_heads: architecture == "llama",
            config,
            file,
        })
    }

    pub(crate) const fn config(&self) -> &ModelConfig {
        &self.config
    }

    pub(crate) fn chat_template(&self) -> Option<String> {
        match self.file.get("tokenizer.chat_template") {
            Some(GgufValue::Text(template)) => Some(template.clone()),
            _ => None,
        }
    }

    pub(crate) fn generation_defaults(&self) -> GenerationDefaults {
        GenerationDefaults {
            eos_token_id: self.config.eos_token_id.clone(),
            ..GenerationDefaults::default()
        }
    }

    pub(crate) fn special_tokens(&self) -> SpecialTokens {
        let tokens = texts(&self.file, "tokenizer.ggml.tokens").unwrap_or_default();
        let token = |name: &str| {
            let id = token_id(&self.file, &format!("tokenizer.ggml.{name}_token_id"))?;
            tokens.get(id as usize).map(|&token| token.to_owned())
        };
        SpecialTokens {
            bos: token("bos"),
            eos: token("eos"),
            pad: token("padding"),
        }
    }

    /// The tokenizer as the text of a tokenizer.json; `None` if the file has none.
    pub(crate) fn tokenizer_json(&self) -> Result<Option<String>, Error> {
        let file = &self.file;
        let Some(GgufValue::Text(model)) = file.get("tokenizer.ggml.model") else {
            return Ok(None);
        };
        if model != "gpt2" {
            return Err(Error::Tokenizer(format!(
                "the file's tokenizer is `{model}`; byte pair encoding (`gpt2`) is supported"
            )));
        }
        let pre = match file.get("tokenizer.ggml.pre") {
            Some(GgufValue::Text(pre)) => pre.as_str(),
            _ => "default",
        };
        let bytes = |use_regex: bool| json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex});
        let (normalizer, splitters) = match pre {
            "qwen2" | "deepseek-r1-qwen" => (
                json!({"type": "NFC"}),
                json!([
                    {"type": "Split", "pattern": {"Regex": QWEN2_SPLIT}, "behavior": "Isolated", "invert": false},
                    bytes(false)
                ]),
            ),
            "smollm" => (
                Value::Null,
                json!([{"type": "Digits", "individual_digits": true}, bytes(true)]),
            ),
            "gpt-2" | "default" => (Value::Null, json!([bytes(true)])),
            other => {
                return Err(Error::Tokenizer(format!(
                    "the file splits text as `{other}`; qwen2, smollm and gpt-2 are supported"
                )));
            }
        };
        let missing = |key: &str| Error::Tokenizer(format!("the file has no `{key}`"));
        let tokens =
            texts(file, "tokenizer.ggml.tokens").ok_or_else(|| missing("tokenizer.ggml.tokens"))?;
        let merges =
            texts(file, "tokenizer.ggml.merges").ok_or_else(|| missing("tokenizer.ggml.merges"))?;
        let kinds = match file.get("tokenizer.ggml.token_type") {
            Some(GgufValue::Array(kinds)) => kinds.as_slice(),
            _ => &[],
        };
        let vocabulary: Map<String, Value> = (0u32..)
            .zip(&tokens)
            .map(|(id, &token)| (token.to_owned(), Value::from(id)))
            .collect();
        let added: Vec<Value> = (0u32..)
            .zip(&tokens)
            .zip(kinds)
            .filter_map(|((id, &token), kind)| {
                let special = *kind == GgufValue::Integer(TOKEN_CONTROL);
                let added = special || *kind == GgufValue::Integer(TOKEN_USER_DEFINED);
                added.then(|| {
                    json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": special})
                })
            })
            .collect();
        let tokenizer = json!({
            "version": "1.0",
            "added_tokens": added,
            "normalizer": normalizer,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": splitters},
            "post_processor": null,
            "decoder": bytes(true),
            "model": {"type": "BPE", "vocab": vocabulary, "merges": merges}
        });
        Ok(Some(tokenizer.to_string()))
    }
}

/// The configuration as config.json would have it, so that the same checks apply.
fn config(file: &GgufFile, architecture: &str, model_type: &str) -> Result<ModelConfig, Error> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("model_type", model_type.into());
    for (name, key) in [
        ("num_hidden_layers", "block_count"),
        ("hidden_size", "embedding_length"),
        ("intermediate_size", "feed_forward_length"),
        ("num_attention_heads", "attention.head_count"),
        ("num_key_value_heads", "attention.head_count_kv"),
        ("head_dim", "attention.key_length"),
        ("max_position_embeddings", "context_length"),
        ("rms_norm_eps", "attention.layer_norm_rms_epsilon"),
        ("rope_theta", "rope.freq_base"),
    ] {
        if let Some(value) = file.get(&format!("{architecture}.{key}")) {
            put(name, number(key, value)?);
        }
    }
    if model_type == "qwen3_moe" {
        for (name, key) in [
            ("num_experts", "expert_count"),
            ("num_experts_per_tok", "expert_used_count"),
            ("moe_intermediate_size", "expert_feed_forward_length"),
        ] {
            if let Some(value) = file.get(&format!("{architecture}.{key}")) {
                put(name, number(key, value)?);
            }
        }
        put("norm_topk_prob", true.into());
    }
    let scaling = format!("{architecture}.rope.scaling");
    if let Some(GgufValue::Text(kind)) = file.get(&format!("{scaling}.type"))
        && kind != "none"
    {
        let mut rope = Map::new();
        rope.insert("rope_type".to_owned(), kind.as_str().into());
        for (name, key) in [
            ("factor", "factor"),
            (
                "original_max_position_embeddings",
                "original_context_length",
            ),
        ] {
            if let Some(value) = file.get(&format!("{scaling}.{key}")) {
                rope.insert(name.to_owned(), number(key, value)?);
            }
        }
        put("rope_scaling", rope.into());
    }
    let refuse = |field: String| Error::UnsupportedConfig {
        field,
        value: "present".to_owned(),
        supported: "files without it are supported".to_owned(),
    };
    for key in ["attention.sliding_window", "expert_shared_count"] {
        let key = format!("{architecture}.{key}");
        if file
            .get(&key)
            .is_some_and(|value| *value != GgufValue::Integer(0))
        {
            return Err(refuse(key));
        }
    }
    if file.tensor_shape("rope_freqs.weight").is_some() {
        return Err(refuse("rope_freqs.weight".to_owned()));
    }
    let head_dim = |map: &Map<String, Value>| {
        let of = |name: &str| map.get(name).and_then(Value::as_u64);
        of("head_dim").or_else(|| of("hidden_size")?.checked_div(of("num_attention_heads")?))
    };
    // What is rotated must be the whole head.
    if let Some(GgufValue::Integer(rotated)) =
        file.get(&format!("{architecture}.rope.dimension_count"))
        && head_dim(&fields).map(i128::from) != Some(*rotated)
    {
        return Err(refuse(format!("{architecture}.rope.dimension_count")));
    }
    let embedding = file
        .tensor_shape("token_embd.weight")
        .ok_or_else(|| Error::tensor("token_embd.weight", "the checkpoint does not have it"))?;
    fields.insert("vocab_size".to_owned(), embedding[0].into());
    let tied = file.tensor_shape("output.weight").is_none();
    fields.insert("tie_word_embeddings".to_owned(), tied.into());
    let bias = file.tensor_shape("blk.0.attn_q.bias").is_some();
    if model_type != "qwen2" {
        fields.insert("attention_bias".to_owned(), bias.into());
    }
    if let Some(eos) = token_id(file, "tokenizer.ggml.eos_token_id") {
        fields.insert("eos_token_id".to_owned(), eos.into());
    }
    ModelConfig::from_json(&Value::Object(fields).to_string())
}

fn number(key: &str, value: &GgufValue) -> Result<Value, Error> {
    let wrong = || Error::InvalidConfig(format!("`{key}` is {value:?}, not a number"));
    match value {
        GgufValue::Integer(value) => u64::try_from(*value).map(Value::from).map_err(|_| wrong()),
        GgufValue::Float(value) => Ok(json!(value)),
        GgufValue::Flag(_) | GgufValue::Text(_) | GgufValue::Array(_) => Err(wrong()),
    }
}

fn text<'a>(file: &'a GgufFile, key: &str) -> Result<&'a str, Error> {
    match file.get(key) {
        Some(GgufValue::Text(text)) => Ok(text),
        _ => Err(Error::InvalidConfig(format!("`{key}` is missing"))),
    }
}

fn texts<'a>(file: &'a GgufFile, key: &str) -> Option<Vec<&'a str>> {
    let Some(GgufValue::Array(values)) = file.get(key) else {
        return None;
    };
    let text = |value: &'a GgufValue| match value {
        GgufValue::Text(text) => Some(text.as_str()),
        _ => None,
    };
    values.iter().map(text).collect()
}

fn token_id(file: &GgufFile, key: &str) -> Option<u32> {
    match file.get(key) {
        Some(GgufValue::Integer(id)) => u32::try_from(*id).ok(),
        _ => None,
    }
}

/// Name of a tensor in a GGUF file, and which expert of it.
fn gguf_name(name: &str) -> Option<(String, Option<u64>)> {
    let whole = |text: &str| Some((text.to_owned(), None));
    match name {
        "model.embed_tokens.weight" => return whole("token_embd.weight"),
        "model.norm.weight" => return whole("output_norm.weight"),
        "lm_head.weight" => return whole("output.weight"),
        _ => {}
    }
    let (layer, part) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let (part, kind) = part.rsplit_once('.')?;
    if let Some(expert) = part.strip_prefix("mlp.experts.") {
        let (expert, projection) = expert.split_once('.')?;
        let part = projection.strip_suffix("_proj")?;
        let name = format!("blk.{layer}.ffn_{part}_exps.{kind}");
        return Some((name, Some(expert.parse().ok()?)));
    }
    let part = match part {
        "input_layernorm" => "attn_norm",
        "post_attention_layernorm" => "ffn_norm",
        "self_attn.q_proj" => "attn_q",
        "self_attn.k_proj" => "attn_k",
        "self_attn.v_proj" => "attn_v",
        "self_attn.o_proj" => "attn_output",
        "self_attn.q_norm" => "attn_q_norm",
        "self_attn.k_norm" => "attn_k_norm",
        "mlp.gate" => "ffn_gate_inp",
        "mlp.gate_proj" => "ffn_gate",
        "mlp.up_proj" => "ffn_up",
        "mlp.down_proj" => "ffn_down",
        _ => return None,
    };
    whole(&format!("blk.{layer}.{part}.{kind}"))
}

impl TensorSource for GgufCheckpoint {
    fn read(&self, name: &str, shape: &[u64]) -> Result<Tensor, Error> {
        let (stored_name, part) =
            gguf_name(name).ok_or_else(|| Error::tensor(name, "a GGUF file has no such tensor"))?;
        let found = self
            .file
            .tensor_shape(&stored_name)
            .ok_or_else(|| Error::tensor(&stored_name, "the checkpoint does not have it"))?;
        let one = if part.is_some() {
            &found[1.min(found.len())..]
        } else {
            found
        };
        check_shape(&stored_name, one, shape)?;
        let (format, mut bytes) = self.file.read(&stored_name, part)?;
        let stored = match format {
            BlockFormat::Plain(stored) => stored,
            _ => {
                let values = format.to_f32(&bytes);
                bytes = values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect();
                StoredType::F32
            }
        };
        let is_query_or_key = name.contains(".q_proj.") || name.contains(".k_proj.");
        if self.interleaved_heads && is_query_or_key {
            bytes = separate_halves(&bytes, shape, stored, self.config.head_dim);
        }
        Ok(Tensor {
            name: stored_name,
            shape: shape.to_vec(),
            stored,
            bytes,
        })
    }

    fn contains(&self, name: &str) -> bool {
        gguf_name(name).is_some_and(|(name, _)| self.file.tensor_shape(&name).is_some())
    }

    fn names(&self) -> Vec<&str> {
        self.file.tensor_names()
    }
}

/// Rows of each head from pairs next to each other to the first halves, then the second: the
/// converter's `permute` undone.
fn separate_halves(bytes: &[u8], shape: &[u64], stored: StoredType, head_dim: u32) -> Vec<u8> {
    let inputs = shape.get(1).copied().unwrap_or(1);
    let row_bytes = usize::try_from(stored.bytes(inputs)).unwrap_or(usize::MAX);
    let (head, half) = (head_dim as usize, head_dim as usize / 2);
    let rows: Vec<&[u8]> = bytes.chunks_exact(row_bytes).collect();
    rows.chunks_exact(head)
        .flat_map(|rows| (0..head).flat_map(|row| rows[row % half * 2 + row / half].to_vec()))
        .collect()
}
