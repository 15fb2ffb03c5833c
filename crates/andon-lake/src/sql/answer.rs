//! An answer on its way.

use std::sync::Arc;

use andon_journal::{SqlAnswer, SqlColumn, SqlFormat};
use andon_model::{Code, Problem};
use async_trait::async_trait;
use bytes::Bytes;
use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::datatypes::SchemaRef;
use deltalake::datafusion::execution::SendableRecordBatchStream;
use futures_util::StreamExt as _;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::encode::{Encoder, distinct};
use super::engine::within;
use super::memory::Growth;
use super::places::Place;
use super::{SqlLimits, fault};

/// A query that runs.
pub(crate) struct Work {
    pub(crate) stream: SendableRecordBatchStream,
    pub(crate) deadline: Instant,
    pub(crate) limits: SqlLimits,
    /// Rows that may still come.
    pub(crate) rows: u64,
    /// Whether whoever asked wanted no more than these.
    pub(crate) as_asked: bool,
    pub(crate) _place: Place,
}

impl Work {
    /// The next rows, and whether there were more than may come; `None` at the end.
    async fn next(&mut self) -> Result<Option<(RecordBatch, bool)>, Problem> {
        let next = within(self.deadline, &self.limits, self.stream.next()).await?;
        let Some(batch) = next.transpose().map_err(|e| fault::problem(&e))? else { return Ok(None) };
        self.limits.fits(batch.get_array_memory_size())?;
        let rows = batch.num_rows() as u64;
        if rows <= self.rows {
            self.rows -= rows;
            return Ok(Some((batch, false)));
        }
        let left = usize::try_from(self.rows).unwrap_or(usize::MAX);
        self.rows = 0;
        Ok(Some((batch.slice(0, left), true)))
    }
}

/// A piece of an answer; none at its end.
type Piece = Result<Option<Bytes>, Problem>;

/// Rows become bytes.
pub(crate) struct Answer {
    columns: Vec<SqlColumn>,
    /// The rows' schema with names that differ, where theirs do not.
    renamed: Option<SchemaRef>,
    rows: u64,
    /// Gone at the end, and after an error.
    running: Option<(Work, Encoder)>,
}

impl Answer {
    pub(crate) fn new(work: Work, format: SqlFormat) -> Result<Self, Problem> {
        let given = work.stream.schema();
        let schema = distinct(&given);
        let column = |field: &deltalake::arrow::datatypes::FieldRef| SqlColumn {
            name: field.name().clone(),
            kind: field.data_type().to_string(),
        };
        let columns: Vec<SqlColumn> = schema.fields().iter().map(column).collect();
        let encoder = Encoder::new(format, &schema, &columns).map_err(|e| unwritable(&e))?;
        Ok(Self {
            columns,
            renamed: (schema != given).then_some(schema),
            rows: work.rows,
            running: Some((work, encoder)),
        })
    }

    pub(crate) fn columns(&self) -> Vec<SqlColumn> {
        self.columns.clone()
    }

    /// Hands all pieces over, as fast as they are taken; ends early when nobody takes them.
    /// Also when they are not taken before its time is over.
    pub(crate) async fn run(mut self, to: Sender<Piece>) {
        let Some((Work { deadline, limits, .. }, _)) = &self.running else { return };
        let (deadline, growth) = (*deadline, Growth::from_now(limits.growth()));
        loop {
            let piece = tokio::select! {
                piece = self.next() => piece,
                problem = growth.exceeded() => Err(problem),
            };
            let is_last = !matches!(piece, Ok(Some(_)));
            if !matches!(timeout_at(deadline, to.send(piece)).await, Ok(Ok(()))) || is_last {
                return;
            }
        }
    }

    async fn next(&mut self) -> Piece {
        while let Some((mut work, mut encoder)) = self.running.take() {
            let (bytes, ended) = self.advance(&mut work, &mut encoder).await?;
            if !ended {
                self.running = Some((work, encoder));
            }
            if !bytes.is_empty() {
                return Ok(Some(bytes.into()));
            }
        }
        Ok(None)
    }

    async fn advance(&mut self, work: &mut Work, encoder: &mut Encoder) -> Result<(Vec<u8>, bool), Problem> {
        let Some((batch, cut)) = work.next().await? else {
            return Ok((encoder.end(false).map_err(|e| unwritable(&e))?, true));
        };
        if cut && !work.as_asked && !encoder.tells_truncation() {
            let limit = self.rows;
            let detail = format!("it gives more than {limit} rows: add a LIMIT, or aggregate");
            return Err(Problem::new(Code::QueryLimit, detail));
        }
        let batch = match &self.renamed {
            Some(schema) => RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec()),
            None => Ok(batch),
        };
        let batch = batch.map_err(|e| unwritable(&e))?;
        let mut bytes = encoder.batch(&batch).map_err(|e| unwritable(&e))?;
        work.limits.fits(bytes.len())?;
        if cut {
            bytes.extend(encoder.end(true).map_err(|e| unwritable(&e))?);
        }
        Ok((bytes, cut))
    }
}

fn unwritable(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::Query, format!("the answer cannot be written in this format: {error}"))
}

/// An answer as it is read; whoever drops it ends the work.
pub(crate) struct Pieces {
    pub(crate) columns: Vec<SqlColumn>,
    pub(crate) from: Receiver<Piece>,
    pub(crate) deadline: Instant,
    pub(crate) limits: SqlLimits,
    /// What works, or has ended.
    pub(crate) _work: JoinSet<()>,
}

#[async_trait]
impl SqlAnswer for Pieces {
    fn columns(&self) -> &[SqlColumn] {
        &self.columns
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        if self.from.is_closed() && self.from.is_empty() {
            return Ok(None);
        }
        let piece = within(self.deadline, &self.limits, self.from.recv()).await?;
        let piece = piece.unwrap_or_else(|| Err(broke_off()));
        if !matches!(piece, Ok(Some(_))) {
            self.from.close();
        }
        piece
    }
}

/// The work ended without an end of its answer.
pub(crate) fn broke_off() -> Problem {
    Problem::new(Code::Query, "the query could not be worked through: one of its expressions makes too much")
}
