//! The port `Registry` of `andon-devices`: reads here, commits in `writer/registry.rs`.
//!
//! Every commit holds the lock on the head, as all writes do, so that revisions are given out in the order in which they
//! become visible: whoever has read the feed up to a revision has missed nothing.

mod several;

use andon_devices::pki::RevokedEntry;
use andon_devices::registry::{
    Change, Changes, DeviceFilter, Entry, Kind, MAX_ENTRIES, Presented, Registry, RegistryError,
};
use andon_model::{Secret, Timestamp};
use async_trait::async_trait;
use sqlx::{AssertSqlSafe, FromRow, query_as, query_scalar};

use crate::SqlStore;
use crate::retention;
use crate::text::{escape, unescape};
use crate::writer::Prepared;

const READING: &str = "reading the registry";

const FORGETTING: &str = "forgetting what was removed from the registry";

/// Whether a row is still one of a removed entry is looked at when it is locked: it may have come back meanwhile.
const DELETE_REMOVED: &str = "DELETE FROM registry WHERE removed = 1 AND revision <= $1 AND revision IN \
     (SELECT revision FROM registry WHERE removed = 1 AND revision <= $1 ORDER BY revision LIMIT $2)";

const COLUMNS: &str = "SELECT name, revision, body FROM registry";

#[async_trait]
impl Registry for SqlStore {
    async fn revision(&self) -> Result<i64, RegistryError> {
        let query = query_scalar("SELECT revision FROM registry_head WHERE id = 1");
        query.fetch_one(self.db.readers()).await.map_err(failed(READING))
    }

    async fn commit(&self, changes: Changes) -> Result<i64, RegistryError> {
        self.writer.register(Prepared::new(&changes, &self.key, place)?).await
    }

    async fn entry(&self, kind: Kind, key: &str) -> Result<Option<Entry>, RegistryError> {
        let sql = format!("{COLUMNS} WHERE kind = $1 AND name = $2 AND removed = 0");
        let query = query_as(AssertSqlSafe(sql)).bind(kind.word()).bind(key.to_owned());
        let record: Option<Record> = query.fetch_optional(self.db.readers()).await.map_err(failed(READING))?;
        Ok(record.map(Record::into_entry))
    }

    async fn several(&self, wanted: &[(Kind, String)]) -> Result<Vec<Option<Entry>>, RegistryError> {
        several::read(self, wanted).await
    }

    async fn entries(&self, kind: Kind, after: &str, limit: usize) -> Result<Vec<Entry>, RegistryError> {
        let sql = format!("{COLUMNS} WHERE kind = $1 AND name > $2 AND removed = 0 ORDER BY name LIMIT $3");
        let query = query_as(AssertSqlSafe(sql)).bind(kind.word()).bind(after.to_owned()).bind(at_most(limit));
        let records: Vec<Record> = query.fetch_all(self.db.readers()).await.map_err(failed(READING))?;
        Ok(records.into_iter().map(Record::into_entry).collect())
    }

    async fn secret(&self, kind: Kind, key: &str) -> Result<Option<Secret>, RegistryError> {
        let query = query_scalar("SELECT sealed FROM registry WHERE kind = $1 AND name = $2");
        let query = query.bind(kind.word()).bind(key.to_owned());
        let sealed: Option<Vec<u8>> = query.fetch_optional(self.db.readers()).await.map_err(failed(READING))?;
        let Some(sealed) = sealed.filter(|sealed| !sealed.is_empty()) else { return Ok(None) };
        let opened = self.key.open_under(&place(kind, key), &sealed);
        opened.map(Some).map_err(|cause| RegistryError::corrupt(kind, key, &cause))
    }

    async fn devices(&self, filter: &DeviceFilter) -> Result<Vec<Entry>, RegistryError> {
        let sql = search(filter);
        let mut query = query_as(AssertSqlSafe(sql)).bind(filter.after.clone()).bind(at_most(filter.limit));
        query = query.bind(escape(&filter.contains).into_owned());
        for label in &filter.labels {
            query = query.bind(escape(label.as_str()).into_owned());
        }
        if let Some((first, end)) = filter.due.map(|due| due.labels()) {
            query = query.bind(first).bind(end);
        }
        let records: Vec<Record> = query.fetch_all(self.db.readers()).await.map_err(failed(READING))?;
        Ok(records.into_iter().map(Record::into_entry).collect())
    }

