//! A data file: rows of one hour or day as Parquet, and what the table's log says of it.

use std::collections::HashMap;

use andon_model::Timestamp;
use deltalake::arrow::array::{Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use deltalake::arrow::compute::{max, max_string, min, min_string};
use deltalake::kernel::Add;
use deltalake::parquet::arrow::ArrowWriter;
use deltalake::parquet::basic::Compression;
use deltalake::parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde_json::{Map, Value, json};

use super::LakeError;
use super::hour::{Cut, Hour};

/// Rows that become a file.
pub(crate) struct Rows {
    /// Name of the file, without its ending: the same for the same rows, and no other's.
    pub(crate) name: String,
    /// The hour that they are of, or the first of the day.
    pub(crate) hour: Hour,
    pub(crate) batch: RecordBatch,
}

/// A file that is not written yet.
pub(crate) struct DataFile {
    /// Below the table.
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
    partition: HashMap<String, Option<String>>,
    stats: Value,
}

impl DataFile {
    /// How the log adds it.
    pub(crate) fn action(&self, now_ms: i64) -> Add {
        Add {
            path: self.path.clone(),
            partition_values: self.partition.clone(),
            size: i64::try_from(self.bytes.len()).unwrap_or(i64::MAX),
            modification_time: now_ms,
            data_change: true,
            stats: Some(self.stats.to_string()),
            ..Add::default()
        }
    }
}

/// Makes the file for `rows`, of a table that is cut by `cut`.
pub(crate) async fn encode(cut: Cut, rows: Rows) -> Result<DataFile, LakeError> {
    let Rows { name, hour, batch: rows } = rows;
    let values = || cut.columns().iter().zip(hour.values());
    let folders: Vec<_> = values().map(|(column, value)| format!("{column}={value}")).collect();
    let path = format!("{}/{name}.snappy.parquet", folders.join("/"));
    let partition = values().map(|(column, value)| ((*column).to_owned(), Some(value.to_string()))).collect();
    let stats = stats(&rows);
    let bytes = tokio::task::spawn_blocking(move || write(&rows)).await??;
    Ok(DataFile { path, bytes, partition, stats })
}

/// Quick to write; compaction packs tighter.
fn write(rows: &RecordBatch) -> Result<Vec<u8>, LakeError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build();
    let failed = |e: deltalake::parquet::errors::ParquetError| LakeError::Rows(e.into());
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).map_err(failed)?;
    writer.write(rows).map_err(failed)?;
    writer.into_inner().map_err(failed)
}

/// Ingest ids of the rows, ascending.
pub(crate) fn ids(rows: &RecordBatch) -> &[i64] {
    let column = rows.column_by_name("ingest_id").and_then(|column| column.as_any().downcast_ref::<Int64Array>());
    column.map_or(&[], |ids| ids.values())
}

/// What the log keeps, so that readers need not open every file: count, ingest ids, times, assets and properties.
fn stats(rows: &RecordBatch) -> Value {
    let (mut low, mut high, mut nulls) = (Map::new(), Map::new(), Map::new());
    for name in ["ingest_id", "ts", "asset", "property"] {
        if let Some((from, to)) = rows.column_by_name(name).and_then(|column| bounds(column.as_ref())) {
            low.insert(name.to_owned(), from);
            high.insert(name.to_owned(), to);
            nulls.insert(name.to_owned(), json!(0));
        }
    }
    json!({"numRecords": rows.num_rows(), "minValues": low, "maxValues": high, "nullCount": nulls})
}

/// The least and the greatest value of a column that has no nulls.
fn bounds(column: &dyn Array) -> Option<(Value, Value)> {
    let any = column.as_any();
    if let Some(ids) = any.downcast_ref::<Int64Array>() {
        return Some((min(ids)?.into(), max(ids)?.into()));
    }
    if let Some(times) = any.downcast_ref::<TimestampMicrosecondArray>() {
        return Some((calendar(min(times)?)?, calendar(max(times)?)?));
    }
    let texts = any.downcast_ref::<StringArray>()?;
    Some((min_string(texts)?.into(), max_string(texts)?.into()))
}

/// Times that RFC 3339 can say.
fn calendar(micros: i64) -> Option<Value> {
    let text = Timestamp::from_micros(micros).to_string();
    text.ends_with('Z').then(|| text.into())
}
