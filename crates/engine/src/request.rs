//! What a caller asks of the engine, and what it is told while the answer is made.

use crate::constraint::ConstraintError;
use crate::constraint::TokenConstraint;

/// Number of a request, unique in one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// How the next token is chosen from the model's logits.
///
/// The order is that of Hugging Face Transformers and vLLM: logit bias and penalties, then the
/// constraint, then temperature, top-k, top-p, min-p, then one draw.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplingParameters {
    /// Logits are divided by it; 0 means greedy: the likeliest token, the lowest id among equals.
    pub temperature: f32,
    /// Only the likeliest so many tokens; 0: all.
    pub top_k: u32,
    /// Only the likeliest tokens that together have this probability; in (0, 1].
    pub top_p: f32,
    /// Only tokens with at least this fraction of the likeliest one's probability; in [0, 1].
    pub min_p: f32,
    /// Logits of tokens in prompt or output are divided by it when positive, else multiplied;
    /// above 0, 1 does nothing.
    pub repetition_penalty: f32,
    /// Taken from the logits of tokens in the output; in [-2, 2].
    pub presence_penalty: f32,
    /// Taken from the logits of tokens in the output, once per occurrence; in [-2, 2].
    pub frequency_penalty: f32,
    /// Added to the logit of a token.
    pub logit_bias: Vec<(u32, f32)>,
    /// Seed of the draws. The same request with the same seed gets the same tokens, whatever
    /// else runs beside it. `None`: the engine takes the request's number.
    pub seed: Option<u64>,
}

impl Default for SamplingParameters {
    /// Temperature 1 and nothing else.
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            logit_bias: Vec::new(),
            seed: None,
        }
    }
}

impl SamplingParameters {
    /// Always the likeliest token.
    #[must_use]
    pub fn greedy() -> Self {
        Self {
            temperature: 0.0,
            ..Self::default()
        }
    }
}

/// A prompt to continue.
pub struct GenerationRequest {
    /// Token ids, at least one. Nothing is put before or after them.
    pub prompt: Vec<u32>,
    /// How tokens are chosen.
    pub sampling: SamplingParameters,
    /// Most tokens to generate; `None`: until the context is full.
    pub max_tokens: Option<u32>,
    /// Tokens before which nothing ends the answer but the context and `max_tokens`.
    pub min_tokens: u32,
    /// Tokens that end the answer, beside the model's own.
    pub stop_tokens: Vec<u32>,
    /// Go on after the model's own end-of-sequence tokens.
    pub ignore_eos: bool,
    /// Texts that end the answer. They need a tokenizer in the engine.
    pub stop_strings: Vec<String>,
    /// Whether the stop string that ended the answer is part of its text.
    pub include_stop_string: bool,
    /// Log-probabilities: of the chosen token and of so many likeliest ones; at most
    /// [`MAX_LOGPROBS`].
    pub logprobs: Option<u32>,
    /// Answers to make; they share the prompt. Answer `i` draws with seed + `i`.
    pub n: u32,
    /// Restricts every token, for structured output. Each answer gets a fork of it.
    pub constraint: Option<Box<dyn TokenConstraint>>,
    /// Higher is served first; among equals, first come first served.
    pub priority: i32,
}

/// Most alternatives in [`GenerationRequest::logprobs`].
pub const MAX_LOGPROBS: u32 = 20;
/// Most answers to one request.
pub const MAX_ANSWERS: u32 = 128;

impl GenerationRequest {
    /// A request with every other field at its default.
    #[must_use]
    pub fn new(prompt: Vec<u32>) -> Self {
        Self {
            prompt,
            sampling: SamplingParameters::default(),
            max_tokens: None,
            min_tokens: 0,
            stop_tokens: Vec::new(),
            ignore_eos: false,
            stop_strings: Vec::new(),
            include_stop_string: false,
            logprobs: None,
            n: 1,
            constraint: None,
            priority: 0,
        }
    }

    /// Whether the request can be served at all, not looking at the queue.
    ///
    /// # Errors
    ///
    /// The first field that is out of its range.
    pub(crate) fn check(&self, vocabulary: u32, context: u32) -> Result<(), SubmitError> {
        let invalid = |name: &'static str, reason: String| {
            Err(SubmitError::InvalidParameter { name, reason })
        };
        if self.prompt.is_empty() {
            return Err(SubmitError::EmptyPrompt);
        }
        let length = self.prompt.len();
        if length >= context as usize {
            return Err(SubmitError::PromptTooLong { length, context });
        }
        if let Some(&token) = self.prompt.iter().find(|&&token| token >= vocabulary) {
            return Err(SubmitError::TokenOutOfRange { token, vocabulary });
        }
        let s = &self.sampling;
        if !(s.temperature.is_finite() && s.temperature >= 0.0) {
            return invalid(
                "temperature",
                format!("{} is not at least 0", s.temperature),
            );
        }
        if !(s.top_p > 0.0 && s.top_p <= 1.0) {
            return invalid("top_p", format!("{} is not in (0, 1]", s.top_p));
        }
        if !(0.0..=1.0).contains(&s.min_p) {
            return invalid("min_p", format!("{} is not in [0, 1]", s.min_p));
        }
        if !(s.repetition_penalty.is_finite() && s.repetition_penalty > 0.0) {
            let reason = format!("{} is not above 0", s.repetition_penalty);
            return invalid("repetition_penalty", reason);
        }
        for (name, value) in [
            ("presence_penalty", s.presence_penalty),
            ("frequency_penalty", s.frequency_penalty),
        ] {
            if !(-2.0..=2.0).contains(&value) {
                return invalid(name, format!("{value} is not in [-2, 2]"));
            }
        }
        for &(token, bias) in &s.logit_bias {
            if token >= vocabulary {
                return Err(SubmitError::TokenOutOfRange { token, vocabulary });
            }
            if !bias.is_finite() {
                return invalid("logit_bias", format!("{bias} for token {token}"));
            }
        }
        if self.max_tokens == Some(0) {
            return invalid("max_tokens", "0 is not at least 1".to_owned());
        }
        if self.n == 0 || self.n > MAX_ANSWERS {
            return invalid("n", format!("{} is not in 1..={MAX_ANSWERS}", self.n));
        }
        if let Some(count) = self.logprobs
            && count > MAX_LOGPROBS
        {
            return invalid("logprobs", format!("{count} is above {MAX_LOGPROBS}"));
        }
        if self.stop_strings.iter().any(String::is_empty) {
            return invalid("stop", "a stop string is empty".to_owned());
        }
        Ok(())
    }
}

