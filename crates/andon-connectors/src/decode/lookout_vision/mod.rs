//! `lookout-vision`: the result of an image inspection by Amazon Lookout for Vision (`DetectAnomalies`).
//!
//! One object holds one result, or several; its path says what was inspected. A result that is anomalous is
//! an event, any other is passed over and counted. The service itself has ended; the format lives on in
//! inspections that write it. Format:
//! <https://docs.aws.amazon.com/lookout-for-vision/latest/developer-guide/inference-detect-anomalies.html>.
//!
//! The picture is not in the result: `image.path` in the data says where it should be, and
//! [`PartDecoder::companion`] says the same to whoever fetches it. The anomaly mask is left in the object.

mod options;

use andon_journal::{Decoded, Decoder, Delivery};
use andon_model::{Event, Problem};
use serde_json::{Map, Value, json};

use super::members::Members;
use super::path::{CompanionPattern, PathPattern, uri_path};
use super::records::{Record, decode_records};
use super::text::without_nulls;
use super::{Part, PartDecoder, Position, path};

/// `type` of the events.
const EVENT_TYPE: &str = "com.amazon.lookoutvision.anomaly";

/// The name that a segmentation gives to what is no anomaly.
const BACKGROUND: &str = "background";

/// The decoder `lookout-vision`.
#[derive(Debug, Clone, PartialEq)]
pub struct LookoutVision {
    /// What the object's path says, at least the equipment.
    pub path: PathPattern,
    /// The prefix below which paths are read, without slashes at its ends.
    pub prefix: String,
    /// How the picture of a result is named.
    pub image: CompanionPattern,
    /// Least confidence of an event, 0 to 1.
    pub min_confidence: f64,
}

impl Decoder for LookoutVision {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        self.decode_part(delivery, Position::default(), usize::MAX).decoded
    }
}

impl PartDecoder for LookoutVision {
    fn decode_part(&self, delivery: &Delivery, from: Position, max_events: usize) -> Part {
        decode_records(&delivery.body, from, max_events, |record| self.record(record, &delivery.path).into())
    }

    fn companion(&self, path: &str) -> Option<String> {
        Some(self.image.companion(path))
    }
}

impl LookoutVision {
    fn record(&self, record: Record<'_>, path: &str) -> Result<Option<Event>, Problem> {
        let mut result = Members::of(record)?;
        let object = path::object_path(path, &mut result)?;
        if let Some(inner) = result.object("DetectAnomalyResult")? {
            result = inner;
        }
        let (anomalous, confidence) = (result.flag("IsAnomalous")?, result.number("Confidence", 1.0)?);
        let anomalies = anomalies(&mut result)?;
        if !anomalous || confidence < self.min_confidence {
            return Ok(None);
        }
        let named = self.path.read(&self.prefix, &object.about)?;
        let image = object.image.unwrap_or_else(|| self.image.companion(path));
        let id = if path.is_empty() { record.id(&object.about) } else { record.id(path) };
        Ok(Some(event(
            named,
            id,
            &json!({
                "confidence": confidence,
                "anomalies": anomalies,
                "image": { "path": image },
                "object": (!path.is_empty()).then_some(path),
            }),
        )))
    }
}

fn event(named: Map<String, Value>, id: String, rest: &Value) -> Event {
    let equipment = named.get(options::EQUIPMENT).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut event = Event::new(format!("/lookout-vision/{}", uri_path(&equipment)), id, EVENT_TYPE, Value::Null);
    event.subject = Some(equipment);
    event.datacontenttype = Some("application/json".into());
    let rest = rest.as_object().cloned().unwrap_or_default();
    event.data = without_nulls(Value::Object(named.into_iter().chain(rest).collect()));
    event
}

/// Name, share of the picture's area (0 to 1) and mask colour of what was found, largest first.
fn anomalies(result: &mut Members<'_>) -> Result<Vec<Value>, Problem> {
    let entries = if result.has("Anomalies") { result.objects("Anomalies")? } else { Vec::new() };
    let mut anomalies = Vec::new();
    for mut entry in entries {
        let name = entry.required_text("Name")?;
        let mut pixels = entry.required_object("PixelAnomaly")?;
        let area = pixels.number("TotalPercentageArea", 1.0)?;
        if name != BACKGROUND {
            anomalies.push((area, json!({ "name": name, "area": area, "color": pixels.text("Color")? })));
        }
    }
    anomalies.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(anomalies.into_iter().map(|(_, anomaly)| without_nulls(anomaly)).collect())
}

#[cfg(test)]
mod tests;
