//! MQTT on the wire, as far as a client needs it that only receives: 3.1.1 and 5.
//!
//! Sources of the format: OASIS MQTT 3.1.1 (October 2014) and OASIS MQTT 5.0 (March 2019).
//!
//! **Constraints.** Pure and total: bytes in, packets out. No input panics, nothing is allocated by a length that a
//! packet claims, and a payload above the limit is cut, not refused: what a broker has to deliver must be
//! acknowledged one day, or it stands before everything behind it for ever.

mod fields;
mod packet;
mod properties;
mod read;
mod write;

pub use packet::MqttVersion;
pub(crate) use packet::Qos;
pub(super) use packet::{Acknowledgement, ConnAck, Connect, Farewell, Filter, Incoming, Login, Publish};
pub(super) use read::Frames;
pub(super) use write::{acknowledge, connect, disconnect, ping, subscribe};

/// Why bytes are not MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum WireError {
    /// A field ends behind its packet.
    #[error("a packet ends in the middle of a field")]
    Short,
    /// A length of more than four bytes.
    #[error("a length is malformed")]
    Length,
    /// A text that is no UTF-8, or holds U+0000.
    #[error("a text is not UTF-8")]
    Text,
    /// A packet that no broker sends to a client like this one.
    #[error("an unexpected packet of type {0}")]
    Unexpected(u8),
    /// Flags or values that the specification forbids.
    #[error("{0}")]
    Forbidden(&'static str),
    /// A packet that is not a publish and longer than any of its kind.
    #[error("a packet of type {kind} has {bytes} bytes")]
    TooLarge {
        /// Its type.
        kind: u8,
        /// Its length.
        bytes: usize,
    },
}

#[cfg(test)]
mod tests;