/// Log-probability of one token, natural logarithm, of the model's distribution after penalties
/// and before temperature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenLogprob {
    /// The token.
    pub token: u32,
    /// Natural logarithm of its probability, at most 0.
    pub logprob: f32,
}

/// What happened to a request. Events of one answer come in order; those of several answers
/// are interleaved. After [`Event::Finished`] of its last answer, or [`Event::Failed`], a
/// request has no more events and its sink is dropped.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A token was generated.
    Token {
        /// Which answer, from 0.
        answer: u32,
        /// The token.
        token: u32,
        /// Text that is certain from this token on: whole characters, and nothing that may
        /// still become a stop string. Often empty. All pieces with the tail of
        /// [`Event::Finished`] are the text of the answer. Empty without a tokenizer.
        text: String,
        /// Log-probabilities, when asked for.
        logprobs: Option<TokenLogprobs>,
    },
    /// An answer has ended.
    Finished {
        /// Which answer, from 0.
        answer: u32,
        /// Why.
        reason: FinishReason,
        /// Text that was held back.
        text: String,
        /// Tokens used by this answer.
        usage: Usage,
    },
    /// The whole request failed; no answer of it goes on.
    Failed(RequestError),
}

/// Log-probabilities at one token.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenLogprobs {
    /// Of the chosen token.
    pub chosen: TokenLogprob,
    /// The likeliest tokens, likeliest first, as many as asked for.
    pub top: Vec<TokenLogprob>,
}

/// Why an answer has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FinishReason {
    /// The model's end of sequence, or one of the request's stop tokens. The token is counted
    /// and reported, and its text is not part of the answer.
    StopToken(u32),
    /// A stop string.
    StopString(String),
    /// The constraint allows no further token: the structure is complete.
    Constraint,
    /// `max_tokens`, or the context is full.
    Length,
    /// [`crate::EngineHandle::cancel`].
    Cancelled,
}

/// Tokens that an answer took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the prompt.
    pub prompt_tokens: u32,
    /// Of the prompt, found in the KV cache.
    pub cached_tokens: u32,
    /// Generated, the stop token included.
    pub generated_tokens: u32,
}

/// Receives the events of one request, on the engine's thread: it must not block. Returning
/// `false` says that nobody listens any more, and cancels the request.
pub type EventSink = Box<dyn FnMut(Event) -> bool + Send>;

/// Receives the answer to [`crate::EngineHandle::embed`], on the engine's thread.
pub type EmbeddingSink = Box<dyn FnOnce(Result<Vec<f32>, RequestError>) + Send>;

/// Why a request that was admitted has failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The accelerator failed; the engine is no longer usable.
    #[error("{0}")]
    Engine(String),
    /// The constraint refused what the model made.
    #[error(transparent)]
    Constraint(#[from] ConstraintError),
    /// The model's output is not a number for this input.
    #[error("the model computed a logit that is not a number")]
    NotFinite,
    /// The engine was shut down.
    #[error("the engine was shut down")]
    Shutdown,
}

/// Why a request is refused at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// Too many requests wait.
    #[error("{waiting} requests wait; the limit is {limit}")]
    QueueFull {
        /// Requests that wait.
        waiting: usize,
        /// Most that may.
        limit: usize,
    },
    /// Too many prompt tokens wait.
    #[error("{waiting} prompt tokens wait; the limit is {limit}")]
    QueueTokensFull {
        /// Tokens that wait, with those of this request.
        waiting: usize,
        /// Most that may.
        limit: usize,
    },
    /// No tokens at all.
    #[error("the prompt is empty")]
    EmptyPrompt,
    /// Prompt and at least one answer token do not fit.
    #[error("a prompt of {length} tokens; the context is {context}")]
    PromptTooLong {
        /// Tokens of the prompt.
        length: usize,
        /// Tokens of the context.
        context: u32,
    },
    /// A token id that the model does not have.
    #[error("token {token}; the vocabulary has {vocabulary}")]
    TokenOutOfRange {
        /// The id.
        token: u32,
        /// Size of the vocabulary.
        vocabulary: u32,
    },
    /// A field that is out of its range.
    #[error("`{name}`: {reason}")]
    InvalidParameter {
        /// The field.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The engine has stopped, and why.
    #[error("the engine has stopped: {0}")]
    Stopped(String),
}
