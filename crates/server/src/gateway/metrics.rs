//! Metrics of the gateway.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::fleet::Fleet;
use crate::openai::error::ApiError;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    backend: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    status: u16,
}

type ByBackend = Family<Of, Counter>;

/// Counters and gauges.
#[derive(Debug)]
pub(crate) struct GatewayMetrics {
    registry: Registry,
    replies: ByBackend,
    failures: ByBackend,
    retries: ByBackend,
    hedges: ByBackend,
    replays: ByBackend,
    prefills: ByBackend,
    ejections: ByBackend,
    refusals: Family<Refused, Counter>,
    reloads: Counter,
    refused_reloads: Counter,
    healthy: Family<Of, Gauge>,
    in_flight: Family<Of, Gauge>,
}

impl GatewayMetrics {
    /// Metrics that count from zero.
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            replies: Family::default(),
            failures: Family::default(),
            retries: Family::default(),
            hedges: Family::default(),
            replays: Family::default(),
            prefills: Family::default(),
            ejections: Family::default(),
            refusals: Family::default(),
            reloads: Counter::default(),
            refused_reloads: Counter::default(),
            healthy: Family::default(),
            in_flight: Family::default(),
        };
        let registry = &mut metrics.registry;
        let counters = [
            ("replies", "Answers begun by a backend", &metrics.replies),
            ("failures", "Failures of a backend", &metrics.failures),
            (
                "retries",
                "Requests that were sent elsewhere",
                &metrics.retries,
            ),
            (
                "hedges",
                "Second requests to this backend because another was silent",
                &metrics.hedges,
            ),
            (
                "replays",
                "Broken answers that this backend took up",
                &metrics.replays,
            ),
            (
                "prefills",
                "Prompts that this backend computed for another",
                &metrics.prefills,
            ),
            ("ejections", "Ejections of a backend", &metrics.ejections),
        ];
        for (name, help, counter) in counters {
            registry.register(format!("weft:gateway_{name}"), help, counter.clone());
        }
        registry.register(
            "weft:gateway_refusals",
            "Requests that were refused",
            metrics.refusals.clone(),
        );
        registry.register(
            "weft:gateway_reloads",
            "Configurations taken over",
            metrics.reloads.clone(),
        );
        let help = "Configurations refused";
        registry.register(
            "weft:gateway_refused_reloads",
            help,
            metrics.refused_reloads.clone(),
        );
        registry.register(
            "weft:gateway_backend_healthy",
            "1 if alive",
            metrics.healthy.clone(),
        );
        registry.register(
            "weft:gateway_backend_in_flight",
            "Requests there",
            metrics.in_flight.clone(),
        );
        metrics
    }

    /// A backend has begun an answer.
    pub(crate) fn count_reply(&self, backend: &str) {
        count(&self.replies, backend);
    }

    /// A backend has failed.
    pub(crate) fn count_failure(&self, backend: &str) {
        count(&self.failures, backend);
    }

    /// A request that a backend did not answer is sent elsewhere.
    pub(crate) fn count_retry(&self, backend: &str) {
        count(&self.retries, backend);
    }

    /// A backend has computed a prompt for another.
    pub(crate) fn count_prefill(&self, backend: &str) {
        count(&self.prefills, backend);
    }

    /// A backend is asked because another was silent.
    pub(crate) fn count_hedge(&self, backend: &str) {
        count(&self.hedges, backend);
    }

    /// A backend takes up a broken answer.
    pub(crate) fn count_replay(&self, backend: &str) {
        count(&self.replays, backend);
    }

    /// A backend is ejected.
    pub(crate) fn count_ejection(&self, backend: &str) {
        count(&self.ejections, backend);
    }

    /// A request is refused.
    pub(crate) fn count_refusal(&self, error: &ApiError) {
        let status = error.status().as_u16();
        self.refusals.get_or_create(&Refused { status }).inc();
    }

    /// The configuration was read again.
    pub(crate) fn count_reload(&self, taken: bool) {
        if taken {
            &self.reloads
        } else {
            &self.refused_reloads
        }
        .inc();
    }

    /// All metrics as text.
    pub(crate) fn encode(&self, fleet: &Fleet) -> Result<String, ApiError> {
        self.healthy.clear();
        self.in_flight.clear();
        for each in &fleet.backends {
            let backend = each.config.name.clone();
            let of = Of { backend };
            self.healthy
                .get_or_create(&of)
                .set(i64::from(!each.is_dead()));
            self.in_flight
                .get_or_create(&of)
                .set(each.in_flight().into());
        }
        let mut text = String::new();
        text::encode(&mut text, &self.registry).map_err(|error| ApiError::Internal {
            message: format!("failed to write metrics: {error}"),
        })?;
        Ok(text)
    }
}

fn count(family: &ByBackend, backend: &str) {
    let backend = backend.to_owned();
    family.get_or_create(&Of { backend }).inc();
}
