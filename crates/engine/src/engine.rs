//! An engine: one model on one accelerator, on a thread of its own.
//!
//! [`Engine`] owns the thread, [`EngineHandle`] talks to it. Nothing here is asynchronous: events
//! go to a sink that the caller brings, which may well be the sending half of an asynchronous
//! channel.

mod core;

use self::core::{Command, Core};
use crate::accelerator::Accelerator;
use crate::config::ModelConfig;
use crate::directory::ModelDirectory;
use crate::error::Error;
use crate::kernels::BLOCK_TOKENS;
use crate::metrics::Metrics;
use crate::model::{Model, ModelLimits, Traffic};
use crate::quantization::{KvCacheFormat, Quantization};
use crate::request::{
    EmbeddingSink, EventSink, GenerationRequest, RequestError, RequestId, SubmitError,
};
use crate::scheduler::{Limits, Scheduler};
use crate::tokenizer::Tokenizer;
use crate::weights::{RandomWeights, TensorSource};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// How an engine is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineOptions {
    /// What weights become.
    pub quantization: Quantization,
    /// How keys and values are kept. int8 needs heads whose width four divides.
    pub kv_cache: KvCacheFormat,
    /// Weights out of this seed instead of the checkpoint's: only config.json is needed.
    pub random_weights: Option<u64>,
    /// Positions of a sequence; at most what the model has. `None`: that.
    pub context: Option<u32>,
    /// Positions of the KV cache, rounded up to blocks; at least one context. `None`: room for
    /// several contexts.
    pub kv_cache_tokens: Option<u32>,
    /// Answers in the running batch at most.
    pub max_running: u32,
    /// Tokens of a step at most: decoding answers and chunks of prompts.
    pub max_step_tokens: u32,
    /// Answers that may wait; more are refused with [`SubmitError::QueueFull`].
    pub max_waiting: usize,
    /// Prompt tokens that may wait; more are refused with [`SubmitError::QueueTokensFull`].
    pub max_waiting_tokens: usize,
    /// Reuse the cached beginning of a prompt.
    pub reuse_prefixes: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            quantization: Quantization::None,
            kv_cache: KvCacheFormat::F32,
            random_weights: None,
            context: None,
            kv_cache_tokens: None,
            max_running: 32,
            max_step_tokens: 256,
            max_waiting: 1024,
            max_waiting_tokens: 1 << 20,
            reuse_prefixes: true,
        }
    }
}

/// Cache positions by default: what most machines have memory for, and a context at least.
const DEFAULT_KV_TOKENS: u32 = 16 << 10;

/// A model that runs. Dropping it ends the thread; requests that are not done fail with
/// [`crate::RequestError::Shutdown`].
#[derive(Debug)]
pub struct Engine {
    handle: EngineHandle,
    thread: Option<JoinHandle<()>>,
}

/// Talks to an [`Engine`]; any number of copies, on any thread.
#[derive(Clone, Debug)]
pub struct EngineHandle {
    shared: Arc<Shared>,
}

/// Takes blocks of the KV cache, [`EngineHandle::kv_block_bytes`] each.
pub type ExportSink = Box<dyn FnOnce(Result<Vec<u8>, RequestError>) + Send>;

/// Takes how many tokens of a prompt the KV cache holds.
pub type ImportSink = Box<dyn FnOnce(Result<usize, RequestError>) + Send>;

