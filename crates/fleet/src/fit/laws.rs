//! The fit of each operator: which rows, which constants, which bounds.

use super::optimise::{Parameter, minimise};
use super::report::Report;
use super::tables::{AllReduce, Attention, Gemm, Mixture, Phase, TableError};
use super::{Compared, errors, held_out, physics};
use crate::catalog::{Catalog, Chip};
use crate::perf::constants::Fitted;
use crate::perf::gemm::Hardware;
use crate::perf::{Precision, all_reduce, attention, gemm, mixture};

/// Fits `parameters` on the rows that are not held out; gives constants and errors of all rows.
fn fit_one<R, C: Copy>(
    rows: &[&R],
    parameters: &[Parameter],
    key: impl Fn(&R) -> Vec<u64>,
    measured_s: impl Fn(&R) -> f64,
    constants: impl Fn(&[f64]) -> C,
    predict: impl Fn(&C, &R) -> f64,
) -> (C, Vec<Compared>) {
    let split: Vec<bool> = rows.iter().map(|row| held_out(&key(row))).collect();
    let fitted: Vec<&R> = rows
        .iter()
        .zip(&split)
        .filter(|(_, held)| !**held)
        .map(|(row, _)| *row)
        .collect();
    let measured: Vec<f64> = fitted.iter().map(|row| measured_s(row)).collect();
    let values = minimise(parameters, &measured, |values, row| {
        predict(&constants(values), fitted[row])
    });
    let found = constants(&values);
    let compared = rows
        .iter()
        .zip(split)
        .map(|(row, held)| (predict(&found, row), measured_s(row), held))
        .collect();
    (found, compared)
}

fn hardware(
    chip: &Chip,
    precision: Precision,
    table: &'static str,
) -> Result<Hardware, TableError> {
    let wrong = |what: String| TableError {
        table,
        line: None,
        what,
    };
    Ok(Hardware {
        ops_per_s: precision
            .peak_ops_per_s(chip)
            .map_err(|error| wrong(error.to_string()))?,
        bytes_per_s: chip
            .bandwidth_bytes_per_s()
            .map_err(|error| wrong(error.to_string()))?,
        cache_bytes: chip.cache.as_ref().map_or(0.0, |cache| cache.value * 1e6),
    })
}

fn chip<'a>(catalog: &'a Catalog, name: &str, table: &'static str) -> Result<&'a Chip, TableError> {
    catalog.chip(name).map_err(|error| TableError {
        table,
        line: None,
        what: error.to_string(),
    })
}

/// The different values of `key` over `rows`, in the order of first appearance.
fn groups<R, K: PartialEq>(rows: &[R], key: impl Fn(&R) -> K) -> Vec<K> {
    let mut seen = Vec::new();
    for row in rows {
        let value = key(row);
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes in tables are whole and small"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

/// Matrix products, by chip and precision.
pub(super) fn gemm(
    table: &[Gemm],
    catalog: &Catalog,
    report: &mut Report,
) -> Result<Vec<Fitted<gemm::Constants>>, TableError> {
    const PARAMETERS: [Parameter; 8] = [
        Parameter::new(0.8, 0.05, 1.0),
        Parameter::new(0.8, 0.05, 1.0),
        Parameter::new(5e-6, 1e-7, 1e-4),
        Parameter::new(16.0, 0.01, 1024.0),
        Parameter::new(64.0, 0.01, 4096.0),
        Parameter::new(64.0, 0.01, 4096.0),
        Parameter::new(3.0, 1.0, 16.0),
        Parameter::new(0.3, 0.001, 8.0),
    ];
    let mut all = Vec::new();
    for (name, precision) in groups(table, |row| (row.chip.clone(), row.precision)) {
        let on = hardware(chip(catalog, &name, "gemm")?, precision, "gemm")?;
        let mut rows = Vec::new();
        for row in table
            .iter()
            .filter(|row| row.chip == name && row.precision == precision)
        {
            if let Some(why) = physics::gemm(row, catalog)? {
                report.reject(
                    "gemm",
                    format!(
                        "{name} {precision} {} x {} x {}: {why}",
                        row.m, row.n, row.k
                    ),
                );
            } else {
                rows.push(row);
            }
        }
        let (constants, compared) = fit_one(
            &rows,
            &PARAMETERS,
            |row: &Gemm| vec![whole(row.n), whole(row.k)],
            |row| row.us * 1e-6,
            |values| gemm::Constants {
                compute_share: values[0],
                memory_share: values[1],
                launch_s: values[2],
                pad_m: values[3],
                pad_n: values[4],
                pad_k: values[5],
                sharpness: values[6],
                cache_gain: values[7],
            },
            |constants, row| {
                let shape = gemm::Shape {
                    m: row.m,
                    n: row.n,
                    k: row.k,
                };
                gemm::seconds(constants, &on, shape, precision)
            },
        );
        let errors = errors(&compared);
        report.measure("gemm", &name, Some(precision), "", errors);
        all.push(Fitted {
            modelled: false,
            chip: name,
            precision: Some(precision),
            errors: Some(errors),
            constants,
        });
    }
    Ok(all)
}

fn attention_rows<'a>(
    table: &'a [Attention],
    name: &str,
    phase: Phase,
    catalog: &Catalog,
    report: &mut Report,
) -> Result<Vec<&'a Attention>, TableError> {
    let mut rows = Vec::new();
    for row in table
        .iter()
        .filter(|row| row.chip == name && row.phase == phase)
    {
        match physics::attention(row, catalog)? {
            Some(why) => report.reject(
                "attention",
                format!(
                    "{name} {phase:?} batch {} tokens {} heads {}/{}: {why}",
                    row.batch, row.tokens, row.heads, row.kv_heads
                ),
            ),
            None => rows.push(row),
        }
    }
    Ok(rows)
}

