//! A client of the interoperability cases: it sends what it is told to, and answers what it takes.

use std::collections::VecDeque;

use crate::client::Version;
use crate::packets::{Packet, Properties, Raw, framed, text};
use crate::plant::{Papers, Plant};

const CONNACK: u8 = 0x20;
const PUBACK: u8 = 0x40;
const PUBREC: u8 = 0x50;
const PUBREL: u8 = 0x62;
const PUBCOMP: u8 = 0x70;
const SUBACK: u8 = 0x90;
const UNSUBACK: u8 = 0xb0;
const DISCONNECT: u8 = 0xe0;

/// The property of CONNACK that names a client that came without a name.
pub(super) const ASSIGNED_CLIENT_ID: u8 = 0x12;

/// CONNECT.
#[derive(Clone)]
pub(super) struct Hello {
    pub client_id: String,
    pub clean: bool,
    pub keep_alive: u16,
    pub will: Option<Message>,
    pub properties: Properties,
}

impl Hello {
    pub(super) fn new(client_id: &str) -> Self {
        let client_id = client_id.to_owned();
        Self { client_id, clean: true, keep_alive: 60, will: None, properties: Properties::default() }
    }

    /// A session that outlives its connection by an hour.
    pub(super) fn keeping(client_id: &str) -> Self {
        let properties = Properties::default().with(0x11, &3_600_u32.to_be_bytes());
        Self { clean: false, properties, ..Self::new(client_id) }
    }

    fn bytes(&self, version: Version) -> Vec<u8> {
        let will = self.will.as_ref().map_or(0, |will| 0x04 | will.qos << 3 | u8::from(will.retain) << 5);
        let mut body = text("MQTT");
        body.extend([version.level(), will | u8::from(self.clean) << 1]);
        body.extend(self.keep_alive.to_be_bytes());
        body.extend(of_mqtt_5(version, &self.properties));
        body.extend(text(&self.client_id));
        if let Some(will) = &self.will {
            body.extend(of_mqtt_5(version, &will.properties));
            body.extend(text(&will.topic));
            body.extend(text(&will.payload));
        }
        framed(0x10, &body)
    }
}

/// Properties, where there are any.
fn of_mqtt_5(version: Version, properties: &Properties) -> Vec<u8> {
    if version == Version::V5 { properties.bytes() } else { Vec::new() }
}

/// CONNACK.
#[derive(Debug)]
pub(super) struct Welcome {
    pub present: bool,
    pub code: u8,
    pub properties: Properties,
}

/// PUBLISH.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub topic: String,
    pub payload: String,
    pub qos: u8,
    pub retain: bool,
    pub dup: bool,
    pub packet_id: u16,
    pub properties: Properties,
}

impl Message {
    pub(super) fn new(topic: &str, payload: &str, qos: u8) -> Self {
        Self { topic: topic.to_owned(), payload: payload.to_owned(), qos, ..Self::default() }
    }

    pub(super) fn retained(topic: &str, payload: &str, qos: u8) -> Self {
        Self { retain: true, ..Self::new(topic, payload, qos) }
    }

    pub(super) fn bytes(&self, version: Version) -> Vec<u8> {
        let mut body = text(&self.topic);
        if self.qos > 0 {
            body.extend(self.packet_id.to_be_bytes());
        }
        body.extend(of_mqtt_5(version, &self.properties));
        body.extend(self.payload.as_bytes());
        framed(0x30 | u8::from(self.dup) << 3 | self.qos << 1 | u8::from(self.retain), &body)
    }

    fn read(version: Version, (kind, body): &Packet) -> Self {
        let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
        let (topic, mut rest) = body[2..].split_at(length);
        let mut message = Self::new(&String::from_utf8_lossy(topic), "", kind >> 1 & 3);
        (message.dup, message.retain) = (kind & 8 != 0, kind & 1 != 0);
        if message.qos > 0 {
            message.packet_id = u16::from_be_bytes([rest[0], rest[1]]);
            rest = &rest[2..];
        }
        if version == Version::V5 {
            (message.properties, rest) = Properties::read(rest);
        }
        message.payload = String::from_utf8_lossy(rest).into_owned();
        message
    }
}