/// What engine thread and handles share.
#[derive(Debug)]
struct Shared {
    commands: Sender<Command>,
    config: ModelConfig,
    name: String,
    device: String,
    traffic: Traffic,
    /// See [`EngineHandle::kv_fingerprint`] and [`EngineHandle::kv_block_bytes`].
    kv_fingerprint: u64,
    kv_block_bytes: usize,
    tokenizer: Option<Tokenizer>,
    eos: Vec<u32>,
    /// Positions of a sequence.
    context: u32,
    last_request: AtomicU64,
    max_waiting: usize,
    max_waiting_tokens: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Answers submitted that were never scheduled, and their prompt tokens.
    waiting: usize,
    waiting_tokens: usize,
    metrics: Metrics,
    /// Why the engine has stopped.
    stopped: Option<String>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Loads a model onto an accelerator and starts the thread. Takes as long as reading the
    /// weights does.
    ///
    /// # Errors
    ///
    /// If the checkpoint is damaged, incomplete or unsupported, its tokenizer does not fit, or
    /// the device has not enough memory.
    pub fn load(
        directory: &ModelDirectory,
        accelerator: Box<dyn Accelerator>,
        options: &EngineOptions,
    ) -> Result<Self, Error> {
        let source: Box<dyn TensorSource> = match options.random_weights {
            Some(seed) => Box::new(RandomWeights::new(seed)),
            None => directory.tensors()?,
        };
        let config = directory.config();
        let tokenizer = Tokenizer::of(directory)?;
        if let Some(tokenizer) = &tokenizer
            && tokenizer.vocabulary() > config.vocab_size as usize
        {
            return Err(Error::Tokenizer(format!(
                "it has {} tokens, the model {}",
                tokenizer.vocabulary(),
                config.vocab_size
            )));
        }
        let limits = limits(config, options)?;
        let device = accelerator.name();
        let mut model = Model::load(
            accelerator,
            config,
            source.as_ref(),
            options.quantization,
            limits,
        )?;
        let (sender, receiver) = channel();
        let shared = Arc::new(Shared {
            commands: sender,
            config: config.clone(),
            name: directory.name(),
            device,
            traffic: model.traffic(),
            kv_fingerprint: model.fingerprint()?,
            kv_block_bytes: model.block_bytes(),
            tokenizer,
            eos: directory.generation_defaults().eos_token_id.clone(),
            context: limits.context,
            last_request: AtomicU64::new(0),
            max_waiting: options.max_waiting,
            max_waiting_tokens: options.max_waiting_tokens,
            state: Mutex::default(),
        });
        let scheduler = Scheduler::new(Limits {
            block_tokens: BLOCK_TOKENS as usize,
            blocks: limits.blocks,
            max_running: limits.sequences as usize,
            max_step_tokens: limits.rows as usize,
            reuse_prefixes: options.reuse_prefixes,
        });
        let mut core = Core::new(Arc::clone(&shared), model, scheduler);
        let thread = std::thread::Builder::new()
            .name("weft-engine".to_owned())
            .spawn(move || core.run(&receiver))
            .map_err(|error| Error::Invalid(format!("no thread for the engine: {error}")))?;
        Ok(Self {
            handle: EngineHandle { shared },
            thread: Some(thread),
        })
    }

    /// A handle for submitting requests.
    #[must_use]
    pub fn handle(&self) -> EngineHandle {
        self.handle.clone()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The thread is gone if the receiver is.
        let _ = self.handle.shared.commands.send(Command::Shutdown);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sizes of cache and steps for a model.
fn limits(config: &ModelConfig, options: &EngineOptions) -> Result<ModelLimits, Error> {
    let context = options.context.unwrap_or(config.max_position_embeddings);
    if context < 2 || context > config.max_position_embeddings {
        return Err(Error::Invalid(format!(
            "a context of {context} positions; the model allows 2 to {}",
            config.max_position_embeddings
        )));
    }
    if options.max_running == 0 || options.max_step_tokens < options.max_running {
        return Err(Error::Invalid(format!(
            "steps of {} tokens for {} running answers",
            options.max_step_tokens, options.max_running
        )));
    }
    let tokens = options
        .kv_cache_tokens
        .unwrap_or(DEFAULT_KV_TOKENS)
        .max(context);
    Ok(ModelLimits {
        context,
        blocks: tokens.div_ceil(BLOCK_TOKENS),
        kv_cache: options.kv_cache,
        rows: options.max_step_tokens,
        sequences: options.max_running,
    })
}

impl EngineHandle {
    /// Queues a request. Its events go to `sink`, the last one being
    /// [`crate::Event::Finished`] of its last answer, or [`crate::Event::Failed`].
    ///
    /// # Errors
    ///
    /// If the request can never be served, or too many wait already.
    pub fn submit(
        &self,
        request: GenerationRequest,
        sink: EventSink,
    ) -> Result<RequestId, SubmitError> {
        request.check(self.shared.config.vocab_size, self.shared.context)?;
        if self.shared.tokenizer.is_none() && !request.stop_strings.is_empty() {
            return Err(SubmitError::InvalidParameter {
                name: "stop",
                reason: "the model has no tokenizer".to_owned(),
            });
        }
        let tokens = request.prompt.len();
        let id = self.admit(request.n as usize, tokens)?;
        self.send(Command::Generate { id, request, sink })?;
        Ok(id)
    }

    /// Embeds a text: the last token's hidden state after the final norm, scaled to length 1.
    ///
    /// # Errors
    ///
    /// As [`Self::submit`].
    pub fn embed(&self, tokens: Vec<u32>, sink: EmbeddingSink) -> Result<RequestId, SubmitError> {
        let request = GenerationRequest::new(tokens);
        request.check(self.shared.config.vocab_size, self.shared.context)?;
        let id = self.admit(1, request.prompt.len())?;
        self.send(Command::Embed {
            id,
            tokens: request.prompt,
            sink,
        })?;
        Ok(id)
    }

    /// Ends a request. Its open answers finish with [`crate::FinishReason::Cancelled`]; an
    /// unknown or finished request is left alone.
    pub fn cancel(&self, id: RequestId) {
        let _ = self.shared.commands.send(Command::Cancel(id));
    }

    /// Gives the content of the KV cache for the beginning of `tokens`: whole blocks of
    /// [`Self::kv_block_tokens`] tokens from block `first` on, at most `blocks_max`, as far as the
    /// cache holds them; nothing is computed for it. An engine with the same
    /// [`Self::kv_fingerprint`] can take them with [`Self::import_prefix`].
    ///
    /// # Errors
    ///
    /// If the engine has stopped.
    pub fn export_prefix(
        &self,
        tokens: Vec<u32>,
        first: usize,
        blocks_max: usize,
        sink: ExportSink,
    ) -> Result<(), SubmitError> {
        self.send(Command::Export {
            tokens,
            first,
            blocks_max,
            sink,
        })
    }

    /// Puts blocks of another engine's cache into this one's, from block `first` of `tokens` on.
    /// They are found by every later request whose prompt begins with these tokens, until their
    /// room is needed. `sink` is told how many tokens of the beginning are in the cache then:
    /// blocks that do not follow what is there, or find no room, are left out. With no bytes that
    /// is all that happens.
    ///
    /// # Errors
    ///
    /// If `bytes` is no whole number of blocks, or more than `tokens` has, or the engine has
    /// stopped.
    pub fn import_prefix(
        &self,
        tokens: Vec<u32>,
        first: usize,
        bytes: Vec<u8>,
        sink: ImportSink,
    ) -> Result<(), SubmitError> {
        let size = self.shared.kv_block_bytes;
        let blocks = bytes.len() / size;
        let known = tokens.len() / self.kv_block_tokens();
        if !bytes.len().is_multiple_of(size)
            || first.checked_add(blocks).is_none_or(|end| end > known)
        {
            return Err(SubmitError::InvalidParameter {
                name: "bytes",
                reason: format!(
                    "{} bytes from block {first} on are not blocks of {size} bytes for {} tokens",
                    bytes.len(),
                    tokens.len()
                ),
            });
        }
        self.send(Command::Import {
            tokens,
            first,
            bytes,
            sink,
        })
    }

    /// A number that is the same in engines whose caches hold the same keys and values for the
    /// same tokens: same model, same weights as they are loaded, same format of the cache.
    #[must_use]
    pub fn kv_fingerprint(&self) -> u64 {
        self.shared.kv_fingerprint
    }

    /// Bytes of a block of the KV cache over all layers.
    #[must_use]
    pub fn kv_block_bytes(&self) -> usize {
        self.shared.kv_block_bytes
    }

    /// Tokens of a block of the KV cache.
    #[must_use]
    pub const fn kv_block_tokens(&self) -> usize {
        BLOCK_TOKENS as usize
    }

    /// What the engine is doing.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let state = self.shared.state();
        let mut metrics = state.metrics;
        metrics.waiting += state.waiting;
        metrics
    }

    /// Why the engine has stopped, if it has.
    #[must_use]
    pub fn stopped(&self) -> Option<String> {
        self.shared.state().stopped.clone()
    }

    /// Name of the model: that of its folder.
    #[must_use]
    pub fn model_name(&self) -> &str {
        &self.shared.name
    }

    /// Name of the accelerator.
    #[must_use]
    pub fn device_name(&self) -> &str {
        &self.shared.device
    }

    /// The least work of the model's steps.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.shared.traffic
    }

