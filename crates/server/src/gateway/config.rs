//! The configuration of a gateway: TOML with named fields; what is not known is an error.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use weft_fleet::policy::{self, Handover, Policy, Role, Slo, Speed};

/// A whole configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where to listen. Cannot change while the gateway runs.
    #[serde(default = "default_listen")]
    pub(crate) listen: SocketAddr,
    /// Name of the policy that chooses backends.
    #[serde(default = "default_policy")]
    pub(crate) policy: String,
    /// Latency that was promised, for policies that keep one.
    pub(crate) slo: Option<Slo>,
    /// What it costs to move keys and values between backends, for a policy that parts prefill
    /// and decode.
    pub(crate) handover: Option<Handover>,
    #[serde(default)]
    pub(crate) health: Health,
    #[serde(default)]
    pub(crate) retry: Retry,
    /// Where decisions are written, one JSON object a line.
    pub(crate) decision_log: Option<PathBuf>,
    /// Largest body of a request, bytes.
    #[serde(default = "default_body")]
    pub(crate) body_bytes_max: usize,
    /// How long answers may take after SIGTERM, s.
    #[serde(default = "default_drain")]
    pub(crate) drain_s: u64,
    /// Keys that are accepted; with none, no key is needed.
    #[serde(default, rename = "key")]
    pub(crate) keys: Vec<KeyConfig>,
    #[serde(rename = "backend")]
    pub(crate) backends: Vec<BackendConfig>,
}

/// How backends are watched.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Health {
    /// Between two looks, s.
    pub(crate) interval_s: f64,
    /// How long a look may take, s.
    pub(crate) timeout_s: f64,
    /// Looks in a row that must fail before a backend is taken for dead.
    pub(crate) failed_looks: u32,
    /// Failed requests in a row before a backend is ejected.
    pub(crate) eject_after: u32,
    /// How long it is ejected the first time, s; twice as long each further time, up to 16 times.
    pub(crate) eject_s: f64,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            interval_s: 1.0,
            timeout_s: 2.0,
            failed_looks: 2,
            eject_after: 3,
            eject_s: 5.0,
        }
    }
}

/// What is done when a backend does not answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retry {
    /// Attempts for one request, the first included.
    pub(crate) attempts: u32,
    /// Silence after which an attempt has failed, s.
    pub(crate) silence_s: f64,
    /// Silence after which a second backend is asked too, s. Absent: never.
    pub(crate) hedge_s: Option<f64>,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 4,
            silence_s: 120.0,
            hedge_s: None,
        }
    }
}

/// A key and what it may use.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyConfig {
    pub(crate) key: String,
    /// Name in logs; the key itself is never written.
    pub(crate) name: String,
    pub(crate) requests_per_minute: Option<f64>,
    /// Tokens of prompts and answers.
    pub(crate) tokens_per_minute: Option<f64>,
}

/// One server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackendConfig {
    pub(crate) name: String,
    /// Without a path, such as `http://127.0.0.1:8001`.
    pub(crate) url: String,
    /// Key to send to it.
    pub(crate) api_key: Option<String>,
    /// Models it serves; with none, it is asked.
    #[serde(default)]
    pub(crate) models: Vec<String>,
    #[serde(default)]
    pub(crate) domestic: bool,
    #[serde(default)]
    pub(crate) usd_per_hour: f64,
    /// How fast it is by its model; what is observed corrects it, or stands in for it.
    pub(crate) speed: Option<Speed>,
    #[serde(default = "default_running")]
    pub(crate) running_max: u32,
    #[serde(default = "default_kv")]
    pub(crate) kv_tokens_max: u64,
    /// Whether its answers depend on request and seed alone, as those of `weft serve` do: then an
    /// answer that broke off is taken up where it was, on another such backend.
    #[serde(default)]
    pub(crate) replay: bool,
    /// Which phase of a request it does, for a policy that parts them. Keys and values move
    /// between backends that are `weft serve` with the same model.
    #[serde(default)]
    pub(crate) role: Role,
    /// Takes no new requests.
    #[serde(default)]
    pub(crate) drain: bool,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

