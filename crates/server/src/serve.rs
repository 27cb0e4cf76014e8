//! A server of one model, from loading to the last answer.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, SemaphorePermit};
use weft_engine::{Accelerator, Engine, EngineOptions, ModelDirectory};

use crate::device_metrics::EngineCollector;
use crate::http::access::Keys;
use crate::http::lifecycle::{Lifecycle, stop_signal};
use crate::http::{self, App, connection};
use crate::identity::{Ids, unix_seconds};
use crate::metrics::Metrics;
use crate::model::{Model, default_name};

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
    /// The configuration of a gateway is wrong.
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
        let directory = ModelDirectory::open(&options.model)?;
        let engine = Engine::load(&directory, accelerator, &options.engine)?;
        let handle = engine.handle();
        let mut names = options.names.clone();
        if names.is_empty() {
            names.push(default_name(&options.model));
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
        runtime()?.block_on(self.run_until(ready, stop_signal))
    }

    /// Serves on a thread of its own until it is told to stop.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on.
    pub fn start(self) -> Result<Running, ServeError> {
        let runtime = runtime()?;
        let stop = Arc::new(Semaphore::new(0));
        let signal = Arc::clone(&stop);
        let (ready, address) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let ready = move |address| {
                // Nobody waits for it only if this thread's starter is gone.
                let _ = ready.send(address);
            };
            runtime.block_on(self.run_until(ready, || {
                let signal = Arc::clone(&signal);
                async move {
                    // Each permit is one signal; the semaphore is never closed.
                    signal.acquire().await.map(SemaphorePermit::forget).ok();
                    Ok(())
                }
            }))
        });
        match address.recv() {
            Ok(address) => Ok(Running {
                address,
                stop,
                thread,
            }),
            Err(_) => Err(join(thread).err().unwrap_or_else(|| {
                ServeError::Config("the server ended before it listened".to_owned())
            })),
        }
    }

    /// [`Self::run`] inside a runtime, with `signal` in place of the process's signals.
    async fn run_until<S>(
        self,
        ready: impl FnOnce(SocketAddr),
        signal: impl Fn() -> S,
    ) -> Result<(), ServeError>
    where
        S: Future<Output = std::io::Result<()>>,
    {
        let Self {
            app,
            engine,
            options,
        } = self;
        let address = options.address;
        let listening = |error| ServeError::system(format!("listen on {address}"), error);
        let listener = TcpListener::bind(address).await.map_err(listening)?;
        ready(listener.local_addr().map_err(listening)?);
        let lifecycle = Arc::clone(&app.lifecycle);
        let mut drained = true;
        let stop = async {
            if signal().await.is_err() {
                // Without signals the server cannot be told to stop, but it can serve.
                std::future::pending::<()>().await;
            }
            drained = tokio::select! {
                drained = lifecycle.drain(options.drain_time) => drained,
                _ = signal() => false,
            };
        };
        connection::serve(listener, http::router(app), options.connections_max, stop).await;
        let requests = lifecycle.answering();
        drop(engine);
        if drained || requests == 0 {
            return Ok(());
        }
        Err(ServeError::CutOff {
            requests,
            after: options.drain_time,
        })
    }
}

/// Two threads: the engine computes on its own, these only move bytes.
pub(crate) fn runtime() -> Result<Runtime, ServeError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| ServeError::system("start the runtime", error))
}

fn join(thread: JoinHandle<Result<(), ServeError>>) -> Result<(), ServeError> {
    match thread.join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// A server on a thread of its own. Dropping it leaves it running.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: Arc<Semaphore>,
    thread: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses new requests from now on, as SIGTERM does; a second call ends it at once.
    pub fn signal(&self) {
        self.stop.add_permits(1);
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    ///
    /// As [`Server::run`].
    pub fn wait(self) -> Result<(), ServeError> {
        join(self.thread)
    }
}
