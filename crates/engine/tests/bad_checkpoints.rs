//! Damaged checkpoints: each is refused at load by an error that names what is wrong with it.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use weft_engine::{ChipAccelerator, Engine, EngineOptions, ModelDirectory};

/// The file with the first weights.
const SHARD: &str = "model-00001-of-00004.safetensors";

fn weft_tiny() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/weft-tiny")
}

/// Loads a copy of weft-tiny after `damage`; the error as text.
fn load(damage: impl FnOnce(&Path)) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(weft_tiny()).expect("the shipped model") {
        let entry = entry.expect("a file");
        fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("a copy");
    }
    damage(folder.path());
    let directory = ModelDirectory::open(folder.path()).map_err(|error| error.to_string())?;
    let chip = ChipAccelerator::new(weft_driver::Config::default()).expect("a chip");
    let engine = Engine::load(&directory, Box::new(chip), &EngineOptions::default());
    engine.map(drop).map_err(|error| error.to_string())
}

/// Changes a JSON file.
fn edit(folder: &Path, name: &str, change: impl FnOnce(&mut Value)) {
    let path = folder.join(name);
    let text = fs::read_to_string(&path).expect("a file");
    let mut value = serde_json::from_str(&text).expect("JSON");
    change(&mut value);
    fs::write(path, value.to_string()).expect("a file");
}

/// Changes the bytes of a file.
fn edit_bytes(folder: &Path, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let path = folder.join(name);
    let mut bytes = fs::read(&path).expect("a file");
    change(&mut bytes);
    fs::write(path, bytes).expect("a file");
}

/// Bytes of the header of a safetensors file, with its length before it.
fn header_end(bytes: &[u8]) -> usize {
    let length = u64::from_le_bytes(*bytes.first_chunk().expect("a length"));
    8 + usize::try_from(length).expect("small")
}

/// Replaces a text in the header by one of the same length.
fn edit_header(folder: &Path, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    edit_bytes(folder, SHARD, |bytes| {
        let end = header_end(bytes);
        let at = bytes[..end]
            .windows(from.len())
            .position(|window| window == from.as_bytes());
        let at = at.expect("it is there");
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    });
}

#[test]
fn a_copy_that_is_not_damaged_loads() {
    load(|_| {}).expect("it loads");
}

#[test]
fn every_damage_is_named() {
    type Damage = fn(&Path);
    let table: [(&str, Damage, &[&str]); 15] = [
        (
            "no weights",
            |folder| fs::remove_file(folder.join(SHARD)).expect("it was there"),
            &[SHARD],
        ),
        (
            "weights cut off",
            |folder| {
                edit_bytes(folder, SHARD, |bytes| {
                    bytes.truncate(bytes.len() / 2);
                });
            },
            &[SHARD],
        ),
        (
            "weights cut off in the header",
            |folder| edit_bytes(folder, SHARD, |bytes| bytes.truncate(100)),
            &[SHARD],
        ),
        (
            "empty weights",
            |folder| edit_bytes(folder, SHARD, Vec::clear),
            &[SHARD],
        ),
        (
            "a header as long as no file",
            |folder| edit_bytes(folder, SHARD, |bytes| bytes[7] = 0x7f),
            &[SHARD],
        ),
        (
            "a header that is no JSON",
            |folder| edit_bytes(folder, SHARD, |bytes| bytes[8] = b'x'),
            &[SHARD],
        ),
        (
            "a tensor of another name",
            |folder| {
                edit_header(
                    folder,
                    "model.layers.0.input_layernorm.weight",
                    "model.layers.0.input_layernorm.weighs",
                )
            },
            &["model.layers.0.input_layernorm.weight"],
        ),
        (
            "a value that is not a number",
            |folder| {
                edit_bytes(folder, SHARD, |bytes| {
                    let end = header_end(bytes);
                    // A NaN in bf16 and the second half of one in f32.
                    bytes[end + 2..end + 4].copy_from_slice(&[0xff, 0x7f]);
                });
            },
            &["tensor", "NaN"],
        ),
        (
            "another width",
            |folder| {
                edit(folder, "config.json", |config| {
                    config["intermediate_size"] = json!(449);
                });
            },
            &["mlp", "449"],
        ),
        (
            "another vocabulary",
            |folder| {
                edit(folder, "config.json", |config| {
                    config["vocab_size"] = json!(2047)
                })
            },
            &["2048", "2047"],
        ),
        (
            "another activation",
            |folder| {
                edit(folder, "config.json", |config| {
                    config["hidden_act"] = json!("gelu")
                })
            },
            &["hidden_act", "gelu"],
        ),
        (
            "another architecture",
            |folder| {
                edit(folder, "config.json", |config| {
                    config["model_type"] = json!("mamba")
                })
            },
            &["model_type", "mamba"],
        ),
        (
            "a configuration that is no JSON",
            |folder| edit_bytes(folder, "config.json", |bytes| bytes[0] = b'['),
            &["configuration", "JSON"],
        ),
        (
            "a configuration that is not UTF-8",
            |folder| edit_bytes(folder, "config.json", |bytes| bytes[3] = 0xff),
            &["config"],
        ),
        (
            "a tokenizer that is no JSON",
            |folder| edit_bytes(folder, "tokenizer.json", |bytes| bytes.truncate(1000)),
            &["tokenizer"],
        ),
    ];
    for (what, damage, parts) in table {
        let error = load(damage).expect_err(what);
        for part in parts {
            assert!(error.contains(part), "{what}: {part} is not in `{error}`");
        }
    }
}
