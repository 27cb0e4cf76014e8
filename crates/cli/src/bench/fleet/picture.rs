//! Bars with whiskers: means and their confidence intervals.

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use weft_fleet::evidence::Interval;

use crate::chips::picture::{COLORS, svg};

/// Height of a bar with its gap, and of the title.
const BAR: i32 = 24;
const TITLE: i32 = 34;
/// Where bars begin, and the length of the longest.
const LEFT: i32 = 270;
const LENGTH: f64 = 380.0;

/// Horizontal bars of `rows`, the first of which is ours.
///
/// # Errors
/// When there are too many rows, or drawing fails.
pub(super) fn intervals(title: &str, rows: &[(String, Interval)]) -> Result<String> {
    let wrong = |error: String| anyhow!("failed to draw: {error}");
    let high = |it: &Interval| it.mean + if it.half.is_finite() { it.half } else { 0.0 };
    let most = rows.iter().map(|row| high(&row.1)).fold(1e-9, f64::max);
    let count = i32::try_from(rows.len())?;
    let height = u32::try_from(TITLE + count * BAR + 8)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a share of the width of the picture"
    )]
    let at = |value: f64| LEFT + (value.max(0.0) / most * LENGTH) as i32;
    svg(height, |area| {
        let style = ("sans-serif", 13).into_font();
        area.draw(&Text::new(title.to_owned(), (10, 10), style.clone()))
            .map_err(|error| wrong(error.to_string()))?;
        for (index, (name, it)) in rows.iter().enumerate() {
            let y = TITLE + i32::try_from(index)? * BAR;
            let color = if index == 0 { COLORS[0] } else { COLORS[4] };
            let bar = Rectangle::new(
                [(LEFT, y), (at(it.mean).max(LEFT + 1), y + BAR - 7)],
                color.filled(),
            );
            area.draw(&bar).map_err(|error| wrong(error.to_string()))?;
            let middle = y + (BAR - 7) / 2;
            if it.half.is_finite() {
                let whisker = [(at(it.mean - it.half), middle), (at(high(it)), middle)];
                area.draw(&PathElement::new(whisker, BLACK.stroke_width(2)))
                    .map_err(|error| wrong(error.to_string()))?;
            }
            for (text, x) in [
                (name.clone(), 10),
                (format!("{:.2}", it.mean), at(high(it)) + 8),
            ] {
                area.draw(&Text::new(text, (x, middle - 7), style.clone()))
                    .map_err(|error| wrong(error.to_string()))?;
            }
        }
        Ok(())
    })
}
