//! Listeners: with TLS and client certificates, or plain on loopback.
//!
//! RMQTT reads certificates from files when a listener is bound. They are handed over as files in memory, of which
//! nothing is left in any folder.

use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::os::fd::AsRawFd;
use std::time::Duration;

use rmqtt_net::{Builder, Listener};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::{Limits, MqttError, ServerIdentity};

/// What is spoken below MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// TLS 1.2 or 1.3 with a certificate of the client; usually on port 8883.
    Tls,
    /// WebSocket over the same TLS, with the subprotocol `mqtt`.
    WebSocketTls,
    /// Neither encrypted nor authenticated, for programs on this machine: loopback addresses only. Who connects is
    /// asked of the admission by client id alone; see [`crate::Ports::local`].
    Plain,
}

/// A place to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenerSettings {
    /// Address and port; port 0 lets the system choose one.
    pub address: SocketAddr,
    /// What is spoken there.
    pub transport: Transport,
}

/// Binds a listener.
pub(crate) fn bind(
    settings: ListenerSettings,
    identity: Option<&ServerIdentity>,
    limits: &Limits,
) -> Result<Listener, MqttError> {
    let address = settings.address;
    let failed = |why: String| MqttError::Listen { address, why };
    let builder = builder(address, limits);
    if settings.transport == Transport::Plain {
        if !address.ip().is_loopback() {
            return Err(MqttError::PlainBeyondLoopback(address));
        }
        return builder.bind().and_then(Listener::tcp).map_err(|e| failed(format!("{e:#}")));
    }
    let identity = identity.ok_or(MqttError::NoIdentity)?;
    let files = Files::write(identity).map_err(|e| failed(format!("certificates cannot be handed over: {e}")))?;
    let bound = files.name_in(builder).bind();
    let secured = bound.and_then(|listener| match settings.transport {
        Transport::WebSocketTls => listener.wss(),
        _ => listener.tls(),
    });
    secured.map_err(|e| failed(format!("{e:#}")))
}

fn builder(address: SocketAddr, limits: &Limits) -> Builder {
    Builder::new()
        .name("andon")
        .laddr(address)
        .nodelay(true)
        .reuseaddr(Some(true))
        .reuseport(Some(true))
        .allow_anonymous(false)
        .collect_cert_info(true)
        .max_connections(limits.sessions)
        .max_handshaking_limit(limits.handshakes)
        .handshake_timeout(limits.handshake_time)
        .max_packet_size(limits.packet_bytes)
        .max_inflight(NonZeroU16::new(limits.in_flight).unwrap_or(NonZeroU16::MIN))
        .max_mqueue_len(limits.queue)
        .max_subscriptions(limits.subscriptions)
        .max_topic_levels(limits.topic_levels)
        .max_topic_aliases(limits.topic_aliases)
        .max_keepalive(limits.keep_alive_seconds)
        .allow_zero_keepalive(false)
        .session_expiry_interval(limits.session_time)
        .max_session_expiry_interval(limits.session_time)
        .message_expiry_interval(Duration::ZERO)
        .send_timeout(limits.send_time)
}

/// Certificates and key in memory, under names of the system's own: they end with this, and with the process however
/// it ends.
struct Files {
    chain: File,
    key: File,
    authorities: File,
}

impl Files {
    fn write(identity: &ServerIdentity) -> io::Result<Self> {
        Ok(Self {
            chain: in_memory(&identity.chain_pem)?,
            key: in_memory(identity.key_pem.expose())?,
            authorities: in_memory(&identity.authorities_pem)?,
        })
    }

    fn name_in(&self, builder: Builder) -> Builder {
        let path = |file: &File| Some(format!("/proc/self/fd/{}", file.as_raw_fd()));
        builder
            .tls_cross_certificate(true)
            .tls_cert(path(&self.chain))
            .tls_key(path(&self.key))
            .tls_client_ca_certs(path(&self.authorities))
    }
}

fn in_memory(text: &str) -> io::Result<File> {
    let mut file = File::from(memfd_create("andon-mqtt", MemfdFlags::CLOEXEC)?);
    file.write_all(text.as_bytes())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that is killed leaves nothing behind.
    #[test]
    fn what_is_handed_over_is_in_no_folder() {
        let file = in_memory("a key").expect("there is memory");
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        assert_eq!(std::fs::read_to_string(&path).expect("readable"), "a key");
        let place = std::fs::read_link(&path).expect("a link");
        assert!(place.to_string_lossy().starts_with("/memfd:"), "{place:?}");
    }
}
