//! Comparisons as SVG pictures in an HTML page that needs nothing else.

use std::fmt::Write as _;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use weft_fleet::compare::Row;

pub(crate) const WIDTH: u32 = 760;
const ROOFLINE_HEIGHT: u32 = 420;
/// Height of a bar with the gap below it, and of the title above the bars.
const BAR_HEIGHT: u32 = 34;
const TITLE_HEIGHT: u32 = 40;
pub(crate) const COLORS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
    RGBColor(120, 120, 120),
];

/// A page with a roofline and bars of `rows`.
pub(super) fn page(title: &str, rows: &[Row]) -> Result<String> {
    let mut text = head(title);
    text.push_str(&svg(ROOFLINE_HEIGHT, |area| roofline(area, rows))?);
    let bar = |name: &str, value: fn(&Row) -> Option<f64>| {
        let bars: Vec<(String, f64)> = rows
            .iter()
            .filter_map(|row| value(row).map(|value| (row.chip.clone(), value)))
            .collect();
        bars_svg(name, &bars)
    };
    text.push_str(&bar("output tokens/s of a card, largest batch", |row| {
        Some(row.tokens_per_s)
    })?);
    text.push_str(&bar("output tokens/s of one request alone", |row| {
        Some(row.alone_tokens_per_s)
    })?);
    text.push_str(&bar("time to first token of one request, ms", |row| {
        Some(row.ttft_s * 1e3)
    })?);
    text.push_str(&bar("output tokens for a joule", |row| row.tokens_per_j)?);
    text.push_str(&bar("output tokens/s for a dollar an hour", |row| {
        row.tokens_per_s_per_usd_h
    })?);
    text.push_str("</body></html>\n");
    Ok(text)
}

/// The beginning of a page.
pub(crate) fn head(title: &str) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>\
         <style>body{{font:15px sans-serif;margin:2em;max-width:60em}}svg{{display:block;margin:1em 0}}\
         table{{border-collapse:collapse}}td,th{{padding:.2em .8em;border-bottom:1px solid #ccc;text-align:right}}\
         td:first-child,th:first-child{{text-align:left}}</style><body><h1>{title}</h1>"
    );
    text
}

/// Draws into an SVG element.
pub(crate) fn svg(
    height: u32,
    draw: impl FnOnce(&DrawingArea<SVGBackend<'_>, Shift>) -> Result<()>,
) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE)
            .map_err(|error| anyhow!("failed to draw: {error}"))?;
        draw(&area)?;
        area.present()
            .map_err(|error| anyhow!("failed to draw: {error}"))?;
    }
    Ok(text)
}

/// Horizontal bars with their values; nothing when there are none.
pub(crate) fn bars_svg(name: &str, bars: &[(String, f64)]) -> Result<String> {
    let most = bars.iter().map(|bar| bar.1).fold(0.0, f64::max);
    if most <= 0.0 {
        return Ok(String::new());
    }
    let count = u32::try_from(bars.len())?;
    svg(TITLE_HEIGHT + count * BAR_HEIGHT, |area| {
        let wrong = |error: String| anyhow!("failed to draw: {error}");
        let style = ("sans-serif", 15).into_font();
        area.draw(&Text::new(name.to_owned(), (10, 10), style.clone()))
            .map_err(|error| wrong(error.to_string()))?;
        let (left, right) = (150, 640);
        let (top, height) = (TITLE_HEIGHT.cast_signed(), BAR_HEIGHT.cast_signed());
        for (index, (label, value)) in bars.iter().enumerate() {
            let row = i32::try_from(index).unwrap_or(0);
            let y = top + row * height;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a share of the width of the picture"
            )]
            let length = (value / most * f64::from(right - left)) as i32;
            let bar = Rectangle::new(
                [(left, y), (left + length.max(1), y + height - 8)],
                COLORS[index % COLORS.len()].filled(),
            );
            area.draw(&bar).map_err(|error| wrong(error.to_string()))?;
            for (text, x) in [
                (label.clone(), 10),
                (significant(*value), left + length + 8),
            ] {
                area.draw(&Text::new(text, (x, y + height / 2 - 11), style.clone()))
                    .map_err(|error| wrong(error.to_string()))?;
            }
        }
        Ok(())
    })
}

/// About three significant digits.
pub(crate) fn significant(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

/// Attainable rate over intensity, both axes logarithmic.
fn roofline(area: &DrawingArea<SVGBackend<'_>, Shift>, rows: &[Row]) -> Result<()> {
    let wrong = |error: String| anyhow!("failed to draw: {error}");
    let peak = rows.iter().map(|row| row.ops_per_s).fold(1e12, f64::max) / 1e12;
    let low = rows
        .iter()
        .map(|row| row.bytes_per_s)
        .fold(f64::MAX, f64::min)
        / 1e12;
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .caption(
            "roofline: attainable T operations/s over operations per byte",
            ("sans-serif", 15),
        )
        .x_label_area_size(36)
        .y_label_area_size(60)
        .build_cartesian_2d(
            (1.0..4096.0).log_scale(),
            ((low * 0.8)..(peak * 1.6)).log_scale(),
        )
        .map_err(|error| wrong(error.to_string()))?;
    chart
        .configure_mesh()
        .x_desc("operations per byte")
        .y_desc("T operations/s")
        .draw()
        .map_err(|error| wrong(error.to_string()))?;
    for (index, row) in rows.iter().enumerate() {
        let color = COLORS[index % COLORS.len()];
        let points = (0..=120_u32).map(|step| {
            let intensity = 2_f64.powf(f64::from(step) / 10.0);
            (
                intensity,
                (intensity * row.bytes_per_s).min(row.ops_per_s) / 1e12,
            )
        });
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)))
            .map_err(|error| wrong(error.to_string()))?
            .label(format!("{} {}", row.chip, row.precision))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()
        .map_err(|error| wrong(error.to_string()))
}
