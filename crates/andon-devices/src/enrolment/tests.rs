//! Onboarding under every crash: a small world with a disk that keeps what was committed, a memory that does not, and a
//! caller who asks again until there is an answer.

use std::collections::{BTreeMap, BTreeSet};

use andon_model::{Code, Problem, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::pki::{CertificateId, IssuedCertificate, KeyKind, PrivateKey, PublicKey};
use crate::{Certificate, CertificateStatus, Device, DeviceId, DeviceName, GroupName, KeyOrigin, Profile, ProfileName};

const NOW: Timestamp = Timestamp::from_micros(1_772_719_200_000_000);

/// Where a process may be killed, once per effect or commit that it comes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    BeforeCommit,
    AfterCommit,
    AfterEffect,
}

/// When the process is killed: after so many places, one number per life of the process.
struct Fate {
    lives: Vec<u32>,
    left: Option<u32>,
}

impl Fate {
    fn new(lives: &[u32]) -> Self {
        let mut lives = lives.to_vec();
        lives.reverse();
        let left = lives.pop();
        Self { lives, left }
    }

    /// Whether the process dies here.
    fn strikes(&mut self, _: Place) -> bool {
        match self.left {
            Some(0) => {
                self.left = self.lives.pop();
                true
            }
            Some(more) => {
                self.left = Some(more - 1);
                false
            }
            None => false,
        }
    }
}

/// The process is dead.
struct Killed;

/// What survives.
#[derive(Default)]
struct Disk {
    enrolment: Option<Enrolment>,
    device: Option<Device>,
    revoked: BTreeSet<String>,
}

/// What the world knows from outside.
struct World {
    disk: Disk,
    fate: Fate,
    now: Timestamp,
    issued: u8,
    /// Inputs that go wrong, in order: how often asking, then issuing fails.
    unanswered: u32,
    not_issued: u32,
    /// Certificates that somebody may have, and whether with a private key.
    shown: Vec<(CertificateId, bool)>,
    identities: BTreeSet<String>,
    /// The certificate whose private key this life of the process has made, and has in memory alone.
    memory: Option<CertificateId>,
    /// Whether somebody waits for an answer.
    awaited: bool,
}

impl World {
    fn new(lives: &[u32]) -> Self {
        Self {
            disk: Disk::default(),
            fate: Fate::new(lives),
            now: NOW,
            issued: 0,
            unanswered: 0,
            not_issued: 0,
            shown: Vec::new(),
            identities: BTreeSet::new(),
            memory: None,
            awaited: true,
        }
    }

    /// Stores a transition, all or nothing, and checks what must always hold.
    fn commit(&mut self, transition: &Transition) -> Result<(), Killed> {
        if self.fate.strikes(Place::BeforeCommit) {
            return Err(Killed);
        }
        let stored = serde_json::to_string(&transition.state).expect("JSON");
        self.disk.enrolment = Some(Enrolment::parse(&stored).expect("readable"));
        if let Some(device) = &transition.device {
            self.disk.device = Some(device.clone());
        }
        self.disk.revoked.extend(transition.revoked.iter().map(|entry| entry.serial.to_string()));
        self.check();
        if self.fate.strikes(Place::AfterCommit) { Err(Killed) } else { Ok(()) }
    }

    fn check(&mut self) {
        let Some(device) = &self.disk.device else { return };
        self.identities.insert(device.id.as_str().to_owned());
        assert_eq!(self.identities.len(), 1, "one identity");
        assert_eq!(device.certificates.len(), 1, "one certificate");
        let certificate = &device.certificates[0];
        assert_eq!(certificate.status, CertificateStatus::Active);
        assert!(!self.disk.revoked.contains(certificate.serial.as_str()), "it is not revoked");
        let others = self.shown.iter().filter(|(id, _)| *id != certificate.id);
        for (id, _) in others {
            assert!(self.disk.revoked.contains(&serial_of(id)), "what was shown before is revoked");
        }
    }

    fn apply(&mut self, input: Input) -> Result<Vec<Effect>, Killed> {
        let state = self.disk.enrolment.clone().expect("stored");
        let around = Surroundings { device: self.disk.device.as_ref(), profile: None };
        let transition = step(state, around, input, self.now);
        self.commit(&transition)?;
        Ok(transition.effects)
    }

