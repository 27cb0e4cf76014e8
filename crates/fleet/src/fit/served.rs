//! The fit of what a server adds, and the comparison with whole measured runs.

use super::optimise::{Parameter, minimise};
use super::report::Report;
use super::tables::{Served, TableError, Tables};
use super::{Compared, errors, held_out, physics};
use crate::catalog::Catalog;
use crate::model;
use crate::perf::constants::{Constants, Fitted};
use crate::perf::deployment::{Deployment, Parallel};
use crate::perf::serving::{self, steady};
use crate::perf::{Precision, all_reduce, attention, gemm, mixture};

/// Prompt and output of the MLPerf v5.1 llama3.1-8b task: CNN/DailyMail articles and their
/// summaries, in mean tokens.
const OFFLINE_TASK: (f64, f64) = (778.0, 128.0);
/// Requests that run together in an offline run: what servers allow by default.
const OFFLINE_BATCH: f64 = 512.0;

fn deployment(
    chip: &str,
    model: &str,
    stored: (Precision, f64),
    tensor: u32,
    catalog: &Catalog,
    constants: &Constants,
) -> Result<Deployment, TableError> {
    let wrong = |what: String| TableError {
        table: "served",
        line: None,
        what,
    };
    let chip = catalog
        .chip(chip)
        .map_err(|error| wrong(error.to_string()))?;
    let model = model::find(model).map_err(|error| wrong(error.to_string()))?;
    let parallel = Parallel {
        tensor,
        ..Parallel::ONE
    };
    Deployment::new(chip, &model, stored.0, stored.1, parallel, constants)
        .map_err(|error| wrong(error.to_string()))
}

/// Constants for an operator of a chip that has none, so that a deployment can be made.
fn complete(constants: &mut Constants) {
    let assumed = toml::from_str::<Constants>(include_str!("../../data/assumed.toml"));
    let Ok(assumed) = assumed else { return };
    fn any<T: Clone>(to: &mut Vec<Fitted<T>>, from: &[Fitted<T>]) {
        to.extend(from.iter().cloned());
    }
    any::<gemm::Constants>(&mut constants.gemm, &assumed.gemm);
    any::<attention::PrefillConstants>(
        &mut constants.attention_prefill,
        &assumed.attention_prefill,
    );
    any::<attention::DecodeConstants>(&mut constants.attention_decode, &assumed.attention_decode);
    any::<mixture::Constants>(&mut constants.mixture, &assumed.mixture);
    any::<all_reduce::Constants>(&mut constants.all_reduce, &assumed.all_reduce);
    any::<serving::Constants>(&mut constants.serving, &assumed.serving);
}

/// Fits the constants of serving to the labelled runs of Qwen3-32B on H100, and compares.
pub(super) fn fit(
    tables: &Tables,
    catalog: &Catalog,
    fitted: &mut Constants,
    report: &mut Report,
) -> Result<(), TableError> {
    const PARAMETERS: [Parameter; 3] = [
        Parameter::new(0.5, 0.02, 1.0),
        Parameter::new(1e-3, 1e-5, 2e-2),
        Parameter::new(1.1, 0.8, 2.0),
    ];
    let mut all = fitted.clone();
    complete(&mut all);
    let labelled = |row: &&Served| {
        row.model == "qwen3-32b" && row.chip == "h100-sxm" && row.precision == "fp8"
    };
    let rows: Vec<&Served> = tables.served.iter().filter(labelled).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let mut deployments = Vec::new();
    for row in &rows {
        let precision = Precision::Fp8;
        deployments.push(deployment(
            &row.chip,
            &row.model,
            (precision, 2.0),
            row.tensor,
            catalog,
            &all,
        )?);
    }
    let key = |row: &Served| [bits(row.isl), bits(row.batch), u64::from(row.tensor)];
    let constants = |values: &[f64]| serving::Constants {
        launch_share: values[0],
        step_s: values[1],
        prefill_share: values[2],
        first_token_s: 0.02,
    };
    let tpot = |constants: serving::Constants, index: usize| {
        let row = rows[index];
        let deployment = deployments[index].clone().with_serving(constants);
        steady(&deployment, row.isl, row.osl, row.batch).tpot_s * 1e3
    };
    let training: Vec<usize> = (0..rows.len())
        .filter(|i| !held_out(&key(rows[*i])))
        .collect();
    let measured: Vec<f64> = training.iter().map(|i| rows[*i].tpot_ms).collect();
    let values = minimise(&PARAMETERS, &measured, |values, index| {
        tpot(constants(values), training[index])
    });
    let found = constants(&values);
    let compared: Vec<Compared> = (0..rows.len())
        .map(|i| (tpot(found, i), rows[i].tpot_ms, held_out(&key(rows[i]))))
        .collect();
    let tpot_errors = errors(&compared);
    report.measure("tpot", "h100-sxm", None, "qwen3-32b fp8", tpot_errors);
    let ttft: Vec<(f64, f64)> = (0..rows.len())
        .map(|i| {
            let deployment = deployments[i].clone().with_serving(found);
            (
                serving::closed_ttft_s(&deployment, rows[i].isl, rows[i].osl, rows[i].batch),
                rows[i].ttft_ms,
            )
        })
        .collect();
    report.ttft_rank_correlation = Some(rank_correlation(&ttft));
    fitted.serving.push(Fitted {
        modelled: false,
        chip: "*".to_owned(),
        precision: None,
        errors: Some(tpot_errors),
        constants: found,
    });
    all.serving.insert(0, fitted.serving[0].clone());
    others(tables, catalog, &all, report)?;
    ranking(tables, catalog, &all, report)
}

