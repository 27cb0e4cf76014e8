//! One backend as the gateway sees it: whether it lives, how busy and how fast it is.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use weft_fleet::policy::{self, Speed};
use weft_fleet::prefix::PrefixCache;

use super::config::{BackendConfig, Health};

/// Characters of a prompt that stand for one block of a prefix cache.
const BLOCK_CHARACTERS: usize = 256;

/// Characters that make a token, roughly: the gateway has no tokenizer.
pub(crate) const CHARACTERS_PER_TOKEN: usize = 4;

/// Blocks that a backend is taken to hold.
const CACHE_BLOCKS_MAX: usize = 1 << 14;

/// Weight of a new observation in a mean.
const NEW_WEIGHT: f64 = 0.2;

/// Bounds of how much slower than its model a backend is taken to be.
const SLOWNESS: (f64, f64) = (0.25, 64.0);

/// A backend. Its state outlives a change of the configuration.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) config: BackendConfig,
    pub(crate) shared: Arc<Shared>,
}

/// What is known of a backend.
#[derive(Debug)]
pub(crate) struct Shared {
    in_flight: AtomicU32,
    /// Whether it is taken for dead: those who wait for it look here.
    dead: watch::Sender<bool>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Models it said it serves; `None` before it was asked.
    models: Option<Vec<String>>,
    failed_looks: u32,
    failed_requests: u32,
    ejections: u32,
    ejected_until: Option<Instant>,
    waiting: u32,
    running: u32,
    /// Means of what was observed, s.
    first_token_s: Option<f64>,
    per_token_s: Option<f64>,
    /// Observed over predicted time to the first token.
    slowness: f64,
    cache: PrefixCache,
}

/// A request on its way; counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Shared>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Backend {
    /// A backend of which nothing is known yet, or that continues an earlier one.
    pub(crate) fn new(config: BackendConfig, earlier: Option<Arc<Shared>>) -> Self {
        let shared = earlier.unwrap_or_else(|| {
            Arc::new(Shared {
                in_flight: AtomicU32::new(0),
                dead: watch::Sender::new(false),
                state: Mutex::new(State {
                    models: None,
                    failed_looks: 0,
                    failed_requests: 0,
                    ejections: 0,
                    ejected_until: None,
                    waiting: 0,
                    running: 0,
                    first_token_s: None,
                    per_token_s: None,
                    slowness: 1.0,
                    cache: PrefixCache::new(CACHE_BLOCKS_MAX),
                }),
            })
        });
        Self { config, shared }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request until the result is dropped.
    pub(crate) fn enter(&self) -> Busy {
        self.shared.in_flight.fetch_add(1, Ordering::AcqRel);
        Busy(Arc::clone(&self.shared))
    }

    /// Requests of ours that it has.
    pub(crate) fn in_flight(&self) -> u32 {
        self.shared.in_flight.load(Ordering::Acquire)
    }

    /// Whether it is taken for dead.
    pub(crate) fn is_dead(&self) -> bool {
        *self.shared.dead.borrow()
    }

    /// Completes when it is taken for dead.
    pub(crate) async fn dies(&self) {
        let mut dead = self.shared.dead.subscribe();
        // The sender lives as long as the backend.
        let _ = dead.wait_for(|dead| *dead).await;
    }

    /// Whether it is ejected now.
    pub(crate) fn is_ejected(&self, now: Instant) -> bool {
        self.state().ejected_until.is_some_and(|until| now < until)
    }

    /// Whether it serves a model, as far as is known.
    pub(crate) fn serves(&self, model: Option<&str>) -> bool {
        let Some(model) = model else {
            return true;
        };
        let has = |models: &[String]| models.iter().any(|each| each == model);
        if !self.config.models.is_empty() {
            return has(&self.config.models);
        }
        self.state().models.as_deref().is_none_or(has)
    }

    /// The models it serves, as far as is known.
    pub(crate) fn models(&self) -> Vec<String> {
        if self.config.models.is_empty() {
            self.state().models.clone().unwrap_or_default()
        } else {
            self.config.models.clone()
        }
    }

    /// Whether it must be asked for its models.
    pub(crate) fn must_tell_models(&self) -> bool {
        self.config.models.is_empty() && self.state().models.is_none()
    }

    /// It said what it serves.
    pub(crate) fn set_models(&self, models: Vec<String>) {
        self.state().models = Some(models);
    }

    /// It said how busy it is.
    pub(crate) fn set_load(&self, waiting: u32, running: u32) {
        let mut state = self.state();
        state.waiting = waiting;
        state.running = running;
    }

    /// A look at its health has ended.
    pub(crate) fn looked(&self, healthy: bool, health: &Health) {
        let mut state = self.state();
        let was_dead = self.is_dead();
        state.failed_looks = if healthy {
            0
        } else {
            state.failed_looks.saturating_add(1)
        };
        if was_dead && healthy {
            // It may be another process with other models and an empty cache.
            state.models = None;
            state.cache.clear();
            state.failed_requests = 0;
            state.ejected_until = None;
            (state.waiting, state.running) = (0, 0);
        }
        let dead = state.failed_looks >= health.failed_looks;
        self.shared
            .dead
            .send_if_modified(|value| std::mem::replace(value, dead) != dead);
    }

    /// A request has failed. Whether it is ejected for that.
    pub(crate) fn failed(&self, now: Instant, health: &Health) -> bool {
        let mut state = self.state();
        state.failed_requests += 1;
        if state.failed_requests < health.eject_after {
            return false;
        }
        state.failed_requests = 0;
        let times = 1_u32 << state.ejections.min(4);
        state.ejections += 1;
        state.ejected_until =
            Some(now + Duration::from_secs_f64(health.eject_s * f64::from(times)));
        true
    }

    /// A request was answered.
    pub(crate) fn succeeded(&self) {
        let mut state = self.state();
        state.failed_requests = 0;
        state.ejections = 0;
    }

    /// It holds this prompt now.
    pub(crate) fn remember(&self, prompt: &[u64]) {
        self.state().cache.insert(prompt);
    }

    /// The first token of a request took so long; `predicted_s` is what was expected.
    pub(crate) fn observe_first_token(&self, seconds: f64, predicted_s: Option<f64>) {
        let mut state = self.state();
        state.first_token_s = Some(mean(state.first_token_s, seconds));
        if let Some(predicted_s) = predicted_s.filter(|predicted_s| *predicted_s > 0.0) {
            let slower = state.slowness * (1.0 - NEW_WEIGHT)
                + NEW_WEIGHT * state.slowness * seconds / predicted_s;
            state.slowness = slower.clamp(SLOWNESS.0, SLOWNESS.1);
        }
    }

    /// A token after the first took so long.
    pub(crate) fn observe_token(&self, seconds: f64) {
        let mut state = self.state();
        state.per_token_s = Some(mean(state.per_token_s, seconds));
    }

    /// What a policy is told of it.
    pub(crate) fn snapshot(&self, accepts: bool, prompt: &[u64]) -> policy::Backend {
        let state = self.state();
        let places = self.config.running_max;
        // Ours are known exactly; what others sent is known as of the last look.
        let load = self
            .in_flight()
            .max(state.waiting.saturating_add(state.running));
        let running = load.min(places);
        let held = state.cache.held(prompt) * BLOCK_CHARACTERS / CHARACTERS_PER_TOKEN;
        let speed = match self.config.speed {
            Some(speed) => Speed {
                prefill_base_s: speed.prefill_base_s * state.slowness,
                prefill_s_per_token: speed.prefill_s_per_token * state.slowness,
                step_base_s: speed.step_base_s * state.slowness,
                step_s_per_sequence: speed.step_s_per_sequence * state.slowness,
                step_s_per_kv_token: speed.step_s_per_kv_token * state.slowness,
            },
            None => Speed {
                prefill_base_s: state.first_token_s.unwrap_or(0.0),
                step_base_s: state.per_token_s.unwrap_or(0.0),
                ..Speed::default()
            },
        };
        policy::Backend {
            accepts,
            role: self.config.role,
            domestic: self.config.domestic,
            queued_requests: load - running,
            running_requests: running,
            running_max: places,
            kv_tokens_max: self.config.kv_tokens_max,
            cached_tokens: u32::try_from(held).unwrap_or(u32::MAX),
            usd_per_s: self.config.usd_per_hour / 3600.0,
            speed,
            ..policy::Backend::default()
        }
    }
}

