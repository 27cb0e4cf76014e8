//! One token of one sequence in five launches for each layer (`kernels/decode_step`).

use super::{
    BLOCK_TOKENS, HeadTransform, Heads, Kernels, LayerCache, Norm, TILE_INPUTS, attention_splits,
    grid,
};
use crate::accelerator::{Accelerator, Arguments, DeviceAddress};
use crate::error::Error;
use crate::matrix::{Format, Matrix};

const DECODE_STEP: &str = include_str!("../../kernels/decode_step/decode_step.ptx");

/// Threads of a CTA of a product, as the kernels have it.
const THREADS: u32 = 1024;
/// CTAs of a product: one for each core, for a core holds no two of that many threads.
const CTAS: u32 = super::CORES_WANTED;
/// `INPUTS_MAX` of the kernels.
const INPUTS_MAX: u32 = 24_576;
/// Widest head that there is a kernel for.
const HEAD_DIM_MAX: u32 = 128;

/// A layer as the kernels need it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepLayer {
    pub(crate) input_norm: Norm,
    pub(crate) qkv: Matrix,
    /// 0 for none, as every bias here.
    pub(crate) qkv_bias: DeviceAddress,
    pub(crate) transform: HeadTransform,
    pub(crate) cache: LayerCache,
    pub(crate) o: Matrix,
    pub(crate) o_bias: DeviceAddress,
    pub(crate) post_norm: Norm,
    pub(crate) gate_up: Matrix,
    pub(crate) down: Matrix,
}

/// Rows of f32 that a step uses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepBuffers {
    pub(crate) hidden: DeviceAddress,
    pub(crate) qkv: DeviceAddress,
    /// Padded to whole tiles of outputs.
    pub(crate) activation: DeviceAddress,
}

/// The kernels for a model.
#[derive(Debug)]
pub(crate) struct DecodeStep {
    heads: Heads,
    splits: u32,
    buffers: StepBuffers,
    /// What the warps of attention found.
    parts: DeviceAddress,
    table: DeviceAddress,
    /// What `table` holds.
    written: Vec<u32>,
}

impl DecodeStep {
    /// `None` if there are no kernels for such layers and such an output head. `context`: positions
    /// of a sequence at most.
    pub(crate) fn new(
        device: &mut dyn Accelerator,
        mut layers: impl Iterator<Item = StepLayer>,
        head: &Matrix,
        heads: Heads,
        context: u32,
        buffers: StepBuffers,
    ) -> Result<Option<Self>, Error> {
        let fits = |matrix: &Matrix| matrix.format == Format::Int8 && matrix.inputs <= INPUTS_MAX;
        let is_computed = heads.dim <= HEAD_DIM_MAX
            && heads.dim.is_multiple_of(4)
            && (heads.query * heads.dim).is_multiple_of(TILE_INPUTS)
            && fits(head)
            && layers.all(|layer| {
                let matrices = [layer.qkv, layer.o, layer.gate_up, layer.down];
                matrices.iter().all(fits)
            });
        if !is_computed {
            return Ok(None);
        }
        let splits = attention_splits(heads.query / heads.kv);
        let parts = u64::from(heads.query) * u64::from(splits) * u64::from(heads.dim + 2);
        let blocks = u64::from(context.div_ceil(BLOCK_TOKENS));
        Ok(Some(Self {
            heads,
            splits,
            buffers,
            parts: device.allocate(parts * 4)?,
            table: device.allocate(blocks * 4)?,
            written: Vec::new(),
        }))
    }

    /// Says which blocks the sequence has.
    pub(crate) fn set_table(
        &mut self,
        device: &mut dyn Accelerator,
        table: &[u32],
    ) -> Result<(), Error> {
        if self.written != table {
            let bytes: Vec<u8> = table.iter().flat_map(|word| word.to_le_bytes()).collect();
            device.write(self.table, &bytes)?;
            self.written = table.to_vec();
        }
        Ok(())
    }

