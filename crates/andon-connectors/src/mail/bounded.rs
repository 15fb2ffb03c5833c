//! A connection on which nobody talks without end: between two things that we say, a mail server says [`MAX_SAID`] at most.
//!
//! A reply is read into memory until its line ends, so that a server without line ends, or whoever stands in for one before
//! TLS has verified it, would fill it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes that are read before something is written again: a reply (RFC 5321, section 4.5.3.1.5, has lines of 512), or
/// the certificates of a TLS handshake.
const MAX_SAID: usize = 128 * 1024;

/// A stream, and what was read since the last write.
#[derive(Debug)]
pub(super) struct Bounded<S> {
    stream: S,
    peer: SocketAddr,
    said: usize,
}

impl<S> Bounded<S> {
    /// `peer` is who is at the other end.
    pub(super) fn new(stream: S, peer: SocketAddr) -> Self {
        Self { stream, peer, said: 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.said += buf.filled().len() - before;
        let too_much = || io::Error::other(format!("the mail server said more than {} KiB at once", MAX_SAID / 1024));
        Poll::Ready(if self.said > MAX_SAID { Err(too_much()) } else { Ok(()) })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.said = 0;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S> AsyncTokioStream for Bounded<S>
where
    S: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug,
{
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}
