//! An answer that is noted once it has gone out: the one that hands over a certificate and its key.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

/// A body of one piece. When it is dropped after the connection took that piece, `noted` runs; when the sender hung up
/// before, it does not, and the certificate is handed over anew with the next request.
struct Handover {
    piece: Option<Bytes>,
    noted: Option<BoxFuture<'static, ()>>,
    runtime: Handle,
}

/// The body with `bytes`, and what is to be done once they are out.
pub(crate) fn body(bytes: Bytes, noted: BoxFuture<'static, ()>) -> Body {
    Body::from_stream(Handover { piece: Some(bytes), noted: Some(noted), runtime: Handle::current() })
}

impl Stream for Handover {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.piece.take().map(Ok))
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        if let Some(noted) = self.noted.take().filter(|_| self.piece.is_none()) {
            drop(self.runtime.spawn(noted));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn only_what_was_taken_is_noted() {
        let (count, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let make = || {
            let (count, done) = (count.clone(), done.clone());
            let noted = async move {
                count.fetch_add(1, Ordering::SeqCst);
                done.notify_one();
            };
            body(Bytes::from_static(b"key"), Box::pin(noted))
        };
        drop(make());
        let taken = axum::body::to_bytes(make(), 10).await.unwrap();
        done.notified().await;
        assert_eq!((&taken[..], count.load(Ordering::SeqCst)), (&b"key"[..], 1));
    }
}
