//! `POST /v1/completions`.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use weft_engine::{Event, FinishReason, GenerationRequest, TokenLogprobs};

use super::sse::{self, EventSource};
use super::{App, finish, named, prepare};
use crate::answer::Counts;
use crate::generation::{Generation, request_of};
use crate::identity::unix_seconds;
use crate::openai::chat::StopReason;
use crate::openai::completion::{
    CompletionChoice, CompletionRequest, CompletionResponse, SinglePrompt,
};
use crate::openai::error::ApiError;
use crate::openai::logprobs::CompletionLogprobs;
use crate::openai::read;
use crate::openai::sampling::{SamplingFields, StreamOptions, refuse_unsupported};
use crate::openai::usage::Usage;
use crate::structure::{self, Thinking};
use crate::token_bytes;

/// OpenAI's default of `max_tokens` for texts.
const MAX_TOKENS_DEFAULT: usize = 16;

/// Most alternatives per token.
const LOGPROBS_MAX: usize = 20;

/// Most prompts in one request.
const PROMPTS_MAX: usize = 256;

/// Continues texts.
pub(super) async fn complete(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let result = answer(&app, &headers, body).await;
    finish(&app, result)
}

async fn answer(app: &Arc<App>, headers: &HeaderMap, body: Body) -> Result<Response, ApiError> {
    let prepared = prepare(app, body, |app, value| Prepared::new(app, &value)).await?;
    let engine = &app.model.engine;
    let requests = prepared.requests.iter();
    let prompts: Vec<&[u32]> = requests.map(|request| &request.prompt[..]).collect();
    app.peers
        .take_over(engine, &app.metrics, headers, &prompts)
        .await?;
    let generation = Generation::submit(engine, &app.metrics, prepared.requests)?;
    let id = prepared.id;
    let texts = Texts {
        app: Arc::clone(app),
        generation,
        id: id.clone(),
        model: prepared.model,
        created: unix_seconds(),
        answers_per_prompt: prepared.answers_per_prompt,
        answers: prepared.answers,
        counts: prepared.prompts,
    };
    let response = match prepared.stream {
        Some(options) => sse::respond(TextStream {
            texts,
            options,
            usage_sent: false,
        }),
        None => Json(texts.collect().await?).into_response(),
    };
    Ok(named(&id, response))
}

struct Prepared {
    requests: Vec<GenerationRequest>,
    answers_per_prompt: usize,
    answers: Vec<TextState>,
    prompts: Vec<Counts>,
    id: String,
    model: String,
    stream: Option<StreamOptions>,
}

impl Prepared {
    fn new(app: &App, value: &Value) -> Result<Self, ApiError> {
        refuse_unsupported(value)?;
        let completion: CompletionRequest = read(value)?;
        let fields: SamplingFields = read(value)?;
        app.model.check_name(completion.model.as_deref())?;
        let logprobs = completion.logprobs;
        if logprobs.is_some_and(|count| count > LOGPROBS_MAX) {
            let message = format!("logprobs: above {LOGPROBS_MAX}");
            return Err(ApiError::invalid_param("logprobs", message));
        }
        let echo = completion.echo == Some(true);
        if echo && logprobs.is_some() {
            let message =
                "echo: with `logprobs` it needs those of the prompt, which are not supported";
            return Err(ApiError::invalid_param("echo", message));
        }
        let structure = structure::of_fields(&fields)?;
        let singles = completion.prompt.into_singles("prompt")?;
        if singles.len() > PROMPTS_MAX {
            let message = format!(
                "prompt: {} texts are more than {PROMPTS_MAX}",
                singles.len()
            );
            return Err(ApiError::invalid_param("prompt", message));
        }
        let mut requests = Vec::with_capacity(singles.len());
        let mut answers = Vec::new();
        for single in singles {
            let (tokens, text) = match single {
                SinglePrompt::Text(text) => (app.model.encode(&text)?, text),
                SinglePrompt::Tokens(tokens) => {
                    let text = app.model.tokenizer.decode(&tokens, true);
                    let text = text.map_err(|error| {
                        ApiError::invalid_param("prompt", format!("prompt: {error}"))
                    })?;
                    (tokens, text)
                }
            };
            let model = &app.model;
            let mut request = request_of(
                tokens,
                &fields,
                &model.defaults,
                model.context,
                Some(MAX_TOKENS_DEFAULT),
            )?;
            request.logprobs = logprobs.and_then(|count| u32::try_from(count).ok());
            if let Some(structure) = &structure {
                let constraint = model.grammars.constraint(structure, Thinking::Absent)?;
                request.constraint = Some(constraint);
            }
            for _ in 0..request.n {
                answers.push(TextState {
                    echo: echo.then(|| text.clone()),
                    offset: 0,
                    logprobs: CompletionLogprobs::default(),
                });
            }
            requests.push(request);
        }
        Ok(Self {
            answers_per_prompt: answers.len() / requests.len().max(1),
            prompts: vec![Counts::default(); requests.len()],
            answers,
            requests,
            id: format!("cmpl-{}", app.ids.next()),
            model: completion
                .model
                .unwrap_or_else(|| app.model.name().to_owned()),
            stream: (fields.stream == Some(true))
                .then(|| fields.stream_options.unwrap_or_default()),
        })
    }
}

/// One answer with what has not been sent of it.
struct TextState {
    /// The prompt, to be sent before the answer.
    echo: Option<String>,
    /// Bytes of the answer so far.
    offset: usize,
    logprobs: CompletionLogprobs,
}

