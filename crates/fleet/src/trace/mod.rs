//! Traces of requests: when they arrive, how long they are, which blocks their prompts share.
//!
//! Read from the formats of the public traces (Azure LLM 2023, Mooncake, BurstGPT), or made from
//! published distributions.

mod formats;
mod resample;
mod synthetic;

pub use formats::{TraceError, read};
pub use synthetic::{Lengths, Synthetic};

/// One request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// When it arrives, s after the beginning of the trace.
    pub at_s: f64,
    /// Tokens of the prompt, at least 1.
    pub prompt_tokens: u32,
    /// Tokens of the output, at least 1.
    pub output_tokens: u32,
    /// Where its block hashes begin in [`Trace::blocks`].
    pub blocks_begin: u32,
    /// How many there are.
    pub blocks_count: u32,
}

/// A trace, in order of arrival.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// The requests.
    pub arrivals: Vec<Arrival>,
    /// Hashes of the blocks of all prompts. A hash stands for its block and all before it.
    pub blocks: Vec<u64>,
    /// Tokens of a block; 0 when the trace knows no blocks.
    pub block_tokens: u32,
}

impl Trace {
    /// The block hashes of a request.
    #[must_use]
    pub fn blocks_of(&self, arrival: &Arrival) -> &[u64] {
        let begin = arrival.blocks_begin as usize;
        &self.blocks[begin..begin + arrival.blocks_count as usize]
    }

    /// Seconds from the first request to the last.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        match (self.arrivals.first(), self.arrivals.last()) {
            (Some(first), Some(last)) => last.at_s - first.at_s,
            _ => 0.0,
        }
    }

    /// Mean tokens of prompts and of outputs.
    #[must_use]
    pub fn mean_tokens(&self) -> (f64, f64) {
        let count = self.arrivals.len().max(1) as f64;
        let sum = |tokens: fn(&Arrival) -> u32| -> f64 {
            self.arrivals
                .iter()
                .map(|it| f64::from(tokens(it)))
                .sum::<f64>()
                / count
        };
        (sum(|it| it.prompt_tokens), sum(|it| it.output_tokens))
    }

    /// Coefficient of variation of the time between requests: 1 is Poisson, more is bursty.
    #[must_use]
    pub fn burstiness(&self) -> f64 {
        let gaps = || {
            self.arrivals
                .windows(2)
                .map(|pair| pair[1].at_s - pair[0].at_s)
        };
        let count = gaps().count().max(1) as f64;
        let mean = gaps().sum::<f64>() / count;
        let variance = gaps().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count;
        variance.sqrt() / mean.max(f64::MIN_POSITIVE)
    }

    /// The trace with all times divided by `factor`: the same requests, arriving faster.
    #[must_use]
    pub fn faster(mut self, factor: f64) -> Self {
        for arrival in &mut self.arrivals {
            arrival.at_s /= factor;
        }
        self
    }
}
