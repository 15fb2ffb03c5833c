//! What the log of a Delta table says of its columns
//! (<https://github.com/delta-io/delta/blob/master/PROTOCOL.md#schema-serialization-format>).
//!
//! **Constraints.** Every column may be null, so that it can be added later. Plain columns only: no column mapping.

use std::collections::HashMap;
use std::time::Duration;

use andon_model::IngestId;
use deltalake::kernel::{Metadata, Protocol};
use serde_json::{Value, json};

use super::hour::Cut;
use crate::flatten::{Kind, Table};

/// Name and type of a column, as Delta Lake has it.
pub(crate) type DeltaColumn = (String, &'static str);

/// The columns of a table of flattened readings, the partitions last.
pub(crate) fn columns_of(table: &Table) -> Vec<DeltaColumn> {
    let fixed: &[(&str, &'static str)] = if table.parent.is_some() {
        &[("id", "string"), ("index", "long"), ("ingest_id", "long")]
    } else {
        &[("ingest_id", "long"), ("ts", "timestamp"), ("topic", "string"), ("device", "string")]
    };
    let payload = table.columns.iter().map(|column| (column.name.clone(), type_of(column.kind)));
    named(fixed).chain(payload).chain(partitions(Cut::Hour)).collect()
}

/// The columns of the quarantine, the partitions last.
pub(crate) fn quarantine_columns() -> Vec<DeltaColumn> {
    let fixed = [
        ("ingest_id", "long"),
        ("ts", "timestamp"),
        ("topic", "string"),
        ("device", "string"),
        ("reason", "string"),
        ("payload", "binary"),
    ];
    named(&fixed).chain(partitions(Cut::Hour)).collect()
}

/// The columns of the values of assets, the partitions last.
pub(crate) fn value_columns() -> Vec<DeltaColumn> {
    let fixed = [
        ("asset", "string"),
        ("property", "string"),
        ("ts", "timestamp"),
        ("quality", "string"),
        ("value_double", "double"),
        ("value_integer", "long"),
        ("value_boolean", "boolean"),
        ("value_string", "string"),
    ];
    named(&fixed).chain(partitions(Cut::Day)).collect()
}

fn named<'a>(columns: &'a [(&'a str, &'static str)]) -> impl Iterator<Item = DeltaColumn> + 'a {
    columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind))
}

fn partitions(cut: Cut) -> impl Iterator<Item = DeltaColumn> {
    cut.columns().iter().map(|name| ((*name).to_owned(), "integer"))
}

const fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "boolean",
        Kind::Int => "long",
        Kind::Double => "double",
        Kind::String | Kind::Array => "string",
    }
}

/// The place in the raw log as Delta Lake has it: it knows signed numbers only.
pub(crate) fn ingest_id(id: IngestId) -> i64 {
    i64::try_from(id.0).unwrap_or(i64::MAX)
}

/// What readers and writers of a table must know: nothing new.
pub(crate) fn protocol() -> Result<Protocol, serde_json::Error> {
    serde_json::from_value(json!({"minReaderVersion": 1, "minWriterVersion": 2}))
}

/// What a new table is. Statistics are kept of the leading columns, whose names have no dots.
pub(crate) fn new_metadata(
    name: &str,
    columns: &[DeltaColumn],
    cut: Cut,
    keep: Duration,
    created_ms: i64,
) -> Result<Metadata, serde_json::Error> {
    let kept = format!("interval {} seconds", keep.as_secs());
    serde_json::from_value(json!({
        "id": table_id(name, created_ms),
        "name": name,
        "description": null,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema_string(columns),
        "partitionColumns": cut.columns(),
        "configuration": {
            "delta.checkpointInterval": "100",
            "delta.dataSkippingNumIndexedCols": "3",
            "delta.deletedFileRetentionDuration": kept,
            "delta.logRetentionDuration": kept,
        },
        "createdTime": created_ms,
    }))
}

/// The same table with other columns.
pub(crate) fn with_columns(metadata: &Metadata, columns: &[DeltaColumn]) -> Result<Metadata, serde_json::Error> {
    let configuration: &HashMap<String, String> = metadata.configuration();
    serde_json::from_value(json!({
        "id": metadata.id(),
        "name": metadata.name(),
        "description": metadata.description(),
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema_string(columns),
        "partitionColumns": metadata.partition_columns(),
        "configuration": configuration,
        "createdTime": metadata.created_time(),
    }))
}

fn schema_string(columns: &[DeltaColumn]) -> String {
    let field = |(name, kind): &DeltaColumn| json!({"name": name, "type": kind, "nullable": true, "metadata": {}});
    let fields: Vec<Value> = columns.iter().map(field).collect();
    json!({"type": "struct", "fields": fields}).to_string()
}

/// Readers tell tables apart by it. It has the form of a UUID, of the table's name and the time of its making.
fn table_id(name: &str, created_ms: i64) -> String {
    let hash = |salt: u32| {
        let mut hasher = crc32fast::Hasher::new_with_initial(salt);
        hasher.update(name.as_bytes());
        hasher.update(&created_ms.to_be_bytes());
        hasher.finalize()
    };
    let [a, b, c, d] = [1, 2, 3, 4].map(hash);
    format!("{a:08x}-{:04x}-8{:03x}-a{:03x}-{c:08x}{:04x}", b >> 16, b & 0xfff, d & 0xfff, d >> 16)
}
