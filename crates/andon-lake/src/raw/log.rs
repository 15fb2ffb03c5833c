//! The raw log as others see it: append, read, count, checkpoint.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use andon_journal::{
    Kept, MAX_DEVICE_BYTES, MAX_PAYLOAD_BYTES, MAX_SPEAKS_FOR_BYTES, MAX_TOPIC_BYTES, NewReading, ReadingLog,
    ReadingLogError,
};
use andon_model::{Clock, Code, IngestId, Name, Problem, SpeaksFor};
use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot, watch};

use super::appender::{Appender, SegmentLimits};
use super::archive::{Archive, ArchiveError};
use super::checkpoint::{self, CheckpointError};
use super::counts::Received;
use super::disk::Disk;
use super::identity::{self, LogId};
use super::index::{Index, Lies, SegmentInfo};
use super::read::{Cursor, Position, ReadLimit, Step};
use super::reader::{ReadError, Reader};
use super::recover::{TornTail, recover};
use super::settings::RawLogSettings;
use super::writer::{Request, Shared, Writer};

/// What a reading weighs in the queue beside its payload.
const READING_BYTES: usize = 256;

/// Readings, durable and in order. Ends its thread when dropped.
pub struct RawLog {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) index: Arc<Index>,
    shared: Arc<Shared>,
    slots: Arc<Semaphore>,
    room: Arc<Semaphore>,
    settings: RawLogSettings,
    torn: Option<TornTail>,
    /// What a consumer of all readings has found missing; a start counts what was damaged later as received.
    pub(super) met_missing: AtomicU64,
    /// Where closed segments go, once it is known.
    archive: OnceLock<Archive>,
    /// Gone when the log is closed.
    thread: Mutex<Option<(SyncSender<Request>, JoinHandle<()>)>>,
}

impl RawLog {
    /// Opens the log: looks at its segments, cuts a torn tail, counts what was not counted yet, starts its thread.
    /// Blocks for as long as the disk does. After a crash the disk needs room for a copy of the last segment.
    pub fn open(disk: Arc<dyn Disk>, clock: Arc<dyn Clock>, settings: RawLogSettings) -> Result<Self, Problem> {
        Self::try_open(disk, clock, settings).map_err(|e| Problem::new(Code::RawLog, format!("opening failed: {e}")))
    }

    fn try_open(disk: Arc<dyn Disk>, clock: Arc<dyn Clock>, settings: RawLogSettings) -> io::Result<Self> {
        let counted = Received::load(disk.as_ref())?;
        let found = recover(disk.as_ref(), counted.next)?;
        let index = Arc::new(Index::default());
        found.segments.iter().for_each(|(place, bytes)| index.set(*place, Lies::Here { bytes: *bytes }));
        let received = count_rest(disk.as_ref(), &index, counted)?;
        let next = found.next.max(received.next);
        let last = found.segments.last().map(|(place, _)| place.id);
        let limits = SegmentLimits { bytes: settings.segment_bytes, age: settings.segment_age };
        let appender = Appender::new(Arc::clone(&disk), Arc::clone(&index), limits, next, last);
        let shared = Arc::new(Shared {
            received: Mutex::new(received),
            failing: Mutex::new(None),
            durable: watch::Sender::new(next),
            closing: AtomicBool::new(false),
        });
        let (disk_of_writer, shared_of_writer) = (Arc::clone(&disk), Arc::clone(&shared));
        let writer =
            Writer { appender, disk: disk_of_writer, clock, settings, shared: shared_of_writer, counted: None };
        let (sender, requests) = sync_channel(settings.waiting_batches.max(1));
        let thread = std::thread::Builder::new().name("raw-log".to_owned()).spawn(move || writer.run(&requests))?;
        Ok(Self {
            disk,
            index,
            shared,
            slots: Arc::new(Semaphore::new(settings.waiting_batches.max(1))),
            room: Arc::new(Semaphore::new(settings.waiting_bytes.min(Semaphore::MAX_PERMITS))),
            settings,
            torn: found.torn,
            met_missing: AtomicU64::new(0),
            archive: OnceLock::new(),
            thread: Mutex::new(Some((sender, thread))),
        })
    }

