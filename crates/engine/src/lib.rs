//! The inference engine: language models on an accelerator.
//!
//! ```text
//! ModelDirectory ──► Engine::load(directory, accelerator, options)
//!                        │  a thread of its own: schedule, forward, sample, tell
//!                        ▼
//! EngineHandle::submit(GenerationRequest, sink) ──► sink(Event::Token ...), sink(Event::Finished ...)
//! ```
//!
//! A [`ModelDirectory`] is a checkpoint on disk. An [`Engine`] loads it onto an [`Accelerator`]:
//! the [`ChipAccelerator`] in this process, or a CUDA driver. An [`EngineHandle`] submits
//! requests, from any thread; each brings a sink, which gets the [`Event`]s of the request. The
//! engine batches whatever is open, token by token, with a paged KV cache in which prompts share
//! their beginnings.
//!
//! ```no_run
//! use std::path::Path;
//! use weft_engine::{
//!     ChipAccelerator, Engine, EngineOptions, Event, GenerationRequest, ModelDirectory,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = ModelDirectory::open(Path::new("models/weft-tiny"))?;
//! let chip = ChipAccelerator::new(Default::default())?;
//! let engine = Engine::load(&directory, Box::new(chip), &EngineOptions::default())?;
//! let handle = engine.handle();
//! let tokenizer = handle.tokenizer().ok_or("no tokenizer")?;
//! let request = GenerationRequest::new(tokenizer.encode("2 + 2 =")?);
//! let (sender, events) = std::sync::mpsc::channel();
//! handle.submit(request, Box::new(move |event| sender.send(event).is_ok()))?;
//! for event in events {
//!     if let Event::Token { text, .. } | Event::Finished { text, .. } = event {
//!         eprint!("{text}");
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! - The tokens of a request with a seed depend on the request alone, not on what else runs: a
//!   row's arithmetic is the same in every batch.
//! - A model that it does not compute exactly as its configuration says is an error at load.
//!
//! # What it does not do
//!
//! No HTTP, no JSON wire types, no chat templates (it reads the template's text), no async
//! runtime. Kernels reach the device as PTX only.

pub mod accelerator;
mod answer;
mod blocks;
mod config;
mod constraint;
mod directory;
mod engine;
mod error;
mod kernels;
mod matrix;
mod metrics;
mod model;
mod quantization;
mod request;
mod sampler;
mod scheduler;
mod stop;
mod tokenizer;
pub mod weights;

pub use accelerator::{Accelerator, ChipAccelerator, DeviceCounters};
pub use config::{Architecture, ModelConfig, MoeConfig, Rope, RopeScaling};
pub use constraint::{ConstraintError, ConstraintStep, TokenConstraint, TokenSet};
pub use directory::{GenerationDefaults, ModelDirectory, SpecialTokens};
pub use engine::{Engine, EngineHandle, EngineOptions, ExportSink, ImportSink};
pub use error::Error;
pub use metrics::Metrics;
pub use model::Traffic;
pub use quantization::{KvCacheFormat, Quantization};
pub use request::{
    EmbeddingSink, Event, EventSink, FinishReason, GenerationRequest, MAX_ANSWERS, MAX_LOGPROBS,
    RequestError, RequestId, SamplingParameters, SubmitError, TokenLogprob, TokenLogprobs, Usage,
};
pub use tokenizer::{TextStream, Tokenizer};
