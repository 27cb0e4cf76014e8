//! A conversation with a model in this process, without a server.

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::json;
use weft_engine::{
    Accelerator, DeviceCounters, Engine, EngineOptions, Event, ModelDirectory, RequestError,
    SubmitError,
};

use crate::ServeError;
use crate::answer::Answer;
use crate::generation::request_of;
use crate::model::Model;
use crate::openai::chat::{ChatRequest, Delta};
use crate::openai::error::ApiError;
use crate::openai::read;
use crate::openai::sampling::SamplingFields;
use crate::text::tools::ToolParser;

/// A model and what was said so far.
#[derive(Debug)]
pub struct Chat {
    model: Model,
    /// Ends its thread when dropped.
    engine: Engine,
    sampling: SamplingFields,
    /// Role and text of each turn.
    turns: Vec<(&'static str, String)>,
}

/// A piece of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// What the model thinks before it answers.
    Reasoning(&'a str),
    /// What it answers.
    Content(&'a str),
}

/// What one answer took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turn {
    /// Tokens of the prompt that were computed.
    pub computed_prompt_tokens: u32,
    /// Tokens of the prompt that were in the cache from earlier turns.
    pub cached_prompt_tokens: u32,
    /// Tokens of the answer.
    pub generated_tokens: u32,
    /// Host time until the first token.
    pub host_prompt: Duration,
    /// Host time from the first token to the last.
    pub host_decode: Duration,
    /// What the device did in that time, by its model.
    pub device: DeviceCounters,
    /// Turns that were dropped from the beginning, because the context is full.
    pub forgotten_turns: usize,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatError {
    /// The request cannot be made.
    #[error("{0}")]
    Request(String),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] RequestError),
    /// The engine does not take the request.
    #[error(transparent)]
    Refused(#[from] SubmitError),
    /// The engine's thread has ended.
    #[error("the engine has stopped")]
    Stopped,
}

impl From<ApiError> for ChatError {
    fn from(error: ApiError) -> Self {
        Self::Request(error.to_string())
    }
}

impl Chat {
    /// Loads the model of a directory onto an accelerator.
    ///
    /// # Errors
    ///
    /// As [`crate::Server::load`].
    pub fn load(
        directory: &Path,
        accelerator: Box<dyn Accelerator>,
        options: &EngineOptions,
    ) -> Result<Self, ServeError> {
        let directory = ModelDirectory::open(directory)?;
        let engine = Engine::load(&directory, accelerator, options)?;
        let model = Model::new(&directory, engine.handle(), vec![directory.name()])?;
        // Greedy, unless the maker of the model says otherwise.
        let temperature = model.defaults.temperature.unwrap_or(0.0);
        Ok(Self {
            model,
            engine,
            sampling: SamplingFields {
                temperature: Some(temperature),
                ..SamplingFields::default()
            },
            turns: Vec::new(),
        })
    }

    /// Sets what stands before the conversation.
    pub fn set_system(&mut self, text: String) {
        self.turns.retain(|(role, _)| *role != "system");
        self.turns.insert(0, ("system", text));
    }

    /// Sets the temperature; 0 always takes the likeliest token.
    pub fn set_temperature(&mut self, temperature: f32) {
        self.sampling.temperature = Some(temperature);
    }

    /// Sets the seed of the draws.
    pub fn set_seed(&mut self, seed: i64) {
        self.sampling.seed = Some(seed);
    }

    /// Sets how many tokens an answer may have.
    pub fn set_max_tokens(&mut self, tokens: usize) {
        self.sampling.max_tokens = Some(tokens);
    }

    /// Forgets all but the system text.
    pub fn clear(&mut self) {
        self.turns.retain(|(role, _)| *role == "system");
    }

