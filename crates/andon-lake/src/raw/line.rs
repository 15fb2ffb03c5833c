//! One reading as one line of text.
//!
//! **Format, version 1.** A JSON object, its members in this order, closed by a checksum of fixed width:
//!
//! ```text
//! {"v":1,"id":7,"ts":"2026-03-05T14:00:00.25Z","device":"s1","topic":"data/s1","payload":{"t":21.5},"crc":"89abcdef"}
//! ```
//!
//! Of a device that came by its certificate there is `"for":["tag-1"]` behind the topic: the devices that it may report
//! for, of those that the payload has ([`SpeaksFor`]). Lines without it speak for anyone.
//!
//! `id` is gapless per log, `ts` the time of receipt in UTC with up to six decimals. A payload that is JSON stands
//! inline, byte for byte, but for line breaks, which become spaces (JSON allows them between tokens only), and white
//! space around it, which is not read back. Any other payload, and JSON nested deeper than [`MAX_JSON_DEPTH`], stands as `payload_base64`, byte for byte. `crc` is the
//! CRC-32 (IEEE 802.3, as gzip has it) of the line's bytes before `,"crc"`, in hexadecimal. Lines end with LF.
//!
//! **Constraints.** Whoever reads newline-delimited JSON can read it. A line whose checksum is wrong is never
//! taken for a reading. A reader meets no other version than its own: a new one gets a new reader beside this.

mod plain;

use std::io::Write as _;

use andon_journal::NewReading;
use andon_model::{IngestId, MAX_JSON_DEPTH, Reading, SpeaksFor, Timestamp};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Bytes that close a line: `,"crc":"xxxxxxxx"}` and the line feed.
const TAIL_BYTES: usize = 19;

/// Longest line that is written: base64 of the largest payload, escaped device and topic, and the rest.
pub(crate) const MAX_LINE_BYTES: usize = 2 << 20;

/// Why bytes are not a reading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// It does not end as a line does: cut off while it was written.
    #[error("the line is incomplete")]
    Torn,
    /// Its bytes are not those that were written.
    #[error("the checksum is {found:08x}, the line says {said:08x}")]
    Checksum {
        /// Of the bytes that are there.
        found: u32,
        /// As the line has it.
        said: u32,
    },
    /// The checksum is right, and still it is no line of this version.
    #[error("not a line of version 1: {0}")]
    Format(String),
    /// The lines that follow in the archive's object cannot be unpacked.
    #[error("{0}")]
    Packed(String),
}

/// Appends the line of `reading`, with its place `id`, to `out`.
pub(crate) fn write_line(out: &mut Vec<u8>, id: IngestId, reading: &NewReading) {
    let begin = out.len();
    out.extend_from_slice(br#"{"v":1,"id":"#);
    // Writing to a vector cannot fail.
    let _ = write!(out, "{id},\"ts\":\"{}\",\"device\":", reading.received);
    write_text(out, &reading.device);
    out.extend_from_slice(br#","topic":"#);
    write_text(out, &reading.topic);
    write_names(out, &reading.speaks_for);
    write_payload(out, &reading.payload);
    let crc = crc32fast::hash(&out[begin..]);
    let _ = writeln!(out, ",\"crc\":\"{crc:08x}\"}}");
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(out, text);
}

fn write_names(out: &mut Vec<u8>, speaks_for: &SpeaksFor) {
    let SpeaksFor::Only(names) = speaks_for else { return };
    out.extend_from_slice(br#","for":["#);
    for (at, name) in names.iter().enumerate() {
        out.extend_from_slice(if at > 0 { b"," } else { b"" });
        write_text(out, name);
    }
    out.push(b']');
}

fn write_payload(out: &mut Vec<u8>, payload: &[u8]) {
    if stands_inline(payload) {
        out.extend_from_slice(br#","payload":"#);
        out.extend(payload.iter().map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { *b }));
    } else {
        out.extend_from_slice(br#","payload_base64":""#);
        out.extend_from_slice(BASE64_STANDARD.encode(payload).as_bytes());
        out.push(b'"');
    }
}

/// Whether `payload` is one JSON value that every reader of the line can read.
fn stands_inline(payload: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(payload) else { return false };
    depth(payload) <= MAX_JSON_DEPTH && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Deepest nesting of brackets outside strings; what it says of bytes that are not JSON means nothing.
fn depth(json: &[u8]) -> usize {
    let (mut deepest, mut depth, mut in_text, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in json {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'{' | b'[') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The members of a line, borrowed from it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members<'a> {
    v: u8,
    id: IngestId,
    ts: Timestamp,
    #[serde(borrow)]
    device: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    topic: std::borrow::Cow<'a, str>,
    #[serde(default, rename = "for")]
    speaks_for: Option<Vec<String>>,
    #[serde(borrow, default, deserialize_with = "present")]
    payload: Option<&'a RawValue>,
    #[serde(borrow, default)]
    payload_base64: Option<&'a str>,
    #[serde(rename = "crc")]
    _crc: IgnoredAny,
}

/// `null` is a payload, and not the lack of one.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads a line, its line feed included.
pub(crate) fn read_line(line: &[u8]) -> Result<Reading, LineFault> {
    let text = check(line)?;
    if let Some(reading) = plain::read(text) {
        return Ok(reading);
    }
    let format = |e: &dyn std::fmt::Display| LineFault::Format(e.to_string());
    let members: Members<'_> = serde_json::from_slice(line).map_err(|e| format(&e))?;
    if members.v != 1 {
        return Err(LineFault::Format(format!("its version is {}", members.v)));
    }
    let payload = match (members.payload, members.payload_base64) {
        (Some(json), None) => json.get().as_bytes().to_vec(),
        (None, Some(text)) => BASE64_STANDARD.decode(text).map_err(|e| format(&e))?,
        _ => return Err(LineFault::Format("it has no payload, or two".to_owned())),
    };
    let (device, topic) = (members.device.into(), members.topic.into());
    let speaks_for = members
        .speaks_for
        .map_or(SpeaksFor::Anyone, |names| SpeaksFor::Only(names.into_iter().map(Into::into).collect()));
    Ok(Reading { id: members.id, received: members.ts, device, topic, speaks_for, payload })
}

/// The bytes that are summed, if the sum is right.
fn check(line: &[u8]) -> Result<&[u8], LineFault> {
    let (text, said) = split_tail(line).ok_or(LineFault::Torn)?;
    let found = crc32fast::hash(text);
    if found == said { Ok(text) } else { Err(LineFault::Checksum { found, said }) }
}

/// The bytes that are summed, and the sum that the line gives.
fn split_tail(line: &[u8]) -> Option<(&[u8], u32)> {
    let (text, tail) = line.split_at_checked(line.len().checked_sub(TAIL_BYTES)?)?;
    let digits = tail.strip_prefix(br#","crc":""#)?.strip_suffix(b"\"}\n")?;
    let digits = std::str::from_utf8(digits).ok()?;
    Some((text, u32::from_str_radix(digits, 16).ok()?))
}
