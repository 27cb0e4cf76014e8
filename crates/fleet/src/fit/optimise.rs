//! Least squares by Levenberg and Marquardt, for laws of a few positive constants.
//!
//! Constants are searched by their logarithms within bounds, the residual is the logarithm of
//! predicted over measured, and large residuals count less (the soft L1 loss), since measured
//! tables have outliers.

/// A constant to be found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    /// Where the search begins.
    pub(super) start: f64,
    /// Least value, above 0.
    pub(super) least: f64,
    /// Greatest value.
    pub(super) most: f64,
}

impl Parameter {
    /// A constant that begins at `start` and stays within `least..=most`.
    #[must_use]
    pub(super) const fn new(start: f64, least: f64, most: f64) -> Self {
        Self { start, least, most }
    }
}

/// Residual at which the loss turns from square to linear.
const SOFT: f64 = 0.1;
const ITERATIONS_MAX: usize = 60;

/// The values that make `predict(values, row)` nearest to `measured[row]`, in ratio.
///
/// `predict` must be positive and finite within the bounds. Deterministic.
pub(super) fn minimise(
    parameters: &[Parameter],
    measured: &[f64],
    predict: impl Fn(&[f64], usize) -> f64,
) -> Vec<f64> {
    let count = parameters.len();
    let clamp = |values: &mut Vec<f64>| {
        for (value, parameter) in values.iter_mut().zip(parameters) {
            *value = value.clamp(parameter.least.ln(), parameter.most.ln());
        }
    };
    let residuals = |values: &[f64]| -> Vec<f64> {
        let plain: Vec<f64> = values.iter().map(|value| value.exp()).collect();
        (0..measured.len())
            .map(|row| (predict(&plain, row) / measured[row]).ln())
            .collect()
    };
    let loss = |residuals: &[f64]| -> f64 {
        residuals
            .iter()
            .map(|r| 2.0 * SOFT * SOFT * ((1.0 + (r / SOFT).powi(2)).sqrt() - 1.0))
            .sum()
    };
    let mut values: Vec<f64> = parameters.iter().map(|it| it.start.ln()).collect();
    clamp(&mut values);
    let mut at = residuals(&values);
    let mut best = loss(&at);
    let mut damping = 1e-2;
    for _ in 0..ITERATIONS_MAX {
        let (normal, gradient) = normal_equations(&values, &at, &residuals);
        let mut improved = false;
        for _ in 0..8 {
            let mut matrix = normal.clone();
            for index in 0..count {
                matrix[index * count + index] += damping * (normal[index * count + index] + 1e-9);
            }
            let Some(step) = solve(matrix, gradient.clone()) else {
                damping *= 4.0;
                continue;
            };
            let mut next: Vec<f64> = values
                .iter()
                .zip(&step)
                .map(|(v, s)| v - s.clamp(-2.0, 2.0))
                .collect();
            clamp(&mut next);
            let there = residuals(&next);
            let candidate = loss(&there);
            if candidate.is_finite() && candidate < best {
                improved = best - candidate > 1e-7 * best;
                values = next;
                at = there;
                best = candidate;
                damping = (damping / 3.0).max(1e-9);
                break;
            }
            damping *= 4.0;
        }
        if !improved {
            break;
        }
    }
    values.iter().map(|value| value.exp()).collect()
}

/// J^T W J and J^T W r, with weights of the soft loss and derivatives by forward differences.
fn normal_equations(
    values: &[f64],
    at: &[f64],
    residuals: &impl Fn(&[f64]) -> Vec<f64>,
) -> (Vec<f64>, Vec<f64>) {
    const STEP: f64 = 1e-5;
    let count = values.len();
    let columns: Vec<Vec<f64>> = (0..count)
        .map(|index| {
            let mut moved = values.to_vec();
            moved[index] += STEP;
            let there = residuals(&moved);
            there.iter().zip(at).map(|(a, b)| (a - b) / STEP).collect()
        })
        .collect();
    let weights: Vec<f64> = at
        .iter()
        .map(|r| 1.0 / (1.0 + (r / SOFT).powi(2)).sqrt())
        .collect();
    let dot = |left: &[f64], right: &[f64]| -> f64 {
        left.iter()
            .zip(right)
            .zip(&weights)
            .map(|((a, b), w)| a * b * w)
            .sum()
    };
    let mut normal = vec![0.0; count * count];
    for row in 0..count {
        for column in 0..=row {
            let value = dot(&columns[row], &columns[column]);
            normal[row * count + column] = value;
            normal[column * count + row] = value;
        }
    }
    let gradient = columns.iter().map(|column| dot(column, at)).collect();
    (normal, gradient)
}

/// Solves `matrix x = right` by elimination with pivots; None when it is singular.
fn solve(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let count = right.len();
    for column in 0..count {
        let pivot = (column..count).max_by(|a, b| {
            matrix[a * count + column]
                .abs()
                .total_cmp(&matrix[b * count + column].abs())
        })?;
        if matrix[pivot * count + column].abs() < 1e-14 {
            return None;
        }
        for index in 0..count {
            matrix.swap(column * count + index, pivot * count + index);
        }
        right.swap(column, pivot);
        for row in column + 1..count {
            let factor = matrix[row * count + column] / matrix[column * count + column];
            for index in column..count {
                matrix[row * count + index] -= factor * matrix[column * count + index];
            }
            right[row] -= factor * right[column];
        }
    }
    for row in (0..count).rev() {
        let known: f64 = (row + 1..count)
            .map(|i| matrix[row * count + i] * right[i])
            .sum();
        right[row] = (right[row] - known) / matrix[row * count + row];
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_constants_that_made_the_data() {
        let truth = [0.8, 5.0, 3.0];
        let law = |c: &[f64], row: usize| {
            let x = 1.0 + row as f64;
            c[1] + ((x / c[0]).powf(c[2]) + (0.1 * x * x).powf(c[2])).powf(1.0 / c[2])
        };
        let measured: Vec<f64> = (0..60).map(|row| law(&truth, row)).collect();
        let parameters = [
            Parameter::new(0.5, 0.1, 1.0),
            Parameter::new(1.0, 0.01, 100.0),
            Parameter::new(2.0, 1.0, 8.0),
        ];
        let found = minimise(&parameters, &measured, law);
        for (found, truth) in found.iter().zip(truth) {
            assert!((found / truth - 1.0).abs() < 1e-3, "{found} {truth}");
        }
    }

    #[test]
    fn stays_within_bounds() {
        let measured = vec![10.0; 4];
        let found = minimise(&[Parameter::new(1.0, 0.5, 2.0)], &measured, |c, _| c[0]);
        assert!((found[0] - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_singular_matrix_has_no_solution() {
        assert_eq!(solve(vec![1.0, 2.0, 2.0, 4.0], vec![1.0, 2.0]), None);
    }
}
