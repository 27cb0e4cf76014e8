//! A decoder on the device: weights, KV cache, and the forward pass.
//!
//! Names follow Transformers' `modeling_qwen3.py`. Projections of one input are one matrix: q, k
//! and v; gate and up.

mod handover;
mod load;
mod traffic;

use crate::accelerator::{Accelerator, DeviceAddress};
use crate::config::ModelConfig;
use crate::error::Error;
use crate::kernels::{
    ATTENTION_ROWS, BLOCK_TOKENS, DecodeStep, HeadTransform, Heads, Input, Kernels, LayerCache,
    Norm, Paging, Product, Quantized, Targets,
};
use crate::matrix::Matrix;
use crate::quantization::KvCacheFormat;
pub use traffic::Traffic;

/// Weights of one layer.
#[derive(Clone, Debug)]
struct Layer {
    input_layernorm: Norm,
    qkv_proj: Matrix,
    /// 0 for none, as every optional vector here.
    qkv_bias: DeviceAddress,
    q_norm: DeviceAddress,
    k_norm: DeviceAddress,
    o_proj: Matrix,
    o_bias: DeviceAddress,
    post_attention_layernorm: Norm,
    mlp: FeedForward,
    cache: LayerCache,
}

/// The feed-forward part of a layer.
#[derive(Clone, Debug)]
enum FeedForward {
    Dense {
        gate_up_proj: Matrix,
        down_proj: Matrix,
    },
    /// Matrices of the experts, one after the other; the fields describe the first.
    Sparse {
        gate: Matrix,
        gate_up_proj: Matrix,
        down_proj: Matrix,
    },
}

/// Device buffers for the rows of a step.
#[derive(Clone, Copy, Debug)]
struct Buffers {
    tokens: DeviceAddress,
    positions: DeviceAddress,
    sequences: DeviceAddress,
    tables: DeviceAddress,
    tiles: DeviceAddress,
    hidden: DeviceAddress,
    normed: DeviceAddress,
    qkv: DeviceAddress,
    attention: DeviceAddress,
    gate_up: DeviceAddress,
    activation: DeviceAddress,
    router_logits: DeviceAddress,
    experts: DeviceAddress,
    expert_weights: DeviceAddress,
    expert_output: DeviceAddress,
    logits: DeviceAddress,
    /// Activations of the next product, where its weights are quantised.
    quantized: Quantized,
}

/// How large the cache and the steps may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ModelLimits {
    /// Positions of a sequence.
    pub(crate) context: u32,
    /// Blocks of the cache, and how they hold keys and values.
    pub(crate) blocks: u32,
    pub(crate) kv_cache: KvCacheFormat,
    /// Rows of a step.
    pub(crate) rows: u32,
    /// Sequences of a step.
    pub(crate) sequences: u32,
}

/// Rows of one step, on the host.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Token of each row.
    pub(crate) tokens: Vec<u32>,
    /// Position of each row in its sequence.
    pub(crate) positions: Vec<u32>,
    /// Index into `tables` of each row.
    pub(crate) sequences: Vec<u32>,
    /// Blocks of each sequence.
    pub(crate) tables: Vec<Vec<u32>>,
    /// Rows whose hidden state is wanted, at most one per sequence.
    pub(crate) outputs: Vec<u32>,
}

/// See the module documentation.
pub(crate) struct Model {
    device: Box<dyn Accelerator>,
    kernels: Kernels,
    config: ModelConfig,
    limits: ModelLimits,
    embed_tokens: Matrix,
    layers: Vec<Layer>,
    norm: Norm,
    lm_head: Matrix,
    angles: DeviceAddress,
    buffers: Buffers,
    /// For steps of one row, if there is a kernel for the model.
    decode_step: Option<DecodeStep>,
    /// Whether the buffer of logits has those of the last batch.
    has_logits: bool,
}

/// Bytes of an f32 or u32.
const WORD: u64 = 4;

impl Model {
    pub(crate) const fn config(&self) -> &ModelConfig {
        &self.config
    }

    pub(crate) fn device(&self) -> &dyn Accelerator {
        self.device.as_ref()
    }

    /// Computes a batch; afterwards the normed hidden states of its output rows are in the
    /// device's buffer, in order, for [`Self::logits`] and [`Self::hidden`].
    pub(crate) fn forward(&mut self, batch: &Batch) -> Result<(), Error> {
        let rows = extent(batch.tokens.len())?;
        assert!(
            rows > 0 && rows <= self.limits.rows,
            "{rows} rows in a step"
        );
        self.has_logits = false;
        if rows == 1 && self.decode_step.is_some() {
            return self.forward_one(batch);
        }
        let paging = self.write_batch(batch)?;
        let Self {
            kernels, buffers, ..
        } = self;
        let buffers = *buffers;
        let device = self.device.as_mut();
        kernels.embedding(
            device,
            buffers.hidden,
            buffers.tokens,
            rows,
            &self.embed_tokens,
        )?;
        for index in 0..self.layers.len() {
            self.layer(index, rows, &paging)?;
        }
        self.select_outputs(&batch.outputs)
    }

