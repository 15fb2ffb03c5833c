//! Why the door does not open.

use std::net::SocketAddr;

/// Faults of the broker as a whole. Those of a single connection are counted and logged, and told to its client.
#[derive(Debug, thiserror::Error)]
pub enum MqttError {
    /// A listener cannot be bound, or its certificates cannot be used.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What was said.
        why: String,
    },
    /// A listener without TLS on an address that others can reach.
    #[error("{0} is not a loopback address: without TLS, only this machine may connect")]
    PlainBeyondLoopback(SocketAddr),
    /// A listener with TLS, and nothing to identify itself with.
    #[error("a listener with TLS needs the certificate of the server and those of the authorities")]
    NoIdentity,
    /// A listener without TLS, and nothing that says what those may do who come in by it.
    #[error("a listener without TLS needs a policy for the programs that connect to it")]
    NoLocalPolicy,
    /// A topic or filter that is none.
    #[error("{topic:?} is not a topic: {why}")]
    Topic {
        /// As given.
        topic: String,
        /// What is wrong with it.
        why: String,
    },
    /// A payload that is larger than any client may be sent.
    #[error("the payload has {bytes} bytes, {limit} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// Most that may be.
        limit: usize,
    },
    /// More waits for devices than may.
    #[error("too much waits for devices that are away: {topic} was not published")]
    Full {
        /// What was to be published to.
        topic: String,
    },
    /// The registry could not be asked when the door was to open.
    #[error(transparent)]
    Admission(#[from] andon_devices::door::AdmissionError),
    /// What outlives the process could not be read or written.
    #[error(transparent)]
    Memory(#[from] andon_journal::MemoryError),
    /// The broker could not do it.
    #[error("the broker failed: {0}")]
    Broker(String),
}
