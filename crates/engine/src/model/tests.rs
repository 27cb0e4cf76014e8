//! The forward pass against Hugging Face Transformers: `tests/golden` holds seeded checkpoints of
//! every architecture with its logits (`make_golden.py` made them).

use super::{Batch, Model, ModelLimits};
use crate::accelerator::{Accelerator, ChipAccelerator};
use crate::config::{Architecture, ModelConfig};
use crate::directory::ModelDirectory;
use crate::error::Error;
use crate::quantization::{KvCacheFormat, Quantization};
use crate::weights::{Tensor, TensorSource};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Largest difference of a logit. The reference is f64, whose own f32 run differs by 4e-6; the
/// chip's f32 arithmetic has approximate exponentials and reciprocal roots.
const TOLERANCE: f32 = 1e-4;

pub(crate) fn chip() -> Box<dyn Accelerator> {
    Box::new(ChipAccelerator::new(weft_driver::Config::default()).expect("a chip"))
}

fn golden(name: &str) -> (PathBuf, Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    let text = std::fs::read_to_string(folder.join("reference.json")).expect("a reference");
    (folder, serde_json::from_str(&text).expect("JSON"))
}

fn numbers(value: &Value) -> Vec<u32> {
    let list = value.as_array().expect("a list").iter();
    list.map(|each| u32::try_from(each.as_u64().expect("an id")).expect("small"))
        .collect()
}

fn load(folder: &Path) -> Model {
    let directory = ModelDirectory::open(folder).expect("a model directory");
    let source = directory.tensors().expect("weights");
    load_from(directory.config(), source.as_ref())
}

fn load_from(config: &ModelConfig, source: &dyn TensorSource) -> Model {
    let limits = ModelLimits {
        context: 64,
        blocks: 8,
        kv_cache: KvCacheFormat::F32,
        rows: 32,
        sequences: 32,
    };
    Model::load(chip(), config, source, Quantization::None, limits).expect("a model")
}

/// A batch of one sequence: `tokens` from position `start`, with the rows whose logits are wanted.
fn batch(tokens: &[u32], start: u32, blocks: &[u32], outputs: Vec<u32>) -> Batch {
    Batch {
        tokens: tokens.to_vec(),
        positions: (start..).take(tokens.len()).collect(),
        sequences: vec![0; tokens.len()],
        tables: vec![blocks.to_vec()],
        outputs,
    }
}

fn argmax(logits: &[f32]) -> u32 {
    let best = (0..).zip(logits).max_by(|a, b| a.1.total_cmp(b.1));
    best.expect("logits").0
}

/// Every architecture: logits of the last position, the likeliest token of every position, and
/// greedy tokens, with the prompt computed at once and the answer token by token.
fn check(name: &str) {
    let (folder, reference) = golden(name);
    check_model(name, load(&folder), &reference);
}

fn check_model(name: &str, mut model: Model, reference: &Value) {
    let ids = numbers(&reference["input_ids"]);
    let blocks = [5, 2];
    let rows: Vec<u32> = (0..).take(ids.len()).collect();
    model
        .forward(&batch(&ids, 0, &blocks, rows))
        .expect("a forward pass");
    let logits = model.logits(ids.len()).expect("logits");
    let vocabulary = model.config().vocab_size as usize;
    let likeliest: Vec<u32> = logits.chunks_exact(vocabulary).map(argmax).collect();
    assert_eq!(likeliest, numbers(&reference["argmax_each"]), "{name}");
    let last = logits.chunks_exact(vocabulary).next_back().expect("rows");
    let expected = reference["last_logits_f64"].as_array().expect("a list");
    for (index, (&found, expected)) in last.iter().zip(expected).enumerate() {
        let expected = expected.as_f64().expect("a number");
        let difference = (f64::from(found) - expected).abs();
        assert!(
            difference < f64::from(TOLERANCE),
            "{name}: logit {index} is {found}, not {expected}: off by {difference:e}"
        );
    }
    let mut token = argmax(last);
    let first = u32::try_from(ids.len()).expect("short");
    for (position, expected) in (first..).zip(numbers(&reference["greedy24"])) {
        assert_eq!(token, expected, "{name} at position {position}");
        model
            .forward(&batch(&[token], position, &blocks, vec![0]))
            .expect("a forward pass");
        token = argmax(&model.logits(1).expect("logits"));
    }
}

#[test]
fn qwen2_is_transformers() {
    check("qwen2");
}

#[test]
fn qwen2_with_tied_embeddings_is_transformers() {
    check("qwen2.5-tied");
}

#[test]
fn qwen3_is_transformers() {
    check("qwen3");
}

#[test]
fn qwen3_moe_is_transformers() {
    check("qwen3-moe");
}

