//! The backend whose prefix cache holds most of the prompt, unless it is overloaded.

use super::{Backend, Choice, LeastLoad, Policy, Reason, Refusal, Request, least};

/// Takes the backend that holds the longest part of the prompt.
#[derive(Debug, Clone, Copy)]
pub struct PrefixAffinity {
    /// Least share of the prompt that must be held for affinity to count, 0..=1.
    pub share_min: f64,
    /// Most requests for each place in the batch at which affinity still counts.
    pub load_max: f64,
}

impl PrefixAffinity {
    /// A quarter of the prompt, and a queue as long as the batch.
    pub const USUAL: Self = Self {
        share_min: 0.25,
        load_max: 2.0,
    };
}

impl Policy for PrefixAffinity {
    fn name(&self) -> &'static str {
        "prefix-affinity"
    }

    fn choose(&self, request: &Request, backends: &[Backend]) -> Result<Choice, Refusal> {
        let index = least(request, backends, |backend| {
            let load = backend.load() as f64 / f64::from(backend.running_max.max(1));
            let share = f64::from(backend.cached_tokens) / f64::from(request.prompt_tokens.max(1));
            let counts = share >= self.share_min && load <= self.load_max;
            (if counts { -share } else { 0.0 }, load)
        })?;
        let held = f64::from(backends[index].cached_tokens);
        if held >= self.share_min * f64::from(request.prompt_tokens.max(1)) {
            return Ok(Choice::whole(index, None, Reason::Prefix));
        }
        LeastLoad.choose(request, backends)
    }
}
