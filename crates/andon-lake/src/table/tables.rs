//! The lake's tables, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_model::Clock;
use object_store::ObjectStore;
use parking_lot::RwLock;

use super::LakeError;
use super::delta::LakeTable;
use super::hour::Cut;
use super::settings::{QUARANTINE, VALUES};
use crate::flatten::Schema;

/// Tables that are open.
pub(crate) struct Tables {
    store: Arc<dyn ObjectStore>,
    clock: Arc<dyn Clock>,
    open: RwLock<BTreeMap<String, Arc<LakeTable>>>,
}

impl Tables {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, open: RwLock::default() }
    }

    /// Opens the values of assets, whose consumers are `apps`.
    pub(crate) async fn open_values(&self, apps: &[&str]) -> Result<(), LakeError> {
        self.open(VALUES, VALUES.to_owned(), Cut::Day, apps).await
    }

    /// Opens what `schema` has and is not open yet, and the quarantine.
    pub(crate) async fn open_all(&self, schema: &Schema, app: &str) -> Result<(), LakeError> {
        self.open(QUARANTINE, QUARANTINE.to_owned(), Cut::Hour, &[app]).await?;
        for (position, table) in schema.tables.iter().enumerate() {
            self.open(&table.name, folder(&table.name, position), Cut::Hour, &[app]).await?;
        }
        Ok(())
    }

    async fn open(&self, name: &str, folder: String, cut: Cut, apps: &[&str]) -> Result<(), LakeError> {
        if self.get(name).is_some() {
            return Ok(());
        }
        let table = LakeTable::open(&self.store, (name, &folder, cut), Arc::clone(&self.clock), apps).await?;
        self.open.write().insert(name.to_owned(), Arc::new(table));
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<LakeTable>> {
        self.open.read().get(name).cloned()
    }

    /// As [`Tables::get`], where the table must be open.
    pub(crate) fn expect(&self, name: &str) -> Result<Arc<LakeTable>, LakeError> {
        self.get(name).ok_or_else(|| LakeError::Setting(format!("the table {name} is not open")))
    }

    /// The tables that the lake's writer makes of readings.
    pub(crate) fn of_readings(&self) -> Vec<Arc<LakeTable>> {
        self.open.read().values().filter(|table| table.name() != VALUES).cloned().collect()
    }

    /// Every table, in order of the names.
    pub(crate) fn all(&self) -> Vec<Arc<LakeTable>> {
        self.open.read().values().cloned().collect()
    }
}

/// The folder of a table: its name where every file system, URL and bucket takes that, else something like it that
/// ends with `__x` and the table's position in the schema.
fn folder(name: &str, position: usize) -> String {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    if name.chars().all(legal) && !name.contains("__x") && name.len() <= 128 {
        return name.to_owned();
    }
    let like: String = name.chars().take(128).map(|c| if legal(c) { c } else { '_' }).collect();
    format!("{like}__x{position}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_have_names_that_all_stores_take() {
        let check = |name: &str, expect: &str| assert_eq!(folder(name, 7), expect, "{name}");
        check("readings", "readings");
        check("readings_measurements.values", "readings_measurements.values");
        check("readings_a/b", "readings_a_b__x7");
        check("readings_größe", "readings_gr__e__x7");
        check("readings_a__x7", "readings_a__x7__x7");
    }
}
