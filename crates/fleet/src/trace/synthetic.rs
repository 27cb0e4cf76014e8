//! Traces made from published distributions.

use serde::{Deserialize, Serialize};

use super::{Arrival, Trace};
use crate::random::Random;

/// Lengths in tokens: log-normal through a median and a 95th percentile, cut at `most`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lengths {
    /// Half of the lengths are below it.
    pub median: f64,
    /// 95 % of them are below it; equal to the median for one fixed length.
    pub p95: f64,
    /// None is above it.
    pub most: u32,
}

/// Distance of the 95th percentile from the median of a normal distribution, in deviations.
const P95_DEVIATIONS: f64 = 1.644_853_626_951;

impl Lengths {
    /// Every length is `tokens`.
    #[must_use]
    pub fn fixed(tokens: u32) -> Self {
        Self {
            median: f64::from(tokens),
            p95: f64::from(tokens),
            most: tokens,
        }
    }

    /// Median, 95th percentile and largest of `lengths`; of one token when there are none.
    #[must_use]
    pub fn of(lengths: impl Iterator<Item = u32>) -> Self {
        let mut lengths: Vec<u32> = lengths.collect();
        lengths.sort_unstable();
        let Some(most) = lengths.last().copied() else {
            return Self::fixed(1);
        };
        let at = |percent: usize| {
            let index = (lengths.len() * percent).div_ceil(100).max(1) - 1;
            f64::from(lengths[index])
        };
        Self {
            median: at(50),
            p95: at(95),
            most,
        }
    }

    /// The mean, before lengths are cut.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.median * (self.deviation().powi(2) / 2.0).exp()
    }

    fn deviation(&self) -> f64 {
        (self.p95 / self.median).max(1.0).ln() / P95_DEVIATIONS
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "cut to 1..=most before the cast"
    )]
    fn draw(&self, random: &mut Random) -> u32 {
        let length = self.median * (random.normal() * self.deviation()).exp();
        length.round().clamp(1.0, f64::from(self.most.max(1))) as u32
    }
}

/// A service to imitate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Synthetic {
    /// Requests in all.
    pub requests: u64,
    /// Mean requests per second.
    pub rate: f64,
    /// Coefficient of variation of the time between requests: 1 is Poisson, more is bursty.
    #[serde(default = "one")]
    pub burstiness: f64,
    /// Tokens of prompts.
    pub prompt: Lengths,
    /// Tokens of outputs.
    pub output: Lengths,
    /// Share of prompts that begin with one of a few common prefixes.
    #[serde(default)]
    pub shared: f64,
    /// How many common prefixes there are.
    #[serde(default)]
    pub prefixes: u64,
    /// Tokens of a common prefix.
    #[serde(default)]
    pub prefix_tokens: u32,
    /// Seed.
    #[serde(default)]
    pub seed: u64,
}

fn one() -> f64 {
    1.0
}

/// Tokens of a block, when prompts share prefixes.
const BLOCK_TOKENS: u32 = 64;

impl Synthetic {
    /// The conversation service of the Azure LLM 2023 trace: 19,366 requests in 58 minutes with
    /// prompts of median 1,020 and 95th percentile 4,083 tokens, outputs of 129 and 451.
    #[must_use]
    pub fn azure_conversation(requests: u64, rate: f64, seed: u64) -> Self {
        Self {
            requests,
            rate,
            burstiness: 1.5,
            prompt: Lengths {
                median: 1020.0,
                p95: 4083.0,
                most: 14_000,
            },
            output: Lengths {
                median: 129.0,
                p95: 451.0,
                most: 1000,
            },
            shared: 0.0,
            prefixes: 0,
            prefix_tokens: 0,
            seed,
        }
    }

    /// The code service of the Azure LLM 2023 trace: prompts of median 1,469 and 95th percentile
    /// 7,315 tokens, outputs of 13 and 90.
    #[must_use]
    pub fn azure_code(requests: u64, rate: f64, seed: u64) -> Self {
        Self {
            prompt: Lengths {
                median: 1469.0,
                p95: 7315.0,
                most: 14_000,
            },
            output: Lengths {
                median: 13.0,
                p95: 90.0,
                most: 1000,
            },
            ..Self::azure_conversation(requests, rate, seed)
        }
    }

