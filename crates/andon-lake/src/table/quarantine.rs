//! Readings that could not be flattened, with their bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_model::Reading;
use deltalake::arrow::array::{
    ArrayRef, BinaryBuilder, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use deltalake::arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef, TimeUnit};
use deltalake::arrow::error::ArrowError;

use super::hour::Hour;
use super::schema::ingest_id;
use crate::flatten::FlattenFault;

/// Columns of the quarantine's files; `ts` is the time of receipt, and the partitions are.
fn schema() -> SchemaRef {
    let field = |name: &str, kind| Field::new(name, kind, true);
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut fields = vec![field("ingest_id", DataType::Int64), field("ts", micros)];
    fields.extend(["topic", "device", "reason"].map(|name| field(name, DataType::Utf8)));
    fields.push(field("payload", DataType::Binary));
    Arc::new(ArrowSchema::new(fields))
}

/// What was refused, by the hour of receipt.
#[derive(Default)]
pub(crate) struct Quarantined {
    count: u64,
    hours: BTreeMap<Hour, Rows>,
}

impl Quarantined {
    /// How many there are.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn push(&mut self, reading: &Reading, fault: &FlattenFault) {
        self.hours.entry(Hour::of(reading.received)).or_default().push(reading, fault);
        self.count += 1;
    }

    pub(crate) fn finish(self) -> Result<Vec<(Hour, RecordBatch)>, ArrowError> {
        self.hours.into_iter().map(|(hour, rows)| Ok((hour, rows.finish()?))).collect()
    }
}

/// Rows while they grow.
#[derive(Default)]
struct Rows {
    ingest_ids: Int64Builder,
    ts: TimestampMicrosecondBuilder,
    topics: StringBuilder,
    devices: StringBuilder,
    reasons: StringBuilder,
    payloads: BinaryBuilder,
}

impl Rows {
    fn push(&mut self, reading: &Reading, fault: &FlattenFault) {
        self.ingest_ids.append_value(ingest_id(reading.id));
        self.ts.append_value(reading.received.as_micros());
        self.topics.append_value(&reading.topic);
        self.devices.append_value(&reading.device);
        self.reasons.append_value(fault.to_string());
        self.payloads.append_value(&reading.payload);
    }

    fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.ingest_ids.finish()),
            Arc::new(self.ts.finish().with_timezone("UTC")),
            Arc::new(self.topics.finish()),
            Arc::new(self.devices.finish()),
            Arc::new(self.reasons.finish()),
            Arc::new(self.payloads.finish()),
        ];
        RecordBatch::try_new(schema(), columns)
    }
}
