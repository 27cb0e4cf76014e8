//! The backends of one configuration, and the choice among them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use weft_fleet::policy::{self, Choice, Policy, Refusal};

use super::backend::{Backend, CHARACTERS_PER_TOKEN};
use super::config::Config;

/// Tokens that an answer is expected to have when the request does not say.
const OUTPUT_TOKENS: u32 = 256;

/// A configuration at work.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) config: Config,
    pub(crate) backends: Vec<Arc<Backend>>,
    policy: &'static dyn Policy,
}

/// What of a request matters for the choice.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// Number of the request.
    pub(crate) sequence: u64,
    pub(crate) model: Option<String>,
    /// Hashes of the blocks of the prompt.
    pub(crate) blocks: Vec<u64>,
    pub(crate) prompt_tokens: u32,
    pub(crate) output_tokens: u32,
    /// Whether tokens are generated: only then there are two phases.
    pub(crate) generates: bool,
}

impl Wish {
    /// What a request with this body wishes.
    pub(crate) fn of(value: &Value, sequence: &AtomicU64) -> Self {
        let prompt = ["messages", "prompt", "input", "documents"]
            .iter()
            .find_map(|field| value.get(field))
            .map(Value::to_string)
            .unwrap_or_default();
        let limit = value
            .get("max_completion_tokens")
            .or_else(|| value.get("max_tokens"));
        let limit = limit
            .and_then(Value::as_u64)
            .and_then(|limit| u32::try_from(limit).ok());
        Self {
            sequence: sequence.fetch_add(1, Ordering::Relaxed),
            model: value
                .get("model")
                .and_then(Value::as_str)
                .map(str::to_owned),
            blocks: super::backend::blocks(&prompt),
            prompt_tokens: u32::try_from(prompt.len() / CHARACTERS_PER_TOKEN).unwrap_or(u32::MAX),
            output_tokens: limit.unwrap_or(OUTPUT_TOKENS),
            generates: false,
        }
    }
}

/// A chosen backend, and the line for the decision log.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) backend: Arc<Backend>,
    /// Another one that computes the prompt first.
    pub(crate) prefill: Option<Arc<Backend>>,
    /// Expected time to the first token, by policies that predict.
    pub(crate) predicted_s: Option<f64>,
    pub(crate) decision: Value,
}

impl Chosen {
    /// The backend of a first half alone.
    pub(crate) fn first_half(backend: Arc<Backend>) -> Self {
        Self {
            backend,
            prefill: None,
            predicted_s: None,
            decision: Value::Null,
        }
    }
}

impl Fleet {
    /// The fleet of a configuration. Backends that were there before keep what is known of them.
    pub(crate) fn new(config: Config, earlier: &[Arc<Backend>]) -> Result<Self, String> {
        let policy = config.policy()?;
        let backends = config.backends.iter().map(|backend| {
            let same = |each: &&Arc<Backend>| {
                each.config.name == backend.name && each.config.url == backend.url
            };
            let shared = earlier
                .iter()
                .find(same)
                .map(|each| Arc::clone(&each.shared));
            Arc::new(Backend::new(backend.clone(), shared))
        });
        Ok(Self {
            backends: backends.collect(),
            policy,
            config,
        })
    }

    /// Whether any backend serves this model.
    pub(crate) fn knows(&self, model: Option<&str>) -> bool {
        self.backends.iter().any(|backend| backend.serves(model))
    }