fn mean(old: Option<f64>, new: f64) -> f64 {
    old.map_or(new, |old| old * (1.0 - NEW_WEIGHT) + new * NEW_WEIGHT)
}

/// Hashes of the blocks of a prompt, each with all before it.
pub(crate) fn blocks(prompt: &str) -> Vec<u64> {
    // FNV-1a: the same in every process, unlike the standard library's.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut hashes = Vec::new();
    for block in prompt.as_bytes().chunks_exact(BLOCK_CHARACTERS) {
        for byte in block {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        hashes.push(hash);
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend() -> Backend {
        let config = toml::from_str("name = \"a\"\nurl = \"http://x\"").unwrap();
        Backend::new(config, None)
    }

    #[test]
    fn an_outlier_is_ejected_longer_each_time() {
        let (backend, health) = (backend(), Health::default());
        let now = Instant::now();
        let later = |seconds| now + Duration::from_secs(seconds);
        assert!(!backend.failed(now, &health) && !backend.failed(now, &health));
        assert!(backend.failed(now, &health));
        assert!(backend.is_ejected(later(4)) && !backend.is_ejected(later(6)));
        for _ in 0..3 {
            backend.failed(now, &health);
        }
        assert!(backend.is_ejected(later(9)) && !backend.is_ejected(later(11)));
    }

    #[test]
    fn a_backend_that_comes_back_is_asked_anew() {
        let (backend, health) = (backend(), Health::default());
        backend.set_models(vec!["m".to_owned()]);
        assert!(backend.serves(Some("m")) && !backend.serves(Some("n")));
        backend.looked(false, &health);
        assert!(!backend.is_dead());
        backend.looked(false, &health);
        assert!(backend.is_dead());
        backend.looked(true, &health);
        assert!(!backend.is_dead() && backend.must_tell_models());
    }

    #[test]
    fn what_is_observed_corrects_what_is_expected() {
        let backend = backend();
        backend.observe_first_token(2.0, None);
        backend.observe_token(0.5);
        let speed = backend.snapshot(true, &[]).speed;
        assert!((speed.prefill_base_s - 2.0).abs() < 1e-12);
        assert!((speed.step_base_s - 0.5).abs() < 1e-12);
        let prompt = blocks(&"x".repeat(600));
        assert_eq!(prompt.len(), 2);
        backend.remember(&prompt);
        assert_eq!(backend.snapshot(true, &prompt).cached_tokens, 128);
    }
}
