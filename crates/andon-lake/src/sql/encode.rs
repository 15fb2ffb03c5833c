//! Rows as JSON, CSV, Arrow or Parquet, batch by batch.

use std::collections::BTreeSet;
use std::sync::Arc;

use andon_journal::{SqlColumn, SqlFormat};
use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::csv::WriterBuilder as CsvBuilder;
use deltalake::arrow::datatypes::{FieldRef, Schema, SchemaRef};
use deltalake::arrow::error::ArrowError;
use deltalake::arrow::ipc::writer::StreamWriter;
use deltalake::arrow::json::WriterBuilder as JsonBuilder;
use deltalake::arrow::json::writer::LineDelimited;
use deltalake::parquet::arrow::ArrowWriter;

/// What writes an answer. What it returns is sent in order: the batches, then the end.
pub(crate) enum Encoder {
    /// The head until it is sent, and whether rows were written.
    Json {
        head: Option<Vec<u8>>,
        any: bool,
    },
    /// The head until it is sent.
    Csv {
        head: Option<Vec<u8>>,
    },
    Arrow(Box<StreamWriter<Vec<u8>>>),
    /// `None` after the end.
    Parquet(Option<Box<ArrowWriter<Vec<u8>>>>),
}

impl Encoder {
    pub(crate) fn new(format: SqlFormat, schema: &SchemaRef, columns: &[SqlColumn]) -> Result<Self, ArrowError> {
        Ok(match format {
            SqlFormat::Json => Self::Json { head: Some(json_head(columns)?), any: false },
            SqlFormat::Csv => Self::Csv { head: Some(csv(&RecordBatch::new_empty(schema.clone()), true)?) },
            SqlFormat::Arrow => Self::Arrow(Box::new(StreamWriter::try_new(Vec::new(), schema)?)),
            SqlFormat::Parquet => {
                Self::Parquet(Some(Box::new(ArrowWriter::try_new(Vec::new(), schema.clone(), None)?)))
            }
        })
    }

    /// Whether the end says that rows were left out; other formats have no place for it.
    pub(crate) const fn tells_truncation(&self) -> bool {
        matches!(self, Self::Json { .. })
    }

    pub(crate) fn batch(&mut self, rows: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        match self {
            Self::Json { head, any } => {
                let mut bytes = head.take().unwrap_or_default();
                json_rows(&mut bytes, any, rows)?;
                Ok(bytes)
            }
            Self::Csv { head } => {
                let mut bytes = head.take().unwrap_or_default();
                bytes.extend(csv(rows, false)?);
                Ok(bytes)
            }
            Self::Arrow(writer) => {
                writer.write(rows)?;
                Ok(std::mem::take(writer.get_mut()))
            }
            Self::Parquet(Some(writer)) => {
                writer.write(rows)?;
                Ok(std::mem::take(writer.inner_mut()))
            }
            Self::Parquet(None) => Ok(Vec::new()),
        }
    }

    pub(crate) fn end(&mut self, truncated: bool) -> Result<Vec<u8>, ArrowError> {
        match self {
            Self::Json { head, .. } => {
                let mut bytes = head.take().unwrap_or_default();
                bytes.extend(format!("],\"truncated\":{truncated}}}").bytes());
                Ok(bytes)
            }
            Self::Csv { head } => Ok(head.take().unwrap_or_default()),
            Self::Arrow(writer) => {
                writer.finish()?;
                Ok(std::mem::take(writer.get_mut()))
            }
            Self::Parquet(writer) => match writer.take() {
                Some(writer) => Ok(writer.into_inner()?),
                None => Ok(Vec::new()),
            },
        }
    }
}

/// The same columns under names that differ: of equal ones the second is `name__2`, as in the tables. JSON has a key once.
pub(crate) fn distinct(schema: &SchemaRef) -> SchemaRef {
    let mut taken: BTreeSet<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut seen = BTreeSet::new();
    let mut named = |field: &FieldRef| {
        if seen.insert(field.name().clone()) {
            return Arc::clone(field);
        }
        let mut names = (2_usize..).map(|number| format!("{}__{number}", field.name()));
        let name = names.find(|name| !taken.contains(name)).unwrap_or_default();
        taken.insert(name.clone());
        Arc::new(field.as_ref().clone().with_name(name))
    };
    let fields: Vec<FieldRef> = schema.fields().iter().map(&mut named).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn json_head(columns: &[SqlColumn]) -> Result<Vec<u8>, ArrowError> {
    let columns = serde_json::to_string(columns).map_err(|e| ArrowError::JsonError(e.to_string()))?;
    Ok(format!("{{\"columns\":{columns},\"rows\":[").into_bytes())
}

/// Each row is a line; line breaks in texts are escaped, so that every line feed ends one.
fn json_rows(out: &mut Vec<u8>, any: &mut bool, rows: &RecordBatch) -> Result<(), ArrowError> {
    let mut writer = JsonBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
    writer.write(rows)?;
    writer.finish()?;
    let lines = writer.into_inner();
    for line in lines.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        if std::mem::replace(any, true) {
            out.push(b',');
        }
        out.extend_from_slice(line);
    }
    Ok(())
}

fn csv(rows: &RecordBatch, header: bool) -> Result<Vec<u8>, ArrowError> {
    let mut writer = CsvBuilder::new().with_header(header).build(Vec::new());
    writer.write(rows)?;
    Ok(writer.into_inner())
}
