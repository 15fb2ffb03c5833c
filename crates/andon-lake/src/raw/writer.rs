//! The thread that writes: many callers, one `fsync`.
//!
//! **Constraints.** One thread appends. What waits for it is limited in batches and bytes; who finds no room waits. The
//! queue never holds more requests than there are slots, so handing one over does not block.
//!
//! **Life of a batch.** It takes a slot and room for its bytes, waits in the queue, is written in a group with those that
//! came while the group before it was written, and is answered when the group is durable. A group that the disk refuses
//! is tried again for a while; then all in it are told so. Nobody else may answer a batch: a request that is dropped
//! says that the log is closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use andon_journal::{Kept, NewReading, ReadingLogError};
use andon_model::{Clock, Code, IngestId, Problem};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::appender::{AppendFault, Appender};
use super::counts::Received;
use super::disk::Disk;
use super::segment::SegmentId;
use super::settings::RawLogSettings;

/// How long the thread sleeps when there is nothing to write, before it looks at the age of the segment.
const IDLE: Duration = Duration::from_millis(500);

/// A batch on its way.
pub(crate) struct Request {
    pub(crate) readings: Vec<NewReading>,
    pub(crate) bytes: usize,
    pub(crate) answer: oneshot::Sender<Result<Kept, ReadingLogError>>,
    /// Given back when the request is answered or dropped.
    pub(crate) room: [OwnedSemaphorePermit; 2],
}

/// What the thread tells others.
pub(crate) struct Shared {
    pub(crate) received: Mutex<Received>,
    /// Why the last group was refused, while it is.
    pub(crate) failing: Mutex<Option<Problem>>,
    /// The place behind the last durable reading.
    pub(crate) durable: watch::Sender<IngestId>,
    pub(crate) closing: AtomicBool,
}

pub(crate) struct Writer {
    pub(crate) appender: Appender,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: RawLogSettings,
    pub(crate) shared: Arc<Shared>,
    /// The segment that was open when the counts were saved.
    pub(crate) counted: Option<SegmentId>,
}

impl Writer {
    /// Writes until every sender is gone.
    pub(crate) fn run(mut self, requests: &Receiver<Request>) {
        loop {
            match requests.recv_timeout(IDLE) {
                Ok(first) => self.write(self.gather(first, requests)),
                Err(RecvTimeoutError::Timeout) => {
                    self.appender.close_if_old(self.clock.now());
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.save_counts_of_closed();
        }
        self.save_counts();
    }

    /// `first` and what waits behind it, within the limits of a group.
    fn gather(&self, first: Request, requests: &Receiver<Request>) -> Vec<Request> {
        let (mut readings, mut bytes) = (first.readings.len(), first.bytes);
        let mut group = vec![first];
        while readings < self.settings.group_readings && bytes < self.settings.group_bytes {
            let Ok(request) = requests.try_recv() else { break };
            readings += request.readings.len();
            bytes += request.bytes;
            group.push(request);
        }
        group
    }

    fn write(&mut self, group: Vec<Request>) {
        match self.append(&group) {
            Ok(first) => self.answer(group, first),
            Err(fault) => refuse(group, &problem(&fault)),
        }
    }

    /// Tries as often as the settings say, or until the log is closed.
    fn append(&mut self, group: &[Request]) -> Result<IngestId, AppendFault> {
        let mut tried = 1;
        loop {
            let readings = group.iter().flat_map(|request| &request.readings);
            match self.appender.append(readings, self.clock.now()) {
                Ok(first) => {
                    self.recovered();
                    return Ok(first);
                }
                Err(fault) => {
                    self.failed(&fault);
                    if tried >= self.settings.attempts || self.shared.closing.load(Ordering::Acquire) {
                        return Err(fault);
                    }
                }
            }
            tried += 1;
            std::thread::park_timeout(self.settings.pause);
        }
    }

    fn failed(&self, fault: &AppendFault) {
        let before = self.shared.failing.lock().replace(problem(fault));
        if before.is_none() {
            tracing::error!(code = %Code::RawLog, %fault, "the raw log does not take readings");
        }
    }

    fn recovered(&self) {
        if self.shared.failing.lock().take().is_some() {
            tracing::info!("the raw log takes readings again");
        }
    }

    /// The group is durable: count it, let readers know, then answer.
    fn answer(&self, group: Vec<Request>, first: IngestId) {
        let mut received = self.shared.received.lock();
        group.iter().flat_map(|request| &request.readings).for_each(|reading| received.add(&reading.device));
        drop(received);
        self.shared.durable.send_replace(self.appender.next());
        let mut first = first;
        for Request { readings, answer, room, .. } in group {
            drop(room);
            let count = readings.len();
            // A caller that no longer waits loses nothing.
            let _ = answer.send(Ok(Kept { first, count }));
            first = first.plus(count as u64);
        }
    }

    fn save_counts_of_closed(&mut self) {
        let open = self.appender.open_segment();
        if open != self.counted {
            self.counted = open;
            self.save_counts();
        }
    }

    /// A failure costs a longer start, and is tried again when the next segment is closed.
    fn save_counts(&self) {
        let counts = self.shared.received.lock().clone();
        if let Err(cause) = counts.save(self.disk.as_ref()) {
            tracing::warn!(code = %Code::RawLog, %cause, "the counts of readings are not saved");
        }
    }
}

fn problem(fault: &AppendFault) -> Problem {
    Problem::new(Code::RawLog, fault.to_string())
}

fn refuse(group: Vec<Request>, problem: &Problem) {
    for request in group {
        let _ = request.answer.send(Err(ReadingLogError::Unwritable(problem.clone())));
    }
}
