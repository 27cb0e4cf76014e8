//! The backend, or the pair of them, where a request costs all requests together the least time.
//!
//! The fastest backend for a request is not the best place for it if others then wait: a long
//! prompt stalls every answer that is being made beside it, so the time that others lose counts
//! as the request's own does. The bounds on latency come first, since an answer that is late
//! anyway is worth less. Where keys and values can travel, a prompt goes where it stalls little
//! and its answer where steps are cheap.

use super::{
    Backend, Choice, Policy, Prediction, Reason, Refusal, Request, decode_s, interference_s,
    predict_busy, prompts_s, queue_s, refusal, turn_order,
};

/// Among the choices within the bounds, takes the one with the least added time; where there is
/// none, of all of them.
#[derive(Debug, Clone, Copy)]
pub struct AddedSeconds {
    /// Share of each bound that a prediction may use, 0..=1.
    pub share: f64,
}

/// Requests that are expected to miss a bound, then seconds: smaller is better.
type Cost = (u32, f64);

impl AddedSeconds {
    /// A guard of a fifth, about the error of the predictions.
    pub const USUAL: Self = Self { share: 0.8 };

    fn misses(&self, request: &Request, ttft_s: f64, tpot_s: f64) -> bool {
        let within = |slo: super::Slo| {
            let share = self.share;
            ttft_s <= slo.ttft_s * share && tpot_s <= slo.tpot_s * share
        };
        request.slo.is_some_and(|slo| !within(slo))
    }

    /// Requests that run on `backend` and would miss the bound for the prompt's sake: all, or
    /// none, since the router knows only their mean length.
    fn pushed_out(&self, request: &Request, backend: &Backend) -> u32 {
        let Some(slo) = request.slo else { return 0 };
        let output = f64::from(request.output_tokens.max(1));
        let before_s = decode_s(request, backend).0;
        let after_s = before_s + prefill_s(request, backend) / output;
        let bound_s = slo.tpot_s * self.share;
        if before_s <= bound_s && after_s > bound_s {
            backend.running_requests
        } else {
            0
        }
    }

    /// Both phases on one backend.
    fn whole(&self, request: &Request, backend: &Backend) -> (Cost, Prediction) {
        let prediction = predict_busy(request, backend);
        let others_s = stalled_s(request, backend) + slowed_s(request, backend);
        let missed = u32::from(self.misses(request, prediction.ttft_s, prediction.tpot_s))
            + self.pushed_out(request, backend);
        ((missed, prediction.total_s + others_s), prediction)
    }

    /// The prompt only: the time to its first token is part of the cost.
    fn prefill(&self, request: &Request, backend: &Backend) -> (Cost, f64) {
        let uncached = request.prompt_tokens.saturating_sub(backend.cached_tokens);
        let ttft_s = prompts_s(backend, f64::from(uncached.max(1)));
        let missed =
            u32::from(self.misses(request, ttft_s, 0.0)) + self.pushed_out(request, backend);
        ((missed, ttft_s + stalled_s(request, backend)), ttft_s)
    }

    /// The answer only, from the handover on; with its time per token.
    fn decode(&self, request: &Request, backend: &Backend) -> (Cost, f64) {
        let output = f64::from(request.output_tokens.max(1));
        let travel_s = request.handover.map_or(0.0, |link| {
            link.latency_s + f64::from(request.prompt_tokens) * link.s_per_token
        });
        // What its other requests prefill on it stalls this one too, unless they are prefilled
        // elsewhere, which a backend with an empty queue of prompts shows.
        let prompts = if backend.role == super::Role::Both && backend.queued_prompt_tokens > 0 {
            interference_s(request, backend)
        } else {
            0.0
        };
        let step_s = decode_s(request, backend).0 + prompts;
        // Servers admit in the order of arrival, so what was handed over waits for the prompts
        // before it: between its first token and its second, where an answer has few to hide it.
        let own_s = travel_s + queue_s(request, backend) + output * step_s;
        let tpot_s = own_s / output;
        let missed = u32::from(self.misses(request, 0.0, tpot_s));
        ((missed, own_s + slowed_s(request, backend)), tpot_s)
    }
}

impl Policy for AddedSeconds {
    fn name(&self) -> &'static str {
        "added-seconds"
    }

    fn choose(&self, request: &Request, backends: &[Backend]) -> Result<Choice, Refusal> {
        let mut whole: Option<(Cost, usize, Prediction)> = None;
        let mut prefiller: Option<(Cost, usize, f64)> = None;
        let mut decoder: Option<(Cost, usize, f64)> = None;
        fn keep<T>(best: &mut Option<(Cost, usize, T)>, index: usize, (cost, value): (Cost, T)) {
            if best.as_ref().is_none_or(|best| cost < best.0) {
                *best = Some((cost, index, value));
            }
        }
        for index in turn_order(request.sequence, backends.len()) {
            let backend = &backends[index];
            if backend.can_serve(request) {
                keep(&mut whole, index, self.whole(request, backend));
            }
            if request.handover.is_none() {
                continue;
            }
            if backend.can_prefill(request) {
                keep(&mut prefiller, index, self.prefill(request, backend));
            }
            if backend.can_decode(request) {
                keep(&mut decoder, index, self.decode(request, backend));
            }
        }
        let pair = match (prefiller, decoder) {
            (Some((first, prefill, ttft_s)), Some((second, decode, tpot_s)))
                if prefill != decode =>
            {
                let further = f64::from(request.output_tokens.saturating_sub(1));
                let choice = Choice {
                    prefill,
                    decode,
                    prediction: Some(Prediction {
                        ttft_s,
                        tpot_s,
                        total_s: ttft_s + further * tpot_s,
                        usd: backends[prefill].usd_per_s * prefill_s(request, &backends[prefill])
                            + backends[decode].usd_per_s
                                * further
                                * decode_s(request, &backends[decode]).1,
                    }),
                    reason: Reason::Split,
                };
                Some(((first.0 + second.0, first.1 + second.1), choice))
            }
            _ => None,
        };
        match (whole, pair) {
            (Some((cost, ..)), Some((apart, choice))) if apart < cost => Ok(choice),
            (None, Some((_, choice))) => Ok(choice),
            (Some(((missed, _), index, prediction)), _) => {
                let reason = if missed > 0 {
                    Reason::NoneWithinSlo
                } else {
                    Reason::LeastAdded
                };
                Ok(Choice::whole(index, Some(prediction), reason))
            }
            (None, None) => Err(refusal(backends)),
        }
    }
}

/// Seconds of the part of the prompt that no cache holds.
fn prefill_s(request: &Request, backend: &Backend) -> f64 {
    let uncached = request.prompt_tokens.saturating_sub(backend.cached_tokens);
    backend.speed.prefill_s(f64::from(uncached.max(1)))
}

/// Seconds that the answers under way on `backend` wait for the prompt, together.
fn stalled_s(request: &Request, backend: &Backend) -> f64 {
    f64::from(backend.running_requests) * prefill_s(request, backend)
}

/// Seconds by which the steps of the others become longer, together, as long as both run: half
/// of the answer.
fn slowed_s(request: &Request, backend: &Backend) -> f64 {
    let own = f64::from(request.prompt_tokens) + f64::from(request.output_tokens) / 2.0;
    let step_s = backend.speed.step_s_per_sequence + own * backend.speed.step_s_per_kv_token;
    let shared = f64::from(request.output_tokens) / 2.0;
    f64::from(backend.running_requests) * shared * step_s
}
