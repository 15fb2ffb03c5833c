//! Lines as they nearly always are, read from left to right.
//!
//! **Constraints.** Knows the order of members and payloads that stand inline, and gives up on everything else, escapes
//! in names among it; then the line is read as any JSON. What both can read they read alike.

use andon_model::{IngestId, Reading, SpeaksFor, Timestamp};
use serde::de::IgnoredAny;

/// Reads a line whose checksum is right and was taken off.
pub(super) fn read(text: &[u8]) -> Option<Reading> {
    let rest = std::str::from_utf8(text).ok()?.strip_prefix(r#"{"v":1,"id":"#)?;
    let (id, rest) = rest.split_once(',')?;
    let (received, rest) = rest.strip_prefix(r#""ts":""#)?.split_once('"')?;
    let (device, rest) = rest.strip_prefix(r#","device":""#)?.split_once('"')?;
    let (topic, rest) = rest.strip_prefix(r#","topic":""#)?.split_once('"')?;
    let (speaks_for, rest) = names(rest)?;
    let payload = one_value(rest.strip_prefix(r#","payload":"#)?)?;
    let received: Timestamp = as_it_is(received)?.parse().ok()?;
    let (device, topic) = (as_it_is(device)?.into(), as_it_is(topic)?.into());
    Some(Reading { id: number(id)?, received, device, topic, speaks_for, payload: payload.into() })
}

/// The devices that it may speak for, if the line says so, and what is behind them.
fn names(rest: &str) -> Option<(SpeaksFor, &str)> {
    let Some(rest) = rest.strip_prefix(r#","for":["#) else { return Some((SpeaksFor::Anyone, rest)) };
    let (names, rest) = rest.split_once(']')?;
    if names.is_empty() {
        return Some((SpeaksFor::Only(Vec::new()), rest));
    }
    let names: Option<Vec<_>> = names.split(',').map(|name| quoted(name).map(Into::into)).collect();
    Some((SpeaksFor::Only(names?), rest))
}

fn quoted(text: &str) -> Option<&str> {
    as_it_is(text.strip_prefix('"')?.strip_suffix('"')?).filter(|text| !text.contains('"'))
}

fn number(digits: &str) -> Option<IngestId> {
    let is_plain = digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if is_plain { digits.parse().ok().map(IngestId) } else { None }
}

/// A text without anything that JSON writes in another way.
fn as_it_is(text: &str) -> Option<&str> {
    text.bytes().all(|b| b >= b' ' && b != b'\\').then_some(text)
}

/// Nothing may follow the payload, which would be a member of the line.
fn one_value(json: &str) -> Option<&str> {
    serde_json::from_str::<IgnoredAny>(json).ok()?;
    Some(json.trim_matches([' ', '\t', '\n', '\r']))
}
