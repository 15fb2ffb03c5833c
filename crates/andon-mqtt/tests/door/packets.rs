//! Packets of MQTT, byte by byte, and a connection that does nothing by itself.

use std::sync::Arc;

use rumqttc::tokio_rustls::TlsConnector;
use rumqttc::tokio_rustls::client::TlsStream;
use rumqttc::tokio_rustls::rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{Version, Wish, tls_config};
use crate::plant::{PATIENCE, Papers, Plant, TLS};

/// A connection without a client.
pub(crate) struct Raw {
    pub stream: TlsStream<TcpStream>,
}

/// A packet: the first byte, and what follows the length.
pub(crate) type Packet = (u8, Vec<u8>);

impl Raw {
    /// Opens a connection with TLS and sends nothing.
    pub(crate) async fn open(plant: &Plant, papers: &Papers) -> Self {
        Self::try_open(plant, Some(papers)).await.expect("TLS")
    }

    /// The same; nothing if TLS comes to nothing. With TLS 1.3 a client learns only from what it reads that its
    /// certificate was refused.
    pub(crate) async fn try_open(plant: &Plant, papers: Option<&Papers>) -> Option<Self> {
        let mut wish = Wish::nameless(Version::V311);
        wish.papers = papers.cloned();
        let config = tls_config(plant, &wish);
        let socket = TcpStream::connect(plant.broker.addresses()[TLS]).await.ok()?;
        let host = ServerName::try_from("localhost").expect("a name");
        let stream = TlsConnector::from(Arc::new(config)).connect(host, socket).await.ok()?;
        Some(Self { stream })
    }

    /// Opens a session that is let in.
    pub(crate) async fn session(plant: &Plant, papers: &Papers, version: Version, clean: bool) -> Self {
        let mut raw = Self::open(plant, papers).await;
        raw.send(&connect(version, "pump-01", clean)).await;
        let (kind, body) = raw.packet().await.expect("CONNACK");
        assert_eq!((kind, body[1]), (0x20, 0), "{version:?}");
        raw
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        // A server that has hung up already is seen when the answer is read.
        let _ = self.stream.write_all(bytes).await;
        let _ = self.stream.flush().await;
    }

    /// The next packet; nothing when the connection has ended.
    pub(crate) async fn packet(&mut self) -> Option<Packet> {
        timeout(PATIENCE, self.read()).await.expect("an answer in time")
    }

    async fn read(&mut self) -> Option<Packet> {
        let kind = self.stream.read_u8().await.ok()?;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.stream.read_u8().await.ok()?;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        Some((kind, body))
    }

    /// Sends nothing more, and waits until the broker hangs up as well.
    pub(crate) async fn hang_up(&mut self) {
        // Whoever hangs up first is within its rights.
        let _ = self.stream.shutdown().await;
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await.expect("the broker hangs up");
    }

    /// Reads until the connection ends. What says goodbye is no acknowledgement.
    pub(crate) async fn ends(&mut self) -> bool {
        loop {
            match self.packet().await {
                None => return true,
                Some((kind, _)) if kind >> 4 == 14 || kind >> 4 == 2 => {}
                Some(_) => return false,
            }
        }
    }
}

/// A number of one to four bytes.
pub(crate) fn variable(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        bytes.push(if number > 0 { low | 0x80 } else { low });
        if number == 0 {
            return bytes;
        }
    }
}

/// The number that `bytes` begin with, and what follows it.
pub(crate) fn read_variable(bytes: &[u8]) -> (usize, &[u8]) {
    let length = bytes.iter().position(|byte| *byte < 0x80).expect("a number") + 1;
    let number = bytes[..length].iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
    (number, &bytes[length..])
}

pub(crate) fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &variable(body.len())[..], body].concat()
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("short");
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

/// CONNECT with a name, a level and flags; keep alive of a minute.
pub(crate) fn connect_as(name: &str, level: u8, flags: u8, client_id: &str) -> Vec<u8> {
    let mut body = text(name);
    body.extend([level, flags, 0, 60]);
    if level == 5 {
        // Session expiry of an hour, if the session is to be kept.
        body.extend(if flags & 2 == 0 { vec![5, 0x11, 0, 0, 0x0e, 0x10] } else { vec![0] });
    }
    body.extend(text(client_id));
    framed(0x10, &body)
}

pub(crate) fn connect(version: Version, client_id: &str, clean: bool) -> Vec<u8> {
    connect_as("MQTT", version.level(), if clean { 2 } else { 0 }, client_id)
}

/// PUBLISH with these flags: quality in bits 1 and 2, duplicate in bit 3, retained in bit 0.
pub(crate) fn publish(version: Version, flags: u8, topic: &str, packet_id: u16, payload: &str) -> Vec<u8> {
    let mut body = text(topic);
    if flags & 6 != 0 {
        body.extend(packet_id.to_be_bytes());
    }
    if version == Version::V5 {
        body.push(0);
    }
    body.extend(payload.as_bytes());
    framed(0x30 | flags, &body)
}

pub(crate) fn subscribe(version: Version, kind: u8, packet_id: u16, filters: &[(&str, u8)]) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    if version == Version::V5 {
        body.push(0);
    }
    for (filter, options) in filters {
        body.extend(text(filter));
        body.push(*options);
    }
    framed(kind, &body)
}

/// Properties of MQTT 5 in their order: number, and the bytes of the value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Properties(pub Vec<(u8, Vec<u8>)>);

impl Properties {
    pub(crate) fn with(mut self, number: u8, value: &[u8]) -> Self {
        self.0.push((number, value.to_vec()));
        self
    }

    /// With their length before them.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let all: Vec<u8> = self.0.iter().flat_map(|(number, value)| [&[*number], &value[..]].concat()).collect();
        [variable(all.len()), all].concat()
    }

    /// What `bytes` begin with, and what follows.
    pub(crate) fn read(bytes: &[u8]) -> (Self, &[u8]) {
        let (length, bytes) = read_variable(bytes);
        let (mut all, rest) = bytes.split_at(length);
        let mut properties = Self::default();
        while let [number, value @ ..] = all {
            let (value, after) = value.split_at(value_length(*number, value));
            properties = properties.with(*number, value);
            all = after;
        }
        (properties, rest)
    }

    pub(crate) fn all(&self, number: u8) -> Vec<&[u8]> {
        self.0.iter().filter(|(own, _)| *own == number).map(|(_, value)| &value[..]).collect()
    }

    /// The value of a property that is a number of fixed length.
    pub(crate) fn number(&self, number: u8) -> Option<u32> {
        let value = self.all(number).first().copied()?;
        Some(value.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }
}

/// How long the value of a property is that `bytes` begin with.
fn value_length(number: u8, bytes: &[u8]) -> usize {
    let text = |bytes: &[u8]| 2 + usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    match number {
        0x13 | 0x21 | 0x22 | 0x23 => 2,
        0x02 | 0x11 | 0x18 | 0x27 => 4,
        0x0b => bytes.iter().position(|byte| *byte < 0x80).expect("a number") + 1,
        0x03 | 0x08 | 0x09 | 0x12 | 0x15 | 0x16 | 0x1a | 0x1c | 0x1f => text(bytes),
        0x26 => text(bytes) + text(&bytes[text(bytes)..]),
        _ => 1,
    }
}
