//! Valid inputs to start from: the PTX of the example programs, and containers made by hand.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use weft_ptx::fuzz;

use crate::guest;

/// `e_machine` of a host program.
const X86_64: u16 = 62;

/// Inputs by kind, each list in order of file name.
pub(crate) struct Corpus {
    /// PTX texts.
    pub(crate) ptx: Vec<Vec<u8>>,
    /// Fatbins with entries of every kind and compression, and host programs with fatbins.
    pub(crate) containers: Vec<Vec<u8>>,
    /// Safetensors files of a few small tensors.
    pub(crate) safetensors: Vec<Vec<u8>>,
    /// GGUF files.
    pub(crate) gguf: Vec<Vec<u8>>,
    /// Compiled kernels, as the compile cache keeps them.
    pub(crate) images: Vec<Vec<u8>>,
    /// RISC-V programs for `weft exec`.
    pub(crate) guests: Vec<Vec<u8>>,
}

impl Corpus {
    /// Reads the inputs from the source tree.
    pub(crate) fn load() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let ptx = files(&root.join("examples/ptx"), "ptx")?;
        ensure!(!ptx.is_empty(), "found no PTX to start from");
        let raw = fuzz::fatbin(&[
            fuzz::Entry::machine_code(75),
            fuzz::Entry::raw(80, fuzz::TEXT),
        ]);
        let compressed = fuzz::fatbin(&[fuzz::Entry::lz4(80), fuzz::Entry::zstd(90)]);
        let section = [&raw[..], &compressed].concat();
        let host = fuzz::elf(X86_64, &["libcudart.so.13"], Some(&section));
        let containers = vec![raw, compressed, host];
        let images = ptx.iter().filter_map(|text| first_image(text)).collect();
        Ok(Self {
            ptx,
            containers,
            safetensors: vec![safetensors()],
            gguf: vec![
                fs::read(root.join("crates/engine/tests/gguf/blocks.gguf"))
                    .context("failed to read a GGUF file to start from")?,
            ],
            images,
            guests: vec![guest::program()],
        })
    }
}

/// A safetensors file of two tensors, with metadata.
fn safetensors() -> Vec<u8> {
    let header = concat!(
        r#"{"__metadata__":{"format":"pt"},"#,
        r#""a":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},"#,
        r#""b":{"dtype":"F32","shape":[4],"data_offsets":[12,28]}}"#
    );
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend([0x3f; 28]);
    bytes
}

/// The first kernel of a text, compiled.
fn first_image(text: &[u8]) -> Option<Vec<u8>> {
    let module = weft_ptx::parse(text).ok()?;
    let kernel = *weft_compiler::kernels(&module).first()?;
    let options = weft_compiler::Options::default();
    let image = weft_compiler::compile_kernel(&module, text, kernel, &options).ok()?;
    image.to_elf().ok()
}

fn files(directory: &Path, extension: &str) -> Result<Vec<Vec<u8>>> {
    let entries = fs::read_dir(directory)
        .with_context(|| format!("failed to list {}", directory.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.context("failed to list the corpus")?.path();
        if path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
    }
    // The order of a directory is the file system's; a seed must mean the same everywhere.
    paths.sort();
    let read = |path: PathBuf| {
        fs::read(&path).with_context(|| format!("failed to read {}", path.display()))
    };
    paths.into_iter().map(read).collect()
}
