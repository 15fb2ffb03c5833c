//! Columns of Arrow from flattened readings, cut by the hour of the event.
//!
//! **Constraints.** Every table has its fixed columns first, then those of its payloads in the order in which they
//! appeared. The hour is beside the rows and not in them, as Delta Lake wants it of files. All columns may be null, so
//! that a table can take more at any time. Rows of one hour keep the order of the log.
//!
//! **Life of a batch.** [`parts`] finds the hours of its readings. With one hour, as nearly always, values move into
//! Arrow as they are; with more, rows are picked for each.

use std::sync::Arc;

use deltalake::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt32Array,
};
use deltalake::arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use deltalake::arrow::compute::take_record_batch;
use deltalake::arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef, TimeUnit};
use deltalake::arrow::error::ArrowError;

use super::hour::Hour;
use crate::flatten::{Batch, ColumnCells, Kind, Origin, Schema, Table, TableCells, Texts, Values};

/// Rows of one table and one hour.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Position of the table in the schema.
    pub(crate) table: usize,
    /// The hour of the events.
    pub(crate) hour: Hour,
    /// The rows, with the columns of [`arrow_schema`], in order of their ingest ids.
    pub(crate) rows: RecordBatch,
}

/// The columns of `table`, but for those of the hour.
pub(crate) fn arrow_schema(table: &Table) -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let (int, text) = (DataType::Int64, DataType::Utf8);
    let fixed = match table.parent {
        None => vec![("ingest_id", int), ("ts", time), ("topic", text.clone()), ("device", text)],
        Some(_) => vec![("id", text), ("index", int.clone()), ("ingest_id", int)],
    };
    let payload = table.columns.iter().map(|column| (column.name.as_str(), data_type(column.kind)));
    let fields = fixed.into_iter().chain(payload).map(|(name, of)| Field::new(name, of, true));
    Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()))
}

const fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Boolean => DataType::Boolean,
        Kind::Int => DataType::Int64,
        Kind::Double => DataType::Float64,
        Kind::String | Kind::Array => DataType::Utf8,
    }
}

/// The rows of `batch` by table, and by hour from the earliest. `schema` is the flattener's after the batch.
pub(crate) fn parts(schema: &Schema, batch: Batch) -> Result<Vec<Part>, ArrowError> {
    let hours: Vec<Hour> = batch.origins.iter().map(|origin| Hour::of(origin.time)).collect();
    let mut parts = Vec::new();
    for ((position, table), cells) in schema.tables.iter().enumerate().zip(batch.tables) {
        let of_rows = hours_of(&hours, &cells.readings);
        let rows = record_batch(table, &batch.origins, cells)?;
        let by_hour = by_hour(&of_rows, rows)?;
        parts.extend(by_hour.into_iter().map(|(hour, rows)| Part { table: position, hour, rows }));
    }
    Ok(parts)
}

/// The hour of each row, from those of the readings.
fn hours_of(hours: &[Hour], rows: &[u32]) -> Vec<Hour> {
    rows.iter().map(|reading| hours[*reading as usize]).collect()
}

fn by_hour(hours: &[Hour], rows: RecordBatch) -> Result<Vec<(Hour, RecordBatch)>, ArrowError> {
    let Some(first) = hours.first() else { return Ok(Vec::new()) };
    if hours.iter().all(|hour| hour == first) {
        return Ok(vec![(*first, rows)]);
    }
    let mut order: Vec<(Hour, u32)> = hours.iter().copied().zip(0..).collect();
    order.sort_unstable();
    let of_one_hour = order.chunk_by(|a, b| a.0 == b.0);
    of_one_hour.map(|picked| Ok((picked[0].0, take_record_batch(&rows, &positions(picked))?))).collect()
}

fn positions(picked: &[(Hour, u32)]) -> UInt32Array {
    picked.iter().map(|(_, row)| *row).collect()
}

fn record_batch(table: &Table, origins: &[Origin], cells: TableCells) -> Result<RecordBatch, ArrowError> {
    let count = cells.readings.len();
    let mut arrays = match table.parent {
        None => of_root(origins, &cells)?,
        Some(_) => of_child(origins, &cells.readings, cells.ids, cells.indexes)?,
    };
    for column in cells.columns {
        arrays.push(array(column, count)?);
    }
    RecordBatch::try_new(arrow_schema(table), arrays)
}

