//! What an answer must look like, when a request says so.
//!
//! The structure is enforced token by token ([`grammar`]), so an answer that ends by itself always
//! has it. It begins after the thinking of a model that thinks.

#[cfg(feature = "structured-output")]
mod grammar;
#[cfg(not(feature = "structured-output"))]
#[path = "structure/grammar_disabled.rs"]
mod grammar;
#[cfg(feature = "structured-output")]
mod vocabulary;

use serde_json::{Value, json};

use crate::openai::chat::{Tool, ToolChoice, ToolMode};
use crate::openai::error::ApiError;
use crate::openai::sampling::{ResponseFormat, SamplingFields};

pub(crate) use grammar::Grammars;

/// A structure asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Structure {
    /// JSON that this schema accepts.
    JsonSchema(Value),
    /// Text that matches this regular expression as a whole.
    Regex(String),
    /// One of these texts.
    Choice(Vec<String>),
    /// Text of this grammar, in the dialect of Lark that llguidance reads.
    Lark(String),
    /// Calls of these functions in Hermes notation, with their parameter schemas.
    ToolCalls {
        /// Name and schema of each.
        functions: Vec<(String, Value)>,
        /// Whether there may be more than one call.
        several: bool,
    },
}

/// Where the thinking of the model stands when its answer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// The model does not think, or has been told not to.
    Absent,
    /// The first token may be the opening tag.
    Possible {
        /// `<think>`.
        open: u32,
        /// `</think>`.
        close: u32,
    },
    /// The template wrote the opening tag.
    Begun {
        /// `</think>`.
        close: u32,
    },
}

/// The structure that a request asks for, if any. More than one is an error.
pub(crate) fn of_fields(fields: &SamplingFields) -> Result<Option<Structure>, ApiError> {
    let mut found: Vec<(&str, Structure)> = Vec::new();
    match &fields.response_format {
        None | Some(ResponseFormat::Text) => {}
        Some(ResponseFormat::JsonObject) => found.push(("response_format", any_object())),
        Some(ResponseFormat::JsonSchema { json_schema }) => {
            let schema = Structure::JsonSchema(json_schema.schema.clone());
            found.push(("response_format", schema));
        }
    }
    if let Some(outputs) = &fields.structured_outputs {
        let name = "structured_outputs";
        found.extend(outputs.json.clone().map(|json| (name, schema_of(json))));
        found.extend(
            outputs
                .regex
                .clone()
                .map(|regex| (name, Structure::Regex(regex))),
        );
        found.extend(
            outputs
                .choice
                .clone()
                .map(|texts| (name, Structure::Choice(texts))),
        );
        found.extend(
            outputs
                .grammar
                .clone()
                .map(|text| (name, Structure::Lark(text))),
        );
        if outputs.json_object == Some(true) {
            found.push((name, any_object()));
        }
    }
    found.extend(
        fields
            .guided_json
            .clone()
            .map(|json| ("guided_json", schema_of(json))),
    );
    found.extend(
        fields
            .guided_regex
            .clone()
            .map(|regex| ("guided_regex", Structure::Regex(regex))),
    );
    found.extend(
        fields
            .guided_choice
            .clone()
            .map(|texts| ("guided_choice", Structure::Choice(texts))),
    );
    found.extend(
        fields
            .guided_grammar
            .clone()
            .map(|text| ("guided_grammar", Structure::Lark(text))),
    );
    if let [(first, _), (second, _), ..] = found.as_slice() {
        let message = format!("`{first}` and `{second}` ask for two structures; one is possible");
        return Err(ApiError::invalid_param(*second, message));
    }
    match found.pop() {
        Some((name, Structure::Choice(texts))) if texts.is_empty() => Err(ApiError::invalid_param(
            name,
            format!("{name}: no choice is given"),
        )),
        Some((_, structure)) => Ok(Some(structure)),
        None => Ok(None),
    }
}

/// The structure that a tool choice asks for: `required` or a named function.
pub(crate) fn of_tools(
    tools: &[Tool],
    choice: Option<&ToolChoice>,
    several: bool,
) -> Result<Option<Structure>, ApiError> {
    let schema_of = |tool: &Tool| {
        let schema = tool.function.rest.get("parameters").cloned();
        (
            tool.function.name.clone(),
            schema.unwrap_or_else(|| json!({"type": "object"})),
        )
    };
    let no_tools = || {
        ApiError::invalid_param(
            "tool_choice",
            "tool_choice: there are no `tools` to choose from",
        )
    };
    match choice {
        None | Some(ToolChoice::Mode(ToolMode::None | ToolMode::Auto)) => Ok(None),
        Some(ToolChoice::Mode(ToolMode::Required)) => {
            if tools.is_empty() {
                return Err(no_tools());
            }
            let functions = tools.iter().map(schema_of).collect();
            Ok(Some(Structure::ToolCalls { functions, several }))
        }
        Some(ToolChoice::Named { function }) => {
            if tools.is_empty() {
                return Err(no_tools());
            }
            let tool = tools
                .iter()
                .find(|tool| tool.function.name == function.name);
            let tool = tool.ok_or_else(|| {
                let message = format!("tool_choice: `{}` is not among the tools", function.name);
                ApiError::invalid_param("tool_choice", message)
            })?;
            let functions = vec![schema_of(tool)];
            Ok(Some(Structure::ToolCalls {
                functions,
                several: false,
            }))
        }
    }
}

fn any_object() -> Structure {
    Structure::JsonSchema(json!({"type": "object"}))
}

/// vLLM takes a schema as JSON or as text of JSON.
fn schema_of(json: Value) -> Structure {
    let parsed = json
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    Structure::JsonSchema(parsed.unwrap_or(json))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::read;

    fn of(value: Value) -> Result<Option<Structure>, ApiError> {
        of_fields(&read::<SamplingFields>(&value).unwrap())
    }

    #[test]
    fn every_way_of_asking_is_understood() {
        let schema = json!({"type": "integer"});
        let expected = Some(Structure::JsonSchema(schema.clone()));
        for request in [
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}),
            json!({"structured_outputs": {"json": schema}}),
            json!({"guided_json": "{\"type\": \"integer\"}"}),
        ] {
            assert_eq!(of(request).unwrap(), expected);
        }
        assert_eq!(
            of(json!({"response_format": {"type": "text"}})).unwrap(),
            None
        );
        let regex = of(json!({"structured_outputs": {"regex": "a+"}})).unwrap();
        assert_eq!(regex, Some(Structure::Regex("a+".to_owned())));
    }

    #[test]
    fn two_structures_are_refused() {
        let request = json!({"response_format": {"type": "json_object"}, "guided_regex": "a"});
        assert_eq!(of(request).unwrap_err().param(), Some("guided_regex"));
        assert!(of(json!({"guided_choice": []})).is_err());
    }

    #[test]
    fn a_tool_choice_without_its_tool_is_refused() {
        let choice: ToolChoice = read(&json!({"function": {"name": "f"}})).unwrap();
        assert!(of_tools(&[], Some(&choice), true).is_err());
        let tools: Vec<Tool> =
            read(&json!([{"type": "function", "function": {"name": "g"}}])).unwrap();
        assert!(of_tools(&tools, Some(&choice), true).is_err());
        let required = ToolChoice::Mode(ToolMode::Required);
        let structure = of_tools(&tools, Some(&required), true).unwrap();
        let functions = vec![("g".to_owned(), json!({"type": "object"}))];
        assert_eq!(
            structure,
            Some(Structure::ToolCalls {
                functions,
                several: true
            })
        );
    }
}
