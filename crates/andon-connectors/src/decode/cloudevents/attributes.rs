//! Attributes: from a JSON object or a set of headers to a checked [`Event`].

use andon_model::{Code, Event, Problem, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::decode::text::kind_of;

/// Where an attribute stands, for the fault that names it.
#[derive(Debug, Clone)]
pub(super) enum At {
    /// A member of the JSON object at this path.
    Json(String),
    /// An HTTP header `ce-<name>`.
    Header,
}

impl At {
    fn place(&self, attribute: &str) -> String {
        match self {
            Self::Json(object) => format!("{object}.{attribute}"),
            Self::Header => format!("header ce-{attribute}"),
        }
    }

    fn wrong(&self, attribute: &str, what: impl Into<String>) -> Problem {
        Problem::new(Code::BadCloudEvent, what).at(self.place(attribute))
    }
}

/// Builds an event from its attributes and data members (`data` or `data_base64`).
pub(super) fn event_from(mut members: Map<String, Value>, at: &At) -> Result<Event, Problem> {
    // The format lets an unset attribute be written as null.
    members.retain(|name, value| name == "data" || !value.is_null());
    let version = required(&mut members, "specversion", at)?;
    if version != "1.0" {
        return Err(at.wrong("specversion", format!("{version:?} is not known here, only \"1.0\" is")));
    }
    let (data, data_base64) = payload(&mut members, at)?;
    Ok(Event {
        id: required(&mut members, "id", at)?,
        source: uri(required(&mut members, "source", at)?, "source", at)?,
        kind: required(&mut members, "type", at)?,
        subject: optional(&mut members, "subject", at)?,
        time: time(&mut members, at)?,
        datacontenttype: media_type(&mut members, at)?,
        dataschema: optional(&mut members, "dataschema", at)?.map(|v| uri(v, "dataschema", at)).transpose()?,
        data,
        data_base64,
        extensions: extensions(members, at)?,
    })
}

fn required(members: &mut Map<String, Value>, name: &str, at: &At) -> Result<String, Problem> {
    optional(members, name, at)?.ok_or_else(|| at.wrong(name, "the attribute is required"))
}

fn optional(members: &mut Map<String, Value>, name: &str, at: &At) -> Result<Option<String>, Problem> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Err(at.wrong(name, "the attribute is empty")),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(at.wrong(name, format!("the attribute is a string, this is {}", kind_of(&other)))),
    }
}

fn uri(text: String, name: &str, at: &At) -> Result<String, Problem> {
    // RFC 3986 leaves these out of every part of a URI reference.
    let illegal = |c: char| c.is_whitespace() || c.is_control() || "<>\"{}|\\^`".contains(c);
    match text.chars().find(|c| illegal(*c)) {
        Some(found) => Err(at.wrong(name, format!("{found:?} cannot stand in a URI reference; percent-encode it"))),
        None => Ok(text),
    }
}

fn time(members: &mut Map<String, Value>, at: &At) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = optional(members, "time", at)? else { return Ok(None) };
    text.parse().map(Some).map_err(|error: andon_model::InvalidTimestamp| at.wrong("time", error.to_string()))
}

fn media_type(members: &mut Map<String, Value>, at: &At) -> Result<Option<String>, Problem> {
    let Some(text) = optional(members, "datacontenttype", at)? else { return Ok(None) };
    let essence = text.split(';').next().unwrap_or_default().trim();
    match essence.split_once('/') {
        Some((kind, sub)) if !kind.is_empty() && !sub.is_empty() && !sub.contains('/') => Ok(Some(text)),
        _ => Err(at.wrong("datacontenttype", format!("{text:?} is not a media type such as application/json"))),
    }
}

fn payload(members: &mut Map<String, Value>, at: &At) -> Result<(Value, Option<String>), Problem> {
    let encoded = optional(members, "data_base64", at)?;
    match (members.remove("data"), encoded) {
        (Some(_), Some(_)) => Err(at.wrong("data_base64", "there is data already; send one of the two")),
        (data, None) => Ok((data.unwrap_or_default(), None)),
        (None, Some(text)) => match STANDARD.decode(&text) {
            Ok(_) => Ok((Value::Null, Some(text))),
            Err(error) => Err(at.wrong("data_base64", format!("not base64: {error}"))),
        },
    }
}

fn extensions(members: Map<String, Value>, at: &At) -> Result<Map<String, Value>, Problem> {
    for (name, value) in &members {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            return Err(at.wrong(name, "attribute names are made of a-z and 0-9; put other members into data"));
        }
        let simple = value.is_string() || value.is_boolean() || value.is_i64();
        if !simple {
            let what = format!("an extension is a string, a boolean or an integer, this is {}", kind_of(value));
            return Err(at.wrong(name, what));
        }
    }
    Ok(members)
}
