//! Packets of MQTT 3.1.1 and 5, as far as a device that only publishes needs them.
//!
//! **Constraints.** The codec is rumqttc's; its client is not used, because a fleet needs what a good client hides: which
//! packet was acknowledged when, packets sent again with DUP, connections cut without a word; and because one task and
//! two buffers a connection are enough for ten thousand of them.

use std::fmt;
use std::str::FromStr;

use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::{self, v4};
use rumqttc::v5::mqttbytes::{self as mqttbytes5, v5};

/// Largest packet that a broker may send.
const MAX_PACKET_BYTES: u32 = 64 << 10;
/// Seconds for which a broker is asked to keep a session of MQTT 5.
const SESSION_SECONDS: u32 = 3_600;

/// The version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Protocol {
    /// MQTT 3.1.1.
    #[default]
    V311,
    /// MQTT 5.
    V5,
}

impl Protocol {
    /// Its number as people write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V311 => "3.1.1",
            Self::V5 => "5",
        }
    }
}

impl FromStr for Protocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "3.1.1" | "4" => Ok(Self::V311),
            "5" | "5.0" => Ok(Self::V5),
            _ => Err(format!("{text:?} is no version of MQTT that is spoken here: 3.1.1 or 5")),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Quality of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Qos {
    /// 0: at most once; never acknowledged.
    AtMostOnce,
    /// 1: at least once; PUBACK.
    #[default]
    AtLeastOnce,
    /// 2: exactly once; PUBREC, PUBREL, PUBCOMP.
    ExactlyOnce,
}

impl Qos {
    /// Its number.
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl TryFrom<u8> for Qos {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            0 => Ok(Self::AtMostOnce),
            1 => Ok(Self::AtLeastOnce),
            2 => Ok(Self::ExactlyOnce),
            _ => Err(format!("{number} is no quality of service: 0, 1 or 2")),
        }
    }
}

/// What a broker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::fleet) enum Incoming {
    /// CONNACK that lets in: whether the session was there, and how many publishes may be open.
    Welcome { present: bool, window: u16 },
    /// CONNACK that does not.
    Refused(String),
    /// PUBACK, with the reason if it says no.
    Acked(u16, Option<String>),
    /// PUBREC, likewise.
    Received(u16, Option<String>),
    /// PUBCOMP.
    Completed(u16),
    /// PINGRESP.
    Pong,
    /// DISCONNECT of MQTT 5.
    Goodbye(String),
    /// Anything else.
    Other,
}

/// Why what a broker sends cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the broker's packet cannot be read: {0}")]
pub(in crate::fleet) struct Unreadable(String);

/// Writes and reads the packets of one device.
pub(in crate::fleet) struct Speaker {
    connect: Connect,
    publish: Publish,
}

enum Connect {
    V311(v4::Connect),
    V5(v5::Connect),
}

/// Used again for every message, so that the topic is not copied each time.
enum Publish {
    V311(v4::Publish),
    V5(v5::Publish),
}

impl Speaker {
    pub(in crate::fleet) fn new(
        protocol: Protocol,
        client_id: &str,
        topic: &str,
        keep_alive: u16,
        clean: bool,
    ) -> Self {
        match protocol {
            Protocol::V311 => {
                let mut connect = v4::Connect::new(client_id);
                (connect.keep_alive, connect.clean_session) = (keep_alive, clean);
                let publish = v4::Publish::new(topic, mqttbytes::QoS::AtMostOnce, Vec::new());
                Self { connect: Connect::V311(connect), publish: Publish::V311(publish) }
            }
            Protocol::V5 => {
                let session = (!clean).then_some(SESSION_SECONDS);
                let properties = v5::ConnectProperties { session_expiry_interval: session, ..Default::default() };
                let client_id = client_id.to_owned();
                let connect = v5::Connect { keep_alive, client_id, clean_start: clean, properties: Some(properties) };
                let publish = v5::Publish::new(topic, mqttbytes5::QoS::AtMostOnce, Bytes::new(), None);
                Self { connect: Connect::V5(connect), publish: Publish::V5(publish) }
            }
        }
    }

    pub(in crate::fleet) fn protocol(&self) -> Protocol {
        match self.connect {
            Connect::V311(_) => Protocol::V311,
            Connect::V5(_) => Protocol::V5,
        }
    }