/// A client.
pub(super) struct Peer {
    pub raw: Raw,
    client_id: String,
    version: Version,
    inbox: VecDeque<Packet>,
    last_id: u16,
}

impl Peer {
    /// Connects; nothing if there is no answer.
    pub(super) async fn knock(
        plant: &Plant,
        papers: &Papers,
        version: Version,
        hello: &Hello,
    ) -> Option<(Self, Welcome)> {
        let mut raw = Raw::open(plant, papers).await;
        raw.send(&hello.bytes(version)).await;
        let (kind, body) = raw.packet().await?;
        assert_eq!(kind, CONNACK);
        let properties = if version == Version::V5 { Properties::read(&body[2..]).0 } else { Properties::default() };
        let welcome = Welcome { present: body[0] == 1, code: body[1], properties };
        let assigned = welcome.properties.all(ASSIGNED_CLIENT_ID).first().map(|id| String::from_utf8_lossy(&id[2..]));
        let client_id = assigned.map_or_else(|| hello.client_id.clone(), String::from);
        Some((Self { raw, client_id, version, inbox: VecDeque::new(), last_id: 0 }, welcome))
    }

    /// Connects and is let in.
    pub(super) async fn connect(plant: &Plant, papers: &Papers, version: Version, hello: &Hello) -> (Self, Welcome) {
        let (peer, welcome) = Self::knock(plant, papers, version, hello).await.expect("an answer");
        assert_eq!(welcome.code, 0, "{} {version:?}", hello.client_id);
        (peer, welcome)
    }

    pub(super) fn number(&mut self) -> u16 {
        self.last_id += 1;
        self.last_id
    }

    /// The next packet of a kind; what comes before it is left for later.
    async fn packet(&mut self, kind: u8) -> Option<Vec<u8>> {
        if let Some(place) = self.inbox.iter().position(|packet| packet.0 & 0xf0 == kind & 0xf0) {
            return self.inbox.remove(place).map(|packet| packet.1);
        }
        loop {
            let packet = self.raw.packet().await?;
            if packet.0 & 0xf0 == kind & 0xf0 {
                return Some(packet.1);
            }
            self.inbox.push_back(packet);
        }
    }

    pub(super) async fn subscribe(&mut self, filters: &[(&str, u8)]) -> Vec<u8> {
        self.subscribe_with(&Properties::default(), filters).await
    }

    /// Subscribes to filters, each with its options, and tells the codes.
    pub(super) async fn subscribe_with(&mut self, properties: &Properties, filters: &[(&str, u8)]) -> Vec<u8> {
        let own = of_mqtt_5(self.version, properties);
        let mut body = [&self.number().to_be_bytes()[..], &own].concat();
        for (filter, options) in filters {
            body.extend(text(filter));
            body.push(*options);
        }
        self.raw.send(&framed(0x82, &body)).await;
        self.codes(SUBACK).await
    }

    /// Gives subscriptions up; the codes are those of MQTT 5.
    pub(super) async fn unsubscribe(&mut self, filters: &[&str]) -> Vec<u8> {
        let own = of_mqtt_5(self.version, &Properties::default());
        let mut body = [&self.number().to_be_bytes()[..], &own].concat();
        for filter in filters {
            body.extend(text(filter));
        }
        self.raw.send(&framed(0xa2, &body)).await;
        self.codes(UNSUBACK).await
    }

    async fn codes(&mut self, kind: u8) -> Vec<u8> {
        let answer = self.packet(kind).await.expect("an answer");
        let rest = &answer[2..];
        if self.version == Version::V5 { Properties::read(rest).1.to_vec() } else { rest.to_vec() }
    }

