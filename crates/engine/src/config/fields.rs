//! Typed access to the fields of a config.json, which remembers what was looked at.

use super::Architecture;
use crate::error::Error;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Fields without effect on what a decoder computes at inference.
const WITHOUT_EFFECT: &[&str] = &[
    "_name_or_path",
    "architectures",
    "attention_dropout",
    "bos_token_id",
    "dtype",
    "initializer_range",
    "is_llama_config",
    "max_window_layers",
    "model_type",
    "output_router_logits",
    "pad_token_id",
    "rope_interleaved",
    "router_aux_loss_coef",
    "torch_dtype",
    "transformers.js_config",
    "transformers_version",
    "use_cache",
];

/// The JSON object and the names read so far.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    seen: RefCell<BTreeSet<&'a str>>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(map: &'a Map<String, Value>) -> Self {
        Self {
            map,
            seen: RefCell::default(),
        }
    }

    /// The value, unless absent or null.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        let (key, value) = self.map.get_key_value(name)?;
        self.seen.borrow_mut().insert(key);
        (!value.is_null()).then_some(value)
    }

    /// Takes a field as read.
    pub(super) fn ignore(&self, name: &str) {
        let _ = self.get(name);
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, Error> {
        match self.get(name) {
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(wrong(name, other, "a string")),
            None => Err(missing(name)),
        }
    }

    pub(super) fn integer(&self, name: &str, min: u64, max: u64) -> Result<u32, Error> {
        self.optional_integer(name, min, max)?
            .ok_or_else(|| missing(name))
    }

    pub(super) fn optional_integer(
        &self,
        name: &str,
        min: u64,
        max: u64,
    ) -> Result<Option<u32>, Error> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.as_u64() {
            Some(number) if (min..=max).contains(&number) => Ok(u32::try_from(number).ok()),
            _ => Err(wrong(name, value, &format!("an integer in {min}..={max}"))),
        }
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, Error> {
        match self.get(name) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(wrong(name, other, "true or false")),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "norms are computed in f32, as the checkpoint's own code does"
    )]
    pub(super) fn positive(&self, name: &str, default: f32) -> Result<f32, Error> {
        match self.get(name) {
            None => Ok(default),
            Some(value) => match value.as_f64() {
                Some(number) if number > 0.0 && number < 1.0 => Ok(number as f32),
                _ => Err(wrong(name, value, "a number in (0, 1)")),
            },
        }
    }

    /// One number or a list of numbers; absent is the empty list.
    pub(super) fn tokens(&self, name: &str) -> Result<Vec<u32>, Error> {
        let Some(value) = self.get(name) else {
            return Ok(Vec::new());
        };
        token_list(value).ok_or_else(|| wrong(name, value, "a token id or a list of them"))
    }

    /// Refuses what is left: fields that must have a certain value, and unknown ones.
    pub(super) fn check_rest(&self, architecture: Architecture, layers: u32) -> Result<(), Error> {
        let required = |name: &str, supported: &str, holds: &dyn Fn(&Value) -> bool| {
            let value = self.get(name);
            value.map_or(Ok(()), |value| {
                if holds(value) {
                    Ok(())
                } else {
                    Err(unsupported(name, value, supported))
                }
            })
        };
        required("hidden_act", "\"silu\" is supported", &|value| {
            *value == "silu"
        })?;
        required("use_sliding_window", "false is supported", &|value| {
            *value == false
        })?;
        // Without `use_sliding_window` (which Llama does not have) a width says nothing.
        if architecture == Architecture::Llama {
            required("sliding_window", "null is supported", &|_| false)?;
        } else {
            self.ignore("sliding_window");
        }
        required("mlp_bias", "false is supported", &|value| *value == false)?;
        required("pretraining_tp", "1 is supported", &|value| *value == 1)?;
        required(
            "layer_types",
            "\"full_attention\" for every layer is supported",
            &|value| {
                value.as_array().is_some_and(|types| {
                    types.len() == layers as usize
                        && types.iter().all(|each| *each == "full_attention")
                })
            },
        )?;
        if architecture != Architecture::Qwen3Moe {
            for name in ["num_experts", "num_local_experts"] {
                required(name, "no experts in this architecture", &|_| false)?;
            }
        }
        let seen = self.seen.borrow();
        for (name, value) in self.map {
            let known = seen.contains(name.as_str()) || WITHOUT_EFFECT.contains(&name.as_str());
            if !known && !value.is_null() {
                return Err(unsupported(name, value, "this field is not known"));
            }
        }
        Ok(())
    }
}

/// A token id, or a list of them.
pub(crate) fn token_list(value: &Value) -> Option<Vec<u32>> {
    let token = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(list) => list.iter().map(token).collect(),
        _ => token(value).map(|id| vec![id]),
    }
}

pub(super) fn unsupported(field: &str, value: &Value, supported: &str) -> Error {
    const LONGEST: usize = 80;
    let mut value = value.to_string();
    if let Some((end, _)) = value.char_indices().nth(LONGEST) {
        value.truncate(end);
        value.push_str("...");
    }
    Error::UnsupportedConfig {
        field: field.to_owned(),
        value,
        supported: supported.to_owned(),
    }
}

pub(super) fn wrong(name: &str, value: &Value, expected: &str) -> Error {
    Error::InvalidConfig(format!("`{name}` is {value}, not {expected}"))
}

fn missing(name: &str) -> Error {
    Error::InvalidConfig(format!("`{name}` is missing"))
}
