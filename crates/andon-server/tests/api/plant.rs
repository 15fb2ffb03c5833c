//! A log of readings in memory that the engine follows, and a lake that answers what it is told to.

use std::sync::Arc;
use std::sync::Mutex;

use andon_journal::{
    DeviceReadings, DeviceRows, FeedBatch, Kept, Lake, LakeStatus, LakeTableStatus, LakeUpkeep, NewReading,
    PlantMemory, ReadingFeed, ReadingFeeds, ReadingFilter, ReadingLog, ReadingLogError, ReadingLogStatus, ReadingPage,
    ReadingViews, SqlAnswer, SqlColumn, SqlQuery, TableUpkeep,
};
use andon_model::{Code, IngestId, Name, Problem, Reading};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

/// Readings in memory; followed by the plant lane, and shown.
#[derive(Clone)]
pub(crate) struct TestLog {
    readings: watch::Sender<Vec<Reading>>,
}

impl TestLog {
    pub(crate) fn new() -> Self {
        Self { readings: watch::Sender::new(Vec::new()) }
    }

    pub(crate) fn all(&self) -> Vec<Reading> {
        self.readings.borrow().clone()
    }
}

#[async_trait]
impl ReadingLog for TestLog {
    async fn append(&self, new: Vec<NewReading>) -> Result<Kept, ReadingLogError> {
        if new.iter().any(|reading| &*reading.device == "full") {
            return Err(ReadingLogError::Unwritable(Problem::new(Code::RawLog, "no space")));
        }
        let count = new.len();
        let mut first = IngestId::FIRST;
        self.readings.send_modify(|readings| {
            first = IngestId::FIRST.plus(readings.len() as u64);
            for (reading, at) in new.into_iter().zip(0..) {
                let NewReading { received, device, topic, speaks_for, payload } = reading;
                readings.push(Reading { id: first.plus(at), received, device, topic, speaks_for, payload });
            }
        });
        Ok(Kept { first, count })
    }
}

struct TestFeed {
    readings: watch::Receiver<Vec<Reading>>,
    next: IngestId,
}

#[async_trait]
impl ReadingFeed for TestFeed {
    async fn next(&mut self) -> Result<Option<FeedBatch>, Problem> {
        let readings: Vec<Reading> =
            self.readings.borrow().iter().filter(|reading| reading.id >= self.next).cloned().collect();
        let Some(last) = readings.last() else { return Ok(None) };
        self.next = last.id.plus(1);
        Ok(Some(FeedBatch { readings, next: self.next, missing: 0 }))
    }