    /// CONNECT, into an empty buffer.
    pub(in crate::fleet) fn connect(&self, out: &mut BytesMut) {
        match &self.connect {
            Connect::V311(connect) => drop(connect.write(out)),
            Connect::V5(connect) => drop(connect.write(&None, &None, out)),
        }
    }

    /// PUBLISH. The identifier is 0 at QoS 0 and never otherwise.
    pub(in crate::fleet) fn publish(&mut self, id: u16, qos: Qos, dup: bool, payload: &Bytes, out: &mut BytesMut) {
        match &mut self.publish {
            Publish::V311(publish) => {
                publish.qos = match qos {
                    Qos::AtMostOnce => mqttbytes::QoS::AtMostOnce,
                    Qos::AtLeastOnce => mqttbytes::QoS::AtLeastOnce,
                    Qos::ExactlyOnce => mqttbytes::QoS::ExactlyOnce,
                };
                (publish.pkid, publish.dup, publish.payload) = (id, dup, payload.clone());
                drop(publish.write(out));
            }
            Publish::V5(publish) => {
                publish.qos = match qos {
                    Qos::AtMostOnce => mqttbytes5::QoS::AtMostOnce,
                    Qos::AtLeastOnce => mqttbytes5::QoS::AtLeastOnce,
                    Qos::ExactlyOnce => mqttbytes5::QoS::ExactlyOnce,
                };
                (publish.pkid, publish.dup, publish.payload) = (id, dup, payload.clone());
                drop(publish.write(out));
            }
        }
    }

    /// PUBREL.
    pub(in crate::fleet) fn release(&self, id: u16, out: &mut BytesMut) {
        match self.protocol() {
            Protocol::V311 => drop(v4::PubRel::new(id).write(out)),
            Protocol::V5 => drop(v5::PubRel::new(id, None).write(out)),
        }
    }

    /// PINGREQ.
    pub(in crate::fleet) fn ping(out: &mut BytesMut) {
        drop(v4::PingReq.write(out));
    }

    /// DISCONNECT.
    pub(in crate::fleet) fn goodbye(&self, out: &mut BytesMut) {
        match self.protocol() {
            Protocol::V311 => drop(v4::Disconnect.write(out)),
            Protocol::V5 => drop(v5::Disconnect::new(v5::DisconnectReasonCode::NormalDisconnection).write(out)),
        }
    }

    /// Takes the next whole packet out of what was received.
    pub(in crate::fleet) fn read(&self, inbox: &mut BytesMut) -> Result<Option<Incoming>, Unreadable> {
        match self.protocol() {
            Protocol::V311 => match v4::Packet::read(inbox, MAX_PACKET_BYTES as usize) {
                Ok(packet) => Ok(Some(of_v311(&packet))),
                Err(mqttbytes::Error::InsufficientBytes(_)) => Ok(None),
                Err(error) => Err(Unreadable(error.to_string())),
            },
            Protocol::V5 => match v5::Packet::read(inbox, Some(MAX_PACKET_BYTES)) {
                Ok(packet) => Ok(Some(of_v5(&packet))),
                Err(mqttbytes5::Error::InsufficientBytes(_)) => Ok(None),
                Err(error) => Err(Unreadable(error.to_string())),
            },
        }
    }
}

fn of_v311(packet: &v4::Packet) -> Incoming {
    match packet {
        v4::Packet::ConnAck(ack) if ack.code == v4::ConnectReturnCode::Success => {
            Incoming::Welcome { present: ack.session_present, window: u16::MAX }
        }
        v4::Packet::ConnAck(ack) => Incoming::Refused(format!("{:?}", ack.code)),
        v4::Packet::PubAck(ack) => Incoming::Acked(ack.pkid, None),
        v4::Packet::PubRec(ack) => Incoming::Received(ack.pkid, None),
        v4::Packet::PubComp(ack) => Incoming::Completed(ack.pkid),
        v4::Packet::PingResp => Incoming::Pong,
        _ => Incoming::Other,
    }
}

