//! The forms of a message that is noted: as it is sent, as it is known on its way, and as it is remembered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use rmqtt::types::{From, FromType, Id, Publish, SubRelation, UserName};
use serde::{Deserialize, Serialize};

/// The message as RMQTT sends it to a receiver.
pub(super) fn as_sent(publish: &Publish, (_, _, options, identifiers, _): &SubRelation) -> Publish {
    let mut sent = publish.clone();
    sent.dup = false;
    sent.packet_id = None;
    sent.retain = publish.retain && options.retain_as_published().unwrap_or(false);
    sent.qos = publish.qos.less_value(options.qos());
    if let (Some(identifiers), Some(properties)) = (identifiers, &mut sent.properties) {
        properties.subscription_ids.clone_from(identifiers);
    }
    sent
}

/// Bytes that count against the limit.
pub(super) fn size(publish: &Publish) -> usize {
    publish.topic.len() + publish.payload.len()
}

/// The number as a name; names are in the order of the numbers.
pub(super) fn name(number: u64) -> String {
    format!("{number:020}")
}

/// The sender of a message that is noted: what clients send never comes from a bridge.
pub(super) fn numbered(from: &From, number: u64) -> From {
    let id = &from.id;
    let number = UserName::from(number.to_string());
    From::from_bridge(Id::new(id.node_id, id.lid, id.local_addr, id.remote_addr, id.client_id.clone(), Some(number)))
}

/// The number of a message that is noted, from its sender.
pub(super) fn number(from: &From) -> Option<u64> {
    let number = from.id.username.as_ref().filter(|_| matches!(from.typ(), FromType::Bridge))?;
    number.parse().ok()
}

/// How a message is remembered. The payload stands beside the rest, as RMQTT writes bytes as a list of numbers.
#[derive(Serialize, Deserialize)]
pub(super) struct Form {
    v: u8,
    publish: Publish,
    payload: String,
}

impl Form {
    /// The message as it was noted.
    pub(super) fn publish(self) -> Publish {
        let mut publish = self.publish;
        publish.payload = BASE64.decode(&self.payload).unwrap_or_default().into();
        publish
    }
}

/// The text under which a message is remembered.
pub(super) fn form(publish: &Publish) -> Result<String, serde_json::Error> {
    let payload = BASE64.encode(&publish.payload);
    let mut publish = publish.clone();
    publish.payload = Bytes::new();
    serde_json::to_string(&Form { v: 1, publish, payload })
}