#[test]
fn qwen2_from_gguf_is_transformers() {
    let (folder, reference) = golden("qwen2");
    let file = folder.join("../../gguf/tiny-qwen2.gguf");
    check_model("qwen2 from GGUF", load(&file), &reference);
}

/// The same weights as `llama`, without the biases that it does not have: from safetensors, and
/// from a GGUF file, whose heads are interleaved. There is no published reference for these, but
/// SmolLM2 has one.
#[test]
fn llama_from_gguf_is_llama_from_safetensors() {
    let (folder, _) = golden("qwen2");
    let source = ModelDirectory::open(&folder).expect("a model directory");
    let mut config = source.config().clone();
    config.architecture = Architecture::Llama;
    config.qkv_bias = false;
    let mut plain = load_from(&config, source.tensors().expect("weights").as_ref());
    let mut gguf = load(&folder.join("../../gguf/tiny-llama.gguf"));
    assert_eq!(*gguf.config(), config);
    let tokens = [3, 17, 450, 99, 5];
    let logits = [&mut plain, &mut gguf].map(|model| {
        model
            .forward(&batch(&tokens, 0, &[1], vec![4]))
            .expect("a forward pass");
        model.logits(1).expect("logits")
    });
    assert_eq!(logits[0], logits[1]);
}

/// A step of one row takes fused launches; it leaves the bits that a launch for each part of a layer
/// does, over one block and over more blocks than warps share.
#[test]
fn a_step_of_one_row_is_that_of_separate_launches() {
    for (name, kv_cache) in [
        ("qwen2.5-tied", KvCacheFormat::Int8),
        ("qwen3", KvCacheFormat::F32),
    ] {
        let (folder, _) = golden(name);
        let directory = ModelDirectory::open(&folder).expect("a model directory");
        let source = directory.tensors().expect("weights");
        let limits = ModelLimits {
            context: 320,
            blocks: 12,
            kv_cache,
            rows: 64,
            sequences: 1,
        };
        let mut models = [true, false].map(|fused| {
            let (config, source) = (directory.config(), source.as_ref());
            let int8 = Quantization::Int8;
            let mut model = Model::load(chip(), config, source, int8, limits).expect("a model");
            assert!(model.decode_step.is_some(), "{name}");
            if !fused {
                model.decode_step = None;
            }
            model
        });
        let blocks = [5, 2, 9, 11, 0, 1, 7, 3, 4, 8];
        let mut position = 0;
        for length in [30, 64, 64, 64, 40] {
            // The prompt until here in one step, then three tokens after each other.
            let prompt: Vec<u32> = (position..position + length).map(|i| i * 7 % 199).collect();
            for tokens in [prompt, vec![11], vec![190], vec![63]] {
                let row = u32::try_from(tokens.len()).expect("short") - 1;
                let found = models.each_mut().map(|model| {
                    let batch = batch(&tokens, position, &blocks, vec![row]);
                    model.forward(&batch).expect("a forward pass");
                    let hidden = model.hidden(1).expect("hidden states");
                    (hidden, model.logits(1).expect("logits"))
                });
                let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect();
                let [fused, separate]: [[Vec<u32>; 2]; 2] =
                    found.map(|(hidden, logits)| [bits(&hidden), bits(&logits)]);
                assert!(
                    fused == separate,
                    "{name} {kv_cache:?} at position {position}"
                );
                position += row + 1;
            }
        }
    }
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let (folder, _) = golden("qwen3");
    let directory = ModelDirectory::open(&folder).expect("a model directory");
    let source = Damaged(directory.tensors().expect("weights"));
    let limits = ModelLimits {
        context: 64,
        blocks: 2,
        kv_cache: KvCacheFormat::F32,
        rows: 32,
        sequences: 1,
    };
    let quantization = Quantization::None;
    let error = Model::load(chip(), directory.config(), &source, quantization, limits)
        .err()
        .expect("refused");
    let text = error.to_string();
    assert!(
        text.contains("model.layers.1.mlp.up_proj.weight") && text.contains("NaN"),
        "{text}"
    );
}

/// A checkpoint with one NaN.
struct Damaged(Box<dyn TensorSource>);

impl TensorSource for Damaged {
    fn read(&self, name: &str, shape: &[u64]) -> Result<Tensor, Error> {
        let mut tensor = self.0.read(name, shape)?;
        if name == "model.layers.1.mlp.up_proj.weight" {
            tensor.bytes[100..102].copy_from_slice(&half::bf16::NAN.to_le_bytes());
        }
        Ok(tensor)
    }

    fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    fn names(&self) -> Vec<&str> {
        self.0.names()
    }
}
