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

mod envelope;
mod record;

use andon_journal::{Decoded, Decoder, Delivery};
use andon_model::Problem;
use bytes::Bytes;

use super::text::{parse_json, without_mark};
use super::{MAX_FAULTS, PartDecoder, lines::one_fault};
use record::{Change, Record, Sequencer};

/// The decoder for pushes to a bucket source.
#[derive(Debug, Clone, Default)]
pub struct S3Notification {
    /// The source's bucket; records about another one are faults. `None`: any.
    pub bucket: Option<String>,
}

/// What a notification says: the records that were understood and those that were not.
#[derive(Debug, Default)]
struct Findings {
    records: Vec<Record>,
    faults: Vec<(Problem, Bytes)>,
}

impl PartDecoder for S3Notification {}

impl Decoder for S3Notification {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        let document = match parse_json(without_mark(&delivery.body).0) {
            Ok(document) => document,
            Err(problem) => return one_fault(problem, delivery.body.clone()),
        };
        let mut findings = Findings::default();
        envelope::open(&document, "$", &mut findings);
        let records = findings.records.into_iter();
        let (ours, foreign): (Vec<_>, Vec<_>) = records.partition(|record| self.is_ours(record));
        findings.faults.extend(foreign.into_iter().map(|record| self.foreign(record)));
        if findings.faults.len() > MAX_FAULTS {
            let (first, _) = findings.faults.swap_remove(0);
            findings.faults = vec![(first, delivery.body.clone())];
        }
        Decoded { objects: newest(ours), faults: findings.faults, ..Decoded::default() }
    }
}

impl S3Notification {
    fn is_ours(&self, record: &Record) -> bool {
        self.bucket.as_ref().is_none_or(|ours| *ours == record.bucket)
    }

    fn foreign(&self, record: Record) -> (Problem, Bytes) {
        let ours = self.bucket.as_deref().unwrap_or_default();
        let what = format!("the record is about bucket {:?}, this source reads {ours:?}", record.bucket);
        (super::text::fault(record.bucket_place, what), record.raw)
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