    /// Performs effects until there are none, in one life of the process. Every answer comes twice.
    fn perform(&mut self, mut effects: Vec<Effect>) -> Result<(), Killed> {
        while let Some(effect) = effects.pop() {
            let input = self.answer(effect);
            if self.fate.strikes(Place::AfterEffect) {
                return Err(Killed);
            }
            let next = self.apply(input.clone())?;
            assert_eq!(self.apply(input)?, [], "an answer that comes twice does nothing");
            effects.extend(next);
        }
        Ok(())
    }

    fn answer(&mut self, effect: Effect) -> Input {
        match effect {
            Effect::Ask if self.unanswered > 0 => {
                self.unanswered -= 1;
                Input::Unanswered(problem())
            }
            Effect::Ask => Input::Allowed(Approval::default()),
            Effect::Issue { .. } if self.not_issued > 0 => {
                self.not_issued -= 1;
                Input::NotIssued(problem())
            }
            Effect::Issue { turn, key } => {
                self.issued += 1;
                let certificate = Box::new(certificate(self.issued, &key));
                self.memory = Some(certificate.id.clone());
                Input::Issued { turn, certificate }
            }
            Effect::Deliver { turn, .. } if !self.awaited => Input::Undelivered { turn, problem: problem() },
            Effect::Deliver { turn, certificate } => {
                let made = matches!(self.request().key, RequestedKey::Generate(_));
                assert!(!made || self.memory.as_ref() == Some(&certificate), "a key that is gone cannot be shown");
                self.shown.push((certificate, made));
                Input::Delivered { turn }
            }
            Effect::WakeAt(at) => {
                self.now = at;
                Input::Tick
            }
        }
    }

    fn request(&self) -> EnrolmentRequest {
        self.disk.enrolment.as_ref().map(|e| e.request.clone()).expect("stored")
    }

    /// The caller asks once; the process may die on the way.
    fn ask(&mut self, request: &EnrolmentRequest, fresh: u128) -> Result<(), Killed> {
        (self.memory, self.awaited) = (None, true);
        let around = Surroundings { device: self.disk.device.as_ref(), profile: None };
        let stored = self.disk.enrolment.clone();
        match begin(request.clone(), stored, around, DeviceId::from_bits(fresh), self.now) {
            Err(problem) => panic!("the same request must not be refused: {problem}"),
            Ok(Begun::Complete { .. }) => Ok(()),
            Ok(Begun::Moving(transition)) => {
                self.commit(&transition)?;
                self.perform(transition.effects)
            }
        }
    }

    /// The process starts again and goes on by itself, without a caller.
    fn restart(&mut self) -> Result<(), Killed> {
        (self.memory, self.awaited) = (None, false);
        let Some(stored) = self.disk.enrolment.clone() else { return Ok(()) };
        let around = Surroundings { device: self.disk.device.as_ref(), profile: None };
        let transition = resume(stored, around, self.now);
        self.commit(&transition)?;
        self.perform(transition.effects)
    }
}

fn problem() -> Problem {
    Problem::new(Code::Unreachable, "the hook does not answer")
}

fn serial_of(id: &CertificateId) -> String {
    format!("40{}", &id.as_str()[..8])
}

fn certificate(n: u8, key: &RequestedKey) -> Certificate {
    let id = CertificateId::of(&[n]);
    let origin = if matches!(key, RequestedKey::Given(_)) { KeyOrigin::Request } else { KeyOrigin::Generated };
    let issued = IssuedCertificate {
        serial: serial_of(&id).parse().expect("hex"),
        id,
        pem: format!("certificate {n}"),
        not_before: NOW,
        not_after: NOW.after(std::time::Duration::from_hours(24)),
        key: KeyKind::EcdsaP256,
    };
    Certificate::new(issued, origin, CertificateStatus::Active, NOW)
}

fn public_key() -> PublicKey {
    PrivateKey::generate(KeyKind::EcdsaP256).expect("a key").public().expect("ours")
}

fn name() -> DeviceName {
    DeviceName::new("pump-01").expect("a name")
}

fn requests() -> [EnrolmentRequest; 4] {
    let generate = EnrolmentRequest::new(name(), RequestedKey::Generate(KeyKind::EcdsaP256));
    let given = EnrolmentRequest::new(name(), RequestedKey::Given(public_key()));
    let asked = |request: &EnrolmentRequest| EnrolmentRequest { ask: true, ..request.clone() };
    [asked(&generate), asked(&given), generate, given]
}

