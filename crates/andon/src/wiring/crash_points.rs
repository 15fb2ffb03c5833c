//! Crash points for the crash matrix: places at which a test lets the process kill itself.
//!
//! **Constraints.** Compiled only with debug assertions, so a release build has none of it. A point is
//! passed on both sides of every durable write and of every request. Points are numbered by kind, so that
//! what two tasks do at the same time does not change a point's name: `ANDON_CRASH_AT="before commit 3"`
//! sends SIGKILL to the process at the third commit. `ANDON_CRASH_LOG=file` notes every point passed.
//!
//! **Life of a point.** The wrappers below sit between the engine and its ports. They count, and
//! otherwise hand everything through.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use andon_act::{Answer, DestinationLimits, Found, ProbeQuery, Request, Target, TestLine};
use andon_devices::pki::RevokedEntry;
use andon_devices::registry::{Change, Changes, DeviceFilter, Entry, Kind, Presented, Registry, RegistryError};
use andon_journal::{Append, Appended, Commit, Journal, JournalError, JournalLayer, Lease, PlantMemory};
use andon_model::{Name, Problem, Secret, Timestamp};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

/// Points passed by this process, by kind.
static PASSED: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());

/// The journal with crash points in it, when the environment asks for them.
pub(super) fn around_journal(journal: Arc<dyn Journal>) -> Arc<dyn Journal> {
    if wanted() { Arc::new(CrashingJournal(journal)) } else { journal }
}

/// The target with crash points in it, when the environment asks for them.
pub(super) fn around_target(target: Arc<dyn Target>) -> Arc<dyn Target> {
    if wanted() { Arc::new(CrashingTarget(target)) } else { target }
}

/// The memory of the plant with crash points in it, when the environment asks for them.
pub(super) fn around_plant_memory(memory: Arc<dyn PlantMemory>) -> Arc<dyn PlantMemory> {
    if wanted() { Arc::new(CrashingPlantMemory(memory)) } else { memory }
}

/// The registry with crash points in it, when the environment asks for them.
pub(super) fn around_registry(registry: Arc<dyn Registry>) -> Arc<dyn Registry> {
    if wanted() { Arc::new(CrashingRegistry(registry)) } else { registry }
}

fn wanted() -> bool {
    ["ANDON_CRASH_AT", "ANDON_CRASH_LOG"].iter().any(|name| std::env::var_os(name).is_some())
}

/// Passes a point: notes it, and ends the process if it is the one asked for. One at a time, so that the
/// log's last line is the point at which the process died.
fn pass(kind: &'static str) {
    let mut passed = PASSED.lock();
    let number = passed.entry(kind).or_default();
    *number += 1;
    let point = format!("{kind} {number}");
    if let Some(path) = std::env::var_os("ANDON_CRASH_LOG") {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(path);
        log.and_then(|mut log| writeln!(log, "{point}")).ok();
    }
    if std::env::var("ANDON_CRASH_AT").is_ok_and(|asked| asked == point) {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).ok();
    }
}

/// A journal with a point before and after every write.
struct CrashingJournal(Arc<dyn Journal>);

#[async_trait]
impl JournalLayer for CrashingJournal {
    fn inner(&self) -> &dyn Journal {
        &*self.0
    }

    async fn append(&self, append: Append) -> Result<Appended, JournalError> {
        pass("before append");
        let appended = self.0.append(append).await;
        pass("after append");
        appended
    }

    async fn commit(&self, lease: Lease, commit: Commit) -> Result<(), JournalError> {
        pass("before commit");
        let committed = self.0.commit(lease, commit).await;
        pass("after commit");
        committed
    }
}

/// A memory of the plant with a point before and after every snapshot.
struct CrashingPlantMemory(Arc<dyn PlantMemory>);

#[async_trait]
impl PlantMemory for CrashingPlantMemory {
    async fn load(&self) -> Result<Option<Bytes>, Problem> {
        self.0.load().await
    }

    async fn save(&self, snapshot: Bytes) -> Result<(), Problem> {
        pass("before snapshot");
        let saved = self.0.save(snapshot).await;
        pass("after snapshot");
        saved
    }
}

/// A registry with a point before and after every commit.
struct CrashingRegistry(Arc<dyn Registry>);

#[async_trait]
impl Registry for CrashingRegistry {
    async fn revision(&self) -> Result<i64, RegistryError> {
        self.0.revision().await
    }

    async fn commit(&self, changes: Changes) -> Result<i64, RegistryError> {
        pass("before registry commit");
        let committed = self.0.commit(changes).await;
        pass("after registry commit");
        committed
    }

    async fn entry(&self, kind: Kind, key: &str) -> Result<Option<Entry>, RegistryError> {
        self.0.entry(kind, key).await
    }

    async fn several(&self, wanted: &[(Kind, String)]) -> Result<Vec<Option<Entry>>, RegistryError> {
        self.0.several(wanted).await
    }

    async fn entries(&self, kind: Kind, after: &str, limit: usize) -> Result<Vec<Entry>, RegistryError> {
        self.0.entries(kind, after, limit).await
    }

    async fn secret(&self, kind: Kind, key: &str) -> Result<Option<Secret>, RegistryError> {
        self.0.secret(kind, key).await
    }

    async fn devices(&self, filter: &DeviceFilter) -> Result<Vec<Entry>, RegistryError> {
        self.0.devices(filter).await
    }

    async fn device_with(&self, certificate: &Presented) -> Result<Option<Entry>, RegistryError> {
        self.0.device_with(certificate).await
    }

    async fn changes(&self, after: i64, limit: usize) -> Result<Vec<Change>, RegistryError> {
        self.0.changes(after, limit).await
    }

    async fn forget_removed(&self, up_to: i64, limit: usize) -> Result<usize, RegistryError> {
        self.0.forget_removed(up_to, limit).await
    }

    async fn revoked(&self, now: Timestamp, limit: usize) -> Result<Vec<RevokedEntry>, RegistryError> {
        self.0.revoked(now, limit).await
    }
}

/// A target with a point before and after every request and every search.
struct CrashingTarget(Arc<dyn Target>);

#[async_trait]
impl Target for CrashingTarget {
    async fn send(&self, destination: &Name, request: &Request) -> Answer {
        pass("before send");
        let answer = self.0.send(destination, request).await;
        pass("after send");
        answer
    }

    async fn probe(&self, destination: &Name, query: &ProbeQuery) -> Found {
        pass("before probe");
        let found = self.0.probe(destination, query).await;
        pass("after probe");
        found
    }

    async fn test(&self, destination: &Name) -> Vec<TestLine> {
        self.0.test(destination).await
    }

    async fn metadata(&self, destination: &Name, service: &str) -> Result<String, Problem> {
        self.0.metadata(destination, service).await
    }

    fn limits(&self, destination: &Name) -> Option<DestinationLimits> {
        self.0.limits(destination)
    }
}
