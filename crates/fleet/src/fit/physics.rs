//! The check that no measurement is faster than its chip can be.
//!
//! A time below operations over peak rate, or below bytes over bandwidth for more bytes than the
//! last-level cache holds, is not a measurement of what the row says. Such rows exist in public
//! tables; a fit that takes them in is wrong everywhere.

use super::tables::{Attention, Gemm, Phase, Served, TableError};
use crate::catalog::{Catalog, Chip};
use crate::model::Model;
use crate::perf::Precision;
use crate::perf::gemm::{Shape, bytes};

/// How much a peak may be exceeded before a row counts as impossible: published peaks assume a
/// clock that a cool chip exceeds.
const MARGIN: f64 = 1.05;
/// A working set of this many caches cannot be served by the cache.
const CACHES: f64 = 2.0;

/// Why the row is impossible, if it is.
///
/// # Errors
/// When the chip is unknown or lacks the figures that the row needs.
pub fn gemm(row: &Gemm, catalog: &Catalog) -> Result<Option<String>, TableError> {
    let chip = catalog
        .chip(&row.chip)
        .map_err(|error| wrong("gemm", &error))?;
    let peak = row
        .precision
        .peak_ops_per_s(chip)
        .map_err(|error| wrong("gemm", &error))?;
    let bandwidth = chip
        .bandwidth_bytes_per_s()
        .map_err(|error| wrong("gemm", &error))?;
    let cache = chip.cache.as_ref().map_or(0.0, |cache| cache.value * 1e6);
    let shape = Shape {
        m: row.m,
        n: row.n,
        k: row.k,
    };
    let ops = 2.0 * row.m * row.n * row.k;
    Ok(impossible(
        ops,
        bytes(shape, row.precision),
        row.us * 1e-6,
        [peak, bandwidth, cache],
    ))
}

/// Why the row is impossible, if it is.
///
/// # Errors
/// When the chip is unknown or lacks the figures that the row needs.
pub fn attention(row: &Attention, catalog: &Catalog) -> Result<Option<String>, TableError> {
    let chip = catalog
        .chip(&row.chip)
        .map_err(|error| wrong("attention", &error))?;
    let peak = Precision::Bf16
        .peak_ops_per_s(chip)
        .map_err(|error| wrong("attention", &error))?;
    let bandwidth = chip
        .bandwidth_bytes_per_s()
        .map_err(|error| wrong("attention", &error))?;
    let cache = chip.cache.as_ref().map_or(0.0, |cache| cache.value * 1e6);
    let (pairs, queries) = match row.phase {
        Phase::Prefill => (row.tokens * row.tokens / 2.0, row.tokens),
        Phase::Decode => (row.tokens, 1.0),
    };
    let ops = row.batch * row.heads * 128.0 * 4.0 * pairs;
    let moved = row.batch * 128.0 * 2.0 * 2.0 * (row.tokens * row.kv_heads + queries * row.heads);
    Ok(impossible(
        ops,
        moved,
        row.us * 1e-6,
        [peak, bandwidth, cache],
    ))
}

/// Why a served row is impossible, if it is: where as many requests are always under way, each
/// step streams weights and keys and values, and computes its tokens and its share of the prompts
/// of those that are replaced.
#[must_use]
pub fn served(row: &Served, chip: &Chip, model: &Model, precision: Precision) -> Option<String> {
    let (Ok(peak), Ok(bandwidth)) = (precision.peak_ops_per_s(chip), chip.bandwidth_bytes_per_s())
    else {
        return None;
    };
    let chips = f64::from(row.tensor);
    let width = f64::from(model.heads) * f64::from(model.head_dim) * f64::from(model.layers);
    let active = model.active_parameters();
    let prompt = 2.0 * active * row.isl + 2.0 * row.isl * row.isl * width;
    let ops = row.batch / row.osl * prompt + 2.0 * active * row.batch;
    let held = row.batch * (row.isl + row.osl / 2.0);
    let bytes = active * precision.weight_bytes() + held * model.kv_bytes_per_token(1.0);
    let least_s = (ops / (peak * chips)).max(bytes / (bandwidth * chips));
    (row.tpot_ms * 1e-3 * MARGIN < least_s).then(|| {
        format!(
            "{:.2} ms a token, of at least {:.2}",
            row.tpot_ms,
            least_s * 1e3
        )
    })
}

fn impossible(ops: f64, bytes: f64, seconds: f64, chip: [f64; 3]) -> Option<String> {
    let [peak, bandwidth, cache] = chip;
    if seconds <= 0.0 {
        return Some(format!("takes {seconds} s"));
    }
    if ops / seconds > peak * MARGIN {
        return Some(format!(
            "{:.0} T operations/s, of a peak of {:.0}",
            ops / seconds / 1e12,
            peak / 1e12
        ));
    }
    if bytes > CACHES * cache && bytes / seconds > bandwidth * MARGIN {
        return Some(format!(
            "{:.0} GB/s, of a bandwidth of {:.0}",
            bytes / seconds / 1e9,
            bandwidth / 1e9
        ));
    }
    None
}

fn wrong(table: &'static str, error: &impl ToString) -> TableError {
    TableError {
        table,
        line: None,
        what: error.to_string(),
    }
}
