//! `weft bench llm`: how fast a model runs, on the host and on the modelled chip.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use weft_driver::{ChipFile, Device};
use weft_engine::{
    ChipAccelerator, DeviceCounters, Engine, EngineHandle, EngineOptions, Event, GenerationRequest,
    KvCacheFormat, ModelDirectory, Quantization, SamplingParameters,
};

/// Measure prompt and decode speed of a model.
///
/// Every sequence of the batch has a random prompt. The prompt phase computes all prompts; the
/// decode phase generates from them, with the prompts in the KV cache. Figures that begin with
/// `host_` are wall time of this machine, which simulates; figures that begin with `chip_` are of
/// the modelled chip.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A folder with config.json, that config.json, or a GGUF file.
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
    /// Keep keys and values as int8.
    #[arg(long)]
    kv_int8: bool,
    /// Chip whose time and energy are modelled: a built-in name or a chip file.
    #[arg(long, default_value = "w1", value_name = "NAME_OR_FILE")]
    chip: String,
    /// Leave the chip's figures out: modelling time takes the host several times as long.
    #[arg(long)]
    host_only: bool,
    /// List kernels by the host's time in all phases, with the chip's where that is modelled.
    #[arg(long)]
    kernels: bool,
    /// Write the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write a report of all launches, for `weft report`.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
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
}

/// Figures of the modelled chip.
#[derive(Serialize)]
struct ChipFigures {
    chip: String,
    chip_prompt_tps: f64,
    chip_decode_tps: f64,
    /// Least time by bandwidth or operations, whichever is longer, over the modelled time.
    decode_roof_fraction: f64,
    /// Operations over the peak of int8, over the modelled time.
    prefill_roof_fraction: f64,
    /// Of the decode phase.
    joules_per_token: f64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.decode < 2 {
        bail!(
            "`--decode` is {}: at least 2 tokens make a rate",
            arguments.decode
        );
    }
    let directory = ModelDirectory::open(folder_of(&arguments.model))?;
    let chip = Arc::new(ChipFile::named(&arguments.chip)?);
    let begin = Instant::now();
    let (engine, device) = load(arguments, &directory, &chip)?;
    let load_seconds = begin.elapsed().as_secs_f64();
    let handle = engine.handle();
    // Kernels are compiled at their first use.
    measure(&handle, arguments, 1, 2)?;
    let prompt = measure(&handle, arguments, 2, 1)?;
    let decode = measure(&handle, arguments, 2, arguments.decode)?;
    let chip_figures = if arguments.host_only {
        None
    } else {
        device.set_timing(Some(Arc::clone(&chip)))?;
        Some(measure_chip(&handle, arguments, &chip)?)
    };
    let figures = Figures {
        model: handle.model_name().to_owned(),
        parameters: directory.config().parameter_count(),
        quant: format!("{:?}", arguments.quant).to_lowercase(),
        prompt: arguments.prompt,
        decode: arguments.decode,
        batch: arguments.batch,
        load_seconds,
        host_prompt_tps: arguments.prompt_tokens() / prompt.first_tokens.as_secs_f64(),
        host_decode_tps: arguments.decoded_tokens() / decode.decoding.as_secs_f64(),
        chip: chip_figures,
    };
    print(&figures);
    if arguments.kernels {
        print_kernels(&device);
    }
    if let Some(path) = &arguments.report {
        let written = device.report().write(path);
        written.with_context(|| format!("failed to write {}", path.display()))?;
    }
    if let Some(path) = &arguments.json {
        let mut text = serde_json::to_string_pretty(&figures)?;
        text.push('\n');
        fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

impl Arguments {
    fn prompt_tokens(&self) -> f64 {
        f64::from(self.batch) * f64::from(self.prompt)
    }

    /// Tokens after the first of each answer, which belongs to the prompt.
    fn decoded_tokens(&self) -> f64 {
        f64::from(self.batch) * f64::from(self.decode - 1)
    }
}

/// A model may be named by its config.json, which is all that random weights need.
fn folder_of(model: &Path) -> &Path {
    match (model.file_name(), model.parent()) {
        (Some(name), Some(folder)) if name == "config.json" => {
            if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            }
        }
        _ => model,
    }
}

/// Both phases again, timed on the model of the chip.
fn measure_chip(
    handle: &EngineHandle,
    arguments: &Arguments,
    chip: &ChipFile,
) -> Result<ChipFigures> {
    let prompt = measure(handle, arguments, 3, 1)?;
    // With the prompts in the cache, a pass computes what of them fills no block; the decode
    // phase is the difference of a long pass and one of a single token.
    let first = measure(handle, arguments, 3, 1)?;
    let whole = measure(handle, arguments, 3, arguments.decode)?;
    let seconds = |pass: &Pass| pass.chip_seconds().context("the launches were not timed");
    let prompt_seconds = seconds(&prompt)?;
    let decode_seconds = seconds(&whole)? - seconds(&first)?;
    let joules = |pass: &Pass| pass.joules().context("the launches were not timed");
    let traffic = handle.traffic();
    let (batch, length) = (f64::from(arguments.batch), f64::from(arguments.prompt));
    let steps = f64::from(arguments.decode - 1);
    let context = length + steps / 2.0;
    let operations_per_second = chip.int8_operations_per_second();
    let step_roof = (traffic.decode_bytes(batch, context) / chip.memory_bytes_per_second())
        .max(traffic.decode_operations(batch, context) / operations_per_second);
    let prompt_roof = batch * traffic.prompt_operations(length) / operations_per_second;
    Ok(ChipFigures {
        chip: chip.name.clone(),
        chip_prompt_tps: arguments.prompt_tokens() / prompt_seconds,
        chip_decode_tps: arguments.decoded_tokens() / decode_seconds,
        decode_roof_fraction: steps * step_roof / decode_seconds,
        prefill_roof_fraction: prompt_roof / prompt_seconds,
        joules_per_token: (joules(&whole)? - joules(&first)?) / arguments.decoded_tokens(),
    })
}

fn load(
    arguments: &Arguments,
    directory: &ModelDirectory,
    chip: &ChipFile,
) -> Result<(Engine, Arc<Device>)> {
    let mut config = weft_driver::Config::of_chip(chip.clone(), false);
    config.chip.host_threads = arguments.host_threads;
    let accelerator = ChipAccelerator::new(config)?;
    let device = Arc::clone(accelerator.device());
    let context = arguments
        .prompt
        .saturating_add(arguments.decode)
        .saturating_add(1);
    let mut options = EngineOptions::default();
    options.quantization = arguments.quant.into();
    options.kv_cache = if arguments.kv_int8 {
        KvCacheFormat::Int8
    } else {
        KvCacheFormat::F32
    };
    options.random_weights = arguments.random_weights.then_some(1);
    options.context = Some(context);
    options.kv_cache_tokens = Some((context + 64).saturating_mul(arguments.batch));
    options.max_running = arguments.batch;
    options.max_step_tokens = arguments.step_tokens.max(arguments.batch);
    let engine = Engine::load(directory, Box::new(accelerator), &options)?;
    Ok((engine, device))
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
        // Modelled time begins at 0 when timing is switched on.
        Some(self.after.seconds? - self.before.seconds.unwrap_or(0.0))
    }

