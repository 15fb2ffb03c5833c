//! A client that is not ours, for both versions of the protocol, with what it sees as one kind of thing.

use std::sync::Arc;

use rumqttc::tokio_rustls::rustls::pki_types::pem::PemObject;
use rumqttc::tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rumqttc::tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, crypto, version};
use rumqttc::{TlsConfiguration, Transport, v5};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{Duration, timeout};

use crate::plant::{PATIENCE, PLAIN, Papers, Plant, TLS, WEB};

/// The versions of MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V311,
    V5,
}

impl Version {
    /// As CONNECT has it.
    pub(crate) fn level(self) -> u8 {
        if self == Self::V5 { 5 } else { 4 }
    }
}

pub(crate) const VERSIONS: [Version; 2] = [Version::V311, Version::V5];

/// What a client sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// CONNACK, and whether the session was there before.
    Connected(bool),
    /// PUBACK or PUBCOMP, or a PUBREC that says no: 0, or the reason code.
    Acked(u8),
    /// SUBACK: the quality granted, or a code of 128 and above.
    Subscribed(Vec<u8>),
    /// UNSUBACK.
    Unsubscribed,
    /// A message: topic, payload, whether it was retained.
    Message(String, String, bool),
    /// The connection has ended, or never was.
    Gone,
}

/// How a client connects.
#[derive(Clone)]
pub(crate) struct Wish {
    pub client_id: String,
    pub papers: Option<Papers>,
    pub version: Version,
    pub listener: usize,
    pub tls: Vec<&'static SupportedProtocolVersion>,
    pub keep_session: bool,
    pub will: Option<(String, String)>,
    /// The authority that it trusts, in PEM; the plant's root if it says nothing.
    pub trusts: Option<String>,
}

impl Wish {
    pub(crate) fn new(client_id: &str, papers: &Papers, version: Version) -> Self {
        Self { client_id: client_id.to_owned(), papers: Some(papers.clone()), ..Self::nameless(version) }
    }

    /// Without papers and a client id.
    pub(crate) fn nameless(version: Version) -> Self {
        let tls = vec![&version::TLS13, &version::TLS12];
        let client_id = String::new();
        Self { client_id, papers: None, version, listener: TLS, tls, keep_session: false, will: None, trusts: None }
    }
}

enum Hand {
    V311(rumqttc::AsyncClient),
    V5(v5::AsyncClient),
}

pub(crate) struct Client {
    hand: Hand,
    seen: Receiver<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn tls(plant: &Plant, wish: &Wish) -> TlsConfiguration {
    TlsConfiguration::Rustls(Arc::new(tls_config(plant, wish)))
}

/// TLS of a client.
pub(crate) fn tls_config(plant: &Plant, wish: &Wish) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let root = wish.trusts.clone().unwrap_or_else(|| plant.authorities.root.to_pem());
    roots.add(CertificateDer::from_pem_slice(root.as_bytes()).expect("PEM")).expect("a root");
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&wish.tls).expect("versions");
    let config = config.with_root_certificates(roots);
    match &wish.papers {
        None => config.with_no_client_auth(),
        Some(papers) => {
            let chain = CertificateDer::pem_slice_iter(papers.chain_pem.as_bytes()).collect::<Result<_, _>>();
            let key = PrivateKeyDer::from_pem_slice(papers.key_pem.as_bytes()).expect("PEM");
            config.with_client_auth_cert(chain.expect("PEM"), key).expect("a certificate with its key")
        }
    }
}

/// Transport, host and port. A client of WebSocket wants an address in place of the host.
fn way(plant: &Plant, wish: &Wish) -> (Transport, String, u16) {
    let port = plant.broker.addresses()[wish.listener].port();
    let host = "localhost".to_owned();
    match wish.listener {
        WEB => (Transport::Wss(tls(plant, wish)), format!("wss://localhost:{port}/mqtt"), port),
        PLAIN => (Transport::Tcp, host, port),
        _ => (Transport::Tls(tls(plant, wish)), host, port),
    }
}

