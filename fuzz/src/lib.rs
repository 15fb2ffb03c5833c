//! What the fuzz targets share.
//!
//! **Constraints.** Only public functions of the product are called. A target asserts what holds for any
//! input: no panic, no byte that vanishes.
//!
//! **Life of an input.** libFuzzer makes bytes, a target in `fuzz_targets/` says what they are, a function
//! here hands them to the product and checks what comes back.

#![forbid(unsafe_code)]

use std::sync::Arc;

use andon_act::template::{Form, Scope, Template};
use andon_connectors::{DestinationSpec, SourceSpec};
use andon_decide::{DecisionModel, Library};
use andon_devices::pki::CertificateFacts;
use andon_devices::policy::{
    Connection, DefaultPolicies, Permissions, Policy, TopicPrefix, check_filter, check_topic, filter_matches,
};
use andon_devices::{Device, DeviceId, DeviceName};
use andon_journal::{Decoded, Delivery};
use andon_model::{Event, Key, Lookup, Name, Timestamp};
use bytes::{Bytes, BytesMut};
use rmqtt_codec::MqttCodec;
use serde_json::{Value, json};
use tokio_util::codec::Decoder as _;

fn name() -> Name {
    Name::new("fuzz").expect("a valid name")
}

/// Decodes a push to a source; `document` is its configuration.
pub fn decode(document: &str, content_type: &str, headers: &[(&str, &str)], body: &[u8]) -> Decoded {
    let spec = SourceSpec::parse(&name(), document).expect("a valid source");
    let delivery = Delivery {
        content_type: (!content_type.is_empty()).then(|| content_type.to_owned()),
        headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        body: Bytes::copy_from_slice(body),
        ..Delivery::default()
    };
    let decoded = spec.push_decoder().decode(&delivery);
    for (problem, raw) in &decoded.faults {
        assert!(problem.place.is_some(), "a fault names its place: {problem}");
        assert!(raw.len() <= body.len().max(1) * 8, "a fault keeps what came, not more");
    }
    decoded
}

/// A payload of records: unless it is blank it gives events, faults or records that are passed over.
pub fn decode_records(document: &str, body: &[u8]) {
    let decoded = decode(document, "application/json", &[], body);
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let blank = text.iter().all(|b| b.is_ascii_whitespace() || *b == b',');
    let told = decoded.events.len() + decoded.faults.len() + decoded.passed;
    assert_eq!(told == 0, blank, "every byte is told of");
}

/// A payload that is one document is either one event or one fault with all its bytes.
pub fn decode_document(document: &str, content_type: &str, headers: &[(&str, &str)], body: &[u8]) {
    let decoded = decode(document, content_type, headers, body);
    match (decoded.events.len(), decoded.faults.as_slice()) {
        (1, []) => {}
        (0, [(_, raw)]) => assert_eq!(raw, body),
        other => panic!("neither event nor fault: {other:?}"),
    }
}

/// Reads the bytes as configuration of a source and of a destination.
pub fn configure(text: &str) {
    let _ = SourceSpec::parse(&name(), text);
    let _ = DestinationSpec::parse(&name(), text);
}

/// The parts of an input, separated by NUL.
fn parts<const N: usize>(input: &str) -> [&str; N] {
    let mut parts = input.splitn(N, '\0');
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// Compiles a template and renders it: `<template> NUL <event data as JSON>`.
pub fn render(input: &str) {
    let [source, data] = parts(input);
    let data: Value = serde_json::from_str(data).unwrap_or(Value::Null);
    let event = json!({"id": "1", "source": "s", "type": "t", "data": data});
    let (decision, lookups) = (json!({"priority": "1"}), json!({"asset": null}));
    for form in [Form::Json, Form::Text, Form::UrlPath, Form::Query, Form::Header] {
        let Ok(template) = Template::compile(source, form, "body") else { continue };
        let mut scope = Scope::new(event.clone(), &decision, &lookups);
        scope.set_run(json!({"id": "r"}), &Key::new("ABCDEFGHIJKLMNOPQRST"));
        let Ok(text) = template.render(&scope) else { continue };
        if form == Form::Json {
            assert!(serde_json::from_str::<Value>(&text).is_ok(), "a JSON body is JSON: {text}");
        }
        if form == Form::Header {
            assert!(!text.contains(['\r', '\n']), "a header has one line: {text:?}");
        }
    }
}

/// A library of one table, under every name, and one lookup.
struct OneTable<'a>(&'a str, Arc<Lookup>);

