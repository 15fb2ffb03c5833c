//! `rekognition-ppe`: the result of a search for protective equipment by Amazon Rekognition
//! (`DetectProtectiveEquipment`).
//!
//! One object holds one result, or several; its path says where the picture was taken. A result with a
//! person who lacks required equipment is one event that lists every such person; any other is passed over
//! and counted. What is required, and how sure the service must be, is this decoder's configuration, so the
//! `Summary` of the result, made for other requirements, is not used. Format:
//! <https://docs.aws.amazon.com/rekognition/latest/dg/ppe-request-response.html>.

mod options;
mod person;

use andon_journal::{Decoded, Decoder, Delivery};
use andon_model::{Event, Problem};
use serde_json::{Map, Value, json};

use super::members::Members;
use super::path::{CompanionPattern, PathPattern, object_path, uri_path};
use super::records::{Record, decode_records};
use super::text::without_nulls;
use super::{Part, PartDecoder, Position};
pub use person::Equipment;
use person::{Person, Verdict};

/// `type` of the events.
const EVENT_TYPE: &str = "com.amazon.rekognition.ppe-violation";

/// The decoder `rekognition-ppe`.
#[derive(Debug, Clone, PartialEq)]
pub struct RekognitionPpe {
    /// What everybody must wear.
    pub required: Vec<Equipment>,
    /// How sure the service must be of person, body part, equipment and its place, 0 to 100.
    pub min_confidence: f64,
    /// What the object's path says, at least the camera.
    pub path: PathPattern,
    /// The prefix below which paths are read, without slashes at its ends.
    pub prefix: String,
    /// How the picture of a result is named.
    pub image: CompanionPattern,
}

impl Decoder for RekognitionPpe {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        self.decode_part(delivery, Position::default(), usize::MAX).decoded
    }
}

impl PartDecoder for RekognitionPpe {
    fn decode_part(&self, delivery: &Delivery, from: Position, max_events: usize) -> Part {
        decode_records(&delivery.body, from, max_events, |record| self.record(record, &delivery.path).into())
    }

    fn companion(&self, path: &str) -> Option<String> {
        Some(self.image.companion(path))
    }
}

impl RekognitionPpe {
    fn record(&self, record: Record<'_>, path: &str) -> Result<Option<Event>, Problem> {
        let mut result = Members::of(record)?;
        let object = object_path(path, &mut result)?;
        let mut people = Vec::new();
        for mut person in result.objects("Persons")? {
            people.push(Person::read(&mut person, &self.required, self.min_confidence)?);
        }
        if people.iter().all(|person| person.verdict() != Verdict::Without) {
            return Ok(None);
        }
        let named = self.path.read(&self.prefix, &object.about)?;
        let image = object.image.unwrap_or_else(|| self.image.companion(path));
        let id = if path.is_empty() { record.id(&object.about) } else { record.id(path) };
        Ok(Some(event(named, id, self.data(&people, &image, path))))
    }

    fn data(&self, people: &[Person], image: &str, path: &str) -> Map<String, Value> {
        let of = |verdict| people.iter().filter(move |person| person.verdict() == verdict);
        let data = json!({
            "required": self.required.iter().map(|equipment| equipment.name()).collect::<Vec<_>>(),
            "min_confidence": self.min_confidence,
            "persons_total": people.len(),
            "persons": of(Verdict::Without).map(Person::to_json).collect::<Vec<_>>(),
            "indeterminate": of(Verdict::Indeterminate).map(Person::to_json).collect::<Vec<_>>(),
            "image": { "path": image },
            "object": (!path.is_empty()).then_some(path),
        });
        match without_nulls(data) {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

fn event(named: Map<String, Value>, id: String, rest: Map<String, Value>) -> Event {
    let parts: Vec<_> = options::PLACE.iter().filter_map(|name| named.get(*name)?.as_str()).collect();
    let place = parts.join("/");
    let mut event = Event::new(format!("/rekognition-ppe/{}", uri_path(&place)), id, EVENT_TYPE, Value::Null);
    event.subject = Some(place);
    event.datacontenttype = Some("application/json".into());
    event.data = Value::Object(named.into_iter().chain(rest).collect());
    event
}

#[cfg(test)]
mod tests;
