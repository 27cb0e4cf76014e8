//! The backend that is expected to finish the request first.
//!
//! Queue, uncached part of the prompt and decoding are counted in seconds on *that* chip. Blocks
//! or requests are no measure among unequal chips.

use super::{Backend, Choice, Policy, Reason, Refusal, Request, least, predict};

/// Takes the backend with the least predicted time until the last token.
#[derive(Debug, Clone, Copy)]
pub struct PredictedSeconds;

impl Policy for PredictedSeconds {
    fn name(&self) -> &'static str {
        "predicted-seconds"
    }

    fn choose(&self, request: &Request, backends: &[Backend]) -> Result<Choice, Refusal> {
        let index = least(request, backends, |backend| {
            predict(request, backend).total_s
        })?;
        Ok(Choice::whole(
            index,
            Some(predict(request, &backends[index])),
            Reason::Fastest,
        ))
    }
}