fn default_policy() -> String {
    "least-load".to_owned()
}

const fn default_body() -> usize {
    8 << 20
}

const fn default_drain() -> u64 {
    30
}

const fn default_running() -> u32 {
    32
}

const fn default_kv() -> u64 {
    1 << 20
}

impl Config {
    /// Reads and checks a configuration.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check()?;
        Ok(config)
    }

    /// The policy.
    pub(crate) fn policy(&self) -> Result<&'static dyn Policy, String> {
        policy::by_name(&self.policy).map_err(|error| error.to_string())
    }

    fn check(&self) -> Result<(), String> {
        let parts = self.policy()?.name() == "prefill-decode-split";
        if parts && self.handover.is_none() {
            return Err("policy prefill-decode-split: needs [handover]".to_owned());
        }
        if let Some(handover) = self.handover {
            for (name, value) in [
                ("handover.latency_s", handover.latency_s),
                ("handover.s_per_token", handover.s_per_token),
            ] {
                if !(0.0..=86_400.0).contains(&value) {
                    return Err(format!("{name}: {value} is not in 0..=86400"));
                }
            }
        }
        if self.backends.is_empty() {
            return Err("there is no [[backend]]".to_owned());
        }
        let mut names = BTreeSet::new();
        for backend in &self.backends {
            let name = &backend.name;
            if !names.insert(name) {
                return Err(format!("backend `{name}` is there twice"));
            }
            let url = reqwest::Url::parse(&backend.url)
                .map_err(|error| format!("backend `{name}`: url: {error}"))?;
            if url.scheme() != "http" {
                return Err(format!("backend `{name}`: url: only http is supported"));
            }
            if backend.role != Role::Both && !parts {
                return Err(format!(
                    "backend `{name}`: role: needs policy prefill-decode-split"
                ));
            }
        }
        let mut keys = BTreeSet::new();
        for key in &self.keys {
            if key.key.is_empty() || !keys.insert(&key.key) {
                return Err(format!("key `{}` is empty or there twice", key.name));
            }
        }
        let seconds = [
            ("health.interval_s", self.health.interval_s),
            ("health.timeout_s", self.health.timeout_s),
            ("health.eject_s", self.health.eject_s),
            ("retry.silence_s", self.retry.silence_s),
            ("retry.hedge_s", self.retry.hedge_s.unwrap_or(1.0)),
        ];
        for (name, value) in seconds {
            if !(0.001..=86_400.0).contains(&value) {
                return Err(format!("{name}: {value} is not in 0.001..=86400"));
            }
        }
        if self.retry.attempts == 0 {
            return Err("retry.attempts: 0 is not at least 1".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[[backend]]\nname = \"a\"\nurl = \"http://127.0.0.1:1\"\n";

    #[test]
    fn a_short_configuration_has_defaults() {
        let config = Config::parse(GOOD).unwrap();
        assert_eq!(config.policy().unwrap().name(), "least-load");
        assert_eq!(config.retry.attempts, 4);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            (String::new(), "backend"),
            ("backend = []".to_owned(), "no [[backend]]"),
            (format!("policy = \"least-lod\"\n{GOOD}"), "least-load"),
            (format!("polcy = \"x\"\n{GOOD}"), "polcy"),
            (format!("{GOOD}{GOOD}"), "twice"),
            (GOOD.replace("http:", "ftp:"), "only http"),
            (
                format!("policy = \"prefill-decode-split\"\n{GOOD}"),
                "needs [handover]",
            ),
            (format!("{GOOD}role = \"prefill\"\n"), "needs policy"),
            (
                format!("{GOOD}[handover]\nlatency_s = -1.0\ns_per_token = 0.0\n"),
                "handover.latency_s",
            ),
            (format!("{GOOD}[retry]\nattempts = 0\n"), "retry.attempts"),
            (
                format!("{GOOD}[health]\ninterval_s = 0.0\n"),
                "health.interval_s",
            ),
        ] {
            let error = Config::parse(&text).unwrap_err();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }
}
