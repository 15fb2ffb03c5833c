//! A data file: rows of one hour as Parquet, and what the table's log says of it.

use std::collections::HashMap;

use andon_model::Timestamp;
use deltalake::arrow::array::{Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use deltalake::arrow::compute::{max, min};
use deltalake::kernel::Add;
use deltalake::parquet::arrow::ArrowWriter;
use deltalake::parquet::basic::Compression;
use deltalake::parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde_json::{Map, Value, json};

use super::LakeError;
use super::delta::Mark;
use super::hour::Hour;

/// A file that is not written yet.
pub(crate) struct DataFile {
    /// Below the table.
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
    hour: Hour,
    stats: Value,
}

impl DataFile {
    /// How the log adds it.
    pub(crate) fn action(&self, now_ms: i64) -> Add {
        let values = Hour::COLUMNS.into_iter().zip(self.hour.values());
        Add {
            path: self.path.clone(),
            partition_values: values
                .map(|(name, value)| (name.to_owned(), Some(value.to_string())))
                .collect::<HashMap<_, _>>(),
            size: i64::try_from(self.bytes.len()).unwrap_or(i64::MAX),
            modification_time: now_ms,
            data_change: true,
            stats: Some(self.stats.to_string()),
            ..Add::default()
        }
    }
}

/// Makes the file for `rows`, which are in order of their ingest ids and of the hour `hour`.
pub(crate) async fn encode(mark: Mark<'_>, hour: Hour, rows: RecordBatch) -> Result<DataFile, LakeError> {
    let [year, month, day, of_day] = hour.values();
    let ids = ids(&rows);
    let (first, last) = (ids.first().copied().unwrap_or_default(), ids.last().copied().unwrap_or_default());
    let app = mark.app;
    let path = format!("year={year}/month={month}/day={day}/hour={of_day}/{app}-{first}-{last}.snappy.parquet");
    let stats = stats(&rows, first, last);
    let bytes = tokio::task::spawn_blocking(move || write(&rows)).await??;
    Ok(DataFile { path, bytes, hour, stats })
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

/// What the log keeps, so that readers need not open every file: count, ingest ids, times.
fn stats(rows: &RecordBatch, first: i64, last: i64) -> Value {
    let (mut low, mut high, mut nulls) = (Map::new(), Map::new(), Map::new());
    low.insert("ingest_id".to_owned(), json!(first));
    high.insert("ingest_id".to_owned(), json!(last));
    nulls.insert("ingest_id".to_owned(), json!(0));
    let ts = rows.column_by_name("ts").and_then(|column| column.as_any().downcast_ref::<TimestampMicrosecondArray>());
    if let Some((from, to)) = ts.and_then(|ts| Some((calendar(min(ts)?)?, calendar(max(ts)?)?))) {
        low.insert("ts".to_owned(), from);
        high.insert("ts".to_owned(), to);
        nulls.insert("ts".to_owned(), json!(0));
    }
    json!({"numRecords": rows.num_rows(), "minValues": low, "maxValues": high, "nullCount": nulls})
}

/// Times that RFC 3339 can say.
fn calendar(micros: i64) -> Option<Value> {
    let text = Timestamp::from_micros(micros).to_string();
    text.ends_with('Z').then(|| text.into())
}
