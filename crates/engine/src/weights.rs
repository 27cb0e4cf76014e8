//! Tensors of a checkpoint, by name, from safetensors or GGUF files.

mod gguf;
mod random;
mod safetensors;

use crate::error::Error;
pub(crate) use gguf::GgufCheckpoint;
pub use gguf::{GgufFile, GgufValue};
use half::{bf16, f16};
pub use random::RandomWeights;
pub use safetensors::SafetensorsFiles;
use std::path::Path;

/// How a tensor's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoredType {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary16.
    F16,
    /// bfloat16.
    Bf16,
}

impl StoredType {
    /// Bytes of `values` values.
    #[must_use]
    pub const fn bytes(self, values: u64) -> u64 {
        match self {
            Self::F32 => 4 * values,
            Self::F16 | Self::Bf16 => 2 * values,
        }
    }

    /// Values of stored bytes.
    #[must_use]
    pub fn to_f32(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F32 => {
                let words = bytes.as_chunks::<4>().0.iter();
                words.map(|&word| f32::from_le_bytes(word)).collect()
            }
            Self::F16 => {
                let words = bytes.as_chunks::<2>().0.iter();
                words
                    .map(|&word| f16::from_le_bytes(word).to_f32())
                    .collect()
            }
            Self::Bf16 => {
                let words = bytes.as_chunks::<2>().0.iter();
                words
                    .map(|&word| bf16::from_le_bytes(word).to_f32())
                    .collect()
            }
        }
    }
}

/// A tensor of a checkpoint, read to memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Name in the checkpoint.
    pub name: String,
    /// Extents, slowest first.
    pub shape: Vec<u64>,
    /// How `bytes` are to be read.
    pub stored: StoredType,
    /// Values, row-major, little-endian.
    pub bytes: Vec<u8>,
}

impl Tensor {
    /// All values. NaN and infinity are refused: no trained weight has them, and one of them
    /// makes every answer meaningless.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] with the place of the first value that is not finite.
    pub fn values(&self) -> Result<Vec<f32>, Error> {
        let values = self.stored.to_f32(&self.bytes);
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(at) => Err(Error::tensor(
                &self.name,
                format!("value {at} is {}", values[at]),
            )),
        }
    }
}

/// Where tensors come from.
pub trait TensorSource {
    /// Reads a tensor, and checks its shape.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] if there is no such tensor or it has another shape or an unknown type.
    fn read(&self, name: &str, shape: &[u64]) -> Result<Tensor, Error>;

    /// Whether there is such a tensor.
    fn contains(&self, name: &str) -> bool;

    /// All names, sorted.
    fn names(&self) -> Vec<&str>;
}

/// Reads every tensor of one file, GGUF (by its extension) or safetensors: a check of what was
/// copied or downloaded. Gives the number of values.
///
/// # Errors
///
/// If the file is damaged. Values are not judged.
pub fn read_all(path: &Path) -> Result<u64, Error> {
    if path
        .extension()
        .is_some_and(|extension| extension == "gguf")
    {
        let file = GgufFile::open(path)?;
        file.tensor_names().iter().try_fold(0, |values, name| {
            Ok(values + file.values(name)?.len() as u64)
        })
    } else {
        let file = SafetensorsFiles::of_file(path)?;
        file.names()
            .iter()
            .try_fold(0, |values, name| Ok(values + file.count_values(name)?))
    }
}

/// Refuses a tensor of another shape than the configuration says.
pub(crate) fn check_shape(name: &str, found: &[u64], expected: &[u64]) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(Error::tensor(
        name,
        format!("its shape is {found:?}; the configuration says {expected:?}"),
    ))
}
