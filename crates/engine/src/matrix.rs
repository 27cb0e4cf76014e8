//! Weight matrices in device memory, in the layouts of the kernels (`kernels/weights.cuh` and
//! `kernels/int8.cuh`).

use crate::accelerator::{Accelerator, DeviceAddress};
use crate::error::Error;
use crate::quantization::{
    INT4_TILE_WORDS, INT8_TILE_WORDS, Quantization, TILE_INPUTS, TILE_OUTPUTS, int4_row, int8_row,
};
use crate::weights::{StoredType, Tensor};
use half::f16;

/// How the words of a matrix hold its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    F32,
    Bf16,
    F16,
    Int8,
    Int4,
}

impl Format {
    /// Whether activations must be int8 for a product with it.
    pub(crate) const fn is_quantized(self) -> bool {
        matches!(self, Self::Int8 | Self::Int4)
    }

    /// Suffix of kernel names.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
            Self::Int8 => "i8",
            Self::Int4 => "i4",
        }
    }

    /// 32-bit words of a matrix.
    fn words(self, outputs: usize, inputs: usize) -> usize {
        let columns = outputs.next_multiple_of(WARP);
        let tiles = outputs.div_ceil(TILE_OUTPUTS) * inputs.div_ceil(TILE_INPUTS);
        match self {
            Self::F32 => inputs * columns,
            Self::Bf16 | Self::F16 => inputs.div_ceil(2) * columns,
            Self::Int8 => tiles * INT8_TILE_WORDS,
            Self::Int4 => tiles * INT4_TILE_WORDS,
        }
    }

    /// Bytes of the scales of a matrix.
    fn scale_bytes(self, outputs: usize, inputs: usize) -> usize {
        let padded = outputs.next_multiple_of(TILE_OUTPUTS);
        match self {
            Self::F32 | Self::Bf16 | Self::F16 => 0,
            Self::Int8 => padded * 4,
            Self::Int4 => padded * inputs.div_ceil(TILE_INPUTS) * 2,
        }
    }
}

/// A matrix of `outputs` rows and `inputs` columns on the device, or several of the same shape
/// one after the other: then it describes the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix {
    pub(crate) words: DeviceAddress,
    /// Scales of quantised formats, else 0.
    pub(crate) scales: DeviceAddress,
    pub(crate) format: Format,
    pub(crate) outputs: u32,
    pub(crate) inputs: u32,
}

impl Matrix {
    /// `outputs` rounded up to a warp.
    pub(crate) const fn columns(&self) -> u32 {
        self.outputs.next_multiple_of(32)
    }

    /// 32-bit words of one matrix.
    pub(crate) fn word_count(&self) -> u64 {
        self.format
            .words(self.outputs as usize, self.inputs as usize) as u64
    }

    /// Bytes of the scales of one matrix.
    pub(crate) fn scale_bytes(&self) -> u64 {
        let bytes = self
            .format
            .scale_bytes(self.outputs as usize, self.inputs as usize);
        bytes as u64
    }
}

/// Rows of a tensor of two axes, as far as there can be any.
fn rows_of(tensor: &Tensor) -> usize {
    usize::try_from(tensor.shape[0]).unwrap_or(usize::MAX)
}

/// Outputs are stored in groups of a warp.
const WARP: usize = 32;

/// A matrix in the kernels' layout, before it goes to the device.
#[derive(Debug)]
pub(crate) struct Packed {
    words: Vec<u32>,
    scales: Vec<u8>,
    format: Format,
    outputs: usize,
    inputs: usize,
}

impl Packed {
    /// Stacks tensors of shape [outputs, inputs] on top of each other. Unquantised, values are
    /// as stored, and f32 if tensors are stored differently.
    pub(crate) fn stack(tensors: &[Tensor], quantization: Quantization) -> Result<Self, Error> {
        let mut before = 0;
        let first_rows: Vec<usize> = tensors
            .iter()
            .map(|tensor| {
                let first = before;
                before += rows_of(tensor);
                first
            })
            .collect();
        Self::place(tensors, quantization, before, |index, row| {
            first_rows[index] + row
        })
    }

    /// Tiles of outputs of several tensors of the same shape in turns, each filled up with zeros.
    pub(crate) fn interleave(
        tensors: &[Tensor],
        quantization: Quantization,
    ) -> Result<Self, Error> {
        let (count, rows) = (tensors.len(), tensors.first().map_or(0, rows_of));
        let outputs = rows.next_multiple_of(TILE_OUTPUTS) * count;
        Self::place(tensors, quantization, outputs, |index, row| {
            let tile = row / TILE_OUTPUTS * count + index;
            tile * TILE_OUTPUTS + row % TILE_OUTPUTS
        })
    }

