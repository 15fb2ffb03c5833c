//! Packets become bytes.

use bytes::{BufMut, Bytes, BytesMut};

use super::fields::{MAX_LENGTH, put_length, put_text};
use super::packet::{Acknowledgement, Connect, Filter, MqttVersion};

/// Reason code of PUBCOMP for an identifier that is not known.
const NOT_FOUND: u8 = 0x92;

/// CONNECT: the session is kept, there is no will.
pub(crate) fn connect(asked: &Connect<'_>) -> Bytes {
    let mut body = BytesMut::new();
    put_text(&mut body, "MQTT");
    body.put_u8(match asked.version {
        MqttVersion::V311 => 4,
        MqttVersion::V5 => 5,
    });
    // Neither clean session nor clean start; user and password together, or neither.
    body.put_u8(if asked.login.is_some() { 0xC0 } else { 0 });
    body.put_u16(asked.keep_alive);
    if asked.version == MqttVersion::V5 {
        put_length(&mut body, 8);
        body.put_u8(0x11);
        body.put_u32(asked.session_expiry);
        body.put_u8(0x21);
        body.put_u16(asked.receive_maximum);
    }
    put_text(&mut body, asked.client_id);
    if let Some(login) = &asked.login {
        put_text(&mut body, login.user);
        put_text(&mut body, login.password);
    }
    packet(0x10, &body)
}

/// SUBSCRIBE. MQTT 5 has more in its options: retain as published is left off, so that the flag tells what came
/// because of the subscription.
pub(crate) fn subscribe(version: MqttVersion, id: u16, filters: &[Filter]) -> Bytes {
    let mut body = BytesMut::new();
    body.put_u16(id);
    if version == MqttVersion::V5 {
        put_length(&mut body, 0);
    }
    for Filter { pattern, qos, retain_handling } in filters {
        put_text(&mut body, pattern);
        let handling = if version == MqttVersion::V5 { retain_handling << 4 } else { 0 };
        body.put_u8(handling | qos.number());
    }
    packet(0x82, &body)
}

/// PUBACK, PUBREC or PUBCOMP.
pub(crate) fn acknowledge(version: MqttVersion, acknowledgement: Acknowledgement) -> Bytes {
    let short = |first: u8, id: u16| packet(first, &id.to_be_bytes());
    match (acknowledgement, version) {
        (Acknowledgement::Ack(id), _) => short(0x40, id),
        (Acknowledgement::Rec(id), _) => short(0x50, id),
        (Acknowledgement::Comp(id, false), MqttVersion::V5) => {
            let [high, low] = id.to_be_bytes();
            packet(0x70, &[high, low, NOT_FOUND])
        }
        (Acknowledgement::Comp(id, _), _) => short(0x70, id),
    }
}

pub(crate) fn ping() -> Bytes {
    Bytes::from_static(&[0xC0, 0])
}

/// DISCONNECT, normal; the session stays.
pub(crate) fn disconnect() -> Bytes {
    Bytes::from_static(&[0xE0, 0])
}

fn packet(first: u8, body: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(body.len() + 5);
    out.put_u8(first);
    put_length(&mut out, body.len().min(MAX_LENGTH));
    out.put_slice(body);
    out.freeze()
}
