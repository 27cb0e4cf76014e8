//! `POST /v1/chat/completions`.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use weft_engine::{Event, GenerationRequest};

use super::sse::{self, EventSource};
use super::{App, finish, named, prepare};
use crate::answer::{Answer, Collected, Counts, chat_logprob};
use crate::generation::{Generation, request_of};
use crate::identity::unix_seconds;
use crate::openai::chat::{
    AssistantMessage, ChatChoice, ChatChunk, ChatRequest, ChatResponse, ChunkChoice, Delta,
    StopReason, Tool, ToolChoice, ToolMode,
};
use crate::openai::error::ApiError;
use crate::openai::logprobs::{ChatLogprobs, ChatTokenLogprob};
use crate::openai::read;
use crate::openai::sampling::{SamplingFields, StreamOptions, refuse_unsupported};
use crate::openai::usage::Usage;
use crate::structure;
use crate::text::tools::{Schemas, ToolParser};

/// Most alternatives per token that OpenAI gives.
const TOP_LOGPROBS_MAX: usize = 20;

/// Answers a conversation.
pub(super) async fn chat(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Response {
    let result = answer(&app, &headers, body).await;
    finish(&app, result)
}

async fn answer(app: &Arc<App>, headers: &HeaderMap, body: Body) -> Result<Response, ApiError> {
    let prepared = prepare(app, body, |app, value| Prepared::new(app, &value)).await?;
    let Prepared {
        request,
        answers,
        id,
        model,
        stream,
    } = prepared;
    let engine = &app.model.engine;
    app.peers
        .take_over(engine, &app.metrics, headers, &[&request.prompt])
        .await?;
    let generation = Generation::submit(engine, &app.metrics, vec![request])?;
    let conversation = Conversation {
        app: Arc::clone(app),
        generation,
        id: id.clone(),
        model,
        created: unix_seconds(),
        answers,
        counts: Counts::default(),
    };
    let response = match stream {
        Some(options) => sse::respond(ChatStream {
            conversation,
            options,
            usage_sent: false,
        }),
        None => Json(conversation.collect().await?).into_response(),
    };
    Ok(named(&id, response))
}

/// A request that can be submitted, and what its answers go through.
struct Prepared {
    request: GenerationRequest,
    answers: Vec<AnswerState>,
    id: String,
    model: String,
    stream: Option<StreamOptions>,
}

impl Prepared {
    fn new(app: &App, value: &Value) -> Result<Self, ApiError> {
        refuse_unsupported(value)?;
        let chat: ChatRequest = read(value)?;
        let fields: SamplingFields = read(value)?;
        app.model.check_name(chat.model.as_deref())?;
        let tools = chat.tools.as_deref().unwrap_or_default();
        let several = value.get("parallel_tool_calls") != Some(&Value::Bool(false));
        let structure = match (
            structure::of_fields(&fields)?,
            structure::of_tools(tools, chat.tool_choice.as_ref(), several)?,
        ) {
            (Some(_), Some(_)) => {
                let message = "a structure and a required tool call exclude each other";
                return Err(ApiError::invalid_param("tool_choice", message));
            }
            (fields, tools) => fields.or(tools),
        };
        let prompt = app.model.chat_prompt(&chat)?;
        let splitter = app.model.splitter_after(&prompt.text);
        let mut request = request_of(
            prompt.tokens,
            &fields,
            &app.model.defaults,
            app.model.context,
            None,
        )?;
        if let Some(structure) = structure {
            let thinking = app.model.thinking_after(&prompt.text);
            request.constraint = Some(app.model.grammars.constraint(&structure, thinking)?);
        }
        request.logprobs = logprobs_of(&chat)?;
        let id = app.ids.next();
        let answers = (0..request.n)
            .map(|index| {
                let parser = parser_of(tools, chat.tool_choice.as_ref());
                let prefix = format!("call_{id}_{index}_");
                AnswerState::new(Answer::new(splitter.clone(), parser, prefix))
            })
            .collect();
        Ok(Self {
            answers,
            request,
            id: format!("chatcmpl-{id}"),
            model: chat.model.unwrap_or_else(|| app.model.name().to_owned()),
            stream: (fields.stream == Some(true))
                .then(|| fields.stream_options.unwrap_or_default()),
        })
    }
}

fn logprobs_of(chat: &ChatRequest) -> Result<Option<u32>, ApiError> {
    let top = chat.top_logprobs.unwrap_or(0);
    if top > TOP_LOGPROBS_MAX {
        let message = format!("top_logprobs: {top} is above {TOP_LOGPROBS_MAX}");
        return Err(ApiError::invalid_param("top_logprobs", message));
    }
    if chat.logprobs == Some(true) {
        return Ok(u32::try_from(top).ok());
    }
    if top > 0 {
        let message = "top_logprobs: needs `logprobs` to be true";
        return Err(ApiError::invalid_param("top_logprobs", message));
    }
    Ok(None)
}

fn parser_of(tools: &[Tool], choice: Option<&ToolChoice>) -> ToolParser {
    if tools.is_empty() || choice == Some(&ToolChoice::Mode(ToolMode::None)) {
        return ToolParser::none();
    }
    let schemas: Schemas = tools
        .iter()
        .map(|tool| {
            let schema = tool.function.rest.get("parameters");
            (
                tool.function.name.clone(),
                schema.cloned().unwrap_or_default(),
            )
        })
        .collect();
    ToolParser::new(schemas)
}

/// One answer with what has not been sent of it.
struct AnswerState {
    answer: Answer,
    logprobs: Vec<ChatTokenLogprob>,
    begun: bool,
}

impl AnswerState {
    fn new(answer: Answer) -> Self {
        Self {
            answer,
            logprobs: Vec::new(),
            begun: false,
        }
    }
}

/// What an event adds to an answer.
struct Addition {
    index: usize,
    deltas: Vec<Delta>,
    /// At the end of an answer.
    finish: Option<(&'static str, Option<StopReason>)>,
}

/// A request that is being answered.
struct Conversation {
    app: Arc<App>,
    generation: Generation,
    id: String,
    model: String,
    created: u64,
    answers: Vec<AnswerState>,
    counts: Counts,
}

impl Conversation {
    /// What comes next; `None` after the last answer has ended.
    async fn next(&mut self) -> Result<Option<Addition>, ApiError> {
        let Some((_, event)) = self.generation.next().await? else {
            return Ok(None);
        };
        Ok(Some(match event {
            Event::Token {
                answer,
                text,
                logprobs,
                ..
            } => {
                let index = answer as usize;
                let state = &mut self.answers[index];
                let logprobs = logprobs.map(|each| chat_logprob(&self.app.model.tokenizer, &each));
                state.logprobs.extend(logprobs);
                Addition {
                    index,
                    deltas: state.answer.push(&text),
                    finish: None,
                }
            }
            Event::Finished {
                answer,
                reason,
                text,
                usage,
            } => {
                let index = answer as usize;
                let answer = &mut self.answers[index].answer;
                let deltas = answer.finish(&text);
                self.counts.add(&usage, answer.reasoning_tokens());
                let eos = &self.app.model.defaults.eos_token_id;
                Addition {
                    index,
                    deltas,
                    finish: Some(answer.finish_reason(&reason, eos)),
                }
            }
            _ => Addition {
                index: 0,
                deltas: Vec::new(),
                finish: None,
            },
        }))
    }

    /// The whole answer.
    async fn collect(mut self) -> Result<ChatResponse, ApiError> {
        let mut messages: Vec<(Collected, _)> = Vec::new();
        messages.resize_with(self.answers.len(), || {
            (Collected::default(), ("abort", None))
        });
        while let Some(addition) = self.next().await? {
            let (collected, end) = &mut messages[addition.index];
            for delta in addition.deltas {
                collected.add(delta);
            }
            if let Some(finish) = addition.finish {
                *end = finish;
            }
        }
        let choices = messages.into_iter().zip(self.answers).enumerate();
        let choices = choices.map(|(index, ((collected, end), state))| {
            let has_calls = !collected.tool_calls.is_empty();
            let content = Some(collected.content).filter(|text| !text.is_empty() || !has_calls);
            let reasoning = Some(collected.reasoning).filter(|text| !text.is_empty());
            let logprobs = Some(state.logprobs).filter(|logprobs| !logprobs.is_empty());
            ChatChoice {
                index,
                message: AssistantMessage {
                    role: "assistant",
                    content,
                    reasoning: reasoning.clone(),
                    reasoning_content: reasoning,
                    tool_calls: collected.tool_calls,
                },
                logprobs: logprobs.map(|content| ChatLogprobs { content }),
                finish_reason: end.0,
                stop_reason: end.1,
            }
        });
        Ok(ChatResponse {
            choices: choices.collect(),
            id: self.id,
            object: "chat.completion",
            created: self.created,
            model: self.model,
            usage: self.counts.into(),
        })
    }

    fn chunk(&self, choices: Vec<ChunkChoice>, usage: Option<Usage>) -> Bytes {
        sse::event(&ChatChunk {
            id: self.id.clone(),
            object: "chat.completion.chunk",
            created: self.created,
            model: self.model.clone(),
            choices,
            usage,
        })
    }
}

/// The answer as it comes.
struct ChatStream {
    conversation: Conversation,
    options: StreamOptions,
    usage_sent: bool,
}

impl ChatStream {
    fn events_of(&mut self, addition: Addition) -> Vec<Bytes> {
        let index = addition.index;
        let state = &mut self.conversation.answers[index];
        let mut choices = Vec::new();
        let choice = |delta| ChunkChoice {
            index,
            delta,
            logprobs: None,
            finish_reason: None,
            stop_reason: None,
        };
        if !std::mem::replace(&mut state.begun, true) {
            choices.push(choice(Delta {
                role: Some("assistant"),
                content: Some(String::new()),
                ..Delta::default()
            }));
        }
        choices.extend(addition.deltas.into_iter().map(choice));
        let logprobs = std::mem::take(&mut state.logprobs);
        if !logprobs.is_empty() {
            // The log-probabilities of tokens whose text is held back go with the next text.
            match choices.last_mut() {
                Some(last) => last.logprobs = Some(ChatLogprobs { content: logprobs }),
                None => state.logprobs = logprobs,
            }
        }
        if let Some((finish_reason, stop_reason)) = addition.finish {
            choices.push(ChunkChoice {
                finish_reason: Some(finish_reason),
                stop_reason,
                ..choice(Delta::default())
            });
        }
        let usage = (self.options.continuous_usage_stats == Some(true))
            .then(|| self.conversation.counts.into());
        choices
            .into_iter()
            .map(|choice| self.conversation.chunk(vec![choice], usage))
            .collect()
    }
}

impl EventSource for ChatStream {
    async fn next(&mut self) -> Result<Option<Vec<Bytes>>, ApiError> {
        loop {
            match self.conversation.next().await? {
                Some(addition) => {
                    let events = self.events_of(addition);
                    if !events.is_empty() {
                        return Ok(Some(events));
                    }
                }
                None if self.options.include_usage == Some(true) && !self.usage_sent => {
                    self.usage_sent = true;
                    let usage = self.conversation.counts.into();
                    return Ok(Some(vec![self.conversation.chunk(Vec::new(), Some(usage))]));
                }
                None => return Ok(None),
            }
        }
    }
}
