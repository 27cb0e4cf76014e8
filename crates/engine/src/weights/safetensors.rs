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
#[derive(Debug)]
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
        let mut this = Self {
            tensors: BTreeMap::new(),
            files: Vec::new(),
        };
        let Some(value) = read_json(&index)? else {
            this.add(&folder.join("model.safetensors"))?;
            return Ok(this);
        };
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
        let entry = self
            .tensors
            .get(name)
            .ok_or_else(|| Error::tensor(name, "the checkpoint does not have it"))?;
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
        let size = usize::try_from(entry.bytes)
            .map_err(|_| Error::tensor(name, format!("it has {} bytes", entry.bytes)))?;
        let mut bytes = vec![0; size];
        let (path, file) = &self.files[entry.file];
        file.read_exact_at(&mut bytes, entry.offset)
            .map_err(|error| Error::file(path, &error))?;
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
