//! The states of certificates, rotation, expiry, and the stored form.

use std::collections::BTreeMap;
use std::time::Duration;

use andon_model::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::pki::{CertificateId, IssuedCertificate, KeyKind, RevocationReason};

const NOW: Timestamp = Timestamp::from_micros(1_772_719_200_000_000);
const DAY: Duration = Duration::from_hours(24);

fn days(count: u32) -> Duration {
    DAY * count
}

/// A certificate as a test needs it: valid for a year from `NOW`.
fn certificate(n: u8, status: CertificateStatus) -> Certificate {
    let issued = IssuedCertificate {
        id: CertificateId::of(&[n]),
        serial: format!("40{n:02x}").parse().expect("hex"),
        pem: format!("certificate {n}"),
        not_before: NOW,
        not_after: NOW.after(days(365)),
        key: KeyKind::EcdsaP256,
    };
    Certificate::new(issued, KeyOrigin::Request, status, NOW)
}

fn device(certificates: Vec<Certificate>) -> Device {
    let mut device = Device::new(DeviceId::from_bits(7), DeviceName::new("pump-01").expect("a name"), NOW);
    device.certificates = certificates;
    device
}

#[test]
fn the_states_of_a_certificate() {
    use CertificateStatus::{Active, Inactive, Revoked};
    let check = |from: CertificateStatus, to: CertificateStatus, expect: bool| {
        let mut device = device(vec![certificate(1, from)]);
        let id = CertificateId::of(&[1]);
        let done = match to {
            Active => device.activate(&id, NOW),
            Inactive => device.deactivate(&id),
            Revoked => device.revoke(&id, RevocationReason::KeyCompromise, NOW),
        };
        assert_eq!(done.is_ok(), expect, "{from} to {to}");
        assert_eq!(device.certificates[0].status, if expect { to } else { from });
    };
    for (from, to) in [(Inactive, Active), (Active, Inactive), (Active, Revoked), (Inactive, Revoked)] {
        check(from, to, true);
    }
    for same in [Inactive, Active, Revoked] {
        check(same, same, true);
    }
    check(Revoked, Active, false);
    check(Revoked, Inactive, false);
}

#[test]
fn a_second_revocation_keeps_the_first_reason() {
    let mut device = device(vec![certificate(1, CertificateStatus::Active)]);
    let id = CertificateId::of(&[1]);
    device.revoke(&id, RevocationReason::KeyCompromise, NOW).expect("revoked");
    device.revoke(&id, RevocationReason::Unspecified, NOW.after(DAY)).expect("again");
    let entry = device.certificates[0].revoked_entry().expect("an entry");
    assert_eq!((entry.at, entry.reason), (NOW, RevocationReason::KeyCompromise));
}

#[test]
fn only_a_valid_active_certificate_is_admitted() {
    let check = |change: fn(&mut Certificate), at: Timestamp, expect: Result<(), NotAdmitted>| {
        let mut certificate = certificate(1, CertificateStatus::Active);
        change(&mut certificate);
        let device = device(vec![certificate]);
        assert_eq!(device.admit(&CertificateId::of(&[1]), at).map(|_| ()), expect);
    };
    let end = NOW.after(days(365));
    check(|_| {}, NOW, Ok(()));
    check(|_| {}, end, Ok(()));
    check(|_| {}, end.after(DAY), Err(NotAdmitted::Expired));
    check(|_| {}, NOW.before(DAY), Err(NotAdmitted::NotYetValid));
    check(|c| c.status = CertificateStatus::Inactive, NOW, Err(NotAdmitted::Inactive));
    check(|c| c.status = CertificateStatus::Revoked, NOW, Err(NotAdmitted::Revoked));
    check(|c| c.retires = Some(NOW), NOW, Err(NotAdmitted::Retired));
    check(|c| c.retires = Some(NOW.after(DAY)), NOW, Ok(()));
    let other = device(vec![certificate(2, CertificateStatus::Active)]);
    assert_eq!(other.admit(&CertificateId::of(&[1]), NOW).map(|_| ()), Err(NotAdmitted::Unknown));
}

