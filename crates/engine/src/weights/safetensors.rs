//! Safetensors files: one, or shards with `model.safetensors.index.json`.
//!
//! Only headers are kept; a tensor's bytes are read when it is asked for. Files are read, not
//! mapped: a file that is truncated meanwhile is an error instead of a signal.

use super::{StoredType, Tensor, TensorSource, check_shape};
use crate::directory::read_json;
use crate::error::Error;
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Largest header: that of a model with a hundred thousand tensors.
const HEADER_BYTES_MAX: u64 = 32 << 20;

/// Open files and where each tensor is.
#[derive(Debug, Default)]
pub struct SafetensorsFiles {
    tensors: BTreeMap<String, Entry>,
    files: Vec<(PathBuf, File)>,
}

#[derive(Debug)]
struct Entry {
    file: usize,
    dtype: Dtype,
    shape: Vec<u64>,
    offset: u64,
    bytes: u64,
}

impl SafetensorsFiles {
    /// Opens the weights of a folder.
    ///
    /// # Errors
    ///
    /// If a file is absent, truncated, or not safetensors, or two shards have a tensor of the
    /// same name.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let index = folder.join("model.safetensors.index.json");
        let Some(value) = read_json(&index)? else {
            return Self::of_file(&folder.join("model.safetensors"));
        };
        let mut this = Self::default();
        let map = value["weight_map"]
            .as_object()
            .ok_or_else(|| Error::format(&index, "it has no `weight_map`"))?;
        let mut shards: Vec<&str> = Vec::new();
        for (name, file) in map {
            let file = file
                .as_str()
                .filter(|file| is_plain_name(file))
                .ok_or_else(|| {
                    Error::format(
                        &index,
                        format!("the shard of `{name}` is {file}, no file name"),
                    )
                })?;
            shards.push(file);
        }
        shards.sort_unstable();
        shards.dedup();
        for shard in shards {
            this.add(&folder.join(shard))?;
        }
        for (name, file) in map {
            let held = this
                .tensors
                .get(name)
                .map(|entry| &this.files[entry.file].0);
            if held.and_then(|path| path.file_name()?.to_str()) != file.as_str() {
                return Err(Error::format(
                    &index,
                    format!("`{name}` is not in shard {file}"),
                ));
            }
        }
        Ok(this)
    }

    /// Opens one file.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn of_file(path: &Path) -> Result<Self, Error> {
        let mut this = Self::default();
        this.add(path)?;
        Ok(this)
    }

    /// Reads a tensor of any type and shape; gives the number of its values.
    pub(super) fn count_values(&self, name: &str) -> Result<u64, Error> {
        let entry = self.entry(name)?;
        self.bytes(name, entry)?;
        Ok(entry.shape.iter().product())
    }

    fn entry(&self, name: &str) -> Result<&Entry, Error> {
        self.tensors
            .get(name)
            .ok_or_else(|| Error::tensor(name, "the checkpoint does not have it"))
    }

    fn bytes(&self, name: &str, entry: &Entry) -> Result<Vec<u8>, Error> {
        let size = usize::try_from(entry.bytes)
            .map_err(|_| Error::tensor(name, format!("it has {} bytes", entry.bytes)))?;
        let mut bytes = vec![0; size];
        let (path, file) = &self.files[entry.file];
        file.read_exact_at(&mut bytes, entry.offset)
            .map_err(|error| Error::file(path, &error))?;
        Ok(bytes)
    }

    fn add(&mut self, path: &Path) -> Result<(), Error> {
        let failed = |error: &std::io::Error| Error::file(path, error);
        let file = File::open(path).map_err(|error| failed(&error))?;
        let length = file.metadata().map_err(|error| failed(&error))?.len();
        let mut header = vec![0; 8];
        (&file)
            .read_exact(&mut header)
            .map_err(|error| Error::format(path, format!("no safetensors header: {error}")))?;
        let size = u64::from_le_bytes(*header.as_chunks::<8>().0.first().unwrap_or(&[0; 8]));
        if size > HEADER_BYTES_MAX || 8 + size > length {
            return Err(Error::format(
                path,
                format!("a header of {size} bytes in a file of {length}"),
            ));
        }
        (&file)
            .take(size)
            .read_to_end(&mut header)
            .map_err(|error| failed(&error))?;
        let metadata: Metadata = serde_json::from_slice(&header[8..])
            .map_err(|error| Error::format(path, format!("no safetensors header: {error}")))?;
        let begin = 8 + size;
        check_offsets(&metadata, length - begin).map_err(|reason| Error::format(path, reason))?;
        let index = self.files.len();
        for (name, info) in metadata.tensors() {
            let (from, to) = info.data_offsets;
            let entry = Entry {
                file: index,
                dtype: info.dtype,
                shape: info.shape.iter().map(|&extent| extent as u64).collect(),
                offset: begin + from as u64,
                bytes: (to - from) as u64,
            };
            if self.tensors.insert(name.clone(), entry).is_some() {
                return Err(Error::format(
                    path,
                    format!("tensor `{name}` is in another shard too"),
                ));
            }
        }
        self.files.push((path.to_owned(), file));
        Ok(())
    }
}

