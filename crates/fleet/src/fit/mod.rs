//! Fitting the constants of the performance models to measured tables.
//!
//! Rows are split by shape: a shape whose rows are held out has no row that is fitted, so the
//! errors tell how the law does on shapes it has not seen. The split is seeded.

mod laws;
mod optimise;
pub mod physics;
mod report;
mod served;
pub mod tables;

use crate::catalog::Catalog;
use crate::perf::constants::{Constants, Errors};

pub use report::{Bar, Measure, Report};
pub use tables::{TableError, Tables};

/// Fits everything to `tables`.
///
/// # Errors
/// When a table names an unknown chip, or has rows faster than physics allows.
pub fn fit(tables: &Tables, catalog: &Catalog) -> Result<(Constants, Report), TableError> {
    let mut report = Report::default();
    let mut constants = Constants {
        gemm: laws::gemm(&tables.gemm, catalog, &mut report)?,
        attention_prefill: laws::attention_prefill(&tables.attention, catalog, &mut report)?,
        attention_decode: laws::attention_decode(&tables.attention, catalog, &mut report)?,
        mixture: laws::mixture(&tables.mixture, catalog, &mut report)?,
        all_reduce: laws::all_reduce(&tables.all_reduce, catalog, &mut report)?,
        serving: Vec::new(),
    };
    served::fit(tables, catalog, &mut constants, &mut report)?;
    Ok((constants, report))
}

/// Whether the shape with this `key` is held out: about a third are.
fn held_out(key: &[u64]) -> bool {
    const SEED: u64 = 20_261_124;
    let mut state = SEED;
    for value in key {
        // SplitMix64.
        state = state
            .wrapping_add(*value)
            .wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    }
    state.is_multiple_of(3)
}

/// Predicted, measured, and whether the row was held out.
type Compared = (f64, f64, bool);

/// The errors of predictions: `(predicted, measured, held out)` of each row.
fn errors(rows: &[Compared]) -> Errors {
    let share = |wanted: bool| -> Vec<f64> {
        let mut shares: Vec<f64> = rows
            .iter()
            .filter(|row| row.2 == wanted)
            .map(|(predicted, measured, _)| (predicted / measured - 1.0).abs())
            .collect();
        shares.sort_by(f64::total_cmp);
        shares
    };
    let mean = |shares: &[f64]| shares.iter().sum::<f64>() / (shares.len().max(1)) as f64;
    let (fitted, held) = (share(false), share(true));
    let quantile = |numerator: usize| {
        held.get((held.len() * numerator / 100).min(held.len().saturating_sub(1)))
            .copied()
            .unwrap_or(f64::NAN)
    };
    Errors {
        fitted_rows: fitted.len(),
        held_out_rows: held.len(),
        mape: mean(&held),
        median: quantile(50),
        p90: quantile(90),
        fitted_mape: mean(&fitted),
    }
}

#[cfg(test)]
mod tests;
