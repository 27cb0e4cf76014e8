//! From the fields of a request to a request of the engine, and the stream of its events.

use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use weft_engine::{
    EngineHandle, Event, GenerationDefaults, GenerationRequest, RequestError, RequestId,
    SamplingParameters, SubmitError,
};

use crate::metrics::{Metrics, Observer};
use crate::openai::error::ApiError;
use crate::openai::sampling::SamplingFields;

/// Events of requests that were admitted together. Dropping it cancels what is not finished.
#[derive(Debug)]
pub(crate) struct Generation {
    /// Holds at most the tokens of the answers: a client that reads slowly delays nobody.
    events: UnboundedReceiver<(usize, Event)>,
    engine: EngineHandle,
    ids: Vec<RequestId>,
    unfinished: u32,
}

impl Generation {
    /// Admits all of the requests, or none.
    pub(crate) fn submit(
        engine: &EngineHandle,
        metrics: &Arc<Metrics>,
        requests: Vec<GenerationRequest>,
    ) -> Result<Self, ApiError> {
        let (sender, events) = unbounded_channel();
        let mut generation = Self {
            events,
            engine: engine.clone(),
            ids: Vec::with_capacity(requests.len()),
            unfinished: 0,
        };
        for (index, request) in requests.into_iter().enumerate() {
            let answers = request.n;
            let sender = sender.clone();
            let mut observer = Observer::new(Arc::clone(metrics), answers);
            let sink = Box::new(move |event| {
                observer.see(&event);
                sender.send((index, event)).is_ok()
            });
            generation.ids.push(engine.submit(request, sink)?);
            generation.unfinished += answers;
        }
        Ok(generation)
    }

    /// The next event with the number of its request; `None` after the last answer has ended.
    ///
    /// # Errors
    ///
    /// If one of the requests failed.
    pub(crate) async fn next(&mut self) -> Result<Option<(usize, Event)>, ApiError> {
        if self.unfinished == 0 {
            return Ok(None);
        }
        let Some((index, event)) = self.events.recv().await else {
            return Err(ApiError::Unavailable {
                reason: "the engine has stopped".to_owned(),
            });
        };
        match event {
            Event::Failed(error) => return Err(error.into()),
            Event::Finished { .. } => self.unfinished -= 1,
            _ => {}
        }
        Ok(Some((index, event)))
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        if self.unfinished > 0 {
            for &id in &self.ids {
                self.engine.cancel(id);
            }
        }
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        let message = error.to_string();
        match error {
            SubmitError::QueueFull { .. } | SubmitError::QueueTokensFull { .. } => {
                Self::Overloaded { reason: message }
            }
            SubmitError::PromptTooLong { length, context } => {
                Self::context_overflow(length, 1, context as usize)
            }
            SubmitError::InvalidParameter { name, .. } => Self::invalid_param(name, message),
            SubmitError::Stopped(_) => Self::Unavailable { reason: message },
            _ => Self::invalid(message),
        }
    }
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        let message = error.to_string();
        match error {
            RequestError::Shutdown => Self::Unavailable { reason: message },
            _ => Self::Internal { message },
        }
    }
}

/// A request for `prompt` as the fields ask for it. What they leave open is the maker's default
/// for the model, as in vLLM, else OpenAI's.
pub(crate) fn request_of(
    prompt: Vec<u32>,
    fields: &SamplingFields,
    defaults: &GenerationDefaults,
    context: usize,
    max_tokens_default: Option<usize>,
) -> Result<GenerationRequest, ApiError> {
    let mut prompt = prompt;
    if let Some(length) = fields.truncate_prompt_tokens
        && length < prompt.len()
    {
        // The end of a prompt matters more than its beginning.
        prompt.drain(..prompt.len() - length);
    }
    let asked = fields.max_completion_tokens.or(fields.max_tokens);
    let max_tokens = asked.or(max_tokens_default);
    if prompt.len() + asked.unwrap_or(1) > context {
        return Err(ApiError::context_overflow(
            prompt.len(),
            asked.unwrap_or(1),
            context,
        ));
    }
    let mut request = GenerationRequest::new(prompt);
    request.sampling = sampling_of(fields, defaults)?;
    request.max_tokens = max_tokens
        .map(|count| small("max_tokens", count))
        .transpose()?;
    request.min_tokens = small("min_tokens", fields.min_tokens.unwrap_or(0))?;
    request.stop_tokens = fields.stop_token_ids.clone().unwrap_or_default();
    request.ignore_eos = fields.ignore_eos.unwrap_or(false);
    request.stop_strings = match fields.stop.clone() {
        Some(stop) => stop.into_strings()?,
        None => Vec::new(),
    };
    request.include_stop_string = fields.include_stop_str_in_output.unwrap_or(false);
    request.n = small("n", fields.n.unwrap_or(1))?;
    Ok(request)
}