    /// Which log this is, for ever. Written when it is asked for the first time; blocks for as long as the disk does.
    pub fn id(&self) -> io::Result<LogId> {
        identity::identity(self.disk.as_ref(), self.settings.drawn_id)
    }

    /// The tail that was cut when the log was opened.
    pub const fn torn(&self) -> Option<&TornTail> {
        self.torn.as_ref()
    }

    /// Why readings are refused at present; `None` when they are taken.
    pub fn failing(&self) -> Option<Problem> {
        self.shared.failing.lock().clone()
    }

    /// The place behind the last durable reading.
    pub fn next(&self) -> IngestId {
        *self.shared.durable.borrow()
    }

    /// Durable readings by device.
    pub fn received(&self) -> Received {
        self.shared.received.lock().clone()
    }

    /// Looks at the counts without a copy of them.
    pub(crate) fn with_received<T>(&self, look: impl FnOnce(&Received) -> T) -> T {
        look(&self.shared.received.lock())
    }

    /// Every segment, here and in the archive, in order.
    pub fn segments(&self) -> Vec<SegmentInfo> {
        self.index.all()
    }

    /// Lets readers read the segments of `archive` that are not here. How many they are. Feeds and views read from the
    /// first archive that was added.
    pub async fn add_archive(&self, archive: &Archive) -> Result<usize, ArchiveError> {
        let found = archive.list().await?;
        self.archive.get_or_init(|| archive.clone());
        for (place, packing) in &found {
            self.index.add_archived(*place, *packing);
        }
        Ok(found.len())
    }

    /// Counts readings of the archive that a start without saved counts could not count. How many they are; while they are
    /// counted, they are missing.
    pub async fn count_archived(&self, archive: &Archive) -> Result<u64, ReadError> {
        let Some((from, end)) = self.with_received(Received::uncounted) else { return Ok(0) };
        let mut reader = self.reader(self.position_of(from), Some(archive.clone()));
        let mut found = BTreeMap::<Arc<str>, u64>::new();
        while reader.position().next < end
            && let Some(batch) = reader.next(ReadLimit::default()).await?
        {
            for reading in batch.readings.iter().filter(|reading| reading.id < end) {
                *found.entry(Arc::clone(&reading.device)).or_default() += 1;
            }
        }
        Ok(self.shared.received.lock().add_found(found))
    }

    /// Whether readings of the archive are still to be counted.
    pub(crate) fn is_uncounted(&self) -> bool {
        self.archive().is_some() && self.with_received(|received| received.uncounted().is_some())
    }

    /// Whether a consumer still has to read what is not here. Blocks for as long as the disk does.
    pub fn needs_archive(&self) -> Result<bool, CheckpointError> {
        let oldest = self.oldest().next;
        Ok(checkpoint::all(self.disk.as_ref())?.iter().any(|(_, at)| at.next < oldest))
    }

    /// The archive that was added.
    pub fn archive(&self) -> Option<&Archive> {
        self.archive.get()
    }

    /// Before the oldest reading that is still there.
    pub fn oldest(&self) -> Position {
        let segment = self.index.all().first().map_or(Position::BEGIN.segment, |oldest| oldest.place.id);
        Position { next: segment.first, segment, offset: 0 }
    }

    /// Before reading `id`, or before the first one behind it that is still there.
    pub fn position_of(&self, id: IngestId) -> Position {
        let segment = self.index.holding(id).unwrap_or(Position::BEGIN.segment);
        Position { next: id, segment, offset: 0 }
    }

    /// Reads from `position` on; `archive` where segments may have gone.
    pub fn reader(&self, position: Position, archive: Option<Archive>) -> Reader {
        let (disk, index) = (Arc::clone(&self.disk), Arc::clone(&self.index));
        Reader::new(disk, index, Cursor::new(position), archive, self.shared.durable.subscribe())
    }

    /// Where the consumer `name` is; `None` if it has never said. Blocks for as long as the disk does.
    pub fn checkpoint(&self, name: &Name) -> Result<Option<Position>, CheckpointError> {
        checkpoint::load(self.disk.as_ref(), name)
    }

