//! Listeners: with TLS and client certificates, or plain on loopback.
//!
//! RMQTT reads certificates from files when a listener is bound. They are written to a folder that only this process's
//! user can read, and removed before `bind` returns.

use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;

use rmqtt_net::{Builder, Listener};

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

/// Certificates and key as files, for as long as this lives.
struct Files {
    folder: tempfile::TempDir,
}

const CHAIN: &str = "chain.pem";
const KEY: &str = "key.pem";
const AUTHORITIES: &str = "authorities.pem";

impl Files {
    fn write(identity: &ServerIdentity) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("andon-mqtt-").tempdir()?;
        write_private(&folder.path().join(CHAIN), &identity.chain_pem)?;
        write_private(&folder.path().join(KEY), identity.key_pem.expose())?;
        write_private(&folder.path().join(AUTHORITIES), &identity.authorities_pem)?;
        Ok(Self { folder })
    }

    fn name_in(&self, builder: Builder) -> Builder {
        let path = |name: &str| Some(self.folder.path().join(name).to_string_lossy().into_owned());
        builder
            .tls_cross_certificate(true)
            .tls_cert(path(CHAIN))
            .tls_key(path(KEY))
            .tls_client_ca_certs(path(AUTHORITIES))
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
