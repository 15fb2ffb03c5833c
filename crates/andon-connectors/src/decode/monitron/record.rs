//! One record of the export, of either schema.

use andon_model::{Problem, Timestamp};
use serde_json::{Map, Value};

use crate::decode::members::Members;
use crate::decode::records::Record;

/// The record type of schema 2 that carries a state.
const TRANSITION: &str = "assetStateTransition";

/// The state of an asset, in the words of the record; unknown words pass.
#[derive(Debug)]
pub(super) struct State {
    pub(super) new: String,
    pub(super) previous: Option<String>,
}

/// A record that carries the state of an asset.
#[derive(Debug)]
pub(super) struct Transition {
    /// 1 or 2.
    pub(super) schema: u8,
    pub(super) event_id: Option<String>,
    /// As it stands in the record.
    pub(super) timestamp: String,
    pub(super) time: Timestamp,
    pub(super) project: Option<String>,
    pub(super) site: Option<String>,
    pub(super) asset: String,
    pub(super) position: Option<String>,
    pub(super) sensor: Option<String>,
    pub(super) state: State,
    /// What one of the schemas has beside, under the names of the event's data.
    pub(super) more: Map<String, Value>,
}

/// Members of schema 1 that are kept as they are, and their names in the data.
const MORE_1: [(&str, &str); 2] = [("measurement", "measurement"), ("models", "models")];

/// Members of schema 2's payload that are kept as they are, and their names in the data.
const MORE_2: [(&str, &str); 10] = [
    ("assetTransitionType", "transition"),
    ("closureCode", "closure"),
    ("assetPositionId", "position_id"),
    ("assetPositionURL", "position_url"),
    ("companyName", "company"),
    ("address", "address"),
    ("geoLocation", "location"),
    ("serialNumber", "serial_number"),
    ("make", "make"),
    ("model", "model"),
];

/// Reads a record. `None`: its type carries no state.
pub(super) fn read(record: Record<'_>) -> Result<Option<Transition>, Problem> {
    let mut members = Members::of(record)?;
    if members.has("eventType") || members.has("eventPayload") {
        return second(&mut members);
    }
    first(&mut members).map(Some)
}

fn first(members: &mut Members<'_>) -> Result<Transition, Problem> {
    let (timestamp, time) = time(members)?;
    Ok(Transition {
        schema: 1,
        event_id: members.label("eventId")?,
        timestamp,
        time,
        project: members.label("projectDisplayName")?,
        site: members.label("siteDisplayName")?,
        asset: members.required_text("assetDisplayName")?,
        position: members.label("sensorPositionDisplayName")?,
        sensor: physical_id(members, "sensor")?,
        state: state(members)?,
        more: more(members, &MORE_1),
    })
}

fn second(members: &mut Members<'_>) -> Result<Option<Transition>, Problem> {
    if members.required_text("eventType")? != TRANSITION {
        return Ok(None);
    }
    let (timestamp, time) = time(members)?;
    let mut payload = members.required_object("eventPayload")?;
    let mut more = more(&mut payload, &MORE_2);
    more.extend(members.label("projectId")?.map(|id| ("project_id".to_owned(), id.into())));
    Ok(Some(Transition {
        schema: 2,
        event_id: members.label("eventId")?,
        timestamp,
        time,
        project: members.label("projectName")?,
        site: payload.label("siteName")?,
        asset: payload.required_text("assetName")?,
        position: payload.label("positionName")?,
        sensor: physical_id(&mut payload, "sensor")?,
        state: state(&mut payload)?,
        more,
    }))
}

fn state(members: &mut Members<'_>) -> Result<State, Problem> {
    let mut state = members.required_object("assetState")?;
    Ok(State { new: state.required_text("newState")?, previous: state.text("previousState")? })
}

fn physical_id(members: &mut Members<'_>, device: &str) -> Result<Option<String>, Problem> {
    match members.object(device)? {
        Some(mut device) => device.label("physicalId"),
        None => Ok(None),
    }
}

fn more(members: &mut Members<'_>, names: &[(&str, &str)]) -> Map<String, Value> {
    let kept = |(from, to): &(&str, &str)| Some(((*to).to_owned(), members.take(from)?));
    names.iter().filter_map(kept).collect()
}

/// The record's time: with an offset, or without one in UTC.
fn time(members: &mut Members<'_>) -> Result<(String, Timestamp), Problem> {
    let text = members.required_text("timestamp")?;
    let iso = text.trim().replacen(' ', "T", 1);
    match iso.parse().or_else(|_| format!("{iso}Z").parse()) {
        Ok(time) => Ok((text, time)),
        Err(_) => Err(members.wrong("timestamp", "a time such as 2026-03-05 14:00:00.000 is expected")),
    }
}
