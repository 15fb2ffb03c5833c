//! `lookout-equipment`: the inference results of Amazon Lookout for Equipment.
//!
//! The scheduler writes one object `results.jsonl` per execution: JSON Lines, one line per input time,
//! with `prediction` 0 or 1. A line with prediction 1 is an event, one with 0 is passed over (or, with
//! `include_normal`, an event of another type). Old models leave out all but `timestamp`, `prediction`
//! and `diagnostics`; lines of a machine that is off have neither score nor diagnostics. Format:
//! <https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/understanding-results-json.html>.
//!
//! The id is made of the object's path, the line number and a digest of the line: a file that has grown
//! and is read again gives the same events once more, and the journal knows them.

mod line;
mod naming;
mod options;

use andon_journal::{Decoded, Decoder, Delivery};
use andon_model::{Event, Problem};
use serde_json::{Value, json};

use super::lines::{Line, decode_lines, one_fault};
use super::path::{below, uri_path};
use super::text::{fault, short_digest};
use super::{Part, PartDecoder, Position};
use line::Inference;
pub use naming::EquipmentNaming;

/// `type` of an anomalous line.
const ANOMALY: &str = "com.amazon.lookoutequipment.inference.anomaly";

/// `type` of a line without an anomaly.
const NORMAL: &str = "com.amazon.lookoutequipment.inference.normal";

/// Sensors listed in `data.top`.
const TOP: usize = 3;

/// The decoder `lookout-equipment`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookoutEquipment {
    /// How the equipment is named.
    pub equipment: EquipmentNaming,
    /// The path prefix below which folders are counted, without slashes at its ends.
    pub prefix: String,
    /// Offset of the lines' local times, such as `+01:00`.
    pub utc_offset: String,
    /// Whether lines without an anomaly are events too.
    pub include_normal: bool,
}

impl Decoder for LookoutEquipment {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        self.decode_part(delivery, Position::default(), usize::MAX).decoded
    }
}

impl PartDecoder for LookoutEquipment {
    fn decode_part(&self, delivery: &Delivery, from: Position, max_events: usize) -> Part {
        let folders = folders_below(&self.prefix, &delivery.path);
        if let Err(what) = self.equipment.check(&folders) {
            let place = if delivery.path.is_empty() { "delivery".into() } else { format!("path {}", delivery.path) };
            return Part { decoded: one_fault(fault(place, what), delivery.body.clone()), next: None };
        }
        decode_lines(&delivery.body, from, max_events, |line| self.line(line, &folders, &delivery.path))
    }
}

impl LookoutEquipment {
    fn line(&self, line: Line<'_>, folders: &[&str], path: &str) -> Result<Option<Event>, Problem> {
        let inference = Inference::read(line, &self.utc_offset)?;
        if !inference.anomalous && !self.include_normal {
            return Ok(None);
        }
        let equipment = self
            .equipment
            .resolve(folders, inference.component())
            .map_err(|what| fault(format!("line {}, $.diagnostics", line.number), what))?;
        Ok(Some(event(&inference, &equipment, path, line)))
    }
}

fn event(inference: &Inference, equipment: &str, path: &str, line: Line<'_>) -> Event {
    let id = format!("{path}#{}-{}", line.number, short_digest(line.text));
    let kind = if inference.anomalous { ANOMALY } else { NORMAL };
    let source = format!("/lookout-equipment/{}", uri_path(equipment));
    let mut event = Event::new(source, id, kind, Value::Null);
    event.subject = Some(equipment.to_owned());
    event.time = Some(inference.time);
    event.datacontenttype = Some("application/json".into());
    event.data = data(inference, equipment, path, line.number);
    event
}

fn data(inference: &Inference, equipment: &str, path: &str, line: usize) -> Value {
    let top: Vec<_> = inference.diagnostics.iter().take(TOP).cloned().collect();
    let mut data = json!({
        "equipment": equipment,
        "component": inference.component(),
        "timestamp": inference.timestamp,
        "anomaly_score": inference.anomaly_score,
        "prediction_reason": inference.prediction_reason,
        "diagnostics": inference.diagnostics,
        "top": top,
        "object": path,
        "line": line,
        "other": inference.other,
    });
    if let Some(members) = data.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    data
}

/// The folders between the prefix and the object's own name.
fn folders_below<'a>(prefix: &str, path: &'a str) -> Vec<&'a str> {
    let mut segments: Vec<&str> = below(prefix, path).split('/').collect();
    segments.pop();
    segments
}

#[cfg(test)]
mod tests;