    /// Publishes and waits for what acknowledges it; the answer is the reason code, nothing if the connection ended.
    pub(super) async fn publish(&mut self, message: &Message) -> Option<u8> {
        let message = Message { packet_id: self.number(), ..message.clone() };
        self.raw.send(&message.bytes(self.version)).await;
        match message.qos {
            0 => Some(0),
            1 => self.packet(PUBACK).await.map(|body| reason(&body)),
            _ => {
                let code = reason(&self.packet(PUBREC).await?);
                if code >= 0x80 {
                    return Some(code);
                }
                self.raw.send(&framed(PUBREL, &message.packet_id.to_be_bytes())).await;
                self.packet(PUBCOMP).await.map(|body| reason(&body))
            }
        }
    }

    /// Publishes and waits for success.
    pub(super) async fn give(&mut self, topic: &str, payload: &str, qos: u8) {
        assert!(self.publish(&Message::new(topic, payload, qos)).await.is_some_and(|code| code < 0x80), "{topic}");
    }

    /// Publishes a retained message and waits for success.
    pub(super) async fn retain(&mut self, topic: &str, payload: &str, qos: u8) {
        assert_eq!(self.publish(&Message::retained(topic, payload, qos)).await, Some(0), "{topic}");
    }

    /// The next message, acknowledged in no way.
    pub(super) async fn take(&mut self) -> Message {
        let body = self.inbox.iter().position(|packet| packet.0 >> 4 == 3);
        let packet = match body.and_then(|place| self.inbox.remove(place)) {
            Some(packet) => packet,
            None => loop {
                let packet = self.raw.packet().await.expect("a message");
                if packet.0 >> 4 == 3 {
                    break packet;
                }
                self.inbox.push_back(packet);
            },
        };
        Message::read(self.version, &packet)
    }

    /// Acknowledges a message to the end.
    pub(super) async fn acknowledge(&mut self, message: &Message) {
        let id = message.packet_id.to_be_bytes();
        match message.qos {
            0 => {}
            1 => self.raw.send(&framed(PUBACK, &id)).await,
            _ => {
                self.raw.send(&framed(PUBREC, &id)).await;
                assert_eq!(self.packet(PUBREL).await.expect("PUBREL")[..2], id);
                self.raw.send(&framed(PUBCOMP, &id)).await;
            }
        }
    }

    /// The next message, acknowledged.
    pub(super) async fn next(&mut self) -> Message {
        let message = self.take().await;
        self.acknowledge(&message).await;
        message
    }

    /// The payloads of the next messages.
    pub(super) async fn payloads(&mut self, count: usize) -> Vec<String> {
        let mut payloads = Vec::new();
        for _ in 0..count {
            payloads.push(self.next().await.payload);
        }
        payloads
    }

    /// Whether a message has come that nobody has taken.
    pub(super) fn holds_a_message(&self) -> bool {
        self.inbox.iter().any(|packet| packet.0 >> 4 == 3)
    }

    /// Waits until everything that it has sent is read: the answer to a ping comes after all that.
    pub(super) async fn ping(&mut self) {
        self.raw.send(&[0xc0, 0]).await;
        self.packet(0xd0).await.expect("PINGRESP");
    }

    /// The code of DISCONNECT, if the server says goodbye; nothing if it only hangs up.
    pub(super) async fn farewell(&mut self) -> Option<u8> {
        self.packet(DISCONNECT).await.map(|body| body.first().copied().unwrap_or(0))
    }

    /// Says goodbye, and waits until the server knows.
    pub(super) async fn disconnect(self, plant: &Plant) {
        self.disconnect_with(plant, &Properties::default()).await;
    }

    pub(super) async fn disconnect_with(mut self, plant: &Plant, properties: &Properties) {
        let body = if properties.0.is_empty() { Vec::new() } else { [&[0][..], &properties.bytes()].concat() };
        self.raw.send(&framed(DISCONNECT, &body)).await;
        self.vanish(plant).await;
    }

    /// Breaks the connection, and waits until the server knows.
    pub(super) async fn vanish(self, plant: &Plant) {
        let Self { raw, client_id, .. } = self;
        drop(raw);
        plant.until_away(&client_id).await;
    }
}

/// The reason code of an acknowledgement: where MQTT 5 leaves it out, and in MQTT 3.1.1, it is success.
fn reason(body: &[u8]) -> u8 {
    body.get(2).copied().unwrap_or(0)
}
