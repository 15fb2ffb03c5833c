//! A plant with an authority, a registry in memory, lanes in memory, and a broker in front of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use andon_devices::door::{Admission, AdmissionError, Admitted, ChangeMark, DoorChange, Owner, Visitor};
use andon_devices::pki::{
    Authority, AuthorityTerms, CertificateTerms, KeyKind, PrivateKey, RevocationReason, ServerTerms,
};
use andon_devices::policy::{Connection, DefaultPolicies, Permissions, Policy, TopicPrefix};
use andon_devices::{
    Certificate, CertificateStatus, Device, DeviceId, DeviceName, KeyOrigin, KeySource, NotAdmitted, Serial,
    SystemEntropy,
};
use andon_model::{Clock, SystemClock, Timestamp};
use andon_mqtt::{
    Broker, BrokerSettings, Lanes, Limits, ListenerSettings, Ports, Publication, Routes, ServerIdentity, Transport,
};
use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::kept::{MemoryLane, Notes};

/// How long a test waits for what must happen. It is not a measure of speed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

pub(crate) fn name(text: &str) -> DeviceName {
    DeviceName::new(text).expect("a name")
}

fn serial() -> Serial {
    Serial::generate(&SystemEntropy).expect("entropy")
}

fn key() -> PrivateKey {
    SystemEntropy.generate(KeyKind::EcdsaP256).expect("a key")
}

/// A root and the authority below it that issues.
pub(crate) struct Authorities {
    pub root: Authority,
    pub issuing: Authority,
}

/// A certificate with its key, as a client presents it.
#[derive(Clone)]
pub(crate) struct Papers {
    pub chain_pem: String,
    pub key_pem: String,
}

impl Authorities {
    pub(crate) fn new() -> Self {
        let begun = now().before(Duration::from_hours(48));
        let terms = |name: &str| AuthorityTerms { common_name: name.to_owned(), organization: None, days: 3_650 };
        let root = Authority::root(&terms("root"), key(), &serial(), begun).expect("a root");
        let issuing = root.issuing(&terms("issuing"), key(), &serial(), begun).expect("an issuing authority");
        Self { root, issuing }
    }

    pub(crate) fn pem(&self) -> String {
        self.root.to_pem() + &self.issuing.to_pem()
    }

    /// A certificate for `device`, issued at `at` for some days.
    pub(crate) fn issue(&self, device: &DeviceName, at: Timestamp, days: u32) -> (Certificate, Papers) {
        let key = key();
        let terms = CertificateTerms { device: device.clone(), organization: None, days, crl_url: None };
        let issued = self.issuing.issue(&terms, &key.public().expect("ours"), &serial(), at).expect("issued");
        let chain_pem = issued.pem.clone() + &self.issuing.to_pem();
        let papers = Papers { chain_pem, key_pem: key.to_pem().expose().to_owned() };
        (Certificate::new(issued, KeyOrigin::Request, CertificateStatus::Active, at), papers)
    }

    pub(crate) fn server(&self) -> ServerIdentity {
        let key = key();
        let terms = ServerTerms { hosts: vec!["localhost".to_owned()], addresses: vec![], days: 30 };
        let public = key.public().expect("ours");
        let issued = self.issuing.issue_server(&terms, &public, &serial(), now()).expect("issued");
        ServerIdentity {
            chain_pem: issued.pem + &self.issuing.to_pem(),
            key_pem: key.to_pem(),
            authorities_pem: self.pem(),
        }
    }
}

/// Devices in memory.
pub(crate) struct Registry {
    devices: Mutex<BTreeMap<DeviceName, (Device, Policy)>>,
    changes: Mutex<Vec<DoorChange>>,
    newest: watch::Sender<u64>,
    /// Devices that cannot be looked up.
    unreadable: Mutex<BTreeSet<DeviceName>>,
    /// How long it takes until changes are told, in milliseconds.
    look: AtomicU64,
    /// How many devices were named.
    named: AtomicU64,
}

impl Registry {
    fn new() -> Self {
        Self {
            devices: Mutex::default(),
            changes: Mutex::default(),
            newest: watch::Sender::new(0),
            unreadable: Mutex::default(),
            look: AtomicU64::new(0),
            named: AtomicU64::new(0),
        }
    }

    /// Makes each look at the changes take this long.
    pub(crate) fn slow_down(&self, look: Duration) {
        self.look.store(look.as_millis().try_into().expect("short"), Ordering::SeqCst);
        // One that waits already begins anew.
        self.tell(DoorChange::Device(name("nobody")));
    }

    /// Has a device no longer be looked up.
    pub(crate) fn break_off(&self, device: &DeviceName) {
        self.unreadable.lock().insert(device.clone());
    }

