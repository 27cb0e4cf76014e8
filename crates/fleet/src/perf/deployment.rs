//! A model on one or several chips: steps in seconds, and what fits into memory.

use serde::{Deserialize, Serialize};

use super::constants::{Constants, Errors, find};
use super::{Precision, all_reduce, attention, gemm, mixture, serving};
use crate::catalog::{Chip, UnknownFigure};
use crate::model::Model;
use crate::policy::Speed;

/// How a model is spread over chips. A deployment has `tensor * pipeline` chips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parallel {
    /// Chips that share each layer.
    pub tensor: u32,
    /// Groups of chips that have the layers one after the other.
    pub pipeline: u32,
    /// Whether experts are dealt to the chips of a group whole instead of in slices.
    pub expert: bool,
}

impl Parallel {
    /// One chip.
    pub const ONE: Self = Self {
        tensor: 1,
        pipeline: 1,
        expert: false,
    };

    /// Chips in use.
    #[must_use]
    pub fn chips(self) -> u32 {
        self.tensor * self.pipeline
    }
}

/// A model that is served by a group of chips, ready to be asked for times.
#[derive(Debug, Clone)]
pub struct Deployment {
    model: Model,
    precision: Precision,
    parallel: Parallel,
    product: gemm::Hardware,
    attend: gemm::Hardware,
    link_bytes_per_s: f64,
    memory_bytes: f64,
    kv_element_bytes: f64,
    gemm: gemm::Constants,
    prefill: attention::PrefillConstants,
    decode: attention::DecodeConstants,
    mixture: mixture::Constants,
    all_reduce: all_reduce::Constants,
    serving: serving::Constants,
    errors: Option<Errors>,
    modelled: bool,
}

/// Why a deployment is not possible.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Impossible {
    /// A figure of the chip is not known.
    #[error(transparent)]
    Unknown(#[from] UnknownFigure),
    /// The weights do not fit.
    #[error(
        "{model} in {precision} needs {needed_gb:.1} GB of weights and working memory on each of {chips} {chip}, which has {has_gb:.1} GB"
    )]
    TooLarge {
        /// The model.
        model: String,
        /// Its precision.
        precision: Precision,
        /// GB (1e9 bytes) needed on each chip.
        needed_gb: f64,
        /// Number of chips.
        chips: u32,
        /// The chip.
        chip: String,
        /// GB it has.
        has_gb: f64,
    },
    /// The heads or layers cannot be dealt evenly.
    #[error("{model} cannot be split {tensor} x {pipeline}: {heads} heads, {layers} layers")]
    Uneven {
        /// The model.
        model: String,
        /// Chips of a layer.
        tensor: u32,
        /// Groups of layers.
        pipeline: u32,
        /// Query heads.
        heads: u32,
        /// Layers.
        layers: u32,
    },
}

/// Memory that a server keeps for activations, communication and its runtime: a share of the
/// chip, as servers reserve by default.
const RESERVED_SHARE: f64 = 0.10;

