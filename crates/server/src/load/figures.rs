//! What a load came to.

use std::time::Duration;

use super::Outcome;

/// Mean, median and 99th percentile of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Percentiles {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub median: f64,
    /// 99th percentile, interpolated between neighbours as NumPy does.
    pub p99: f64,
}

/// The figures of a load; times are this host's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadFigures {
    /// The model that was asked.
    pub model: String,
    /// Requests that were answered to the end.
    pub successful: u32,
    /// Requests that were not.
    pub failed: u32,
    /// Why the first of them was not.
    pub first_failure: Option<String>,
    /// From the first request to the end of the last answer, s.
    pub duration_s: f64,
    /// Tokens of the prompts that were answered.
    pub input_tokens: u64,
    /// Tokens of their answers.
    pub output_tokens: u64,
    /// Answered requests per second.
    pub requests_per_s: f64,
    /// Tokens of answers per second.
    pub output_tokens_per_s: f64,
    /// The most tokens of answers within one second, seconds counted from the beginning.
    pub output_tokens_per_s_peak: f64,
    /// The most requests under way at once.
    pub concurrency_peak: u32,
    /// Tokens of prompts and answers per second.
    pub tokens_per_s: f64,
    /// Time to the first token, ms.
    pub ttft_ms: Percentiles,
    /// Time per token after the first, of each answer, ms.
    pub tpot_ms: Percentiles,
    /// Time between tokens, ms.
    pub itl_ms: Percentiles,
    /// Time to the end of an answer, ms.
    pub e2el_ms: Percentiles,
}

impl LoadFigures {
    pub(super) fn of(model: String, outcomes: &[Outcome], duration: Duration) -> Self {
        let good: Vec<&Outcome> = outcomes
            .iter()
            .filter(|outcome| outcome.error.is_none())
            .collect();
        let first_failure = outcomes.iter().find_map(|outcome| outcome.error.clone());
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        let (mut ttft, mut tpot, mut itl, mut e2el) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for outcome in &good {
            e2el.push(milliseconds(outcome.end - outcome.begin));
            let Some(&first) = outcome.tokens_at.first() else {
                continue;
            };
            ttft.push(milliseconds(first - outcome.begin));
            if outcome.output_tokens > 1 {
                let further = precise(outcome.output_tokens - 1);
                tpot.push(milliseconds(outcome.end - first) / further);
            }
            let gaps = outcome.tokens_at.windows(2);
            itl.extend(gaps.map(|pair| milliseconds(pair[1] - pair[0])));
        }
        let seconds = duration.as_secs_f64().max(f64::MIN_POSITIVE);
        let input_tokens = good.iter().map(|outcome| outcome.input_tokens).sum();
        let output_tokens = good.iter().map(|outcome| outcome.output_tokens).sum();
        let count = |list: usize| u32::try_from(list).unwrap_or(u32::MAX);
        Self {
            model,
            successful: count(good.len()),
            failed: count(outcomes.len() - good.len()),
            first_failure,
            duration_s: duration.as_secs_f64(),
            input_tokens,
            output_tokens,
            requests_per_s: precise(good.len() as u64) / seconds,
            output_tokens_per_s: precise(output_tokens) / seconds,
            output_tokens_per_s_peak: peak_rate(&good),
            concurrency_peak: count(peak_concurrency(outcomes)),
            tokens_per_s: precise(input_tokens + output_tokens) / seconds,
            ttft_ms: Percentiles::of(ttft),
            tpot_ms: Percentiles::of(tpot),
            itl_ms: Percentiles::of(itl),
            e2el_ms: Percentiles::of(e2el),
        }
    }
}

impl Percentiles {
    fn of(mut values: Vec<f64>) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        values.sort_by(f64::total_cmp);
        Self {
            mean: values.iter().sum::<f64>() / precise(values.len() as u64),
            median: percentile(&values, 0.5),
            p99: percentile(&values, 0.99),
        }
    }
}

/// Linear between the neighbours of the place `share` of the way through a sorted list.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let place = share * precise(sorted.len() as u64 - 1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the list"
    )]
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let part = place - place.floor();
    sorted[below] + (sorted[above] - sorted[below]) * part
}

fn peak_rate(outcomes: &[&Outcome]) -> f64 {
    let mut seconds: Vec<u64> = outcomes
        .iter()
        .flat_map(|outcome| outcome.tokens_at.iter().map(Duration::as_secs))
        .collect();
    seconds.sort_unstable();
    let runs = seconds.chunk_by(|a, b| a == b).map(<[u64]>::len);
    precise(runs.max().unwrap_or(0) as u64)
}

fn peak_concurrency(outcomes: &[Outcome]) -> usize {
    let at = |time: Duration| {
        let under_way = |outcome: &&Outcome| outcome.begin <= time && time < outcome.end;
        outcomes.iter().filter(under_way).count()
    };
    // It rises only where one begins.
    let peaks = outcomes.iter().map(|outcome| at(outcome.begin));
    peaks.max().unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
const fn precise(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(begin: u64, tokens_at: &[u64], error: Option<&str>) -> Outcome {
        let ms = Duration::from_millis;
        Outcome {
            begin: ms(begin),
            end: ms(tokens_at.last().copied().unwrap_or(begin)),
            tokens_at: tokens_at.iter().map(|&at| ms(at)).collect(),
            input_tokens: 10,
            output_tokens: tokens_at.len() as u64,
            error: error.map(str::to_owned),
        }
    }

    #[test]
    fn figures_are_those_of_the_definitions() {
        let outcomes = [
            outcome(0, &[100, 150, 200], None),
            outcome(50, &[250, 260], None),
            outcome(60, &[], Some("refused")),
            outcome(1000, &[1100], None),
        ];
        let figures = LoadFigures::of("m".to_owned(), &outcomes, Duration::from_secs(2));
        assert_eq!((figures.successful, figures.failed), (3, 1));
        assert_eq!(figures.first_failure.as_deref(), Some("refused"));
        assert_eq!((figures.input_tokens, figures.output_tokens), (30, 6));
        assert!((figures.requests_per_s - 1.5).abs() < 1e-9);
        assert!((figures.output_tokens_per_s - 3.0).abs() < 1e-9);
        assert!((figures.tokens_per_s - 18.0).abs() < 1e-9);
        assert!((figures.output_tokens_per_s_peak - 5.0).abs() < 1e-9);
        assert_eq!(figures.concurrency_peak, 2);
        let close = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
        };
        // TTFT: 100, 200, 100; TPOT: 50, 10; ITL: 50, 50, 10; E2EL: 200, 210, 100.
        close(figures.ttft_ms.mean, 400.0 / 3.0);
        close(figures.ttft_ms.median, 100.0);
        close(figures.ttft_ms.p99, 198.0);
        close(figures.tpot_ms.mean, 30.0);
        close(figures.itl_ms.mean, 110.0 / 3.0);
        close(figures.e2el_ms.median, 200.0);
    }

    #[test]
    fn a_load_without_an_answer_has_figures() {
        let figures = LoadFigures::of(
            "m".to_owned(),
            &[outcome(0, &[], Some("x"))],
            Duration::ZERO,
        );
        assert_eq!((figures.successful, figures.failed), (0, 1));
        assert_eq!(figures.ttft_ms, Percentiles::default());
    }
}