#[test]
fn rotation_overlaps_and_then_locks_the_old_one_out() {
    let (old, new) = (CertificateId::of(&[1]), CertificateId::of(&[2]));
    let mut device = device(vec![certificate(1, CertificateStatus::Active)]);
    device.rotate(certificate(2, CertificateStatus::Active), days(7), NOW).expect("rotated");
    for id in [&old, &new] {
        assert!(device.admit(id, NOW.after(days(6))).is_ok());
    }
    let over = NOW.after(days(7));
    assert_eq!((device.next_retirement(), device.certificates[0].ends()), (Some(over), over));
    assert_eq!(device.admit(&old, over).map(|_| ()), Err(NotAdmitted::Retired));
    assert_eq!(device.retire_due(over), std::slice::from_ref(&old));
    assert_eq!(device.retire_due(over), []);
    assert_eq!(device.admit(&old, over).map(|_| ()), Err(NotAdmitted::Revoked));
    assert_eq!(device.current(over).map(|c| &c.id), Some(&new));
    let entry = device.certificates[0].revoked_entry().expect("listed");
    assert_eq!(entry.reason, RevocationReason::Superseded);
}

#[test]
fn rotation_without_overlap_revokes_at_once_and_a_second_does_not_prolong() {
    let mut device = device(vec![certificate(1, CertificateStatus::Active)]);
    device.rotate(certificate(2, CertificateStatus::Active), days(1), NOW).expect("rotated");
    device.rotate(certificate(3, CertificateStatus::Active), days(400), NOW).expect("rotated");
    assert_eq!(device.certificates[0].retires, Some(NOW.after(days(1))));
    assert_eq!(device.certificates[1].retires, Some(NOW.after(MAX_OVERLAP)));
    device.rotate(certificate(4, CertificateStatus::Active), Duration::ZERO, NOW).expect("rotated");
    let active: Vec<_> = device.certificates.iter().filter(|c| c.status == CertificateStatus::Active).collect();
    assert_eq!(active.len(), 1);
    let again = device.rotate(certificate(4, CertificateStatus::Active), DAY, NOW);
    assert_eq!(again, Err(DeviceError::KnownCertificate(CertificateId::of(&[4]))));
}

#[test]
fn what_never_opens_the_door_again_makes_room() {
    let mut device = device((0..16).map(|n| certificate(n, CertificateStatus::Active)).collect());
    let refused = device.add(certificate(16, CertificateStatus::Active), NOW);
    assert!(matches!(refused, Err(DeviceError::TooMany { count: 17, limit: 16, .. })), "{refused:?}");
    device.revoke(&CertificateId::of(&[3]), RevocationReason::KeyCompromise, NOW).expect("revoked");
    let listed = device.add(certificate(16, CertificateStatus::Active), NOW).expect("there is room");
    assert_eq!(listed.iter().map(|entry| entry.reason).collect::<Vec<_>>(), [RevocationReason::KeyCompromise]);
    assert!(device.certificate(&CertificateId::of(&[3])).is_none());
    let later = NOW.after(days(366));
    let listed = device.add(certificate(17, CertificateStatus::Active), later).expect("an expired one makes room");
    assert_eq!((listed, device.certificate(&CertificateId::of(&[0]))), (Vec::new(), None));
}

#[test]
fn a_device_rotates_as_often_as_it_likes() {
    let mut device = device(vec![certificate(0, CertificateStatus::Active)]);
    let mut listed = Vec::new();
    for n in 1..=100 {
        listed.extend(device.rotate(certificate(n, CertificateStatus::Active), days(7), NOW).expect("rotated"));
        let active: Vec<_> = device.certificates.iter().filter(|c| c.status == CertificateStatus::Active).collect();
        assert!(
            active.len() == usize::from(n + 1).min(MAX_ACTIVE) && active.last().unwrap().id == CertificateId::of(&[n])
        );
        assert!(device.check_limits().is_ok());
    }
    let revoked = device.certificates.iter().filter_map(Certificate::revoked_entry);
    let serials: std::collections::BTreeSet<_> =
        listed.iter().cloned().chain(revoked).map(|entry| entry.serial).collect();
    assert_eq!((serials.len(), listed.len()), (101 - MAX_ACTIVE, 101 - MAX_CERTIFICATES), "each is listed");
}