    /// Has all devices be looked up again.
    pub(crate) fn mend(&self) {
        self.unreadable.lock().clear();
    }

    fn readable(&self, device: &DeviceName) -> Result<(), AdmissionError> {
        let unreadable = self.unreadable.lock().contains(device);
        if unreadable { Err(AdmissionError::Unavailable(format!("{device} cannot be read"))) } else { Ok(()) }
    }

    /// Changes a device, and tells the door.
    pub(crate) fn change(&self, device: &DeviceName, how: impl FnOnce(&mut Device, &mut Policy)) {
        let mut devices = self.devices.lock();
        let (device, policy) = devices.get_mut(device).expect("a known device");
        how(device, policy);
        let change = DoorChange::Device(device.name.clone());
        drop(devices);
        self.tell(change);
    }

    /// Deletes a device, and does not tell the door.
    pub(crate) fn forget_silently(&self, device: &DeviceName) {
        self.devices.lock().remove(device).expect("a known device");
    }

    pub(crate) fn revoke(&self, device: &DeviceName) {
        self.change(device, |device, _| {
            let ids: Vec<_> = device.certificates.iter().map(|c| c.id.clone()).collect();
            for id in ids {
                device.revoke(&id, RevocationReason::KeyCompromise, now()).expect("revoked");
            }
        });
    }

    pub(crate) fn tell(&self, change: DoorChange) {
        let mut changes = self.changes.lock();
        changes.push(change);
        self.newest.send_replace(changes.len() as u64);
    }
}

#[async_trait]
impl Admission for Registry {
    async fn admit(&self, visitor: &Visitor, now: Timestamp) -> Result<Admitted, AdmissionError> {
        let devices = self.devices.lock();
        let found = devices.values().find_map(|(device, policy)| {
            let certificate = device.certificates.iter().find(|c| c.serial == visitor.serial)?;
            Some((device, policy, certificate.id.clone()))
        });
        let (device, policy, id) = found.ok_or(NotAdmitted::Unknown)?;
        if visitor.common_name.as_ref() != Some(&device.name.common_name()) {
            return Err(NotAdmitted::Unknown.into());
        }
        self.readable(&device.name)?;
        let certificate = device.admit(&id, now)?;
        let facts = certificate.facts().map_err(|e| AdmissionError::Unavailable(e.to_string()))?;
        let connection = Connection {
            client_id: &visitor.client_id,
            source: visitor.source,
            device: Some(device),
            certificate: &facts,
        };
        let permissions = Permissions::bind([policy], &connection);
        let (certificate, on_behalf_of, ends) =
            (certificate.id.clone(), device.on_behalf_of.clone(), certificate.ends());
        let (id, device) = (device.id.clone(), device.name.clone());
        Ok(Admitted { id, device, certificate, permissions, on_behalf_of, ends })
    }

    async fn owner(&self, visitor: &Visitor, now: Timestamp) -> Result<Option<Owner>, AdmissionError> {
        let devices = self.devices.lock();
        let mut all = devices.values().map(|(device, _)| device);
        let found = all.find(|device| device.certificates.iter().any(|c| c.serial == visitor.serial));
        found.map_or(Ok(None), |device| {
            self.readable(&device.name)?;
            let is_known = device.certificates.iter().any(|c| c.check(now).is_ok());
            Ok(Some(Owner { id: device.id.clone(), is_known }))
        })
    }

    async fn is_device(&self, name: &str) -> Result<bool, AdmissionError> {
        Ok(self.devices.lock().values().any(|(device, _)| device.name.as_str() == name))
    }

    async fn newest_change(&self) -> Result<ChangeMark, AdmissionError> {
        Ok(ChangeMark(*self.newest.borrow()))
    }

    async fn changes(&self, mark: ChangeMark) -> Result<(ChangeMark, Vec<DoorChange>), AdmissionError> {
        let mut newest = self.newest.subscribe();
        let reached = newest.wait_for(|newest| *newest > mark.0).await.expect("the registry lives").to_owned();
        tokio::time::sleep(Duration::from_millis(self.look.load(Ordering::SeqCst))).await;
        let changes = self.changes.lock();
        let range = usize::try_from(mark.0).expect("small")..usize::try_from(reached).expect("small");
        Ok((ChangeMark(reached), changes[range].to_vec()))
    }
}

/// All of it.
pub(crate) struct Plant {
    pub authorities: Authorities,
    pub registry: Arc<Registry>,
    pub readings: Arc<MemoryLane>,
    pub events: Arc<MemoryLane>,
    pub notes: Arc<Notes>,
    pub broker: Broker,
    limits: Limits,
}