fn of_v5(packet: &v5::Packet) -> Incoming {
    match packet {
        v5::Packet::ConnAck(ack) if ack.code == v5::ConnectReturnCode::Success => {
            let window = ack.properties.as_ref().and_then(|properties| properties.receive_max);
            Incoming::Welcome { present: ack.session_present, window: window.unwrap_or(u16::MAX) }
        }
        v5::Packet::ConnAck(ack) => Incoming::Refused(format!("{:?}", ack.code)),
        v5::Packet::PubAck(ack) => {
            let is_good = matches!(ack.reason, v5::PubAckReason::Success | v5::PubAckReason::NoMatchingSubscribers);
            Incoming::Acked(ack.pkid, (!is_good).then(|| format!("{:?}", ack.reason)))
        }
        v5::Packet::PubRec(ack) => {
            let is_good = matches!(ack.reason, v5::PubRecReason::Success | v5::PubRecReason::NoMatchingSubscribers);
            Incoming::Received(ack.pkid, (!is_good).then(|| format!("{:?}", ack.reason)))
        }
        v5::Packet::PubComp(ack) => Incoming::Completed(ack.pkid),
        v5::Packet::PingResp(_) => Incoming::Pong,
        v5::Packet::Disconnect(goodbye) => Incoming::Goodbye(format!("{:?}", goodbye.reason_code)),
        _ => Incoming::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(protocol: Protocol, bytes: &[u8], expect: &Result<Option<Incoming>, ()>) {
        let speaker = Speaker::new(protocol, "pump-1", "data/pump-1", 60, true);
        let found = speaker.read(&mut BytesMut::from(bytes)).map_err(|_| ());
        assert_eq!(&found, expect, "{protocol} {bytes:?}");
    }

    #[test]
    fn what_a_broker_says_is_understood() {
        let (v311, v5) = (Protocol::V311, Protocol::V5);
        check(v311, &[0x20, 2, 1, 0], &Ok(Some(Incoming::Welcome { present: true, window: u16::MAX })));
        check(v311, &[0x20, 2, 0, 5], &Ok(Some(Incoming::Refused("NotAuthorized".to_owned()))));
        check(v5, &[0x20, 6, 0, 0, 3, 0x21, 0, 9], &Ok(Some(Incoming::Welcome { present: false, window: 9 })));
        check(v5, &[0x20, 3, 0, 0x87, 0], &Ok(Some(Incoming::Refused("NotAuthorized".to_owned()))));
        for protocol in [v311, v5] {
            check(protocol, &[0x40, 2, 1, 2], &Ok(Some(Incoming::Acked(258, None))));
            check(protocol, &[0x50, 2, 0, 7], &Ok(Some(Incoming::Received(7, None))));
            check(protocol, &[0x70, 2, 0, 7], &Ok(Some(Incoming::Completed(7))));
            check(protocol, &[0xd0, 0], &Ok(Some(Incoming::Pong)));
            check(protocol, &[0x40, 2, 1], &Ok(None));
            check(protocol, &[], &Ok(None));
            check(protocol, &[0xff, 1, 1], &Err(()));
        }
        check(v5, &[0x40, 4, 0, 1, 0x87, 0], &Ok(Some(Incoming::Acked(1, Some("NotAuthorized".to_owned())))));
        check(v5, &[0x40, 4, 0, 1, 0x10, 0], &Ok(Some(Incoming::Acked(1, None))));
    }

    #[test]
    fn a_publish_is_written() {
        let check = |protocol, id, qos, dup, expect: &[u8]| {
            let mut speaker = Speaker::new(protocol, "x", "a/b", 60, true);
            let mut out = BytesMut::new();
            speaker.publish(id, qos, dup, &Bytes::from_static(b"hi"), &mut out);
            assert_eq!(&out[..], expect, "{protocol} {qos:?}");
        };
        check(Protocol::V311, 0, Qos::AtMostOnce, false, &[0x30, 7, 0, 3, b'a', b'/', b'b', b'h', b'i']);
        check(Protocol::V311, 3, Qos::AtLeastOnce, true, &[0x3a, 9, 0, 3, b'a', b'/', b'b', 0, 3, b'h', b'i']);
        check(Protocol::V5, 3, Qos::ExactlyOnce, false, &[0x34, 10, 0, 3, b'a', b'/', b'b', 0, 3, 0, b'h', b'i']);
    }
}
