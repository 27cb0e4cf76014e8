//! Load on an OpenAI-compatible server, and what it made of it: the measurement behind
//! `weft bench serve`, with the definitions of `vllm bench serve`.
//!
//! Requests are made by a seeded generator: the same options send the same prompts in the same
//! order with the same pauses. What is measured is this host's time.

mod client;
mod figures;
mod workload;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::ServeError;
pub use figures::{LoadFigures, Percentiles};
use workload::Workload;

/// What is sent, and where to.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The server, as `http://HOST:PORT`.
    pub base_url: String,
    /// Key to send.
    pub api_key: Option<String>,
    /// The model in requests; `None`: the first that the server lists.
    pub model: Option<String>,
    /// Requests in all.
    pub requests: u32,
    /// Tokens of a prompt.
    pub input_tokens: u32,
    /// Tokens of an answer; ends of sequence are ignored.
    pub output_tokens: u32,
    /// Tokens that all prompts begin with, beside their own.
    pub prefix_tokens: u32,
    /// Lengths are drawn evenly from this part below to this part above, in [0, 1).
    pub range_ratio: f64,
    /// Token ids of prompts are below this.
    pub vocabulary: u32,
    /// Requests per second; infinite sends all at once.
    pub request_rate: f64,
    /// Shape of the gamma distribution of pauses: 1 is a Poisson process, less is burstier.
    pub burstiness: f64,
    /// Requests under way at once; `None`: no bound.
    pub max_concurrency: Option<u32>,
    /// How long a request may take.
    pub timeout: Duration,
    /// Of prompts, lengths and pauses.
    pub seed: u64,
}

impl LoadOptions {
    /// Options for a server, everything else at its default.
    #[must_use]
    pub const fn new(base_url: String) -> Self {
        Self {
            base_url,
            api_key: None,
            model: None,
            requests: 32,
            input_tokens: 128,
            output_tokens: 32,
            prefix_tokens: 0,
            range_ratio: 0.0,
            vocabulary: 256,
            request_rate: f64::INFINITY,
            burstiness: 1.0,
            max_concurrency: None,
            timeout: Duration::from_secs(600),
            seed: 0,
        }
    }

    fn check(&self) -> Result<(), ServeError> {
        let wrong = |reason: &str| Err(ServeError::Config(reason.to_owned()));
        if self.requests == 0 || self.input_tokens == 0 || self.output_tokens == 0 {
            return wrong("requests, input and output tokens must be at least 1");
        }
        if !(0.0..1.0).contains(&self.range_ratio) {
            return wrong("the range ratio must be at least 0 and below 1");
        }
        if self.request_rate.is_nan() || self.request_rate <= 0.0 {
            return wrong("the request rate must be above 0");
        }
        if !(self.burstiness.is_finite() && self.burstiness > 0.0) {
            return wrong("burstiness must be above 0");
        }
        if self.max_concurrency == Some(0) || self.vocabulary == 0 {
            return wrong("concurrency and vocabulary must be at least 1");
        }
        Ok(())
    }
}

/// What came of one request.
#[derive(Clone, Debug)]
struct Outcome {
    /// Since the beginning of the load.
    begin: Duration,
    end: Duration,
    /// When events with text or tokens came.
    tokens_at: Vec<Duration>,
    input_tokens: u64,
    /// As the server counts them, else the number of events.
    output_tokens: u64,
    error: Option<String>,
}

/// Sends the load; `progress` is told how many requests have ended.
///
/// # Errors
///
/// If the options make no sense or the server does not list its models. Requests that fail are
/// counted, with the reason of the first.
pub fn load_server(
    options: &LoadOptions,
    progress: impl Fn(u32) + Send + Sync + 'static,
) -> Result<LoadFigures, ServeError> {
    options.check()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| ServeError::system("start the runtime", error))?;
    runtime.block_on(run(options, Arc::new(progress)))
}

async fn run(
    options: &LoadOptions,
    progress: Arc<dyn Fn(u32) + Send + Sync>,
) -> Result<LoadFigures, ServeError> {
    let client = Arc::new(client::Client::connect(options).await?);
    let workload = Workload::new(options);
    let places = options
        .max_concurrency
        .map_or(Semaphore::MAX_PERMITS, |places| places as usize);
    let places = Arc::new(Semaphore::new(places));
    let ended = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for request in workload {
        tokio::time::sleep_until((begin + request.at).into()).await;
        let (client, places) = (Arc::clone(&client), Arc::clone(&places));
        let (progress, ended) = (Arc::clone(&progress), Arc::clone(&ended));
        tasks.push(tokio::spawn(async move {
            // Never closed. A request begins when it has a place, as in vLLM.
            let _place = places.acquire().await;
            let outcome = client.send(&request, begin).await;
            progress(ended.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1);
            outcome
        }));
    }
    let mut outcomes = Vec::new();
    for task in tasks {
        match task.await {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    Ok(LoadFigures::of(
        client.model().to_owned(),
        &outcomes,
        begin.elapsed(),
    ))
}
