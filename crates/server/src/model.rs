//! A model that is served: its engine, and what turns requests into tokens.

use serde_json::{Map, Value, json};
use weft_engine::{EngineHandle, GenerationDefaults, ModelDirectory, Tokenizer};

use crate::ServeError;
use crate::identity::unix_seconds;
use crate::openai::chat::{ChatRequest, Content, Message, Tool, ToolChoice, ToolMode};
use crate::openai::error::ApiError;
use crate::structure::{Grammars, Thinking};
use crate::template::{ChatTemplate, Conversation};
use crate::text::reasoning::ReasoningSplitter;

/// A model with its engine.
#[derive(Debug)]
pub(crate) struct Model {
    /// Names that requests may use; the first is in answers.
    pub(crate) names: Vec<String>,
    pub(crate) engine: EngineHandle,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) defaults: GenerationDefaults,
    pub(crate) context: usize,
    pub(crate) grammars: Grammars,
    template: Option<ChatTemplate>,
    /// `<think>` and `</think>`, for a model whose template knows of thinking.
    think_tokens: Option<(u32, u32)>,
}

/// A prompt that a template made.
#[derive(Debug)]
pub(crate) struct ChatPrompt {
    /// The text, special tokens by name.
    pub(crate) text: String,
    /// Its tokens.
    pub(crate) tokens: Vec<u32>,
}

impl Model {
    /// The model of a directory that `engine` runs.
    pub(crate) fn new(
        directory: &ModelDirectory,
        engine: EngineHandle,
        names: Vec<String>,
    ) -> Result<Self, ServeError> {
        let tokenizer = engine.tokenizer().ok_or(ServeError::NoTokenizer)?.clone();
        let context = engine.context() as usize;
        let special = directory.special_tokens();
        let mut constants = Map::new();
        for (name, text) in [
            ("bos_token", &special.bos),
            ("eos_token", &special.eos),
            ("pad_token", &special.pad),
        ] {
            constants.insert(name.to_owned(), json!(text.clone().unwrap_or_default()));
        }
        let template = directory
            .chat_template()
            .map(|source| ChatTemplate::new(source, &constants))
            .transpose()
            .map_err(|error| ServeError::Template(error.to_string()))?;
        let defaults = directory.generation_defaults().clone();
        let vocabulary = directory.config().vocab_size as usize;
        let thinks = template
            .as_ref()
            .is_some_and(ChatTemplate::mentions_thinking);
        let think_tokens = tokenizer
            .token_to_id("<think>")
            .zip(tokenizer.token_to_id("</think>"))
            .filter(|_| thinks);
        Ok(Self {
            names,
            grammars: Grammars::new(&tokenizer, vocabulary, &defaults.eos_token_id),
            engine,
            tokenizer,
            defaults,
            context,
            template,
            think_tokens,
        })
    }