/// Places of the listeners in [`Broker::addresses`].
pub(crate) const TLS: usize = 0;
pub(crate) const WEB: usize = 1;
pub(crate) const PLAIN: usize = 2;

/// The policy that devices have by default: `data/<name>` to publish, `cmd/<name>` to subscribe.
pub(crate) fn default_policy() -> Policy {
    let prefix = |text: &str| TopicPrefix::new(text).expect("a prefix");
    DefaultPolicies { root: prefix("data"), commands: prefix("cmd") }.device().expect("a policy")
}

/// A policy that allows each of the actions on each of the resources.
pub(crate) fn allowing(statements: &[(&str, &str)]) -> Policy {
    let statement = |(action, resource): &(&str, &str)| {
        format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}"#)
    };
    let all: Vec<_> = statements.iter().map(statement).collect();
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, all.join(","));
    Policy::parse(&text).expect("a policy")
}

/// A policy that allows everything.
pub(crate) fn anything() -> Policy {
    allowing(&[("iot:*", "*")])
}

async fn open(
    authorities: &Authorities,
    limits: &Limits,
    registry: &Arc<Registry>,
    [readings, events]: [&Arc<MemoryLane>; 2],
    notes: &Arc<Notes>,
) -> Broker {
    let listener = |transport| {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        ListenerSettings { address, transport }
    };
    let listeners = [Transport::Tls, Transport::WebSocketTls, Transport::Plain].map(listener).to_vec();
    let settings = BrokerSettings { listeners, identity: Some(authorities.server()), limits: limits.clone() };
    let routes = Routes::new("data/#", vec!["data/+/alarm".to_owned()]).expect("filters");
    let ports = Ports {
        admission: registry.clone(),
        lanes: Lanes { routes, readings: readings.clone(), events: events.clone() },
        local: Some(allowing(&[("iot:Connect", "client/local-*"), ("iot:Publish", "topic/data/local/*")])),
        memory: Some(notes.clone()),
        clock: Arc::new(SystemClock),
    };
    Broker::start(settings, ports).await.expect("the door opens")
}

impl Plant {
    pub(crate) async fn open() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let registry = Arc::new(Registry::new());
        let (readings, events) = (Arc::new(MemoryLane::new()), Arc::new(MemoryLane::new()));
        let notes = Arc::new(Notes::default());
        let authorities = Authorities::new();
        let broker = open(&authorities, &limits, &registry, [&readings, &events], &notes).await;
        Self { authorities, registry, readings, events, notes, broker, limits }
    }

    /// Ends the broker and opens another one on what is left.
    pub(crate) async fn restart(mut self) -> Self {
        let lanes = [&self.readings, &self.events];
        let next = open(&self.authorities, &self.limits, &self.registry, lanes, &self.notes).await;
        std::mem::replace(&mut self.broker, next).stop().await;
        self
    }

    /// Waits until the broker knows that a client is gone: until then, it sends to it.
    pub(crate) async fn until_away(&self, client_id: &str) {
        let look = async {
            while self.broker.sessions().iter().any(|session| session.client_id == client_id) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("gone in time");
    }

    /// Waits until a client that is away has this many messages waiting.
    pub(crate) async fn until_waiting(&self, client_id: &str, messages: usize) {
        let look = async {
            while !self.broker.away().await.iter().any(|away| away.client_id == client_id && away.waiting == messages) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("waiting in time");
    }

    /// Waits until nobody is connected.
    pub(crate) async fn until_nobody(&self) {
        let look = async {
            while !self.broker.sessions().is_empty() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("gone in time");
    }

    /// Waits until nobody subscribes to a topic any more, connected or away.
    pub(crate) async fn until_forgotten(&self, topic: &str) {
        let look = async {
            let probe = || Publication { topic: topic.to_owned(), payload: "0".into(), qos: 0, retain: false };
            while self.broker.publish(probe()).await.expect("published") > 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("forgotten in time");
    }

    /// Onboards a device under the default policy.
    pub(crate) fn device(&self, text: &str) -> Papers {
        self.device_with(text, default_policy())
    }

    pub(crate) fn device_with(&self, text: &str, policy: Policy) -> Papers {
        let (certificate, papers) = self.authorities.issue(&name(text), now(), 30);
        self.hold(text, policy, certificate);
        papers
    }

    /// Adds a certificate to a device, which is new unless it is known.
    pub(crate) fn hold(&self, text: &str, policy: Policy, certificate: Certificate) {
        let mut devices = self.registry.devices.lock();
        let id = DeviceId::from_bits(self.registry.named.fetch_add(1, Ordering::SeqCst).into());
        let entry = devices.entry(name(text)).or_insert_with(|| (Device::new(id, name(text), now()), policy));
        entry.0.add(certificate, now()).expect("there is room");
    }
}
