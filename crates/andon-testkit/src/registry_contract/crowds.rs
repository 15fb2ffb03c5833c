//! Promises to many callers at once: each is dealt with as if it were alone.

use std::sync::Arc;

use andon_devices::registry::{
    Changes, DeviceFilter, Entry, Expected, Kind, MAX_ENTRIES, Registry, RegistryError, Write,
};

use super::Fixture;
use super::samples::{device, only, put, put_device};
use crate::{Dice, MemoryRegistry};

use Expected::{Absent, Anything, Revision};

type Told = Result<i64, RegistryError>;

/// Hands in all at once, and says what each was told.
async fn all_at_once<S: Registry + 'static>(store: &Arc<S>, commits: &[Changes]) -> Vec<Told> {
    let commit = |changes: &Changes| {
        let (store, changes) = (Arc::clone(store), changes.clone());
        tokio::spawn(async move { store.commit(changes).await })
    };
    let tasks: Vec<_> = commits.iter().map(commit).collect();
    let mut told = Vec::new();
    for task in tasks {
        told.push(task.await.expect("no panic"));
    }
    told
}

/// Who expects something else, or wants a certificate that is taken, is refused alone.
pub async fn a_conflict_is_its_callers_own(fixture: &impl Fixture) {
    let store = Arc::new(fixture.open().await);
    store.commit(only(put_device(&device("first", 1), Absent))).await.expect("stored");
    let commit = |number: u32| {
        let good = put(Kind::Group, &format!("g-{number}"), "{}", None, Absent);
        let name = format!("d-{number}");
        only(good).and(match number % 4 {
            0 => put(Kind::Group, &format!("other-{number}"), "{}", None, Revision(1_000)),
            1 => put_device(&device(&name, 1), Absent),
            _ => put_device(&device(&name, 100 + number), Absent),
        })
    };
    let commits: Vec<Changes> = (0..64).map(commit).collect();
    let told = all_at_once(&store, &commits).await;
    for (number, told) in (0_u32..).zip(told) {
        let refused = match number % 4 {
            0 => Some(RegistryError::Changed { kind: Kind::Group, key: format!("other-{number}") }),
            1 => Some(RegistryError::Taken { device: format!("d-{number}") }),
            _ => None,
        };
        assert_eq!(told.err(), refused, "caller {number}");
        let group = store.entry(Kind::Group, &format!("g-{number}")).await.expect("read");
        assert_eq!(group.is_some(), number % 4 > 1, "what is left of caller {number}");
    }
    assert_eq!(store.revision().await, Ok(1 + 2 * 32));
}

/// Of those who want the same name at the same time, one gets it.
pub async fn one_of_a_crowd_gets_the_name(fixture: &impl Fixture) {
    let store = Arc::new(fixture.open().await);
    let commits: Vec<Changes> = (0..40).map(|number| only(put_device(&device("pump", number), Absent))).collect();
    let told = all_at_once(&store, &commits).await;
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1);
    let refused = RegistryError::Changed { kind: Kind::Device, key: "pump".to_owned() };
    assert!(told.iter().filter_map(|told| told.as_ref().err()).all(|error| *error == refused));
    assert_eq!(store.revision().await, Ok(1));
}

/// Whatever callers write at the same time: those who are admitted could have come one after the other, in the order of
/// their revisions, with the same end.
pub async fn crowds_are_as_if_one_came_after_the_other(fixture: &impl Fixture) {
    let store = Arc::new(fixture.open().await);
    let model = MemoryRegistry::default();
    let dice = Dice::new(4);
    for _ in 0..12 {
        let known = store.changes(0, MAX_ENTRIES).await.expect("read");
        let known: Vec<i64> = known.iter().map(|change| change.revision).collect();
        let commits: Vec<Changes> = (0..24).map(|_| some_changes(&dice, &known)).collect();
        let told = all_at_once(&store, &commits).await;
        let mut admitted: Vec<(i64, &Changes)> =
            told.iter().zip(&commits).filter_map(|(told, changes)| Some((*told.as_ref().ok()?, changes))).collect();
        // One that only removes what is not there has the revision of whoever came before, and changes nothing: whoever
        // does not fit yet comes once more, behind the others of its revision.
        admitted.sort_by_key(|(revision, changes)| (*revision, !writes(changes)));
        for same in admitted.chunk_by(|(one, _), (next, _)| one == next) {
            let mut behind = Vec::new();
            for (revision, changes) in same {
                if model.commit((*changes).clone()).await != Ok(*revision) {
                    behind.push((*revision, *changes));
                }
            }
            for (revision, changes) in behind {
                assert_eq!(model.commit(changes.clone()).await, Ok(revision), "{changes:?}");
            }
        }
        assert_eq!(look(store.as_ref()).await, look(&model).await);
    }
}

