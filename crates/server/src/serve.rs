//! A server of one model, from loading to the last answer.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use weft_engine::{Accelerator, Engine, EngineOptions, ModelDirectory};

use crate::device_metrics::EngineCollector;
use crate::handover::Peers;
use crate::http::access::Keys;
use crate::http::lifecycle::Lifecycle;
use crate::http::service::{Running, Service};
use crate::http::{self, App};
use crate::identity::{Ids, unix_seconds};
use crate::metrics::Metrics;
use crate::model::Model;

/// How a model is served.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Directory of the checkpoint.
    pub model: PathBuf,
    /// Names that requests may use; with none, the last part of the directory.
    pub names: Vec<String>,
    /// Where to listen. Port 0 takes any free one.
    pub address: SocketAddr,
    /// Keys that are accepted; with none, no key is needed.
    pub api_keys: Vec<String>,
    /// Servers whose keys and values may be taken over, as `http://HOST:PORT`.
    pub kv_peers: Vec<String>,
    /// Key to send to them.
    pub kv_key: Option<String>,
    /// Batch, cache and queue.
    pub engine: EngineOptions,
    /// Largest body of a request, in bytes.
    pub body_bytes_max: usize,
    /// How long a body may take to arrive.
    pub body_time: Duration,
    /// Connections open at once; further ones wait.
    pub connections_max: usize,
    /// How long answers may take after the server was told to stop.
    pub drain_time: Duration,
}

impl ServeOptions {
    /// Options for a model directory, everything else at its default: any free port of the
    /// loopback interface, no keys, bodies of 8 MiB in 30 s, 1024 connections, 30 s to drain.
    #[must_use]
    pub fn new(model: PathBuf) -> Self {
        Self {
            model,
            names: Vec::new(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            api_keys: Vec::new(),
            kv_peers: Vec::new(),
            kv_key: None,
            engine: EngineOptions::default(),
            body_bytes_max: 8 << 20,
            body_time: Duration::from_secs(30),
            connections_max: 1024,
            drain_time: Duration::from_secs(30),
        }
    }
}

/// Why a server did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The model cannot be loaded.
    #[error(transparent)]
    Engine(#[from] weft_engine::Error),
    /// The model has no tokenizer, so it cannot read text.
    #[error("the model has no tokenizer.json")]
    NoTokenizer,
    /// The chat template of the model is malformed.
    #[error("{0}")]
    Template(String),
    /// The address cannot be listened on, or the system refused something else.
    #[error("failed to {action}: {source}")]
    System {
        /// What was attempted.
        action: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Answers were cut off at the end.
    #[error("{requests} requests were cut off after {} s of draining", after.as_secs())]
    CutOff {
        /// How many.
        requests: usize,
        /// How long was waited for them.
        after: Duration,
    },
    /// The configuration is wrong.
    #[error("{0}")]
    Config(String),
}

impl ServeError {
    pub(crate) fn system(action: impl Into<String>, source: std::io::Error) -> Self {
        Self::System {
            action: action.into(),
            source,
        }
    }
}

/// A loaded model, ready to be served.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    /// Ends its thread when dropped, after the last answer.
    engine: Engine,
    options: ServeOptions,
}

impl Server {
    /// Loads the model onto an accelerator.
    ///
    /// # Errors
    ///
    /// If the model cannot be loaded or cannot read text, or its chat template is malformed.
    pub fn load(
        options: ServeOptions,
        accelerator: Box<dyn Accelerator>,
    ) -> Result<Self, ServeError> {
        let peers = Peers::new(&options.kv_peers, options.kv_key.clone())?;
        let directory = ModelDirectory::open(&options.model)?;
        let engine = Engine::load(&directory, accelerator, &options.engine)?;
        let handle = engine.handle();
        let mut names = options.names.clone();
        if names.is_empty() {
            names.push(directory.name());
        }
        let model = Model::new(&directory, handle.clone(), names)?;
        let metrics = Metrics::new(model.name(), |registry| {
            registry.register_collector(Box::new(EngineCollector::new(handle)));
        });
        let app = App {
            model,
            metrics: Arc::new(metrics),
            lifecycle: Arc::new(Lifecycle::default()),
            keys: Keys::new(options.api_keys.iter().cloned()),
            peers,
            ids: Ids::new(),
            created: unix_seconds(),
            body_bytes_max: options.body_bytes_max,
            body_time: options.body_time,
        };
        Ok(Self {
            app: Arc::new(app),
            engine,
            options,
        })
    }

    /// The name of the model in answers.
    #[must_use]
    pub fn name(&self) -> &str {
        self.app.model.name()
    }

    /// Serves until SIGTERM or SIGINT, then refuses new requests and finishes those it has. A
    /// second signal ends it at once. `ready` is called with the address when requests are taken.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on, or answers were cut off.
    pub fn run(self, ready: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
        self.service().run(ready)
    }

    /// Serves on a thread of its own until it is told to stop.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on.
    pub fn start(self) -> Result<Running, ServeError> {
        let service = self.service();
        service.start(self.engine)
    }

    fn service(&self) -> Service {
        Service {
            address: self.options.address,
            router: http::router(Arc::clone(&self.app)),
            lifecycle: Arc::clone(&self.app.lifecycle),
            connections_max: self.options.connections_max,
            drain_time: self.options.drain_time,
            background: Vec::new(),
        }
    }
}