#[test]
fn expiry_alarms_follow_the_certificate_that_lasts_longest() {
    let terms = ExpiryTerms::default();
    let mut device = device(vec![certificate(1, CertificateStatus::Active)]);
    let check = |device: &Device, day: u32, expect: Option<ExpiryLevel>| {
        assert_eq!(terms.alarm(device, NOW.after(days(day))).map(|alarm| alarm.level), expect, "day {day}");
    };
    for (day, expect) in [(0, None), (334, None), (335, Some(ExpiryLevel::Notice)), (357, Some(ExpiryLevel::Notice))] {
        check(&device, day, expect);
    }
    check(&device, 358, Some(ExpiryLevel::Urgent));
    check(&device, 365, Some(ExpiryLevel::Urgent));
    check(&device, 366, Some(ExpiryLevel::Expired));
    let end = NOW.after(days(365));
    assert_eq!(terms.next_change(end, NOW), Some(NOW.after(days(335))));
    assert_eq!(terms.next_change(end, NOW.after(days(335))), Some(NOW.after(days(358))));
    assert_eq!(terms.next_change(end, end.after(DAY)), None);
    let mut next = certificate(2, CertificateStatus::Active);
    next.not_after = NOW.after(days(800));
    device.rotate(next, days(7), NOW.after(days(350))).expect("rotated");
    check(&device, 360, None);
    device.certificates.clear();
    check(&device, 360, None);
}

#[test]
fn profiles_fill_in_and_insist() {
    let mut profile = Profile::new(ProfileName::new("s1-sensor").expect("a name"));
    let attribute = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    profile.attributes = Attributes::try_from(attribute("unit", "C")).expect("legal");
    profile.required_attributes.insert("plant".to_owned());
    let mut device = device(vec![]);
    assert!(matches!(profile.apply(&mut device), Err(DeviceError::Attribute { name, .. }) if name == "plant"));
    device.attributes = device.attributes.merged(&attribute("plant", "1710")).expect("legal");
    profile.apply(&mut device).expect("complete");
    assert_eq!((device.attributes.get("unit"), device.attributes.get("plant")), (Some("C"), Some("1710")));
    device.on_behalf_of.insert(DeviceName::new("tag-1").expect("a name"));
    assert_eq!(profile.apply(&mut device), Err(DeviceError::NoGateway));
    assert_eq!(device.fit(None), Err(DeviceError::NoGateway), "nothing says that it is a gateway");
    profile.gateway = true;
    assert_eq!(profile.apply(&mut device), Ok(()));
    profile.overlap_days = 91;
    assert!(profile.check().is_err());
}

#[test]
fn policies_come_from_the_device_its_profile_and_its_groups() {
    let policy = |text: &str| PolicyName::new(text).expect("a name");
    let mut device = device(vec![]);
    let mut profile = Profile::new(ProfileName::new("gateway").expect("a name"));
    profile.gateway = true;
    let group = |name: &str| Group {
        name: GroupName::new(name).expect("a name"),
        description: String::new(),
        policies: [policy(name)].into(),
    };
    let groups = [group("line-4"), group("line-5")];
    let check = |device: &Device, profile: &Profile, named: &[&str], default: bool, gateway: bool| {
        let expect = PolicyNames { named: named.iter().map(|text| policy(text)).collect(), default, gateway };
        assert_eq!(PolicyNames::of(device, Some(profile), &groups), expect);
    };
    check(&device, &profile, &[], true, false);
    device.profile = Some(profile.name.clone());
    device.groups.insert(groups[0].name.clone());
    check(&device, &profile, &["line-4"], true, true);
    profile.policies.insert(policy("of-profile"));
    device.policies.insert(policy("own"));
    check(&device, &profile, &["line-4", "of-profile", "own"], false, true);
}