/// Whether a commit of [`some_changes`] has a revision of its own.
fn writes(changes: &Changes) -> bool {
    changes.writes.iter().any(|write| !matches!(write, Write::Remove { .. }))
}

/// Up to three writes to a handful of names, each named once.
fn some_changes(dice: &Dice, known: &[i64]) -> Changes {
    let first = dice.number(0, 5);
    let writes = (0..dice.number(1, 3)).map(|number| some_write(dice, known, (first + number) % 6));
    Changes { writes: writes.collect(), revoked: Vec::new() }
}

fn some_write(dice: &Dice, known: &[i64], name: u64) -> Write {
    let place = usize::try_from(dice.number(0, 31)).expect("small");
    let expected = match dice.number(0, 3) {
        0 => Absent,
        1 => known.get(place).map_or(Anything, |revision| Revision(*revision)),
        _ => Anything,
    };
    let key = format!("n-{name}");
    match dice.number(0, 5) {
        0 => Write::Remove { kind: Kind::Device, key, expected },
        1 => Write::Remove { kind: Kind::Group, key, expected },
        2 => put(Kind::Group, &key, "{}", Some(&dice.number(0, 99).to_string()), expected),
        3 => put(Kind::Group, &key, &dice.number(0, 99).to_string(), None, expected),
        _ => put_device(&device(&key, u32::try_from(dice.number(0, 7)).expect("small")), expected),
    }
}

/// Everything there is to see, without the revisions of what was removed twice at a time.
async fn look(store: &dyn Registry) -> (i64, Vec<Entry>, Vec<Entry>, Vec<Option<String>>, Vec<String>) {
    let groups = store.entries(Kind::Group, "", 100).await.expect("read");
    let devices = store.devices(&DeviceFilter { limit: 100, ..DeviceFilter::default() }).await.expect("read");
    let mut secrets = Vec::new();
    for name in 0..6 {
        let secret = store.secret(Kind::Group, &format!("n-{name}")).await.expect("read");
        secrets.push(secret.map(|secret| secret.expose().to_owned()));
    }
    let changes = store.changes(0, MAX_ENTRIES).await.expect("read");
    let feed = changes.into_iter().map(|change| format!("{} {} {}", change.revision, change.key, change.removed));
    (store.revision().await.expect("read"), groups, devices, secrets, feed.collect())
}

/// What is asked for together comes in the order in which it was asked for.
pub async fn several_entries_come_in_order(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store
        .commit(only(put_device(&device("a", 1), Absent)).and(put(Kind::Group, "a", "{}", None, Absent)))
        .await
        .expect("stored");
    let wanted =
        [(Kind::Group, "b"), (Kind::Group, "a"), (Kind::Device, "a"), (Kind::Group, "a"), (Kind::Enrolment, "a")];
    let found = store.several(&wanted.map(|(kind, key)| (kind, key.to_owned()))).await.expect("read");
    let revisions: Vec<Option<i64>> = found.iter().map(|found| found.as_ref().map(|entry| entry.revision)).collect();
    assert_eq!(revisions, [None, Some(2), Some(1), Some(2), None]);
    assert_eq!(found[2], store.entry(Kind::Device, "a").await.expect("read"));
    let many: Vec<(Kind, String)> = (0..MAX_ENTRIES).map(|number| (Kind::Device, format!("d-{number}"))).collect();
    assert_eq!(store.several(&many).await.expect("read"), vec![None; MAX_ENTRIES]);
}
