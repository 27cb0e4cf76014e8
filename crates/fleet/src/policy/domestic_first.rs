//! Domestic chips while they keep the bounds on latency, others when they do not.

use super::{Backend, Choice, Policy, Prediction, Reason, Refusal, Request, least, predict};

/// Takes the fastest domestic backend within the bounds, else the fastest other one within
/// them, else the fastest. Without bounds every domestic backend is within them.
#[derive(Debug, Clone, Copy)]
pub struct DomesticFirst {
    /// Share of each bound that a prediction may use, 0..=1.
    pub share: f64,
}

impl DomesticFirst {
    /// A guard of a fifth, about the error of the predictions.
    pub const USUAL: Self = Self { share: 0.8 };

    fn within(&self, request: &Request, prediction: &Prediction) -> bool {
        request
            .slo
            .is_none_or(|slo| prediction.meets(slo, self.share))
    }
}

impl Policy for DomesticFirst {
    fn name(&self) -> &'static str {
        "domestic-first"
    }

    fn choose(&self, request: &Request, backends: &[Backend]) -> Result<Choice, Refusal> {
        let index = least(request, backends, |backend| {
            let prediction = predict(request, backend);
            let rank = match (self.within(request, &prediction), backend.domestic) {
                (true, true) => 0,
                (true, false) => 1,
                (false, _) => 2,
            };
            (rank, prediction.total_s)
        })?;
        let prediction = predict(request, &backends[index]);
        let reason = match (self.within(request, &prediction), backends[index].domestic) {
            (true, true) => Reason::DomesticWithinSlo,
            (true, false) => Reason::Spilled,
            (false, _) => Reason::NoneWithinSlo,
        };
        Ok(Choice::whole(index, Some(prediction), reason))
    }
}
