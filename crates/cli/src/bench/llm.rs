//! `weft bench llm`: how fast a model runs, on the host and on the modelled chip.

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use weft_engine::{
    ChipAccelerator, DeviceCounters, Engine, EngineHandle, EngineOptions, Event, GenerationRequest,
    ModelDirectory, Quantization, SamplingParameters,
};

/// Measure prompt and decode speed of a model.
///
/// Every sequence of the batch has a random prompt. The prompt phase computes all prompts; the
/// decode phase generates from them, with the prompts in the KV cache. Figures that begin with
/// `host_` are wall time of this machine, which simulates; figures that begin with `chip_` are of
/// the modelled chip.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A folder with config.json, or a GGUF file.
    model: PathBuf,
    /// Tokens of each prompt.
    #[arg(long, default_value_t = 128)]
    prompt: u32,
    /// Tokens generated after each prompt.
    #[arg(long, default_value_t = 32)]
    decode: u32,
    /// Sequences that run together.
    #[arg(long, default_value_t = 1)]
    batch: u32,
    /// Tokens of a step at most.
    #[arg(long, default_value_t = 512)]
    step_tokens: u32,
    /// What weights become at load.
    #[arg(long, value_enum, default_value_t = Quant::None)]
    quant: Quant,
    /// Random weights: of the model, only config.json is read.
    #[arg(long)]
    random_weights: bool,
    /// Host threads that run the chip [default: one per processor].
    #[arg(long)]
    host_threads: Option<usize>,
    /// Write the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Names of quantisations on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Quant {
    /// As stored.
    None,
    /// int8 weights and activations.
    Int8,
    /// int4 weights, int8 activations.
    Int4,
}

impl From<Quant> for Quantization {
    fn from(quant: Quant) -> Self {
        match quant {
            Quant::None => Self::None,
            Quant::Int8 => Self::Int8,
            Quant::Int4 => Self::Int4,
        }
    }
}

/// What `--json` writes.
#[derive(Serialize)]
struct Figures {
    model: String,
    parameters: u64,
    quant: String,
    prompt: u32,
    decode: u32,
    batch: u32,
    load_seconds: f64,
    host_prompt_tps: f64,
    host_decode_tps: f64,
    #[serde(flatten)]
    chip: Option<ChipFigures>,
    /// Why there are no figures of the chip.
    #[serde(skip_serializing_if = "Option::is_none")]
    chip_absent: Option<&'static str>,
}

