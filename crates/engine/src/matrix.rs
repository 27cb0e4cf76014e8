//! Weight matrices in device memory, in the layout of the kernels (`kernels/weights.cuh`).

use crate::accelerator::{Accelerator, DeviceAddress};
use crate::error::Error;
use crate::weights::{StoredType, Tensor};

/// How the words of a matrix hold its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    F32,
    Bf16,
    F16,
}

impl Format {
    /// Values of a 32-bit word.
    pub(crate) const fn per_word(self) -> usize {
        match self {
            Self::F32 => 1,
            Self::Bf16 | Self::F16 => 2,
        }
    }

    /// Suffix of kernel names.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }
}

/// A matrix of `outputs` rows and `inputs` columns on the device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix {
    pub(crate) words: DeviceAddress,
    pub(crate) format: Format,
    pub(crate) outputs: u32,
    /// `outputs` rounded up to a warp.
    pub(crate) columns: u32,
    pub(crate) inputs: u32,
}

impl Matrix {
    /// 32-bit words of the matrix.
    pub(crate) fn word_count(&self) -> u64 {
        u64::from(self.inputs).div_ceil(self.format.per_word() as u64) * u64::from(self.columns)
    }
}

/// Outputs are stored in groups of a warp.
const WARP: usize = 32;

/// A matrix in the kernels' layout, before it goes to the device.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) words: Vec<u32>,
    pub(crate) format: Format,
    pub(crate) outputs: usize,
    pub(crate) inputs: usize,
}

impl Packed {
    /// Stacks tensors of shape [outputs, inputs] on top of each other, values as stored. Tensors
    /// stored differently become f32.
    pub(crate) fn stack(tensors: &[Tensor]) -> Result<Self, Error> {
        let first = tensors.first().expect("a matrix has a tensor");
        let stored = first.stored;
        let format = if tensors.iter().all(|tensor| tensor.stored == stored) {
            match stored {
                StoredType::F32 => Format::F32,
                StoredType::F16 => Format::F16,
                StoredType::Bf16 => Format::Bf16,
            }
        } else {
            Format::F32
        };
        let extent = |tensor: &Tensor, axis: usize| {
            usize::try_from(tensor.shape[axis])
                .map_err(|_| Error::tensor(&tensor.name, "it is too large"))
        };
        let inputs = extent(first, 1)?;
        let mut outputs = 0;
        for tensor in tensors {
            outputs += extent(tensor, 0)?;
        }
        let mut packed = Self::zeros(format, outputs, inputs);
        let mut output = 0;
        for tensor in tensors {
            let values = tensor.values()?;
            for row in values.chunks_exact(inputs) {
                packed.set_row(output, row);
                output += 1;
            }
        }
        Ok(packed)
    }

    fn zeros(format: Format, outputs: usize, inputs: usize) -> Self {
        let words = inputs.div_ceil(format.per_word()) * outputs.next_multiple_of(WARP);
        Self {
            words: vec![0; words],
            format,
            outputs,
            inputs,
        }
    }

    /// Writes the weights of one output.
    fn set_row(&mut self, output: usize, row: &[f32]) {
        let columns = self.outputs.next_multiple_of(WARP);
        for (index, values) in row.chunks(self.format.per_word()).enumerate() {
            let at = |index: usize| values.get(index).copied().unwrap_or(0.0);
            self.words[index * columns + output] = match self.format {
                Format::F32 => at(0).to_bits(),
                Format::Bf16 => pair(
                    half::bf16::from_f32(at(0)).to_bits(),
                    half::bf16::from_f32(at(1)).to_bits(),
                ),
                Format::F16 => pair(
                    half::f16::from_f32(at(0)).to_bits(),
                    half::f16::from_f32(at(1)).to_bits(),
                ),
            };
        }
    }

    /// Copies the matrix to the device.
    pub(crate) fn upload(&self, device: &mut dyn Accelerator) -> Result<Matrix, Error> {
        let bytes = self.bytes();
        let words = device.allocate(bytes.len() as u64)?;
        device.write(words, &bytes)?;
        self.describe(words)
    }

    /// Its words as they are on the device.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect()
    }

    /// The matrix at an address where its words are.
    pub(crate) fn describe(&self, words: DeviceAddress) -> Result<Matrix, Error> {
        let extent = |value: usize| {
            u32::try_from(value).map_err(|_| Error::Invalid(format!("a matrix extent of {value}")))
        };
        Ok(Matrix {
            words,
            format: self.format,
            outputs: extent(self.outputs)?,
            columns: extent(self.outputs.next_multiple_of(WARP))?,
            inputs: extent(self.inputs)?,
        })
    }
}

fn pair(low: u16, high: u16) -> u32 {
    u32::from(low) | u32::from(high) << 16
}
