//! Valid inputs to start from: the PTX of the example programs, and fatbins made of it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// Inputs by kind, each list in order of file name.
pub(crate) struct Corpus {
    /// PTX texts.
    pub(crate) ptx: Vec<Vec<u8>>,
    /// Fatbins with one uncompressed entry.
    pub(crate) fatbins: Vec<Vec<u8>>,
}

impl Corpus {
    /// Reads the inputs from the source tree.
    pub(crate) fn load() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let ptx = files(&root.join("examples/ptx"), "ptx")?;
        ensure!(!ptx.is_empty(), "found no PTX to start from");
        let fatbins = ptx.iter().map(|text| fatbin(text)).collect();
        Ok(Self { ptx, fatbins })
    }
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

/// A fatbin as nvcc writes it with `-compress-mode none`: header, entry header, PTX.
fn fatbin(ptx: &[u8]) -> Vec<u8> {
    const ENTRY_BYTES: u32 = 64;
    let mut payload = ptx.to_vec();
    payload.resize(ptx.len().next_multiple_of(8), 0);
    let payload_bytes = payload.len() as u64;

    let mut bytes = Vec::new();
    bytes.extend(0xBA55_ED50_u32.to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(16_u16.to_le_bytes());
    bytes.extend((u64::from(ENTRY_BYTES) + payload_bytes).to_le_bytes());
    bytes.extend(1_u16.to_le_bytes()); // PTX
    bytes.extend(0x0101_u16.to_le_bytes());
    bytes.extend(ENTRY_BYTES.to_le_bytes());
    bytes.extend(payload_bytes.to_le_bytes());
    bytes.extend([0; 8]); // not compressed, no options
    bytes.extend(5_u16.to_le_bytes());
    bytes.extend(9_u16.to_le_bytes());
    bytes.extend(80_u32.to_le_bytes());
    bytes.extend([0; 8]); // no identifier
    bytes.extend(0x11_u64.to_le_bytes());
    bytes.extend([0; 16]);
    bytes.extend(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::fatbin;

    #[test]
    fn a_made_fatbin_is_one() {
        let ptx = b".version 9.5\n.target sm_80\n.address_size 64\n";
        let bytes = fatbin(ptx);
        let entries = weft_ptx::fatbin::entries(&bytes, 0).unwrap();
        let text = weft_ptx::fatbin::select_ptx(&entries, 89).unwrap();
        assert!(text.starts_with(ptx));
    }
}
