//! The section `[mqtt]`.
//!
//! ```toml
//! [mqtt]
//! url = "mqtts://broker.example.com:8883"    # mqtt:// to this machine only
//! version = "5"                              # or "3.1.1"
//! client_id = "andon-plant-7"                # or a credential such as { env = "…" }; no two clients may share one
//! topics = ["data/#"]
//! group = "andon"                            # shared subscription: $share/andon/data/#
//! qos = 1
//! lane = "events"                            # or "readings", which takes no decoder
//! device = "data/{device}/#"                 # name of a reading's device, subject of an event that has none
//! retained = "once"                          # or "every", "never"
//! session_expiry = "7days"                   # MQTT 5: how long the broker keeps what waits for us
//! keep_alive = "30s"
//! inflight = 100
//! max_payload_bytes = 1048576
//! user = "andon"                             # both or none
//! password = { secret = "broker-password" }
//! certificate = { secret = "andon-cert" }    # both or none
//! key = { secret = "andon-key" }
//! ca = { file = "/etc/andon/broker-ca.pem" } # default: the system's authorities
//! alpn = "x-amzn-mqtt-ca"                    # default: this, for AWS IoT Core on port 443; else none
//! ```

use std::net::IpAddr;
use std::time::Duration;

use andon_model::Problem;
use serde::Deserialize;
use toml::Spanned;

use crate::config::{Document, Span};
use crate::credential::{Credential, Given};
use crate::mqtt::{DeviceFrom, MqttVersion, Qos, check_filter, check_group};

/// Most filters of one source: AWS IoT Core takes 8 in one SUBSCRIBE.
const MAX_FILTERS: usize = 8;

/// Longest client id: what AWS IoT Core takes.
const MAX_CLIENT_ID_BYTES: usize = 128;

/// The protocol name by which AWS IoT Core tells MQTT with client certificates from others on port 443.
const AWS_ALPN: &str = "x-amzn-mqtt-ca";

/// A broker outside, and what is taken from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MqttSpec {
    /// Where it is.
    pub broker: Broker,
    /// What is spoken.
    pub version: MqttVersion,
    /// Who we are to it; the session belongs to this name.
    pub client_id: Given,
    /// Topic filters, without `$share`.
    pub topics: Vec<String>,
    /// Who shares the subscriptions.
    pub group: Option<String>,
    pub(crate) qos: Qos,
    /// What becomes of payloads.
    pub lane: MqttLane,
    /// Where a device's name comes from.
    pub device: Option<DeviceFrom>,
    /// What becomes of retained payloads.
    pub retained: Retained,
    /// MQTT 5: how long the broker keeps the session while we are away.
    pub session_expiry: Duration,
    /// Longest silence.
    pub keep_alive: Duration,
    /// Most payloads received and not acknowledged.
    pub inflight: u16,
    /// Larger payloads go to quarantine.
    pub max_payload_bytes: usize,
    /// User and password.
    pub login: Option<(Given, Credential)>,
    /// Client certificate and key, in PEM.
    pub identity: Option<(Credential, Credential)>,
    /// The only authorities that are trusted, in PEM; without it the system's.
    pub ca: Option<Credential>,
}

/// Where a broker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether TLS is spoken; without it only to this machine.
    pub tls: bool,
    /// Name of the application protocol in TLS.
    pub alpn: Option<String>,
}

/// What becomes of payloads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MqttLane {
    /// The source's decoder makes events of them.
    #[default]
    Events,
    /// They are kept in the raw log as they are.
    Readings,
}

