//! `/metrics`: the names that vLLM's dashboards and routers read, and the chip's own.
//!
//! Times are the host's. What the chip would have taken is in the `weft:chip_*` metrics alone.

use std::sync::Arc;
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use weft_engine::{Event, FinishReason};

use crate::openai::error::ApiError;

/// Content type of the text format.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of latency histograms, in seconds: vLLM's for the time to the first token, with room for
/// a chip that is simulated.
const LATENCY_BOUNDS: [f64; 20] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    20.0, 40.0, 80.0, 320.0,
];

/// Bounds of token histograms.
const TOKEN_BOUNDS: [f64; 14] = [
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0,
    100_000.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FinishedReason {
    finished_reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorKind {
    error_type: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HandoverResult {
    result: &'static str,
}

/// All metrics of a server.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    prompt_tokens: Counter,
    cached_tokens: Counter,
    generation_tokens: Counter,
    success: Family<FinishedReason, Counter>,
    errors: Family<ErrorKind, Counter>,
    handovers: Family<HandoverResult, Counter>,
    handover_tokens: Counter,
    time_to_first_token: Histogram,
    inter_token_latency: Histogram,
    time_per_output_token: Histogram,
    e2e_latency: Histogram,
    request_prompt_tokens: Histogram,
    request_generation_tokens: Histogram,
}

fn latency() -> Histogram {
    Histogram::new(LATENCY_BOUNDS)
}

impl Metrics {
    /// Metrics of the model `model_name`; `extend` registers what comes from elsewhere.
    pub(crate) fn new(model_name: &str, extend: impl FnOnce(&mut Registry)) -> Self {
        let label = ("model_name".into(), model_name.to_owned().into());
        let mut metrics = Self {
            registry: Registry::with_labels(std::iter::once(label)),
            prompt_tokens: Counter::default(),
            cached_tokens: Counter::default(),
            generation_tokens: Counter::default(),
            success: Family::default(),
            errors: Family::default(),
            handovers: Family::default(),
            handover_tokens: Counter::default(),
            time_to_first_token: latency(),
            inter_token_latency: latency(),
            time_per_output_token: latency(),
            e2e_latency: latency(),
            request_prompt_tokens: Histogram::new(TOKEN_BOUNDS),
            request_generation_tokens: Histogram::new(TOKEN_BOUNDS),
        };
        metrics.register();
        extend(&mut metrics.registry);
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "vllm:prompt_tokens",
            "Prompt tokens of answered requests",
            self.prompt_tokens.clone(),
        );
        registry.register(
            "vllm:prompt_tokens_cached",
            "Prompt tokens found in the KV cache",
            self.cached_tokens.clone(),
        );
        registry.register(
            "vllm:generation_tokens",
            "Tokens generated",
            self.generation_tokens.clone(),
        );
        registry.register(
            "vllm:request_success",
            "Answers by the reason of their end",
            self.success.clone(),
        );
        registry.register(
            "weft:request_errors",
            "Requests that were not answered, by error",
            self.errors.clone(),
        );
        registry.register(
            "weft:kv_handovers",
            "Prompts whose keys and values were to be taken over from another server",
            self.handovers.clone(),
        );
        registry.register(
            "weft:kv_handover_tokens",
            "Tokens whose keys and values were taken over",
            self.handover_tokens.clone(),
        );
        let times = [
            (
                "vllm:time_to_first_token_seconds",
                "Host time from admission to the first token",
                &self.time_to_first_token,
            ),
            (
                "vllm:inter_token_latency_seconds",
                "Host time between tokens of an answer",
                &self.inter_token_latency,
            ),
            (
                "vllm:request_time_per_output_token_seconds",
                "Mean host time per token after the first, of each answer",
                &self.time_per_output_token,
            ),
            (
                "vllm:e2e_request_latency_seconds",
                "Host time from admission to the end of an answer",
                &self.e2e_latency,
            ),
            (
                "vllm:request_prompt_tokens",
                "Prompt tokens of a request",
                &self.request_prompt_tokens,
            ),
            (
                "vllm:request_generation_tokens",
                "Tokens of an answer",
                &self.request_generation_tokens,
            ),
        ];
        for (name, help, histogram) in times {
            registry.register(name, help, histogram.clone());
        }
    }

    /// Counts a request that was not answered.
    pub(crate) fn count_error(&self, error: &ApiError) {
        let kind = ErrorKind {
            error_type: error.error_type(),
            status: error.status().as_u16(),
        };
        self.errors.get_or_create(&kind).inc();
    }

    /// Counts a prompt of which so many tokens were taken over, or that failed to be.
    pub(crate) fn count_handover(&self, tokens: Option<usize>) {
        let result = if tokens.is_some() { "done" } else { "failed" };
        let result = HandoverResult { result };
        self.handovers.get_or_create(&result).inc();
        self.handover_tokens.inc_by(tokens.unwrap_or(0) as u64);
    }

    /// All metrics as text.
    pub(crate) fn encode(&self) -> Result<String, ApiError> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry).map_err(|error| ApiError::Internal {
            message: format!("failed to write metrics: {error}"),
        })?;
        Ok(text)
    }
}

