//! Prefill on one backend, decode on another, where that is expected to be faster.
//!
//! A chip with little compute for its bandwidth decodes well and prefills badly; the pair of a
//! fast prefiller and an idle decoder can beat both, if the keys and values travel quickly.

use super::{
    Backend, Choice, Policy, Prediction, Reason, Refusal, Request, decode_s, predict, prompts_s,
    queue_s, refusal, turn_order,
};

/// Takes the pair of backends, or the single one, with the least predicted time.
#[derive(Debug, Clone, Copy)]
pub struct PrefillDecodeSplit;

impl Policy for PrefillDecodeSplit {
    fn name(&self) -> &'static str {
        "prefill-decode-split"
    }

    fn choose(&self, request: &Request, backends: &[Backend]) -> Result<Choice, Refusal> {
        let mut best: Option<Choice> = None;
        let mut offer = |choice: Choice| {
            let total_s = |choice: &Choice| choice.prediction.map_or(f64::MAX, |it| it.total_s);
            if best
                .as_ref()
                .is_none_or(|best| total_s(&choice) < total_s(best))
            {
                best = Some(choice);
            }
        };
        // Time until the last token is a sum of a term of the prefiller, one of the decoder and
        // the handover, so the best pair is the best of each.
        let mut prefiller: Option<(usize, f64)> = None;
        let mut decoder: Option<(usize, f64)> = None;
        for index in turn_order(request.sequence, backends.len()) {
            let backend = &backends[index];
            if backend.can_serve(request) {
                offer(Choice::whole(
                    index,
                    Some(predict(request, backend)),
                    Reason::Fastest,
                ));
            }
            if backend.can_prefill(request) {
                let cost = prefill_s(request, backend);
                if prefiller.is_none_or(|(_, least)| cost < least) {
                    prefiller = Some((index, cost));
                }
            }
            if backend.can_decode(request) {
                let cost = queue_s(request, backend)
                    + f64::from(request.output_tokens) * decode_s(request, backend).0;
                if decoder.is_none_or(|(_, least)| cost < least) {
                    decoder = Some((index, cost));
                }
            }
        }
        if let (Some((prefill, _)), Some((decode, _)), Some(_)) =
            (prefiller, decoder, request.handover)
            && prefill != decode
        {
            offer(Choice {
                prefill,
                decode,
                prediction: Some(predict_split(
                    request,
                    &backends[prefill],
                    &backends[decode],
                )),
                reason: Reason::Split,
            });
        }
        best.ok_or_else(|| refusal(backends))
    }
}

/// Seconds until the first token on `backend`, which makes no others.
fn prefill_s(request: &Request, backend: &Backend) -> f64 {
    let uncached = request
        .prompt_tokens
        .saturating_sub(backend.cached_tokens)
        .max(1);
    prompts_s(backend, f64::from(uncached))
}

/// What a pair is expected to take. The first token is the prefiller's; the wait for the
/// handover and for a place lies before the second and is spread over the output.
fn predict_split(request: &Request, prefill: &Backend, decode: &Backend) -> Prediction {
    let ttft_s = prefill_s(request, prefill);
    let (step_s, share_s) = decode_s(request, decode);
    let further = f64::from(request.output_tokens.saturating_sub(1));
    let between_s = request.handover.map_or(0.0, |link| {
        link.latency_s + f64::from(request.prompt_tokens) * link.s_per_token
    }) + queue_s(request, decode);
    let total_s = ttft_s + between_s + further * step_s;
    let uncached = request
        .prompt_tokens
        .saturating_sub(prefill.cached_tokens)
        .max(1);
    Prediction {
        ttft_s,
        tpot_s: (total_s - ttft_s) / further.max(1.0),
        total_s,
        usd: prefill.usd_per_s * prefill.speed.prefill_s(f64::from(uncached))
            + decode.usd_per_s * further * share_s,
    }
}
