//! A device reaches only its own topics (invariant V2), and a certificate that is not good opens nothing (V1).
//!
//! A small plant with real certificates is attacked by its own devices: with every certificate that there is, under every
//! client id that might help, with topics and filters that name somebody else's. What counts as reached is decided here,
//! not by the policies.

#![expect(clippy::expect_used, reason = "a test fails by a panic")]

use std::collections::BTreeMap;
use std::time::Duration;

use andon_devices::pki::{Authority, AuthorityTerms, CertificateFacts, CertificateTerms, KeyKind, RevocationReason};
use andon_devices::policy::{Connection, DefaultPolicies, Permissions, Policy, TopicPrefix, filter_matches};
use andon_devices::{
    Certificate, CertificateId, CertificateStatus, Device, DeviceId, DeviceName, KeyOrigin, KeySource, Serial,
    SystemEntropy,
};
use andon_model::Timestamp;

/// Attempts that name another device's topic or come with a bad certificate.
const ATTEMPTS: usize = 120_000;

const NOW: Timestamp = Timestamp::from_micros(1_772_719_200_000_000);
const DAY: Duration = Duration::from_hours(24);

/// Names that are each other's beginnings, differ in case only, or look like levels and wildcards.
const NAMES: &[&str] = &["pump-1", "pump-11", "PUMP-1", "pump", "p", "data", "cmd", "line4:cam-01", "a_b"];
const GATEWAY: &str = "gateway-1";
const BEHIND: &[&str] = &["pump-11", "a_b"];

/// A sequence of numbers that is the same each time (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).expect("small")
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// A certificate in somebody's hands.
struct Held {
    owner: DeviceName,
    facts: CertificateFacts,
    good: bool,
}

struct Plant {
    devices: BTreeMap<DeviceName, Device>,
    held: Vec<Held>,
}

fn name(text: &str) -> DeviceName {
    DeviceName::new(text).expect("a name")
}

fn serial() -> Serial {
    Serial::generate(&SystemEntropy).expect("entropy")
}

fn authority() -> Authority {
    let key = || SystemEntropy.generate(KeyKind::EcdsaP256).expect("a key");
    let terms = |name: &str| AuthorityTerms { common_name: name.to_owned(), organization: None, days: 3_650 };
    let root = Authority::root(&terms("root"), key(), &serial(), NOW).expect("a root");
    root.issuing(&terms("issuing"), key(), &serial(), NOW).expect("an issuing authority")
}

fn issue(by: &Authority, device: &DeviceName, days: u32) -> Certificate {
    let key = SystemEntropy.generate(KeyKind::EcdsaP256).expect("a key");
    let terms = CertificateTerms { device: device.clone(), organization: None, days, crl_url: None };
    let issued = by.issue(&terms, &key.public().expect("ours"), &serial(), NOW).expect("issued");
    Certificate::new(issued, KeyOrigin::Request, CertificateStatus::Active, NOW)
}

impl Plant {
    fn new() -> Self {
        let (ours, foreign) = (authority(), authority());
        let mut plant = Self { devices: BTreeMap::new(), held: Vec::new() };
        for text in NAMES.iter().chain([&GATEWAY]) {
            plant.add(&ours, &foreign, &name(text));
        }
        plant
    }