impl Client {
    /// Begins to connect.
    pub(crate) fn begin(plant: &Plant, wish: &Wish) -> Self {
        let (transport, host, port) = way(plant, wish);
        let (tell, seen) = channel(10_000);
        let (hand, task) = match wish.version {
            Version::V311 => {
                let mut options = rumqttc::MqttOptions::new(&wish.client_id, host, port);
                options.set_transport(transport).set_keep_alive(Duration::from_mins(1));
                options.set_clean_session(!wish.keep_session).set_inflight(20);
                if let Some((topic, payload)) = &wish.will {
                    options.set_last_will(rumqttc::LastWill::new(
                        topic,
                        payload.as_bytes(),
                        rumqttc::QoS::AtLeastOnce,
                        false,
                    ));
                }
                let (hand, events) = rumqttc::AsyncClient::new(options, 100);
                (Hand::V311(hand), tokio::spawn(drive_v311(events, tell)))
            }
            Version::V5 => {
                let mut options = v5::MqttOptions::new(&wish.client_id, host, port);
                options.set_transport(transport).set_keep_alive(Duration::from_mins(1));
                options.set_clean_start(!wish.keep_session);
                options.set_session_expiry_interval(wish.keep_session.then_some(3_600));
                if let Some((topic, payload)) = &wish.will {
                    let quality = v5::mqttbytes::QoS::AtLeastOnce;
                    let will = v5::mqttbytes::v5::LastWill::new(topic, payload.as_bytes(), quality, false, None);
                    options.set_last_will(will);
                }
                let (hand, events) = v5::AsyncClient::new(options, 100);
                (Hand::V5(hand), tokio::spawn(drive_v5(events, tell)))
            }
        };
        Self { hand, seen, task }
    }

    /// Connects; whether the session was there before.
    pub(crate) async fn connect(plant: &Plant, wish: &Wish) -> (Self, bool) {
        let mut client = Self::begin(plant, wish);
        match client.next().await {
            Seen::Connected(present) => (client, present),
            other => panic!("{} is not let in: {other:?}", wish.client_id),
        }
    }

    /// Whether it is let in at all.
    pub(crate) async fn is_let_in(plant: &Plant, wish: &Wish) -> bool {
        matches!(Self::begin(plant, wish).next().await, Seen::Connected(_))
    }

    pub(crate) async fn next(&mut self) -> Seen {
        timeout(PATIENCE, self.seen.recv()).await.expect("something is seen in time").unwrap_or(Seen::Gone)
    }

    /// What it has seen already.
    pub(crate) fn seen_already(&mut self) -> Option<Seen> {
        self.seen.try_recv().ok()
    }

    pub(crate) async fn publish(&self, topic: &str, qos: u8, payload: &str) {
        match &self.hand {
            Hand::V311(hand) => {
                let quality = rumqttc::qos(qos).expect("a quality of service");
                hand.publish(topic, quality, false, payload).await.expect("queued");
            }
            Hand::V5(hand) => {
                let quality = v5::mqttbytes::qos(qos).expect("a quality of service");
                hand.publish(topic, quality, false, payload.to_owned()).await.expect("queued");
            }
        }
    }

    /// Publishes a retained payload at QoS 1.
    pub(crate) async fn retain(&self, topic: &str, payload: &str) {
        match &self.hand {
            Hand::V311(hand) => {
                hand.publish(topic, rumqttc::QoS::AtLeastOnce, true, payload).await.expect("queued");
            }
            Hand::V5(hand) => {
                let quality = v5::mqttbytes::QoS::AtLeastOnce;
                hand.publish(topic, quality, true, payload.to_owned()).await.expect("queued");
            }
        }
    }

    /// Subscribes at QoS 1, and tells what was granted.
    pub(crate) async fn subscribe(&mut self, filter: &str) -> u8 {
        self.try_subscribe(filter).await.unwrap_or_else(|| panic!("{filter}: the connection is gone"))
    }

    /// The same; nothing if the connection ends instead.
    pub(crate) async fn try_subscribe(&mut self, filter: &str) -> Option<u8> {
        match &self.hand {
            Hand::V311(hand) => hand.subscribe(filter, rumqttc::QoS::AtLeastOnce).await.expect("queued"),
            Hand::V5(hand) => hand.subscribe(filter, v5::mqttbytes::QoS::AtLeastOnce).await.expect("queued"),
        }
        match self.next().await {
            Seen::Subscribed(codes) => Some(codes[0]),
            Seen::Gone => None,
            other => panic!("{filter}: {other:?}"),
        }
    }

