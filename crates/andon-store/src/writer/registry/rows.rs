//! What a group reads before it decides, and what it writes after: multi-row statements over all callers.

use std::collections::HashMap;
use std::sync::LazyLock;

use andon_devices::registry::{Expected, Kind};
use sqlx::{AnyConnection, Arguments as _, FromRow};

use super::plan::{Known, Plan, Row};
use super::prepare::{Prepared, Put};
use crate::bulk::Bulk;
use crate::error::Fault;

/// Entries by kind and name. The order of the join is fixed: one look into the index for each.
static ENTRIES: LazyLock<Bulk> = LazyLock::new(|| {
    let after = ") SELECT r.kind, r.name, r.revision FROM wanted CROSS JOIN registry AS r \
         WHERE r.kind = wanted.kind AND r.name = wanted.name AND r.removed = 0";
    Bulk::new("WITH wanted (kind, name) AS (VALUES", 2, after)
});
static OWNERS: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("SELECT serial, device FROM device_certificates WHERE serial IN (", 1, ")"));
/// The secret that is there stays.
static PUT: LazyLock<Bulk> = LazyLock::new(|| put_statement(""));
static PUT_WITH_SECRET: LazyLock<Bulk> = LazyLock::new(|| put_statement(", sealed = excluded.sealed"));
static FORGET_LABELS: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("DELETE FROM device_labels WHERE device IN (", 1, ")"));
static FORGET_CERTIFICATES: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("DELETE FROM device_certificates WHERE device IN (", 1, ")"));
static LABELS: LazyLock<Bulk> = LazyLock::new(|| Bulk::new("INSERT INTO device_labels (label, device) VALUES", 2, ""));
static CERTIFICATES: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("INSERT INTO device_certificates (serial, fingerprint, device) VALUES", 3, ""));
/// The first revocation of a certificate is the one that counts.
static REVOCATIONS: LazyLock<Bulk> = LazyLock::new(|| {
    let before = "INSERT INTO revocations (serial, at, reason, not_after, issuer) VALUES";
    Bulk::new(before, 5, "ON CONFLICT (serial) DO NOTHING")
});

fn put_statement(secret: &str) -> Bulk {
    let after = format!(
        "ON CONFLICT (kind, name) DO UPDATE SET revision = excluded.revision, removed = excluded.removed, \
         body = excluded.body{secret}"
    );
    Bulk::new("INSERT INTO registry (kind, name, revision, removed, body, sealed) VALUES", 6, &after)
}

#[derive(FromRow)]
struct Found {
    kind: String,
    name: String,
    revision: i64,
}

/// What is stored of everything that the commits name.
pub(super) async fn known(connection: &mut AnyConnection, commits: &[&Prepared]) -> Result<Known, Fault> {
    let writes = || commits.iter().flat_map(|commit| &commit.writes);
    // Nothing depends on an entry that is put whatever is there, unless it is a device, which has rows elsewhere.
    let matters = writes().filter(|w| w.expected != Expected::Anything || w.put.is_none() || w.kind == Kind::Device);
    let mut wanted: Vec<(Kind, &str)> = matters.map(|write| (write.kind, write.name.as_str())).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let found = ENTRIES.fetch::<_, Found>(&mut *connection, &wanted, |(kind, name), a| {
        a.add(kind.word())?;
        a.add(*name)
    });
    let revisions = found.await?.into_iter().filter_map(|row| {
        let kind = Kind::from_word(&row.kind)?;
        Some(((kind, row.name), row.revision))
    });
    let revisions = revisions.collect();
    let mut serials: Vec<&str> =
        writes().filter_map(|w| w.put.as_ref()).flat_map(|put| put.certificates.iter().map(|c| c.0.as_str())).collect();
    serials.sort_unstable();
    serials.dedup();
    let owners: Vec<(String, String)> = OWNERS.fetch(connection, &serials, |serial, a| a.add(*serial)).await?;
    Ok(Known { revisions, owners: owners.into_iter().collect::<HashMap<_, _>>() })
}

/// Writes what the plan came to.
pub(super) async fn store(connection: &mut AnyConnection, plan: &Plan<'_>) -> Result<(), Fault> {
    let (kept, sealed): (Vec<_>, Vec<_>) = plan.rows().iter().partition(|row| row.sealed.is_none());
    for (statement, rows) in [(&PUT, kept), (&PUT_WITH_SECRET, sealed)] {
        statement.execute(&mut *connection, &rows, |row, a| bind(row, a)).await?;
    }
    devices(&mut *connection, plan).await?;
    let revoked = |entry: &&super::prepare::RevocationRow, a: &mut sqlx::any::AnyArguments| {
        a.add(entry.serial.as_str())?;
        a.add(entry.at)?;
        a.add(entry.reason.as_str())?;
        a.add(entry.not_after)?;
        a.add(entry.issuer.as_str())
    };
    REVOCATIONS.execute(connection, plan.revoked(), revoked).await?;
    Ok(())
}

fn bind(row: &Row<'_>, a: &mut sqlx::any::AnyArguments) -> Result<(), sqlx::error::BoxDynError> {
    a.add(row.kind.word())?;
    a.add(row.name)?;
    a.add(row.revision)?;
    a.add(i64::from(row.body.is_none()))?;
    a.add(row.body.unwrap_or_default())?;
    a.add(row.sealed.unwrap_or_default())
}

/// Labels and certificates of devices, which are written anew or not at all.
async fn devices(connection: &mut AnyConnection, plan: &Plan<'_>) -> Result<(), Fault> {
    let before: Vec<&str> = plan.devices().keys().copied().filter(|device| plan.was_there(device)).collect();
    FORGET_LABELS.execute(&mut *connection, &before, |device, a| a.add(*device)).await?;
    FORGET_CERTIFICATES.execute(&mut *connection, &before, |device, a| a.add(*device)).await?;
    let stored = || plan.devices().iter().filter_map(|(device, put)| Some((*device, (*put)?)));
    let labels: Vec<(&str, &str)> = stored()
        .flat_map(|(device, put): (_, &Put)| put.labels.iter().map(move |label| (label.as_str(), device)))
        .collect();
    LABELS
        .execute(&mut *connection, &labels, |(label, device), a| {
            a.add(*label)?;
            a.add(*device)
        })
        .await?;
    let certificates: Vec<(&(String, String), &str)> =
        stored().flat_map(|(device, put)| put.certificates.iter().map(move |known| (known, device))).collect();
    CERTIFICATES
        .execute(connection, &certificates, |((serial, fingerprint), device), a| {
            a.add(serial.as_str())?;
            a.add(fingerprint.as_str())?;
            a.add(*device)
        })
        .await?;
    Ok(())
}
