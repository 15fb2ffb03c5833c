//! MQTT as a publishing device speaks it: packets, what is in flight, and the connection.

pub(super) mod in_flight;
pub(super) mod link;
pub(super) mod packet;
pub(super) mod tls;

pub use packet::{Protocol, Qos};
