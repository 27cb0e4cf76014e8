//! GGUF files: header, metadata, and tensors in the block formats of ggml.
//!
//! Source: ggml `docs/gguf.md`. Versions 2 and 3, little-endian. Everything read from the file is
//! checked against the file's length before anything is allocated for it.

mod blocks;
mod checkpoint;

pub(crate) use checkpoint::GgufCheckpoint;

use crate::error::Error;
use blocks::BlockFormat;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Longest metadata string: chat templates are the longest in use.
const STRING_BYTES_MAX: u64 = 4 << 20;
/// Most tensors and metadata entries.
const ENTRIES_MAX: u64 = 1 << 20;
/// Most array elements: vocabularies and merges are the longest in use.
const ELEMENTS_MAX: u64 = 4 << 20;
/// Most axes of a tensor.
const AXES_MAX: u32 = 4;
/// Where tensors begin when the file does not say.
const DEFAULT_ALIGNMENT: u64 = 32;

/// A metadata value. Numbers of all widths become one of two.
#[derive(Clone, Debug, PartialEq)]
pub enum GgufValue {
    /// An integer.
    Integer(i128),
    /// A float.
    Float(f64),
    /// A flag.
    Flag(bool),
    /// A text.
    Text(String),
    /// An array of values of one kind.
    Array(Vec<Self>),
}

/// An open GGUF file.
#[derive(Debug)]
pub struct GgufFile {
    path: PathBuf,
    file: File,
    metadata: BTreeMap<String, GgufValue>,
    tensors: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Extents, slowest first.
    shape: Vec<u64>,
    format: BlockFormat,
    offset: u64,
    bytes: u64,
}

impl GgufFile {
    /// Reads header and metadata.
    ///
    /// # Errors
    ///
    /// If the file is truncated or no GGUF, or a tensor's type is not supported.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| Error::file(path, &error))?;
        let length = file
            .metadata()
            .map_err(|error| Error::file(path, &error))?
            .len();
        let handle = file
            .try_clone()
            .map_err(|error| Error::file(path, &error))?;
        let mut reader = Reader {
            inner: BufReader::new(handle),
            path,
            length,
        };
        let (metadata, tensors) = reader.header()?;
        Ok(Self {
            path: path.to_owned(),
            file,
            metadata,
            tensors,
        })
    }

    /// A metadata value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&GgufValue> {
        self.metadata.get(key)
    }

    /// Names of the tensors, sorted.
    #[must_use]
    pub fn tensor_names(&self) -> Vec<&str> {
        self.tensors.keys().map(String::as_str).collect()
    }

    /// Extents of a tensor, slowest first.
    #[must_use]
    pub fn tensor_shape(&self, name: &str) -> Option<&[u64]> {
        self.tensors.get(name).map(|entry| entry.shape.as_slice())
    }

    /// All values of a tensor.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] if there is none of this name, or [`Error::File`].
    pub fn values(&self, name: &str) -> Result<Vec<f32>, Error> {
        let (format, bytes) = self.read(name, None)?;
        Ok(format.to_f32(&bytes))
    }

    /// Reads a tensor, or slice `part` of its slowest axis.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] if there is none of this name, or [`Error::File`].
    fn read(&self, name: &str, part: Option<u64>) -> Result<(BlockFormat, Vec<u8>), Error> {
        let entry = self
            .tensors
            .get(name)
            .ok_or_else(|| Error::tensor(name, "the checkpoint does not have it"))?;
        let (offset, bytes) = match (part, entry.shape.first()) {
            (Some(part), Some(&parts)) if part < parts => {
                let bytes = entry.bytes / parts;
                (entry.offset + part * bytes, bytes)
            }
            (None, _) => (entry.offset, entry.bytes),
            _ => return Err(Error::tensor(name, "it has too few parts")),
        };
        let size = usize::try_from(bytes).map_err(|_| Error::tensor(name, "it is too large"))?;
        let mut data = vec![0; size];
        self.file
            .read_exact_at(&mut data, offset)
            .map_err(|error| Error::file(&self.path, &error))?;
        Ok((entry.format, data))
    }
}

/// Reads little-endian values, and never past the end of the file.
struct Reader<'a> {
    inner: BufReader<File>,
    path: &'a Path,
    length: u64,
}

type Header = (BTreeMap<String, GgufValue>, BTreeMap<String, Entry>);