impl Library for OneTable<'_> {
    fn table(&self, _: &Name) -> Option<&str> {
        Some(self.0)
    }

    fn lookup(&self, _: &Name) -> Option<Arc<Lookup>> {
        Some(Arc::clone(&self.1))
    }
}

/// Compiles, checks and evaluates a decision: `<decision TOML> NUL <table JSON> NUL <event data as JSON>`.
pub fn decide(input: &str) {
    let [text, table, data] = parts(input);
    let lookup = Lookup::parse_csv("equipment*,asset\npump,1\n").expect("a valid lookup");
    let Ok(model) = DecisionModel::compile(&name(), text, &OneTable(table, Arc::new(lookup))) else { return };
    let _ = model.check();
    let event = Event::new("s", "1", "t", serde_json::from_str(data).unwrap_or(Value::Null));
    let once = model.evaluate(&event);
    assert_eq!(once, model.evaluate(&event), "a decision re-evaluates to itself");
}

/// Reads a policy; what can be read is read again to the same.
pub fn policy(text: &str) {
    let Ok(policy) = Policy::parse(text) else { return };
    let again = Policy::parse(policy.text()).expect("what was read is a policy");
    assert_eq!(again.text(), policy.text());
}

/// Asks what a device with the default policy may do at a topic, and whether a filter covers it.
pub fn topic(input: &str) {
    let (filter, topic) = input.split_once('\n').unwrap_or((input, input));
    let (is_topic, is_filter) = (check_topic(topic).is_ok(), check_filter(filter).is_ok());
    let covers = filter_matches(filter, topic);
    if is_topic && is_filter && filter == topic {
        assert!(covers, "{topic:?} covers itself");
    }
    let own = permissions();
    let below = |name: &str, root: &str| name == root || name.starts_with(&format!("{root}/"));
    if own.publish(topic, false).is_allowed() {
        assert!(is_topic && below(topic, "data/fuzz"), "{topic:?} is not its own");
    }
    if own.subscribe(filter).is_allowed() {
        let inner = check_filter(filter).expect("an allowed filter is one");
        assert!(below(inner, "cmd/fuzz"), "{filter:?} is not its own");
    }
}

fn permissions() -> Permissions {
    let prefix = |text: &str| TopicPrefix::new(text).expect("a prefix");
    let policy = DefaultPolicies { root: prefix("data"), commands: prefix("cmd") }.device().expect("a policy");
    let at = Timestamp::from_micros(0);
    let device = Device::new(DeviceId::from_bits(1), DeviceName::new("fuzz").expect("a name"), at);
    let facts = CertificateFacts {
        id: "00".repeat(32).parse().expect("an id"),
        serial: "00".parse().expect("a serial number"),
        not_before: at,
        not_after: at,
        subject: Vec::new(),
        issuer: Vec::new(),
        subject_alternative: Vec::new(),
        issuer_alternative: Vec::new(),
        public_key_der: Vec::new(),
    };
    let connection = Connection { client_id: "fuzz", source: None, device: Some(&device), certificate: &facts };
    Permissions::bind([&policy], &connection)
}

/// Decodes the packets of a connection, as the MQTT door does; the first byte chooses the version.
pub fn packets(bytes: &[u8]) {
    const MOST: u32 = 1 << 16;
    let Some((version, bytes)) = bytes.split_first() else { return };
    let mut codec = if version % 2 == 0 {
        MqttCodec::V3(rmqtt_codec::v3::Codec::new(MOST))
    } else {
        MqttCodec::V5(rmqtt_codec::v5::Codec::new(MOST, MOST))
    };
    let mut left = BytesMut::from(bytes);
    while let Ok(Some((_, length))) = codec.decode(&mut left) {
        assert!(length <= MOST + 5, "a packet of {length} bytes was let through");
    }
}
