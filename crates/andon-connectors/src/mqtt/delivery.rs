//! Payloads become events, readings, or entries in quarantine.

use andon_journal::{
    Arrival, Decoded, Delivery, MAX_DEVICE_BYTES, MAX_TOPIC_BYTES, MQTT_TOPIC_HEADER, Mark, NewQuarantine,
};
use andon_model::{Code, Name, Problem, SpeaksFor};
use sha2::{Digest, Sha256};

use super::link::Received;
use super::topics::DeviceFrom;
use super::wire::Publish;
use crate::decode::PartDecoder;
use crate::source::MqttSpec;

/// The payload as decoders see it. The topic takes the place of an object's path; user properties of MQTT 5 that may
/// be attributes of a `CloudEvent` stand where its HTTP binding has them (binary mode of the MQTT binding).
pub(super) fn delivery(publish: &Publish) -> Delivery {
    let is_cloud_event = publish.user.iter().any(|(name, _)| name == "specversion");
    let header = |(name, value): &(String, String)| {
        let is_attribute = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let prefix = if is_cloud_event && is_attribute { "ce-" } else { "" };
        (format!("{prefix}{}", name.to_ascii_lowercase()), value.clone())
    };
    let topic = (MQTT_TOPIC_HEADER.to_owned(), publish.topic.clone());
    Delivery {
        content_type: publish.content_type.clone(),
        headers: std::iter::once(topic).chain(publish.user.iter().map(header)).collect(),
        path: publish.topic.clone(),
        body: publish.payload.clone(),
        ..Delivery::default()
    }
}

/// The events of a payload; those without a subject get the device that the topic names.
pub(super) fn decode(spec: &MqttSpec, reader: &dyn PartDecoder, publish: &Publish) -> Decoded {
    if let Some(problem) = too_large(publish, spec.max_payload_bytes) {
        return Decoded { faults: vec![(problem, publish.payload.clone())], ..Decoded::default() };
    }
    let mut decoded = reader.decode(&delivery(publish));
    let device = spec.device.as_ref().and_then(|from| from.name(&publish.topic));
    for event in decoded.events.iter_mut().filter(|event| event.subject.is_none()) {
        event.subject = device.map(str::to_owned);
    }
    decoded
}

/// The reading of a payload, or why it is none.
pub(super) fn arrival(spec: &MqttSpec, received: &Received) -> Result<Arrival, Problem> {
    let publish = &received.publish;
    if let Some(problem) = too_large(publish, spec.max_payload_bytes) {
        return Err(problem);
    }
    let unnamed = || Problem::new(Code::Undecodable, "the topic names no device").at(place(&publish.topic));
    let device = spec.device.as_ref().and_then(|from: &DeviceFrom| from.name(&publish.topic)).ok_or_else(unnamed)?;
    if device.len() > MAX_DEVICE_BYTES || publish.topic.len() > MAX_TOPIC_BYTES {
        let what = format!("a device has at most {MAX_DEVICE_BYTES} bytes, a topic {MAX_TOPIC_BYTES}");
        return Err(Problem::new(Code::TooLarge, what).at("topic"));
    }
    let (device, topic) = (device.to_owned(), publish.topic.clone());
    // Who may publish what is the broker's to say.
    let speaks_for = SpeaksFor::Anyone;
    Ok(Arrival { device, topic, received: received.at, speaks_for, payload: publish.payload.clone() })
}

fn too_large(publish: &Publish, most: usize) -> Option<Problem> {
    let what = || format!("the payload has {} bytes, the limit is {most}; its beginning is kept", publish.bytes);
    (publish.bytes > most).then(|| Problem::new(Code::TooLarge, what()).at(place(&publish.topic)))
}

fn place(topic: &str) -> String {
    format!("topic {topic}")
}

/// An entry in quarantine about a payload.
pub(super) fn quarantine(source: &Name, publish: &Publish, problem: Problem, raw: bytes::Bytes) -> NewQuarantine {
    let Delivery { content_type, path, .. } = delivery(publish);
    let headers = delivery(publish).attribute_headers();
    NewQuarantine { source: source.clone(), problem, content_type, headers, path, raw }
}

/// What tells a retained payload from others: the same payload on the same topic is the same.
pub(super) fn retained_mark(publish: &Publish) -> Mark {
    Mark { key: format!("retained/{}", publish.topic), version: hex::encode(Sha256::digest(&publish.payload)) }
}

/// What is noted when a broker keeps a session for us.
pub(super) fn session_mark(spec: &MqttSpec, client_id: &str) -> Mark {
    Mark { key: format!("session/{}:{}", spec.broker.host, spec.broker.port), version: client_id.to_owned() }
}

#[cfg(test)]
mod tests {
    use andon_model::Timestamp;
    use bytes::Bytes;

    use super::*;
    use crate::mqtt::wire::Qos;
    use crate::source::SourceSpec;

