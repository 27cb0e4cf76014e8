//! Keys and values of a prompt go from one engine to another; the answer is that of one engine.

use std::path::Path;
use std::sync::mpsc::channel;
use weft_engine::{
    ChipAccelerator, Engine, EngineHandle, EngineOptions, Event, GenerationRequest, KvCacheFormat,
    ModelDirectory, Quantization, SamplingParameters, SubmitError, Usage,
};

fn engine(change: impl FnOnce(&mut EngineOptions)) -> Engine {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/weft-tiny");
    let directory = ModelDirectory::open(&path).expect("the shipped model");
    let chip = ChipAccelerator::new(weft_driver::Config::default()).expect("a chip");
    let mut options = EngineOptions::default();
    options.context = Some(256);
    options.kv_cache_tokens = Some(256);
    change(&mut options);
    Engine::load(&directory, Box::new(chip), &options).expect("an engine")
}

/// 70 tokens: two whole blocks and a rest.
fn prompt() -> Vec<u32> {
    (0..70).map(|index| index * 7 % 500 + 3).collect()
}

/// Sampled tokens with their log-probabilities, as bits.
fn generate(handle: &EngineHandle, tokens: u32) -> (Vec<(u32, u32)>, Usage) {
    let mut request = GenerationRequest::new(prompt());
    request.sampling = SamplingParameters::default();
    request.sampling.seed = Some(5);
    request.max_tokens = Some(tokens);
    request.ignore_eos = true;
    request.logprobs = Some(0);
    let (sender, events) = channel();
    let sink = Box::new(move |event| sender.send(event).is_ok());
    handle.submit(request, sink).expect("admitted");
    let (mut list, mut used) = (Vec::new(), Usage::default());
    for event in events {
        match event {
            Event::Token {
                token, logprobs, ..
            } => {
                let logprob = logprobs.expect("asked for").chosen.logprob;
                list.push((token, logprob.to_bits()));
            }
            Event::Finished { usage, .. } => used = usage,
            other => panic!("unexpected {other:?}"),
        }
    }
    (list, used)
}

fn export(handle: &EngineHandle, tokens: &[u32], first: usize, blocks_max: usize) -> Vec<u8> {
    let (sender, receiver) = channel();
    let sink = Box::new(move |result| sender.send(result).expect("the test waits"));
    handle
        .export_prefix(tokens.to_vec(), first, blocks_max, sink)
        .expect("it runs");
    receiver.recv().expect("an answer").expect("blocks")
}

fn import(handle: &EngineHandle, tokens: &[u32], first: usize, bytes: Vec<u8>) -> usize {
    let (sender, receiver) = channel();
    let sink = Box::new(move |result| sender.send(result).expect("the test waits"));
    handle
        .import_prefix(tokens.to_vec(), first, bytes, sink)
        .expect("it fits");
    receiver.recv().expect("an answer").expect("written")
}

fn check(change: impl Fn(&mut EngineOptions)) {
    let (first, second) = (engine(&change), engine(&change));
    let (first, second) = (first.handle(), second.handle());
    assert_eq!(first.kv_fingerprint(), second.kv_fingerprint());
    let (expected, usage) = generate(&first, 12);
    assert_eq!(usage.cached_tokens, 0);
    let tokens = prompt();
    // In two parts, as a long prompt is.
    for block in 0..2 {
        assert_eq!(
            import(&second, &tokens, 0, Vec::new()),
            block * 32,
            "held before"
        );
        let bytes = export(&first, &tokens, block, 1);
        assert_eq!(bytes.len(), second.kv_block_bytes());
        assert_eq!(
            import(&second, &tokens, block, bytes),
            (block + 1) * 32,
            "held after"
        );
    }
    let (found, usage) = generate(&second, 12);
    assert_eq!(found, expected, "tokens and the bits of log-probabilities");
    assert_eq!(usage.cached_tokens, 64, "nothing of it was computed again");
}

#[test]
fn an_answer_over_foreign_keys_and_values_is_the_same() {
    check(|_| {});
}

#[test]
fn so_is_one_over_an_int8_cache() {
    check(|options| {
        options.kv_cache = KvCacheFormat::Int8;
        options.quantization = Quantization::Int8;
    });
}

#[test]
fn caches_that_differ_have_other_fingerprints() {
    let of = |change: fn(&mut EngineOptions)| engine(change).handle().kv_fingerprint();
    let prints = [
        of(|_| {}),
        of(|options| options.quantization = Quantization::Int8),
        of(|options| options.kv_cache = KvCacheFormat::Int8),
        of(|options| options.random_weights = Some(1)),
        of(|options| options.random_weights = Some(2)),
    ];
    for (index, print) in prints.iter().enumerate() {
        assert!(!prints[..index].contains(print), "{index}: {prints:x?}");
    }
}

#[test]
fn what_does_not_fit_is_refused_or_left_out() {
    let engine = engine(|_| {});
    let handle = engine.handle();
    let (size, tokens) = (handle.kv_block_bytes(), prompt());
    assert!(
        export(&handle, &tokens, 0, 9).is_empty(),
        "nothing was computed"
    );
    let refused = |first: usize, bytes: usize| {
        let sink = Box::new(|_| panic!("it was refused"));
        let result = handle.import_prefix(tokens.clone(), first, vec![0; bytes], sink);
        assert!(
            matches!(result, Err(SubmitError::InvalidParameter { .. })),
            "{result:?}"
        );
    };
    refused(0, size - 1);
    refused(0, 3 * size);
    refused(1, 2 * size);
    refused(usize::MAX, size);
    // A block whose predecessor is not there.
    assert_eq!(import(&handle, &tokens, 1, vec![0; size]), 0);
    // More than there is room for: eight blocks.
    let long: Vec<u32> = (0..320).collect();
    assert_eq!(import(&handle, &long, 0, vec![0; 10 * size]), 256);
    let (_, usage) = generate(&handle, 2);
    assert_eq!(usage.generated_tokens, 2, "their room is for others again");
}
