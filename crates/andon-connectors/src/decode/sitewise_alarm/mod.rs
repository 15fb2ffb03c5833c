//! `sitewise-alarm`: the states of AWS `IoT` SiteWise alarms, as the service notifies about property values.
//!
//! A notification is about one property of one asset and has up to ten values. The state of an alarm is
//! JSON inside the text of a value; the guide writes `SnoozeDisabled` and `>`, other senders
//! `SNOOZE_DISABLED` and `GREATER`: here both become the latter. Format:
//! <https://docs.aws.amazon.com/iot-sitewise/latest/userguide/interact-with-other-services.html>.
//!
//! A value is an event when its quality is good and its state is one of the configured ones; any other, also a
//! number, a flag or nothing, is passed over and counted. The notification names asset and property by id alone: a decision's lookup
//! gives them names. The event's id is made of property, time and a digest of the state's text.

mod options;
mod state;

use andon_journal::{Decoded, Decoder, Delivery};
use andon_model::{Event, Problem, Timestamp};
use serde_json::{Value, json};

use super::members::Members;
use super::path::uri_path;
use super::records::{Found, Record, decode_records};
use super::text::{short_digest, without_nulls};
use super::{Part, PartDecoder, Position};
use state::State;

/// `type` of the events.
const EVENT_TYPE: &str = "com.amazon.iotsitewise.alarm";

/// Most values in one notification; the service sends up to ten.
const MAX_VALUES: usize = 100;

/// Values of other properties: a rule for all properties of an asset hands measurements on as well.
const OTHER_VALUES: [&str; 4] = ["booleanValue", "doubleValue", "integerValue", "nullValue"];

/// The decoder `sitewise-alarm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SitewiseAlarm {
    /// The states that are events, in upper snake case.
    pub states: Vec<String>,
}

/// What a notification is about.
struct About {
    asset: String,
    property: String,
    /// The property's alias, where a rule added it to the notification.
    alias: Option<String>,
}

impl Decoder for SitewiseAlarm {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        self.decode_part(delivery, Position::default(), usize::MAX).decoded
    }
}

impl PartDecoder for SitewiseAlarm {
    fn decode_part(&self, delivery: &Delivery, from: Position, max_events: usize) -> Part {
        decode_records(&delivery.body, from, max_events, |record| self.record(record))
    }
}

impl SitewiseAlarm {
    fn record(&self, record: Record<'_>) -> Found {
        let (about, values) = match notification(record) {
            Ok(notification) => notification,
            Err(problem) => return Err(problem).into(),
        };
        let mut found = Found::default();
        for value in values {
            found.add(self.value(&about, value));
        }
        found
    }

    fn value(&self, about: &About, mut value: Members<'_>) -> Result<Option<Event>, Problem> {
        let quality = value.text("quality")?.unwrap_or_else(|| "GOOD".into());
        if !quality.eq_ignore_ascii_case("GOOD") {
            return Ok(None);
        }
        let mut variant = value.required_object("value")?;
        if OTHER_VALUES.iter().any(|member| variant.has(member)) {
            return Ok(None);
        }
        let stamp = Stamp::read(&mut value.required_object("timestamp")?)?;
        let text = variant.required_text("stringValue")?;
        let state = State::read(&text).map_err(|what| variant.wrong("stringValue", what))?;
        Ok(self.states.contains(&state.name).then(|| event(about, &stamp, &text, &state)))
    }
}

fn notification(record: Record<'_>) -> Result<(About, Vec<Members<'_>>), Problem> {
    let mut members = Members::of(record)?;
    if let Some(kind) = members.text("type")?
        && kind != "PropertyValueUpdate"
    {
        return Err(members.wrong("type", format!("PropertyValueUpdate is expected, this is {kind:?}")));
    }
    let mut payload = members.required_object("payload")?;
    let about = About {
        asset: payload.required_text("assetId")?,
        property: payload.required_text("propertyId")?,
        alias: payload.text("propertyAlias")?,
    };
    let values = payload.objects("values")?;
    if values.len() > MAX_VALUES {
        return Err(payload.wrong("values", format!("{} values, the limit is {MAX_VALUES}", values.len())));
    }
    Ok((about, values))
}

/// The time of a value.
struct Stamp {
    seconds: u64,
    nanos: u64,
}

impl Stamp {
    fn read(members: &mut Members<'_>) -> Result<Self, Problem> {
        let seconds = members.integer("timeInSeconds")?;
        if seconds > LAST_SECOND {
            return Err(members.wrong("timeInSeconds", "the time is beyond the year 9999; seconds are expected"));
        }
        let nanos = if members.has("offsetInNanos") { members.integer("offsetInNanos")? } else { 0 };
        if nanos >= 1_000_000_000 {
            return Err(members.wrong("offsetInNanos", "an integer below 1000000000 is expected"));
        }
        Ok(Self { seconds, nanos })
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_micros((self.seconds * 1_000_000 + self.nanos / 1_000).cast_signed())
    }
}

/// The last second of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

fn event(about: &About, stamp: &Stamp, text: &str, state: &State) -> Event {
    let id = format!("{}-{}.{:09}-{}", about.property, stamp.seconds, stamp.nanos, short_digest(text.as_bytes()));
    let mut event = Event::new(format!("/sitewise/{}", uri_path(&about.asset)), id, EVENT_TYPE, Value::Null);
    event.subject = Some(about.asset.clone());
    event.time = Some(stamp.time());
    event.datacontenttype = Some("application/json".into());
    event.data = without_nulls(json!({
        "asset_id": about.asset,
        "property_id": about.property,
        "alias": about.alias,
        "state": state.name,
        "value": state.value,
        "operator": state.operator,
        "threshold": state.threshold,
        "action": state.action,
        "note": state.note,
        "timestamp": stamp.time(),
        "detail": state.detail,
    }));
    event
}

#[cfg(test)]
mod tests;