fn attention_key(row: &Attention) -> Vec<u64> {
    vec![whole(row.heads), whole(row.kv_heads), whole(row.tokens)]
}

/// Attention of prompts, by chip.
pub(super) fn attention_prefill(
    table: &[Attention],
    catalog: &Catalog,
    report: &mut Report,
) -> Result<Vec<Fitted<attention::PrefillConstants>>, TableError> {
    const PARAMETERS: [Parameter; 7] = [
        Parameter::new(0.6, 0.02, 1.0),
        Parameter::new(0.6, 0.02, 1.0),
        Parameter::new(10e-6, 1e-7, 1e-3),
        Parameter::new(60.0, 0.1, 2000.0),
        Parameter::new(8.0, 0.01, 512.0),
        Parameter::new(1e-8, 1e-10, 1e-6),
        Parameter::new(2.0, 1.0, 8.0),
    ];
    let mut all = Vec::new();
    for name in groups(table, |row| row.chip.clone()) {
        let on = hardware(
            chip(catalog, &name, "attention")?,
            Precision::Bf16,
            "attention",
        )?;
        let rows = attention_rows(table, &name, Phase::Prefill, catalog, report)?;
        let (constants, compared) = fit_one(
            &rows,
            &PARAMETERS,
            attention_key,
            |row| row.us * 1e-6,
            |values| attention::PrefillConstants {
                compute_share: values[0],
                memory_share: values[1],
                launch_s: values[2],
                tiles_half: values[3],
                pad_tokens: values[4],
                tile_s: values[5],
                sharpness: values[6],
            },
            |constants, row| {
                let heads = attention::Heads {
                    query: row.heads,
                    kv: row.kv_heads,
                    dim: 128.0,
                };
                attention::prefill_seconds(constants, &on, heads, row.batch, row.tokens, 0.0)
            },
        );
        let errors = errors(&compared);
        report.measure("attention-prefill", &name, None, "", errors);
        all.push(Fitted {
            modelled: false,
            chip: name,
            precision: None,
            errors: Some(errors),
            constants,
        });
    }
    Ok(all)
}

/// Attention of decode steps, by chip. The report has the errors twice: of all rows, and of
/// those with more than 200 MB of keys and values, where memory and not the launch decides.
pub(super) fn attention_decode(
    table: &[Attention],
    catalog: &Catalog,
    report: &mut Report,
) -> Result<Vec<Fitted<attention::DecodeConstants>>, TableError> {
    const PARAMETERS: [Parameter; 9] = [
        Parameter::new(0.8, 0.05, 1.0),
        Parameter::new(0.3, 0.005, 1.0),
        Parameter::new(12e-6, 1e-7, 1e-3),
        Parameter::new(32.0, 0.01, 1024.0),
        Parameter::new(1e-8, 1e-11, 1e-6),
        Parameter::new(1e-8, 1e-12, 1e-7),
        Parameter::new(2.0, 1.0, 8.0),
        Parameter::new(0.5, 0.001, 8.0),
        Parameter::new(0.7, 0.05, 2.0),
    ];
    let mut all = Vec::new();
    for name in groups(table, |row| row.chip.clone()) {
        let on = hardware(
            chip(catalog, &name, "attention")?,
            Precision::Bf16,
            "attention",
        )?;
        let rows = attention_rows(table, &name, Phase::Decode, catalog, report)?;
        let (constants, compared) = fit_one(
            &rows,
            &PARAMETERS,
            attention_key,
            |row| row.us * 1e-6,
            |values| attention::DecodeConstants {
                memory_share: values[0],
                compute_share: values[1],
                launch_s: values[2],
                pad_tokens: values[3],
                item_s: values[4],
                serial_s: values[5],
                sharpness: values[6],
                cache_gain: values[7],
                cache_share: values[8],
            },
            |constants, row| {
                let heads = attention::Heads {
                    query: row.heads,
                    kv: row.kv_heads,
                    dim: 128.0,
                };
                let kv_tokens = row.batch * row.tokens;
                attention::decode_seconds(constants, &on, heads, row.batch, kv_tokens, 2.0)
            },
        );
        let large: Vec<Compared> = rows
            .iter()
            .zip(&compared)
            .filter(|(row, _)| row.batch * row.tokens * row.kv_heads * 512.0 > 200e6)
            .map(|(_, compared)| *compared)
            .collect();
        let whole = errors(&compared);
        report.measure("attention-decode", &name, None, "all", whole);
        report.measure(
            "attention-decode",
            &name,
            None,
            "KV > 200 MB",
            errors(&large),
        );
        all.push(Fitted {
            modelled: false,
            chip: name,
            precision: None,
            errors: Some(whole),
            constants,
        });
    }
    Ok(all)
}