    /// Shape of the model.
    #[must_use]
    pub fn config(&self) -> &ModelConfig {
        &self.shared.config
    }

    /// Positions that prompt and answer can have together.
    #[must_use]
    pub fn context(&self) -> u32 {
        self.shared.context
    }

    /// The model's tokenizer, if it has one.
    #[must_use]
    pub fn tokenizer(&self) -> Option<&Tokenizer> {
        self.shared.tokenizer.as_ref()
    }

    /// The model's own tokens that end an answer.
    #[must_use]
    pub fn eos_tokens(&self) -> &[u32] {
        &self.shared.eos
    }

    /// Takes room in the queue.
    fn admit(&self, answers: usize, prompt: usize) -> Result<RequestId, SubmitError> {
        let mut state = self.shared.state();
        if let Some(why) = &state.stopped {
            return Err(SubmitError::Stopped(why.clone()));
        }
        let tokens = answers * prompt;
        let waiting = state.waiting + state.metrics.waiting;
        if waiting + answers > self.shared.max_waiting {
            return Err(SubmitError::QueueFull {
                waiting,
                limit: self.shared.max_waiting,
            });
        }
        if state.waiting_tokens + tokens > self.shared.max_waiting_tokens {
            return Err(SubmitError::QueueTokensFull {
                waiting: state.waiting_tokens + tokens,
                limit: self.shared.max_waiting_tokens,
            });
        }
        state.waiting += answers;
        state.waiting_tokens += tokens;
        Ok(RequestId(
            self.shared.last_request.fetch_add(1, Ordering::Relaxed) + 1,
        ))
    }

    fn send(&self, command: Command) -> Result<(), SubmitError> {
        self.shared.commands.send(command).map_err(|_| {
            let why = self
                .stopped()
                .unwrap_or_else(|| "it was shut down".to_owned());
            SubmitError::Stopped(why)
        })
    }
}