#[test]
fn deleting_needs_a_certificate_out_of_use() {
    let mut device = device(vec![certificate(1, CertificateStatus::Active)]);
    let id = CertificateId::of(&[1]);
    assert_eq!(device.delete(&id), Err(DeviceError::InUse));
    device.revoke(&id, RevocationReason::KeyCompromise, NOW).expect("revoked");
    assert!(matches!(device.delete(&id), Ok(Some(_))));
    assert_eq!(device.delete(&id), Err(DeviceError::NoCertificate(id)));
}

#[test]
fn a_retired_device_leaves_its_certificates_in_the_list() {
    let device = device(vec![certificate(1, CertificateStatus::Active), certificate(2, CertificateStatus::Inactive)]);
    let entries = device.retire(RevocationReason::CessationOfOperation, NOW);
    let serials: Vec<_> = entries.iter().map(|entry| entry.serial.as_str()).collect();
    assert_eq!(serials, ["4001", "4002"]);
}

#[test]
fn the_stored_form_is_stable() {
    let mut device = device(vec![certificate(1, CertificateStatus::Active)]);
    device.groups.insert(GroupName::new("line-4").expect("a name"));
    device.attributes = device.attributes.merged(&[("plant".into(), "1710".into())].into()).expect("legal");
    device.profile = Some(ProfileName::new("s1-sensor").expect("a name"));
    device.revoke(&CertificateId::of(&[1]), RevocationReason::Superseded, NOW).expect("revoked");
    let golden = include_str!("../../tests/golden/device_v1.json");
    assert_eq!(format!("{}\n", serde_json::to_string_pretty(&device).expect("JSON")), golden);
    assert_eq!(Device::parse(golden).expect("readable"), device);
    let newer = golden.replace("\"v\": 1", "\"v\": 2");
    assert!(Device::parse(&newer).expect_err("refused").to_string().contains("format 2"));
}

#[test]
fn identities_are_uuids_of_version_4() {
    let id = DeviceId::from_bits(u128::MAX);
    assert_eq!(id.as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    assert_eq!(DeviceId::from_bits(0).as_str(), "00000000-0000-4000-8000-000000000000");
}

/// A change that somebody may ask for.
#[derive(Debug, Clone)]
enum Change {
    Activate(u8),
    Deactivate(u8),
    Revoke(u8),
    Rotate(u8, u32),
    RetireDue,
}

fn changes() -> impl Strategy<Value = Vec<(Change, u32)>> {
    let change = prop_oneof![
        (0..6u8).prop_map(Change::Activate),
        (0..6u8).prop_map(Change::Deactivate),
        (0..6u8).prop_map(Change::Revoke),
        ((0..6u8), 0..20u32).prop_map(|(n, overlap)| Change::Rotate(n, overlap)),
        Just(Change::RetireDue),
    ];
    prop::collection::vec((change, 0..5u32), 0..40)
}

proptest! {
    #[test]
    fn revoked_stays_revoked_and_rotation_always_leaves_one(changes in changes()) {
        let mut device = device(vec![certificate(0, CertificateStatus::Active)]);
        let mut now = NOW;
        let mut revoked = std::collections::BTreeSet::new();
        for (change, later) in changes {
            now = now.after(days(later));
            let id = |n: u8| CertificateId::of(&[n]);
            match change {
                Change::Activate(n) => drop(device.activate(&id(n), now)),
                Change::Deactivate(n) => drop(device.deactivate(&id(n))),
                Change::Revoke(n) => drop(device.revoke(&id(n), RevocationReason::Unspecified, now)),
                Change::RetireDue => drop(device.retire_due(now)),
                Change::Rotate(n, overlap) => {
                    let rotated = device.rotate(certificate(n, CertificateStatus::Active), days(overlap), now);
                    prop_assert!(rotated.is_err() || device.admit(&id(n), now).is_ok());
                }
            }
            revoked.extend(device.certificates.iter().filter(|c| c.revocation.is_some()).map(|c| c.id.clone()));
            for id in &revoked {
                prop_assert_eq!(device.admit(id, now).map(|_| ()), Err(NotAdmitted::Revoked));
            }
            for c in &device.certificates {
                prop_assert_eq!(c.revocation.is_some(), c.status == CertificateStatus::Revoked);
                prop_assert!(c.retires.is_none() || c.status != CertificateStatus::Revoked);
            }
        }
    }
}
