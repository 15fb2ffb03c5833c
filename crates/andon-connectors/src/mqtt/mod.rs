//! A broker outside as a source: AWS IoT Core, EMQX, mosquitto, or any that speaks MQTT 3.1.1 or 5.
//!
//! **Constraints.** A payload is acknowledged to the broker only after the journal or the raw log has it (invariant
//! J3), in the order of arrival. The session is kept by the broker under a client id that never changes, so that what
//! comes while we are away waits there. At most `inflight` payloads are here and not acknowledged; when the journal
//! is slow nothing more is read, and the connection is still kept alive. TLS verifies, always; without TLS only this
//! machine is spoken to. What cannot be decoded, or is too large, goes to quarantine and is acknowledged after that: it
//! stands in nobody's way.
//!
//! **Life of a payload.** [`connect`] opens the connection, and a task ([`link`]) drives it: reads packets ([`wire`]),
//! notes what is not settled ([`session`]), and hands payloads to [`MqttSource`] through a bounded queue. The source
//! makes events of them by its decoder, or readings of a device ([`delivery`]); the engine appends the events, the
//! source the readings; the engine's acknowledgement lets the task send PUBACK or PUBREC. A payload whose
//! acknowledgement got lost is delivered again and has the same event id, so that the journal knows it (invariant J4);
//! as a reading it may stand in the raw log twice, never not at all.
//!
//! Connecting is asked for by the engine's pump, which waits longer after every failure, and shows the last one as the
//! source's problem until the connection has lived for a while.

mod answers;
mod connect;
mod delivery;
mod link;
mod session;
mod source;
mod telemetry;
mod tls;
mod topics;
mod wire;

pub use source::{MqttParts, MqttSource};
pub use topics::DeviceFrom;
pub(crate) use topics::{check_filter, check_group};
pub use wire::MqttVersion;
pub(crate) use wire::Qos;
