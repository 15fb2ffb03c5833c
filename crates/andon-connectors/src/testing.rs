//! Stand-ins for the ports that tests of this crate need: marks and secrets in memory.

use std::collections::HashMap;
use std::sync::Mutex;

use andon_journal::{
    Append, Appended, Batch, Commit, Journal, JournalError, Lease, Mark, Secrets, StoredEvent, StoredRun,
};
use andon_model::{EventKey, Name, Offset, RunId, Secret, Timestamp};
use async_trait::async_trait;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn unused<T>() -> Result<T, JournalError> {
    Err(JournalError::Storage { doing: "what no test here does", cause: "not there".into() })
}

/// Remembers marks, nothing else.
#[derive(Debug, Default)]
pub(crate) struct Marks(Mutex<Vec<Mark>>);

impl Marks {
    pub(crate) fn store(&self, batch: &Batch) {
        self.0.lock().expect("lock").extend(batch.marks.iter().cloned());
    }
}

#[async_trait]
impl Journal for Marks {
    async fn unmarked(&self, _: &Name, marks: Vec<Mark>) -> Result<Vec<Mark>, JournalError> {
        let known = self.0.lock().expect("lock");
        Ok(marks.into_iter().filter(|mark| !known.contains(mark)).collect())
    }
    async fn take_lease(&self, _: &str, _: Timestamp) -> Result<Lease, JournalError> {
        unused()
    }
    async fn append(&self, _: Append) -> Result<Appended, JournalError> {
        unused()
    }
    async fn commit(&self, _: Lease, _: Commit) -> Result<(), JournalError> {
        unused()
    }
    async fn decided_up_to(&self) -> Result<Offset, JournalError> {
        unused()
    }
    async fn events_after(&self, _: Offset, _: usize) -> Result<Vec<StoredEvent>, JournalError> {
        unused()
    }
    async fn event(&self, _: Offset) -> Result<Option<StoredEvent>, JournalError> {
        unused()
    }
    async fn find_event(&self, _: &EventKey) -> Result<Option<Offset>, JournalError> {
        unused()
    }
    async fn unsettled_runs(&self) -> Result<Vec<StoredRun>, JournalError> {
        unused()
    }
    async fn run(&self, _: &RunId) -> Result<Option<StoredRun>, JournalError> {
        unused()
    }
    async fn checkpoint(&self, _: &str) -> Result<Option<(i64, String)>, JournalError> {
        unused()
    }
}

/// Secrets in memory.
#[derive(Debug, Default)]
pub(crate) struct MemorySecrets(Mutex<HashMap<Name, Secret>>);

impl MemorySecrets {
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(Mutex::new(pairs.iter().map(|(n, s)| (name(n), Secret::new(*s))).collect()))
    }

    pub(crate) fn set(&self, secret: &str, text: &str) {
        self.0.lock().expect("lock").insert(name(secret), Secret::new(text));
    }
}

#[async_trait]
impl Secrets for MemorySecrets {
    async fn put_secret(&self, name: &Name, secret: Secret, _: Timestamp) -> Result<(), JournalError> {
        self.0.lock().expect("lock").insert(name.clone(), secret);
        Ok(())
    }
    async fn secret(&self, name: &Name) -> Result<Option<Secret>, JournalError> {
        Ok(self.0.lock().expect("lock").get(name).cloned())
    }
    async fn secret_names(&self) -> Result<Vec<(Name, Timestamp)>, JournalError> {
        unused()
    }
    async fn delete_secret(&self, name: &Name) -> Result<bool, JournalError> {
        Ok(self.0.lock().expect("lock").remove(name).is_some())
    }
}
