//! What a fit reached, and the bars it must reach.

use std::fmt::Write as _;

use serde::Serialize;

use crate::perf::Precision;
use crate::perf::constants::Errors;

/// Errors of one law on one data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// The operator, or `tpot`.
    pub operator: &'static str,
    /// The chip.
    pub chip: String,
    /// The precision, where the operator has several.
    pub precision: Option<Precision>,
    /// Which rows, where not all.
    pub rows: String,
    /// The errors.
    pub errors: Errors,
}

/// A bound that must hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    /// What is bounded.
    pub what: String,
    /// The value reached.
    pub value: f64,
    /// The bound.
    pub bound: f64,
    /// Whether it holds.
    pub held: bool,
}

/// The result of a fit.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Errors by operator, chip and precision.
    pub measures: Vec<Measure>,
    /// Rows that are faster than physics, and why, by table.
    pub rejected: Vec<(&'static str, String)>,
    /// Spearman's rank correlation of predicted and measured time to first token.
    pub ttft_rank_correlation: Option<f64>,
    /// Chips by measured, and by predicted, offline throughput: `(chip, tokens/s)`.
    pub ranking: Option<[Vec<(String, f64)>; 2]>,
}

/// Pairs of chips that are predicted in another order than measured.
fn inversions(measured: &[(String, f64)], predicted: &[(String, f64)]) -> usize {
    let place = |chip: &str| predicted.iter().position(|entry| entry.0 == chip);
    let mut count = 0;
    for (index, (fast, _)) in measured.iter().enumerate() {
        let slower = measured[index + 1..].iter();
        count += slower.filter(|(slow, _)| place(fast) > place(slow)).count();
    }
    count
}

impl Report {
    pub(super) fn reject(&mut self, table: &'static str, why: String) {
        self.rejected.push((table, why));
    }

    pub(super) fn measure(
        &mut self,
        operator: &'static str,
        chip: &str,
        precision: Option<Precision>,
        rows: &str,
        errors: Errors,
    ) {
        self.measures.push(Measure {
            operator,
            chip: chip.to_owned(),
            precision,
            rows: rows.to_owned(),
            errors,
        });
    }

    /// The bars of this release, with what was reached.
    #[must_use]
    pub fn bars(&self) -> Vec<Bar> {
        let mut bars = Vec::new();
        for measure in &self.measures {
            let measured = matches!(measure.chip.as_str(), "a100-80gb-sxm" | "h100-sxm");
            let bound = match (measure.operator, measure.precision) {
                ("gemm", Some(Precision::Bf16)) if measured => 0.10,
                ("gemm", Some(_)) if measured => 0.15,
                ("attention-decode", _) if measured && measure.rows == "KV > 200 MB" => 0.10,
                ("attention-prefill", _) if measured => 0.18,
                ("tpot", _) if measure.rows == "qwen3-32b fp8" => 0.15,
                _ => continue,
            };
            let precision = measure.precision.map_or("", Precision::name);
            bars.push(Bar {
                what: format!(
                    "{} {} {precision} {}: held-out MAPE",
                    measure.operator, measure.chip, measure.rows
                ),
                value: measure.errors.mape,
                bound,
                held: measure.errors.mape <= bound,
            });
        }
        if let Some(correlation) = self.ttft_rank_correlation {
            bars.push(Bar {
                what: "ttft qwen3-32b h100-sxm: rank correlation".to_owned(),
                value: correlation,
                bound: 0.8,
                held: correlation >= 0.8,
            });
        }
        if let Some([measured, predicted]) = &self.ranking {
            let inverted = inversions(measured, predicted);
            bars.push(Bar {
                what: "MLPerf v5.1 llama3.1-8b offline: pairs of chips in wrong order".to_owned(),
                value: inverted as f64,
                bound: 0.0,
                held: inverted == 0,
            });
        }
        bars
    }

    /// The report as aligned text.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::from(
            "operator           chip           precision    rows           fitted  held-out   MAPE  median    p90  (fitted MAPE)\n",
        );
        let percent = |share: f64| share * 100.0;
        for measure in &self.measures {
            let errors = &measure.errors;
            let _ = writeln!(
                text,
                "{:<18} {:<14} {:<12} {:<14} {:>6} {:>9} {:>6.1} {:>7.1} {:>6.1} {:>14.1}",
                measure.operator,
                measure.chip,
                measure.precision.map_or("", Precision::name),
                measure.rows,
                errors.fitted_rows,
                errors.held_out_rows,
                percent(errors.mape),
                percent(errors.median),
                percent(errors.p90),
                percent(errors.fitted_mape),
            );
        }
        let _ = writeln!(
            text,
            "rows faster than physics, left out: {}",
            self.rejected.len()
        );
        if let Some([measured, predicted]) = &self.ranking {
            let _ = writeln!(text, "offline tokens/s per chip, measured:  {measured:.0?}");
            let _ = writeln!(
                text,
                "offline tokens/s per chip, predicted: {predicted:.0?}"
            );
        }
        for bar in self.bars() {
            let _ = writeln!(
                text,
                "{} {}: {:.3} (bound {})",
                if bar.held { "held  " } else { "MISSED" },
                bar.what,
                bar.value,
                bar.bound
            );
        }
        text
    }
}