impl Deployment {
    /// `model` in `precision` on chips of one kind, with `kv_element_bytes` for each element of
    /// keys and values (2 for BF16, 1 for INT8 and FP8).
    ///
    /// # Errors
    /// When a figure of the chip is unknown, the weights do not fit, or the split is uneven.
    pub fn new(
        chip: &Chip,
        model: &Model,
        precision: Precision,
        kv_element_bytes: f64,
        parallel: Parallel,
        constants: &Constants,
    ) -> Result<Self, Impossible> {
        if !model.heads.is_multiple_of(parallel.tensor) || model.layers < parallel.pipeline {
            return Err(Impossible::Uneven {
                model: model.id.clone(),
                tensor: parallel.tensor,
                pipeline: parallel.pipeline,
                heads: model.heads,
                layers: model.layers,
            });
        }
        let bytes_per_s = chip.bandwidth_bytes_per_s()?;
        let cache_bytes = chip.cache.as_ref().map_or(0.0, |cache| cache.value * 1e6);
        let hardware = |ops_per_s| gemm::Hardware {
            ops_per_s,
            bytes_per_s,
            cache_bytes,
        };
        // Chips without BF16 matrix units attend at their INT8 rate or not at all.
        let attend = Precision::Bf16
            .peak_ops_per_s(chip)
            .or_else(|_| precision.peak_ops_per_s(chip))?;
        let products = find(&constants.gemm, &chip.id, Some(precision));
        let deployment = Self {
            model: model.clone(),
            precision,
            parallel,
            product: hardware(precision.peak_ops_per_s(chip)?),
            attend: hardware(attend),
            link_bytes_per_s: if parallel.chips() > 1 {
                chip.link_bytes_per_s()?
            } else {
                f64::INFINITY
            },
            memory_bytes: chip.memory_bytes()?,
            kv_element_bytes,
            gemm: products.constants,
            prefill: find(&constants.attention_prefill, &chip.id, None).constants,
            decode: find(&constants.attention_decode, &chip.id, None).constants,
            mixture: find(&constants.mixture, &chip.id, Some(precision)).constants,
            all_reduce: find(&constants.all_reduce, &chip.id, None).constants,
            serving: find(&constants.serving, &chip.id, None).constants,
            errors: products.errors,
            modelled: products.modelled,
        };
        if deployment.kv_bytes() <= 0.0 {
            return Err(Impossible::TooLarge {
                model: model.id.clone(),
                precision,
                needed_gb: (deployment.weight_bytes_per_chip()
                    + RESERVED_SHARE * deployment.memory_bytes)
                    / 1e9,
                chips: parallel.chips(),
                chip: chip.id.clone(),
                has_gb: deployment.memory_bytes / 1e9,
            });
        }
        Ok(deployment)
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The precision of its weights.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// How it is spread.
    #[must_use]
    pub fn parallel(&self) -> Parallel {
        self.parallel
    }

    /// Whether the constants of its matrix products come from a timing model.
    #[must_use]
    pub fn modelled(&self) -> bool {
        self.modelled
    }

    /// Errors of its matrix products on held-out measurements; absent where nobody measured.
    #[must_use]
    pub fn errors(&self) -> Option<Errors> {
        self.errors
    }

    /// The same deployment with other constants of serving, for their fit.
    #[must_use]
    pub fn with_serving(mut self, serving: serving::Constants) -> Self {
        self.serving = serving;
        self
    }

    /// What the server adds to its operators.
    #[must_use]
    pub fn serving(&self) -> &serving::Constants {
        &self.serving
    }

    /// Bytes of weights on each chip. Embeddings stay in BF16.
    #[must_use]
    pub fn weight_bytes_per_chip(&self) -> f64 {
        let embeddings =
            if self.model.tied { 1.0 } else { 2.0 } * self.model.embedding_parameters();
        let layers = self.model.parameters() - embeddings;
        (layers * self.precision.weight_bytes() + 2.0 * embeddings)
            / f64::from(self.parallel.chips())
    }

    /// Bytes left for keys and values on all chips together.
    #[must_use]
    pub fn kv_bytes(&self) -> f64 {
        let left = self.memory_bytes * (1.0 - RESERVED_SHARE) - self.weight_bytes_per_chip();
        left * f64::from(self.parallel.chips())
    }

    /// Bytes of keys and values of one token on all chips together. Heads that are fewer than
    /// the chips of a layer are kept more than once.
    #[must_use]
    pub fn kv_bytes_per_token(&self) -> f64 {
        let copies = (f64::from(self.parallel.tensor) / f64::from(self.model.kv_heads)).max(1.0);
        self.model.kv_bytes_per_token(self.kv_element_bytes) * copies
    }

    /// Tokens that the KV cache can hold.
    #[must_use]
    pub fn kv_tokens_max(&self) -> f64 {
        (self.kv_bytes() / self.kv_bytes_per_token()).max(0.0)
    }

    /// Seconds of a step that prefills `tokens` after `past` tokens that are in the cache, alone.
    #[must_use]
    pub fn prefill_s(&self, tokens: f64, past: f64) -> f64 {
        let attention_s = attention::prefill_seconds(
            &self.prefill,
            &self.attend,
            self.heads(),
            1.0,
            tokens,
            past,
        );
        let attention_s = attention_s - self.saved_launch(self.prefill.launch_s);
        self.step(tokens, 1.0, attention_s) * self.serving.prefill_share
    }

    /// Seconds of a decode step of `batch` sequences that hold `kv_tokens` together.
    #[must_use]
    pub fn decode_s(&self, batch: f64, kv_tokens: f64) -> f64 {
        let attention_s = attention::decode_seconds(
            &self.decode,
            &self.attend,
            self.heads(),
            batch,
            kv_tokens,
            self.kv_element_bytes,
        );
        let attention_s = attention_s - self.saved_launch(self.decode.launch_s);
        self.step(batch, batch, attention_s)
    }

    /// The launch time that a captured graph hides.
    fn saved_launch(&self, launch_s: f64) -> f64 {
        launch_s * (1.0 - self.serving.launch_share)
    }

    fn heads(&self) -> attention::Heads {
        let tensor = f64::from(self.parallel.tensor);
        attention::Heads {
            query: f64::from(self.model.heads) / tensor,
            kv: (f64::from(self.model.kv_heads) / tensor).max(1.0),
            dim: f64::from(self.model.head_dim),
        }
    }

    fn product_s(&self, m: f64, n: f64, k: f64) -> f64 {
        let shape = gemm::Shape { m, n, k };
        self.gemm.launch_s * self.serving.launch_share
            + gemm::busy_seconds(&self.gemm, &self.product, shape, self.precision)
    }

    /// Seconds of all layers over `tokens` tokens of which `sampled` make a next token, where
    /// attention takes `attention_s` for each layer.
    fn step(&self, tokens: f64, sampled: f64, attention_s: f64) -> f64 {
        let model = &self.model;
        let tensor = f64::from(self.parallel.tensor);
        let hidden = f64::from(model.hidden);
        let heads = self.heads();
        let width = |heads: f64| heads * heads_dim(model);
        let projections_s = self.product_s(tokens, width(heads.query + 2.0 * heads.kv), hidden)
            + self.product_s(tokens, hidden, width(heads.query));
        let feed_forward_s = if model.is_mixture() {
            self.mixture_s(tokens)
        } else {
            let inner = f64::from(model.intermediate) / tensor;
            self.product_s(tokens, 2.0 * inner, hidden) + self.product_s(tokens, hidden, inner)
        };
        let sum_s = all_reduce::seconds(
            &self.all_reduce,
            self.link_bytes_per_s,
            tensor,
            tokens * hidden * 2.0,
        );
        let layer_s =
            projections_s + attention_s + feed_forward_s + 2.0 * sum_s + self.elementwise_s(tokens);
        let head = gemm::Shape {
            m: sampled,
            n: f64::from(model.vocabulary) / tensor,
            k: hidden,
        };
        let head_s = gemm::seconds(&self.gemm, &self.product, head, Precision::Bf16);
        let hops = f64::from(self.parallel.pipeline - 1);
        let hop_s = 1e-5 + tokens * hidden * 2.0 / self.link_bytes_per_s;
        f64::from(model.layers) * layer_s + head_s + hops * hop_s + self.serving.step_s
    }

    fn mixture_s(&self, tokens: f64) -> f64 {
        let tensor = f64::from(self.parallel.tensor);
        let model = &self.model;
        let whole = mixture::Shape {
            tokens,
            hidden: f64::from(model.hidden),
            intermediate: f64::from(model.intermediate),
            experts: f64::from(model.experts),
            used: f64::from(model.experts_per_token),
        };
        let shape = if self.parallel.expert {
            mixture::Shape {
                experts: whole.experts / tensor,
                used: (whole.used / tensor).max(1.0),
                tokens: tokens * (whole.used / tensor).min(1.0),
                ..whole
            }
        } else {
            mixture::Shape {
                intermediate: whole.intermediate / tensor,
                ..whole
            }
        };
        let launch_s = self.saved_launch(self.mixture.launch_s);
        mixture::seconds(&self.mixture, &self.product, shape, self.precision) - launch_s
    }

    /// Seconds of norms, rotary embedding, activation and residual sums of one layer: traffic of
    /// about eight passes over the residual stream and three over the inner width.
    fn elementwise_s(&self, tokens: f64) -> f64 {
        let tensor = f64::from(self.parallel.tensor);
        let inner = f64::from(self.model.intermediate)
            * f64::from(self.model.experts_per_token.max(1))
            / tensor;
        let bytes = tokens * 2.0 * (8.0 * f64::from(self.model.hidden) + 3.0 * inner);
        bytes / (self.product.bytes_per_s * self.gemm.memory_share)
    }

    /// Seconds of a batch of `batch` sequences that hold `kv_tokens`, fitted by a plane around
    /// typical sizes: what policies and the simulator use.
    #[must_use]
    pub fn speed(&self, tokens_typical: f64, batch_typical: f64) -> Speed {
        let tokens = tokens_typical.max(16.0);
        let batch = batch_typical.max(2.0);
        let (short, long) = (
            self.prefill_s(tokens / 2.0, 0.0),
            self.prefill_s(tokens, 0.0),
        );
        let s_per_token = (long - short) / (tokens / 2.0);
        let kv = batch * tokens;
        let at = |batch: f64, kv: f64| self.decode_s(batch, kv);
        let step_s_per_kv_token = (at(batch, 2.0 * kv) - at(batch, kv)) / kv;
        let step_s_per_sequence = ((at(batch, kv) - at(batch / 2.0, kv)) / (batch / 2.0)).max(0.0);
        Speed {
            prefill_base_s: (long - tokens * s_per_token).max(0.0),
            prefill_s_per_token: s_per_token,
            step_base_s: (at(batch, kv) - batch * step_s_per_sequence - kv * step_s_per_kv_token)
                .max(0.0),
            step_s_per_sequence,
            step_s_per_kv_token,
        }
    }

    /// The least batch at which a decode step with `context` tokens each is bound by arithmetic:
    /// where a further sequence costs as much as it would if weights were free. None below 4,096.
    #[must_use]
    pub fn batch_compute_bound(&self, context: f64) -> Option<u32> {
        let ops_per_token = 2.0 * self.model.active_parameters();
        let rate =
            self.product.ops_per_s * self.gemm.compute_share * f64::from(self.parallel.tensor);
        let streamed =
            self.product.bytes_per_s * self.gemm.memory_share * f64::from(self.parallel.tensor);
        let dense = self.model.active_parameters() * self.precision.weight_bytes();
        (1..=4096_u32).find(|batch| {
            let batch = f64::from(*batch);
            let weights = if self.model.is_mixture() {
                let per_expert = f64::from(self.model.layers)
                    * self.model.feed_forward_parameters()
                    * self.precision.weight_bytes();
                let hit = mixture::experts_hit(mixture::Shape {
                    tokens: batch,
                    hidden: 0.0,
                    intermediate: 0.0,
                    experts: f64::from(self.model.experts),
                    used: f64::from(self.model.experts_per_token),
                });
                dense + (hit - f64::from(self.model.experts_per_token)) * per_expert
            } else {
                dense
            };
            let bytes = weights + batch * context * self.kv_bytes_per_token();
            batch * ops_per_token / rate >= bytes / streamed
        })
    }
}

fn heads_dim(model: &Model) -> f64 {
    f64::from(model.head_dim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::model;
    use crate::perf::constants::Fitted;

    /// Constants of a chip that wastes nothing.
    fn ideal() -> Constants {
        fn any<T>(constants: T) -> Vec<Fitted<T>> {
            vec![Fitted {
                modelled: false,
                chip: "*".to_owned(),
                precision: None,
                errors: None,
                constants,
            }]
        }
        Constants {
            gemm: any(gemm::Constants {
                compute_share: 1.0,
                memory_share: 1.0,
                launch_s: 0.0,
                pad_m: 0.0,
                pad_n: 0.0,
                pad_k: 0.0,
                sharpness: 16.0,
                cache_gain: 0.0,
            }),
            attention_prefill: any(attention::PrefillConstants {
                compute_share: 1.0,
                memory_share: 1.0,
                launch_s: 0.0,
                tiles_half: 0.0,
                pad_tokens: 0.0,
                tile_s: 0.0,
                sharpness: 8.0,
            }),
            attention_decode: any(attention::DecodeConstants {
                memory_share: 1.0,
                compute_share: 8.0, // The count by hand takes its arithmetic as free.
                launch_s: 0.0,
                pad_tokens: 0.0,
                item_s: 0.0,
                serial_s: 0.0,
                sharpness: 8.0,
                cache_gain: 0.0,
                cache_share: 1.0,
            }),
            mixture: any(mixture::Constants {
                compute_share: 1.0,
                memory_share: 1.0,
                launch_s: 0.0,
                pad_rows: 0.0,
                pad_width: 0.0,
                sharpness: 8.0,
                evenness: 1.0,
            }),
            all_reduce: any(all_reduce::Constants {
                link_share: 1.0,
                launch_s: 0.0,
                chip_s: 0.0,
            }),
            serving: any(serving::Constants {
                launch_share: 0.0,
                step_s: 0.0,
                prefill_share: 1.0,
                first_token_s: 0.0,
            }),
        }
    }

    fn on_w1(name: &str, constants: &Constants) -> Deployment {
        let catalog = Catalog::builtin();
        let model = model::find(name).unwrap();
        let chip = catalog.chip("w1").unwrap();
        Deployment::new(chip, &model, Precision::Int8, 1.0, Parallel::ONE, constants).unwrap()
    }

    /// Decode at context 1,024 and prefill of 1,024 tokens on 12 TOPS and 512 GB/s, as counted by
    /// hand from parameters and bytes: tokens/s at batch 1 and 8, and of prefill. Ours has the
    /// output head in BF16 and attention at the BF16 rate, so it is a little slower.
    #[test]
    fn without_waste_it_is_the_roofline() {
        let known = [
            ("qwen2.5-7b", 72.0, 561.0, 905.0),
            ("qwen3-8b", 67.0, 501.0, 845.0),
            ("qwen3-4b", 125.0, 885.0, 1585.0),
        ];
        for (name, one, eight, prefill) in known {
            let deployment = on_w1(name, &ideal());
            let near = |value: f64, known: f64| {
                assert!(
                    (0.80..=1.03).contains(&(value / known)),
                    "{name}: {value} for {known}"
                );
            };
            near(1.0 / deployment.decode_s(1.0, 1024.0), one);
            near(8.0 / deployment.decode_s(8.0, 8.0 * 1024.0), eight);
            near(1024.0 / deployment.prefill_s(1024.0, 0.0), prefill);
        }
    }

    #[test]
    fn arithmetic_binds_at_the_ratio_of_rate_and_bandwidth() {
        // 12 TOPS over 512 GB/s is 23 operations per byte, so about 12 sequences of INT8.
        let batch = on_w1("qwen2.5-7b", &ideal())
            .batch_compute_bound(1024.0)
            .unwrap();
        assert!((11..=14).contains(&batch), "{batch}");
        // Keys and values of a small model with many heads keep memory the bound for long.
        let batch = on_w1("qwen3-0.6b", &ideal()).batch_compute_bound(1024.0);
        assert!(batch.is_none_or(|batch| batch > 100), "{batch:?}");
    }

    #[test]
    fn times_grow_with_work_and_shrink_with_chips() {
        let catalog = Catalog::builtin();
        let constants = Constants::builtin();
        let model = model::find("qwen3-32b").unwrap();
        let chip = catalog.chip("h100-sxm").unwrap();
        let at = |tensor: u32| {
            let parallel = Parallel {
                tensor,
                ..Parallel::ONE
            };
            Deployment::new(chip, &model, Precision::Fp8, 2.0, parallel, &constants).unwrap()
        };
        let one = at(1);
        assert!(one.decode_s(8.0, 8e3) < one.decode_s(16.0, 16e3));
        assert!(one.decode_s(16.0, 16e3) < one.decode_s(16.0, 64e3));
        assert!(one.prefill_s(1000.0, 0.0) < one.prefill_s(1000.0, 8000.0));
        for (few, more) in [(1, 2), (2, 4), (4, 8)] {
            assert!(at(few).decode_s(16.0, 32e3) > at(more).decode_s(16.0, 32e3));
            assert!(at(few).kv_tokens_max() < at(more).kv_tokens_max());
        }
    }

    #[test]
    fn what_does_not_fit_or_divide_is_refused() {
        let catalog = Catalog::builtin();
        let constants = Constants::builtin();
        let model = model::find("qwen3-32b").unwrap();
        let new = |chip: &str, precision, tensor| {
            let parallel = Parallel {
                tensor,
                ..Parallel::ONE
            };
            Deployment::new(
                catalog.chip(chip).unwrap(),
                &model,
                precision,
                2.0,
                parallel,
                &constants,
            )
            .map(|_| ())
            .map_err(|error| error.to_string())
        };
        assert!(new("l4", Precision::Fp8, 1).unwrap_err().contains("needs"));
        assert!(
            new("h100-sxm", Precision::Fp8, 3)
                .unwrap_err()
                .contains("cannot be split")
        );
        assert!(
            new("s60", Precision::Bf16, 1)
                .unwrap_err()
                .contains("no public figure")
        );
        assert!(new("l4", Precision::Fp8, 4).is_ok());
    }
}
