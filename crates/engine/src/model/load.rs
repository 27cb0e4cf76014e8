//! From a checkpoint to a model in device memory.

use super::{Buffers, FeedForward, Layer, Model, ModelLimits, WORD};
use crate::accelerator::{Accelerator, DeviceAddress};
use crate::config::ModelConfig;
use crate::error::Error;
use crate::kernels::{
    BLOCK_TOKENS, DecodeStep, GROUP_MAX, HEAD_DIM_MAX, HeadTransform, Heads, Kernels, LayerCache,
    Norm, Quantized, ROWS_MAX, StepBuffers, StepLayer, VALUES_PADDING_BYTES,
};
use crate::matrix::{Matrix, Packed};
use crate::quantization::{GROUP_ROWS, KvCacheFormat, Quantization, TILE_INPUTS, TILE_OUTPUTS};
use crate::weights::{Tensor, TensorSource};

impl Model {
    /// Reads every tensor of the model to the device and sets up cache and buffers.
    pub(crate) fn load(
        mut device: Box<dyn Accelerator>,
        config: &ModelConfig,
        source: &dyn TensorSource,
        quantization: Quantization,
        limits: ModelLimits,
    ) -> Result<Self, Error> {
        check_kernels(config, limits)?;
        let mut loader = Loader {
            device: device.as_mut(),
            config,
            source,
            quantization,
        };
        let embed_tokens = loader.embedding("model.embed_tokens.weight")?;
        let lm_head = if config.tie_word_embeddings {
            embed_tokens
        } else {
            loader.embedding("lm_head.weight")?
        };
        let norm = loader.norm("model.norm.weight")?;
        let mut layers = Vec::new();
        for index in 0..config.num_hidden_layers {
            layers.push(loader.layer(index, limits)?);
        }
        let angles = loader.angles(limits.context)?;
        let buffers = loader.buffers(limits)?;
        let heads = Heads {
            query: config.num_attention_heads,
            kv: config.num_key_value_heads,
            dim: config.head_dim,
        };
        let step_buffers = StepBuffers {
            hidden: buffers.hidden,
            qkv: buffers.qkv,
            activation: buffers.activation,
        };
        let step_layers: Option<Vec<_>> = layers
            .iter()
            .map(|layer| layer.for_step(angles, config.rms_norm_eps))
            .collect();
        let decode_step = match step_layers {
            Some(layers) => DecodeStep::new(
                device.as_mut(),
                layers.into_iter(),
                &lm_head,
                heads,
                limits.context,
                step_buffers,
            )?,
            None => None,
        };
        Ok(Self {
            device,
            kernels: Kernels::default(),
            config: config.clone(),
            limits,
            embed_tokens,
            layers,
            norm,
            lm_head,
            angles,
            buffers,
            decode_step,
            has_logits: false,
        })
    }
}

impl Layer {
    /// As the kernels for one row need it; `None` if it has experts.
    pub(super) fn for_step(&self, angles: DeviceAddress, eps: f32) -> Option<StepLayer> {
        let FeedForward::Dense {
            gate_up_proj,
            down_proj,
        } = self.mlp
        else {
            return None;
        };
        Some(StepLayer {
            input_norm: self.input_layernorm,
            qkv: self.qkv_proj,
            qkv_bias: self.qkv_bias,
            transform: HeadTransform {
                norms: [self.q_norm, self.k_norm],
                eps,
                angles,
            },
            cache: self.cache,
            o: self.o_proj,
            o_bias: self.o_bias,
            post_norm: self.post_attention_layernorm,
            gate_up: gate_up_proj,
            down: down_proj,
        })
    }
}