    fn publish(topic: &str, payload: &str, user: &[(&str, &str)]) -> Publish {
        let user = user.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (topic, payload) = (topic.to_owned(), Bytes::copy_from_slice(payload.as_bytes()));
        let bytes = payload.len();
        Publish { topic, qos: Qos::One, id: Some(1), retained: false, content_type: None, user, payload, bytes }
    }

    fn decoded(options: &str, mqtt: &str, publish: &Publish) -> Decoded {
        let text =
            format!("{options}\n[mqtt]\nurl = \"mqtt://localhost\"\nclient_id = \"c\"\ntopics = [\"#\"]\n{mqtt}");
        let spec = SourceSpec::parse(&Name::new("plant").expect("name"), &text).expect("valid");
        decode(spec.mqtt.as_ref().expect("mqtt"), spec.decoder().as_ref(), publish)
    }

    const JSON: &str = "decoder = \"json\"\ndecode = { type = \"state\" }";

    #[test]
    fn an_id_made_of_content_knows_the_topic_and_nothing_of_the_broker() {
        let id = |topic: &str, body: &str, packet: u16, retained: bool| {
            let publish = Publish { id: Some(packet), retained, ..publish(topic, body, &[("trace", "7")]) };
            decoded(JSON, "", &publish).events[0].id.clone()
        };
        let first = id("plant/pump-01", "{\"on\":true}", 1, false);
        assert_eq!(first, id("plant/pump-01", "{ \"on\": true }", 9, true), "the same, delivered again");
        assert_ne!(first, id("plant/pump-02", "{\"on\":true}", 1, false), "another device says the same");
        assert_ne!(first, id("plant/pump-01", "{\"on\":false}", 1, false));
    }

    #[test]
    fn an_id_in_the_payload_is_the_event_s() {
        let options = "decoder = \"json\"\ndecode = { type = \"state\", id = { pointer = \"/n\" } }";
        assert_eq!(decoded(options, "", &publish("a/b", "{\"n\":\"7\"}", &[])).events[0].id, "7");
    }

    #[test]
    fn the_topic_gives_the_subject_that_a_payload_lacks() {
        let subject = |options: &str, topic: &str| {
            decoded(options, "device = \"data/{device}/#\"", &publish(topic, "{\"d\":\"x\"}", &[])).events[0]
                .subject
                .clone()
        };
        assert_eq!(subject(JSON, "data/pump-01/state").as_deref(), Some("pump-01"));
        assert_eq!(subject(JSON, "other/pump-01"), None);
        let own = "decoder = \"json\"\ndecode = { type = \"t\", subject = { pointer = \"/d\" } }";
        assert_eq!(subject(own, "data/pump-01/state").as_deref(), Some("x"));
    }

    #[test]
    fn user_properties_are_attributes_in_binary_mode() {
        let user = [("specversion", "1.0"), ("id", "7"), ("type", "t"), ("source", "/s"), ("Trace-Id", "x")];
        let publish = Publish { content_type: Some("application/json".into()), ..publish("a", "{\"v\":1}", &user) };
        let decoded = decoded("decoder = \"cloudevents\"", "", &publish);
        let event = decoded.events.first().unwrap_or_else(|| panic!("{:?}", decoded.faults));
        assert_eq!((event.id.as_str(), event.kind.as_str(), &event.data["v"]), ("7", "t", &1.into()));
    }

    #[test]
    fn faults_keep_their_bytes_and_where_they_came_from() {
        let broken = publish("data/pump-01", "{\"a\":", &[]);
        let (problem, raw) = decoded(JSON, "", &broken).faults.remove(0);
        let entry = quarantine(&Name::new("plant").expect("name"), &broken, problem, raw);
        assert_eq!((entry.path.as_str(), &entry.raw[..]), ("data/pump-01", &b"{\"a\":"[..]));
        assert_eq!(entry.headers, [("mqtt-topic".to_owned(), "data/pump-01".to_owned())]);
        let long = Publish { bytes: 3_000_000, ..publish("a", "x", &[]) };
        assert_eq!(decoded(JSON, "", &long).faults[0].0.code, Code::TooLarge);
    }

    #[test]
    fn readings_belong_to_the_device_of_their_topic() {
        let text = "[mqtt]\nurl = \"mqtt://localhost\"\nclient_id = \"c\"\ntopics = [\"#\"]\nlane = \"readings\"\n\
                    device = \"data/{device}/#\"";
        let spec = SourceSpec::parse(&Name::new("plant").expect("name"), text).expect("valid").mqtt.expect("mqtt");
        let reading = |topic: &str| {
            let received = Received { publish: publish(topic, "21.5", &[]), at: Timestamp::from_micros(7) };
            arrival(&spec, &received).map(|arrival| arrival.device).map_err(|problem| problem.to_string())
        };
        assert_eq!(reading("data/pump-01/t").as_deref(), Ok("pump-01"));
        assert!(reading("other/pump-01").is_err_and(|text| text.contains("(topic other/pump-01): the topic names no")));
        assert!(reading(&format!("data/{}/t", "x".repeat(257))).is_err_and(|text| text.contains("at most 256 bytes")));
    }
}