/// Runs of other models, servers and chips, none of which was fitted. A run without a label is
/// taken to be BF16. Where a group is twice as near to a server that computes no prompts, the
/// errors of that are stated too: its prompts were in a prefix cache.
fn others(
    tables: &Tables,
    catalog: &Catalog,
    all: &Constants,
    report: &mut Report,
) -> Result<(), TableError> {
    let mut groups: Vec<(String, String, Vec<[Compared; 2]>)> = Vec::new();
    for row in &tables.served {
        let precision = if row.precision == "fp8" {
            Precision::Fp8
        } else {
            Precision::Bf16
        };
        if row.model == "qwen3-32b" && row.chip == "h100-sxm" && precision == Precision::Fp8 {
            continue;
        }
        let (Ok(chip), Ok(model)) = (catalog.chip(&row.chip), model::find(&row.model)) else {
            continue; // The deployment below says so of what is fitted.
        };
        let Ok(deployment) = deployment(
            &row.chip,
            &row.model,
            (precision, 2.0),
            row.tensor,
            catalog,
            all,
        ) else {
            continue; // A label that cannot be right: the weights would not fit.
        };
        let name = format!("{} {precision} {}", row.model, row.backend);
        let predicted = steady(&deployment, row.isl, row.osl, row.batch).tpot_s * 1e3;
        let cached = deployment.decode_s(row.batch, row.batch * (row.isl + row.osl / 2.0)) * 1e3;
        let compared = [(predicted, row.tpot_ms, true), (cached, row.tpot_ms, true)];
        if let Some(why) = physics::served(row, chip, &model, precision) {
            report.reject(
                "served",
                format!("{} {name} {} in, {} out: {why}", row.chip, row.isl, row.osl),
            );
            continue;
        }
        match groups
            .iter_mut()
            .find(|group| group.0 == row.chip && group.1 == name)
        {
            Some(group) => group.2.push(compared),
            None => groups.push((row.chip.clone(), name, vec![compared])),
        }
    }
    for (chip, name, compared) in groups {
        let of = |which: usize| errors(&compared.iter().map(|it| it[which]).collect::<Vec<_>>());
        let (computed, cached) = (of(0), of(1));
        if computed.mape.is_finite() {
            report.measure("tpot", &chip, None, &name, computed);
        }
        if cached.mape < computed.mape / 2.0 {
            let name = format!("{name}, prompts cached");
            report.measure("tpot", &chip, None, &name, cached);
        }
    }
    Ok(())
}

fn ranking(
    tables: &Tables,
    catalog: &Catalog,
    all: &Constants,
    report: &mut Report,
) -> Result<(), TableError> {
    let mut measured = Vec::new();
    let mut predicted = Vec::new();
    for row in &tables.offline {
        let deployment = deployment(
            &row.chip,
            "llama-3.1-8b",
            (row.precision, row.kv_bytes),
            1,
            catalog,
            all,
        )?;
        let (isl, osl) = OFFLINE_TASK;
        let (_, state) = serving::throughput(&deployment, isl, osl, OFFLINE_BATCH);
        measured.push((row.chip.clone(), row.tokens_per_s / row.count));
        predicted.push((row.chip.clone(), state.output_tokens_per_s));
    }
    if measured.is_empty() {
        return Ok(());
    }
    for list in [&mut measured, &mut predicted] {
        list.sort_by(|left, right| right.1.total_cmp(&left.1));
    }
    report.ranking = Some([measured, predicted]);
    Ok(())
}

fn bits(value: f64) -> u64 {
    value.to_bits()
}

/// Spearman's rank correlation.
fn rank_correlation(pairs: &[(f64, f64)]) -> f64 {
    let ranks = |values: Vec<f64>| -> Vec<f64> {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|left, right| values[*left].total_cmp(&values[*right]));
        let mut ranks = vec![0.0; values.len()];
        let mut start = 0;
        while start < order.len() {
            let mut end = start + 1;
            while end < order.len() && values[order[end]].total_cmp(&values[order[start]]).is_eq() {
                end += 1;
            }
            for index in &order[start..end] {
                ranks[*index] = (start + end - 1) as f64 / 2.0;
            }
            start = end;
        }
        ranks
    };
    let left = ranks(pairs.iter().map(|pair| pair.0).collect());
    let right = ranks(pairs.iter().map(|pair| pair.1).collect());
    let mean = (pairs.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(x, y)| (x - mean) * (y - mean)).sum()
    };
    product(&left, &right) / (product(&left, &left) * product(&right, &right)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rank_correlation_is_of_ranks() {
        let monotonic = [(1.0, 1.0), (2.0, 8.0), (3.0, 27.0), (10.0, 1000.0)];
        assert!((rank_correlation(&monotonic) - 1.0).abs() < 1e-12);
        let reversed = [(1.0, 4.0), (2.0, 3.0), (3.0, 2.0), (4.0, 1.0)];
        assert!((rank_correlation(&reversed) + 1.0).abs() < 1e-12);
        // By hand: ranks (1, 2, 3, 4) and (2, 1, 4, 3): 1 - 6 * 4 / (4 * 15).
        let swapped = [(1.0, 2.0), (2.0, 1.0), (3.0, 4.0), (4.0, 3.0)];
        assert!((rank_correlation(&swapped) - 0.6).abs() < 1e-12);
    }
}
