//! Everything that opening the MQTT door takes, checked at the start of the process.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use andon_devices::policy::{DefaultPolicies, Policy, TopicPrefix};
use andon_model::{Code, Name, Problem};
use andon_mqtt::{
    Broker, BrokerSettings, Lanes, ListenerSettings, MqttError, Ports, Routes, ServerIdentity, Transport,
};

use super::DoorParts;
use super::admission::{ByRegistry, Distrusted};
use super::identity::Issuer;
use super::keepers::{Counted, Events, Readings};
use super::telemetry::AdmissionCounters;
use crate::config::{Mqtt, Settings};
use crate::output::{FREE_THE_DOOR, Failure};

/// Everything that opening takes.
pub(super) struct Plan {
    pub(super) issuer: Issuer,
    listeners: Vec<ListenerSettings>,
    limits: andon_mqtt::Limits,
    lanes: Lanes,
    local: Option<Policy>,
    defaults: DefaultPolicies,
    parts: DoorParts,
}

impl Plan {
    pub(super) fn new(settings: &Settings, parts: DoorParts) -> Result<Self, Failure> {
        let mqtt = &settings.mqtt;
        let listeners = listeners(mqtt);
        is_loopback(mqtt.plain)?;
        listeners.iter().try_for_each(|listener| free(listener.address))?;
        let devices = &settings.devices;
        let defaults = DefaultPolicies {
            root: prefix(&devices.root_topic, "devices.root_topic")?,
            commands: prefix(&devices.command_topic, "devices.command_topic")?,
        };
        let issuer = Issuer {
            registry: Arc::clone(&parts.registry),
            clock: Arc::clone(&parts.clock),
            endpoint: devices.endpoint.clone(),
            listening: listeners.iter().map(|listener| listener.address.ip()).collect(),
        };
        let lanes = lanes(&devices.root_topic, event_topics(mqtt, &defaults.root), &parts)?;
        Ok(Self { issuer, listeners, limits: mqtt.limits.clone(), lanes, local: local_policy(mqtt)?, defaults, parts })
    }

    /// A broker that listens.
    pub(super) async fn open(&self, identity: ServerIdentity) -> Result<Broker, Problem> {
        let settings =
            BrokerSettings { listeners: self.listeners.clone(), identity: Some(identity), limits: self.limits.clone() };
        let (registry, defaults) = (Arc::clone(&self.parts.registry), self.defaults.clone());
        let ports = Ports {
            admission: Arc::new(ByRegistry {
                registry,
                defaults,
                counters: AdmissionCounters::new(),
                distrusted: Distrusted::default(),
            }),
            lanes: self.lanes.clone(),
            local: self.local.clone(),
            memory: Some(Arc::clone(&self.parts.memory)),
            clock: Arc::clone(&self.parts.clock),
        };
        Broker::start(settings, ports).await.map_err(|error| problem(&error))
    }

    /// Where it listens, as URLs.
    pub(super) fn places(&self, addresses: &[SocketAddr]) -> Vec<String> {
        let scheme = |transport| match transport {
            Transport::Tls => "mqtts",
            Transport::WebSocketTls => "wss",
            Transport::Plain => "mqtt",
        };
        let listening = self.listeners.iter().zip(addresses);
        listening.map(|(listener, address)| format!("{}://{address}", scheme(listener.transport))).collect()
    }
}

fn problem(error: &MqttError) -> Problem {
    Problem::new(Code::Setting, error.to_string()).at("[mqtt]")
}

