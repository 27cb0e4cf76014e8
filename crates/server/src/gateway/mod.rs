//! `weft route`: one address in front of any mix of OpenAI-compatible servers.
//!
//! ```text
//! client ──► routes: keys, quotas ──► fleet: a policy of weft-fleet chooses a backend
//!                                        │
//!        events, answers ◄── relay ◄── attempt ──► backend
//!                              ├── retries, hedges, takes up what broke off
//!                              └── prefill: the prompt elsewhere, where the phases part
//! watch: health, load and models of backends; the configuration file
//! ```
//!
//! The policies are pure functions in `weft-fleet`, the very ones that its simulator runs. What
//! they are told is gathered here: own requests in flight, the backends' metrics, what was
//! observed of their speed, and which prompts they have seen.

mod attempt;
mod backend;
mod config;
mod decisions;
mod fleet;
mod metrics;
mod prefill;
mod quota;
mod relay;
mod routes;
mod watch;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde_json::Value;

use crate::ServeError;
use crate::http::lifecycle::Lifecycle;
use crate::http::service::{Running, Service};
use crate::identity::Ids;
use config::Config;
use decisions::Log;
use fleet::Fleet;
use metrics::GatewayMetrics;
use quota::Quotas;

/// Connections of clients open at once.
const CONNECTIONS_MAX: usize = 4096;

/// How long it may take to connect to a backend.
const CONNECT_TIME: Duration = Duration::from_secs(2);

/// Everything that requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    fleet: RwLock<Arc<Fleet>>,
    client: reqwest::Client,
    metrics: GatewayMetrics,
    quotas: Quotas,
    lifecycle: Arc<Lifecycle>,
    ids: Ids,
    /// Number of the next request.
    sequence: AtomicU64,
    log: Log,
}

impl Shared {
    fn fleet(&self) -> Arc<Fleet> {
        Arc::clone(&self.fleet.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_fleet(&self, fleet: Fleet) {
        *self.fleet.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fleet);
    }

    fn decide(&self, decision: Value) {
        self.log.write(&decision);
    }
}

/// A gateway that is configured and not yet running.
#[derive(Debug)]
pub struct Gateway {
    shared: Arc<Shared>,
    path: PathBuf,
    text: String,
}

impl Gateway {
    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or says something that is wrong.
    pub fn open(path: &Path) -> Result<Self, ServeError> {
        let reading = |error| ServeError::system(format!("read {}", path.display()), error);
        let text = std::fs::read_to_string(path).map_err(reading)?;
        let wrong = |reason| ServeError::Config(format!("{}: {reason}", path.display()));
        let config = Config::parse(&text).map_err(wrong)?;
        let log = Log::open(config.decision_log.as_deref())
            .map_err(|error| ServeError::system("open the decision log", error))?;
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIME)
            .no_proxy()
            .build()
            .map_err(|error| ServeError::Config(error.to_string()))?;
        let fleet = Fleet::new(config, &[]).map_err(wrong)?;
        Ok(Self {
            shared: Arc::new(Shared {
                fleet: RwLock::new(Arc::new(fleet)),
                client,
                metrics: GatewayMetrics::new(),
                quotas: Quotas::default(),
                lifecycle: Arc::new(Lifecycle::default()),
                ids: Ids::new(),
                sequence: AtomicU64::new(0),
                log,
            }),
            path: path.to_owned(),
            text,
        })
    }

    /// The name of the policy.
    #[must_use]
    pub fn policy(&self) -> String {
        self.shared.fleet().config.policy.clone()
    }

    /// Routes until SIGTERM or SIGINT, then finishes what it has. `ready` is called with the
    /// address when requests are taken.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on, or answers were cut off.
    pub fn run(self, ready: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
        self.service().run(ready)
    }

    /// Routes on a thread of its own until it is told to stop.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on.
    pub fn start(self) -> Result<Running, ServeError> {
        self.service().start(())
    }

    fn service(self) -> Service {
        let fleet = self.shared.fleet();
        let config = &fleet.config;
        Service {
            address: config.listen,
            router: routes::router(Arc::clone(&self.shared)),
            lifecycle: Arc::clone(&self.shared.lifecycle),
            connections_max: CONNECTIONS_MAX,
            drain_time: Duration::from_secs(config.drain_s),
            background: vec![
                Box::pin(watch::look_after(Arc::clone(&self.shared))),
                Box::pin(watch::reload(self.shared, self.path, self.text)),
            ],
        }
    }
}
