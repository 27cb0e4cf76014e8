//! Chips side by side on one model: per card, per watt and per dollar.

use serde::Serialize;

use crate::catalog::Chip;
use crate::model::Model;
use crate::perf::Precision;
use crate::perf::constants::Constants;
use crate::perf::deployment::{Deployment, Impossible, Parallel};
use crate::perf::serving::{steady, throughput};

/// What one card does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The chip.
    pub chip: String,
    /// Precision of the weights.
    pub precision: Precision,
    /// Weights, GB.
    pub weights_gb: f64,
    /// Memory, GB.
    pub memory_gb: f64,
    /// Tokens that the KV cache can hold beside the weights.
    pub kv_tokens: f64,
    /// Time to first token of one request alone, s.
    pub ttft_s: f64,
    /// Output tokens per second of one request alone.
    pub alone_tokens_per_s: f64,
    /// Requests together at the highest throughput.
    pub batch: f64,
    /// Output tokens per second then, with prompts prefilled on the same card.
    pub tokens_per_s: f64,
    /// Prompt tokens per second when nothing else is done.
    pub prefill_tokens_per_s: f64,
    /// Batch from which arithmetic and not memory binds a decode step.
    pub compute_bound_batch: Option<u32>,
    /// Output tokens per joule of board power at the highest throughput.
    pub tokens_per_j: Option<f64>,
    /// Output tokens per second for a kilowatt of such cards.
    pub tokens_per_s_per_kw: Option<f64>,
    /// Output tokens per second for a dollar an hour of such cards.
    pub tokens_per_s_per_usd_h: Option<f64>,
    /// Peak operations per byte of memory bandwidth.
    pub ops_per_byte: f64,
    /// Peak rate in the precision, operations/s.
    pub ops_per_s: f64,
    /// Memory bandwidth, bytes/s.
    pub bytes_per_s: f64,
    /// Error of the model of its matrix products on held-out measurements (a share); absent
    /// where nobody measured.
    pub model_mape: Option<f64>,
    /// Whether its constants come from a timing model instead.
    pub modelled: bool,
}

/// Most requests together that are considered.
const BATCH_MAX: f64 = 256.0;

/// What one card of `chip` does with `model`, `isl` tokens in and `osl` out, in `precision` or
/// else in the best of INT8, FP8 and BF16 that it has; keys and values have one byte where
/// weights have.
///
/// # Errors
/// When a figure is not known or the model does not fit.
pub fn compare(
    chip: &Chip,
    model: &Model,
    precision: Option<Precision>,
    (isl, osl): (f64, f64),
    usd_per_h: Option<f64>,
    constants: &Constants,
) -> Result<Row, Impossible> {
    let precision = precision.unwrap_or_else(|| Precision::usual(chip));
    let kv_bytes = precision.activation_bytes().max(1.0);
    let deployment = Deployment::new(chip, model, precision, kv_bytes, Parallel::ONE, constants)?;
    let (batch, state) = throughput(&deployment, isl, osl, BATCH_MAX);
    let alone = steady(&deployment, isl, osl, 1.0);
    let watts = chip.power_watts().ok();
    let price = usd_per_h.or(chip.rent.as_ref().map(|rent| rent.value));
    let ops_per_s = precision.peak_ops_per_s(chip)?;
    let bytes_per_s = chip.bandwidth_bytes_per_s()?;
    Ok(Row {
        chip: chip.id.clone(),
        precision,
        weights_gb: deployment.weight_bytes_per_chip() / 1e9,
        memory_gb: chip.memory_bytes()? / 1e9,
        kv_tokens: deployment.kv_tokens_max(),
        ttft_s: alone.ttft_s,
        alone_tokens_per_s: 1.0 / deployment.decode_s(1.0, isl + osl / 2.0),
        batch,
        tokens_per_s: state.output_tokens_per_s,
        prefill_tokens_per_s: isl / deployment.prefill_s(isl, 0.0),
        compute_bound_batch: deployment.batch_compute_bound(isl + osl / 2.0),
        tokens_per_j: watts.map(|watts| state.output_tokens_per_s / watts),
        tokens_per_s_per_kw: watts.map(|watts| state.output_tokens_per_s / watts * 1e3),
        tokens_per_s_per_usd_h: price.map(|price| state.output_tokens_per_s / price),
        ops_per_byte: ops_per_s / bytes_per_s,
        ops_per_s,
        bytes_per_s,
        model_mape: deployment.errors().map(|errors| errors.mape),
        modelled: deployment.modelled(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::model;

    fn row(chip: &str, precision: Option<Precision>) -> Row {
        let catalog = Catalog::builtin();
        let model = model::find("qwen2.5-7b").unwrap();
        let chip = catalog.chip(chip).unwrap();
        compare(
            chip,
            &model,
            precision,
            (1024.0, 256.0),
            None,
            &Constants::builtin(),
        )
        .unwrap()
    }

    #[test]
    fn a_decode_chip_leads_alone_and_falls_behind_in_prefill() {
        let (w1, l4) = (row("w1", None), row("l4", None));
        assert!(w1.alone_tokens_per_s > 1.3 * l4.alone_tokens_per_s);
        assert!(w1.prefill_tokens_per_s < 0.15 * l4.prefill_tokens_per_s);
        assert!(w1.compute_bound_batch.unwrap() < 20);
        assert!(l4.compute_bound_batch.is_none_or(|batch| batch > 100));
        // Nobody measured W1; of H100 there are products of BF16.
        let h100 = row("h100-sxm", Some(Precision::Bf16));
        assert!(w1.model_mape.is_none() && w1.modelled && h100.model_mape.is_some());
    }
}
