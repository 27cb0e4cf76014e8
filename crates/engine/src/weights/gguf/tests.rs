//! GGUF files that `tests/gguf/make_gguf.py` made with gguf-py, and damaged copies of them.

use super::blocks::BlockFormat;
use super::{GgufCheckpoint, GgufFile, GgufValue};
use crate::config::Architecture;
use crate::directory::ModelDirectory;
use crate::error::Error;
use crate::weights::TensorSource as _;
use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/gguf")
        .join(name)
}

#[test]
fn blocks_are_the_values_of_gguf_py() {
    let file = GgufFile::open(&path("blocks.gguf")).expect("a file");
    let mut formats = 0;
    for name in file.tensor_names() {
        if name.ends_with(".reference") {
            continue;
        }
        let (format, bytes) = file.read(name, None).expect("a tensor");
        let (plain, reference) = file.read(&format!("{name}.reference"), None).expect("one");
        assert_eq!(
            file.get("general.architecture"),
            Some(&GgufValue::Text("llama".to_owned()))
        );
        let (found, expected) = (format.to_f32(&bytes), plain.to_f32(&reference));
        assert_eq!(found.len(), expected.len(), "{name}");
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(
                found.to_bits(),
                expected.to_bits(),
                "{name} at {index}: {found} {expected}"
            );
        }
        formats += 1;
    }
    assert_eq!(formats, 7);
}

#[test]
fn a_checkpoint_has_the_configuration_and_tensors_of_its_source() {
    let gguf = GgufCheckpoint::open(&path("tiny-qwen2.gguf")).expect("a checkpoint");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/qwen2");
    let source = ModelDirectory::open(&source).expect("a model directory");
    assert_eq!(gguf.config(), source.config());
    let tensors = source.tensors().expect("weights");
    let llama = GgufCheckpoint::open(&path("tiny-llama.gguf")).expect("a checkpoint");
    assert_eq!(llama.config().architecture, Architecture::Llama);
    for (name, shape) in [
        ("model.embed_tokens.weight", vec![512, 64]),
        ("lm_head.weight", vec![512, 64]),
        ("model.norm.weight", vec![64]),
        ("model.layers.2.self_attn.q_proj.weight", vec![64, 64]),
        ("model.layers.0.self_attn.k_proj.weight", vec![32, 64]),
        ("model.layers.0.mlp.down_proj.weight", vec![64, 160]),
    ] {
        let expected = tensors.read(name, &shape).expect("a tensor").values();
        for file in [&gguf, &llama] {
            assert_eq!(
                file.read(name, &shape).expect("a tensor").values(),
                expected,
                "{name}"
            );
        }
    }
    let wrong = gguf.read("lm_head.weight", &[64, 512]);
    assert!(matches!(wrong, Err(Error::Tensor { .. })));
    assert!(gguf.contains("model.layers.1.self_attn.q_proj.bias"));
    assert!(!llama.contains("model.layers.1.self_attn.q_proj.bias"));
}

#[test]
fn damaged_files_are_errors() {
    let whole = std::fs::read(path("blocks.gguf")).expect("a file");
    let folder = tempfile::tempdir().expect("a folder");
    let damaged = folder.path().join("damaged.gguf");
    // The header is at the front: every length of it, and then some of the data.
    for length in (0..1200).step_by(5).chain((1200..whole.len()).step_by(997)) {
        std::fs::write(&damaged, &whole[..length]).expect("a file");
        let error = GgufFile::open(&damaged).expect_err("truncated");
        assert!(matches!(error, Error::Format { .. }), "{length}: {error}");
    }
    for at in (0..1200).step_by(3) {
        for flip in [0x01, 0x80] {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            std::fs::write(&damaged, &bytes).expect("a file");
            if let Ok(file) = GgufFile::open(&damaged) {
                for name in file.tensor_names() {
                    let (format, bytes) = file.read(name, None).expect("inside the file");
                    format.to_f32(&bytes);
                }
            }
        }
    }
}

#[test]
fn unknown_formats_are_named() {
    assert_eq!(BlockFormat::of_number(6), None);
    let mut bytes = std::fs::read(path("blocks.gguf")).expect("a file");
    let name = b"Q8_0\x02\0\0\0";
    let at = bytes
        .windows(name.len())
        .position(|w| w == name)
        .expect("the tensor");
    bytes[at + name.len() + 16] = 6;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("q5.gguf");
    std::fs::write(&file, &bytes).expect("a file");
    let error = GgufFile::open(&file).expect_err("unsupported").to_string();
    assert!(error.contains("`Q8_0` is of ggml type 6"), "{error}");
}
