//! Many readings at once, as columns.
//!
//! **Constraints.** The same rows and the same schema as [`Flattener`] gives, reading by reading; a test holds the two
//! together. A reading that cannot be flattened leaves neither rows nor names behind.
//!
//! **Life of a batch.** [`BatchFlattener::push`] takes readings in the order of the log, most of them the
//! [short way](super::quick). [`BatchFlattener::take`] hands over what they came to, for tables to be made of.

use andon_model::{IngestId, Reading, Timestamp};
use std::sync::Arc;

use super::cells::TableCells;
use super::quick::Quick;
use super::{FlattenFault, FlattenLimits, Flattener, Schema, event_time};

/// Bytes of text that make a batch full: far below what a column of Arrow can hold.
const FULL_BYTES: usize = 64 << 20;

/// What rows of all tables have from their reading.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) id: IngestId,
    pub(crate) time: Timestamp,
    pub(crate) topic: Arc<str>,
    pub(crate) device: Arc<str>,
}

/// What readings came to.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The readings that have rows, in order; each has one row in the root table.
    pub(crate) origins: Vec<Origin>,
    /// By position of the table in the schema.
    pub(crate) tables: Vec<TableCells>,
}

impl Batch {
    /// Readings that have rows.
    pub const fn readings(&self) -> usize {
        self.origins.len()
    }

    /// Rows of all tables.
    pub fn rows(&self) -> usize {
        self.tables.iter().map(|table| table.readings.len()).sum()
    }

    fn back_to(&mut self, reading: u32) {
        self.tables.iter_mut().for_each(|table| table.back_to(reading));
    }
}

/// Turns readings into columns, in the order of the log.
#[derive(Debug)]
pub struct BatchFlattener {
    flattener: Flattener,
    time_path: String,
    batch: Batch,
    /// Bytes of text in the batch, about.
    bytes: usize,
    stamp: u64,
    join: String,
}

impl BatchFlattener {
    /// Goes on with the names that `schema` has. The time of an event stands at `time_path` in the payload, as for
    /// [`event_time()`].
    pub fn new(schema: Schema, limits: FlattenLimits, time_path: String) -> Self {
        let flattener = Flattener::new(schema, limits);
        let (batch, join) = (Batch::default(), String::new());
        let mut this = Self { flattener, time_path, batch, bytes: 0, stamp: 0, join };
        this.grow();
        this
    }

    /// The tables as they are by now: those of every batch that was taken.
    pub const fn schema(&self) -> &Schema {
        self.flattener.schema()
    }

    /// Whether the batch should be taken before anything more is pushed.
    pub const fn is_full(&self) -> bool {
        self.bytes >= FULL_BYTES
    }

    /// Adds the rows of `reading`. After an error batch and schema are as before.
    pub fn push(&mut self, reading: &Reading) -> Result<(), FlattenFault> {
        let position = u32::try_from(self.batch.origins.len()).unwrap_or(u32::MAX);
        let time = match self.quick(position, reading) {
            Some(time) => time,
            None => self.thorough(position, reading)?,
        };
        let (topic, device) = (Arc::clone(&reading.topic), Arc::clone(&reading.device));
        self.batch.origins.push(Origin { id: reading.id, time, topic, device });
        self.bytes += reading.payload.len() + reading.topic.len() + reading.device.len();
        Ok(())
    }

    /// What was pushed; the next batch begins.
    pub fn take(&mut self) -> Batch {
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        self.grow();
        batch
    }

    fn quick(&mut self, position: u32, reading: &Reading) -> Option<Timestamp> {
        let (nodes, limits) = self.flattener.places();
        let mut quick = Quick {
            tables: &mut self.batch.tables,
            nodes,
            rows_left: limits.rows.saturating_sub(1),
            stamp: &mut self.stamp,
            reading: (position, reading.id),
            time: None,
            met_time: false,
            join: &mut self.join,
        };
        let done = quick.take(&reading.payload);
        let (time, rows_left) = (quick.time.unwrap_or(reading.received), quick.rows_left);
        if done.is_none() {
            self.batch.back_to(position);
            return None;
        }
        // Join ids grow with the number of elements, not with that of bytes.
        self.bytes += (limits.rows.saturating_sub(1) - rows_left) * self.join.len();
        Some(time)
    }

    /// By way of rows, which gives new names.
    fn thorough(&mut self, position: u32, reading: &Reading) -> Result<Timestamp, FlattenFault> {
        let flat = self.flattener.flatten(reading);
        // After a fault too: places may have been made anew.
        self.grow();
        for row in flat?.rows {
            self.bytes += row.element.as_ref().map_or(0, |(id, _)| id.len());
            self.batch.tables[row.table].add(position, &row);
        }
        Ok(event_time(reading, &self.time_path))
    }

    /// Room for tables and columns that are new, and the mark where the time stands.
    fn grow(&mut self) {
        let tables = &self.flattener.schema().tables;
        self.batch.tables.resize_with(tables.len(), TableCells::default);
        for (table, cells) in tables.iter().zip(&mut self.batch.tables) {
            cells.grow(table.columns.iter().map(|column| column.kind));
        }
        self.flattener.mark_time(&self.time_path);
    }
}

#[cfg(test)]
mod tests;