/// Watches the events of one request where they happen, so that a client that reads slowly does
/// not change what is measured.
#[derive(Debug)]
pub(crate) struct Observer {
    metrics: Arc<Metrics>,
    submitted: Instant,
    answers: Vec<AnswerTimes>,
    any_token: bool,
    /// Answers that have not ended.
    open: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct AnswerTimes {
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Observer {
    /// An observer of a request for this many answers, submitted now.
    pub(crate) fn new(metrics: Arc<Metrics>, answers: u32) -> Self {
        Self {
            metrics,
            submitted: Instant::now(),
            answers: vec![AnswerTimes::default(); answers as usize],
            any_token: false,
            open: answers,
        }
    }

    /// Takes note of an event that happens now.
    pub(crate) fn see(&mut self, event: &Event) {
        let now = Instant::now();
        match event {
            Event::Token { answer, .. } => self.see_token(*answer, now),
            Event::Finished {
                answer,
                reason,
                usage,
                ..
            } => {
                let metrics = &self.metrics;
                if *answer == 0 {
                    metrics.prompt_tokens.inc_by(usage.prompt_tokens.into());
                    metrics.cached_tokens.inc_by(usage.cached_tokens.into());
                    metrics
                        .request_prompt_tokens
                        .observe(usage.prompt_tokens.into());
                }
                metrics
                    .request_generation_tokens
                    .observe(usage.generated_tokens.into());
                metrics
                    .e2e_latency
                    .observe((now - self.submitted).as_secs_f64());
                let finished_reason = match reason {
                    FinishReason::StopToken(_)
                    | FinishReason::StopString(_)
                    | FinishReason::Constraint => "stop",
                    FinishReason::Length => "length",
                    _ => "abort",
                };
                let reason = FinishedReason { finished_reason };
                metrics.success.get_or_create(&reason).inc();
                self.open = self.open.saturating_sub(1);
                self.see_pace(*answer, usage.generated_tokens);
            }
            Event::Failed(error) => {
                self.open = 0;
                self.metrics.count_error(&error.clone().into());
            }
            _ => {}
        }
    }

    fn see_token(&mut self, answer: u32, now: Instant) {
        self.metrics.generation_tokens.inc();
        if !self.any_token {
            self.any_token = true;
            let time = (now - self.submitted).as_secs_f64();
            self.metrics.time_to_first_token.observe(time);
        }
        let Some(times) = self.answers.get_mut(answer as usize) else {
            return;
        };
        times.first.get_or_insert(now);
        if let Some(last) = times.last.replace(now) {
            let time = (now - last).as_secs_f64();
            self.metrics.inter_token_latency.observe(time);
        }
    }

    fn see_pace(&self, answer: u32, tokens: u32) {
        let Some(times) = self.answers.get(answer as usize) else {
            return;
        };
        if let (Some(first), Some(last), 2..) = (times.first, times.last, tokens) {
            let time = (last - first).as_secs_f64() / f64::from(tokens - 1);
            self.metrics.time_per_output_token.observe(time);
        }
    }
}

impl Drop for Observer {
    /// The engine drops the sink of a request that nobody listens to without a last event.
    fn drop(&mut self) {
        let finished_reason = "abort";
        let reason = FinishedReason { finished_reason };
        let aborted = self.open.into();
        if aborted > 0 {
            self.metrics.success.get_or_create(&reason).inc_by(aborted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_engine::Usage;

    #[test]
    fn names_and_labels_are_those_of_vllm() {
        let metrics = Arc::new(Metrics::new("m", |_| {}));
        let mut observer = Observer::new(Arc::clone(&metrics), 1);
        for token in 0..3 {
            observer.see(&Event::Token {
                answer: 0,
                token,
                text: String::new(),
                logprobs: None,
            });
        }
        observer.see(&Event::Finished {
            answer: 0,
            reason: FinishReason::Length,
            text: String::new(),
            usage: Usage {
                prompt_tokens: 5,
                cached_tokens: 2,
                generated_tokens: 3,
            },
        });
        metrics.count_error(&ApiError::Unauthorized);
        let text = metrics.encode().unwrap();
        for line in [
            "vllm:prompt_tokens_total{model_name=\"m\"} 5",
            "vllm:prompt_tokens_cached_total{model_name=\"m\"} 2",
            "vllm:generation_tokens_total{model_name=\"m\"} 3",
            "vllm:request_success_total{finished_reason=\"length\",model_name=\"m\"} 1",
            "weft:request_errors_total{error_type=\"invalid_request_error\",status=\"401\",model_name=\"m\"} 1",
            "vllm:time_to_first_token_seconds_count{model_name=\"m\"} 1",
            "vllm:inter_token_latency_seconds_count{model_name=\"m\"} 2",
            "vllm:request_time_per_output_token_seconds_count{model_name=\"m\"} 1",
            "vllm:request_prompt_tokens_sum{model_name=\"m\"} 5.0",
        ] {
            assert!(
                sorted_labels(&text).contains(&sorted(line)),
                "{line} is not in\n{text}"
            );
        }
    }

    fn sorted_labels(text: &str) -> Vec<String> {
        text.lines().map(sorted).collect()
    }

    /// A line with its labels in alphabetical order.
    fn sorted(line: &str) -> String {
        let Some((name, rest)) = line.split_once('{') else {
            return line.to_owned();
        };
        let (labels, value) = rest.split_once('}').unwrap();
        let mut labels: Vec<&str> = labels.split(',').collect();
        labels.sort_unstable();
        format!("{name}{{{}}}{value}", labels.join(","))
    }
}