    /// Gives a subscription up.
    pub(crate) async fn unsubscribe(&mut self, filter: &str) {
        match &self.hand {
            Hand::V311(hand) => hand.unsubscribe(filter).await.expect("queued"),
            Hand::V5(hand) => hand.unsubscribe(filter).await.expect("queued"),
        }
        assert_eq!(self.next().await, Seen::Unsubscribed);
    }

    /// Says goodbye.
    pub(crate) async fn disconnect(mut self) {
        match &self.hand {
            Hand::V311(hand) => hand.disconnect().await.expect("queued"),
            Hand::V5(hand) => hand.disconnect().await.expect("queued"),
        }
        while self.next().await != Seen::Gone {}
    }
}

async fn drive_v311(mut events: rumqttc::EventLoop, tell: Sender<Seen>) {
    use rumqttc::{Event, Outgoing, Packet, SubscribeReasonCode};
    while let Ok(event) = events.poll().await {
        let seen = match event {
            Event::Incoming(Packet::ConnAck(ack)) => Seen::Connected(ack.session_present),
            Event::Incoming(Packet::PubAck(_) | Packet::PubComp(_)) => Seen::Acked(0),
            Event::Incoming(Packet::SubAck(ack)) => {
                let code = |code: &SubscribeReasonCode| match code {
                    SubscribeReasonCode::Success(quality) => *quality as u8,
                    SubscribeReasonCode::Failure => 128,
                };
                Seen::Subscribed(ack.return_codes.iter().map(code).collect())
            }
            Event::Incoming(Packet::Publish(publish)) => {
                let payload = String::from_utf8_lossy(&publish.payload).into_owned();
                Seen::Message(publish.topic, payload, publish.retain)
            }
            Event::Incoming(Packet::UnsubAck(_)) => Seen::Unsubscribed,
            Event::Outgoing(Outgoing::Disconnect) => break,
            _ => continue,
        };
        let _ = tell.send(seen).await;
    }
    let _ = tell.send(Seen::Gone).await;
}

async fn drive_v5(mut events: v5::EventLoop, tell: Sender<Seen>) {
    use rumqttc::Outgoing;
    use v5::Event;
    use v5::mqttbytes::v5::{Packet, PubAckReason, PubRecReason, SubscribeReasonCode};
    while let Ok(event) = events.poll().await {
        let seen = match event {
            Event::Incoming(Packet::ConnAck(ack)) => Seen::Connected(ack.session_present),
            Event::Incoming(Packet::PubAck(ack)) => Seen::Acked(match ack.reason {
                PubAckReason::Success | PubAckReason::NoMatchingSubscribers => 0,
                PubAckReason::NotAuthorized => 135,
                PubAckReason::QuotaExceeded => 151,
                _ => 128,
            }),
            Event::Incoming(Packet::PubComp(_)) => Seen::Acked(0),
            Event::Incoming(Packet::PubRec(ack)) if ack.reason == PubRecReason::NotAuthorized => Seen::Acked(135),
            Event::Incoming(Packet::SubAck(ack)) => {
                let code = |code: &SubscribeReasonCode| match code {
                    SubscribeReasonCode::Success(quality) => *quality as u8,
                    SubscribeReasonCode::NotAuthorized => 135,
                    _ => 128,
                };
                Seen::Subscribed(ack.return_codes.iter().map(code).collect())
            }
            Event::Incoming(Packet::Publish(publish)) => {
                let topic = String::from_utf8_lossy(&publish.topic).into_owned();
                let payload = String::from_utf8_lossy(&publish.payload).into_owned();
                Seen::Message(topic, payload, publish.retain)
            }
            Event::Incoming(Packet::UnsubAck(_)) => Seen::Unsubscribed,
            Event::Outgoing(Outgoing::Disconnect) => break,
            _ => continue,
        };
        let _ = tell.send(seen).await;
    }
    let _ = tell.send(Seen::Gone).await;
}
