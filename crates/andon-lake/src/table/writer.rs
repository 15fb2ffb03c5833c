//! From the raw log into the tables, batch by batch.
//!
//! **Constraints.** One writer per lake. A turn may be dropped or fail anywhere: the next one reads again from where
//! the state says, and each table takes what it does not have. What readings become depends on their order alone, so
//! that it does not matter where batches were cut.

use std::sync::Arc;
use std::time::Duration;

use andon_model::{IngestId, Problem, Reading};
use deltalake::arrow::array::RecordBatch;

use super::LakeError;
use super::clearing::clear_unmarked;
use super::columns::{Part, parts};
use super::delta::{LakeTable, Mark};
use super::file::{Rows, ids};
use super::hour::Hour;
use super::lake::Shared;
use super::quarantine::Quarantined;
use super::schema::{columns_of, ingest_id, quarantine_columns};
use super::settings::{LakeSettings, QUARANTINE};
use super::state::State;
use crate::flatten::{Batch, BatchFlattener, Schema};
use crate::raw::{Archive, Position, RawLog, ReadLimit, Reader};

/// How often a writer that waits looks whether the lake was begun anew.
const LOOK: Duration = Duration::from_secs(1);

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stepped {
    /// Everything before is in the tables.
    pub next: IngestId,
    /// Readings with a row in the root table.
    pub readings: u64,
    /// Readings in the quarantine.
    pub quarantined: u64,
    /// Ids that no readable line of the raw log has.
    pub missing: u64,
    /// Bytes of files that were written.
    pub bytes: u64,
    /// The batch was as large as it may be: more is probably waiting.
    pub is_full: bool,
}

/// Moves readings into the lake.
pub struct LakeWriter {
    shared: Arc<Shared>,
    log: Arc<RawLog>,
    archive: Option<Archive>,
    /// `None` before the first step, after one that did not end well, and after a rebuild.
    place: Option<Place>,
}

/// Where the writer is.
struct Place {
    generation: u32,
    reader: Reader,
    flattener: BatchFlattener,
}

/// What was read for a batch.
struct Gathered {
    readings: Vec<Reading>,
    missing: u64,
    to: Position,
    is_full: bool,
}

/// What a batch came to.
struct Flattened {
    batches: Vec<(Schema, Batch)>,
    schema: Schema,
    quarantined: Quarantined,
    count: u64,
}

impl LakeWriter {
    pub(crate) const fn new(shared: Arc<Shared>, log: Arc<RawLog>, archive: Option<Archive>) -> Self {
        Self { shared, log, archive, place: None }
    }

    /// Waits for a reading that the tables lack, then for more of them as long as the settings say, then takes a step.
    /// `None` when the log is gone. Can be dropped at any time, which is how it is ended.
    pub async fn turn(&mut self) -> Result<Option<Stepped>, Problem> {
        loop {
            self.prepare();
            let Some(place) = &mut self.place else { return Ok(None) };
            match tokio::time::timeout(LOOK, place.reader.ready()).await {
                Ok(true) => break,
                Ok(false) => return Ok(None),
                // A rebuild may have begun, and what it needs is behind this reader.
                Err(_) => {}
            }
        }
        tokio::time::sleep(self.shared.settings.gather).await;
        Ok(Some(self.step().await?.unwrap_or_default()))
    }

    /// Moves one batch of what is there. `None` if nothing is. Can be dropped at any time.
    pub async fn step(&mut self) -> Result<Option<Stepped>, Problem> {
        let settings = &self.shared.settings;
        let limit = ReadLimit { readings: settings.batch_readings, bytes: settings.batch_bytes };
        Ok(self.step_within(limit).await?)
    }

    pub(crate) async fn step_within(&mut self, limit: ReadLimit) -> Result<Option<Stepped>, LakeError> {
        let shared = Arc::clone(&self.shared);
        let _moving = shared.moving.lock().await;
        // A rebuild that did not come to its end has left rows; they would stand beside those that are appended.
        shared.finish_clearing().await?;
        self.prepare();
        // Taken out: a step that does not come to its end leaves nothing to go on from.
        let Some(mut place) = self.place.take() else { return Ok(None) };
        let Some(gathered) = gather(&self.log, &mut place.reader, limit).await? else {
            self.place = Some(place);
            return Ok(None);
        };
        let (to, missing, is_full) = (gathered.to, gathered.missing, gathered.is_full);
        let begin = gathered.readings.first().map(|reading| reading.id);
        let (flattener, flat) = flatten(place.flattener, gathered.readings).await?;
        let (readings, quarantined) = (flat.count, flat.quarantined.count());
        let bytes = self.append(flat.batches, &flat.schema, flat.quarantined, to.next).await?;
        let before = shared.state();
        let state = State {
            position: to,
            begin: before.begin.or(begin),
            readings: before.readings + readings,
            quarantined: before.quarantined + quarantined,
            missing: before.missing + missing,
            schema: flat.schema,
            ..State::clone(&before)
        };
        if !state.adds_up() {
            tracing::error!(?to, "rows, quarantine and what is missing are not what was received (R1)");
        }
        self.log.met_missing(state.missing_in_log());
        shared.save(state).await?;
        self.move_checkpoint(to).await?;
        self.place = Some(Place { flattener, ..place });
        Ok(Some(Stepped { next: to.next, readings, quarantined, missing, bytes, is_full }))
    }

