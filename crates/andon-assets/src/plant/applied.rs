//! What goes into the plant, and what comes out.

use std::sync::Arc;

use andon_model::{Event, SpeaksFor, Timestamp};
use serde::Serialize;

use crate::alarm::Transition;
use crate::value::{Given, Point, Quality};

/// A reading: what a device reported at once.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    /// Name of the device that sent it. The field `device.deviceid`, where there is one, says more exactly whose it is: a
    /// gateway reports for many.
    pub device: &'a str,
    /// The topic that it was published to.
    pub topic: &'a str,
    /// For which others it may. When the field names another device, the reading is the sender's own.
    pub speaks_for: &'a SpeaksFor,
    /// When it was measured; the time of receipt when the payload does not say.
    pub ts: Timestamp,
    /// When it was received. The plant's time goes on to here.
    pub received: Timestamp,
    /// How far it can be trusted.
    pub quality: Quality,
    /// Its scalars, by dotted lower-case path, as flattening names columns without a type: `measurements.temperature`. A
    /// payload that is a bare value has the path `value`.
    pub fields: &'a [(&'a str, Given<'a>)],
}

/// A value that names its property, as in SiteWise's `BatchPutAssetPropertyValue`.
#[derive(Debug, Clone, Copy)]
pub struct Put<'a> {
    /// Which property.
    pub to: PutTo<'a>,
    /// When it was measured.
    pub ts: Timestamp,
    /// When it was received. The plant's time goes on to here.
    pub received: Timestamp,
    /// How far it can be trusted.
    pub quality: Quality,
    /// The value.
    pub value: Given<'a>,
}

/// How a value names its property.
#[derive(Debug, Clone, Copy)]
pub enum PutTo<'a> {
    /// By its alias. One that fits the pattern of a model creates the asset.
    Alias(&'a str),
    /// By the asset's id and the property's name.
    Property {
        /// Id of the asset.
        asset: &'a str,
        /// Name of the property.
        property: &'a str,
    },
}

/// What an input changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Applied {
    /// New values, each after those that it follows from.
    pub changes: Vec<Change>,
    /// Alarms that went to another state.
    pub transitions: Vec<Transition>,
    /// Those transitions that are events.
    pub events: Vec<Event>,
    /// Ids of assets that were created.
    pub created: Vec<Arc<str>>,
    /// Values that were not taken.
    pub refused: Vec<Refused>,
    /// No model is for the reading. That is no fault: readings without an asset are in the lake all the same.
    pub unmatched: bool,
}

/// A property has a new value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Id of the asset.
    pub asset: Arc<str>,
    /// Name of the property.
    pub property: Arc<str>,
    /// The value.
    #[serde(flatten)]
    pub point: Point,
    /// Whether it is older than the latest value.
    pub late: bool,
}

/// A value that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Id of the asset, when it is known.
    pub asset: Option<Arc<str>>,
    /// Name of the property, alias or device.
    pub what: String,
    /// Why.
    pub why: RefusedWhy,
}

/// Why a value was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum RefusedWhy {
    /// It is not of the property's type.
    #[error("the value is not of the property's type")]
    WrongType,
    /// Its time is too far in the past or future.
    #[error("the time is too far in the past or future")]
    OutOfRange,
    /// There is no such property, or none that takes values.
    #[error("there is no such measurement")]
    NoProperty,
    /// There would be more assets than the limit.
    #[error("there are as many assets as the limit allows")]
    TooManyAssets,
    /// A formula that follows from it could not be computed.
    #[error("the formula cannot be computed from the present values")]
    NotComputed,
}