    /// The backend that the policy chooses, but none of `tried`, and with `replay` only one whose
    /// answers can be taken up.
    pub(crate) fn choose(
        &self,
        wish: &Wish,
        tried: &BTreeSet<String>,
        replay: bool,
        now: Instant,
    ) -> Result<Chosen, Refusal> {
        let accepts = |backend: &Backend, ejected_too: bool| {
            !backend.config.drain
                && !backend.is_dead()
                && backend.serves(wish.model.as_deref())
                && !tried.contains(&backend.config.name)
                && (!replay || backend.config.replay)
                && (ejected_too || !backend.is_ejected(now))
        };
        // When all that live are ejected, they are still better than no answer.
        let all_ejected = !self.backends.iter().any(|backend| accepts(backend, false));
        let snapshots: Vec<policy::Backend> = self
            .backends
            .iter()
            .map(|backend| backend.snapshot(accepts(backend, all_ejected), &wish.blocks))
            .collect();
        let request = policy::Request {
            sequence: wish.sequence,
            prompt_tokens: wish.prompt_tokens,
            output_tokens: wish.output_tokens,
            slo: self.config.slo,
            handover: self.config.handover.filter(|_| wish.generates),
        };
        let choice = self.policy.choose(&request, &snapshots)?;
        let backend = Arc::clone(&self.backends[choice.decode]);
        backend.remember(&wish.blocks);
        let prefill = (choice.prefill != choice.decode).then(|| {
            let prefill = Arc::clone(&self.backends[choice.prefill]);
            prefill.remember(&wish.blocks);
            prefill
        });
        Ok(Chosen {
            prefill,
            // What is observed of the second half is not what was expected of the whole.
            predicted_s: choice
                .prediction
                .filter(|_| choice.prefill == choice.decode)
                .map(|prediction| prediction.ttft_s),
            decision: self.decision(wish, &choice, &snapshots),
            backend,
        })
    }

    fn decision(&self, wish: &Wish, choice: &Choice, snapshots: &[policy::Backend]) -> Value {
        let candidates = self
            .backends
            .iter()
            .zip(snapshots)
            .map(|(backend, snapshot)| {
                json!({
                    "backend": backend.config.name, "accepts": snapshot.accepts,
                    "queued": snapshot.queued_requests, "running": snapshot.running_requests,
                    "cached_tokens": snapshot.cached_tokens,
                })
            });
        json!({
            "sequence": wish.sequence, "model": wish.model, "prompt_tokens": wish.prompt_tokens,
            "policy": self.policy.name(), "backend": self.backends[choice.decode].config.name,
            "prefill": self.backends[choice.prefill].config.name,
            "reason": choice.reason.to_string(), "prediction": choice.prediction,
            "candidates": candidates.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(policy: &str) -> Fleet {
        let text = format!(
            "policy = \"{policy}\"\n\
             [[backend]]\nname = \"a\"\nurl = \"http://a\"\nmodels = [\"m\"]\nreplay = true\n\
             [[backend]]\nname = \"b\"\nurl = \"http://b\"\n\
             [[backend]]\nname = \"c\"\nurl = \"http://c\"\ndrain = true\n"
        );
        Fleet::new(Config::parse(&text).unwrap(), &[]).unwrap()
    }

    fn choose(fleet: &Fleet, tried: &[&str], replay: bool) -> Result<String, Refusal> {
        let wish = Wish::of(&json!({"model": "m", "prompt": "hi"}), &AtomicU64::new(1));
        let tried = tried.iter().map(|&name| name.to_owned()).collect();
        let chosen = fleet.choose(&wish, &tried, replay, Instant::now())?;
        Ok(chosen.backend.config.name.clone())
    }

    #[test]
    fn what_must_not_be_asked_is_not() {
        let fleet = fleet("least-load");
        assert_eq!(choose(&fleet, &["a"], false).unwrap(), "b");
        assert_eq!(choose(&fleet, &["b"], false).unwrap(), "a");
        assert_eq!(choose(&fleet, &[], true).unwrap(), "a");
        assert_eq!(
            choose(&fleet, &["a", "b"], false),
            Err(Refusal::NoneAccepts)
        );
        fleet.backends[0].set_load(0, 9);
        assert_eq!(choose(&fleet, &[], false).unwrap(), "b");
    }

    #[test]
    fn a_changed_configuration_keeps_what_is_known() {
        let old = fleet("least-load");
        let busy = old.backends[1].enter();
        let new = Fleet::new(old.config.clone(), &old.backends).unwrap();
        assert_eq!(new.backends[1].in_flight(), 1);
        drop(busy);
        assert_eq!(new.backends[1].in_flight(), 0);
    }

    #[test]
    fn ejected_backends_are_the_last_resort() {
        let fleet = fleet("round-robin");
        for backend in &fleet.backends {
            for _ in 0..3 {
                backend.failed(Instant::now(), &fleet.config.health);
            }
        }
        assert!(choose(&fleet, &[], false).is_ok());
    }
}
