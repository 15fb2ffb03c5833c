//! Commits to the registry: expectations first, then every write, in one transaction.

use andon_devices::Device;
use andon_devices::pki::RevokedEntry;
use andon_devices::registry::{Changes, Expected, Kind, MAX_ENTRIES, Record, RegistryError, Write as Change};
use andon_model::Secret;
use sqlx::{AnyConnection, query, query_scalar};

use super::{failed, place};
use crate::error::to_json;
use crate::text::escape;
use crate::{MasterKey, SqlStore};

const WRITING: &str = "writing to the registry";

/// The secret that is there stays.
const PUT: &str = "INSERT INTO registry (kind, name, revision, removed, body, sealed) VALUES ($1, $2, $3, 0, $4, $5) \
     ON CONFLICT (kind, name) DO UPDATE SET revision = excluded.revision, removed = 0, body = excluded.body";

const PUT_WITH_SECRET: &str = "INSERT INTO registry (kind, name, revision, removed, body, sealed) \
     VALUES ($1, $2, $3, 0, $4, $5) ON CONFLICT (kind, name) DO UPDATE SET revision = excluded.revision, removed = 0, \
     body = excluded.body, sealed = excluded.sealed";

const REMOVE: &str = "UPDATE registry SET revision = $3, removed = 1, body = '', sealed = $4 \
     WHERE kind = $1 AND name = $2 AND removed = 0";

pub(super) async fn commit(store: &SqlStore, changes: &Changes) -> Result<i64, RegistryError> {
    let count = changes.writes.len() + changes.revoked.len();
    if count > MAX_ENTRIES {
        return Err(RegistryError::TooMany { count, limit: MAX_ENTRIES });
    }
    let mut write = store.db.begin().await.map_err(failed(WRITING))?;
    match Commit::begin(&mut write.connection, &store.key).await {
        Ok(mut commit) => match commit.apply(changes).await {
            Ok(revision) => write.commit().await.map(|()| revision).map_err(failed(WRITING)),
            Err(error) => {
                write.rollback().await;
                Err(error)
            }
        },
        Err(error) => Err(error),
    }
}

/// A commit under way.
struct Commit<'a> {
    connection: &'a mut AnyConnection,
    key: &'a MasterKey,
    revision: i64,
}

impl<'a> Commit<'a> {
    async fn begin(connection: &'a mut AnyConnection, key: &'a MasterKey) -> Result<Self, RegistryError> {
        let revision = query_scalar("SELECT revision FROM registry_head WHERE id = 1");
        let revision = revision.fetch_one(&mut *connection).await.map_err(failed(WRITING))?;
        Ok(Self { connection, key, revision })
    }

    async fn apply(&mut self, changes: &Changes) -> Result<i64, RegistryError> {
        for write in &changes.writes {
            self.check(write).await?;
        }
        for write in &changes.writes {
            self.write(write).await?;
        }
        for entry in &changes.revoked {
            self.revoke(entry).await?;
        }
        let save = query("UPDATE registry_head SET revision = $1 WHERE id = 1").bind(self.revision);
        save.execute(&mut *self.connection).await.map_err(failed(WRITING))?;
        Ok(self.revision)
    }

    async fn check(&mut self, write: &Change) -> Result<(), RegistryError> {
        let (kind, key, expected) = write.target();
        if expected == Expected::Anything {
            return Ok(());
        }
        let query = query_scalar("SELECT revision FROM registry WHERE kind = $1 AND name = $2 AND removed = 0");
        let query = query.bind(kind.word()).bind(key.to_owned());
        let found: Option<i64> = query.fetch_optional(&mut *self.connection).await.map_err(failed(WRITING))?;
        let wanted = match expected {
            Expected::Revision(revision) => Some(revision),
            _ => None,
        };
        if found == wanted { Ok(()) } else { Err(RegistryError::Changed { kind, key: key.to_owned() }) }
    }