impl Reader<'_> {
    fn header(&mut self) -> Result<Header, Error> {
        if &self.bytes::<4>()? != b"GGUF" {
            return Err(self.wrong("it does not begin with GGUF"));
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(self.wrong(format!("GGUF version {version}; 2 and 3 are supported")));
        }
        let tensor_count = self.count("tensors", ENTRIES_MAX)?;
        let value_count = self.count("metadata entries", ENTRIES_MAX)?;
        let mut metadata = BTreeMap::new();
        for _ in 0..value_count {
            let key = self.string()?;
            let kind = self.u32()?;
            let value = self.value(kind, 0)?;
            if metadata.insert(key.clone(), value).is_some() {
                return Err(self.wrong(format!("metadata `{key}` is there twice")));
            }
        }
        let mut infos = Vec::new();
        for _ in 0..tensor_count {
            infos.push(self.tensor_info()?);
        }
        let alignment = match metadata.get("general.alignment") {
            None => DEFAULT_ALIGNMENT,
            Some(GgufValue::Integer(value)) => u64::try_from(*value)
                .ok()
                .filter(|value| value.is_power_of_two() && *value <= 1 << 20)
                .ok_or_else(|| self.wrong(format!("an alignment of {value}")))?,
            Some(other) => return Err(self.wrong(format!("an alignment of {other:?}"))),
        };
        let here = self
            .inner
            .stream_position()
            .map_err(|error| Error::file(self.path, &error))?;
        let begin = here.next_multiple_of(alignment);
        let mut tensors = BTreeMap::new();
        for (name, mut entry) in infos {
            let end = begin
                .checked_add(entry.offset)
                .and_then(|offset| {
                    entry.offset = offset;
                    offset.checked_add(entry.bytes)
                })
                .filter(|&end| end <= self.length);
            if end.is_none() {
                return Err(self.wrong(format!("tensor `{name}` reaches past the end of the file")));
            }
            if tensors.insert(name.clone(), entry).is_some() {
                return Err(self.wrong(format!("tensor `{name}` is there twice")));
            }
        }
        Ok((metadata, tensors))
    }

    fn tensor_info(&mut self) -> Result<(String, Entry), Error> {
        let name = self.string()?;
        let axes = self.u32()?;
        if axes > AXES_MAX {
            return Err(self.wrong(format!("tensor `{name}` has {axes} axes")));
        }
        // The file has the fastest axis first.
        let mut shape = Vec::new();
        for _ in 0..axes {
            shape.insert(0, self.u64()?);
        }
        let number = self.u32()?;
        let format = BlockFormat::of_number(number).ok_or_else(|| {
            self.wrong(format!(
                "tensor `{name}` is of ggml type {number}; {} are supported",
                BlockFormat::NAMES
            ))
        })?;
        let offset = self.u64()?;
        let values = shape
            .iter()
            .try_fold(1u64, |values, &extent| values.checked_mul(extent));
        let row = shape.last().copied().unwrap_or(1);
        let bytes = values
            .filter(|_| row.is_multiple_of(format.block_values()))
            .and_then(|values| (values / format.block_values()).checked_mul(format.block_bytes()))
            .ok_or_else(|| {
                self.wrong(format!(
                    "tensor `{name}` of {shape:?} in {format:?} has no size"
                ))
            })?;
        let entry = Entry {
            shape,
            format,
            offset,
            bytes,
        };
        Ok((name, entry))
    }

    fn value(&mut self, kind: u32, depth: u32) -> Result<GgufValue, Error> {
        Ok(match kind {
            0 => GgufValue::Integer(u8::from_le_bytes(self.bytes()?).into()),
            1 => GgufValue::Integer(i8::from_le_bytes(self.bytes()?).into()),
            2 => GgufValue::Integer(u16::from_le_bytes(self.bytes()?).into()),
            3 => GgufValue::Integer(i16::from_le_bytes(self.bytes()?).into()),
            4 => GgufValue::Integer(self.u32()?.into()),
            5 => GgufValue::Integer(i32::from_le_bytes(self.bytes()?).into()),
            6 => GgufValue::Float(f32::from_le_bytes(self.bytes()?).into()),
            7 => GgufValue::Flag(self.bytes::<1>()? != [0]),
            8 => GgufValue::Text(self.string()?),
            9 if depth < 2 => {
                let of = self.u32()?;
                let count = self.count("array elements", ELEMENTS_MAX)?;
                let mut values = Vec::new();
                for _ in 0..count {
                    values.push(self.value(of, depth + 1)?);
                }
                GgufValue::Array(values)
            }
            10 => GgufValue::Integer(self.u64()?.into()),
            11 => GgufValue::Integer(i64::from_le_bytes(self.bytes()?).into()),
            12 => GgufValue::Float(f64::from_le_bytes(self.bytes()?)),
            other => return Err(self.wrong(format!("metadata of type {other}"))),
        })
    }

    fn string(&mut self) -> Result<String, Error> {
        let length = self.count("bytes of a string", STRING_BYTES_MAX)?;
        let mut bytes = Vec::new();
        let read = (&mut self.inner)
            .take(length)
            .read_to_end(&mut bytes)
            .map_err(|error| Error::file(self.path, &error))?;
        if read as u64 != length {
            return Err(self.truncated());
        }
        // Vocabularies of some files hold bytes that are no UTF-8.
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn count(&mut self, what: &str, limit: u64) -> Result<u64, Error> {
        let count = self.u64()?;
        if count > limit.min(self.length) {
            return Err(self.wrong(format!("{count} {what}")));
        }
        Ok(count)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Error> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.inner
            .read_exact(&mut bytes)
            .map_err(|_| self.truncated())?;
        Ok(bytes)
    }

    fn truncated(&self) -> Error {
        self.wrong("the file is truncated")
    }

    fn wrong(&self, reason: impl ToString) -> Error {
        Error::format(self.path, reason)
    }
}

#[cfg(test)]
mod tests;
