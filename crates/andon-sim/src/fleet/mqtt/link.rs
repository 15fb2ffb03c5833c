//! One connection to a broker: TCP, TLS with the device's certificate, and a buffer in each direction.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rumqttc::tokio_rustls::TlsConnector;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::packet::{Incoming, Speaker, Unreadable};

/// Longest time for TCP, TLS and CONNACK together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest time for a farewell.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes read at once: 512 acknowledgements.
const READ_BYTES: usize = 2_048;

/// Where a broker is.
#[derive(Debug, Clone)]
pub(in crate::fleet) struct Place {
    pub(in crate::fleet) address: SocketAddr,
    pub(in crate::fleet) name: ServerName<'static>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(in crate::fleet) enum NoLink {
    /// The broker says no: by CONNACK, or by an alert of TLS.
    #[error("refused: {0}")]
    Refused(String),
    /// It did not come to that.
    #[error("failed: {0}")]
    Failed(String),
}

/// Why a connection has ended.
#[derive(Debug, thiserror::Error)]
pub(in crate::fleet) enum LinkLost {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("{0}")]
    Io(#[from] io::Error),
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection; dropped, it is cut without a word.
pub(in crate::fleet) struct Link {
    wire: Box<dyn Wire>,
    inbox: BytesMut,
    /// What is to be written.
    pub(in crate::fleet) outbox: BytesMut,
    must_flush: bool,
}

/// Connects, and says CONNECT. Gives what CONNACK says of session and window.
pub(in crate::fleet) async fn connect(
    place: &Place,
    tls: Option<Arc<ClientConfig>>,
    speaker: &Speaker,
) -> Result<(Link, bool, u16), NoLink> {
    let welcomed = async {
        let mut link = Link::open(place, tls).await.map_err(|error| no_link(&error))?;
        speaker.connect(&mut link.outbox);
        link.welcome(speaker).await
    };
    timeout(CONNECT_TIMEOUT, welcomed).await.unwrap_or_else(|_| Err(NoLink::Failed("no answer in time".to_owned())))
}

impl Link {
    async fn open(place: &Place, tls: Option<Arc<ClientConfig>>) -> io::Result<Self> {
        let stream = TcpStream::connect(place.address).await?;
        stream.set_nodelay(true)?;
        let wire: Box<dyn Wire> = match tls {
            None => Box::new(stream),
            Some(config) => Box::new(TlsConnector::from(config).connect(place.name.clone(), stream).await?),
        };
        Ok(Self { wire, inbox: BytesMut::new(), outbox: BytesMut::new(), must_flush: false })
    }

    async fn welcome(mut self, speaker: &Speaker) -> Result<(Self, bool, u16), NoLink> {
        loop {
            match self.next(speaker).map_err(|error| NoLink::Failed(error.to_string()))? {
                Some(Incoming::Welcome { present, window }) => return Ok((self, present, window)),
                Some(Incoming::Refused(reason) | Incoming::Goodbye(reason)) => return Err(NoLink::Refused(reason)),
                Some(other) => return Err(NoLink::Failed(format!("{other:?} came before CONNACK"))),
                None => self.exchange().await.map_err(|error| no_link(&error))?,
            }
        }
    }

    /// The next packet that has come.
    pub(in crate::fleet) fn next(&mut self, speaker: &Speaker) -> Result<Option<Incoming>, Unreadable> {
        speaker.read(&mut self.inbox)
    }

    /// Writes what there is to write and waits until all of it is gone or something has come. May be dropped at any time
    /// and asked again.
    pub(in crate::fleet) async fn exchange(&mut self) -> io::Result<()> {
        poll_fn(|context| self.poll_exchange(context)).await
    }

    fn poll_exchange(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = self.poll_write_all(context)?;
        let read = self.poll_read_some(context)?;
        if written || read { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Whether the outbox was emptied.
    fn poll_write_all(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        let had_work = self.must_flush || !self.outbox.is_empty();
        while !self.outbox.is_empty() {
            match Pin::new(&mut self.wire).poll_write(context, &self.outbox)? {
                Poll::Pending => return Ok(false),
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => self.outbox.advance(written),
            }
            self.must_flush = true;
        }
        if self.must_flush {
            self.must_flush = Pin::new(&mut self.wire).poll_flush(context)?.is_pending();
        }
        Ok(had_work && !self.must_flush)
    }

    /// Whether something has come.
    fn poll_read_some(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        let mut space = [0_u8; READ_BYTES];
        let mut space = ReadBuf::new(&mut space);
        if Pin::new(&mut self.wire).poll_read(context, &mut space)?.is_pending() {
            return Ok(false);
        }
        if space.filled().is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the broker has closed the connection"));
        }
        self.inbox.extend_from_slice(space.filled());
        Ok(true)
    }

    /// Writes the rest and closes in good order, as far as the broker goes along.
    pub(in crate::fleet) async fn farewell(mut self) {
        let goodbye = async {
            let rest = self.outbox.split();
            self.wire.write_all(&rest).await?;
            self.wire.shutdown().await
        };
        // Whoever leaves does not care whether the broker heard it.
        drop(timeout(FAREWELL_TIMEOUT, goodbye).await);
    }
}

fn no_link(error: &io::Error) -> NoLink {
    let alert = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match alert {
        Some(rustls::Error::AlertReceived(alert)) => NoLink::Refused(format!("TLS alert {alert:?}")),
        _ => NoLink::Failed(error.to_string()),
    }
}
