//! The requests of a load, from a seed.

use std::time::Duration;

use super::LoadOptions;

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planned {
    /// When it is sent, after the beginning.
    pub(super) at: Duration,
    pub(super) prompt: Vec<u32>,
    pub(super) output_tokens: u32,
    /// For the server's draws.
    pub(super) seed: u64,
}

/// All requests in the order in which they are sent.
pub(super) struct Workload<'a> {
    options: &'a LoadOptions,
    random: Random,
    prefix: Vec<u32>,
    at: f64,
    next: u32,
}

impl<'a> Workload<'a> {
    pub(super) fn new(options: &'a LoadOptions) -> Self {
        let mut random = Random(options.seed);
        let prefix = (0..options.prefix_tokens)
            .map(|_| random.below(options.vocabulary))
            .collect();
        Self {
            options,
            random,
            prefix,
            at: 0.0,
            next: 0,
        }
    }

    fn length(&mut self, mean: u32) -> u32 {
        let spread = f64::from(mean) * self.options.range_ratio;
        let drawn = f64::from(mean) + (2.0 * self.random.unit() - 1.0) * spread;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and twice the mean; the cast saturates"
        )]
        let length = drawn.round() as u32;
        length.max(1)
    }
}

impl Iterator for Workload<'_> {
    type Item = Planned;

    fn next(&mut self) -> Option<Planned> {
        let options = self.options;
        if self.next == options.requests {
            return None;
        }
        // The first is sent at once.
        if self.next > 0 && options.request_rate.is_finite() {
            let mean = 1.0 / options.request_rate;
            let shape = options.burstiness;
            self.at += self.random.gamma(shape) * mean / shape;
        }
        self.next += 1;
        let own = self.length(options.input_tokens);
        let mut prompt = self.prefix.clone();
        prompt.extend((0..own).map(|_| self.random.below(options.vocabulary)));
        Some(Planned {
            at: Duration::try_from_secs_f64(self.at).unwrap_or(Duration::MAX),
            prompt,
            output_tokens: self.length(options.output_tokens),
            seed: u64::from(self.next),
        })
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u32) -> u32 {
        let scaled = ((self.bits() >> 32) * u64::from(limit)) >> 32;
        u32::try_from(scaled).unwrap_or(0)
    }

    /// In (0, 1).
    fn unit(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
        let unit = ((self.bits() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64;
        unit
    }

    fn normal(&mut self) -> f64 {
        let (a, b) = (self.unit(), self.unit());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }

    /// Of the gamma distribution with this shape and scale 1 (Marsaglia and Tsang 2000).
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = self.unit().powf(1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.unit().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> LoadOptions {
        let mut options = LoadOptions::new(String::new());
        options.requests = 4000;
        options.prefix_tokens = 5;
        options.input_tokens = 40;
        options.range_ratio = 0.5;
        options.request_rate = 20.0;
        options
    }

    #[test]
    fn the_same_seed_plans_the_same_requests() {
        let options = options();
        let plan: Vec<Planned> = Workload::new(&options).collect();
        assert_eq!(plan, Workload::new(&options).collect::<Vec<_>>());
        let mut other = options.clone();
        other.seed = 1;
        assert_ne!(plan, Workload::new(&other).collect::<Vec<_>>());
        assert_eq!(plan[0].at, Duration::ZERO);
        for request in &plan {
            assert_eq!(request.prompt[..5], plan[0].prompt[..5]);
            assert!((25..=65).contains(&request.prompt.len()));
            assert!(request.prompt.iter().all(|&token| token < 256));
        }
    }

    #[test]
    fn pauses_have_the_mean_and_spread_that_were_asked_for() {
        for burstiness in [0.5, 1.0, 4.0] {
            let mut options = options();
            options.burstiness = burstiness;
            let at: Vec<f64> = Workload::new(&options)
                .map(|request| request.at.as_secs_f64())
                .collect();
            let pauses: Vec<f64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let count = f64::from(options.requests - 1);
            let mean = pauses.iter().sum::<f64>() / count;
            let variance = pauses
                .iter()
                .map(|pause| (pause - mean).powi(2))
                .sum::<f64>()
                / count;
            // Of a gamma distribution: mean^2 / shape.
            let expected = mean * mean / burstiness;
            assert!((mean - 0.05).abs() < 0.005, "{burstiness}: mean {mean}");
            assert!(
                (variance / expected - 1.0).abs() < 0.2,
                "{burstiness}: variance {variance}, not {expected}"
            );
        }
    }
}
