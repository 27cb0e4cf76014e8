//! Chips as aligned text.

use weft_fleet::catalog::{Chip, Quantity};

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
