//! Kernels: CUDA C++ in `kernels/NAME/`, the PTX beside it, and here how each is launched. What
//! they compute is written above each source; `reference` says it again in plain Rust, and the
//! tests compare the two.

mod decode_step;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use crate::accelerator::{Accelerator, Arguments, DeviceAddress, Grid, KernelId};
use crate::error::Error;
use crate::matrix::{Format, Matrix};
use crate::quantization::KvCacheFormat;
pub(crate) use decode_step::{DecodeStep, StepBuffers, StepLayer};

/// Positions of a block of the KV cache.
pub(crate) const BLOCK_TOKENS: u32 = 32;
/// Rows of a tile of attention in steps that compute prompts.
pub(crate) const ATTENTION_ROWS: u32 = 4;
/// Widest head.
pub(crate) const HEAD_DIM_MAX: u32 = 256;
/// Bytes after the values of a cache that may be read, and mean nothing: attention reads whole
/// warps of the last head.
pub(crate) const VALUES_PADDING_BYTES: u64 = 4 * HEAD_DIM_MAX as u64;
/// Query heads that can share a key and value head: a warp each, in one CTA.
pub(crate) const GROUP_MAX: u32 = 32;

/// Threads of most kernels' CTAs: eight warps.
const THREADS: u32 = 256;
/// Outputs of a product that a CTA makes.
const OUTPUTS_PER_CTA: u32 = 32;
/// Rows of the product kernels for many rows.
const ROWS_PER_CTA: u32 = 8;
/// Rows of the integer product kernel for many rows.
const MANY_ROWS_PER_CTA: u32 = 16;
/// Most warps of a CTA of the integer products.
const WARPS_PER_CTA_MAX: u32 = 8;
/// Fewest tiles of inputs that a warp takes when several share them.
const STRETCH_TILES_MIN: u32 = 12;
/// Warps that keep the chip's memory busy, and cores over which they are spread.
const WARPS_WANTED: u32 = 512;
const CORES_WANTED: u32 = 16;
/// Inputs of a tile of quantised weights.
const TILE_INPUTS: u32 = 32;
/// Outputs of a tile of quantised weights.
const TILE_OUTPUTS: u32 = 16;
/// Rows of a tile of quantised activations.
const TILE_ROWS: u32 = 8;
/// Most rows of a launch: CTAs along y.
pub(crate) const ROWS_MAX: u32 = 65_535;

const EMBEDDING: &str = include_str!("../kernels/embedding/embedding.ptx");
const MATMUL: &str = include_str!("../kernels/matmul/matmul.ptx");
const MATMUL_I8: &str = include_str!("../kernels/matmul_i8/matmul_i8.ptx");
const QUANTIZE: &str = include_str!("../kernels/quantize/quantize.ptx");
const RMS_NORM: &str = include_str!("../kernels/rms_norm/rms_norm.ptx");
const ATTENTION_INPUT: &str = include_str!("../kernels/attention_input/attention_input.ptx");
const PAGED_ATTENTION: &str = include_str!("../kernels/paged_attention/paged_attention.ptx");
const SILU_MUL: &str = include_str!("../kernels/silu_mul/silu_mul.ptx");
const MOE: &str = include_str!("../kernels/moe/moe.ptx");

/// Kernels compiled for one accelerator, each when it is first used.
#[derive(Debug, Default)]
pub(crate) struct Kernels {
    loaded: Vec<(String, KernelId)>,
}

/// Rows of a paged sequence batch, in device memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paging {
    /// Position of each row.
    pub(crate) positions: DeviceAddress,
    /// Index of each row's block table.
    pub(crate) sequences: DeviceAddress,
    /// Block tables.
    pub(crate) tables: DeviceAddress,
    /// Blocks of a table.
    pub(crate) table_stride: u32,
    /// First row and number of rows of each tile of attention: consecutive positions of one
    /// sequence, at most `tile_rows`.
    pub(crate) tiles: DeviceAddress,
    pub(crate) tile_count: u32,
    /// 1, or [`ATTENTION_ROWS`].
    pub(crate) tile_rows: u32,
    /// Blocks of the longest sequence, up to its last row here.
    pub(crate) blocks_max: u32,
}

/// Keys and values of one layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerCache {
    pub(crate) keys: DeviceAddress,
    pub(crate) values: DeviceAddress,
    /// Scales of int8 keys and values, else 0.
    pub(crate) scales: [DeviceAddress; 2],
    pub(crate) format: KvCacheFormat,
}

