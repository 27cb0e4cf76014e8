//! The backend with the fewest requests, as common gateways do it.

use super::{Backend, Choice, Policy, Reason, Refusal, Request, least};

/// Takes the backend with the fewest requests for each place in its batch.
#[derive(Debug, Clone, Copy)]
pub struct LeastLoad;

impl Policy for LeastLoad {
    fn name(&self) -> &'static str {
        "least-load"
    }

    fn choose(&self, request: &Request, backends: &[Backend]) -> Result<Choice, Refusal> {
        let index = least(request, backends, |backend| {
            backend.load() as f64 / f64::from(backend.running_max.max(1))
        })?;
        Ok(Choice::whole(index, None, Reason::LeastLoaded))
    }
}