/// Whether the tensors fill the data without gaps, as the format demands, each with the bytes of
/// its shape and type.
fn check_offsets(metadata: &Metadata, data_bytes: u64) -> Result<(), String> {
    let tensors = metadata.tensors();
    let mut ranges: Vec<_> = tensors
        .iter()
        .map(|(name, info)| (info.data_offsets, name, info))
        .collect();
    ranges.sort_by_key(|&(offsets, name, _)| (offsets, name));
    let mut begin = 0;
    for ((from, to), name, info) in ranges {
        let bits = info
            .shape
            .iter()
            .try_fold(info.dtype.bitsize(), |bits, &extent| {
                bits.checked_mul(extent)
            });
        let bytes = to.checked_sub(from);
        if from != begin || bits.is_none() || bytes.and_then(|bytes| bytes.checked_mul(8)) != bits {
            return Err(format!(
                "tensor `{name}` is not of the bytes {from} to {to}"
            ));
        }
        begin = to;
    }
    if begin as u64 != data_bytes {
        return Err(format!(
            "its tensors take {begin} bytes, the file has {data_bytes} for them"
        ));
    }
    Ok(())
}

/// A shard is a file of the folder, not a path out of it.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && Path::new(name).file_name().is_some_and(|file| file == name)
}

impl TensorSource for SafetensorsFiles {
    fn read(&self, name: &str, shape: &[u64]) -> Result<Tensor, Error> {
        let entry = self.entry(name)?;
        check_shape(name, &entry.shape, shape)?;
        let stored = match entry.dtype {
            Dtype::F32 => StoredType::F32,
            Dtype::F16 => StoredType::F16,
            Dtype::BF16 => StoredType::Bf16,
            other => {
                return Err(Error::tensor(
                    name,
                    format!("its type is {other:?}; F32, F16 and BF16 are supported"),
                ));
            }
        };
        let bytes = self.bytes(name, entry)?;
        Ok(Tensor {
            name: name.to_owned(),
            shape: entry.shape.clone(),
            stored,
            bytes,
        })
    }

    fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    fn names(&self) -> Vec<&str> {
        self.tensors.keys().map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::SafetensorsFiles;
    use crate::error::Error;
    use crate::weights::TensorSource as _;
    use std::path::Path;

    fn shipped() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/weft-tiny")
    }

    #[test]
    fn shards_are_one_checkpoint() {
        let files = SafetensorsFiles::open(&shipped()).expect("weights");
        assert_eq!(files.files.len(), 4);
        let norm = files.read("model.norm.weight", &[160]).expect("a tensor");
        assert_eq!(norm.values().expect("numbers").len(), 160);
        let error = files.read("model.norm.weight", &[161]).expect_err("shape");
        assert!(error.to_string().contains("[160]"), "{error}");
        assert!(files.read("lm_head.weight", &[2048, 160]).is_err());
    }

    #[test]
    fn damaged_files_are_errors() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.safetensors");
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/qwen3");
        let whole = std::fs::read(golden.join("model.safetensors")).expect("a file");
        let open = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("a file");
            SafetensorsFiles::open(folder.path())
        };
        assert!(open(&whole).is_ok());
        for length in (0..4000).step_by(7).chain([whole.len() - 1]) {
            let error = open(&whole[..length]).expect_err("truncated");
            assert!(matches!(error, Error::Format { .. }), "{length}: {error}");
        }
        let mut longer = whole.clone();
        longer.push(0);
        assert!(open(&longer).is_err(), "bytes that no tensor has");
        for at in 0..600 {
            let mut bytes = whole[..4096].to_vec();
            bytes[at] ^= 0x11;
            assert!(open(&bytes).is_err());
        }
    }

    #[test]
    fn an_index_cannot_point_out_of_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let index = r#"{"weight_map": {"model.norm.weight": "../model.safetensors"}}"#;
        let path = folder.path().join("model.safetensors.index.json");
        std::fs::write(path, index).expect("a file");
        let error = SafetensorsFiles::open(folder.path()).expect_err("refused");
        assert!(error.to_string().contains("no file name"), "{error}");
    }
}