/// Mixtures of experts, by chip and precision.
pub(super) fn mixture(
    table: &[Mixture],
    catalog: &Catalog,
    report: &mut Report,
) -> Result<Vec<Fitted<mixture::Constants>>, TableError> {
    const PARAMETERS: [Parameter; 7] = [
        Parameter::new(0.6, 0.05, 1.0),
        Parameter::new(0.7, 0.05, 1.0),
        Parameter::new(20e-6, 1e-6, 1e-3),
        Parameter::new(16.0, 0.1, 256.0),
        Parameter::new(64.0, 0.1, 2048.0),
        Parameter::new(2.0, 1.0, 8.0),
        Parameter::new(0.9, 0.3, 1.0),
    ];
    let mut all = Vec::new();
    for (name, precision) in groups(table, |row| (row.chip.clone(), row.precision)) {
        let on = hardware(chip(catalog, &name, "mixture")?, precision, "mixture")?;
        let rows: Vec<&Mixture> = table
            .iter()
            .filter(|row| row.chip == name && row.precision == precision)
            .collect();
        let (constants, compared) = fit_one(
            &rows,
            &PARAMETERS,
            |row: &Mixture| {
                vec![
                    whole(row.hidden),
                    whole(row.intermediate),
                    whole(row.experts),
                    whole(row.used),
                ]
            },
            |row| row.us * 1e-6,
            |values| mixture::Constants {
                compute_share: values[0],
                memory_share: values[1],
                launch_s: values[2],
                pad_rows: values[3],
                pad_width: values[4],
                sharpness: values[5],
                evenness: values[6],
            },
            |constants, row| {
                let shape = mixture::Shape {
                    tokens: row.tokens,
                    hidden: row.hidden,
                    intermediate: row.intermediate,
                    experts: row.experts,
                    used: row.used,
                };
                mixture::seconds(constants, &on, shape, precision)
            },
        );
        let errors = errors(&compared);
        report.measure("mixture", &name, Some(precision), "", errors);
        all.push(Fitted {
            modelled: false,
            chip: name,
            precision: Some(precision),
            errors: Some(errors),
            constants,
        });
    }
    Ok(all)
}

/// Sums over chips, by chip.
pub(super) fn all_reduce(
    table: &[AllReduce],
    catalog: &Catalog,
    report: &mut Report,
) -> Result<Vec<Fitted<all_reduce::Constants>>, TableError> {
    const PARAMETERS: [Parameter; 3] = [
        Parameter::new(0.6, 0.01, 1.0),
        Parameter::new(5e-6, 1e-7, 1e-3),
        Parameter::new(1e-6, 1e-9, 1e-4),
    ];
    let mut all = Vec::new();
    for name in groups(table, |row| row.chip.clone()) {
        let link = chip(catalog, &name, "all_reduce")?
            .link_bytes_per_s()
            .map_err(|error| TableError {
                table: "all_reduce",
                line: None,
                what: error.to_string(),
            })?;
        let rows: Vec<&AllReduce> = table.iter().filter(|row| row.chip == name).collect();
        let (constants, compared) = fit_one(
            &rows,
            &PARAMETERS,
            |row: &AllReduce| vec![whole(row.bytes)],
            |row| row.us * 1e-6,
            |values| all_reduce::Constants {
                link_share: values[0],
                launch_s: values[1],
                chip_s: values[2],
            },
            |constants, row| all_reduce::seconds(constants, link, row.chips, row.bytes),
        );
        let errors = errors(&compared);
        report.measure("all-reduce", &name, None, "", errors);
        all.push(Fitted {
            modelled: false,
            chip: name,
            precision: None,
            errors: Some(errors),
            constants,
        });
    }
    Ok(all)
}