impl LayerCache {
    /// The first arguments of the kernels that use the cache.
    fn arguments(&self, arguments: Arguments) -> Arguments {
        arguments
            .pointer(self.keys)
            .pointer(self.values)
            .pointer(self.scales[0])
            .pointer(self.scales[1])
    }
}

impl KvCacheFormat {
    /// Suffix of kernel names.
    const fn suffix(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "i8",
        }
    }
}

/// Heads of an attention layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heads {
    pub(crate) query: u32,
    pub(crate) kv: u32,
    pub(crate) dim: u32,
}

/// An RMS norm of rows of `width`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Norm {
    pub(crate) weights: DeviceAddress,
    pub(crate) width: u32,
    /// Added to the mean square.
    pub(crate) eps: f32,
}

/// What happens to q and k before attention.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadTransform {
    /// Weights of the norms of q and of k, 0 for none.
    pub(crate) norms: [DeviceAddress; 2],
    /// Added to the mean square in them.
    pub(crate) eps: f32,
    /// Cosines and sines by position.
    pub(crate) angles: DeviceAddress,
}

/// Activations as int8 with a scale per row, in the order of `kernels/int8.cuh`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantized {
    pub(crate) words: DeviceAddress,
    pub(crate) scales: DeviceAddress,
}

/// The activations of a product: f32 [rows, inputs], or quantised.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input {
    Values(DeviceAddress),
    Quantized(Quantized),
}

/// Where the activations of a product go, in either form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Targets {
    pub(crate) values: DeviceAddress,
    pub(crate) quantized: Quantized,
}

/// A product `y = x * w^T`, with what is added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    pub(crate) y: DeviceAddress,
    pub(crate) x: Input,
    pub(crate) rows: u32,
    /// 0 for none.
    pub(crate) bias: DeviceAddress,
    /// Add to what `y` holds.
    pub(crate) accumulate: bool,
}

impl Kernels {
    fn get(
        &mut self,
        device: &mut dyn Accelerator,
        ptx: &'static str,
        name: &str,
    ) -> Result<KernelId, Error> {
        if let Some((_, id)) = self.loaded.iter().find(|(loaded, _)| loaded == name) {
            return Ok(*id);
        }
        let id = device.load(ptx, name)?;
        self.loaded.push((name.to_owned(), id));
        Ok(id)
    }

    pub(crate) fn embedding(
        &mut self,
        device: &mut dyn Accelerator,
        y: DeviceAddress,
        tokens: DeviceAddress,
        rows: u32,
        w: &Matrix,
    ) -> Result<(), Error> {
        let name = format!("embedding_{}", w.format.suffix());
        let kernel = self.get(device, EMBEDDING, &name)?;
        let arguments = Arguments::new()
            .pointer(y)
            .pointer(tokens)
            .pointer(w.words)
            .pointer(w.scales)
            .number(w.inputs)
            .number(w.columns());
        device.launch(kernel, grid([rows, 1], THREADS), &arguments)
    }

    /// # Panics
    ///
    /// If the form of the input is not that of the weights.
    pub(crate) fn matmul(
        &mut self,
        device: &mut dyn Accelerator,
        product: &Product,
        w: &Matrix,
    ) -> Result<(), Error> {
        match product.x {
            Input::Values(x) => self.matmul_values(device, product, x, w),
            Input::Quantized(x) => self.matmul_quantized(device, product, x, w),
        }
    }

    fn matmul_values(
        &mut self,
        device: &mut dyn Accelerator,
        product: &Product,
        x: DeviceAddress,
        w: &Matrix,
    ) -> Result<(), Error> {
        assert!(!w.format.is_quantized(), "{w:?}");
        let rows_per_cta = if product.rows == 1 { 1 } else { ROWS_PER_CTA };
        let name = format!("matmul_{}_{rows_per_cta}", w.format.suffix());
        let kernel = self.get(device, MATMUL, &name)?;
        let arguments = Arguments::new()
            .pointer(product.y)
            .pointer(x)
            .pointer(w.words)
            .pointer(product.bias)
            .number(w.outputs)
            .number(w.columns())
            .number(w.inputs)
            .number(product.rows)
            .number(w.inputs)
            .number(w.outputs)
            .number(u32::from(product.accumulate));
        let ctas = [
            w.columns() / OUTPUTS_PER_CTA,
            product.rows.div_ceil(rows_per_cta),
        ];
        device.launch(kernel, grid(ctas, THREADS), &arguments)
    }

