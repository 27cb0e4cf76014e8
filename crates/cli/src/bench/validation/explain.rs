//! Why a kernel takes another time than the law says, from what the model saw.

use weft_fleet::perf::Precision;

use super::kernels::{Case, Problem};

/// Cores of W1; CTAs are dealt to them.
const CORES: u32 = 16;

/// Everything that makes the time differ by a tenth or more, the law's idea first.
pub(super) fn explain(case: &Case) -> String {
    let timing = &case.timing;
    let mut reasons = Vec::new();
    let launch = timing.launch_seconds / case.model_s;
    if launch > 0.1 {
        reasons.push(format!("launch is {:.0} % of it", launch * 100.0));
    }
    let rounds = f64::from(case.ctas.div_ceil(CORES));
    let idle = 1.0 - f64::from(case.ctas) / (rounds * f64::from(CORES));
    if idle > 0.1 {
        reasons.push(format!(
            "{} CTAs leave {:.0} % of the cores' time idle",
            case.ctas,
            idle * 100.0
        ));
    }
    let moved = (timing.dram_bytes_read + timing.dram_bytes_written) as f64 / case.least_bytes;
    if moved > 1.1 {
        reasons.push(format!("moves {moved:.2} times the least bytes"));
    } else if moved < 0.9 {
        reasons.push(format!(
            "caches keep {:.0} % of the least bytes from memory",
            (1.0 - moved) * 100.0
        ));
    }
    let useful = match case.problem {
        Problem::Gemm { .. } | Problem::Gemv { .. } => timing.roofs.matrix,
        Problem::Attention { .. } => timing.roofs.dram,
    };
    let busiest = timing
        .roofs
        .all()
        .into_iter()
        .fold(
            ("nothing", 0.0),
            |best, next| if next.1 > best.1 { next } else { best },
        );
    if busiest.1 > useful + 0.1 {
        reasons.push(format!(
            "the {} is busy {:.0} %: instructions around the arithmetic",
            busiest.0.replace('_', " "),
            busiest.1 * 100.0
        ));
    }
    if let Some(wait) = timing.limiter.strip_prefix("latency:") {
        reasons.push(format!("no unit is full; harts wait for {wait}"));
    }
    if let Problem::Gemv { rows, .. } = case.problem
        && rows < 8
    {
        reasons.push("one row fills an eighth of a matrix instruction".to_owned());
    }
    if let Problem::Gemm { precision, .. } = case.problem
        && precision == Precision::Bf16
        && case.model_s < case.law_s
    {
        reasons.push("the law was made for BF16 output".to_owned());
    }
    if reasons.is_empty() {
        reasons.push(format!(
            "limited by {} at {:.0} %",
            timing.limiter,
            busiest.1 * 100.0
        ));
    }
    reasons.join("; ")
}