/// What becomes of retained payloads, which a broker sends because of a new subscription.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retained {
    /// Each is taken when it is seen for the first time: the same payload on the same topic is known.
    #[default]
    Once,
    /// They are taken like others.
    Every,
    /// They are passed over.
    Never,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MqttSection {
    url: Spanned<String>,
    version: Option<Spanned<String>>,
    client_id: Spanned<Given>,
    topics: Spanned<Vec<String>>,
    group: Option<Spanned<String>>,
    qos: Option<Spanned<u64>>,
    #[serde(default)]
    lane: MqttLane,
    device: Option<Spanned<String>>,
    #[serde(default)]
    retained: Retained,
    session_expiry: Option<Spanned<Span>>,
    keep_alive: Option<Spanned<Span>>,
    inflight: Option<Spanned<u64>>,
    max_payload_bytes: Option<Spanned<u64>>,
    user: Option<Spanned<Given>>,
    password: Option<Spanned<Credential>>,
    certificate: Option<Spanned<Credential>>,
    key: Option<Spanned<Credential>>,
    ca: Option<Spanned<Credential>>,
    alpn: Option<Spanned<String>>,
}

impl MqttSection {
    /// Whether payloads become readings, which no decoder reads.
    pub(super) fn takes_readings(&self) -> bool {
        self.lane == MqttLane::Readings
    }
}

/// The section, checked.
pub(super) fn checked(document: &Document<'_>, section: &MqttSection) -> Result<MqttSpec, Problem> {
    let seconds = Duration::from_secs;
    let broker = broker(document, section)?;
    refuse_tls_keys(document, section, broker.tls)?;
    let most = if section.takes_readings() { andon_journal::MAX_PAYLOAD_BYTES as u64 } else { 64 << 20 };
    let max_payload_bytes = document.number(section.max_payload_bytes.as_ref(), 1 << 20, (1, most))?;
    let inflight = document.number(section.inflight.as_ref(), 100, (1, 10_000))?;
    Ok(MqttSpec {
        qos: qos(document, section, &broker)?,
        version: version(document, section.version.as_ref())?,
        client_id: client_id(document, &section.client_id)?,
        topics: topics(document, &section.topics)?,
        group: section.group.as_ref().map(|group| group_name(document, group)).transpose()?,
        lane: section.lane,
        device: device(document, section)?,
        retained: section.retained,
        session_expiry: session_expiry(document, section)?,
        keep_alive: document.duration(section.keep_alive.as_ref(), seconds(30), (seconds(5), seconds(1_200)))?,
        inflight: u16::try_from(inflight).unwrap_or(u16::MAX),
        max_payload_bytes: usize::try_from(max_payload_bytes).unwrap_or(usize::MAX),
        login: pair(document, ["user", "password"], section.user.as_ref(), section.password.as_ref())?,
        identity: pair(document, ["certificate", "key"], section.certificate.as_ref(), section.key.as_ref())?,
        ca: section.ca.as_ref().map(|ca| ca.as_ref().clone()),
        broker,
    })
}