/// Lets the caller ask until there is an answer, through `lives`, and checks what came of it.
fn converge(request: &EnrolmentRequest, lives: &[u32], restarts: bool, failures: (u32, u32)) {
    let mut world = World::new(lives);
    (world.unanswered, world.not_issued) = failures;
    let mut fresh = 0;
    loop {
        fresh += 1;
        if world.ask(request, fresh).is_ok() {
            break;
        }
        while restarts && world.restart().is_err() {}
    }
    let enrolment = world.disk.enrolment.as_ref().expect("stored");
    assert_eq!(enrolment.status(), Some(EnrolmentStatus::Done), "{lives:?}");
    let device = world.disk.device.as_ref().expect("stored");
    let (last, with_key) = world.shown.last().expect("shown");
    assert_eq!(*last, device.certificates[0].id, "what was shown last is in force, {lives:?}");
    assert_eq!(*with_key, matches!(request.key, RequestedKey::Generate(_)));
    if matches!(request.key, RequestedKey::Given(_)) {
        assert!(world.disk.revoked.is_empty(), "a key that the device has is certified once");
    }
}

/// More than any life comes by.
const PLACES: u32 = 18;

#[test]
fn killed_once_at_every_place_it_converges() {
    for request in &requests() {
        for at in 0..PLACES {
            for restarts in [false, true] {
                converge(request, &[at], restarts, (0, 0));
            }
        }
    }
}

#[test]
fn killed_twice_at_every_pair_of_places_it_converges() {
    for request in &requests() {
        for lives in (0..PLACES).flat_map(|first| (0..PLACES).map(move |second| [first, second])) {
            converge(request, &lives, true, (0, 0));
        }
    }
}

proptest! {
    #[test]
    fn any_number_of_deaths_and_failures_converges(
        which in 0..4usize,
        lives in prop::collection::vec(0..PLACES, 0..12),
        restarts in any::<bool>(),
        failures in (0..5u32, 0..5u32),
    ) {
        converge(&requests()[which], &lives, restarts, failures);
    }
}

#[test]
fn asking_again_when_all_is_done_changes_nothing() {
    for request in &requests() {
        let mut world = World::new(&[]);
        assert!(world.ask(request, 1).is_ok());
        let before = (world.disk.device.clone(), world.shown.len());
        assert!(world.ask(request, 2).is_ok());
        assert_eq!((world.disk.device, world.shown.len()), before);
    }
}

#[test]
fn a_name_belongs_to_its_key() {
    let request = |key: PublicKey| EnrolmentRequest::new(name(), RequestedKey::Given(key));
    let begun = |request, stored| begin(request, stored, Surroundings::default(), DeviceId::from_bits(1), NOW);
    let Ok(Begun::Moving(first)) = begun(request(public_key()), None) else { panic!("it begins") };
    let refused = begun(request(public_key()), Some(first.state)).expect_err("another key");
    assert_eq!(refused.code, Code::Onboarding);
    let mut device = Device::new(DeviceId::from_bits(1), name(), NOW);
    device.certificates.push(certificate(1, &RequestedKey::Generate(KeyKind::EcdsaP256)));
    let around = Surroundings { device: Some(&device), profile: None };
    let refused = begin(request(public_key()), None, around, DeviceId::from_bits(2), NOW).expect_err("another key");
    assert!(refused.detail.contains("onboarded with another key"), "{refused}");
}

#[test]
fn of_two_who_ask_at_once_the_later_gets_the_certificate() {
    let request = requests()[2].clone();
    let around = Surroundings::default();
    let begun = |stored| begin(request.clone(), stored, around, DeviceId::from_bits(1), NOW);
    let Ok(Begun::Moving(first)) = begun(None) else { panic!("it begins") };
    let Ok(Begun::Moving(second)) = begun(Some(first.state.clone())) else { panic!("it goes on") };
    let answer = |n: u8, turn: u32| Input::Issued { turn, certificate: Box::new(certificate(n, &request.key)) };
    let stale = step(second.state.clone(), around, answer(1, first.state.turn), NOW);
    assert_eq!((&stale.state, stale.device, stale.effects), (&second.state, None, vec![]));
    let good = step(second.state.clone(), around, answer(2, second.state.turn), NOW);
    assert_eq!(good.state.certificate, Some(CertificateId::of(&[2])));
    let late = step(good.state.clone(), around, Input::Delivered { turn: second.state.turn }, NOW);
    assert_eq!(late.state, good.state);
}