/// Refuses shapes that the kernels do not compute.
fn check_kernels(config: &ModelConfig, limits: ModelLimits) -> Result<(), Error> {
    let unsupported = |field: &str, value: u32, supported: String| {
        Err(Error::UnsupportedConfig {
            field: field.to_owned(),
            value: value.to_string(),
            supported,
        })
    };
    if config.head_dim > HEAD_DIM_MAX {
        let supported = format!("at most {HEAD_DIM_MAX} is supported");
        return unsupported("head_dim", config.head_dim, supported);
    }
    if limits.kv_cache == KvCacheFormat::Int8 && !config.head_dim.is_multiple_of(4) {
        let supported = "an int8 cache needs a multiple of 4".to_owned();
        return unsupported("head_dim", config.head_dim, supported);
    }
    let group = config.num_attention_heads / config.num_key_value_heads;
    if group > GROUP_MAX {
        let supported = format!("at most {GROUP_MAX} query heads per key and value head");
        return unsupported("num_attention_heads", config.num_attention_heads, supported);
    }
    let chosen = config.moe.as_ref().map_or(1, |moe| moe.num_experts_per_tok);
    if limits.rows.saturating_mul(chosen) > ROWS_MAX {
        return Err(Error::Invalid(format!(
            "a step of {} tokens for {chosen} experts each; at most {ROWS_MAX} together",
            limits.rows
        )));
    }
    Ok(())
}

struct Loader<'a> {
    device: &'a mut dyn Accelerator,
    config: &'a ModelConfig,
    source: &'a dyn TensorSource,
    quantization: Quantization,
}

