//! Each backend in turn, whatever it is: the baseline.

use super::{Backend, Choice, Policy, Reason, Refusal, Request, refusal, turn_order};

/// Takes the next backend that can serve.
#[derive(Debug, Clone, Copy)]
pub struct RoundRobin;

impl Policy for RoundRobin {
    fn name(&self) -> &'static str {
        "round-robin"
    }

    fn choose(&self, request: &Request, backends: &[Backend]) -> Result<Choice, Refusal> {
        turn_order(request.sequence, backends.len())
            .find(|index| backends[*index].can_serve(request))
            .map(|index| Choice::whole(index, None, Reason::Turn))
            .ok_or_else(|| refusal(backends))
    }
}
