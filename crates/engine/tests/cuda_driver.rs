//! The other accelerator: a CUDA driver opened at run time, here this project's own. The same
//! PTX, the same tokens.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;
use weft_engine::accelerator::CudaAccelerator;
use weft_engine::{
    Accelerator, ChipAccelerator, Engine, EngineOptions, Event, GenerationRequest, ModelDirectory,
    Quantization, SamplingParameters,
};

/// Builds the driver library in the profile and folder of this test.
fn library() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "weft-cuda"]);
    cargo.arg("--target-dir").arg(profile.parent().unwrap());
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(cargo.status().unwrap().success());
    profile.join("libcuda.so")
}

fn tokens(path: &Path, accelerator: Box<dyn Accelerator>, quantization: Quantization) -> Vec<u32> {
    let directory = ModelDirectory::open(path).unwrap();
    let mut options = EngineOptions::default();
    options.quantization = quantization;
    options.context = Some(128);
    options.kv_cache_tokens = Some(128);
    let engine = Engine::load(&directory, accelerator, &options).unwrap();
    let mut request = GenerationRequest::new(vec![3, 17, 450, 99, 5, 201, 77, 511, 2]);
    request.sampling = SamplingParameters::greedy();
    request.ignore_eos = true;
    request.max_tokens = Some(12);
    let (sender, events) = channel();
    let sink = Box::new(move |event| sender.send(event).is_ok());
    engine.handle().submit(request, sink).unwrap();
    events
        .iter()
        .filter_map(|event| match event {
            Event::Token { token, .. } => Some(token),
            Event::Finished { .. } => None,
            other => panic!("unexpected {other:?}"),
        })
        .collect()
}

#[test]
fn a_cuda_driver_gives_the_tokens_of_the_chip() {
    let library = library();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (model, quantization) in [
        ("tests/golden/qwen3-moe", Quantization::None),
        ("../../models/weft-tiny", Quantization::Int8),
    ] {
        let path = root.join(model);
        let chip = ChipAccelerator::new(weft_driver::Config::default()).unwrap();
        let cuda = CudaAccelerator::open(&library, 0).unwrap();
        assert_eq!(cuda.name(), chip.name());
        let expected = tokens(&path, Box::new(chip), quantization);
        assert_eq!(expected.len(), 12);
        assert_eq!(tokens(&path, Box::new(cuda), quantization), expected);
    }
}

#[test]
fn what_is_no_driver_is_an_error() {
    let error = CudaAccelerator::open(Path::new("no-such-library.so"), 0);
    assert!(error.err().unwrap().to_string().contains("no-such-library"));
}