    /// Begins where the state says, unless the writer is there.
    fn prepare(&mut self) {
        let state = self.shared.state();
        if self.place.as_ref().is_some_and(|place| place.generation == state.generation) {
            return;
        }
        let LakeSettings { flatten, event_time, .. } = &self.shared.settings;
        let flattener = BatchFlattener::new(state.schema.clone(), *flatten, event_time.clone());
        let reader = self.log.reader(state.position, self.archive.clone());
        self.place = Some(Place { generation: state.generation, reader, flattener });
    }

    /// Quarantine first and the root table last: who finds a row there finds all that belongs to it.
    async fn append(
        &self,
        batches: Vec<(Schema, Batch)>,
        schema: &Schema,
        quarantined: Quarantined,
        next: IngestId,
    ) -> Result<u64, LakeError> {
        let Shared { tables, settings, .. } = self.shared.as_ref();
        let app = self.shared.state().app();
        tables.open_all(schema, &app).await?;
        for table in tables.of_readings() {
            table.settle(&[&app]).await?;
            clear_unmarked(&table, &app).await?;
        }
        let mark = Mark { app: &app, behind: ingest_id(next) };
        let rows = quarantined.finish()?;
        let mut bytes = append(tables.expect(QUARANTINE)?.as_ref(), mark, rows, quarantine_columns).await?;
        let mut by_table: Vec<Vec<(Hour, RecordBatch)>> = schema.tables.iter().map(|_| Vec::new()).collect();
        for (schema, batch) in batches {
            for Part { table, hour, rows } in parts(&schema, batch)? {
                by_table[table].push((hour, rows));
            }
        }
        for (table, rows) in schema.tables.iter().zip(by_table).rev() {
            let found = tables.expect(&table.name)?;
            found.make(&columns_of(table), settings.keep).await?;
            bytes += append(&found, mark, rows, || columns_of(table)).await?;
        }
        Ok(bytes)
    }

    /// What the raw log may forget. It goes back with a rebuild, and is then left where it was; one that is damaged is where the
    /// lake's state is.
    async fn move_checkpoint(&self, to: Position) -> Result<(), LakeError> {
        let (log, consumer) = (Arc::clone(&self.log), self.shared.settings.consumer.clone());
        let done = tokio::task::spawn_blocking(move || log.advance_checkpoint(&consumer, to));
        Ok(done.await??)
    }
}

/// Appends the rows that the table does not have.
async fn append(
    table: &LakeTable,
    mark: Mark<'_>,
    rows: Vec<(Hour, RecordBatch)>,
    columns: impl Fn() -> Vec<super::schema::DeltaColumn>,
) -> Result<u64, LakeError> {
    let behind = table.behind(mark.app);
    let lacks = |(hour, rows): (Hour, RecordBatch)| {
        let has = ids(&rows).partition_point(|id| *id < behind);
        let lacks = rows.num_rows() - has;
        (lacks > 0).then(|| named(mark.app, hour, rows.slice(has, lacks)))
    };
    let rows: Vec<_> = rows.into_iter().filter_map(lacks).collect();
    if rows.is_empty() { Ok(0) } else { table.append(&[mark], &columns(), rows).await }
}

/// Rows with the name of their file, which follows from their ingest ids.
fn named(app: &str, hour: Hour, batch: RecordBatch) -> Rows {
    let ids = ids(&batch);
    let (first, last) = (ids.first().copied().unwrap_or_default(), ids.last().copied().unwrap_or_default());
    Rows { name: format!("{app}-{first}-{last}"), hour, batch }
}

/// Reads until there is nothing more or the limit is reached; what is damaged is set aside at once.
async fn gather(log: &RawLog, reader: &mut Reader, limit: ReadLimit) -> Result<Option<Gathered>, LakeError> {
    let mut gathered = Gathered { readings: Vec::new(), missing: 0, to: reader.position(), is_full: false };
    let (mut bytes, mut any) = (0, false);
    while !gathered.is_full {
        let readings = limit.readings.saturating_sub(gathered.readings.len()).max(1);
        let batch = match reader.next(ReadLimit { readings, ..limit }).await {
            Ok(Some(batch)) => batch,
            // What was read is written first; the step after it begins with the error.
            Err(_) if any => break,
            read => match read? {
                Some(batch) => batch,
                None => break,
            },
        };
        any = true;
        log.set_aside(batch.damage).await;
        gathered.to = batch.to;
        gathered.missing += batch.missing;
        bytes += batch.readings.iter().map(|reading| reading.payload.len()).sum::<usize>();
        gathered.readings.extend(batch.readings);
        gathered.is_full = gathered.readings.len() >= limit.readings || bytes >= limit.bytes;
    }
    Ok(any.then_some(gathered))
}

/// Flattens off the threads that serve others.
async fn flatten(
    mut flattener: BatchFlattener,
    readings: Vec<Reading>,
) -> Result<(BatchFlattener, Flattened), LakeError> {
    let work = move || {
        let (mut batches, mut quarantined, mut count) = (Vec::new(), Quarantined::default(), 0);
        for reading in &readings {
            match flattener.push(reading) {
                Ok(()) => count += 1,
                Err(fault) => quarantined.push(reading, &fault),
            }
            if flattener.is_full() {
                batches.push((flattener.schema().clone(), flattener.take()));
            }
        }
        batches.push((flattener.schema().clone(), flattener.take()));
        let schema = flattener.schema().clone();
        (flattener, Flattened { batches, schema, quarantined, count })
    };
    Ok(tokio::task::spawn_blocking(work).await?)
}
