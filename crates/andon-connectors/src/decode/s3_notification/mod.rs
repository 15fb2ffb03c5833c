//! Notifications of S3 about objects, by whatever way they come.
//!
//! Read are the notification document of S3 and of services that speak alike, the same inside an SNS
//! envelope, an SQS message or a list of those, and the events of `EventBridge`. Sources:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>.
//!
//! A notification only points: the object is read as it is by then, its mark is path and `ETag` as in a
//! listing. Of several records for one key the one with the newest sequencer counts; when that says that
//! the object was removed, nothing is read.

mod record;

use andon_journal::{Decoded, Decoder, Delivery};
use andon_model::Problem;
use serde_json::Value;

use super::envelope::{self, Leaf, Opened};
use super::text::{fault, parse_json, without_mark};
use super::{MAX_FAULTS, PartDecoder, lines::one_fault};
use record::{Change, Record, Sequencer};

/// The decoder for pushes to a bucket source.
#[derive(Debug, Clone, Default)]
pub struct S3Notification {
    /// The source's bucket; records about another one are faults. `None`: any.
    pub bucket: Option<String>,
}

impl PartDecoder for S3Notification {}

impl Decoder for S3Notification {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        let document = match parse_json(without_mark(&delivery.body).0) {
            Ok(document) => document,
            Err(problem) => return one_fault(problem, delivery.body.clone()),
        };
        let Opened { leaves, mut faults } = envelope::open(&document, "$");
        let (mut ours, mut passed) = (Vec::new(), 0);
        for leaf in leaves {
            match read(&leaf) {
                Ok(Some(record)) if self.is_ours(&record) => ours.push(record),
                Ok(Some(record)) => faults.push((self.foreign(&record), leaf.raw())),
                Ok(None) => passed += 1,
                Err(problem) => faults.push((problem, leaf.raw())),
            }
        }
        if faults.len() > MAX_FAULTS {
            let (first, _) = faults.swap_remove(0);
            faults = vec![(first, delivery.body.clone())];
        }
        Decoded { objects: newest(ours), faults, passed, ..Decoded::default() }
    }
}

const UNKNOWN: &str = "not a notification of S3: a document with Records, an SNS or SQS message around one, or an \
                       EventBridge event of source aws.s3 is expected";

/// Reads a notification. `None`: it is not about an object's content.
fn read(leaf: &Leaf) -> Result<Option<Record>, Problem> {
    let (document, place) = (&leaf.document, leaf.place.as_str());
    let text = |member: &str| document.get(member).and_then(Value::as_str);
    if text("Event") == Some("s3:TestEvent") {
        return Ok(None);
    }
    if text("source") == Some("aws.s3") && text("detail-type").is_some() {
        return record::from_event_bridge(document, place);
    }
    match document.get("s3") {
        Some(_) => record::from_s3(document, place),
        None => Err(fault(place, UNKNOWN)),
    }
}

impl S3Notification {
    fn is_ours(&self, record: &Record) -> bool {
        self.bucket.as_ref().is_none_or(|ours| *ours == record.bucket)
    }

    fn foreign(&self, record: &Record) -> Problem {
        let ours = self.bucket.as_deref().unwrap_or_default();
        let what = format!("the record is about bucket {:?}, this source reads {ours:?}", record.bucket);
        fault(record.bucket_place.as_str(), what)
    }
}

/// The keys whose newest record says that the object is there, in the order of first mention.
fn newest(records: Vec<Record>) -> Vec<String> {
    let mut latest: Vec<Record> = Vec::new();
    for record in records {
        match latest.iter_mut().find(|known| known.key == record.key) {
            Some(known) if Sequencer::is_newer(record.sequencer.as_ref(), known.sequencer.as_ref()) => *known = record,
            Some(_) => {}
            None => latest.push(record),
        }
    }
    latest.into_iter().filter(|record| record.change == Change::Created).map(|record| record.key).collect()
}

#[cfg(test)]
mod tests;