    fn matmul_quantized(
        &mut self,
        device: &mut dyn Accelerator,
        product: &Product,
        x: Quantized,
        w: &Matrix,
    ) -> Result<(), Error> {
        assert!(w.format.is_quantized(), "{w:?}");
        let tiles = w.outputs.div_ceil(TILE_OUTPUTS);
        // Many rows share weights in registers; int4 sums in f32, whose order must not depend on
        // the number of rows.
        let many = product.rows > TILE_ROWS && w.format == Format::Int8;
        let name = if many {
            "matmul_i8_many".to_owned()
        } else {
            format!("matmul_{}_few", w.format.suffix())
        };
        let kernel = self.get(device, MATMUL_I8, &name)?;
        let arguments = Arguments::new()
            .pointer(product.y)
            .pointer(x.words)
            .pointer(x.scales)
            .pointer(w.words)
            .pointer(w.scales)
            .pointer(product.bias)
            .number(w.outputs)
            .number(w.inputs)
            .number(product.rows)
            .number(u32::from(product.accumulate));
        if many {
            let rows = product.rows.div_ceil(MANY_ROWS_PER_CTA);
            let warps = warps_per_cta(tiles.saturating_mul(rows));
            let shape = grid([rows, tiles.div_ceil(warps)], 32 * warps);
            return device.launch(kernel, shape, &arguments);
        }
        let ctas = [tiles, product.rows.div_ceil(TILE_ROWS)];
        device.launch(kernel, grid(ctas, 32 * sharing_warps(w)), &arguments)
    }

    /// `x` [rows, inputs of `w`] in the form that `w` needs.
    pub(crate) fn input(
        &mut self,
        device: &mut dyn Accelerator,
        x: DeviceAddress,
        rows: u32,
        to: Quantized,
        w: &Matrix,
    ) -> Result<Input, Error> {
        if !w.format.is_quantized() {
            return Ok(Input::Values(x));
        }
        let kernel = self.get(device, QUANTIZE, "quantize")?;
        let arguments = Arguments::new()
            .pointer(to.words)
            .pointer(to.scales)
            .pointer(x)
            .number(w.inputs);
        device.launch(kernel, grid([rows, 1], THREADS), &arguments)?;
        Ok(Input::Quantized(to))
    }

    /// The RMS norm of `x` [rows, width] in the form that the product with `w` needs.
    pub(crate) fn norm_input(
        &mut self,
        device: &mut dyn Accelerator,
        to: Targets,
        x: DeviceAddress,
        norm: &Norm,
        rows: u32,
        w: &Matrix,
    ) -> Result<Input, Error> {
        if !w.format.is_quantized() {
            self.rms_norm(device, to.values, x, norm, rows)?;
            return Ok(Input::Values(to.values));
        }
        let kernel = self.get(device, QUANTIZE, "rms_norm_quantize")?;
        let arguments = Arguments::new()
            .pointer(to.quantized.words)
            .pointer(to.quantized.scales)
            .pointer(x)
            .pointer(norm.weights)
            .number(norm.width)
            .float(norm.eps);
        device.launch(kernel, grid([rows, 1], THREADS), &arguments)?;
        Ok(Input::Quantized(to.quantized))
    }

    /// The gate of `x` [rows, 2 * inputs of `w`] in the form that the product with `w` needs.
    pub(crate) fn gate_input(
        &mut self,
        device: &mut dyn Accelerator,
        to: Targets,
        x: DeviceAddress,
        rows: u32,
        w: &Matrix,
    ) -> Result<Input, Error> {
        if !w.format.is_quantized() {
            self.silu_mul(device, to.values, x, [rows, w.inputs])?;
            return Ok(Input::Values(to.values));
        }
        let kernel = self.get(device, QUANTIZE, "silu_mul_quantize")?;
        let arguments = Arguments::new()
            .pointer(to.quantized.words)
            .pointer(to.quantized.scales)
            .pointer(x)
            .number(w.inputs);
        device.launch(kernel, grid([rows, 1], THREADS), &arguments)?;
        Ok(Input::Quantized(to.quantized))
    }