#[test]
fn what_is_refused_may_be_asked_anew() {
    let request = EnrolmentRequest { ask: true, ..requests()[2].clone() };
    let around = Surroundings::default();
    let begun = |stored| begin(request.clone(), stored, around, DeviceId::from_bits(1), NOW);
    let Ok(Begun::Moving(asking)) = begun(None) else { panic!("it begins") };
    assert_eq!(asking.effects, [Effect::Ask]);
    let refused = step(asking.state, around, Input::Refused("not on the list".to_owned()), NOW);
    assert_eq!(refused.state.status(), Some(EnrolmentStatus::Refused));
    assert!(refused.device.is_none() && refused.effects.is_empty());
    let Ok(Begun::Moving(again)) = begun(Some(refused.state)) else { panic!("it begins anew") };
    assert_eq!(again.effects, [Effect::Ask]);
}

#[test]
fn failing_is_tried_again_with_growing_waits_and_then_given_up() {
    let mut world = World::new(&[]);
    world.not_issued = 100;
    assert!(world.ask(&requests()[2], 1).is_ok());
    let enrolment = world.disk.enrolment.clone().expect("stored");
    assert_eq!((enrolment.status(), enrolment.failures), (Some(EnrolmentStatus::Failed), 10));
    assert_eq!(enrolment.problem, Some(problem()));
    assert_eq!(world.now.since(NOW).as_secs(), 1 + 2 + 4 + 8 + 16 + 32 + 64 + 128 + 256);
    world.not_issued = 0;
    assert!(world.ask(&requests()[2], 2).is_ok());
    assert_eq!(world.disk.enrolment.and_then(|e| e.status()), Some(EnrolmentStatus::Done));
}

#[test]
fn a_key_that_was_lost_is_replaced_even_after_giving_up() {
    // The fifth place is the effect that delivers.
    let mut world = World::new(&[4]);
    assert!(world.ask(&requests()[2], 1).is_err());
    world.not_issued = 100;
    assert!(world.ask(&requests()[2], 2).is_ok());
    assert_eq!(world.disk.enrolment.as_ref().and_then(Enrolment::status), Some(EnrolmentStatus::Failed));
    world.not_issued = 0;
    assert!(world.ask(&requests()[2], 3).is_ok());
    assert_eq!(world.disk.enrolment.as_ref().and_then(Enrolment::status), Some(EnrolmentStatus::Done));
    assert_eq!(world.shown.last().map(|(id, _)| id), world.disk.device.as_ref().map(|d| &d.certificates[0].id));
}

#[test]
fn a_device_that_connects_has_its_certificate() {
    let mut world = World::new(&[]);
    let around = Surroundings::default();
    let Ok(Begun::Moving(begun)) = begin(requests()[2].clone(), None, around, DeviceId::from_bits(1), NOW) else {
        panic!("it begins")
    };
    assert!(world.commit(&begun).is_ok());
    let issued = certificate(1, &RequestedKey::Generate(KeyKind::EcdsaP256));
    let turn = begun.state.turn;
    assert!(world.apply(Input::Issued { turn, certificate: Box::new(issued.clone()) }).is_ok());
    assert_eq!(world.apply(Input::Seen(CertificateId::of(b"other"))).ok(), Some(vec![]));
    assert_eq!(world.disk.enrolment.as_ref().and_then(Enrolment::status), None);
    assert_eq!(world.apply(Input::Seen(issued.id)).ok(), Some(vec![]));
    assert_eq!(world.disk.enrolment.as_ref().and_then(Enrolment::status), Some(EnrolmentStatus::Done));
}

