//! Wire types of the OpenAI API, as requests are read and answers written.
//!
//! Fields that are not known are ignored, as OpenAI and vLLM do; fields that are known but not
//! supported are an error that names them ([`sampling::refuse_unsupported`]), because an answer
//! that silently lacks what was asked for is a wrong answer. Nothing outside this crate sees
//! these types.

pub(crate) mod chat;
pub(crate) mod completion;
pub(crate) mod embedding;
pub(crate) mod error;
pub(crate) mod logprobs;
pub(crate) mod model;
pub(crate) mod rerank;
pub(crate) mod sampling;
pub(crate) mod token;
pub(crate) mod usage;

use serde::de::DeserializeOwned;
use serde_json::Value;

use error::ApiError;

/// The JSON value of a request body, or a 400 that says where it stops being JSON.
pub(crate) fn parse_body(body: &[u8]) -> Result<Value, ApiError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        ApiError::invalid(format!(
            "the body is not UTF-8: invalid byte at offset {}",
            error.valid_up_to()
        ))
    })?;
    let value: Value = serde_json::from_str(text)
        .map_err(|error| ApiError::invalid(format!("the body is not valid JSON: {error}")))?;
    if !value.is_object() {
        return Err(ApiError::invalid("the body must be a JSON object"));
    }
    Ok(value)
}

/// Reads the fields of `T` from a request; a 400 names the field that has the wrong type.
pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let message = error.into_inner().to_string();
        if path == "." {
            ApiError::invalid(message)
        } else {
            ApiError::invalid_param(path.clone(), format!("{path}: {message}"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_or_json_or_an_object_are_located() {
        let message = |body: &[u8]| parse_body(body).unwrap_err().to_string();
        assert_eq!(
            message(b"{\"a\": \"\xff\"}"),
            "the body is not UTF-8: invalid byte at offset 7"
        );
        assert!(message(b"{\"a\": }").contains("line 1 column 7"));
        assert_eq!(message(b"[1]"), "the body must be a JSON object");
        let deep = "[".repeat(100_000);
        assert!(message(format!("{{\"a\":{deep}").as_bytes()).contains("recursion limit"));
    }

    #[test]
    fn a_wrong_type_is_named_by_its_path() {
        let value = serde_json::json!({"model": "m", "messages": [{"role": 7}]});
        let error = read::<chat::ChatRequest>(&value).unwrap_err();
        assert_eq!(error.param(), Some("messages[0].role"));
    }
}