    pub(crate) fn rms_norm(
        &mut self,
        device: &mut dyn Accelerator,
        y: DeviceAddress,
        x: DeviceAddress,
        norm: &Norm,
        rows: u32,
    ) -> Result<(), Error> {
        let kernel = self.get(device, RMS_NORM, "rms_norm")?;
        let arguments = Arguments::new()
            .pointer(y)
            .pointer(x)
            .pointer(norm.weights)
            .number(norm.width)
            .float(norm.eps);
        device.launch(kernel, grid([rows, 1], THREADS), &arguments)
    }

    /// Norm and rotation of q and k in `qkv`, and storing of k and v.
    pub(crate) fn attention_input(
        &mut self,
        device: &mut dyn Accelerator,
        qkv: DeviceAddress,
        rows: u32,
        (paging, cache, heads): (&Paging, LayerCache, Heads),
        transform: &HeadTransform,
    ) -> Result<(), Error> {
        let name = format!("attention_input_{}", cache.format.suffix());
        let kernel = self.get(device, ATTENTION_INPUT, &name)?;
        let arguments = cache
            .arguments(Arguments::new().pointer(qkv))
            .pointer(paging.positions)
            .pointer(paging.sequences)
            .pointer(paging.tables)
            .pointer(transform.angles)
            .pointer(transform.norms[0])
            .pointer(transform.norms[1])
            .number(heads.query)
            .number(heads.kv)
            .number(heads.dim)
            .number(paging.table_stride)
            .float(transform.eps);
        let warps = heads.query + 2 * heads.kv;
        device.launch(
            kernel,
            grid([rows, warps.div_ceil(THREADS / 32)], THREADS),
            &arguments,
        )
    }

    pub(crate) fn paged_attention(
        &mut self,
        device: &mut dyn Accelerator,
        out: DeviceAddress,
        qkv: DeviceAddress,
        (paging, cache, heads): (&Paging, LayerCache, Heads),
    ) -> Result<(), Error> {
        let width = heads.dim.next_power_of_two().max(32);
        let (format, rows) = (cache.format.suffix(), paging.tile_rows);
        let name = format!("paged_attention_{width}_{format}_{rows}");
        let kernel = self.get(device, PAGED_ATTENTION, &name)?;
        #[expect(clippy::cast_precision_loss, reason = "heads are at most 256 wide")]
        let scale = 1.0 / (heads.dim as f32).sqrt();
        let group = heads.query / heads.kv;
        let splits = attention_splits(group);
        let arguments = cache
            .arguments(Arguments::new().pointer(out).pointer(qkv))
            .pointer(paging.tiles)
            .pointer(paging.positions)
            .pointer(paging.sequences)
            .pointer(paging.tables)
            .number(heads.kv)
            .number(group)
            .number(splits)
            .number(heads.dim)
            .number((heads.query + 2 * heads.kv) * heads.dim)
            .number(paging.table_stride)
            .float(scale);
        let ctas = [paging.tile_count, heads.kv];
        // Warps without a block would change nothing.
        let warps = group * splits.min(paging.blocks_max);
        device.launch(kernel, grid(ctas, 32 * warps), &arguments)
    }

    /// `y` [rows, width] from `x` [rows, 2 * width].
    pub(crate) fn silu_mul(
        &mut self,
        device: &mut dyn Accelerator,
        y: DeviceAddress,
        x: DeviceAddress,
        shape: [u32; 2],
    ) -> Result<(), Error> {
        let kernel = self.get(device, SILU_MUL, "silu_mul")?;
        let arguments = Arguments::new().pointer(y).pointer(x).number(shape[1]);
        let ctas = [shape[1].div_ceil(THREADS), shape[0]];
        device.launch(kernel, grid(ctas, THREADS), &arguments)
    }

    /// `experts` [rows, chosen] and `weights` [rows, chosen] from `logits` [rows, count], which
    /// is overwritten.
    pub(crate) fn moe_route(
        &mut self,
        device: &mut dyn Accelerator,
        experts: DeviceAddress,
        weights: DeviceAddress,
        logits: DeviceAddress,
        (rows, count, chosen, normalise): (u32, u32, u32, bool),
    ) -> Result<(), Error> {
        let kernel = self.get(device, MOE, "moe_route")?;
        let arguments = Arguments::new()
            .pointer(experts)
            .pointer(weights)
            .pointer(logits)
            .number(count)
            .number(chosen)
            .number(u32::from(normalise));
        device.launch(kernel, grid([rows, 1], 32), &arguments)
    }