    /// [`Self::forward`] for one row, in fewer launches.
    fn forward_one(&mut self, batch: &Batch) -> Result<(), Error> {
        let Self {
            kernels,
            buffers,
            decode_step: Some(step),
            ..
        } = self
        else {
            unreachable!("the caller has looked");
        };
        let device = self.device.as_mut();
        step.set_table(device, &batch.tables[0])?;
        device.write(buffers.tokens, &bytes_of(&batch.tokens))?;
        let (hidden, tokens) = (buffers.hidden, buffers.tokens);
        kernels.embedding(device, hidden, tokens, 1, &self.embed_tokens)?;
        let (angles, eps) = (self.angles, self.config.rms_norm_eps);
        for layer in self.layers.iter().filter_map(|l| l.for_step(angles, eps)) {
            step.layer(kernels, device, &layer, batch.positions[0])?;
        }
        self.has_logits = !batch.outputs.is_empty();
        if self.has_logits {
            let to = (buffers.logits, 0, buffers.normed);
            step.normed_product(kernels, device, &self.lm_head, &self.norm, to)?;
        }
        Ok(())
    }

    /// One decoder layer over the rows in `hidden`.
    fn layer(&mut self, index: usize, rows: u32, paging: &Paging) -> Result<(), Error> {
        let Self {
            kernels,
            config,
            buffers,
            ..
        } = self;
        let layer = &self.layers[index];
        let device = self.device.as_mut();
        let heads = Heads {
            query: config.num_attention_heads,
            kv: config.num_key_value_heads,
            dim: config.head_dim,
        };
        let Buffers {
            hidden,
            normed,
            qkv,
            attention,
            quantized,
            ..
        } = *buffers;
        let to = Targets {
            values: normed,
            quantized,
        };
        let norm = &layer.input_layernorm;
        let x = kernels.norm_input(device, to, hidden, norm, rows, &layer.qkv_proj)?;
        let product = Product {
            y: qkv,
            x,
            rows,
            bias: layer.qkv_bias,
            accumulate: false,
        };
        kernels.matmul(device, &product, &layer.qkv_proj)?;
        let cached = (paging, layer.cache, heads);
        let transform = HeadTransform {
            norms: [layer.q_norm, layer.k_norm],
            eps: config.rms_norm_eps,
            angles: self.angles,
        };
        kernels.attention_input(device, qkv, rows, cached, &transform)?;
        kernels.paged_attention(device, attention, qkv, cached)?;
        let product = Product {
            y: hidden,
            x: kernels.input(device, attention, rows, quantized, &layer.o_proj)?,
            rows,
            bias: layer.o_bias,
            accumulate: true,
        };
        kernels.matmul(device, &product, &layer.o_proj)?;
        self.feed_forward(index, rows)
    }

    /// Adds the feed-forward part of a layer to `hidden`.
    fn feed_forward(&mut self, index: usize, rows: u32) -> Result<(), Error> {
        let Self {
            kernels,
            config,
            buffers,
            ..
        } = self;
        let device = self.device.as_mut();
        let Buffers {
            hidden,
            normed,
            gate_up,
            activation,
            router_logits,
            experts,
            expert_weights,
            expert_output,
            quantized,
            ..
        } = *buffers;
        let layer = &self.layers[index];
        let norm = &layer.post_attention_layernorm;
        let into = |y, x, accumulate| Product {
            y,
            x,
            rows,
            bias: 0,
            accumulate,
        };
        let normed_to = Targets {
            values: normed,
            quantized,
        };
        let gated_to = Targets {
            values: activation,
            quantized,
        };
        match &layer.mlp {
            FeedForward::Dense {
                gate_up_proj,
                down_proj,
            } => {
                let x = kernels.norm_input(device, normed_to, hidden, norm, rows, gate_up_proj)?;
                kernels.matmul(device, &into(gate_up, x, false), gate_up_proj)?;
                let x = kernels.gate_input(device, gated_to, gate_up, rows, down_proj)?;
                kernels.matmul(device, &into(hidden, x, true), down_proj)
            }
            FeedForward::Sparse {
                gate,
                gate_up_proj,
                down_proj,
            } => {
                let moe = config.moe.as_ref().expect("a sparse layer has experts");
                let chosen = moe.num_experts_per_tok;
                kernels.rms_norm(device, normed, hidden, norm, rows)?;
                let x = Input::Values(normed);
                kernels.matmul(device, &into(router_logits, x, false), gate)?;
                let shape = (rows, moe.num_experts, chosen, moe.norm_topk_prob);
                kernels.moe_route(device, experts, expert_weights, router_logits, shape)?;
                let pairs = rows * chosen;
                let x = kernels.input(device, normed, rows, quantized, gate_up_proj)?;
                let shape = (pairs, chosen);
                kernels.expert_matmul(device, gate_up, x, experts, shape, gate_up_proj)?;
                let x = kernels.gate_input(device, gated_to, gate_up, pairs, down_proj)?;
                let shape = (pairs, 1);
                kernels.expert_matmul(device, expert_output, x, experts, shape, down_proj)?;
                let shape = [rows, chosen, config.hidden_size];
                kernels.moe_combine(device, hidden, expert_output, expert_weights, shape)
            }
        }
    }