fn broker(document: &Document<'_>, section: &MqttSection) -> Result<Broker, Problem> {
    let wrong = |why: &str| document.wrong(&section.url, why);
    let shape = || wrong("use an address such as mqtts://broker.example.com or mqtts://broker.example.com:8883");
    let url = reqwest::Url::parse(section.url.as_ref()).map_err(|_| shape())?;
    let tls = match url.scheme() {
        "mqtts" => true,
        "mqtt" => false,
        _ => return Err(shape()),
    };
    let host = url.host_str().map(|host| host.trim_matches(['[', ']']).to_owned()).unwrap_or_default();
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if host.is_empty() || !is_bare {
        return Err(shape());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("user and password have keys of their own"));
    }
    if !tls && !is_this_machine(&host) {
        return Err(wrong("without TLS only a broker on this machine is spoken to: use mqtts://"));
    }
    let port = url.port().unwrap_or(if tls { 8_883 } else { 1_883 });
    let alpn = section.alpn.as_ref().map(|alpn| alpn.as_ref().clone());
    let alpn = alpn.or_else(|| (port == 443 && is_aws(&host)).then(|| AWS_ALPN.to_owned()));
    Ok(Broker { host, port, tls, alpn })
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn is_aws(host: &str) -> bool {
    [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"].iter().any(|domain| host.ends_with(domain))
}

fn refuse_tls_keys(document: &Document<'_>, section: &MqttSection, tls: bool) -> Result<(), Problem> {
    const WHY: &str = "this key is for mqtts:// only";
    if tls {
        return Ok(());
    }
    let key = [&section.ca, &section.certificate, &section.key].into_iter().flatten().next();
    key.map_or(Ok(()), |found| Err(document.wrong(found, WHY)))?;
    section.alpn.as_ref().map_or(Ok(()), |found| Err(document.wrong(found, WHY)))
}

fn version(document: &Document<'_>, given: Option<&Spanned<String>>) -> Result<MqttVersion, Problem> {
    match given.map(|given| (given, given.as_ref().as_str())) {
        None | Some((_, "5")) => Ok(MqttVersion::V5),
        Some((_, "3.1.1")) => Ok(MqttVersion::V311),
        Some((given, _)) => Err(document.wrong(given, "use \"5\" or \"3.1.1\"")),
    }
}

fn client_id(document: &Document<'_>, given: &Spanned<Given>) -> Result<Given, Problem> {
    if let Given::Text(text) = given.as_ref() {
        let is_legal = (1..=MAX_CLIENT_ID_BYTES).contains(&text.len()) && !text.contains('\0');
        is_legal.then_some(()).ok_or_else(|| document.wrong(given, "a client id has 1 to 128 bytes"))?;
    }
    Ok(given.as_ref().clone())
}

fn topics(document: &Document<'_>, given: &Spanned<Vec<String>>) -> Result<Vec<String>, Problem> {
    let filters = given.as_ref();
    if !(1..=MAX_FILTERS).contains(&filters.len()) {
        return Err(document.wrong(given, format!("give 1 to {MAX_FILTERS} topic filters")));
    }
    for filter in filters {
        check_filter(filter).map_err(|why| document.wrong(given, format!("{filter:?} is no topic filter: {why}")))?;
    }
    Ok(filters.clone())
}

fn group_name(document: &Document<'_>, given: &Spanned<String>) -> Result<String, Problem> {
    check_group(given.as_ref()).map_err(|why| document.wrong(given, why))?;
    Ok(given.as_ref().clone())
}

/// QoS 0 is refused: what is lost between broker and journal would be lost without a trace.
fn qos(document: &Document<'_>, section: &MqttSection, broker: &Broker) -> Result<Qos, Problem> {
    let Some(given) = &section.qos else { return Ok(Qos::One) };
    match *given.as_ref() {
        1 => Ok(Qos::One),
        2 if is_aws(&broker.host) => Err(document.wrong(given, "AWS IoT Core has no QoS 2: use 1")),
        2 => Ok(Qos::Two),
        _ => Err(document.wrong(given, "use 1 or 2: with QoS 0 nothing is acknowledged, and what is lost is not told")),
    }
}

fn device(document: &Document<'_>, section: &MqttSection) -> Result<Option<DeviceFrom>, Problem> {
    match &section.device {
        Some(given) => DeviceFrom::parse(given.as_ref()).map(Some).map_err(|why| document.wrong(given, why)),
        None if section.takes_readings() => {
            Err(document.lacking("readings need the key device: a name, or a pattern such as \"data/{device}/#\""))
        }
        None => Ok(None),
    }
}

fn session_expiry(document: &Document<'_>, section: &MqttSection) -> Result<Duration, Problem> {
    let days = |count: u64| Duration::from_secs(count * 86_400);
    document.duration(section.session_expiry.as_ref(), days(7), (Duration::from_mins(1), days(365)))
}

fn pair<A: Clone, B: Clone>(
    document: &Document<'_>,
    names: [&str; 2],
    first: Option<&Spanned<A>>,
    second: Option<&Spanned<B>>,
) -> Result<Option<(A, B)>, Problem> {
    let [one, other] = names;
    let why = || format!("{one} and {other} go together: give both or none");
    match (first, second) {
        (None, None) => Ok(None),
        (Some(first), Some(second)) => Ok(Some((first.as_ref().clone(), second.as_ref().clone()))),
        (Some(first), None) => Err(document.wrong(first, why())),
        (None, Some(second)) => Err(document.wrong(second, why())),
    }
}
