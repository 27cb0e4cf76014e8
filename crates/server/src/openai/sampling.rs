//! Fields that chat and text completions share: sampling, stopping, streaming, constraints.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::error::ApiError;

/// Sampling and stopping, as they stand in a request. `null` means the default.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct SamplingFields {
    pub(crate) temperature: Option<f32>,
    pub(crate) top_p: Option<f32>,
    pub(crate) top_k: Option<i64>,
    pub(crate) min_p: Option<f32>,
    pub(crate) repetition_penalty: Option<f32>,
    pub(crate) presence_penalty: Option<f32>,
    pub(crate) frequency_penalty: Option<f32>,
    pub(crate) seed: Option<i64>,
    pub(crate) n: Option<usize>,
    pub(crate) stop: Option<Stop>,
    pub(crate) stop_token_ids: Option<Vec<u32>>,
    pub(crate) include_stop_str_in_output: Option<bool>,
    pub(crate) ignore_eos: Option<bool>,
    pub(crate) min_tokens: Option<usize>,
    pub(crate) max_tokens: Option<usize>,
    pub(crate) max_completion_tokens: Option<usize>,
    pub(crate) logit_bias: Option<BTreeMap<String, f32>>,
    pub(crate) skip_special_tokens: Option<bool>,
    pub(crate) truncate_prompt_tokens: Option<usize>,
    pub(crate) stream: Option<bool>,
    pub(crate) stream_options: Option<StreamOptions>,
    pub(crate) response_format: Option<ResponseFormat>,
    pub(crate) structured_outputs: Option<StructuredOutputs>,
    pub(crate) guided_json: Option<Value>,
    pub(crate) guided_regex: Option<String>,
    pub(crate) guided_choice: Option<Vec<String>>,
    pub(crate) guided_grammar: Option<String>,
}

/// One stop string or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Stop {
    /// A single string.
    One(String),
    /// Any of these.
    Many(Vec<String>),
}

impl Stop {
    /// The strings, empty ones refused.
    pub(crate) fn into_strings(self) -> Result<Vec<String>, ApiError> {
        let strings = match self {
            Self::One(string) => vec![string],
            Self::Many(strings) => strings,
        };
        if strings.iter().any(String::is_empty) {
            return Err(ApiError::invalid_param(
                "stop",
                "stop: a stop string is empty",
            ));
        }
        Ok(strings)
    }
}

/// `stream_options`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct StreamOptions {
    pub(crate) include_usage: Option<bool>,
    pub(crate) continuous_usage_stats: Option<bool>,
}

/// `response_format`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ResponseFormat {
    /// No constraint.
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that a schema accepts.
    JsonSchema {
        /// The schema with its name.
        json_schema: JsonSchema,
    },
}

/// `response_format.json_schema`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct JsonSchema {
    pub(crate) schema: Value,
}

/// vLLM's `structured_outputs`: exactly one of these.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct StructuredOutputs {
    pub(crate) json: Option<Value>,
    pub(crate) regex: Option<String>,
    pub(crate) choice: Option<Vec<String>>,
    pub(crate) grammar: Option<String>,
    pub(crate) json_object: Option<bool>,
}

/// Fields of the API, and of servers like this one, whose absence would make an answer wrong.
/// Each with the value that means the same as leaving it out.
const UNSUPPORTED: &[(&str, &[&str])] = &[
    ("audio", &[]),
    ("bad_words", &["[]"]),
    ("best_of", &["1"]),
    ("function_call", &["\"none\"", "\"auto\""]),
    ("functions", &["[]"]),
    ("include_reasoning", &["true"]),
    ("length_penalty", &["1.0", "1"]),
    ("modalities", &["[\"text\"]"]),
    ("prediction", &[]),
    ("prompt_logprobs", &[]),
    ("prompt_embeds", &[]),
    ("suffix", &["\"\""]),
    ("use_beam_search", &["false"]),
    ("web_search_options", &[]),
];

/// Refuses a request that has one of the known fields that are not supported.
pub(crate) fn refuse_unsupported(request: &Value) -> Result<(), ApiError> {
    for (field, harmless) in UNSUPPORTED {
        let Some(value) = request.get(field) else {
            continue;
        };
        if !value.is_null() && !harmless.contains(&value.to_string().as_str()) {
            return Err(ApiError::unsupported(field));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unsupported_fields_are_named_and_their_defaults_accepted() {
        assert!(refuse_unsupported(&json!({"best_of": 1, "suffix": null})).is_ok());
        let error = refuse_unsupported(&json!({"best_of": 4})).unwrap_err();
        assert_eq!(error.param(), Some("best_of"));
    }

    #[test]
    fn response_formats_are_told_apart() {
        let read = |value| serde_json::from_value::<ResponseFormat>(value);
        assert!(matches!(
            read(json!({"type": "text"})),
            Ok(ResponseFormat::Text)
        ));
        assert!(read(json!({"type": "json_schema"})).is_err());
        assert!(read(json!({"type": "yaml"})).is_err());
    }
}