    /// Copies tokens, positions and block tables to the device.
    fn write_batch(&mut self, batch: &Batch) -> Result<Paging, Error> {
        let stride = self.limits.context.div_ceil(BLOCK_TOKENS);
        let buffers = self.buffers;
        let device = self.device.as_mut();
        device.write(buffers.tokens, &bytes_of(&batch.tokens))?;
        device.write(buffers.positions, &bytes_of(&batch.positions))?;
        device.write(buffers.sequences, &bytes_of(&batch.sequences))?;
        for (index, table) in (0..).zip(&batch.tables) {
            let at = buffers.tables + index * u64::from(stride) * WORD;
            device.write(at, &bytes_of(table))?;
        }
        let (tiles, tile_rows) = attention_tiles(&batch.sequences);
        device.write(buffers.tiles, &bytes_of(tiles.as_flattened()))?;
        Ok(Paging {
            tiles: buffers.tiles,
            tile_count: extent(tiles.len())?,
            tile_rows,
            blocks_max: batch
                .positions
                .iter()
                .max()
                .map_or(1, |last| last / BLOCK_TOKENS + 1),
            positions: buffers.positions,
            sequences: buffers.sequences,
            tables: buffers.tables,
            table_stride: stride,
        })
    }

    /// Gathers the output rows of `hidden` in `attention`, and norms them into `normed`.
    fn select_outputs(&mut self, outputs: &[u32]) -> Result<(), Error> {
        if outputs.is_empty() {
            return Ok(());
        }
        let bytes = u64::from(self.config.hidden_size) * WORD;
        let (buffers, device) = (self.buffers, self.device.as_mut());
        for (to, &row) in (0..).zip(outputs) {
            let from = buffers.hidden + u64::from(row) * bytes;
            device.copy(buffers.attention + to * bytes, from, bytes)?;
        }
        let rows = extent(outputs.len())?;
        let (x, y) = (buffers.attention, buffers.normed);
        self.kernels.rms_norm(device, y, x, &self.norm, rows)
    }

    /// Logits of the first `count` output rows of the last batch, [count, vocabulary].
    pub(crate) fn logits(&mut self, count: usize) -> Result<Vec<f32>, Error> {
        if self.has_logits {
            return self.read(self.buffers.logits, count * self.config.vocab_size as usize);
        }
        let Self {
            kernels, buffers, ..
        } = self;
        let (device, rows) = (self.device.as_mut(), extent(count)?);
        let (normed, quantized) = (buffers.normed, buffers.quantized);
        let product = Product {
            y: buffers.logits,
            x: kernels.input(device, normed, rows, quantized, &self.lm_head)?,
            rows,
            bias: 0,
            accumulate: false,
        };
        kernels.matmul(device, &product, &self.lm_head)?;
        self.read(self.buffers.logits, count * self.config.vocab_size as usize)
    }

    /// Final hidden states of the first `count` output rows of the last batch, after the last
    /// norm, [count, hidden].
    pub(crate) fn hidden(&mut self, count: usize) -> Result<Vec<f32>, Error> {
        self.read(
            self.buffers.normed,
            count * self.config.hidden_size as usize,
        )
    }

    fn read(&mut self, from: DeviceAddress, values: usize) -> Result<Vec<f32>, Error> {
        let mut bytes = vec![0; values * 4];
        self.device.read(from, &mut bytes)?;
        let words = bytes.as_chunks::<4>().0.iter();
        Ok(words.map(|&word| f32::from_le_bytes(word)).collect())
    }
}

/// First row and number of rows of each tile of attention, and the most rows of a tile. Rows of
/// one sequence are consecutive positions and follow each other.
fn attention_tiles(sequences: &[u32]) -> (Vec<[u32; 2]>, u32) {
    let mut tiles: Vec<[u32; 2]> = Vec::new();
    let mut last = None;
    for (row, &sequence) in (0..).zip(sequences) {
        match tiles.last_mut() {
            Some([_, count]) if last == Some(sequence) && *count < ATTENTION_ROWS => *count += 1,
            _ => tiles.push([row, 1]),
        }
        last = Some(sequence);
    }
    let single = tiles.iter().all(|&[_, count]| count == 1);
    (tiles, if single { 1 } else { ATTENTION_ROWS })
}

fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn extent(value: usize) -> Result<u32, Error> {
    u32::try_from(value).map_err(|_| Error::Invalid(format!("a batch extent of {value}")))
}

#[cfg(test)]
mod tests;
