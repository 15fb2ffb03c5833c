//! Bytes become packets.

use bytes::{Buf, Bytes, BytesMut};

use super::WireError;
use super::fields::{Fields, length};
use super::packet::{ConnAck, Farewell, Incoming, MqttVersion, Publish, Qos};
use super::properties::Properties;

/// Longest packet that is not a publish. A SUBACK has a byte per filter and a reason, a CONNACK some texts.
const MAX_CONTROL_BYTES: usize = 256 << 10;

/// What a publish may have before its payload: a topic of 64 KiB, and properties of about as much.
const MAX_PUBLISH_HEAD_BYTES: usize = 256 << 10;

const PUBLISH: u8 = 3;

/// What has arrived and is not read yet.
#[derive(Debug)]
pub(crate) struct Frames {
    version: MqttVersion,
    max_payload_bytes: usize,
    buffer: BytesMut,
    /// Bytes of a payload above the limit that are still to come, and are passed over.
    skip: usize,
}

/// A packet: its first byte, its content as far as it is kept, and its length.
struct Frame {
    first: u8,
    body: Bytes,
    bytes: usize,
}

impl Frames {
    pub(crate) fn new(version: MqttVersion, max_payload_bytes: usize) -> Self {
        Self { version, max_payload_bytes, buffer: BytesMut::new(), skip: 0 }
    }

    /// Where the next bytes go.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next packet; `None` when more bytes must come.
    pub(crate) fn next(&mut self) -> Result<Option<Incoming>, WireError> {
        let passed = self.skip.min(self.buffer.len());
        self.buffer.advance(passed);
        self.skip -= passed;
        match self.frame()? {
            Some(frame) => read(frame, self.version).map(Some),
            None => Ok(None),
        }
    }

    fn frame(&mut self) -> Result<Option<Frame>, WireError> {
        let Some(first) = self.buffer.first().copied() else { return Ok(None) };
        let Some((bytes, taken)) = length(&self.buffer[1..])? else { return Ok(None) };
        let kept = bytes.min(self.most(first, bytes)?);
        if self.buffer.len() < 1 + taken + kept {
            return Ok(None);
        }
        self.buffer.advance(1 + taken);
        self.skip = bytes - kept;
        Ok(Some(Frame { first, body: self.buffer.split_to(kept).freeze(), bytes }))
    }

    /// How much of a packet is kept.
    fn most(&self, first: u8, bytes: usize) -> Result<usize, WireError> {
        match first >> 4 {
            PUBLISH => Ok(MAX_PUBLISH_HEAD_BYTES + self.max_payload_bytes),
            kind if bytes > MAX_CONTROL_BYTES => Err(WireError::TooLarge { kind, bytes }),
            _ => Ok(MAX_CONTROL_BYTES),
        }
    }
}

fn read(frame: Frame, version: MqttVersion) -> Result<Incoming, WireError> {
    let cut = frame.bytes - frame.body.len();
    let mut fields = Fields(frame.body);
    match (frame.first >> 4, frame.first & 0x0F) {
        (2, 0) => conn_ack(&mut fields, version).map(Incoming::ConnAck),
        (PUBLISH, flags) => publish(fields, flags, cut, version).map(Incoming::Publish),
        (6, 2) => fields.u16().map(|id| Incoming::PubRel { id }),
        (9, 0) => sub_ack(fields, version),
        (13, 0) => Ok(Incoming::PingResp),
        (14, 0) if version == MqttVersion::V5 => farewell(&mut fields).map(Incoming::Disconnect),
        (2 | 6 | 9 | 13 | 14, _) => Err(WireError::Forbidden("a packet with flags that it must not have")),
        (kind, _) => Err(WireError::Unexpected(kind)),
    }
}

fn conn_ack(fields: &mut Fields, version: MqttVersion) -> Result<ConnAck, WireError> {
    let session_present = fields.u8()? & 1 == 1;
    let code = fields.u8()?;
    // A broker that does not speak version 5 refuses it in the form of its own version, without properties.
    let properties = if fields.is_empty() { Properties::default() } else { properties(fields, version)? };
    let (keep_alive, session_expiry) = (properties.keep_alive, properties.session_expiry);
    let farewell = Farewell { code, reason: properties.reason };
    Ok(ConnAck { session_present, farewell, keep_alive, session_expiry })
}

/// A short DISCONNECT leaves out its properties, or its code as well.
fn farewell(fields: &mut Fields) -> Result<Farewell, WireError> {
    if fields.is_empty() {
        return Ok(Farewell::default());
    }
    let code = fields.u8()?;
    let reason = if fields.is_empty() { None } else { Properties::read(fields)?.reason };
    Ok(Farewell { code, reason })
}

fn publish(mut fields: Fields, flags: u8, cut: usize, version: MqttVersion) -> Result<Publish, WireError> {
    let qos = Qos::from_number((flags >> 1) & 3).ok_or(WireError::Forbidden("a publish with QoS 3"))?;
    let topic = fields.text()?;
    if topic.is_empty() || topic.contains(['+', '#']) {
        return Err(WireError::Forbidden("a publish to a topic that is none"));
    }
    let id = if qos == Qos::Zero { None } else { Some(identifier(&mut fields)?) };
    let Properties { content_type, user, .. } = properties(&mut fields, version)?;
    let (payload, retained) = (fields.0, flags & 1 == 1);
    let bytes = payload.len() + cut;
    Ok(Publish { topic, qos, id, retained, content_type, user, payload, bytes })
}

fn identifier(fields: &mut Fields) -> Result<u16, WireError> {
    match fields.u16()? {
        0 => Err(WireError::Forbidden("the packet identifier 0")),
        id => Ok(id),
    }
}

fn sub_ack(mut fields: Fields, version: MqttVersion) -> Result<Incoming, WireError> {
    let id = fields.u16()?;
    properties(&mut fields, version)?;
    Ok(Incoming::SubAck { id, codes: fields.0.to_vec() })
}

fn properties(fields: &mut Fields, version: MqttVersion) -> Result<Properties, WireError> {
    match version {
        MqttVersion::V311 => Ok(Properties::default()),
        MqttVersion::V5 => Properties::read(fields),
    }
}