struct Texts {
    app: Arc<App>,
    generation: Generation,
    id: String,
    model: String,
    created: u64,
    answers_per_prompt: usize,
    answers: Vec<TextState>,
    /// Of each prompt.
    counts: Vec<Counts>,
}

impl Texts {
    /// What comes next of any answer; `None` after the last has ended.
    async fn next(&mut self) -> Result<Option<CompletionChoice>, ApiError> {
        let Some((prompt, event)) = self.generation.next().await? else {
            return Ok(None);
        };
        let (answer, text, logprobs, end) = match event {
            Event::Token {
                answer,
                text,
                logprobs,
                ..
            } => (answer, text, logprobs, None),
            Event::Finished {
                answer,
                reason,
                text,
                usage,
            } => {
                self.counts[prompt].add(&usage, 0);
                (answer, text, None, Some(self.end_of(reason)))
            }
            _ => (0, String::new(), None, None),
        };
        let index = prompt * self.answers_per_prompt + answer as usize;
        let state = &mut self.answers[index];
        if let Some(logprobs) = logprobs {
            state.add_logprobs(&self.app, &logprobs);
        }
        state.offset += text.len();
        let text = state.echo.take().unwrap_or_default() + &text;
        let (finish_reason, stop_reason) = end.unzip();
        Ok(Some(CompletionChoice {
            index,
            text,
            logprobs: None,
            finish_reason,
            stop_reason: stop_reason.flatten(),
        }))
    }

    fn end_of(&self, reason: FinishReason) -> (&'static str, Option<StopReason>) {
        match reason {
            FinishReason::StopToken(token) => {
                let known = self.app.model.defaults.eos_token_id.contains(&token);
                ("stop", (!known).then_some(StopReason::Token(token)))
            }
            FinishReason::StopString(text) => ("stop", Some(StopReason::Text(text))),
            FinishReason::Constraint => ("stop", None),
            FinishReason::Length => ("length", None),
            _ => ("abort", None),
        }
    }

    fn usage(&self) -> Usage {
        let mut total = Counts::default();
        for counts in &self.counts {
            total.prompt += counts.prompt;
            total.cached += counts.cached;
            total.generated += counts.generated;
        }
        total.into()
    }

    async fn collect(mut self) -> Result<CompletionResponse, ApiError> {
        let mut choices: Vec<CompletionChoice> = (0..self.answers.len())
            .map(|index| CompletionChoice {
                index,
                text: String::new(),
                logprobs: None,
                finish_reason: None,
                stop_reason: None,
            })
            .collect();
        while let Some(piece) = self.next().await? {
            let choice = &mut choices[piece.index];
            choice.text.push_str(&piece.text);
            choice.finish_reason = piece.finish_reason.or(choice.finish_reason);
            choice.stop_reason = piece.stop_reason.or(choice.stop_reason.take());
        }
        for (choice, state) in choices.iter_mut().zip(&mut self.answers) {
            choice.logprobs = state.take_logprobs();
        }
        let usage = Some(self.usage());
        Ok(self.response(choices, usage))
    }

    fn response(&self, choices: Vec<CompletionChoice>, usage: Option<Usage>) -> CompletionResponse {
        CompletionResponse {
            id: self.id.clone(),
            object: "text_completion",
            created: self.created,
            model: self.model.clone(),
            choices,
            usage,
        }
    }
}

impl TextState {
    fn add_logprobs(&mut self, app: &App, logprobs: &TokenLogprobs) {
        let text = |token| {
            let bytes = token_bytes::of(&app.model.tokenizer, token);
            String::from_utf8_lossy(&bytes).into_owned()
        };
        self.logprobs.text_offset.push(self.offset);
        self.logprobs.tokens.push(text(logprobs.chosen.token));
        self.logprobs.token_logprobs.push(logprobs.chosen.logprob);
        let top: Map<String, Value> = logprobs
            .top
            .iter()
            .map(|each| (text(each.token), each.logprob.into()))
            .collect();
        self.logprobs.top_logprobs.push(top);
    }

    fn take_logprobs(&mut self) -> Option<CompletionLogprobs> {
        Some(std::mem::take(&mut self.logprobs)).filter(|logprobs| !logprobs.tokens.is_empty())
    }
}

/// The answers as they come.
struct TextStream {
    texts: Texts,
    options: StreamOptions,
    usage_sent: bool,
}

impl EventSource for TextStream {
    async fn next(&mut self) -> Result<Option<Vec<Bytes>>, ApiError> {
        loop {
            match self.texts.next().await? {
                Some(choice) if choice.text.is_empty() && choice.finish_reason.is_none() => {}
                Some(mut choice) => {
                    choice.logprobs = self.texts.answers[choice.index].take_logprobs();
                    let usage = (self.options.continuous_usage_stats == Some(true))
                        .then(|| self.texts.usage());
                    let chunk = self.texts.response(vec![choice], usage);
                    return Ok(Some(vec![sse::event(&chunk)]));
                }
                None if self.options.include_usage == Some(true) && !self.usage_sent => {
                    self.usage_sent = true;
                    let usage = Some(self.texts.usage());
                    let chunk = self.texts.response(Vec::new(), usage);
                    return Ok(Some(vec![sse::event(&chunk)]));
                }
                None => return Ok(None),
            }
        }
    }
}