    async fn write(&mut self, write: &Change) -> Result<(), RegistryError> {
        match write {
            Change::Device { device, .. } => self.put_device(device).await,
            Change::Entry { kind, key, body, secret, .. } => self.put(*kind, key, body, secret.as_ref()).await,
            Change::Remove { kind, key, .. } => self.remove(*kind, key).await,
        }
    }

    async fn put(&mut self, kind: Kind, key: &str, body: &str, secret: Option<&Secret>) -> Result<(), RegistryError> {
        let seal = |secret| self.key.seal_under(&place(kind, key), secret);
        let sealed = secret.map(seal).transpose();
        let sealed = sealed.map_err(|cause| RegistryError::Storage { doing: WRITING, cause: cause.to_string() })?;
        let sql = if sealed.is_some() { PUT_WITH_SECRET } else { PUT };
        self.revision += 1;
        let put = query(sql).bind(kind.word()).bind(key.to_owned()).bind(self.revision);
        let put = put.bind(escape(body).into_owned()).bind(sealed.unwrap_or_default());
        put.execute(&mut *self.connection).await.map(drop).map_err(failed(WRITING))
    }

    async fn put_device(&mut self, device: &Device) -> Result<(), RegistryError> {
        let name = device.name.as_str();
        let body = device.to_body().map_err(|cause| RegistryError::corrupt(Kind::Device, name, &cause))?;
        self.put(Kind::Device, name, &body, None).await?;
        self.forget(name).await?;
        for label in device.labels() {
            let sql = "INSERT INTO device_labels (label, device) VALUES ($1, $2)";
            self.execute(sql, &[&escape(label.as_str()), name]).await?;
        }
        for certificate in &device.certificates {
            let sql = "INSERT INTO device_certificates (serial, fingerprint, device) VALUES ($1, $2, $3) \
                 ON CONFLICT (serial) DO NOTHING";
            let added = self.execute(sql, &[certificate.serial.as_str(), certificate.id.as_str(), name]).await?;
            if added == 0 {
                return Err(RegistryError::Taken { device: name.to_owned() });
            }
        }
        for entry in device.certificates.iter().filter_map(andon_devices::Certificate::revoked_entry) {
            self.revoke(&entry).await?;
        }
        Ok(())
    }

    /// Labels and certificates of a device, which are written anew or not at all.
    async fn forget(&mut self, device: &str) -> Result<(), RegistryError> {
        self.execute("DELETE FROM device_labels WHERE device = $1", &[device]).await?;
        self.execute("DELETE FROM device_certificates WHERE device = $1", &[device]).await?;
        Ok(())
    }

    async fn remove(&mut self, kind: Kind, key: &str) -> Result<(), RegistryError> {
        let remove = query(REMOVE).bind(kind.word()).bind(key.to_owned()).bind(self.revision + 1);
        let done = remove.bind(Vec::<u8>::new()).execute(&mut *self.connection).await.map_err(failed(WRITING))?;
        if done.rows_affected() > 0 {
            self.revision += 1;
        }
        if kind == Kind::Device { self.forget(key).await } else { Ok(()) }
    }

    /// The first revocation of a certificate is the one that counts.
    async fn revoke(&mut self, entry: &RevokedEntry) -> Result<(), RegistryError> {
        let reason = to_json(&entry.reason).map_err(|cause| failed(WRITING)(sqlx::Error::Encode(cause)))?;
        let sql = "INSERT INTO revocations (serial, at, reason, not_after) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (serial) DO NOTHING";
        let put = query(sql).bind(entry.serial.as_str().to_owned()).bind(entry.at.as_micros()).bind(reason);
        let put = put.bind(entry.not_after.as_micros());
        put.execute(&mut *self.connection).await.map(drop).map_err(failed(WRITING))
    }

    async fn execute(&mut self, sql: &'static str, texts: &[&str]) -> Result<u64, RegistryError> {
        let all = texts.iter().fold(query(sql), |query, text| query.bind((*text).to_owned()));
        let done = all.execute(&mut *self.connection).await.map_err(failed(WRITING))?;
        Ok(done.rows_affected())
    }
}
