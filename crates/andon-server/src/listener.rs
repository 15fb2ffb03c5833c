//! Connections: accepted up to a limit, their heads read within limits, ended gracefully.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::Service;
use tracing::{debug, info, warn};

use crate::api::Api;
use crate::devices::{Upkeep, postman};
use crate::{ServerParts, ServerSettings, observe, routes};

/// More headers than this are answered 431.
const MAX_HEADERS: usize = 100;
/// The smallest buffer with which hyper reads.
const MIN_HEAD_BYTES: usize = 8 * 1024;
/// How long accepting rests after the operating system refused (no file handles, no memory).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The other side of a connection; rides in a request's extensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Serves the API until `shutdown` completes; then takes no more connections, lets requests under way
/// finish for at most `drain_seconds`, and cuts off the rest.
pub async fn serve(parts: ServerParts, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let drain = Duration::from_secs(parts.settings.drain_seconds);
    let mut connections = Connections::new(parts);
    let places = connections.places.clone();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            (place, accepted) = accept(&places, &listener) => connections.start(place, accepted).await,
            Some(_) = connections.tasks.join_next() => {}
        }
    }
    drop(listener);
    connections.finish(drain).await;
}

/// Waits for a free place first, so that what exceeds the limit stays in the system's queue.
async fn accept(places: &Arc<Semaphore>, listener: &TcpListener) -> (Option<OwnedSemaphorePermit>, Accepted) {
    let place = places.clone().acquire_owned().await.ok();
    (place, listener.accept().await)
}

struct Connections {
    router: Router,
    http: Arc<http1::Builder>,
    places: Arc<Semaphore>,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

type Accepted = std::io::Result<(TcpStream, SocketAddr)>;

impl Connections {
    fn new(parts: ServerParts) -> Self {
        observe::register_counters();
        let api = Arc::new(Api::new(parts));
        let stop = api.stop.clone();
        let upkeep = Upkeep::new(Arc::clone(&api.office), api.handle.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(upkeep.run(stop.subscribe()));
        tasks.spawn(postman(Arc::clone(&api.office), stop.subscribe()));
        Self {
            http: Arc::new(http_limits(&api.settings)),
            places: Arc::new(Semaphore::new(api.settings.max_connections.clamp(1, Semaphore::MAX_PERMITS))),
            router: routes::router(api),
            tasks,
            stop,
        }
    }

    async fn start(&mut self, place: Option<OwnedSemaphorePermit>, accepted: Accepted) {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "a connection could not be accepted");
                return tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        };
        // Answers are small and wanted at once; failing to say so costs only time.
        let _ = stream.set_nodelay(true);
        let (router, http, stop) = (self.router.clone(), self.http.clone(), self.stop.subscribe());
        self.tasks.spawn(async move {
            converse(&http, router, stream, Peer(peer), stop).await;
            drop(place);
        });
    }

    async fn finish(mut self, drain: Duration) {
        self.stop.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(drain, ended).await.is_err() {
            info!(connections = self.tasks.len(), "connections cut off at the end of the stop's deadline");
        }
    }
}

fn http_limits(settings: &ServerSettings) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(settings.head_seconds.max(1)))
        .max_headers(MAX_HEADERS)
        .max_buf_size(settings.head_bytes.max(MIN_HEAD_BYTES));
    http
}

/// One connection, until it ends or the stop lets it finish its request.
async fn converse(
    http: &http1::Builder,
    router: Router,
    stream: TcpStream,
    peer: Peer,
    mut stop: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| answer(router.clone(), peer, request));
    let connection = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(peer = %peer.0, %error, "connection ended");
    }
}

async fn answer(
    mut router: Router,
    peer: Peer,
    mut request: http::Request<Incoming>,
) -> Result<axum::response::Response, Infallible> {
    request.extensions_mut().insert(peer);
    router.call(request).await
}