    /// Says something and hands over the answer as it comes. When the context is full, the oldest
    /// turns are forgotten. After an error nothing was said.
    ///
    /// # Errors
    ///
    /// If the text does not fit into the context, or the engine fails.
    pub fn say(&mut self, text: &str, mut show: impl FnMut(Piece<'_>)) -> Result<Turn, ChatError> {
        let kept = self.turns.clone();
        self.turns.push(("user", text.to_owned()));
        let result = self.answer(&mut show);
        if result.is_err() {
            self.turns = kept;
        }
        result
    }

    fn answer(&mut self, show: &mut impl FnMut(Piece<'_>)) -> Result<Turn, ChatError> {
        let mut turn = Turn::default();
        let (prompt, request) = loop {
            let prompt = self.model.chat_prompt(&self.request()?)?;
            let tokens = prompt.tokens.clone();
            let Model {
                defaults, context, ..
            } = &self.model;
            match request_of(tokens, &self.sampling, defaults, *context, None) {
                Ok(request) => break (prompt, request),
                Err(error) if !self.forget_oldest() => return Err(error.into()),
                Err(_) => turn.forgotten_turns += 1,
            }
        };
        let before = self.engine.handle().metrics().device;
        let begin = Instant::now();
        let mut first = None;
        let mut last = begin;
        let splitter = self.model.splitter_after(&prompt.text);
        let mut answer = Answer::new(splitter, ToolParser::none(), String::new());
        let mut content = String::new();
        let (sender, events) = mpsc::channel();
        let sink = Box::new(move |event| sender.send(event).is_ok());
        self.model.engine.submit(request, sink)?;
        loop {
            let deltas = match events.recv().map_err(|_| ChatError::Stopped)? {
                Event::Token { text, .. } => {
                    last = Instant::now();
                    first.get_or_insert(last);
                    answer.push(&text)
                }
                Event::Finished { text, usage, .. } => {
                    let deltas = answer.finish(&text);
                    show_all(deltas, &mut content, show);
                    turn.cached_prompt_tokens = usage.cached_tokens;
                    turn.computed_prompt_tokens = usage.prompt_tokens - usage.cached_tokens;
                    turn.generated_tokens = usage.generated_tokens;
                    break;
                }
                Event::Failed(error) => return Err(error.into()),
                _ => Vec::new(),
            };
            show_all(deltas, &mut content, show);
        }
        let first = first.unwrap_or(last);
        turn.host_prompt = first - begin;
        turn.host_decode = last - first;
        turn.device = since(before, self.engine.handle().metrics().device);
        self.turns.push(("assistant", content));
        Ok(turn)
    }

    fn request(&self) -> Result<ChatRequest, ApiError> {
        let messages = self.turns.iter();
        let messages = messages.map(|(role, text)| json!({"role": role, "content": text}));
        read(&json!({"messages": messages.collect::<Vec<_>>()}))
    }

    /// Drops the oldest question with its answer; whether there was one beside the last.
    fn forget_oldest(&mut self) -> bool {
        let mut questions = self
            .turns
            .iter()
            .enumerate()
            .filter(|(_, (role, _))| *role == "user");
        match (questions.next(), questions.next()) {
            (Some((first, _)), Some((second, _))) => {
                self.turns.drain(first..second);
                true
            }
            _ => false,
        }
    }
}

fn show_all(deltas: Vec<Delta>, content: &mut String, show: &mut impl FnMut(Piece<'_>)) {
    for delta in deltas {
        if let Some(text) = &delta.reasoning {
            show(Piece::Reasoning(text));
        }
        if let Some(text) = &delta.content {
            content.push_str(text);
            show(Piece::Content(text));
        }
    }
}

/// What was counted between two readings.
fn since(before: DeviceCounters, after: DeviceCounters) -> DeviceCounters {
    let less = |after: Option<f64>, before: Option<f64>| Some(after? - before.unwrap_or(0.0));
    DeviceCounters {
        launches: after.launches - before.launches,
        cycles: less(after.cycles, before.cycles),
        seconds: less(after.seconds, before.seconds),
        kernel_seconds: less(after.kernel_seconds, before.kernel_seconds),
        joules: less(after.joules, before.joules),
    }
}
