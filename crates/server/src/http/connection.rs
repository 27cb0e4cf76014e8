//! Accepts connections and ends them in order.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(15);

/// How long idle connections are waited for at the end.
const CLOSE_TIME: Duration = Duration::from_secs(2);

/// How long to wait after the system refused a connection, for want of file descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `router` until `stop` completes. If it says so, connections are let finish what they are
/// at for a moment. More than `connections_max` connections wait in the system's queue.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    connections_max: usize,
    stop: impl Future<Output = bool>,
) {
    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(connections_max));
    let mut stop = std::pin::pin!(stop);
    let gently = loop {
        let accept = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accept => accepted,
            gently = &mut stop => break gently,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Pieces of a stream are small and must not wait for each other. A socket that refuses
        // the option is broken, and reading from it will say so.
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .serve_connection(
                TokioIo::new(stream),
                TowerToHyperService::new(router.clone()),
            );
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            // A client that vanishes is no event for anyone else.
            let _ = connection.await;
            drop(place);
        });
    };
    drop(listener);
    if gently {
        let _ = tokio::time::timeout(CLOSE_TIME, connections.shutdown()).await;
    }
}
