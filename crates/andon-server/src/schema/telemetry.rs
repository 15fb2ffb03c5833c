//! Readings on their way in over HTTP, and the lake: SQL, status, saved queries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A reading that a gateway reports for a device.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReading {
    /// The device.
    pub device: String,
    /// The topic; `data/<device>` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// When it was measured. It is put into the payload, which is then an object, as its member `ts`, unless the payload has
    /// one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ts: Option<String>,
    /// The payload: any JSON.
    pub payload: Value,
}

/// What was kept.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct KeptReadings {
    /// The place of the first in the raw log; the others follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// How many.
    pub count: usize,
}

/// The body of `BatchPutAssetPropertyValue` of AWS IoT SiteWise.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PropertyBatch {
    /// Whether the good values of an entry are taken when others are not.
    #[serde(default)]
    pub enable_partial_entry_processing: bool,
    /// 1 to 10.
    pub entries: Vec<PropertyEntry>,
}

/// Values of one property, which is named by `propertyAlias`, or by `assetId` and `propertyId`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PropertyEntry {
    /// 1 to 64 letters, digits, `_` and `-`.
    pub entry_id: String,
    /// Id of the asset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<String>,
    /// Name of the property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property_id: Option<String>,
    /// Alias of the property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property_alias: Option<String>,
    /// 1 to 10: `{"value": {"doubleValue": 1.5}, "timestamp": {"timeInSeconds": 0, "offsetInNanos": 0}, "quality": "GOOD"}`.
    #[schema(value_type = Vec<Object>)]
    pub property_values: Vec<Value>,
}

/// What of a batch was not taken: empty when all was.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PropertyBatchAnswer {
    /// Entries with what is wrong with them.
    pub error_entries: Vec<PropertyErrorEntry>,
}

/// An entry that was not taken, or not wholly.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PropertyErrorEntry {
    /// The entry.
    pub entry_id: String,
    /// What is wrong.
    pub errors: Vec<PropertyError>,
}

/// What is wrong with an entry.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PropertyError {
    /// `ResourceNotFoundException`, `InvalidRequestException` or `TimestampOutOfRangeException`.
    pub error_code: String,
    /// What.
    pub error_message: String,
    /// Times of the values that it is about.
    pub timestamps: Vec<TimeInNanos>,
}

/// A time, as SiteWise writes it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimeInNanos {
    /// Seconds since 1970.
    pub time_in_seconds: i64,
    /// And nanoseconds.
    #[serde(default)]
    pub offset_in_nanos: u32,
}

/// A query.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlRequest {
    /// One statement: SELECT, WITH, EXPLAIN, SHOW or DESCRIBE.
    pub query: String,
    /// At most this many rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// At most this many seconds, from 1 on; the lake's own limit where that is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// The tables as they were at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub as_of: Option<String>,
}

/// Rows.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SqlRows {
    /// The columns, in order.
    pub columns: Vec<SqlColumn>,
    /// Each an object with a member for every column.
    #[schema(value_type = Vec<Object>)]
    pub rows: Vec<serde_json::Map<String, Value>>,
    /// Whether there were more.
    pub truncated: bool,
}

/// A column.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SqlColumn {
    /// Its name.
    pub name: String,
    /// Its type, in the words of Apache Arrow.
    pub r#type: String,
}

/// The lake.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Lake {
    /// Every reading before is in the tables.
    pub next: u64,
    /// Readings of the raw log that are not in the tables yet.
    pub in_flight: u64,
    /// Seconds since the oldest of them was received; 0 when there is none.
    pub behind_seconds: f64,
    /// Readings that are neither in the tables, nor in the quarantine, nor known to be missing: 0, or something is wrong.
    pub drift: i64,
    /// Readings with a row in the root table.
    pub readings: u64,
    /// Readings in the quarantine.
    pub quarantined: u64,
    /// Ids that no readable line of the raw log has.
    pub missing: u64,
    /// How often the lake was begun: 1, and one more with each rebuild.
    pub generation: u32,
    /// The tables, in order of their names.
    pub tables: Vec<LakeTable>,
}

/// A table of the lake.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LakeTable {
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
    /// Rows.
    pub rows: u64,
}

/// Where the readings of a device are: received = readings + quarantined + in flight, or there is a drift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceConservation {
    /// The device.
    pub device: String,
    /// Received since the raw log began.
    pub received: u64,
    /// With a row in the root table.
    pub readings: u64,
    /// In the quarantine.
    pub quarantined: u64,
    /// Not in the tables yet.
    pub in_flight: u64,
    /// What is left: 0, or something is wrong.
    pub drift: i64,
}

/// Where the readings of some devices are, in order of their names.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ConservationPage {
    /// Whether what is in flight was counted device by device; else too much was, and `in_flight` is what is left.
    pub counted: bool,
    /// They.
    pub devices: Vec<DeviceConservation>,
}

/// What compaction or vacuum did.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LakeUpkeep {
    /// Table by table.
    pub tables: Vec<TableUpkeep>,
}

/// What was done with a table.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TableUpkeep {
    /// The table.
    pub table: String,
    /// Files that are no longer part of it, or were deleted.
    pub files_removed: u64,
    /// Files that took their place.
    pub files_added: u64,
}

/// A saved query.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SavedQuery {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The statement, with `:name` where a parameter goes.
    pub sql: String,
    /// How it is drawn.
    pub chart: ChartKind,
    /// The column along the chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// The columns that are drawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub y: Vec<String>,
    /// The column whose values are drawn as a line or bar each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Parameters by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, QueryParameter>,
}

/// How the rows of a query are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChartKind {
    /// Lines over `x`.
    Line,
    /// Bars at each `x`.
    Bar,
    /// One number.
    Stat,
    /// Rows.
    #[default]
    Table,
}

/// A parameter of a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryParameter {
    /// What values it takes.
    #[serde(default)]
    pub r#type: ParameterType,
    /// Its value when none is given; without it, one must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// What values a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParameterType {
    /// Text.
    #[default]
    Text,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A time in RFC 3339, or a span before now such as `48h`.
    Time,
}

/// Rows of a saved query, with how they are drawn.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct QueryData {
    /// The query.
    pub query: SavedQuery,
    /// Its rows.
    pub data: SqlRows,
}
