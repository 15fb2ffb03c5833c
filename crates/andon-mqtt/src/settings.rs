//! What a broker is told: where to listen, who it is, and how much of anything is too much.

use std::fmt;
use std::time::Duration;

use andon_model::Secret;
use serde::Deserialize;

use crate::ListenerSettings;

/// Everything about a broker that an operator chooses.
#[derive(Debug, Clone)]
pub struct BrokerSettings {
    /// Where it listens; at least one place.
    pub listeners: Vec<ListenerSettings>,
    /// Who it is; needed by every listener with TLS.
    pub identity: Option<ServerIdentity>,
    /// Limits.
    pub limits: Limits,
}

/// What the server shows, and whose devices it lets in.
#[derive(Clone)]
pub struct ServerIdentity {
    /// Certificate of the server and of the authorities above it, in PEM, its own first.
    pub chain_pem: String,
    /// Private key of the certificate, in PEM.
    pub key_pem: Secret,
    /// Certificates of the authorities whose devices may connect, in PEM. Only Andon's own: a visitor is told by its
    /// serial number, which another authority could give again.
    pub authorities_pem: String,
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerIdentity").field("chain_pem", &self.chain_pem).finish_non_exhaustive()
    }
}

/// How much of anything; unknown keys are refused. Each is per connection unless it says otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Sessions of all devices together, those of disconnected devices included. 100,000.
    pub sessions: usize,
    /// Connections of one listener that shake hands at the same time. 1,000.
    pub handshakes: usize,
    /// How long a connection may take until it is let in: TLS, WebSocket and all of CONNECT. 10 s.
    #[serde(with = "humantime_serde")]
    pub handshake_time: Duration,
    /// Connections of all listeners that are not let in yet; the oldest is ended. At most half of the descriptors that
    /// the process may have. 10,000.
    pub strangers: usize,
    /// The same, of one address; at most a quarter of the descriptors. 5,000.
    pub strangers_per_address: usize,
    /// Largest packet, in bytes. 256 KiB.
    pub packet_bytes: u32,
    /// Publishes per second, in the long run; more are made to wait. 1,000.
    pub publish_rate: u32,
    /// Publishes that may come at once after a pause. 2,000.
    pub publish_burst: u32,
    /// Messages of QoS 1 and 2 on their way to a client, and from it. 32.
    pub in_flight: u16,
    /// Messages that wait for a client, connected or not; the oldest gives way. 1,000.
    pub queue: usize,
    /// Levels of a topic. 16.
    pub topic_levels: usize,
    /// Subscriptions. 64.
    pub subscriptions: usize,
    /// Topic aliases of MQTT 5. 32.
    pub topic_aliases: u16,
    /// Longest time without a packet, in seconds; clients that ask for more, or for no limit, are refused or, with
    /// MQTT 5, told to be quicker. 3,600.
    pub keep_alive_seconds: u16,
    /// How long the session of a disconnected client is kept. Seven days.
    #[serde(with = "humantime_serde")]
    pub session_time: Duration,
    /// How long a message may wait for its receiver. One day.
    #[serde(with = "humantime_serde")]
    pub message_time: Duration,
    /// How long a client may take to accept what it is sent. 5 s.
    #[serde(with = "humantime_serde")]
    pub send_time: Duration,
    /// How long the lane may take to make a publish durable before the connection is given up. 30 s.
    #[serde(with = "humantime_serde")]
    pub durable_time: Duration,
    /// Retained messages of all devices together. 100,000.
    pub retained: usize,
    /// Retained messages of one device. 1,000.
    pub retained_share: usize,
    /// Bytes of the retained messages of one device. 8 MiB.
    pub retained_share_bytes: usize,
    /// Bytes of all retained messages together. 256 MiB.
    pub retained_bytes: usize,
    /// Messages for devices that outlive the process, all devices together. 100,000.
    pub waiting: usize,
    /// Bytes of all these messages together. 256 MiB.
    pub waiting_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 100_000,
            handshakes: 1_000,
            handshake_time: Duration::from_secs(10),
            strangers: 10_000,
            strangers_per_address: 5_000,
            packet_bytes: 256 << 10,
            publish_rate: 1_000,
            publish_burst: 2_000,
            in_flight: 32,
            queue: 1_000,
            topic_levels: 16,
            subscriptions: 64,
            topic_aliases: 32,
            keep_alive_seconds: 3_600,
            session_time: Duration::from_hours(7 * 24),
            message_time: Duration::from_hours(24),
            send_time: Duration::from_secs(5),
            durable_time: Duration::from_secs(30),
            retained: 100_000,
            retained_share: 1_000,
            retained_share_bytes: 8 << 20,
            retained_bytes: 256 << 20,
            waiting: 100_000,
            waiting_bytes: 256 << 20,
        }
    }
}
