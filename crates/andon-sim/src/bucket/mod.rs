//! A bucket as S3 has it, which can be slow, or silent.
//!
//! **Purpose.** Shows what becomes of a writer whose object store takes its time: nothing may be lost, and nothing may pile
//! up in memory.
//!
//! **Constraints.** What object stores of programs need: PUT (also with `If-None-Match: *`, and in parts), GET (also of a
//! range), HEAD, DELETE, several at once, and `ListObjectsV2`, addressed by path. Any signature is taken for good. Objects are
//! in memory; their number and size are up to whoever puts them there.
//!
//! **Life of a request.** It waits as the [`BucketPace`] says; a silent bucket leaves it waiting until the pace changes. Then
//! [`objects`] answers it, at one moment.
//!
//! Shapes: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>

mod listing;
mod objects;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::SimulatorError;
use objects::Objects;

/// Largest body of a request.
const MAX_BODY_BYTES: usize = 256 << 20;

/// How fast a bucket answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketPace {
    /// At once.
    Prompt,
    /// Each request so much later.
    Slow(Duration),
    /// Not at all; connections stay open.
    Silent,
}

/// A bucket that listens on the loopback interface.
pub struct SimulatedBucket {
    address: SocketAddr,
    pace: watch::Sender<BucketPace>,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    pace: watch::Receiver<BucketPace>,
    objects: Objects,
}

impl SimulatedBucket {
    /// Starts an empty one on a free port; it ends when it is dropped.
    ///
    /// # Errors
    /// [`SimulatorError::Listen`] when there is no port.
    pub async fn start() -> Result<Self, SimulatorError> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let failed = |source| SimulatorError::Listen { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (pace, paced) = watch::channel(BucketPace::Prompt);
        let shared = Arc::new(Shared { pace: paced, objects: Objects::default() });
        let router = Router::new().fallback(take).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the bucket stopped");
            }
        });
        Ok(Self { address, pace, shared, serving })
    }

    /// `http://address`: the endpoint, below which any name is a bucket.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it answers like this; requests that wait in silence go on.
    pub fn set_pace(&self, pace: BucketPace) {
        self.pace.send_replace(pace);
    }

    /// How many objects it has.
    pub fn objects(&self) -> usize {
        self.shared.objects.count()
    }
}

impl Drop for SimulatedBucket {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    wait(shared.pace.clone()).await;
    shared.objects.answer(&parts, bytes)
}

async fn wait(mut pace: watch::Receiver<BucketPace>) {
    // A bucket that is gone answers nobody.
    let spoken = pace.wait_for(|pace| *pace != BucketPace::Silent).await.map(|pace| *pace);
    if let Ok(BucketPace::Slow(span)) = spoken {
        tokio::time::sleep(span).await;
    }
}

#[cfg(test)]
mod tests;
