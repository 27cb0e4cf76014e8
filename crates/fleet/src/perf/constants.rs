//! The fitted constants of every chip, with the errors that the fit measured beside them.
//!
//! `data/constants.toml` is written by `cargo xtask fit`; `data/assumed.toml` by hand, for chips
//! that nobody measured.

use serde::{Deserialize, Serialize};

use super::{Precision, all_reduce, attention, gemm, mixture, serving};

/// How far a law is from measurements that it was not fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Errors {
    /// Rows that were fitted.
    pub fitted_rows: usize,
    /// Rows that were held out, of shapes of which no row was fitted.
    pub held_out_rows: usize,
    /// Mean absolute percentage error on the held-out rows.
    pub mape: f64,
    /// Median absolute percentage error on the held-out rows.
    pub median: f64,
    /// 90th percentile of it.
    pub p90: f64,
    /// Mean absolute percentage error on the fitted rows: overfitting shows beside `mape`.
    pub fitted_mape: f64,
}

/// Constants of one operator on one chip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fitted<T> {
    /// The chip, `*` for any other.
    pub chip: String,
    /// The precision; absent where the operator has one, or for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// Whether it comes from microbenchmarks on a timing model.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub modelled: bool,
    /// The errors; absent for constants that no measurement was fitted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Errors>,
    /// The constants.
    pub constants: T,
}

/// All constants of a file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constants {
    /// Matrix products.
    #[serde(default)]
    pub gemm: Vec<Fitted<gemm::Constants>>,
    /// Attention of prompts.
    #[serde(default)]
    pub attention_prefill: Vec<Fitted<attention::PrefillConstants>>,
    /// Attention of decode steps.
    #[serde(default)]
    pub attention_decode: Vec<Fitted<attention::DecodeConstants>>,
    /// Mixtures of experts.
    #[serde(default)]
    pub mixture: Vec<Fitted<mixture::Constants>>,
    /// Sums over chips.
    #[serde(default)]
    pub all_reduce: Vec<Fitted<all_reduce::Constants>>,
    /// What a server adds to its operators.
    #[serde(default)]
    pub serving: Vec<Fitted<serving::Constants>>,
}

/// Constants with whether they come from measurements of that very chip and precision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found<T> {
    /// The constants.
    pub constants: T,
    /// Measured, with these errors, or not measured.
    pub errors: Option<Errors>,
    /// Whether they come from a timing model.
    pub modelled: bool,
}

impl Constants {
    /// The constants of this release: the fitted ones, those of modelled chips, then the assumed
    /// ones.
    ///
    /// # Panics
    /// Never: a test reads all files.
    #[must_use]
    pub fn builtin() -> Self {
        let parse = |text| toml::from_str::<Self>(text).expect("a test reads the data files");
        let mut all = parse(include_str!("../../data/constants.toml"));
        for more in [
            parse(include_str!("../../data/modelled.toml")),
            parse(include_str!("../../data/assumed.toml")),
        ] {
            all.gemm.extend(more.gemm);
            all.attention_prefill.extend(more.attention_prefill);
            all.attention_decode.extend(more.attention_decode);
            all.mixture.extend(more.mixture);
            all.all_reduce.extend(more.all_reduce);
            all.serving.extend(more.serving);
        }
        all
    }
}

/// The constants for `chip` in `precision`: of that chip, of its neighbourhood (the same chip in
/// any precision), or the assumed ones.
///
/// # Panics
/// When `list` has no entry for any chip; a test shows that the data files have one.
pub fn find<T: Copy>(list: &[Fitted<T>], chip: &str, precision: Option<Precision>) -> Found<T> {
    let of_chip = |entry: &&Fitted<T>| entry.chip == chip;
    let exact = list
        .iter()
        .filter(of_chip)
        .find(|entry| entry.precision.is_none() || entry.precision == precision);
    let entry = exact
        .or_else(|| list.iter().find(|entry| entry.chip == "*"))
        .expect("every operator has assumed constants");
    Found {
        constants: entry.constants,
        errors: entry.errors,
        modelled: entry.modelled,
    }
}

impl Constants {
    /// Constants of a chip as its microbenchmarks on a timing model show them: shares of its peak
    /// rate and of its bandwidth, and seconds of an empty launch. Padding is that of the matrix
    /// instruction, m16n8k32 with weights as its first operand.
    #[must_use]
    pub fn of_microbenchmarks(
        chip: &str,
        compute_share: f64,
        memory_share: f64,
        launch_s: f64,
    ) -> Self {
        fn modelled<T>(chip: &str, constants: T) -> Vec<Fitted<T>> {
            vec![Fitted {
                chip: chip.to_owned(),
                precision: None,
                modelled: true,
                errors: None,
                constants,
            }]
        }
        let product = gemm::Constants {
            compute_share,
            memory_share,
            launch_s,
            pad_m: 4.0,
            pad_n: 8.0,
            pad_k: 16.0,
            sharpness: 3.0,
            cache_gain: 0.0,
        };
        let decode = attention::DecodeConstants {
            memory_share,
            compute_share: 0.3,
            launch_s,
            pad_tokens: 32.0,
            item_s: 0.0,
            serial_s: 0.0,
            sharpness: 2.0,
            cache_gain: 0.0,
            cache_share: 0.5,
        };
        Self {
            gemm: modelled(chip, product),
            attention_decode: modelled(chip, decode),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_has_constants_for_any_chip() {
        let all = Constants::builtin();
        find(&all.gemm, "no such chip", Some(Precision::Bf16));
        find(&all.attention_prefill, "no such chip", None);
        find(&all.attention_decode, "no such chip", None);
        find(&all.mixture, "no such chip", Some(Precision::Int8));
        find(&all.all_reduce, "no such chip", None);
        find(&all.serving, "no such chip", None);
    }

    #[test]
    fn measured_constants_come_first() {
        let all = Constants::builtin();
        assert!(
            find(&all.gemm, "h100-sxm", Some(Precision::Bf16))
                .errors
                .is_some()
        );
        let own = find(&all.gemm, "w1", Some(Precision::Int8));
        assert!(own.errors.is_none() && own.modelled);
    }
}
