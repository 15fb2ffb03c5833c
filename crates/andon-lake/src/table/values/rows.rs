//! Values as files of the table.

use std::sync::Arc;

use andon_journal::{PropertyValue, ValueContent};
use deltalake::arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use deltalake::arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef, TimeUnit};
use deltalake::arrow::error::ArrowError;

use super::super::file::Rows as File;
use super::super::hour::Hour;

fn schema() -> SchemaRef {
    let field = |(name, kind): (&str, DataType)| Field::new(name, kind, true);
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let fields = [
        ("asset", DataType::Utf8),
        ("property", DataType::Utf8),
        ("ts", micros),
        ("quality", DataType::Utf8),
        ("value_double", DataType::Float64),
        ("value_integer", DataType::Int64),
        ("value_boolean", DataType::Boolean),
        ("value_string", DataType::Utf8),
    ];
    Arc::new(ArrowSchema::new(fields.into_iter().map(field).collect::<Vec<_>>()))
}

/// A file called `name` for each day. Values of the same property and time keep their order.
pub(super) fn files(name: &str, mut values: Vec<PropertyValue>) -> Result<Vec<File>, ArrowError> {
    let key = |value: &PropertyValue| Hour::of_day(value.ts);
    values.sort_by(|a, b| (key(a), &a.asset, &a.property, a.ts).cmp(&(key(b), &b.asset, &b.property, b.ts)));
    let days = values.chunk_by(|a, b| key(a) == key(b));
    days.map(|day| Ok(File { name: name.to_owned(), hour: key(&day[0]), batch: record_batch(day)? })).collect()
}

fn record_batch(values: &[PropertyValue]) -> Result<RecordBatch, ArrowError> {
    let mut rows = Rows::default();
    for value in values {
        rows.push(value);
    }
    rows.finish()
}

/// Columns while they grow.
#[derive(Default)]
struct Rows {
    assets: StringBuilder,
    properties: StringBuilder,
    times: TimestampMicrosecondBuilder,
    qualities: StringBuilder,
    doubles: Float64Builder,
    integers: Int64Builder,
    booleans: BooleanBuilder,
    strings: StringBuilder,
}

impl Rows {
    fn push(&mut self, value: &PropertyValue) {
        self.assets.append_value(&value.asset);
        self.properties.append_value(&value.property);
        self.times.append_value(value.ts.as_micros());
        self.qualities.append_value(&value.quality);
        let (mut double, mut integer, mut boolean, mut string) = (None, None, None, None);
        match &value.value {
            ValueContent::Double(number) => double = Some(*number),
            ValueContent::Integer(number) => integer = Some(*number),
            ValueContent::Boolean(truth) => boolean = Some(*truth),
            ValueContent::String(text) => string = Some(text),
        }
        self.doubles.append_option(double);
        self.integers.append_option(integer);
        self.booleans.append_option(boolean);
        self.strings.append_option(string);
    }

    fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.assets.finish()),
            Arc::new(self.properties.finish()),
            Arc::new(self.times.finish().with_timezone("UTC")),
            Arc::new(self.qualities.finish()),
            Arc::new(self.doubles.finish()),
            Arc::new(self.integers.finish()),
            Arc::new(self.booleans.finish()),
            Arc::new(self.strings.finish()),
        ];
        RecordBatch::try_new(schema(), columns)
    }
}