    /// Rows of tensors where `place` of the tensor's index and the row says.
    fn place(
        tensors: &[Tensor],
        quantization: Quantization,
        outputs: usize,
        place: impl Fn(usize, usize) -> usize,
    ) -> Result<Self, Error> {
        let first = tensors.first().expect("a matrix has a tensor");
        let stored = first.stored;
        let format = match quantization {
            Quantization::Int8 => Format::Int8,
            Quantization::Int4 => Format::Int4,
            Quantization::None if tensors.iter().all(|tensor| tensor.stored == stored) => {
                match stored {
                    StoredType::F32 => Format::F32,
                    StoredType::F16 => Format::F16,
                    StoredType::Bf16 => Format::Bf16,
                }
            }
            Quantization::None => Format::F32,
        };
        let inputs = usize::try_from(first.shape[1])
            .map_err(|_| Error::tensor(&first.name, "it is too large"))?;
        let mut packed = Self {
            words: vec![0; format.words(outputs, inputs)],
            scales: vec![0; format.scale_bytes(outputs, inputs)],
            format,
            outputs,
            inputs,
        };
        for (index, tensor) in tensors.iter().enumerate() {
            for (row, values) in tensor.values()?.chunks_exact(inputs).enumerate() {
                packed.set_row(place(index, row), values);
            }
        }
        Ok(packed)
    }

    /// Writes the weights of one output.
    fn set_row(&mut self, output: usize, row: &[f32]) {
        let columns = self.outputs.next_multiple_of(WARP);
        let words = &mut self.words;
        let tiles = self.inputs.div_ceil(TILE_INPUTS);
        match self.format {
            Format::F32 => {
                for (input, value) in row.iter().enumerate() {
                    words[input * columns + output] = value.to_bits();
                }
            }
            Format::Bf16 | Format::F16 => {
                let is_bf16 = self.format == Format::Bf16;
                let bits = |value: f32| {
                    u32::from(if is_bf16 {
                        half::bf16::from_f32(value).to_bits()
                    } else {
                        f16::from_f32(value).to_bits()
                    })
                };
                for (index, pair) in row.chunks(2).enumerate() {
                    let high = pair.get(1).map_or(0, |&value| bits(value));
                    words[index * columns + output] = bits(pair[0]) | high << 16;
                }
            }
            Format::Int8 => {
                let scale = int8_row(words, tiles, output, row);
                self.scales[output * 4..][..4].copy_from_slice(&scale.to_le_bytes());
            }
            Format::Int4 => {
                let mut scales = vec![f16::ZERO; tiles * TILE_OUTPUTS];
                let tile_row = output / TILE_OUTPUTS * tiles;
                let row_words = &mut words[tile_row * INT4_TILE_WORDS..];
                int4_row(row_words, &mut scales, tiles, output % TILE_OUTPUTS, row);
                for tile in 0..tiles {
                    let at = tile * TILE_OUTPUTS + output % TILE_OUTPUTS;
                    let to = (tile_row * TILE_OUTPUTS + at) * 2;
                    self.scales[to..][..2].copy_from_slice(&scales[at].to_le_bytes());
                }
            }
        }
    }

    /// Copies the matrix to the device.
    pub(crate) fn upload(&self, device: &mut dyn Accelerator) -> Result<Matrix, Error> {
        self.allocate(device, 1).and_then(|matrix| {
            self.write(device, &matrix, 0)?;
            Ok(matrix)
        })
    }

    /// Room on the device for so many matrices of this shape and format.
    pub(crate) fn allocate(
        &self,
        device: &mut dyn Accelerator,
        count: u64,
    ) -> Result<Matrix, Error> {
        let extent = |value: usize| {
            u32::try_from(value).map_err(|_| Error::Invalid(format!("a matrix extent of {value}")))
        };
        let words = device.allocate(self.words.len() as u64 * 4 * count)?;
        let scales = if self.scales.is_empty() {
            0
        } else {
            device.allocate(self.scales.len() as u64 * count)?
        };
        Ok(Matrix {
            words,
            scales,
            format: self.format,
            outputs: extent(self.outputs)?,
            inputs: extent(self.inputs)?,
        })
    }

    /// Copies the matrix to place `index` of an allocation. False if that is of another format.
    pub(crate) fn write(
        &self,
        device: &mut dyn Accelerator,
        to: &Matrix,
        index: u64,
    ) -> Result<bool, Error> {
        if to.format != self.format {
            return Ok(false);
        }
        let bytes: Vec<u8> = self
            .words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        device.write(to.words + index * bytes.len() as u64, &bytes)?;
        if !self.scales.is_empty() {
            device.write(to.scales + index * self.scales.len() as u64, &self.scales)?;
        }
        Ok(true)
    }
}