fn sampling_of(
    fields: &SamplingFields,
    defaults: &GenerationDefaults,
) -> Result<SamplingParameters, ApiError> {
    if fields.skip_special_tokens == Some(false) {
        return Err(ApiError::unsupported("skip_special_tokens"));
    }
    let top_k = match fields.top_k {
        // Both mean all tokens.
        Some(-1 | 0) => 0,
        Some(k) => u32::try_from(k).map_err(|_| {
            ApiError::invalid_param("top_k", format!("top_k: {k} is neither -1 nor at least 0"))
        })?,
        None => defaults.top_k.unwrap_or(0),
    };
    let mut logit_bias = Vec::new();
    for (token, &bias) in fields.logit_bias.iter().flatten() {
        let token = token.parse().map_err(|_| {
            ApiError::invalid_param(
                "logit_bias",
                format!("logit_bias: `{token}` is no token id"),
            )
        })?;
        logit_bias.push((token, bias));
    }
    Ok(SamplingParameters {
        temperature: fields.temperature.or(defaults.temperature).unwrap_or(1.0),
        top_k,
        top_p: fields.top_p.or(defaults.top_p).unwrap_or(1.0),
        min_p: fields.min_p.or(defaults.min_p).unwrap_or(0.0),
        repetition_penalty: fields
            .repetition_penalty
            .or(defaults.repetition_penalty)
            .unwrap_or(1.0),
        presence_penalty: fields.presence_penalty.unwrap_or(0.0),
        frequency_penalty: fields.frequency_penalty.unwrap_or(0.0),
        logit_bias,
        seed: fields.seed.map(i64::cast_unsigned),
    })
}

/// A count as the engine takes it.
fn small(name: &str, count: usize) -> Result<u32, ApiError> {
    u32::try_from(count)
        .map_err(|_| ApiError::invalid_param(name, format!("{name}: {count} is too large")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::read;
    use serde_json::{Value, json};

    fn request(fields: Value) -> Result<GenerationRequest, ApiError> {
        let defaults = GenerationDefaults {
            temperature: Some(0.7),
            top_k: Some(20),
            ..GenerationDefaults::default()
        };
        let fields: SamplingFields = read(&fields).unwrap();
        request_of(vec![1, 2, 3, 4], &fields, &defaults, 10, None)
    }

    #[test]
    fn what_is_not_said_is_the_models_default() {
        let sampling = request(json!({"top_p": 0.5})).unwrap().sampling;
        assert_eq!(
            (sampling.temperature, sampling.top_k, sampling.top_p),
            (0.7, 20, 0.5)
        );
        let sampling = request(json!({"temperature": 0, "top_k": -1}))
            .unwrap()
            .sampling;
        assert_eq!((sampling.temperature, sampling.top_k), (0.0, 0));
    }

    #[test]
    fn an_answer_that_does_not_fit_is_refused() {
        assert_eq!(
            request(json!({"max_tokens": 6})).unwrap().max_tokens,
            Some(6)
        );
        let error = request(json!({"max_completion_tokens": 7})).err().unwrap();
        assert!(error.to_string().contains("10 tokens"), "{error}");
    }

    #[test]
    fn a_prompt_is_cut_at_its_beginning() {
        let prompt = request(json!({"truncate_prompt_tokens": 2}))
            .unwrap()
            .prompt;
        assert_eq!(prompt, [3, 4]);
    }

    #[test]
    fn nonsense_is_named() {
        for (field, value) in [
            ("top_k", json!(-2)),
            ("logit_bias", json!({"x": 1})),
            ("n", json!(1_u64 << 40)),
            ("stop", json!(["a", ""])),
            ("skip_special_tokens", json!(false)),
        ] {
            let error = request(json!({field: value})).err().unwrap();
            assert_eq!(error.param(), Some(field));
        }
    }
}