#[test]
fn the_profile_is_asked_before_a_certificate_is_issued() {
    let mut profile = Profile::new(ProfileName::new("camera").expect("a name"));
    profile.required_attributes.insert("plant".to_owned());
    let request = EnrolmentRequest { ask: true, profile: Some(profile.name.clone()), ..requests()[2].clone() };
    let around = Surroundings { device: None, profile: Some(&profile) };
    let Ok(Begun::Moving(asking)) = begin(request, None, around, DeviceId::from_bits(1), NOW) else { panic!("begins") };
    let bare = step(asking.state.clone(), around, Input::Allowed(Approval::default()), NOW);
    assert_eq!(bare.state.status(), Some(EnrolmentStatus::Refused));
    assert_eq!(bare.state.problem.map(|problem| problem.code), Some(Code::DeviceValue));
    let attributes = BTreeMap::from([("plant".to_owned(), "1710".to_owned())]);
    let told = step(asking.state, around, Input::Allowed(Approval { attributes, ..Approval::default() }), NOW);
    assert!(matches!(told.effects.as_slice(), [Effect::Issue { .. }]));
}

#[test]
fn an_approval_may_change_profile_and_groups_and_the_same_request_goes_on() {
    let (asked, given) =
        (ProfileName::new("s1").expect("a name"), Profile::new(ProfileName::new("s2").expect("a name")));
    let request = EnrolmentRequest { ask: true, profile: Some(asked), ..requests()[2].clone() };
    let around = Surroundings { device: None, profile: Some(&given) };
    let Ok(Begun::Moving(asking)) = begin(request.clone(), None, around, DeviceId::from_bits(1), NOW) else {
        panic!("begins")
    };
    let group = GroupName::new("hall-7").expect("a name");
    let (profile, groups) = (Some(given.name.clone()), BTreeSet::from([group.clone()]));
    let approval = Approval { profile: profile.clone(), groups, ..Approval::default() };
    let issuing = step(asking.state, around, Input::Allowed(approval), NOW).state;
    assert_eq!((&issuing.request.profile, issuing.request.groups.contains(&group)), (&profile, true));
    let Ok(Begun::Moving(again)) = begin(request, Some(issuing), around, DeviceId::from_bits(2), NOW) else {
        panic!("goes on")
    };
    assert_eq!(again.state.request.profile, profile);
    assert!(matches!(again.effects.as_slice(), [Effect::Issue { .. }]));
}

#[test]
fn the_stored_form_is_stable() {
    let mut request = EnrolmentRequest::new(name(), RequestedKey::Generate(KeyKind::Rsa2048));
    request.ask = true;
    let mut state = Enrolment::new(DeviceId::from_bits(7), request);
    state.phase = Phase::Waiting { until: NOW, then: Then::Ask };
    (state.failures, state.problem, state.turn) = (1, Some(problem()), 3);
    state.certificate = Some(CertificateId::of(&[1]));
    let golden = include_str!("../../tests/golden/enrolment_v1.json");
    assert_eq!(format!("{}\n", serde_json::to_string_pretty(&state).expect("JSON")), golden);
    assert_eq!(Enrolment::parse(golden).expect("readable"), state);
    assert!(Enrolment::parse(&golden.replace("\"v\": 1", "\"v\": 9")).is_err());
}

#[test]
fn what_a_device_does_not_have_of_a_request_is_named() {
    let name = |text: &str| DeviceName::new(text).expect("a name");
    let request = EnrolmentRequest::new(name("pump-01"), RequestedKey::Generate(KeyKind::default()));
    let mut device = Device::new(DeviceId::from_bits(1), name("pump-01"), NOW);
    device.profile = Some(ProfileName::new("s1").expect("a name"));
    device.groups.insert(GroupName::new("line-4").expect("a name"));
    let check = |request: &EnrolmentRequest, expect: &[&str]| assert_eq!(request.differences(&device), expect);
    check(&request, &[]);
    check(&EnrolmentRequest { profile: device.profile.clone(), groups: device.groups.clone(), ..request.clone() }, &[]);
    let attribute = BTreeMap::from([("plant".to_owned(), "1710".to_owned())]);
    let other = EnrolmentRequest {
        profile: Some(ProfileName::new("rs40").expect("a name")),
        groups: BTreeSet::from([GroupName::new("hall-7").expect("a name")]),
        attributes: crate::Attributes::try_from(attribute).expect("legal"),
        on_behalf_of: BTreeSet::from([name("tag-1")]),
        ..request
    };
    check(&other, &["profile", "groups", "attributes", "speaks_for"]);
}
