//! How devices report: the MQTT door and the raw log. No other crate has these shapes, so handlers send them as they are.

use andon_model::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The MQTT door.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Door {
    /// How it is.
    pub state: DoorState,
    /// Where it listens, such as `mqtts://0.0.0.0:8883`.
    pub places: Vec<String>,
    /// What hinders it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How many clients are connected.
    pub sessions: usize,
}

/// How the MQTT door is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DoorState {
    /// By the settings.
    Closed,
    /// For a certificate authority: the first device, or `andon ca init`, makes one.
    Waiting,
    /// Devices may come in.
    Open,
    /// It cannot be opened, and is tried again.
    Failing,
}

/// A client that is connected, or away and with a session that waits for it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The client id.
    pub client_id: String,
    /// Whether it is connected now.
    pub connected: bool,
    /// Messages that wait for it, where it is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<usize>,
    /// The device; of a local program, and of a client that is away, its client id.
    pub device: String,
    /// Fingerprint of its certificate; none for a local program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `3.1`, `3.1.1` or `5`.
    pub protocol: String,
    /// Since when it is connected, or away, in RFC 3339; not known of one that has been away since before the last start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// Something to publish to devices. One of `payload` and `payload_base64`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// The topic.
    pub topic: String,
    /// The payload: a text as it is, any other JSON as text.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub payload: Option<serde_json::Value>,
    /// The payload as bytes.
    #[serde(default)]
    pub payload_base64: Option<String>,
    /// Quality of service, 0 to 2; 1 when absent.
    #[serde(default)]
    pub qos: Option<u8>,
    /// Whether it stays at the topic for those who subscribe later.
    #[serde(default)]
    pub retain: bool,
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Published {
    /// Sessions that subscribe to the topic, those of devices that are away included.
    pub subscribers: usize,
}

/// A reading as it was received.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Reading {
    /// Its place in the raw log.
    pub id: u64,
    /// When it was received, in RFC 3339.
    pub ts: String,
    /// The device.
    pub device: String,
    /// The topic.
    pub topic: String,
    /// The payload, if it is JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub payload: Option<serde_json::Value>,
    /// The payload, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_base64: Option<String>,
}

/// Some readings.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ReadingPage {
    /// They, in order.
    pub readings: Vec<Reading>,
    /// Where to go on: the `from` of the next page.
    pub next: u64,
}

/// The raw log.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ReadingLogStatus {
    /// The place behind the last durable reading.
    pub next: u64,
    /// Readings received since the log began.
    pub received: u64,
    /// Devices that have sent any.
    pub devices: u64,
    /// Places that no readable line has.
    pub missing: u64,
    /// Why readings are refused at present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<super::Problem>)]
    pub failing: Option<Problem>,
}

/// Readings of one device.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeviceReadings {
    /// The device.
    pub device: String,
    /// Received since the log began.
    pub received: u64,
}