impl Loader<'_> {
    fn layer(&mut self, index: u32, limits: ModelLimits) -> Result<Layer, Error> {
        let config = self.config;
        let name = |part: &str| format!("model.layers.{index}.{part}");
        let attention = |part: &str| name(&format!("self_attn.{part}"));
        let (hidden, query, kv) = (config.hidden_size, config.query_width(), config.kv_width());
        let projections = [("q_proj", query), ("k_proj", kv), ("v_proj", kv)];
        let weights =
            projections.map(|(part, width)| (attention(&format!("{part}.weight")), width));
        let biases = projections.map(|(part, width)| (attention(&format!("{part}.bias")), width));
        let qk_norm = |part: &str, this: &mut Self| {
            if config.has_qk_norm() {
                this.vector(&attention(part), config.head_dim)
            } else {
                Ok(0)
            }
        };
        let o_weight = [(attention("o_proj.weight"), hidden)];
        Ok(Layer {
            input_layernorm: self.norm(&name("input_layernorm.weight"))?,
            qkv_proj: self.matrix(&weights, hidden)?,
            qkv_bias: if config.qkv_bias {
                self.vectors(&biases)?
            } else {
                0
            },
            q_norm: qk_norm("q_norm.weight", self)?,
            k_norm: qk_norm("k_norm.weight", self)?,
            o_proj: self.matrix(&o_weight, query)?,
            o_bias: if config.output_bias {
                self.vector(&attention("o_proj.bias"), hidden)?
            } else {
                0
            },
            post_attention_layernorm: self.norm(&name("post_attention_layernorm.weight"))?,
            mlp: if config.is_sparse(index) {
                self.experts(&name("mlp"))?
            } else {
                let width = config.intermediate_size;
                let gate_up = [
                    (name("mlp.gate_proj.weight"), width),
                    (name("mlp.up_proj.weight"), width),
                ];
                FeedForward::Dense {
                    gate_up_proj: self.pack_gate_up(&gate_up, hidden)?.upload(self.device)?,
                    down_proj: self.matrix(&[(name("mlp.down_proj.weight"), hidden)], width)?,
                }
            },
            cache: self.cache(limits)?,
        })
    }

    fn experts(&mut self, mlp: &str) -> Result<FeedForward, Error> {
        let config = self.config;
        let moe = config.moe.as_ref().expect("a sparse layer has experts");
        let (hidden, width) = (config.hidden_size, moe.moe_intermediate_size);
        let gate = [(format!("{mlp}.gate.weight"), moe.num_experts)];
        let gate = self
            .pack(&gate, hidden, Quantization::None)?
            .upload(self.device)?;
        let part = |expert: u32, part: &str| format!("{mlp}.experts.{expert}.{part}.weight");
        let gate_up: Vec<_> = (0..moe.num_experts)
            .map(|expert| {
                [
                    (part(expert, "gate_proj"), width),
                    (part(expert, "up_proj"), width),
                ]
            })
            .collect();
        let down: Vec<_> = (0..moe.num_experts)
            .map(|expert| [(part(expert, "down_proj"), hidden)])
            .collect();
        Ok(FeedForward::Sparse {
            gate,
            gate_up_proj: self
                .matrices(&gate_up, |this, parts| this.pack_gate_up(parts, hidden))?,
            down_proj: self.matrices(&down, |this, parts| {
                this.pack(parts, width, this.quantization)
            })?,
        })
    }

    /// Matrices of the same shape, one after the other in one allocation.
    fn matrices<const N: usize>(
        &mut self,
        parts: &[[(String, u32); N]],
        pack: impl Fn(&Self, &[(String, u32); N]) -> Result<Packed, Error>,
    ) -> Result<Matrix, Error> {
        let mut all: Option<Matrix> = None;
        for (index, each) in (0u64..).zip(parts) {
            let packed = pack(self, each)?;
            let matrix = match all {
                Some(matrix) => matrix,
                None => *all.insert(packed.allocate(self.device, parts.len() as u64)?),
            };
            if !packed.write(self.device, &matrix, index)? {
                return Err(Error::tensor(
                    &each[0].0,
                    "it is stored in another type than the first expert",
                ));
            }
        }
        all.ok_or_else(|| Error::InvalidConfig("a layer without experts".to_owned()))
    }

    /// Stacks tensors [width, inputs] to one matrix.
    fn matrix(&mut self, parts: &[(String, u32)], inputs: u32) -> Result<Matrix, Error> {
        self.pack(parts, inputs, self.quantization)?
            .upload(self.device)
    }

    fn pack(
        &self,
        parts: &[(String, u32)],
        inputs: u32,
        quantization: Quantization,
    ) -> Result<Packed, Error> {
        Packed::stack(&self.read(parts, inputs)?, quantization)
    }

    /// Tensors [width, inputs].
    fn read(&self, parts: &[(String, u32)], inputs: u32) -> Result<Vec<Tensor>, Error> {
        let read = |(name, width): &(String, u32)| {
            self.source
                .read(name, &[u64::from(*width), u64::from(inputs)])
        };
        parts.iter().map(read).collect()
    }

    /// Gates with what they gate, quantised a tile of one after a tile of the other.
    fn pack_gate_up(&self, parts: &[(String, u32); 2], inputs: u32) -> Result<Packed, Error> {
        if self.quantization == Quantization::None {
            return self.pack(parts, inputs, self.quantization);
        }
        Packed::interleave(&self.read(parts, inputs)?, self.quantization)
    }

    fn embedding(&mut self, name: &str) -> Result<Matrix, Error> {
        let parts = [(name.to_owned(), self.config.vocab_size)];
        let quantization = match self.quantization {
            Quantization::None => Quantization::None,
            Quantization::Int8 | Quantization::Int4 => Quantization::Int8,
        };
        self.pack(&parts, self.config.hidden_size, quantization)?
            .upload(self.device)
    }

    fn norm(&mut self, name: &str) -> Result<Norm, Error> {
        Ok(Norm {
            weights: self.vector(name, self.config.hidden_size)?,
            width: self.config.hidden_size,
            eps: self.config.rms_norm_eps,
        })
    }

    fn vector(&mut self, name: &str, width: u32) -> Result<DeviceAddress, Error> {
        self.vectors(&[(name.to_owned(), width)])
    }

    /// Concatenates vectors, as f32.
    fn vectors(&mut self, parts: &[(String, u32)]) -> Result<DeviceAddress, Error> {
        let mut values = Vec::new();
        for (name, width) in parts {
            values.extend(self.source.read(name, &[u64::from(*width)])?.values()?);
        }
        self.upload(&values)
    }

    fn upload(&mut self, values: &[f32]) -> Result<DeviceAddress, Error> {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let address = self.device.allocate(bytes.len() as u64)?;
        self.device.write(address, &bytes)?;
        Ok(address)
    }

    fn cache(&mut self, limits: ModelLimits) -> Result<LayerCache, Error> {
        let positions = u64::from(limits.blocks) * u64::from(BLOCK_TOKENS);
        let values = positions * u64::from(self.config.kv_width());
        let heads = positions * u64::from(self.config.num_key_value_heads);
        let (bytes, scale_bytes) = match limits.kv_cache {
            KvCacheFormat::F32 => (values * WORD, 0),
            KvCacheFormat::Int8 => (values, heads * WORD),
        };
        let mut scales = [0; 2];
        if scale_bytes > 0 {
            scales = [
                self.device.allocate(scale_bytes)?,
                self.device.allocate(scale_bytes)?,
            ];
        }
        Ok(LayerCache {
            keys: self.device.allocate(bytes)?,
            values: self.device.allocate(bytes + VALUES_PADDING_BYTES)?,
            scales,
            format: limits.kv_cache,
        })
    }

    /// Cosines and sines of every position, as `kernels/attention_input` reads them.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the table is f32, as the checkpoint's own code has it"
    )]
    fn angles(&mut self, positions: u32) -> Result<DeviceAddress, Error> {
        let (frequencies, factor) = self.config.rope.frequencies(self.config.head_dim);
        let mut table = Vec::new();
        for position in 0..positions {
            let angle = |frequency: &f64| f64::from(position) * frequency;
            table.extend(frequencies.iter().map(|f| (angle(f).cos() * factor) as f32));
            table.extend(frequencies.iter().map(|f| (angle(f).sin() * factor) as f32));
        }
        self.upload(&table)
    }

    fn buffers(&mut self, limits: ModelLimits) -> Result<Buffers, Error> {
        let config = self.config;
        let rows = u64::from(limits.rows);
        let (hidden, query, kv) = (
            u64::from(config.hidden_size),
            u64::from(config.query_width()),
            u64::from(config.kv_width()),
        );
        // Quantised gates fill whole tiles.
        let tiled = |width: u32| u64::from(width).next_multiple_of(TILE_OUTPUTS as u64);
        let (mut width, mut pairs, mut experts) = (tiled(config.intermediate_size), 1, 1);
        if let Some(moe) = &config.moe {
            pairs = u64::from(moe.num_experts_per_tok);
            experts = u64::from(moe.num_experts);
            width = width.max(pairs * tiled(moe.moe_intermediate_size));
        }
        let tables = u64::from(limits.context.div_ceil(BLOCK_TOKENS));
        let sequences = u64::from(limits.sequences);
        // Tiles of the widest activations: of one row per token, or of one per expert.
        let group_rows = GROUP_ROWS as u64;
        let quantized_rows = (rows * pairs).next_multiple_of(group_rows);
        let quantized_width = hidden
            .max(query)
            .max(width)
            .next_multiple_of(TILE_INPUTS as u64);
        let mut words = |count: u64| self.device.allocate(count * WORD);
        Ok(Buffers {
            tokens: words(rows)?,
            positions: words(rows)?,
            sequences: words(rows)?,
            tables: words(sequences * tables)?,
            tiles: words(2 * rows)?,
            hidden: words(rows * hidden)?,
            normed: words(rows * hidden)?,
            qkv: words(rows * (query + 2 * kv))?,
            // Also holds the output rows before the last norm.
            attention: words(rows * query.max(hidden))?,
            gate_up: words(rows * 2 * width)?,
            activation: words(rows * width)?,
            router_logits: words(rows * experts)?,
            experts: words(rows * pairs)?,
            expert_weights: words(rows * pairs)?,
            expert_output: words(if config.moe.is_some() {
                rows * pairs * hidden
            } else {
                1
            })?,
            logits: words(sequences * u64::from(config.vocab_size))?,
            quantized: Quantized {
                words: words(quantized_rows * quantized_width / 4)?,
                scales: words(quantized_rows)?,
            },
        })
    }
}
