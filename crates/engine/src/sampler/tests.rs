//! Each parameter alone, and the distribution of draws.

use super::{Choice, TokenCounts, sample};
use crate::constraint::TokenSet;
use crate::request::SamplingParameters;

fn choose(logits: &[f32], parameters: &SamplingParameters, draw: u64) -> u32 {
    let counts = TokenCounts::default();
    let choice = Choice {
        parameters,
        counts: &counts,
        allowed: None,
        banned: &[],
        logprobs: None,
        seed: 3,
        draw,
    };
    sample(&mut logits.to_vec(), &choice)
        .expect("a token")
        .token
}

/// How often each of four tokens is drawn, of 4,000 draws.
fn histogram(logits: &[f32; 4], parameters: &SamplingParameters) -> [u32; 4] {
    let mut counts = [0; 4];
    for draw in 0..4000 {
        counts[choose(logits, parameters, draw) as usize] += 1;
    }
    counts
}

/// Logits of the probabilities 0.5, 0.25, 0.15 and 0.1.
fn logits() -> [f32; 4] {
    [0.5f32, 0.25, 0.15, 0.1].map(f32::ln)
}

fn with(change: impl FnOnce(&mut SamplingParameters)) -> SamplingParameters {
    let mut parameters = SamplingParameters::default();
    change(&mut parameters);
    parameters
}

#[test]
fn draws_follow_the_distribution() {
    let found = histogram(&logits(), &SamplingParameters::default());
    // Five standard deviations of a binomial of 4,000 are at most 158.
    for (found, expected) in found.into_iter().zip([2000u32, 1000, 600, 400]) {
        assert!(found.abs_diff(expected) < 158, "{found} for {expected}");
    }
}

#[test]
fn greedy_takes_the_lowest_id_among_equals() {
    assert_eq!(
        choose(&[1.0, 3.0, 3.0], &SamplingParameters::greedy(), 0),
        1
    );
}

#[test]
fn top_k_top_p_and_min_p_cut_the_tail() {
    let cut = |parameters: &SamplingParameters| histogram(&logits(), parameters).map(|n| n > 0);
    assert_eq!(cut(&with(|p| p.top_k = 1)), [true, false, false, false]);
    assert_eq!(cut(&with(|p| p.top_k = 3)), [true, true, true, false]);
    assert_eq!(cut(&with(|p| p.top_p = 0.7)), [true, true, false, false]);
    assert_eq!(cut(&with(|p| p.top_p = 0.8)), [true, true, true, false]);
    assert_eq!(cut(&with(|p| p.min_p = 0.4)), [true, true, false, false]);
    assert_eq!(cut(&with(|p| p.min_p = 0.25)), [true, true, true, false]);
}

#[test]
fn a_low_temperature_sharpens() {
    // Probabilities squared: 0.25, 0.0625, 0.0225, 0.01, of 0.345.
    let found = histogram(&logits(), &with(|p| p.temperature = 0.5));
    assert!(found[0].abs_diff(2899) < 158, "{found:?}");
}

#[test]
fn penalties_count_prompt_and_answer() {
    let mut counts = TokenCounts::of_prompt(&[0]);
    counts.add(1);
    counts.add(1);
    let parameters = with(|p| {
        p.repetition_penalty = 2.0;
        p.presence_penalty = 0.25;
        p.frequency_penalty = 0.5;
        p.logit_bias = vec![(3, -1.0)];
        p.temperature = 0.0;
    });
    let choice = Choice {
        parameters: &parameters,
        counts: &counts,
        allowed: None,
        banned: &[],
        logprobs: None,
        seed: 0,
        draw: 0,
    };
    let mut logits = [4.0, -1.0, 1.0, 3.0];
    let sampled = sample(&mut logits, &choice).expect("a token");
    // 4 / 2; -1 * 2 - 0.25 - 2 * 0.5; untouched; 3 - 1.
    assert_eq!(logits, [2.0, -3.25, 1.0, 2.0]);
    assert_eq!(sampled.token, 0);
}

#[test]
fn nothing_outside_the_allowed_set_comes() {
    let counts = TokenCounts::default();
    let mut allowed = TokenSet::none(4);
    allowed.insert(2);
    let parameters = SamplingParameters::default();
    for draw in 0..100 {
        let choice = Choice {
            parameters: &parameters,
            counts: &counts,
            allowed: Some(&allowed),
            banned: &[],
            logprobs: None,
            seed: 0,
            draw,
        };
        assert_eq!(sample(&mut logits(), &choice).expect("one").token, 2);
    }
    let none = TokenSet::none(4);
    let choice = Choice {
        parameters: &parameters,
        counts: &counts,
        allowed: Some(&none),
        banned: &[],
        logprobs: None,
        seed: 0,
        draw: 0,
    };
    assert_eq!(sample(&mut logits(), &choice), None);
    assert_eq!(sample(&mut [f32::NAN, 1.0], &choice), None);
}
