//! The cheapest backend that is expected to keep the bounds on latency.

use super::{Backend, Choice, Policy, Reason, Refusal, Request, least, predict};

/// Takes the cheapest backend within the bounds, else the fastest. Without bounds it is the
/// cheapest.
#[derive(Debug, Clone, Copy)]
pub struct CostFirst {
    /// Share of each bound that a prediction may use, 0..=1: the guard against its error.
    pub share: f64,
}

impl CostFirst {
    /// A guard of a fifth, about the error of the predictions.
    pub const USUAL: Self = Self { share: 0.8 };
}

impl Policy for CostFirst {
    fn name(&self) -> &'static str {
        "cost-first"
    }

    fn choose(&self, request: &Request, backends: &[Backend]) -> Result<Choice, Refusal> {
        let within = |prediction: &super::Prediction| {
            request
                .slo
                .is_none_or(|slo| prediction.meets(slo, self.share))
        };
        let index = least(request, backends, |backend| {
            let prediction = predict(request, backend);
            if within(&prediction) {
                (0, prediction.usd, prediction.total_s)
            } else {
                (1, prediction.total_s, prediction.usd)
            }
        })?;
        let prediction = predict(request, &backends[index]);
        let reason = if within(&prediction) {
            Reason::CheapestWithinSlo
        } else {
            Reason::NoneWithinSlo
        };
        Ok(Choice::whole(index, Some(prediction), reason))
    }
}
