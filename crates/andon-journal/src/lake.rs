//! What people ask of the lake: how it is, SQL, upkeep. In words of the model only.

use andon_model::{IngestId, Problem, Timestamp};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// How an answer to a query is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SqlFormat {
    /// One JSON object: `columns` with name and type, `rows` as objects, and whether they are `truncated`.
    #[default]
    Json,
    /// Comma-separated values (RFC 4180) with the names of the columns in the first line.
    Csv,
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
}

impl SqlFormat {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Json, Self::Csv, Self::Arrow, Self::Parquet];

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// An older version of the tables of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SqlAsOf {
    /// The version with this number; each table counts its own.
    Version(u64),
    /// What was the newest version at this time.
    Time(Timestamp),
}

/// A query that reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SqlQuery {
    /// One statement: SELECT, WITH, EXPLAIN, SHOW or DESCRIBE.
    pub text: String,
    /// How the answer is written.
    pub format: SqlFormat,
    /// An older version of the tables; without it, the newest.
    pub as_of: Option<SqlAsOf>,
    /// At most this many rows; the lake's own limit, if that is less or this is not given.
    pub rows: Option<u64>,
    /// Whose query it is, so that one caller cannot take all places; empty for the program's own.
    pub caller: String,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlColumn {
    /// Its name.
    pub name: String,
    /// Its type, in the words of Arrow: `Int64`, `Utf8`, `Timestamp(µs, "UTC")`, …
    #[serde(rename = "type")]
    pub kind: String,
}

/// An answer on its way. Dropping it ends the query.
#[async_trait]
pub trait SqlAnswer: Send {
    /// The columns.
    fn columns(&self) -> &[SqlColumn];

    /// The next bytes in the query's format; `None` when the answer is complete. After an error there are no more.
    async fn next(&mut self) -> Result<Option<Bytes>, Problem>;
}

/// One table of the lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LakeTableStatus {
    /// Its name in SQL.
    pub name: String,
    /// Its newest version.
    pub version: u64,
    /// Columns, with the partitions.
    pub columns: usize,
    /// Data files of the newest version.
    pub files: usize,
    /// Their size in bytes.
    pub bytes: u64,
    /// Rows, as the table's log counts them.
    pub rows: u64,
}

/// How the lake is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LakeStatus {
    /// Every reading before is in the tables: what the raw log has from here on is in flight.
    pub next: IngestId,
    /// Readings with a row in the root table.
    pub readings: u64,
    /// Readings in the quarantine.
    pub quarantined: u64,
    /// Ids that no readable line of the raw log has.
    pub missing: u64,
    /// How often the lake was begun: 1, and one more with each rebuild.
    pub generation: u32,
    /// The tables, in order of their names.
    pub tables: Vec<LakeTableStatus>,
}

/// What compaction or vacuum did with a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableUpkeep {
    /// The table.
    pub table: String,
    /// Files that are no longer part of it, or were deleted.
    pub files_removed: u64,
    /// Files that took their place.
    pub files_added: u64,
}

/// What compaction or vacuum did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LakeUpkeep {
    /// Table by table.
    pub tables: Vec<TableUpkeep>,
}

/// Rows that a device has in the lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRows {
    /// The device.
    pub device: String,
    /// Readings with a row in the root table.
    pub readings: u64,
    /// Readings in the quarantine.
    pub quarantined: u64,
}

/// Readings as tables that answer SQL.
#[async_trait]
pub trait Lake: Send + Sync {
    /// How it is.
    fn status(&self) -> LakeStatus;

    /// Begins to answer a query. Who may ask is decided before.
    async fn query(&self, query: SqlQuery) -> Result<Box<dyn SqlAnswer>, Problem>;

    /// Rows of up to `limit` devices whose names come after `after`, for readings before `before`: with what the raw
    /// log has received, the two sides of invariant R1.
    async fn device_rows(&self, after: &str, limit: usize, before: IngestId) -> Result<Vec<DeviceRows>, Problem>;

    /// Merges small files.
    async fn compact(&self) -> Result<LakeUpkeep, Problem>;

    /// Removes files that no kept version needs.
    async fn vacuum(&self) -> Result<LakeUpkeep, Problem>;

    /// Starts over from the raw log; the rows come back as the log is read.
    async fn rebuild(&self) -> Result<(), Problem>;
}
