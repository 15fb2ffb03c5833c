//! The transport: connections that can be reset instead of answered, and a listener that can shut its door.
//!
//! **Why not in the HTTP layer.** HTTP can only answer. A lost answer, a reset and a refused connection are
//! made where they happen in reality, on the socket.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::Sleep;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;
/// Pause after a failed accept or a failed attempt to get the port back.
const PAUSE: Duration = Duration::from_millis(20);

/// A handler's grip on its connection.
#[derive(Clone, Default)]
pub(crate) struct Line(Arc<Grip>);

#[derive(Default)]
struct Grip {
    cut: AtomicBool,
    /// Bytes written at a time; 0 is without limit.
    piece: AtomicUsize,
    pause_millis: AtomicU64,
}

impl Line {
    /// From now on nothing is written any more: the next write resets the connection.
    pub(crate) fn cut(&self) {
        self.0.cut.store(true, Ordering::Release);
    }

    /// From now on writes trickle: so many bytes, a pause, and so on, until [`Self::flow`].
    pub(crate) fn trickle(&self, piece: usize, pause: Duration) {
        self.0.pause_millis.store(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX), Ordering::Release);
        self.0.piece.store(piece.max(1), Ordering::Release);
    }

    /// Writes go out whole again.
    pub(crate) fn flow(&self) {
        self.0.piece.store(0, Ordering::Release);
    }

    fn is_cut(&self) -> bool {
        self.0.cut.load(Ordering::Acquire)
    }

    /// Bytes at a time and the pause between, while it trickles.
    fn trickling(&self) -> Option<(usize, Duration)> {
        let piece = self.0.piece.load(Ordering::Acquire);
        (piece > 0).then(|| (piece, Duration::from_millis(self.0.pause_millis.load(Ordering::Acquire))))
    }
}

impl Connected<IncomingStream<'_, GatedListener>> for Line {
    fn connect_info(stream: IncomingStream<'_, GatedListener>) -> Self {
        stream.io().line.clone()
    }
}

/// An accepted connection.
pub(crate) struct Wire {
    stream: TcpStream,
    line: Line,
    /// Until when a trickling connection writes nothing.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    fn new(stream: TcpStream) -> Self {
        // Answers are written whole; waiting for more to send would only add delay.
        let _ = stream.set_nodelay(true);
        Self { stream, line: Line::default(), pause: None }
    }

    /// Writes one piece, after the pause since the last one.
    fn poll_trickle(
        &mut self,
        cx: &mut Context<'_>,
        buf: &[u8],
        piece: usize,
        pause: Duration,
    ) -> Poll<io::Result<usize>> {
        if let Some(sleep) = &mut self.pause {
            ready!(sleep.as_mut().poll(cx));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &buf[..buf.len().min(piece)]))?;
        self.pause = Some(Box::pin(tokio::time::sleep(pause)));
        Poll::Ready(Ok(written))
    }

    fn check(&self) -> io::Result<()> {
        if !self.line.is_cut() {
            return Ok(());
        }
        // Closing with zero linger sends RST, which no client takes for an orderly end.
        let _ = self.stream.set_zero_linger();
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        match self.line.trickling() {
            Some((piece, pause)) => self.poll_trickle(cx, buf, piece, pause),
            None => Pin::new(&mut self.stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        if self.line.trickling().is_some() {
            let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
            return self.poll_write(cx, first);
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Says whether the simulator can be reached.
pub(crate) struct Gate {
    shut: AtomicBool,
    outages: watch::Sender<Duration>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { shut: AtomicBool::new(false), outages: watch::Sender::new(Duration::ZERO) }
    }

    /// Whether connections are being refused right now.
    pub(crate) fn is_shut(&self) -> bool {
        self.shut.load(Ordering::Acquire)
    }

    /// Refuses connections for a while. An outage under way is not prolonged.
    pub(crate) fn shut_for(&self, span: Duration) {
        if !self.shut.swap(true, Ordering::AcqRel) {
            self.outages.send_replace(span);
        }
    }

    fn open(&self) {
        self.shut.store(false, Ordering::Release);
    }
}

enum Door {
    Open(TcpListener),
    Shut(Duration),
}

/// A listener that closes its socket for the length of an outage, so that connecting is truly refused.
pub(crate) struct GatedListener {
    address: SocketAddr,
    door: Door,
    gate: Arc<Gate>,
    outages: watch::Receiver<Duration>,
}

impl GatedListener {
    /// Binds; port 0 takes a free one.
    pub(crate) fn bind(address: SocketAddr, gate: Arc<Gate>) -> io::Result<Self> {
        let listener = reserve(address)?.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let outages = gate.outages.subscribe();
        Ok(Self { address, door: Door::Open(listener), gate, outages })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sits out an outage. The port stays bound without listening, so that nobody else gets it and every
    /// attempt to connect is refused.
    async fn reopen(&mut self, outage: Duration) {
        let held = reserve(self.address);
        tokio::time::sleep(outage).await;
        match held.and_then(|socket| socket.listen(BACKLOG)) {
            Ok(listener) => {
                self.door = Door::Open(listener);
                self.gate.open();
            }
            Err(_) => self.door = Door::Shut(PAUSE),
        }
    }
}

impl Listener for GatedListener {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            let listener = match &self.door {
                Door::Open(listener) => listener,
                Door::Shut(outage) => {
                    let outage = *outage;
                    self.reopen(outage).await;
                    continue;
                }
            };
            tokio::select! {
                biased;
                Ok(()) = self.outages.changed() => self.door = Door::Shut(*self.outages.borrow_and_update()),
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => return (Wire::new(stream), peer),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