    async fn follow(&mut self) -> Result<Option<FeedBatch>, Problem> {
        loop {
            self.readings.mark_unchanged();
            if let Some(batch) = self.next().await? {
                return Ok(Some(batch));
            }
            if self.readings.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    async fn keep(&mut self, _: IngestId) -> Result<(), Problem> {
        Ok(())
    }
}

#[async_trait]
impl ReadingFeeds for TestLog {
    async fn open(&self, _: &Name, from: IngestId) -> Result<Box<dyn ReadingFeed>, Problem> {
        self.look(from).await
    }

    async fn look(&self, from: IngestId) -> Result<Box<dyn ReadingFeed>, Problem> {
        Ok(Box::new(TestFeed { readings: self.readings.subscribe(), next: from }))
    }
}

/// What people see of a [`TestLog`].
pub(crate) struct LogViews(pub(crate) TestLog);

#[async_trait]
impl ReadingViews for LogViews {
    fn status(&self) -> ReadingLogStatus {
        let readings = self.0.all();
        let next = IngestId::FIRST.plus(readings.len() as u64);
        ReadingLogStatus { next, received: readings.len() as u64, devices: 0, missing: 0, failing: None }
    }

    fn received(&self, after: &str, limit: usize) -> Vec<DeviceReadings> {
        let mut counts = std::collections::BTreeMap::<Arc<str>, u64>::new();
        self.0.all().into_iter().for_each(|reading| *counts.entry(reading.device).or_default() += 1);
        let behind = counts.into_iter().filter(|(device, _)| **device > *after).take(limit);
        behind.map(|(device, received)| DeviceReadings { device, received }).collect()
    }

    async fn readings(&self, filter: ReadingFilter) -> Result<ReadingPage, Problem> {
        let from = filter.from.unwrap_or(IngestId::FIRST);
        let readings: Vec<_> =
            self.0.all().into_iter().filter(|reading| reading.id >= from).take(filter.limit).collect();
        let next = readings.last().map_or(from, |last| last.id.plus(1));
        Ok(ReadingPage { readings, next })
    }
}

/// Keeps a snapshot.
#[derive(Default)]
pub(crate) struct TestMemory(Mutex<Option<Bytes>>);

#[async_trait]
impl PlantMemory for TestMemory {
    async fn load(&self) -> Result<Option<Bytes>, Problem> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn save(&self, snapshot: Bytes) -> Result<(), Problem> {
        *self.0.lock().unwrap() = Some(snapshot);
        Ok(())
    }
}

/// A lake that notes what it is asked, and answers what a test has given it.
#[derive(Default)]
pub(crate) struct TestLake {
    asked: Mutex<Vec<SqlQuery>>,
    answer: Mutex<Vec<u8>>,
}

impl TestLake {
    /// What the next queries are answered with.
    pub(crate) fn answers(&self, text: &str) {
        *self.answer.lock().unwrap() = text.as_bytes().to_vec();
    }

    /// The query that was asked last.
    pub(crate) fn asked(&self) -> SqlQuery {
        self.asked.lock().unwrap().last().cloned().unwrap()
    }
}

/// Bytes in two pieces; `SELECT broken` breaks off between them.
struct TestAnswer {
    pieces: std::vec::IntoIter<Result<Bytes, Problem>>,
}

#[async_trait]
impl SqlAnswer for TestAnswer {
    fn columns(&self) -> &[SqlColumn] {
        &[]
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        self.pieces.next().transpose()
    }
}

#[async_trait]
impl Lake for TestLake {
    /// Two readings are in the tables: one in the quarantine, one with a row.
    fn status(&self) -> LakeStatus {
        let table =
            LakeTableStatus { name: "readings".into(), version: 4, columns: 9, files: 2, bytes: 4_096, rows: 1 };
        LakeStatus { next: IngestId(3), readings: 1, quarantined: 1, missing: 0, generation: 1, tables: vec![table] }
    }

    async fn query(&self, query: SqlQuery) -> Result<Box<dyn SqlAnswer>, Problem> {
        let text = query.text.clone();
        self.asked.lock().unwrap().push(query);
        if text.contains("wrong") {
            return Err(Problem::new(Code::Query, "no such column: wrong"));
        }
        if text.contains("forever") {
            std::future::pending::<()>().await;
        }
        let answer = self.answer.lock().unwrap().clone();
        let (head, tail) = answer.split_at(answer.len() / 2);
        let mut pieces = vec![Ok(Bytes::copy_from_slice(head)), Ok(Bytes::copy_from_slice(tail))];
        if text.contains("broken") {
            pieces[1] = Err(Problem::new(Code::QueryLimit, "too many rows"));
        }
        Ok(Box::new(TestAnswer { pieces: pieces.into_iter() }))
    }

    async fn device_rows(&self, _: &str, _: usize, _: IngestId) -> Result<Vec<DeviceRows>, Problem> {
        Ok(vec![DeviceRows { device: "d1".into(), readings: 1, quarantined: 1 }])
    }

    async fn compact(&self) -> Result<LakeUpkeep, Problem> {
        Ok(LakeUpkeep { tables: vec![TableUpkeep { table: "readings".into(), files_removed: 2, files_added: 1 }] })
    }

    async fn vacuum(&self) -> Result<LakeUpkeep, Problem> {
        Ok(LakeUpkeep::default())
    }

    async fn rebuild(&self) -> Result<(), Problem> {
        Ok(())
    }
}
