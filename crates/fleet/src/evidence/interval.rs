//! Means over seeds, with how sure they are.

use serde::Serialize;

/// A mean and half of its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Half of the width of the interval; infinite for fewer than two values.
    pub half: f64,
}

/// 97.5th percentiles of Student's t by degrees of freedom, from 1.
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
];

impl Interval {
    /// Of independent values, by Student's t.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count.max(1.0);
        if values.len() < 2 {
            return Self {
                mean,
                half: f64::INFINITY,
            };
        }
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let error = (squares / (count - 1.0) / count).sqrt();
        let student = STUDENT.get(values.len() - 2).copied().unwrap_or(1.96);
        Self {
            mean,
            half: student * error,
        }
    }

    /// Whether the whole interval is above `value`.
    #[must_use]
    pub fn above(&self, value: f64) -> bool {
        self.mean - self.half > value
    }

    /// Whether the whole interval is below `value`.
    #[must_use]
    pub fn below(&self, value: f64) -> bool {
        self.mean + self.half < value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Of many intervals of normal values, 95 % hold the true mean.
    #[test]
    fn intervals_hold_the_mean_as_often_as_they_say() {
        let mut random = Random::new(4);
        for count in [3, 10, 25] {
            let held = (0..4000)
                .filter(|_| {
                    let values: Vec<f64> = (0..count).map(|_| 7.0 + random.normal()).collect();
                    let interval = Interval::of(&values);
                    !interval.above(7.0) && !interval.below(7.0)
                })
                .count();
            assert!((3740..=3860).contains(&held), "{count}: {held}");
        }
    }

    #[test]
    fn one_value_says_nothing() {
        let interval = Interval::of(&[3.0]);
        assert!(!interval.above(-1e9) && !interval.below(1e9));
    }
}
