//! The forward pass against Hugging Face Transformers: `tests/golden` holds seeded checkpoints of
//! every architecture with its logits (`make_golden.py` made them).

use super::{Batch, Model, ModelLimits};
use crate::accelerator::{Accelerator, ChipAccelerator};
use crate::directory::ModelDirectory;
use crate::weights::SafetensorsFiles;
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
    let source = SafetensorsFiles::open(folder).expect("weights");
    let limits = ModelLimits {
        context: 64,
        blocks: 8,
        rows: 32,
        sequences: 32,
    };
    Model::load(chip(), directory.config(), &source, limits).expect("a model")
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
    let mut model = load(&folder);
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
