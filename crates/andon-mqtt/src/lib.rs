//! The MQTT door: a broker that knows devices by their certificates and acknowledges what is durable.
//!
//! **Constraints.** RMQTT speaks the protocol; what a device is and what it may do is asked of
//! [`andon_devices::door::Admission`]. There is no way in without a certificate of our authorities, but for a plain
//! listener that binds to loopback only. A publish is acknowledged after its lane has it (invariant J3); a connection
//! whose admission no longer holds publishes and receives nothing, even while its socket is still open (invariant V1).
//! Everything that grows has a limit in [`Limits`].
//!
//! **Life of a payload.** TLS verifies the certificate; the connect hook admits the visitor and gives it a seat with
//! its permissions. A publish is compared with them, slowed down to the device's rate, and appended to the lane that
//! [`Routes`] name for its topic. When the lane says that it is durable, RMQTT forwards it to subscribers and sends
//! PUBACK or PUBREC. Each delivery is compared with the permissions of the one that receives it.

mod broker;
mod bucket;
mod doorway;
mod error;
mod fitting;
mod hooks;
mod lanes;
mod listener;
mod memory;
mod repeats;
mod retained;
mod seat;
mod seats;
mod sessions;
mod settings;
mod shared;
mod takeover;
mod threshold;
mod voice;
mod waiting;
mod watch;

pub use andon_devices::door::{Publication, SessionInfo};
pub use broker::{Broker, Ports};
pub use error::MqttError;
pub use lanes::{Lane, Lanes, Routes};
pub use listener::{ListenerSettings, Transport};
pub use settings::{BrokerSettings, Limits, ServerIdentity};
