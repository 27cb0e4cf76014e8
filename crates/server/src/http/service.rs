//! A set of routes on a socket, until it is told to stop.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::connection;
use super::lifecycle::{Lifecycle, stop_signal};
use crate::ServeError;

/// Routes, and how they are served.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) router: Router,
    pub(crate) lifecycle: Arc<Lifecycle>,
    pub(crate) connections_max: usize,
    /// How long answers may take after the service was told to stop.
    pub(crate) drain_time: Duration,
    /// What runs beside the routes; dropped at the end.
    pub(crate) background: Vec<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Service {
    /// Serves until SIGTERM or SIGINT; a second one ends it at once.
    pub(crate) fn run(self, ready: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
        runtime()?.block_on(self.run_until(ready, stop_signal))
    }

    /// Serves on a thread of its own; `keep` is dropped when it has ended.
    pub(crate) fn start(self, keep: impl Send + 'static) -> Result<Running, ServeError> {
        let runtime = runtime()?;
        let stop = Arc::new(Semaphore::new(0));
        let signal = Arc::clone(&stop);
        let (ready, address) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let ready = move |address| {
                // Nobody waits for it only if this thread's starter is gone.
                let _ = ready.send(address);
            };
            let result = runtime.block_on(self.run_until(ready, || {
                let signal = Arc::clone(&signal);
                async move {
                    // Each permit is one signal; the semaphore is never closed.
                    signal.acquire().await.map(SemaphorePermit::forget).ok();
                    Ok(())
                }
            }));
            drop(keep);
            result
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

    async fn run_until<S>(
        self,
        ready: impl FnOnce(SocketAddr),
        signal: impl Fn() -> S,
    ) -> Result<(), ServeError>
    where
        S: Future<Output = std::io::Result<()>>,
    {
        let address = self.address;
        let listening = |error| ServeError::system(format!("listen on {address}"), error);
        let listener = TcpListener::bind(address).await.map_err(listening)?;
        let background: Vec<_> = self.background.into_iter().map(tokio::spawn).collect();
        ready(listener.local_addr().map_err(listening)?);
        let lifecycle = self.lifecycle;
        let stop = async {
            if signal().await.is_err() {
                // Without signals the server cannot be told to stop, but it can serve.
                std::future::pending::<()>().await;
            }
            tokio::select! {
                drained = lifecycle.drain(self.drain_time) => drained,
                _ = signal() => false,
            }
        };
        connection::serve(listener, self.router, self.connections_max, stop).await;
        for task in background {
            task.abort();
        }
        let requests = lifecycle.answering();
        if requests == 0 {
            return Ok(());
        }
        Err(ServeError::CutOff {
            requests,
            after: self.drain_time,
        })
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Service")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Two threads: the engine computes on its own, these only move bytes.
fn runtime() -> Result<Runtime, ServeError> {
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
    /// If answers were cut off, or the address could not be listened on.
    pub fn wait(self) -> Result<(), ServeError> {
        join(self.thread)
    }
}