    /// A service like the conversation trace of Mooncake: long prompts of which about a third is
    /// a prefix that others share.
    #[must_use]
    pub fn mooncake_conversation(requests: u64, rate: f64, seed: u64) -> Self {
        Self {
            prompt: Lengths {
                median: 7000.0,
                p95: 35_000.0,
                most: 100_000,
            },
            output: Lengths {
                median: 300.0,
                p95: 900.0,
                most: 2000,
            },
            shared: 0.75,
            prefixes: 60,
            prefix_tokens: 6000,
            ..Self::azure_conversation(requests, rate, seed)
        }
    }

    /// Makes the trace. Times between requests are log-normal with the asked variation.
    #[must_use]
    pub fn trace(&self) -> Trace {
        let mut random = Random::new(self.seed);
        let blocks = self.shared > 0.0 && self.prefixes > 0;
        let mut trace = Trace {
            block_tokens: if blocks { BLOCK_TOKENS } else { 0 },
            ..Trace::default()
        };
        let mut at_s = 0.0;
        let spread = (1.0 + self.burstiness.powi(2)).ln().sqrt();
        for number in 0..self.requests {
            let mut arrival = Arrival {
                at_s,
                prompt_tokens: self.prompt.draw(&mut random),
                output_tokens: self.output.draw(&mut random),
                blocks_begin: u32::try_from(trace.blocks.len()).unwrap_or(u32::MAX),
                blocks_count: 0,
            };
            if blocks {
                arrival.blocks_count =
                    self.push_blocks(number, &arrival, &mut random, &mut trace.blocks);
            }
            trace.arrivals.push(arrival);
            let gap = (random.normal() * spread - spread * spread / 2.0).exp();
            at_s += gap / self.rate;
        }
        trace
    }

    /// Hashes of the whole blocks of a prompt: of a common prefix, then its own.
    fn push_blocks(
        &self,
        number: u64,
        arrival: &Arrival,
        random: &mut Random,
        into: &mut Vec<u64>,
    ) -> u32 {
        let count = arrival.prompt_tokens / BLOCK_TOKENS;
        let common = if random.unit() < self.shared {
            count.min(self.prefix_tokens / BLOCK_TOKENS)
        } else {
            0
        };
        // Squared, so that some prefixes are far more popular than others.
        let which = random.below(self.prefixes).min(random.below(self.prefixes));
        for block in 0..count {
            into.push(if block < common {
                (1 << 63) | (which << 32) | u64::from(block)
            } else {
                (number << 20) | u64::from(block)
            });
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_rate_are_those_asked_for() {
        let service = Synthetic::azure_conversation(40_000, 5.0, 3);
        let trace = service.trace();
        let mut prompts: Vec<u32> = trace.arrivals.iter().map(|it| it.prompt_tokens).collect();
        prompts.sort_unstable();
        let near = |value: f64, wanted: f64| {
            assert!((value / wanted - 1.0).abs() < 0.05, "{value} {wanted}")
        };
        near(f64::from(prompts[20_000]), 1020.0);
        near(f64::from(prompts[38_000]), 4083.0);
        near(40_000.0 / trace.seconds(), 5.0);
    }

    #[test]
    fn lengths_and_burstiness_are_found_again() {
        let service = Synthetic::azure_conversation(40_000, 5.0, 3);
        let trace = service.trace();
        let found = Lengths::of(trace.arrivals.iter().map(|it| it.prompt_tokens));
        assert!((found.median / 1020.0 - 1.0).abs() < 0.05, "{found:?}");
        assert!((found.p95 / 4083.0 - 1.0).abs() < 0.05, "{found:?}");
        assert!((trace.burstiness() / 1.5 - 1.0).abs() < 0.1);
        assert_eq!(Lengths::of([].into_iter()), Lengths::fixed(1));
    }

    #[test]
    fn the_same_seed_gives_the_same_trace() {
        let service = Synthetic::mooncake_conversation(500, 5.0, 9);
        assert_eq!(service.trace().arrivals, service.trace().arrivals);
        assert_eq!(service.trace().blocks, service.trace().blocks);
        let other = Synthetic {
            seed: 10,
            ..service.clone()
        };
        assert_ne!(service.trace().arrivals, other.trace().arrivals);
    }
}
