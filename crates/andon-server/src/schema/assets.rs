//! Asset models, assets with their values, and alarms.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// An asset model, in short.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AssetModel {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// How many properties it has.
    pub properties: usize,
    /// How many alarms it has.
    pub alarms: usize,
    /// How many assets it has.
    pub assets: usize,
}

/// An asset.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Asset {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its model.
    pub model: String,
    /// The device that reports for it.
    pub device: String,
    /// What it is called in SAP.
    #[serde(flatten)]
    pub links: AssetLinks,
    /// The asset that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<AssetParent>,
    /// Ids of its parts.
    pub parts: Vec<String>,
    /// Whether a document says that it is there; else a reading created it.
    pub defined: bool,
    /// Its alarms that are neither normal nor disabled.
    pub alarms: usize,
    /// The newest time of its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub latest: Option<String>,
}

/// What an asset is called in SAP.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct AssetLinks {
    /// Equipment, at most 18 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equipment: Option<String>,
    /// Functional location, at most 40 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub functional_location: Option<String>,
}

/// The asset that another is a part of.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AssetParent {
    /// Its id.
    pub asset: String,
    /// The hierarchy of its model.
    pub hierarchy: String,
}

/// Some assets, the oldest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AssetPage {
    /// They.
    pub assets: Vec<Asset>,
    /// The `from` of the next page; absent when this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<usize>,
}

/// All about one asset.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AssetDetail {
    /// The asset.
    pub asset: Asset,
    /// Its properties with their latest values.
    pub values: Vec<AssetProperty>,
    /// Its alarms.
    pub alarms: Vec<Alarm>,
    /// Why it has no name in SAP, where SAP was asked for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlinked: Option<String>,
}

/// A property of an asset.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AssetProperty {
    /// Id of the asset.
    pub asset: String,
    /// Name of the property.
    pub property: String,
    /// `attribute`, `measurement`, `transform` or `metric`.
    pub kind: String,
    /// `INTEGER`, `DOUBLE`, `BOOLEAN` or `STRING`.
    pub data_type: String,
    /// What its numbers count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Its alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The value with the newest time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<Point>,
    /// Values taken, since the asset is there.
    pub values: u64,
    /// Of them, those that were older than the latest.
    pub late: u64,
    /// Values that were refused.
    pub refused: u64,
    /// Times that the formula could not be computed.
    pub faults: u64,
    /// Why the formula could not be computed, the last time that it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Values that came after the metric's window was closed.
    pub too_late: u64,
}

/// A property with its recent values.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PropertyWindow {
    /// The property with its latest value.
    #[serde(flatten)]
    pub property: AssetProperty,
    /// Its recent values, the oldest first: as many as are in memory.
    pub window: Vec<Point>,
}

/// A value at a time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// When it was measured, or what time it was computed for.
    #[schema(format = DateTime)]
    pub ts: String,
    /// What: a number, a text, or true or false.
    pub value: Value,
    /// `GOOD`, `BAD` or `UNCERTAIN`.
    pub quality: String,
}

/// Values from the lake, the oldest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct History {
    /// They.
    pub values: Vec<Point>,
    /// The `from` of the next page; absent when this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub next: Option<String>,
}

/// Numbers of one window. What a window without a number has not is absent.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Aggregate {
    /// When the window begins.
    #[schema(format = DateTime)]
    pub from: String,
    /// How many values.
    pub count: u64,
    /// Their mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avg: Option<f64>,
    /// The least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The greatest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Their sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<f64>,
    /// Their standard deviation, of all of them (not of a sample).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stddev: Option<f64>,
}

/// Windows side by side, the oldest first; windows without a value are left out.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Aggregates {
    /// They.
    pub windows: Vec<Aggregate>,
    /// The `from` of the next page; absent when this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub next: Option<String>,
}

/// An alarm of an asset.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Alarm {
    /// Id of the asset.
    pub asset: String,
    /// Name of the asset.
    pub asset_name: String,
    /// Name of the alarm.
    pub alarm: String,
    /// The property that it watches.
    pub property: String,
    /// Its state.
    pub state: AlarmState,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
    /// Number of the last episode; 0 when there was none.
    pub episode: u64,
    /// When the present episode began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub opened_at: Option<String>,
    /// Until when it is put aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub snoozed_until: Option<String>,
    /// How severe; 1 is the worst.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<u8>,
    /// How the condition was judged last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<Evaluation>,
    /// What the asset is called in SAP.
    #[serde(flatten)]
    pub links: AssetLinks,
}

/// The state of an alarm, as AWS IoT SiteWise names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlarmState {
    /// Nothing is wrong.
    Normal,
    /// The condition holds.
    Active,
    /// The condition holds, and somebody knows.
    Acknowledged,
    /// The condition no longer holds, and nobody has acknowledged that it did.
    Latched,
    /// Put aside for a while.
    SnoozeDisabled,
    /// Not watched.
    Disabled,
}

/// How a condition was judged.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Evaluation {
    /// What was held against the limit.
    pub value: f64,
    /// How: `GREATER`, `LESS_OR_EQUAL`, …
    pub operator: String,
    /// The limit.
    pub threshold: f64,
}

/// Some alarms, in order of their assets.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AlarmPage {
    /// They.
    pub alarms: Vec<Alarm>,
    /// The `from` of the next page; absent when this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<usize>,
}

/// What is asked of an alarm.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlarmWish {
    /// Why, at most 128 characters; it is in the alarm's event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// For snooze: for how long. One of `seconds` and `until`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// For snooze: until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub until: Option<String>,
}