    /// The consumer `name` keeps everything before `to`, if it did not say so of more. Durable when this returns; blocks
    /// until then.
    pub(crate) fn advance_checkpoint(&self, name: &Name, to: Position) -> Result<(), CheckpointError> {
        let is_ahead = checkpoint::known(self.disk.as_ref(), name)?.is_some_and(|from| from >= to);
        if is_ahead { Ok(()) } else { checkpoint::save(self.disk.as_ref(), name, to) }
    }

    /// The consumer `name` keeps everything before `to`. Durable when this returns; blocks until then.
    pub fn set_checkpoint(&self, name: &Name, to: Position) -> Result<(), CheckpointError> {
        checkpoint::save(self.disk.as_ref(), name, to)
    }

    /// Writes what waits, and ends. Later batches are refused.
    pub fn close(&self) {
        self.slots.close();
        self.room.close();
        self.shared.closing.store(true, Ordering::Release);
        if let Some((sender, thread)) = self.thread.lock().take() {
            drop(sender);
            if thread.join().is_err() {
                tracing::error!("the thread of the raw log panicked");
            }
        }
    }

    /// Hands a batch over. There is room for it, since it has a slot.
    fn hand_over(&self, request: Request) -> Result<(), ReadingLogError> {
        let thread = self.thread.lock();
        let (sender, _) = thread.as_ref().ok_or(ReadingLogError::Closed)?;
        sender.try_send(request).map_err(|_| ReadingLogError::Closed)
    }
}

impl Drop for RawLog {
    fn drop(&mut self) {
        self.close();
    }
}

#[async_trait]
impl ReadingLog for RawLog {
    async fn append(&self, readings: Vec<NewReading>) -> Result<Kept, ReadingLogError> {
        if readings.is_empty() {
            return Ok(Kept { first: self.next(), count: 0 });
        }
        let bytes = weigh(&readings, self.settings.waiting_bytes)?;
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| ReadingLogError::Closed)?;
        let room = Arc::clone(&self.room).acquire_many_owned(permits).await.map_err(|_| ReadingLogError::Closed)?;
        let (answer, kept) = oneshot::channel();
        self.hand_over(Request { readings, bytes, answer, room: [slot, room] })?;
        kept.await.unwrap_or(Err(ReadingLogError::Closed))
    }
}

/// The size of a batch, if it is within the limits.
fn weigh(readings: &[NewReading], limit: usize) -> Result<usize, ReadingLogError> {
    let mut all = 0;
    for (index, reading) in readings.iter().enumerate() {
        let NewReading { device, topic, speaks_for, payload, .. } = reading;
        let names = names_bytes(speaks_for);
        within(index, "the device's name", device.len(), MAX_DEVICE_BYTES)?;
        within(index, "the topic", topic.len(), MAX_TOPIC_BYTES)?;
        within(index, "what it speaks for", names, MAX_SPEAKS_FOR_BYTES)?;
        within(index, "the payload", payload.len(), MAX_PAYLOAD_BYTES)?;
        all += device.len() + topic.len() + names + payload.len() + READING_BYTES;
        within(index, "the batch up to here", all, limit)?;
    }
    Ok(all)
}

fn names_bytes(speaks_for: &SpeaksFor) -> usize {
    match speaks_for {
        SpeaksFor::Anyone => 0,
        SpeaksFor::Only(names) => names.iter().map(|name| name.len()).sum(),
    }
}

fn within(index: usize, what: &'static str, bytes: usize, limit: usize) -> Result<(), ReadingLogError> {
    if bytes <= limit { Ok(()) } else { Err(ReadingLogError::TooLarge { index, what, bytes, limit }) }
}

/// Counts the lines that the saved counts do not have.
fn count_rest(disk: &dyn Disk, index: &Index, counted: Received) -> io::Result<Received> {
    let mut received = counted;
    let Some(segment) = index.holding(received.next) else { return Ok(received) };
    received.begin_at(segment.first);
    let mut cursor = Cursor::new(Position { next: received.next, segment, offset: 0 });
    while let Step::Read(batch) = cursor.step(index, disk, ReadLimit::default())? {
        received.add_read(&batch.readings, batch.missing);
    }
    Ok(received)
}
