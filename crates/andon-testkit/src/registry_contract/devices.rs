//! Promises about devices: finding them, and what stays of them.

use std::time::Duration;

use andon_devices::pki::RevocationReason;
use andon_devices::registry::{
    Changes, DeviceFilter, Due, Expected, Kind, Moment, Presented, Record, Registry, RegistryError, Write,
};
use andon_devices::{Device, GroupName, ProfileName};

use super::Fixture;
use super::samples::{at, certificate, device, fingerprint, name, only, put, put_device, serial};

use Expected::{Absent, Anything, Revision};

/// By serial number alone, or with the fingerprint, which then must fit.
pub async fn a_device_is_found_by_its_certificate(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mut pump = device("pump", 1);
    pump.certificates.push(certificate(2));
    store.commit(only(put_device(&pump, Absent)).and(put_device(&device("camera", 3), Absent))).await.expect("stored");
    let find = async |number, print: Option<u32>| {
        let presented = Presented { serial: serial(number), fingerprint: print.map(fingerprint) };
        store.device_with(&presented).await.expect("read").map(|entry| entry.key)
    };
    assert_eq!(find(1, None).await.as_deref(), Some("pump"));
    assert_eq!(find(2, Some(2)).await.as_deref(), Some("pump"));
    assert_eq!(find(3, Some(3)).await.as_deref(), Some("camera"));
    assert_eq!(find(2, Some(1)).await, None);
    assert_eq!(find(4, None).await, None);
    pump.certificates.remove(0);
    store.commit(only(put_device(&pump, Revision(1)))).await.expect("stored");
    assert_eq!(find(1, None).await, None);
    let gone = Write::Remove { kind: Kind::Device, key: "pump".to_owned(), expected: Anything };
    store.commit(only(gone)).await.expect("removed");
    assert_eq!(find(2, None).await, None);
}

/// No two devices have a certificate in common.
pub async fn a_certificate_has_one_device(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.commit(only(put_device(&device("pump", 1), Absent))).await.expect("stored");
    let taken = store.commit(only(put_device(&device("camera", 1), Absent))).await;
    assert_eq!(taken, Err(RegistryError::Taken { device: "camera".to_owned() }));
    assert_eq!(store.entry(Kind::Device, "camera").await.expect("read"), None);
    store.commit(only(put_device(&device("pump", 1), Revision(1)))).await.expect("its own");
}

fn fleet() -> Changes {
    let mut changes = Changes::default();
    for number in 0..10 {
        let mut one = device(&format!("s1-{number}"), number);
        one.profile = Some(ProfileName::new(if number < 5 { "s1" } else { "rs40" }).expect("a name"));
        if number % 2 == 0 {
            one.groups.insert(GroupName::new("line-4").expect("a name"));
        }
        changes = changes.and(put_device(&one, Absent));
    }
    let mut last = device("Zebra_1", 99);
    last.certificates.clear();
    changes.and(put_device(&last, Absent))
}

/// In the order of names, by text and labels, page after page.
pub async fn devices_are_searched_and_paged(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.commit(fleet()).await.expect("stored");
    let check = async |after: &str, contains: &str, labels: &[&str], limit: usize, expect: &str| {
        let labels = labels.iter().map(|label| label.parse().expect("a label")).collect();
        let (after, contains) = (after.to_owned(), contains.to_owned());
        let filter = DeviceFilter { after, contains, labels, due: None, limit };
        let found = store.devices(&filter).await.expect("read");
        let names: Vec<_> = found.into_iter().map(|entry| entry.key).collect();
        assert_eq!(names.join(" "), expect, "{filter:?}");
    };
    check("", "", &[], 3, "Zebra_1 s1-0 s1-1").await;
    check("s1-1", "", &[], 2, "s1-2 s1-3").await;
    check("s1-9", "", &[], 2, "").await;
    check("", "-7", &[], 9, "s1-7").await;
    check("", "_", &[], 9, "Zebra_1").await;
    check("", "", &["profile:s1"], 9, "s1-0 s1-1 s1-2 s1-3 s1-4").await;
    check("s1-2", "", &["profile:s1", "group:line-4"], 9, "s1-4").await;
    check("", "", &["status:INACTIVE"], 9, "Zebra_1").await;
    check("", "", &["profile:other"], 9, "").await;
}

