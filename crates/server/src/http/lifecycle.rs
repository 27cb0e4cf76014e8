//! Whether the server takes requests, and how many are being answered.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::Stream;
use tokio::sync::Notify;

/// State shared by all connections.
#[derive(Debug, Default)]
pub(crate) struct Lifecycle {
    draining: AtomicBool,
    answering: AtomicUsize,
    idle: Notify,
}

/// A request that is being answered; dropped with the last byte of the answer.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Lifecycle>);

impl Lifecycle {
    /// Whether new requests are refused.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Requests that are being answered.
    pub(crate) fn answering(&self) -> usize {
        self.answering.load(Ordering::Acquire)
    }

    /// Counts a request until the result is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> InFlight {
        self.answering.fetch_add(1, Ordering::AcqRel);
        InFlight(Arc::clone(self))
    }

    /// Refuses new requests, and waits until the last is answered or the time is up. Whether all
    /// were answered.
    pub(crate) async fn drain(&self, time: Duration) -> bool {
        self.draining.store(true, Ordering::Relaxed);
        let all_answered = async {
            loop {
                let mut idle = std::pin::pin!(self.idle.notified());
                // Registered before the count is read, so that no wake-up is missed.
                idle.as_mut().enable();
                if self.answering() == 0 {
                    return;
                }
                idle.await;
            }
        };
        tokio::time::timeout(time, all_answered).await.is_ok()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.answering.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

/// The response, which keeps the request counted until its body has been sent or dropped.
pub(crate) fn hold(response: Response, in_flight: InFlight) -> Response {
    response.map(|body| {
        let stream = body.into_data_stream();
        Body::from_stream(Held {
            stream,
            _in_flight: in_flight,
        })
    })
}

struct Held<S> {
    stream: S,
    _in_flight: InFlight,
}

impl<S: Stream<Item = Result<Bytes, axum::Error>> + Unpin> Stream for Held<S> {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.stream).poll_next(context)
    }
}

/// Completes at the first SIGTERM or SIGINT.
///
/// # Errors
///
/// If the system does not let us listen for signals.
pub(crate) async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn draining_waits_for_the_last_answer() {
        let lifecycle = Arc::new(Lifecycle::default());
        let first = lifecycle.enter();
        let second = lifecycle.enter();
        assert!(!lifecycle.drain(Duration::from_millis(1)).await);
        drop(first);
        let waiting = Arc::clone(&lifecycle);
        let drained = tokio::spawn(async move { waiting.drain(Duration::from_secs(60)).await });
        tokio::task::yield_now().await;
        assert_eq!(lifecycle.answering(), 1);
        drop(second);
        assert!(drained.await.unwrap());
        assert!(lifecycle.is_draining());
    }
}