fn of_root(origins: &[Origin], cells: &TableCells) -> Result<Vec<ArrayRef>, ArrowError> {
    let of = || cells.readings.iter().map(|reading| &origins[*reading as usize]);
    let times: Vec<i64> = of().map(|origin| origin.time.as_micros()).collect();
    Ok(vec![
        ingest_ids(origins, &cells.readings),
        Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
        texts(of().map(|origin| &*origin.topic))?,
        texts(of().map(|origin| &*origin.device))?,
    ])
}

fn of_child(origins: &[Origin], readings: &[u32], ids: Texts, indexes: Vec<i64>) -> Result<Vec<ArrayRef>, ArrowError> {
    Ok(vec![text_array(ids, None)?, Arc::new(Int64Array::from(indexes)), ingest_ids(origins, readings)])
}

/// Delta Lake knows signed numbers only.
fn ingest_ids(origins: &[Origin], readings: &[u32]) -> ArrayRef {
    let id = |reading: &u32| i64::try_from(origins[*reading as usize].id.0).unwrap_or(i64::MAX);
    Arc::new(Int64Array::from(readings.iter().map(id).collect::<Vec<_>>()))
}

fn texts<'a>(of: impl Iterator<Item = &'a str>) -> Result<ArrayRef, ArrowError> {
    let mut all = Texts::default();
    of.for_each(|text| all.push(text));
    text_array(all, None)
}

/// A column of `count` rows, null where there is no value.
fn array(column: ColumnCells, count: usize) -> Result<ArrayRef, ArrowError> {
    let ColumnCells { rows, values } = column;
    if rows.len() == count {
        return dense(values);
    }
    let nulls = Some(nulls(&rows, count));
    Ok(match values {
        Values::Boolean(values) => Arc::new(BooleanArray::new(spread(&rows, &values, count).into(), nulls)),
        Values::Int(values) => Arc::new(Int64Array::new(spread(&rows, &values, count).into(), nulls)),
        Values::Double(values) => Arc::new(Float64Array::new(spread(&rows, &values, count).into(), nulls)),
        Values::Text(texts) => text_array(spread_texts(&rows, texts, count), nulls)?,
    })
}

fn dense(values: Values) -> Result<ArrayRef, ArrowError> {
    Ok(match values {
        Values::Boolean(values) => Arc::new(BooleanArray::from(values)),
        Values::Int(values) => Arc::new(Int64Array::from(values)),
        Values::Double(values) => Arc::new(Float64Array::from(values)),
        Values::Text(texts) => text_array(texts, None)?,
    })
}

/// `OffsetBuffer` would panic on what does not fit.
fn text_array(texts: Texts, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    if i32::try_from(texts.bytes.len()).is_err() {
        return Err(ArrowError::OffsetOverflowError(texts.bytes.len()));
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(texts.offsets));
    Ok(Arc::new(StringArray::try_new(offsets, Buffer::from_vec(texts.bytes.into_bytes()), nulls)?))
}

fn nulls(rows: &[u32], count: usize) -> NullBuffer {
    let mut valid = vec![false; count];
    for row in rows {
        valid[*row as usize] = true;
    }
    NullBuffer::new(BooleanBuffer::from(valid))
}

fn spread<T: Copy + Default>(rows: &[u32], values: &[T], count: usize) -> Vec<T> {
    let mut all = vec![T::default(); count];
    rows.iter().zip(values).for_each(|(row, value)| all[*row as usize] = *value);
    all
}

/// Rows without a text end where the one before does.
fn spread_texts(rows: &[u32], texts: Texts, count: usize) -> Texts {
    let mut offsets = Vec::with_capacity(count + 1);
    offsets.push(0);
    let mut before = 0;
    for (row, end) in rows.iter().zip(&texts.offsets[1..]) {
        offsets.resize(*row as usize + 1, before);
        offsets.push(*end);
        before = *end;
    }
    offsets.resize(count + 1, before);
    Texts { bytes: texts.bytes, offsets }
}

#[cfg(test)]
mod tests;
