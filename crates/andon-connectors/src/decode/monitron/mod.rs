//! `monitron`: the data export of Amazon Monitron, in both of its schemas.
//!
//! Schema 1 is flat: every measurement carries the state of its asset. Schema 2 has an envelope, and only
//! records of the type `assetStateTransition` carry a state. Formats:
//! <https://docs.aws.amazon.com/Monitron/latest/user-guide/data-export-schema.html> and
//! <https://docs.aws.amazon.com/Monitron/latest/user-guide/data-export-schema-v2.html>.
//!
//! A record is an event when its asset enters one of the configured states from another one; any other
//! record is passed over and counted. The event's id is the record's `eventId`.

mod record;

use andon_journal::{Decoded, Decoder, Delivery};
use andon_model::{Event, Problem};
use serde::Deserialize;
use serde_json::{Value, json};
use toml::Spanned;

use super::path::uri_path;
use super::records::{Record, decode_records};
use super::text::without_nulls;
use super::{Part, PartDecoder, Position};
use crate::source::{Configured, Section};
use record::{State, Transition};

/// `type` of the events.
const EVENT_TYPE: &str = "com.amazon.monitron.asset-state";

/// The state that a person's acknowledgement of an alarm gives an asset.
const NEEDS_MAINTENANCE: &str = "NEEDS_MAINTENANCE";

/// The decoder `monitron`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monitron {
    /// The states of an asset that are events when they are entered.
    pub states: Vec<String>,
}

/// The section `[decode]` of `monitron`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    states: Option<Spanned<Vec<String>>>,
}

impl Configured for Monitron {
    fn configured(section: &Section<'_>) -> Result<Self, Problem> {
        let options: Options = section.options()?;
        Ok(Self { states: section.texts(options.states, &[NEEDS_MAINTENANCE])? })
    }
}

impl Decoder for Monitron {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        self.decode_part(delivery, Position::default(), usize::MAX).decoded
    }
}

impl PartDecoder for Monitron {
    fn decode_part(&self, delivery: &Delivery, from: Position, max_events: usize) -> Part {
        decode_records(&delivery.body, from, max_events, |record| self.record(record, &delivery.path).into())
    }
}

impl Monitron {
    fn record(&self, record: Record<'_>, path: &str) -> Result<Option<Event>, Problem> {
        let transition = record::read(record)?.filter(|transition| self.triggers(&transition.state));
        Ok(transition.map(|transition| event(transition, record, path)))
    }

    /// Whether a configured state is entered; letter case does not matter, for a state that is spelt otherwise would
    /// be an alarm that nobody hears of.
    fn triggers(&self, state: &State) -> bool {
        let is_new = |other: &String| other.eq_ignore_ascii_case(&state.new);
        !state.previous.as_ref().is_some_and(is_new) && self.states.iter().any(is_new)
    }
}

fn event(transition: Transition, record: Record<'_>, path: &str) -> Event {
    let source = match &transition.project {
        Some(project) => format!("/monitron/{}", uri_path(project)),
        None => "/monitron".to_owned(),
    };
    let id = transition.event_id.clone().unwrap_or_else(|| record.id(path));
    let mut event = Event::new(source, id, EVENT_TYPE, Value::Null);
    event.subject = Some(match &transition.site {
        Some(site) => format!("{site}/{}", transition.asset),
        None => transition.asset.clone(),
    });
    event.time = Some(transition.time);
    event.datacontenttype = Some("application/json".into());
    event.data = data(transition, record, path);
    event
}

fn data(transition: Transition, record: Record<'_>, path: &str) -> Value {
    let mut data = json!({
        "schema": transition.schema,
        "project": transition.project,
        "site": transition.site,
        "asset": transition.asset,
        "position": transition.position,
        "sensor": transition.sensor,
        "new_state": transition.state.new,
        "previous_state": transition.state.previous,
        "timestamp": transition.timestamp,
        "object": (!path.is_empty()).then_some(path),
        "record": record.number,
    });
    if let Some(members) = data.as_object_mut() {
        members.extend(transition.more);
    }
    without_nulls(data)
}

#[cfg(test)]
mod tests;