    /// The name in answers.
    pub(crate) fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// Refuses a request for another model. None is this one.
    pub(crate) fn check_name(&self, model: Option<&str>) -> Result<(), ApiError> {
        match model {
            Some(name) if !self.names.iter().any(|each| each == name) => {
                Err(ApiError::ModelNotFound {
                    model: name.to_owned(),
                    available: self.names.join(", "),
                })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Why the engine no longer answers, if it does not.
    pub(crate) fn failure(&self) -> Option<String> {
        self.engine.stopped()
    }

    /// The tokens for no and yes of a model that judges documents (Qwen3-Reranker), which is told
    /// by its name: its configuration is that of any Qwen3.
    pub(crate) fn judge_tokens(&self) -> Option<[u32; 2]> {
        if !self.engine.model_name().to_lowercase().contains("reranker") {
            return None;
        }
        let token = |text| self.tokenizer.token_to_id(text);
        Some([token("no")?, token("yes")?])
    }

    /// Tokens of a text to embed, with those that the tokenizer puts around it: an embedding model
    /// ends every text with its end token.
    pub(crate) fn encode_to_embed(&self, text: &str) -> Result<Vec<u32>, ApiError> {
        let encoding = self.tokenizer.inner().encode_fast(text, true);
        let encoding = encoding.map_err(|error| ApiError::invalid(error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Tokens of a text.
    pub(crate) fn encode(&self, text: &str) -> Result<Vec<u32>, ApiError> {
        self.tokenizer
            .encode(text)
            .map_err(|error| ApiError::invalid(error.to_string()))
    }

    /// The prompt of a conversation.
    pub(crate) fn chat_prompt(&self, request: &ChatRequest) -> Result<ChatPrompt, ApiError> {
        let template = self.template.as_ref().ok_or_else(|| {
            ApiError::invalid("this model has no chat template; use /v1/completions")
        })?;
        if request.chat_template.is_some() {
            // A template is code; it comes from the checkpoint alone.
            return Err(ApiError::unsupported("chat_template"));
        }
        if request.messages.is_empty() {
            return Err(ApiError::invalid_param(
                "messages",
                "messages: must not be empty",
            ));
        }
        let messages = request
            .messages
            .iter()
            .enumerate()
            .map(|(index, message)| template_message(index, message))
            .collect::<Result<Vec<Value>, ApiError>>()?;
        let tools = request.tools.as_deref().map(template_tools).transpose()?;
        let offered = request.tool_choice != Some(ToolChoice::Mode(ToolMode::None));
        let continues = request.continue_final_message == Some(true);
        if continues && request.add_generation_prompt == Some(true) {
            let message = "`continue_final_message` and `add_generation_prompt` exclude each other";
            return Err(ApiError::invalid_param("continue_final_message", message));
        }
        let no_variables = Map::new();
        let conversation = Conversation {
            messages: &messages,
            tools: tools
                .as_deref()
                .filter(|tools| offered && !tools.is_empty()),
            add_generation_prompt: request.add_generation_prompt.unwrap_or(true) && !continues,
            variables: request
                .chat_template_kwargs
                .as_ref()
                .unwrap_or(&no_variables),
            now_unix_seconds: i64::try_from(unix_seconds()).unwrap_or(0),
        };
        let mut text = template
            .render(&conversation)
            .map_err(|error| ApiError::invalid_param("messages", error.to_string()))?;
        if continues {
            let last = messages
                .last()
                .and_then(|message| message["content"].as_str());
            cut_after_last(&mut text, last.unwrap_or_default())?;
        }
        let tokens = self.encode(&text)?;
        Ok(ChatPrompt { text, tokens })
    }

    /// How the text after a prompt is parted.
    pub(crate) fn splitter_after(&self, prompt: &str) -> ReasoningSplitter {
        match self.think_tokens {
            Some(_) => ReasoningSplitter::after_prompt(prompt),
            None => ReasoningSplitter::none(),
        }
    }

    /// Where the thinking stands after a prompt.
    pub(crate) fn thinking_after(&self, prompt: &str) -> Thinking {
        let Some((open, close)) = self.think_tokens else {
            return Thinking::Absent;
        };
        match prompt.trim_end() {
            text if text.ends_with("<think>") => Thinking::Begun { close },
            text if text.ends_with("</think>") => Thinking::Absent,
            _ => Thinking::Possible { open, close },
        }
    }
}

/// A message as templates expect it: text content, arguments of calls as values.
fn template_message(index: usize, message: &Message) -> Result<Value, ApiError> {
    let mut map = Map::new();
    map.insert("role".to_owned(), json!(message.role));
    let content = match &message.content {
        None => String::new(),
        Some(Content::Text(text)) => text.clone(),
        Some(Content::Parts(parts)) => {
            let texts = parts.iter().enumerate().map(|(part_index, part)| {
                let param = format!("messages[{index}].content[{part_index}]");
                match (part.r#type.as_str(), &part.text) {
                    ("text", Some(text)) => Ok(text.as_str()),
                    ("text", None) => {
                        Err(ApiError::invalid_param(param, "a text part has no `text`"))
                    }
                    (kind, _) => {
                        let message = format!(
                            "a content part of type `{kind}` is not supported by this model"
                        );
                        Err(ApiError::invalid_param(param, message))
                    }
                }
            });
            texts.collect::<Result<Vec<&str>, ApiError>>()?.join("\n")
        }
    };
    map.insert("content".to_owned(), json!(content));
    let texts = [
        ("name", &message.name),
        ("tool_call_id", &message.tool_call_id),
        ("reasoning_content", &message.reasoning_content),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            map.insert(name.to_owned(), json!(text));
        }
    }
    if let Some(calls) = &message.tool_calls {
        let mut values = Vec::with_capacity(calls.len());
        for (call_index, call) in calls.iter().enumerate() {
            let arguments = match call.function.arguments.trim() {
                "" => json!({}),
                text => serde_json::from_str(text).map_err(|error| {
                    let param =
                        format!("messages[{index}].tool_calls[{call_index}].function.arguments");
                    ApiError::invalid_param(param, format!("arguments are not JSON: {error}"))
                })?,
            };
            values.push(json!({
                "id": call.id, "type": call.r#type,
                "function": {"name": call.function.name, "arguments": arguments}}));
        }
        map.insert("tool_calls".to_owned(), Value::Array(values));
    }
    Ok(Value::Object(map))
}

fn template_tools(tools: &[Tool]) -> Result<Vec<Value>, ApiError> {
    tools
        .iter()
        .enumerate()
        .map(|(index, tool)| {
            if tool.r#type != "function" {
                let message = format!("a tool of type `{}` is not supported", tool.r#type);
                return Err(ApiError::invalid_param(
                    format!("tools[{index}].type"),
                    message,
                ));
            }
            Ok(json!({"type": "function", "function": tool.function}))
        })
        .collect()
}

/// Ends the text after its last message, which the model is to go on with.
fn cut_after_last(text: &mut String, message: &str) -> Result<(), ApiError> {
    let trimmed = message.trim();
    let end = text
        .rfind(trimmed)
        .filter(|_| !trimmed.is_empty())
        .ok_or_else(|| {
            ApiError::invalid_param(
                "continue_final_message",
                "continue_final_message: the template does not write the last message as it is",
            )
        })?;
    text.truncate(end + trimmed.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::read;

    fn message(value: Value) -> Result<Value, ApiError> {
        template_message(0, &read::<Message>(&value).unwrap())
    }

    #[test]
    fn messages_become_what_templates_expect() {
        let parts = json!({"role": "user", "content": [
            {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]});
        assert_eq!(
            message(parts).unwrap(),
            json!({"role": "user", "content": "a\nb"})
        );
        let call = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c",
            "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}}]});
        let made = message(call).unwrap();
        assert_eq!(made["content"], "");
        assert_eq!(made["tool_calls"][0]["function"]["arguments"]["x"], 1);
    }

    #[test]
    fn what_a_text_model_cannot_read_is_located() {
        let image = json!({"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "x"}}]});
        let error = message(image).unwrap_err();
        assert_eq!(error.param(), Some("messages[0].content[0]"));
        let broken = json!({"role": "assistant", "tool_calls": [{"id": "c",
            "type": "function", "function": {"name": "f", "arguments": "{"}}]});
        assert!(message(broken).is_err());
    }

    #[test]
    fn the_last_message_can_be_continued() {
        let mut text = "<user>a</user><assistant>The answer</assistant>".to_owned();
        cut_after_last(&mut text, "The answer").unwrap();
        assert_eq!(text, "<user>a</user><assistant>The answer");
        assert!(cut_after_last(&mut text, " ").is_err());
    }
}