    fn joules(&self) -> Option<f64> {
        Some(self.after.joules? - self.before.joules.unwrap_or(0.0))
    }
}

/// Generates `decode` tokens after random prompts that depend on `seed`.
fn measure(handle: &EngineHandle, arguments: &Arguments, seed: u64, decode: u32) -> Result<Pass> {
    let before = idle(handle);
    let (sender, events) = channel();
    let begin = Instant::now();
    for index in 0..arguments.batch {
        let vocabulary = u64::from(handle.config().vocab_size);
        let prompt = random_tokens(seed << 32 | u64::from(index), vocabulary, arguments.prompt);
        let mut request = GenerationRequest::new(prompt);
        request.sampling = SamplingParameters::greedy();
        request.ignore_eos = true;
        request.max_tokens = Some(decode);
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
            println!(
                "{}    prompt {:>10.2} tokens/s",
                chip.chip, chip.chip_prompt_tps
            );
            println!("      decode {:>10.2} tokens/s", chip.chip_decode_tps);
            let percent = |fraction: f64| fraction * 100.0;
            println!(
                "      prompt {:>10.2} % of the roof",
                percent(chip.prefill_roof_fraction)
            );
            println!(
                "      decode {:>10.2} % of the roof",
                percent(chip.decode_roof_fraction)
            );
            println!("      decode {:>10.6} joules/token", chip.joules_per_token);
        }
        None => println!("chip  not timed"),
    }
}

#[expect(clippy::print_stdout, reason = "the result")]
fn print_kernels(device: &Device) {
    let mut kernels = device.report().kernels;
    kernels.sort_by(|a, b| b.host_seconds.total_cmp(&a.host_seconds));
    println!("host s   launches  instructions  chip ms  bound by    kernel");
    for kernel in kernels {
        let instructions: u64 = kernel.instructions.values().sum();
        let (milliseconds, limiter) = match &kernel.timing {
            Some(timing) => (
                format!("{:.3}", timing.chip_seconds * 1e3),
                timing.limiter.as_str(),
            ),
            None => (String::new(), ""),
        };
        println!(
            "{:>6.3}  {:>9}  {instructions:>12}  {milliseconds:>7}  {limiter:<10}  {}",
            kernel.host_seconds, kernel.launches, kernel.name
        );
    }
}