    async fn device_with(&self, certificate: &Presented) -> Result<Option<Entry>, RegistryError> {
        let sql = format!(
            "{COLUMNS} WHERE kind = 'device' AND removed = 0 AND name = \
             (SELECT device FROM device_certificates WHERE serial = $1 AND ($2 = '' OR fingerprint = $2))"
        );
        let fingerprint = certificate.fingerprint.as_ref().map_or("", |id| id.as_str());
        let query = query_as(AssertSqlSafe(sql)).bind(certificate.serial.as_str().to_owned()).bind(fingerprint);
        let record: Option<Record> = query.fetch_optional(self.db.readers()).await.map_err(failed(READING))?;
        Ok(record.map(Record::into_entry))
    }

    async fn changes(&self, after: i64, limit: usize) -> Result<Vec<Change>, RegistryError> {
        let sql = "SELECT revision, kind, name, removed FROM registry WHERE revision > $1 ORDER BY revision LIMIT $2";
        let query = query_as(sql).bind(after).bind(at_most(limit));
        let rows: Vec<ChangeRecord> = query.fetch_all(self.db.readers()).await.map_err(failed(READING))?;
        // What a newer program stores is no concern of this one.
        Ok(rows.into_iter().filter_map(ChangeRecord::into_change).collect())
    }

    async fn forget_removed(&self, up_to: i64, limit: usize) -> Result<usize, RegistryError> {
        let forgotten = retention::delete_rows(&self.db, DELETE_REMOVED, up_to, limit).await;
        forgotten.map_err(|cause| RegistryError::Storage { doing: FORGETTING, cause: cause.to_string() })
    }

    async fn revoked(&self, now: Timestamp, limit: usize) -> Result<Vec<RevokedEntry>, RegistryError> {
        let sql = "SELECT serial, at, reason, not_after, issuer FROM revocations WHERE not_after >= $1 ORDER BY serial LIMIT $2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let query = query_as(sql).bind(now.as_micros()).bind(limit);
        let rows: Vec<RevocationRecord> = query.fetch_all(self.db.readers()).await.map_err(failed(READING))?;
        rows.into_iter().map(RevocationRecord::into_entry).collect()
    }
}

/// The search for devices: `$1` the name before, `$2` the limit, `$3` the text, then the labels, and the range of labels of
/// what is due, which leads to the few devices that it concerns.
fn search(filter: &DeviceFilter) -> String {
    let labelled = |number: usize| {
        format!(" AND EXISTS (SELECT 1 FROM device_labels WHERE label = ${number} AND device = registry.name)")
    };
    let next = 4 + filter.labels.len();
    let labels: String = (4..next).map(labelled).collect();
    let range =
        |_| format!(" AND name IN (SELECT device FROM device_labels WHERE label > ${next} AND label < ${})", next + 1);
    let due = filter.due.map(range).unwrap_or_default();
    format!(
        "{COLUMNS} WHERE kind = 'device' AND removed = 0 AND name > $1 AND ($3 = '' OR replace(name, $3, '') <> name)\
         {labels}{due} ORDER BY name LIMIT $2"
    )
}

fn at_most(limit: usize) -> i64 {
    i64::try_from(limit.clamp(1, MAX_ENTRIES)).unwrap_or_default()
}

/// What a secret is sealed under: no name of a named secret has a slash.
fn place(kind: Kind, key: &str) -> String {
    format!("registry/{}/{key}", kind.word())
}

fn failed(doing: &'static str) -> impl Fn(sqlx::Error) -> RegistryError {
    move |cause| RegistryError::Storage { doing, cause: cause.to_string() }
}

#[derive(FromRow)]
struct Record {
    name: String,
    revision: i64,
    body: String,
}

impl Record {
    fn into_entry(self) -> Entry {
        Entry { key: self.name, revision: self.revision, body: unescape(self.body) }
    }
}

#[derive(FromRow)]
struct ChangeRecord {
    revision: i64,
    kind: String,
    name: String,
    removed: i64,
}

impl ChangeRecord {
    fn into_change(self) -> Option<Change> {
        let kind = Kind::from_word(&self.kind)?;
        Some(Change { revision: self.revision, kind, key: self.name, removed: self.removed == 1 })
    }
}

#[derive(FromRow)]
struct RevocationRecord {
    serial: String,
    at: i64,
    reason: String,
    not_after: i64,
    issuer: String,
}

impl RevocationRecord {
    fn into_entry(self) -> Result<RevokedEntry, RegistryError> {
        let what = || format!("the revocation of {}", self.serial);
        let corrupt = |cause: &dyn ToString| RegistryError::Corrupt { what: what(), cause: cause.to_string() };
        Ok(RevokedEntry {
            serial: self.serial.parse().map_err(|cause| corrupt(&cause))?,
            at: Timestamp::from_micros(self.at),
            reason: serde_json::from_str(&self.reason).map_err(|cause| corrupt(&cause))?,
            not_after: Timestamp::from_micros(self.not_after),
            issuer: Some(self.issuer).filter(|issuer| !issuer.is_empty()),
        })
    }
}
