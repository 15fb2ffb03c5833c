//! `framework`: the body that the events-to-business-actions framework takes at `POST /api/events`.
//!
//! ```json
//! {"data": {"SourceSystem": "AWS IoT SiteWise", "DeviceLocation": "Hall 3", "DeviceType": "Pump", "eventData": {}}}
//! ```
//!
//! `data` becomes the event's data unchanged, so that templates such as
//! `${{event.data.eventData.x}}` work as they did. The senders give no id: a message id of the broker is
//! taken when there is one, else a digest of the body, so that the same body sent again is the same event.

use andon_journal::{Decoded, Decoder, Delivery};
use andon_model::{Event, Problem};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::PartDecoder;
use super::lines::one_fault;
use super::text::{content_id, fault, kind_of, parse_json, without_mark};
use crate::source::{Configured, Section};

/// `type` of the events.
const EVENT_TYPE: &str = "andon.framework.event";

/// Headers that may carry the message's id, the most telling first.
const ID_HEADERS: [&str; 4] = ["solace-message-id", "ce-id", "x-message-id", "idempotency-key"];

/// Names that the event itself uses and that a sender's member beside `data` therefore cannot have.
const TAKEN: [&str; 9] =
    ["id", "source", "type", "subject", "time", "specversion", "datacontenttype", "dataschema", "data_base64"];

/// Everything but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The decoder `framework`. It has no options.
#[derive(Debug, Clone, Copy, Default)]
pub struct Framework;

impl PartDecoder for Framework {}

impl Configured for Framework {
    fn configured(section: &Section<'_>) -> Result<Self, Problem> {
        section.no_options().map(|()| Self)
    }
}

impl Decoder for Framework {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        match event(delivery) {
            Ok(event) => Decoded { events: vec![event], ..Decoded::default() },
            Err(problem) => one_fault(problem, delivery.body.clone()),
        }
    }
}

fn event(delivery: &Delivery) -> Result<Event, Problem> {
    let body = parse_json(without_mark(&delivery.body).0)?;
    let id = message_id(delivery).unwrap_or_else(|| content_id(delivery, &body, &delivery.body));
    let Value::Object(mut members) = body else {
        return Err(fault("$", format!("an object with the member data is expected, this is {}", kind_of(&body))));
    };
    refuse_cloud_event(&members)?;
    let data = data(&mut members)?;
    let system = text_member(&data, "SourceSystem")?.unwrap_or_default();
    let mut event = Event::new(source(&system), id, EVENT_TYPE, Value::Null);
    event.subject = subject(&data)?;
    event.data = Value::Object(data);
    event.datacontenttype = Some("application/json".into());
    event.extensions = members;
    Ok(event)
}

fn message_id(delivery: &Delivery) -> Option<String> {
    ID_HEADERS.iter().filter_map(|name| delivery.header(name)).find(|id| !id.is_empty()).map(str::to_owned)
}

fn refuse_cloud_event(members: &Map<String, Value>) -> Result<(), Problem> {
    if members.contains_key("specversion") {
        return Err(fault("$.specversion", "this is a CloudEvent: send it to /api/v1/events"));
    }
    match members.keys().find(|name| TAKEN.contains(&name.as_str())) {
        Some(name) => Err(fault(format!("$.{name}"), "this name is taken beside data; put the member into data")),
        None => Ok(()),
    }
}

fn data(members: &mut Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    match members.remove("data") {
        Some(Value::Object(data)) => Ok(data),
        Some(other) => Err(fault("$.data", format!("an object is expected, this is {}", kind_of(&other)))),
        None => Err(fault("$.data", "the member is missing")),
    }
}

fn source(system: &str) -> String {
    match system {
        "" => "/framework".into(),
        _ => format!("/framework/{}", utf8_percent_encode(system, SEGMENT)),
    }
}

/// Location and type of the device; events of one device keep their order.
fn subject(data: &Map<String, Value>) -> Result<Option<String>, Problem> {
    let parts = [text_member(data, "DeviceLocation")?, text_member(data, "DeviceType")?];
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    Ok((!parts.is_empty()).then(|| parts.join("/")))
}

fn text_member(data: &Map<String, Value>, name: &str) -> Result<Option<String>, Problem> {
    match data.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => Err(fault(format!("$.data.{name}"), format!("a text is expected, this is {}", kind_of(other)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn decode(headers: &[(&str, &str)], body: &str) -> Decoded {
        Framework.decode(&Delivery {
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            ..Delivery::default()
        })
    }

    #[test]
    fn data_is_kept_and_the_device_is_the_subject() {
        let body =
            r#"{"data":{"SourceSystem":"AWS IoT","DeviceLocation":"Hall 3","DeviceType":"Pump","eventData":{"x":1}}}"#;
        let event = decode(&[], body).events.remove(0);
        assert_eq!((event.source.as_str(), event.subject.as_deref()), ("/framework/AWS%20IoT", Some("Hall 3/Pump")));
        assert_eq!(event.data["eventData"]["x"], 1);
    }

    #[test]
    fn the_same_body_sent_again_is_the_same_event() {
        let first = decode(&[], r#"{"data":{"SourceSystem":"A","n":1}}"#).events.remove(0);
        let again = decode(&[], "{\"data\": {\"n\":1, \"SourceSystem\":\"A\"}}\n").events.remove(0);
        let other = decode(&[], r#"{"data":{"SourceSystem":"A","n":2}}"#).events.remove(0);
        assert_eq!(first.key(), again.key());
        assert_ne!(first.id, other.id);
        assert_eq!(first.id.len(), 64);
    }

    #[test]
    fn a_broker_id_goes_first() {
        let headers = [("idempotency-key", "k"), ("solace-message-id", "m-7")];
        assert_eq!(decode(&headers, r#"{"data":{}}"#).events[0].id, "m-7");
        assert_eq!(decode(&headers[..1], r#"{"data":{}}"#).events[0].id, "k");
    }

    #[test]
    fn faults_name_the_member() {
        let cases = [
            ("[]", "$"),
            ("{}", "$.data"),
            (r#"{"data":"{}"}"#, "$.data"),
            (r#"{"data":{"SourceSystem":["A"]}}"#, "$.data.SourceSystem"),
            (r#"{"data":{"DeviceType":{}}}"#, "$.data.DeviceType"),
            (r#"{"specversion":"1.0","data":{}}"#, "$.specversion"),
            (r#"{"id":"1","data":{}}"#, "$.id"),
            ("{\"data\":\n{", "line 2, column 1"),
        ];
        for (body, place) in cases {
            let decoded = decode(&[], body);
            assert_eq!(decoded.faults[0].0.place.as_deref(), Some(place), "for {body}");
            assert_eq!(decoded.faults[0].1, body.as_bytes());
        }
    }
}