    /// The token at `position` through a layer, in place in the hidden state.
    pub(crate) fn layer(
        &self,
        kernels: &mut Kernels,
        device: &mut dyn Accelerator,
        layer: &StepLayer,
        position: u32,
    ) -> Result<(), Error> {
        let StepBuffers {
            hidden,
            qkv,
            activation,
        } = self.buffers;
        let to = (qkv, layer.qkv_bias, 0);
        self.normed_product(kernels, device, &layer.qkv, &layer.input_norm, to)?;
        let present = self.attention(kernels, device, layer, position)?;
        let arguments = product(hidden, &layer.o)
            .pointer(layer.o_bias)
            .number(layer.o.outputs)
            .number(layer.o.inputs)
            .pointer(self.parts)
            .number(self.splits)
            .number(present)
            .number(self.heads.dim);
        launch(kernels, device, "decode_o", &arguments)?;
        let arguments = product(activation, &layer.gate_up)
            .number(layer.gate_up.outputs)
            .number(layer.gate_up.inputs)
            .pointer(hidden)
            .pointer(layer.post_norm.weights)
            .float(layer.post_norm.eps);
        launch(kernels, device, "decode_gate_up", &arguments)?;
        let arguments = product(hidden, &layer.down)
            .number(layer.down.outputs)
            .number(layer.down.inputs)
            .pointer(activation);
        launch(kernels, device, "decode_down", &arguments)
    }

    /// The product of `w` with the norm of the hidden state. `to`: the result, a bias, and where the
    /// norm itself goes, 0 for nowhere.
    pub(crate) fn normed_product(
        &self,
        kernels: &mut Kernels,
        device: &mut dyn Accelerator,
        w: &Matrix,
        norm: &Norm,
        (y, bias, normed): (DeviceAddress, DeviceAddress, DeviceAddress),
    ) -> Result<(), Error> {
        let arguments = product(y, w)
            .pointer(bias)
            .number(w.outputs)
            .number(w.inputs)
            .pointer(self.buffers.hidden)
            .pointer(norm.weights)
            .float(norm.eps)
            .pointer(normed);
        launch(kernels, device, "decode_normed", &arguments)
    }

    /// Attention of the token; gives the splits that had positions.
    fn attention(
        &self,
        kernels: &mut Kernels,
        device: &mut dyn Accelerator,
        layer: &StepLayer,
        position: u32,
    ) -> Result<u32, Error> {
        let Heads { query, kv, dim } = self.heads;
        let present = self.splits.min(position / BLOCK_TOKENS + 1);
        #[expect(clippy::cast_precision_loss, reason = "heads are at most 256 wide")]
        let scale = 1.0 / (dim as f32).sqrt();
        let first = Arguments::new()
            .pointer(self.parts)
            .pointer(self.buffers.qkv);
        let arguments = layer
            .cache
            .arguments(first)
            .pointer(self.table)
            .pointer(layer.transform.angles)
            .pointer(layer.transform.norms[0])
            .pointer(layer.transform.norms[1])
            .number(position)
            .number(query)
            .number(kv)
            .number(self.splits)
            .number(dim)
            .float(layer.transform.eps)
            .float(scale);
        let width = if dim <= 64 { 64 } else { 128 };
        let name = format!("decode_attention_{width}_{}", layer.cache.format.suffix());
        let kernel = kernels.get(device, DECODE_STEP, &name)?;
        device.launch(kernel, grid([query, present], 32), &arguments)?;
        Ok(present)
    }
}

/// The first arguments of the products.
fn product(y: DeviceAddress, w: &Matrix) -> Arguments {
    Arguments::new()
        .pointer(y)
        .pointer(w.words)
        .pointer(w.scales)
}

fn launch(
    kernels: &mut Kernels,
    device: &mut dyn Accelerator,
    name: &str,
    arguments: &Arguments,
) -> Result<(), Error> {
    let kernel = kernels.get(device, DECODE_STEP, name)?;
    device.launch(kernel, grid([CTAS, 1], THREADS), arguments)
}
