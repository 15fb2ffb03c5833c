//! Decoders: bytes in, events and faults out.
//!
//! **Constraints.** Pure and total: the same delivery gives the same events with the same ids, nothing
//! panics, and every byte of a payload belongs to an event, to a fault, or to a part that the format's
//! rule says to pass over (blank lines, results without an anomaly, removed objects). At most
//! [`MAX_FAULTS`] faults per delivery: what follows the last of them is kept in one piece.
//!
//! **A new decoder** is a folder here, its name in this file, and one line in `source/decoding.rs`;
//! `docs/guide/decoders.md` shows the way.

mod attribute;
mod cloudevents;
mod envelope;
mod eventbridge;
mod form_data;
mod framework;
mod gzip;
mod json;
mod lines;
mod lookout_equipment;
mod lookout_vision;
mod members;
mod monitron;
mod path;
mod records;
mod rekognition_ppe;
mod s3_notification;
mod sitewise_alarm;
mod text;
mod unread;

use std::fmt::Debug;

use andon_journal::{Decoded, Decoder, Delivery};

pub use attribute::AttributeFrom;
pub use cloudevents::CloudEvents;
pub use eventbridge::EventBridge;
pub use form_data::FormData;
pub use framework::Framework;
pub use gzip::{Gunzip, MAX_UNPACKED_BYTES, unpacked};
pub use json::{Json, TimeUnit};
pub use lookout_equipment::{EquipmentNaming, LookoutEquipment};
pub use lookout_vision::LookoutVision;
pub use monitron::Monitron;
pub use path::{CompanionPattern, PathPattern};
pub use rekognition_ppe::{Equipment, RekognitionPpe};
pub use s3_notification::S3Notification;
pub use sitewise_alarm::SitewiseAlarm;
pub use unread::Unread;

/// Most faults that one delivery gives; what comes after is kept as one fault.
pub const MAX_FAULTS: usize = 100;

/// Largest single event, in bytes of its JSON text (1 MiB).
pub const MAX_EVENT_BYTES: usize = 1 << 20;

/// Most events in one `CloudEvents` batch.
pub const MAX_BATCH_EVENTS: usize = 1_000;

/// Where decoding a payload in parts stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// Bytes of the payload that are done.
    pub byte: usize,
    /// Lines (or events, for payloads that are one document) that are done.
    pub done: usize,
    /// Faults given so far.
    pub faults: usize,
}

/// One part of a payload, decoded.
#[derive(Debug, Default)]
pub struct Part {
    /// What it gave.
    pub decoded: Decoded,
    /// Where the next part starts; `None` at the end of the payload.
    pub next: Option<Position>,
}

/// A decoder that can hand over a large payload in parts, so that memory and transactions stay small.
pub trait PartDecoder: Decoder + Debug {
    /// Decodes from `from` on: at most `max_events` events (at least one), or all of one record.
    fn decode_part(&self, delivery: &Delivery, from: Position, max_events: usize) -> Part {
        page(self.decode(delivery), from, max_events.max(1))
    }

    /// The object that belongs to the one at `path`, such as the picture that a result is about: its path
    /// in the same bucket. `None`: the format knows no such thing.
    fn companion(&self, path: &str) -> Option<String> {
        let _ = path;
        None
    }
}

/// A page of a payload that can only be decoded as a whole; its faults come with the first page.
fn page(mut decoded: Decoded, from: Position, max_events: usize) -> Part {
    let total = decoded.events.len();
    let end = total.min(from.done.saturating_add(max_events));
    decoded.events.truncate(end);
    decoded.events.drain(..from.done.min(end));
    if from.done > 0 {
        decoded.faults.clear();
        decoded.objects.clear();
        decoded.passed = 0;
    }
    Part { decoded, next: (end < total).then_some(Position { done: end, ..from }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use andon_model::{Event, Problem};
    use bytes::Bytes;
    use serde_json::Value;

    #[test]
    fn pages_cover_everything_once() {
        let whole = || Decoded {
            events: (0..5).map(|n| Event::new("s", n.to_string(), "t", Value::Null)).collect(),
            faults: vec![(Problem::new(andon_model::Code::Undecodable, "x"), Bytes::new())],
            ..Decoded::default()
        };
        let (mut at, mut ids, mut faults) = (Some(Position::default()), Vec::new(), 0);
        while let Some(from) = at {
            let part = page(whole(), from, 2);
            ids.extend(part.decoded.events.into_iter().map(|e| e.id));
            faults += part.decoded.faults.len();
            at = part.next;
        }
        assert_eq!((ids.join(""), faults), ("01234".to_owned(), 1));
    }
}
