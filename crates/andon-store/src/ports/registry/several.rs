//! Several entries by one statement.

use std::collections::HashMap;
use std::sync::LazyLock;

use andon_devices::registry::{Entry, Kind, RegistryError};
use sqlx::{Arguments as _, FromRow};

use super::{READING, Record, failed};
use crate::SqlStore;
use crate::bulk::Bulk;
use crate::error::Fault;

/// The order of the join is fixed: one look into the index for each.
static ENTRIES: LazyLock<Bulk> = LazyLock::new(|| {
    let after = ") SELECT r.kind, r.name, r.revision, r.body FROM wanted CROSS JOIN registry AS r \
         WHERE r.kind = wanted.kind AND r.name = wanted.name AND r.removed = 0";
    Bulk::new("WITH wanted (kind, name) AS (VALUES", 2, after)
});

#[derive(FromRow)]
struct Found {
    kind: String,
    #[sqlx(flatten)]
    record: Record,
}

pub(super) async fn read(store: &SqlStore, wanted: &[(Kind, String)]) -> Result<Vec<Option<Entry>>, RegistryError> {
    let mut reader = store.db.readers().acquire().await.map_err(failed(READING))?;
    let bind = |(kind, name): &(Kind, String), a: &mut sqlx::any::AnyArguments| {
        a.add(kind.word())?;
        a.add(name.as_str())
    };
    let found: Result<Vec<Found>, Fault> = ENTRIES.fetch(&mut reader, wanted, bind).await;
    let storage = |fault: Fault| RegistryError::Storage { doing: READING, cause: fault.during(READING).to_string() };
    let mut entries: HashMap<(Kind, String), Entry> = HashMap::new();
    for Found { kind, record } in found.map_err(storage)? {
        if let Some(kind) = Kind::from_word(&kind) {
            entries.insert((kind, record.name.clone()), record.into_entry());
        }
    }
    Ok(wanted.iter().map(|key| entries.get(key).cloned()).collect())
}