    /// A device with one good certificate and one of each kind that is not.
    fn add(&mut self, ours: &Authority, foreign: &Authority, owner: &DeviceName) {
        let mut device = Device::new(DeviceId::from_bits(self.devices.len() as u128), owner.clone(), NOW);
        let mut hold = |certificate: &Certificate, good: bool| {
            self.held.push(Held { owner: owner.clone(), facts: certificate.facts().expect("readable"), good });
            certificate.id.clone()
        };
        let [replaced, good, revoked, inactive] = [(); 4].map(|()| issue(ours, owner, 730));
        let (short, never_stored) = (issue(ours, owner, 1), issue(ours, owner, 730));
        hold(&replaced, false);
        hold(&good, true);
        let (revoked_id, inactive_id) = (hold(&revoked, false), hold(&inactive, false));
        hold(&short, false);
        hold(&never_stored, false);
        hold(&issue(foreign, owner, 730), false);
        device.add(replaced, NOW).expect("there is room");
        device.rotate(good, DAY, NOW).expect("rotated");
        for certificate in [revoked, inactive, short] {
            device.add(certificate, NOW).expect("there is room");
        }
        device.revoke(&revoked_id, RevocationReason::KeyCompromise, NOW).expect("revoked");
        device.deactivate(&inactive_id).expect("deactivated");
        if owner.as_str() == GATEWAY {
            device.on_behalf_of = BEHIND.iter().map(|text| name(text)).collect();
        }
        self.devices.insert(owner.clone(), device);
    }

    /// What the door does: the fingerprint leads to the device, which decides.
    fn admit(&self, id: &CertificateId, now: Timestamp) -> Option<&Device> {
        let device = self.devices.values().find(|device| device.certificate(id).is_some())?;
        device.admit(id, now).ok().map(|_| device)
    }
}

/// Whether `topic` belongs to a device other than those that `owner` may speak for.
fn is_foreign(owner: &str, topic: &str) -> bool {
    let mut levels = topic.split('/');
    let (Some("data" | "cmd"), Some(whose)) = (levels.next(), levels.next()) else { return false };
    let of_gateway = owner == GATEWAY && BEHIND.contains(&whose);
    whose != owner && !of_gateway && (NAMES.contains(&whose) || whose == GATEWAY)
}

/// A topic or filter made of levels that might help to reach `victim`.
fn trick(numbers: &mut Numbers, owner: &str, victim: &str) -> String {
    let variable = "${iot:Connection.Thing.ThingName}";
    let usual = ["data", "cmd", victim, owner, "+", "#", "x"];
    let odd = ["", "..", "*", "?", variable, "$share", "g", "$aws", "$SYS", "Data", " ", "%2f", "pump-1/"];
    let depth = 1 + numbers.below(5);
    let levels = (0..depth).map(|_| if numbers.below(4) == 0 { numbers.pick(&odd) } else { numbers.pick(&usual) });
    let levels: Vec<_> = levels.collect();
    match numbers.below(6) {
        0 => format!("data/{victim}/{}", levels.join("/")),
        1 => format!("cmd/{victim}/{}", levels.join("/")),
        2 => format!("$share/{}/{}", numbers.pick(&["g", victim, owner]), levels.join("/")),
        3 => format!("{}/{}/{}", numbers.pick(&["data", "cmd", "+", "#"]), victim, levels.join("/")),
        _ => levels.join("/"),
    }
}