/// By what comes when: the end of the certificate that is to stay, and the retirement of one that was replaced.
pub async fn devices_are_found_by_what_is_due(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.commit(fleet()).await.expect("stored");
    let mut rotated = device("rotated", 50);
    rotated.rotate(certificate(51), Duration::from_mins(1), at(100)).expect("rotated");
    store.commit(only(put_device(&rotated, Absent))).await.expect("stored");
    let check = async |moment, before, after: &str, expect: &str| {
        let filter = DeviceFilter {
            after: after.to_owned(),
            due: Some(Due { moment, before }),
            limit: 4,
            ..DeviceFilter::default()
        };
        let found = store.devices(&filter).await.expect("read");
        assert_eq!(found.into_iter().map(|entry| entry.key).collect::<Vec<_>>().join(" "), expect, "{filter:?}");
    };
    let end = certificate(1).not_after;
    check(Moment::Ends, end, "", "").await;
    check(Moment::Ends, end.after(Duration::from_micros(1)), "", "rotated s1-0 s1-1 s1-2").await;
    check(Moment::Ends, end.after(Duration::from_hours(1)), "s1-7", "s1-8 s1-9").await;
    check(Moment::Retires, at(160), "", "").await;
    check(Moment::Retires, at(161), "", "rotated").await;
    rotated.retire_due(at(160));
    store.commit(only(put_device(&rotated, Anything))).await.expect("stored");
    check(Moment::Retires, at(1_000), "", "").await;
}

/// The revocation list knows certificates that no device has any more; the first reason counts.
pub async fn revocations_outlive_their_device(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mut pump = device("pump", 1);
    store.commit(only(put_device(&pump, Absent))).await.expect("stored");
    assert_eq!(store.revoked(at(0), 10).await.expect("read"), []);
    pump.revoke(&fingerprint(1), RevocationReason::KeyCompromise, at(5)).expect("revoked");
    store.commit(only(put_device(&pump, Revision(1)))).await.expect("stored");
    let remove = Write::Remove { kind: Kind::Device, key: "pump".to_owned(), expected: Revision(2) };
    let retired = device("camera", 2).retire(RevocationReason::CessationOfOperation, at(7));
    let again = pump.retire(RevocationReason::CessationOfOperation, at(9));
    let revoked = retired.into_iter().chain(again).collect();
    store.commit(Changes { writes: vec![remove], revoked }).await.expect("removed");
    let read = async |second| {
        let entries = store.revoked(at(second), 10).await.expect("read");
        entries.into_iter().map(|entry| (entry.serial, entry.at, entry.reason)).collect::<Vec<_>>()
    };
    let one = (serial(1), at(5), RevocationReason::KeyCompromise);
    let two = (serial(2), at(7), RevocationReason::CessationOfOperation);
    assert_eq!(read(0).await, [one.clone(), two]);
    assert_eq!(store.revoked(at(0), 1).await.expect("read").len(), 1);
    assert_eq!(read(3_601).await, []);
}

/// Enrolment, device and revocations of one transition go together, or not at all.
pub async fn transitions_are_stored_whole(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mut revoked = device("pump", 7).retire(RevocationReason::Superseded, at(1));
    for entry in &mut revoked {
        entry.issuer = Some("4a01".to_owned());
    }
    let transition = |expected| {
        let state = put(Kind::Enrolment, "pump", "{\"phase\":\"delivering\"}", None, expected);
        let writes = vec![put_device(&device("pump", 8), Anything), state];
        Changes { writes, revoked: revoked.clone() }
    };
    store.commit(transition(Revision(1))).await.expect_err("an enrolment that is not there");
    assert_eq!(store.revoked(at(0), 10).await.expect("read"), []);
    assert_eq!(store.entry(Kind::Device, "pump").await.expect("read"), None);
    store.commit(transition(Absent)).await.expect("stored");
    assert_eq!(store.revoked(at(0), 10).await.expect("read"), revoked);
    let entry = store.entry(Kind::Device, "pump").await.expect("read").expect("there");
    let stored = Device::from_body(&entry.body).expect("a device");
    assert_eq!((stored.name, stored.certificates), (name("pump"), vec![certificate(8)]));
}
