//! Arguments that commands with a model share.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Result;
use weft_driver::{ChipFile, Config};
use weft_engine::{Accelerator, ChipAccelerator, EngineOptions};
use weft_server::{Hub, RepoName, find_model, models_directory};

use crate::bench::Quant;
use crate::download;
use crate::failure::Failure;

/// How a model is run.
#[derive(clap::Args)]
pub(crate) struct EngineArguments {
    /// Tokens of prompt and answer together; at most and by default what the model has.
    #[arg(long, value_name = "N")]
    max_model_len: Option<u32>,

    /// Tokens in the KV cache.
    #[arg(long, value_name = "N")]
    kv_cache_tokens: Option<u32>,

    /// Answers in the running batch at most.
    #[arg(long, value_name = "N")]
    max_num_seqs: Option<u32>,

    /// What weights become when the model is loaded.
    #[arg(long, value_enum, default_value_t = Quant::None)]
    quant: Quant,
}

impl EngineArguments {
    /// The engine's options.
    pub(crate) fn options(&self) -> EngineOptions {
        let mut options = EngineOptions::default();
        options.quantization = self.quant.into();
        options.context = self.max_model_len;
        options.kv_cache_tokens = self.kv_cache_tokens;
        options.max_running = self.max_num_seqs.unwrap_or(options.max_running);
        options.max_step_tokens = options.max_step_tokens.max(options.max_running);
        options
    }
}

/// The chip; with `timing`, its model times every launch.
pub(crate) fn accelerator(timing: bool) -> Result<Box<dyn Accelerator>> {
    let config = Config::of_chip(ChipFile::w1(), timing);
    Ok(Box::new(ChipAccelerator::new(config)?))
}

/// Where pulled models are.
pub(crate) fn pulled() -> PathBuf {
    models_directory(|name| env::var_os(name).map(PathBuf::from))
}

/// The directory of a model that was given as a path, as the name of a pulled one, or as
/// `ORG/NAME` on the Hugging Face hub, from where it is fetched unless it is here already.
pub(crate) fn find(model: &Path) -> Result<PathBuf> {
    if let Some(found) = find_model(model, &pulled()) {
        return Ok(found);
    }
    if let Some(repo) = model.to_str().and_then(RepoName::parse)
        && !model.exists()
    {
        let hub = hub();
        return hub
            .find(&repo)
            .map_or_else(|| download::fetch(&hub, &repo), Ok);
    }
    let message = format!(
        "there is no model `{}`: no config.json there, nor is it a .gguf file",
        model.display()
    );
    let hint = "give a directory with config.json, the name of a pulled model, or ORG/NAME";
    Err(Failure::new(message).hint(hint).into())
}

/// The Hugging Face hub, as the environment has it.
pub(crate) fn hub() -> Hub {
    Hub::of(|name| env::var(name).ok())
}