fn client_id(numbers: &mut Numbers, owner: &str, victim: &str) -> String {
    let padded = format!("{owner}/../{victim}");
    let wild = ["+", "#", "*", "?", "", "$share", "pump-?"];
    match numbers.below(4) {
        0 => victim.to_owned(),
        1 => numbers.pick(&wild).to_owned(),
        2 => padded,
        _ => owner.to_owned(),
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It was no attack.
    Harmless,
    Refused,
    Succeeded,
}

fn judge(attack: bool, reached: bool) -> Fate {
    match (attack, reached) {
        (false, _) => Fate::Harmless,
        (true, false) => Fate::Refused,
        (true, true) => Fate::Succeeded,
    }
}

fn attempt(plant: &Plant, policy_of: impl Fn(&Device) -> Policy, numbers: &mut Numbers) -> (Fate, String) {
    let good = numbers.below(8) != 0;
    let choice: Vec<_> = plant.held.iter().filter(|held| held.good == good).collect();
    let held = choice[numbers.below(choice.len())];
    let owner = held.owner.as_str();
    let victim = numbers.pick(NAMES);
    let client_id = client_id(numbers, owner, victim);
    let text = trick(numbers, owner, victim);
    let now = NOW.after(DAY * 2);
    let told = format!("{owner} (good: {}) as {client_id:?} to {text:?}", held.good);
    let Some(device) = plant.admit(&held.facts.id, now) else { return (judge(true, held.good), told) };
    if !held.good {
        return (Fate::Succeeded, told);
    }
    let connection = Connection { client_id: &client_id, source: None, device: Some(device), certificate: &held.facts };
    let permissions = Permissions::bind([&policy_of(device)], &connection);
    if client_id != owner && permissions.connect().is_allowed() {
        return (Fate::Succeeded, told);
    }
    // Going on where the client id was refused: the topics alone must hold as well.
    let theirs = format!("cmd/{victim}/reboot");
    let fate = match numbers.below(3) {
        0 => judge(is_foreign(owner, &text), permissions.publish(&text, numbers.below(2) == 0).is_allowed()),
        1 => {
            let filter = text.strip_prefix("$share/").and_then(|rest| rest.split_once('/')).map_or(&*text, |(_, f)| f);
            let covers = is_foreign(owner, &theirs) && (filter_matches(filter, &theirs) || is_foreign(owner, filter));
            let subscribed = permissions.subscribe(&text).is_allowed();
            judge(covers, subscribed && (permissions.receive(&theirs).is_allowed() || is_foreign(owner, filter)))
        }
        _ => judge(is_foreign(owner, &theirs), permissions.receive(&theirs).is_allowed()),
    };
    (fate, told)
}

fn defaults() -> DefaultPolicies {
    let prefix = |text: &str| TopicPrefix::new(text).expect("a prefix");
    DefaultPolicies { root: prefix("data"), commands: prefix("cmd") }
}

#[test]
fn no_attempt_reaches_another_device() {
    let plant = Plant::new();
    let (device, gateway) = (defaults().device().expect("legal"), defaults().gateway().expect("legal"));
    let policy_of = |of: &Device| if of.on_behalf_of.is_empty() { device.clone() } else { gateway.clone() };
    let mut numbers = Numbers(4);
    let mut attacks = 0;
    while attacks < ATTEMPTS {
        let (fate, told) = attempt(&plant, policy_of, &mut numbers);
        assert_ne!(fate, Fate::Succeeded, "{told}");
        attacks += usize::from(fate == Fate::Refused);
    }
}

#[test]
fn a_policy_with_a_hole_is_found_out() {
    let plant = Plant::new();
    let holes = [
        ("iot:Publish", "topic/data/*"),
        ("iot:Publish", "topic/data/${iot:ClientId}/*"),
        ("iot:Publish", "topic/data/${iot:Connection.Thing.ThingName}*"),
        ("iot:Connect", "*"),
        ("iot:Receive", "topic/cmd/*"),
    ];
    for (action, resource) in holes {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}}}"#
        );
        let policy = Policy::parse(&text).expect("legal");
        let mut numbers = Numbers(4);
        let found = (0..50_000).any(|_| attempt(&plant, |_| policy.clone(), &mut numbers).0 == Fate::Succeeded);
        assert!(found, "{action} on {resource} was not found");
    }
}

#[test]
fn every_device_reaches_its_own_topics() {
    let plant = Plant::new();
    let policy = defaults().device().expect("legal");
    for held in plant.held.iter().filter(|held| held.good) {
        let device = plant.admit(&held.facts.id, NOW.after(DAY * 2)).expect("admitted");
        let client_id = held.owner.as_str();
        let connection = Connection { client_id, source: None, device: Some(device), certificate: &held.facts };
        let permissions = Permissions::bind([&policy], &connection);
        assert!(permissions.connect().is_allowed());
        assert!(permissions.publish(&format!("data/{client_id}/x"), true).is_allowed());
        assert!(permissions.subscribe(&format!("cmd/{client_id}/#")).is_allowed());
        assert!(permissions.receive(&format!("cmd/{client_id}/reboot")).is_allowed());
    }
}
