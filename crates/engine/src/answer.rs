//! One answer while it is generated: choice of tokens, text, and when it ends.

use crate::constraint::{ConstraintStep, TokenConstraint, TokenSet};
use crate::request::{
    Event, FinishReason, GenerationRequest, RequestError, RequestId, SamplingParameters, Usage,
};
use crate::sampler::{Choice, TokenCounts, sample};
use crate::stop::{Release, StopStrings};
use crate::tokenizer::{TextStream, Tokenizer};

/// See the module documentation.
pub(crate) struct Answer {
    pub(crate) request: RequestId,
    pub(crate) index: u32,
    sampling: SamplingParameters,
    counts: TokenCounts,
    constraint: Option<Box<dyn TokenConstraint>>,
    allowed: TokenSet,
    /// End-of-sequence and stop tokens that count for this request.
    stop_tokens: Vec<u32>,
    stop_strings: StopStrings,
    include_stop_string: bool,
    text: TextStream,
    logprobs: Option<u32>,
    seed: u64,
    min_tokens: u32,
    max_tokens: u32,
    usage: Usage,
}

/// What one step of an answer came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The token to go on with; `None` when the answer has ended.
    pub(crate) next: Option<u32>,
    pub(crate) events: Vec<Event>,
}

/// What an answer needs to know of the model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ModelFacts<'a> {
    pub(crate) vocabulary: u32,
    pub(crate) eos: &'a [u32],
    /// Tokens that a sequence can have.
    pub(crate) max_length: usize,
}

impl Answer {
    pub(crate) fn new(
        id: RequestId,
        index: u32,
        request: &GenerationRequest,
        facts: ModelFacts<'_>,
    ) -> Self {
        let length = request.prompt.len();
        let room = u32::try_from(facts.max_length.saturating_sub(length)).unwrap_or(u32::MAX);
        let mut stop_tokens = request.stop_tokens.clone();
        if !request.ignore_eos {
            stop_tokens.extend(facts.eos);
        }
        stop_tokens.retain(|&token| token < facts.vocabulary);
        Self {
            request: id,
            index,
            sampling: request.sampling.clone(),
            counts: TokenCounts::of_prompt(&request.prompt),
            constraint: request.constraint.as_ref().map(|each| each.fork()),
            allowed: TokenSet::none(facts.vocabulary as usize),
            stop_tokens,
            stop_strings: StopStrings::new(request.stop_strings.clone()),
            include_stop_string: request.include_stop_string,
            text: TextStream::default(),
            logprobs: request.logprobs,
            seed: request
                .sampling
                .seed
                .unwrap_or(id.0)
                .wrapping_add(u64::from(index)),
            min_tokens: request.min_tokens,
            max_tokens: request.max_tokens.unwrap_or(u32::MAX).min(room),
            usage: Usage {
                prompt_tokens: u32::try_from(length).unwrap_or(u32::MAX),
                ..Usage::default()
            },
        }
    }

    pub(crate) const fn set_cached(&mut self, tokens: u32) {
        self.usage.cached_tokens = tokens;
    }

    /// Takes the logits after the last token.
    pub(crate) fn step(
        &mut self,
        logits: &mut [f32],
        tokenizer: Option<&Tokenizer>,
    ) -> Result<Outcome, RequestError> {
        let mut restricted = false;
        if let Some(constraint) = &mut self.constraint {
            self.allowed.words_mut().fill(0);
            match constraint.allowed(&mut self.allowed)? {
                ConstraintStep::Free => {}
                ConstraintStep::Restricted => restricted = true,
                ConstraintStep::Complete => {
                    let events = vec![self.finish(FinishReason::Constraint, tokenizer)];
                    return Ok(Outcome { next: None, events });
                }
            }
        }
        let early = self.usage.generated_tokens < self.min_tokens;
        let choice = Choice {
            parameters: &self.sampling,
            counts: &self.counts,
            allowed: restricted.then_some(&self.allowed),
            banned: if early { &self.stop_tokens } else { &[] },
            logprobs: self.logprobs,
            seed: self.seed,
            draw: u64::from(self.usage.generated_tokens),
        };
        let sampled = sample(logits, &choice).ok_or(RequestError::NotFinite)?;
        let token = sampled.token;
        self.usage.generated_tokens += 1;
        self.counts.add(token);
        let mut events = Vec::new();
        let said = |text: String| Event::Token {
            answer: self.index,
            token,
            text,
            logprobs: sampled.logprobs.clone(),
        };
        if self.stop_tokens.contains(&token) {
            events.push(said(String::new()));
            events.push(self.finish(FinishReason::StopToken(token), tokenizer));
            return Ok(Outcome { next: None, events });
        }
        if let Some(constraint) = &mut self.constraint {
            constraint.accept(token)?;
        }
        let piece = match tokenizer {
            Some(tokenizer) => self
                .text
                .push(tokenizer, token)
                .map_err(|error| RequestError::Engine(error.to_string()))?,
            None => String::new(),
        };
        let mut ended = None;
        match self.stop_strings.push(&piece) {
            Release::Text(text) => events.push(said(text)),
            Release::Stop { mut before, stop } => {
                if self.include_stop_string {
                    before.push_str(&stop);
                }
                events.push(said(before));
                self.text = TextStream::default();
                ended = Some(FinishReason::StopString(stop));
            }
        }
        if ended.is_none() && self.usage.generated_tokens >= self.max_tokens {
            ended = Some(FinishReason::Length);
        }
        match ended {
            None => Ok(Outcome {
                next: Some(token),
                events,
            }),
            Some(reason) => {
                events.push(self.finish(reason, tokenizer));
                Ok(Outcome { next: None, events })
            }
        }
    }

    /// The last event, with the text that was held back.
    pub(crate) fn finish(&mut self, reason: FinishReason, tokenizer: Option<&Tokenizer>) -> Event {
        let mut text = self.stop_strings.finish();
        if let Some(tokenizer) = tokenizer {
            // The ids were decoded before: they exist.
            text.push_str(&self.text.finish(tokenizer).unwrap_or_default());
        }
        Event::Finished {
            answer: self.index,
            reason,
            text,
            usage: self.usage,
        }
    }
}
