//! From logits to a token.
//!
//! Everything here depends on the logits, the parameters, the tokens so far and a seed alone;
//! draw `i` of an answer is a function of seed and `i`, so that an answer that was preempted and
//! computed again goes on as it would have.

use crate::constraint::TokenSet;
use crate::request::{SamplingParameters, TokenLogprob, TokenLogprobs};
use std::collections::BTreeMap;

/// Occurrences of tokens in the prompt and in the answer, for penalties.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenCounts {
    /// Token to occurrences in the answer; 0 for tokens that only the prompt has.
    counts: BTreeMap<u32, u32>,
}

impl TokenCounts {
    pub(crate) fn of_prompt(prompt: &[u32]) -> Self {
        Self {
            counts: prompt.iter().map(|&token| (token, 0)).collect(),
        }
    }

    pub(crate) fn add(&mut self, token: u32) {
        *self.counts.entry(token).or_default() += 1;
    }
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sampled {
    pub(crate) token: u32,
    pub(crate) logprobs: Option<TokenLogprobs>,
}

/// Inputs of one choice beside the logits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice<'a> {
    pub(crate) parameters: &'a SamplingParameters,
    pub(crate) counts: &'a TokenCounts,
    /// Tokens that may come; `None`: all.
    pub(crate) allowed: Option<&'a TokenSet>,
    /// Tokens that may not come.
    pub(crate) banned: &'a [u32],
    pub(crate) logprobs: Option<u32>,
    pub(crate) seed: u64,
    /// Number of the draw in its answer.
    pub(crate) draw: u64,
}

/// Chooses a token. `logits` are changed. `None` if a logit is NaN or no token is possible.
pub(crate) fn sample(logits: &mut [f32], choice: &Choice<'_>) -> Option<Sampled> {
    if logits.iter().any(|logit| logit.is_nan()) {
        return None;
    }
    apply_penalties(logits, choice);
    for &token in choice.banned {
        logits[token as usize] = f32::NEG_INFINITY;
    }
    if let Some(allowed) = choice.allowed {
        for (token, logit) in (0..).zip(logits.iter_mut()) {
            if !allowed.contains(token) {
                *logit = f32::NEG_INFINITY;
            }
        }
    }
    let best = argmax(logits)?;
    let token = if choice.parameters.temperature == 0.0 {
        best
    } else {
        draw(logits, choice, best)
    };
    let logprobs = choice.logprobs.map(|count| logprobs(logits, token, count));
    Some(Sampled { token, logprobs })
}

fn apply_penalties(logits: &mut [f32], choice: &Choice<'_>) {
    let parameters = choice.parameters;
    for &(token, bias) in &parameters.logit_bias {
        logits[token as usize] += bias;
    }
    let repetition = parameters.repetition_penalty;
    let (presence, frequency) = (parameters.presence_penalty, parameters.frequency_penalty);
    if repetition == 1.0 && presence == 0.0 && frequency == 0.0 {
        return;
    }
    for (&token, &count) in &choice.counts.counts {
        let logit = &mut logits[token as usize];
        *logit = if *logit > 0.0 {
            *logit / repetition
        } else {
            *logit * repetition
        };
        if count > 0 {
            #[expect(clippy::cast_precision_loss, reason = "a context has fewer tokens")]
            let count = count as f32;
            *logit -= presence + frequency * count;
        }
    }
}

/// The largest logit, the lowest id among equals; `None` if all are negative infinity.
fn argmax(logits: &[f32]) -> Option<u32> {
    let mut best = (f32::NEG_INFINITY, None);
    for (token, &logit) in (0..).zip(logits) {
        if logit > best.0 {
            best = (logit, Some(token));
        }
    }
    best.1
}

/// One draw from the truncated distribution.
fn draw(logits: &[f32], choice: &Choice<'_>, best: u32) -> u32 {
    let parameters = choice.parameters;
    let peak = logits[best as usize];
    // Weight relative to the likeliest token, in f64: the same for every order of sums that
    // matters here.
    let scale = 1.0 / f64::from(parameters.temperature);
    let weight = |logit: f32| (f64::from(logit - peak) * scale).exp();
    let mut candidates: Vec<(u32, f64)> = (0..)
        .zip(logits)
        .map(|(token, &logit)| (token, weight(logit)))
        .filter(|&(_, weight)| weight > 0.0 && weight >= f64::from(parameters.min_p))
        .collect();
    // Likeliest first, the lowest id among equals.
    let order = |a: &(u32, f64), b: &(u32, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    let top_k = parameters.top_k as usize;
    if top_k > 0 && top_k < candidates.len() {
        candidates.select_nth_unstable_by(top_k - 1, order);
        candidates.truncate(top_k);
    }
    candidates.sort_unstable_by(order);
    let mut total: f64 = candidates.iter().map(|&(_, weight)| weight).sum();
    if parameters.top_p < 1.0 {
        let limit = total * f64::from(parameters.top_p);
        let mut sum = 0.0;
        let kept = candidates
            .iter()
            .position(|&(_, weight)| {
                sum += weight;
                sum >= limit
            })
            .map_or(candidates.len(), |last| last + 1);
        candidates.truncate(kept);
        total = candidates.iter().map(|&(_, weight)| weight).sum();
    }
    let target = uniform(choice.seed, choice.draw) * total;
    let mut sum = 0.0;
    for &(token, weight) in &candidates {
        sum += weight;
        if target < sum {
            return token;
        }
    }
    candidates.last().map_or(best, |&(token, _)| token)
}

/// Number `index` of the sequence of a seed, uniform in [0, 1). SplitMix64 (Steele, Lea,
/// Flood, "Fast splittable pseudorandom number generators", 2014), of a seed that was mixed
/// once: neighbouring seeds would otherwise be the same sequence, shifted.
fn uniform(seed: u64, index: u64) -> f64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |mut z: u64| {
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    };
    let start = mix(seed.wrapping_add(STEP));
    let bits = mix(start.wrapping_add(STEP.wrapping_mul(index.wrapping_add(1)))) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    let value = bits as f64;
    value / (1u64 << 53) as f64
}

/// Log-probabilities of the whole distribution, before temperature.
fn logprobs(logits: &[f32], chosen: u32, count: u32) -> TokenLogprobs {
    let peak = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits
        .iter()
        .map(|&logit| f64::from(logit - peak).exp())
        .sum();
    let log_sum = sum.ln();
    #[expect(clippy::cast_possible_truncation, reason = "log-probabilities are f32")]
    let of = |token: u32| TokenLogprob {
        token,
        logprob: (f64::from(logits[token as usize] - peak) - log_sum) as f32,
    };
    let mut tokens: Vec<u32> = (0..).zip(logits).map(|(token, _)| token).collect();
    let count = (count as usize).min(tokens.len());
    let order = |a: &u32, b: &u32| {
        let (x, y) = (logits[*a as usize], logits[*b as usize]);
        y.total_cmp(&x).then(a.cmp(b))
    };
    if count > 0 && count < tokens.len() {
        tokens.select_nth_unstable_by(count - 1, order);
    }
    tokens.truncate(count);
    tokens.sort_unstable_by(order);
    TokenLogprobs {
        chosen: of(chosen),
        top: tokens.into_iter().map(of).collect(),
    }
}

#[cfg(test)]
mod tests;