/// Figures of the modelled chip.
#[derive(Serialize)]
struct ChipFigures {
    chip_prompt_tps: f64,
    chip_decode_tps: f64,
    joules_per_token: Option<f64>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.decode < 2 {
        bail!(
            "`--decode` is {}: at least 2 tokens make a rate",
            arguments.decode
        );
    }
    let directory = ModelDirectory::open(&arguments.model)?;
    let begin = Instant::now();
    let engine = load(arguments, &directory)?;
    let load_seconds = begin.elapsed().as_secs_f64();
    let handle = engine.handle();
    let tokens = f64::from(arguments.batch) * f64::from(arguments.prompt);
    // Kernels are compiled at their first use: once for the shapes of each phase.
    measure(&handle, arguments, 1, Some(2))?;
    let prompt = measure(&handle, arguments, 2, Some(1))?;
    let cached = measure(&handle, arguments, 2, Some(1))?;
    let decode = measure(&handle, arguments, 2, Some(arguments.decode))?;
    // Both phases with cached prompts compute the ends of the prompts that fill no block.
    let decoded = f64::from(arguments.batch) * f64::from(arguments.decode - 1);
    let chip_prompt = prompt.chip_seconds();
    let chip_decode = decode.chip_seconds().zip(cached.chip_seconds());
    let chip = chip_prompt
        .zip(chip_decode)
        .map(|(seconds, (whole, first))| ChipFigures {
            chip_prompt_tps: tokens / seconds,
            chip_decode_tps: decoded / (whole - first),
            joules_per_token: decode
                .joules()
                .zip(cached.joules())
                .map(|(whole, first)| (whole - first) / decoded),
        });
    let figures = Figures {
        model: handle.model_name().to_owned(),
        parameters: directory.config().parameter_count(),
        quant: format!("{:?}", arguments.quant).to_lowercase(),
        prompt: arguments.prompt,
        decode: arguments.decode,
        batch: arguments.batch,
        load_seconds,
        host_prompt_tps: tokens / prompt.first_tokens.as_secs_f64(),
        host_decode_tps: decoded / decode.decoding.as_secs_f64(),
        chip_absent: chip
            .is_none()
            .then_some("the launches of this build are not timed"),
        chip,
    };
    print(&figures);
    if let Some(path) = &arguments.json {
        let mut text = serde_json::to_string_pretty(&figures)?;
        text.push('\n');
        fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

fn load(arguments: &Arguments, directory: &ModelDirectory) -> Result<Engine> {
    let mut config = weft_driver::Config::default();
    config.chip.host_threads = arguments.host_threads;
    let accelerator = ChipAccelerator::new(config)?;
    let context = arguments
        .prompt
        .saturating_add(arguments.decode)
        .saturating_add(1);
    let mut options = EngineOptions::default();
    options.quantization = arguments.quant.into();
    options.random_weights = arguments.random_weights.then_some(1);
    options.context = Some(context);
    options.kv_cache_tokens = Some((context + 64).saturating_mul(arguments.batch));
    options.max_running = arguments.batch;
    options.max_step_tokens = arguments.step_tokens.max(arguments.batch);
    Ok(Engine::load(directory, Box::new(accelerator), &options)?)
}

/// One pass over the batch.
struct Pass {
    /// From the submission until every sequence has its first token.
    first_tokens: Duration,
    /// From then until the last token.
    decoding: Duration,
    before: DeviceCounters,
    after: DeviceCounters,
}

impl Pass {
    fn chip_seconds(&self) -> Option<f64> {
        Some(self.after.seconds? - self.before.seconds?)
    }

    fn joules(&self) -> Option<f64> {
        Some(self.after.joules? - self.before.joules?)
    }
}

/// Generates `decode` tokens after random prompts that depend on `seed`.
fn measure(
    handle: &EngineHandle,
    arguments: &Arguments,
    seed: u64,
    decode: Option<u32>,
) -> Result<Pass> {
    let before = idle(handle);
    let (sender, events) = channel();
    let begin = Instant::now();
    for index in 0..arguments.batch {
        let vocabulary = u64::from(handle.config().vocab_size);
        let prompt = random_tokens(seed << 32 | u64::from(index), vocabulary, arguments.prompt);
        let mut request = GenerationRequest::new(prompt);
        request.sampling = SamplingParameters::greedy();
        request.ignore_eos = true;
        request.max_tokens = decode;
        let sender = sender.clone();
        let mut count = 0;
        let sink = move |event| {
            count += u32::from(matches!(event, Event::Token { .. }));
            sender.send((count, event, Instant::now())).is_ok()
        };
        handle.submit(request, Box::new(sink))?;
    }
    drop(sender);
    let (first, last) = follow(&events, begin)?;
    Ok(Pass {
        first_tokens: first - begin,
        decoding: last - first,
        before,
        after: idle(handle),
    })
}

/// When the last sequence had its first token, and when the last token came.
fn follow(events: &Receiver<(u32, Event, Instant)>, begin: Instant) -> Result<(Instant, Instant)> {
    let (mut first, mut last) = (begin, begin);
    for (count, event, at) in events {
        match event {
            Event::Token { .. } => {
                if count == 1 {
                    first = at;
                }
                last = at;
            }
            Event::Failed(error) => return Err(error.into()),
            _ => {}
        }
    }
    Ok((first, last))
}

/// Waits until the engine has published that nothing runs; gives the device's counters.
fn idle(handle: &EngineHandle) -> DeviceCounters {
    loop {
        let metrics = handle.metrics();
        if metrics.running == 0 && metrics.waiting == 0 {
            return metrics.device;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Tokens of a linear congruential generator.
fn random_tokens(seed: u64, vocabulary: u64, count: u32) -> Vec<u32> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((state >> 33) % vocabulary).unwrap_or(0)
    };
    (0..count).map(|_| next()).collect()
}

#[expect(clippy::print_stdout, reason = "the result")]
fn print(figures: &Figures) {
    println!(
        "{}: {} parameters, {}; prompt {}, decode {}, batch {}",
        figures.model,
        figures.parameters,
        figures.quant,
        figures.prompt,
        figures.decode,
        figures.batch
    );
    println!("host  prompt {:>10.2} tokens/s", figures.host_prompt_tps);
    println!("host  decode {:>10.2} tokens/s", figures.host_decode_tps);
    match &figures.chip {
        Some(chip) => {
            println!("chip  prompt {:>10.2} tokens/s", chip.chip_prompt_tps);
            println!("chip  decode {:>10.2} tokens/s", chip.chip_decode_tps);
            if let Some(joules) = chip.joules_per_token {
                println!("chip  decode {joules:>10.6} joules/token");
            }
        }
        None => println!("chip  not timed"),
    }
}
