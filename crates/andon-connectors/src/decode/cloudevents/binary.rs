//! Binary mode: attributes in headers `ce-*`, the data in the body.

use andon_journal::Delivery;
use andon_model::{Code, Event, Problem};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::attributes::{At, event_from};
use super::{essence, within_limit};
use crate::decode::text::parse_json;

pub(super) fn event(delivery: &Delivery) -> Result<Event, Problem> {
    within_limit(delivery.body.len(), "body")?;
    let mut members = attributes(delivery)?;
    add_data(&mut members, delivery)?;
    event_from(members, &At::Header)
}

fn attributes(delivery: &Delivery) -> Result<Map<String, Value>, Problem> {
    let mut members = Map::new();
    for (header, value) in &delivery.headers {
        let Some(name) = header.strip_prefix("ce-") else { continue };
        if matches!(name, "data" | "data_base64" | "datacontenttype") {
            return Err(wrong(header, "in binary mode the body is the data and Content-Type its media type"));
        }
        if members.insert(name.to_owned(), Value::String(header_value(header, value)?)).is_some() {
            return Err(wrong(header, "the header is there twice"));
        }
    }
    Ok(members)
}

/// Undoes quoting (old senders) and then percent-encoding, as the HTTP binding says in section 3.1.3.2.
fn header_value(header: &str, value: &str) -> Result<String, Problem> {
    let value = value.trim();
    let unquoted = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).map(unescape);
    let text = unquoted.as_deref().unwrap_or(value);
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| wrong(header, "the percent-encoded bytes are not UTF-8"))
}

fn unescape(quoted: &str) -> String {
    let mut escaped = false;
    quoted
        .chars()
        .filter(|c| {
            escaped = *c == '\\' && !escaped;
            !escaped
        })
        .collect()
}

fn add_data(members: &mut Map<String, Value>, delivery: &Delivery) -> Result<(), Problem> {
    let content_type = delivery.content_type.as_deref().unwrap_or_default();
    if !content_type.is_empty() {
        members.insert("datacontenttype".into(), content_type.into());
    }
    if delivery.body.is_empty() {
        return Ok(());
    }
    let media = essence(content_type);
    if media.ends_with("/json") || media.ends_with("+json") {
        members.insert("data".into(), parse_json(&delivery.body)?);
    } else {
        members.insert("data_base64".into(), STANDARD.encode(&delivery.body).into());
    }
    Ok(())
}

fn wrong(header: &str, what: &str) -> Problem {
    Problem::new(Code::BadCloudEvent, what).at(format!("header {header}"))
}