fn listeners(mqtt: &Mqtt) -> Vec<ListenerSettings> {
    let at = |address: Option<SocketAddr>, transport| address.map(|address| ListenerSettings { address, transport });
    [
        at(Some(mqtt.listen), Transport::Tls),
        at(mqtt.websocket, Transport::WebSocketTls),
        at(mqtt.plain, Transport::Plain),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Without TLS, nobody but this machine may come in.
fn is_loopback(plain: Option<SocketAddr>) -> Result<(), Failure> {
    match plain {
        Some(address) if !address.ip().is_loopback() => {
            let why = format!("{address} is not a loopback address: without TLS, only this machine may connect");
            Err(Failure::new(Code::Setting, why).at("mqtt.plain"))
        }
        _ => Ok(()),
    }
}

/// Whether somebody listens there already: better told at the start than when the first device comes.
fn free(address: SocketAddr) -> Result<(), Failure> {
    let bound = TcpListener::bind(address).map(drop);
    bound.map_err(|error| {
        let failure = Failure::new(Code::Setting, format!("cannot listen on {address}: {error}"));
        failure.at("[mqtt]").remedy(FREE_THE_DOOR)
    })
}

fn prefix(text: &str, key: &str) -> Result<TopicPrefix, Failure> {
    TopicPrefix::new(text).ok_or_else(|| Failure::new(Code::Setting, format!("{text:?} is not a root topic")).at(key))
}

/// Filters of topics that are events, with their sources: as set, or `events` below each device's topic.
fn event_topics(mqtt: &Mqtt, root: &TopicPrefix) -> Vec<(String, Name)> {
    let below_devices = || {
        let source = Name::new("cloudevents").ok();
        source.map(|source| (format!("{}/+/events", root.as_str()), source)).into_iter().collect()
    };
    mqtt.events.clone().map_or_else(below_devices, |set| set.into_iter().collect())
}

fn lanes(root: &str, sources: Vec<(String, Name)>, parts: &DoorParts) -> Result<Lanes, Failure> {
    for (filter, source) in sources.iter().filter(|(_, source)| parts.handle.source(source).is_none()) {
        tracing::warn!(filter, %source, "[mqtt.events] names a source that is not applied yet");
    }
    let filters = sources.iter().map(|(filter, _)| filter.clone()).collect();
    let routes = Routes::new(root, filters);
    let routes = routes.map_err(|error| Failure::new(Code::Setting, error.to_string()).at("[mqtt.events]"))?;
    Ok(Lanes {
        routes,
        readings: Arc::new(Counted::new(Readings(Arc::clone(&parts.readings)), "readings")),
        events: Arc::new(Counted::new(Events::new(parts.handle.clone(), sources), "events")),
    })
}

/// What programs may do that come in by the plain listener.
fn local_policy(mqtt: &Mqtt) -> Result<Option<Policy>, Failure> {
    let key = "mqtt.plain_policy";
    match (&mqtt.plain, &mqtt.plain_policy) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(Failure::new(Code::Setting, "a plain listener needs a policy: name a file").at(key)),
        (Some(_), Some(file)) => {
            let place = format!("{key}: {}", file.display());
            let unread = |error: std::io::Error| Failure::new(Code::LocalFile, error.to_string()).at(&place);
            let text = std::fs::read_to_string(file).map_err(unread)?;
            Policy::parse(&text).map(Some).map_err(|error| Failure::new(Code::Setting, error.to_string()).at(&place))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_of_the_plain_listener_is_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let check = |name: &str, text: Option<&str>, expect: Option<(Code, &str)>| {
            let file = folder.path().join(name);
            if let Some(text) = text {
                std::fs::write(&file, text).expect("written");
            }
            let plain = Some(SocketAddr::from(([127, 0, 0, 1], 1883)));
            let mqtt = Mqtt { plain, plain_policy: Some(file.clone()), ..Mqtt::default() };
            let found = local_policy(&mqtt).map_err(|failure| (failure.problem.code, failure.problem.place));
            let place = |key: &str| Some(format!("{key}: {}", file.display()));
            assert_eq!(found.map(|_| ()), expect.map_or(Ok(()), |(code, key)| Err((code, place(key)))), "{name}");
        };
        let allow = r#"{"Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "iot:Connect", "Resource": "client/line-*"}]}"#;
        check("good.json", Some(allow), None);
        check("bad.json", Some("{}"), Some((Code::Setting, "mqtt.plain_policy")));
        check("none.json", None, Some((Code::LocalFile, "mqtt.plain_policy")));
        let unnamed = Mqtt { plain: Some(SocketAddr::from(([127, 0, 0, 1], 1883))), ..Mqtt::default() };
        assert_eq!(local_policy(&unnamed).expect_err("refused").problem.place.as_deref(), Some("mqtt.plain_policy"));
    }

    #[test]
    fn topics_of_events_are_below_the_root_topic_unless_they_are_set() {
        let check = |settings: &str, root: &str, expect: &[(&str, &str)]| {
            let mqtt: Mqtt = toml::from_str(settings).expect("settings");
            let topics = event_topics(&mqtt, &TopicPrefix::new(root).expect("a root topic"));
            let topics: Vec<_> = topics.iter().map(|(filter, source)| (filter.as_str(), source.as_str())).collect();
            assert_eq!(topics, expect, "{settings:?} below {root}");
        };
        check("", "data/#", &[("data/+/events", "cloudevents")]);
        check("", "factory/1710/#", &[("factory/1710/+/events", "cloudevents")]);
        check("[events]", "data/#", &[]);
        check("[events]\n'a/#' = 'sitewise'", "data/#", &[("a/#", "sitewise")]);
    }
}