    /// `y` [rows, outputs] from row `r / share` of the input and the matrix of the expert of row
    /// `r`. The experts' matrices follow each other.
    pub(crate) fn expert_matmul(
        &mut self,
        device: &mut dyn Accelerator,
        y: DeviceAddress,
        x: Input,
        experts: DeviceAddress,
        (rows, share): (u32, u32),
        w: &Matrix,
    ) -> Result<(), Error> {
        let name = format!("expert_matmul_{}", w.format.suffix());
        let (kernel, shape, arguments) = match x {
            Input::Values(x) => {
                assert!(!w.format.is_quantized(), "{w:?}");
                let arguments = Arguments::new()
                    .pointer(y)
                    .pointer(x)
                    .pointer(w.words)
                    .pointer(experts)
                    .number(w.outputs)
                    .number(w.columns())
                    .number(w.inputs)
                    .number(share)
                    .pointer(w.word_count());
                let shape = grid([w.columns() / OUTPUTS_PER_CTA, rows], THREADS);
                (self.get(device, MOE, &name)?, shape, arguments)
            }
            Input::Quantized(x) => {
                assert!(w.format.is_quantized(), "{w:?}");
                let arguments = Arguments::new()
                    .pointer(y)
                    .pointer(x.words)
                    .pointer(x.scales)
                    .pointer(w.words)
                    .pointer(w.scales)
                    .pointer(experts)
                    .number(w.outputs)
                    .number(w.inputs)
                    .number(share)
                    .pointer(w.word_count())
                    .pointer(w.scale_bytes());
                let ctas = [w.outputs.div_ceil(TILE_OUTPUTS), rows];
                let shape = grid(ctas, 32 * sharing_warps(w));
                (self.get(device, MATMUL_I8, &name)?, shape, arguments)
            }
        };
        device.launch(kernel, shape, &arguments)
    }

    /// Adds to `y` [rows, width] the weighted sum over slots of `x` [rows, slots, width].
    pub(crate) fn moe_combine(
        &mut self,
        device: &mut dyn Accelerator,
        y: DeviceAddress,
        x: DeviceAddress,
        weights: DeviceAddress,
        [rows, slots, width]: [u32; 3],
    ) -> Result<(), Error> {
        let kernel = self.get(device, MOE, "moe_combine")?;
        let arguments = Arguments::new()
            .pointer(y)
            .pointer(x)
            .pointer(weights)
            .number(width)
            .number(slots);
        device.launch(
            kernel,
            grid([width.div_ceil(THREADS), rows], THREADS),
            &arguments,
        )
    }
}

/// Warps that share the positions of a query head: by the shape of the model alone, for the order
/// of sums must not depend on anything else.
const fn attention_splits(group: u32) -> u32 {
    // `GROUP_MAX` of kernels/paged_attention.
    if group > 8 {
        return 1;
    }
    // A CTA has at most 32 warps.
    1 << (GROUP_MAX / group).ilog2()
}

/// Warps that share the inputs of a tile of outputs in integer products for few rows: by the shape
/// of the weights alone, for the order of sums must not depend on anything else.
fn sharing_warps(w: &Matrix) -> u32 {
    let outputs = w.outputs.div_ceil(TILE_OUTPUTS);
    let inputs = w.inputs.div_ceil(TILE_INPUTS);
    // A warp has work for a while before it waits for the others, and more warps than the chip
    // can hold help nobody.
    let helps = |warps: &u32| {
        inputs / warps >= STRETCH_TILES_MIN && outputs.saturating_mul(*warps) <= 2 * WARPS_WANTED
    };
    let warps = (1..=WARPS_PER_CTA_MAX.ilog2())
        .rev()
        .map(|shift| 1 << shift);
    warps.into_iter().find(helps).unwrap_or(1)
}

/// Warps of a CTA when there are so many in all: few enough that every core has some.
fn warps_per_cta(all: u32) -> u32 {
    let even = (all / CORES_WANTED).max(1);
    (1 << even.ilog2()).min(WARPS_PER_CTA_MAX)
}

const fn grid(ctas: [u32; 2], threads: u32) -> Grid {
    Grid {
        ctas: [ctas[0], ctas[1], 1],
        threads,
    }
}
