//! Chips as aligned text.

use weft_fleet::catalog::{Chip, Quantity};
use weft_fleet::compare::Row;

use super::picture::significant;

/// One row for each chip, with the status letter behind each number.
pub(super) fn catalogue(chips: &[&Chip]) -> String {
    let header = [
        "chip",
        "vendor",
        "year",
        "nm",
        "INT8 TOPS",
        "FP16 TFLOPS",
        "FP8 TFLOPS",
        "GB",
        "GB/s",
        "W",
        "link GB/s",
        "USD/h",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for chip in chips {
        let mut row = vec![chip.id.clone(), chip.vendor.clone()];
        row.extend(
            [
                &chip.year,
                &chip.process,
                &chip.int8,
                &chip.fp16,
                &chip.fp8,
                &chip.memory,
                &chip.bandwidth,
                &chip.power,
                &chip.link,
                &chip.rent,
            ]
            .map(|figure| cell(figure.as_ref())),
        );
        rows.push(row);
    }
    align(&rows, 2)
}

fn cell(figure: Option<&Quantity>) -> String {
    figure.map_or_else(
        || "-".to_owned(),
        |quantity| format!("{} {}", quantity.value, quantity.status.letter()),
    )
}

/// Pads columns; the first `left` to the left, the others to the right.
pub(crate) fn align(rows: &[Vec<String>], left: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                if column < left {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            })
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// One row for each chip that can serve the model, then why the others cannot.
pub(super) fn comparison(rows: &[Row], impossible: &[String]) -> String {
    let header = [
        "chip",
        "precision",
        "weights/memory GB",
        "TTFT s",
        "tok/s alone",
        "batch",
        "tok/s",
        "prefill tok/s",
        "compute binds at",
        "tok/J",
        "tok/s per kW",
        "tok/s per USD/h",
        "model error",
    ];
    let optional = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), significant);
    let mut table = vec![header.map(str::to_owned).to_vec()];
    for row in rows {
        table.push(vec![
            row.chip.clone(),
            row.precision.to_string(),
            format!("{:.1}/{}", row.weights_gb, row.memory_gb),
            significant(row.ttft_s),
            significant(row.alone_tokens_per_s),
            format!("{:.0}", row.batch),
            significant(row.tokens_per_s),
            significant(row.prefill_tokens_per_s),
            row.compute_bound_batch
                .map_or_else(|| "never".to_owned(), |batch| batch.to_string()),
            optional(row.tokens_per_j),
            optional(row.tokens_per_s_per_kw),
            optional(row.tokens_per_s_per_usd_h),
            row.model_mape.map_or_else(
                || if row.modelled { "modelled" } else { "assumed" }.to_owned(),
                |mape| format!("{:.1} %", mape * 100.0),
            ),
        ]);
    }
    let mut text = align(&table, 2);
    for why in impossible {
        text.push_str(why);
        text.push('\n');
    }
    text
}
