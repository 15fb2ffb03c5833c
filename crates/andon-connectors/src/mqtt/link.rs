//! The task that drives one connection, from CONNACK to its end.
//!
//! It reads as long as the session has room, keeps the connection alive also when it does not read, and sends
//! acknowledgements for what the source has settled. It ends when the connection breaks, when the broker refuses the
//! subscription, or when the source is dropped; then it says goodbye, and the broker keeps the session.

use std::sync::Arc;
use std::time::Duration;

use andon_model::{Clock, Code, Problem, Timestamp};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::answers::{disconnected, refused_subscription};
use super::connect::{CHUNK_BYTES, Opened, Stream, filters, lost};
use super::session::{Session, Taken};
use super::wire::{self, Frames, Incoming, MqttVersion, Publish};
use crate::source::MqttSpec;

/// How long one write may take.
const WRITE: Duration = Duration::from_secs(20);

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Identifier of the one SUBSCRIBE of a connection.
const SUBSCRIBE_ID: u16 = 1;

/// Pings without any answer after which the connection counts as broken.
const MAX_SILENT_PINGS: u32 = 2;

/// What comes out of a connection.
pub(super) enum Arrived {
    /// The broker has taken the subscriptions.
    Subscribed,
    /// A payload.
    Publish(Received),
}

impl Arrived {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Subscribed => 0,
            Self::Publish(received) => received.publish.payload.len(),
        }
    }
}

/// A payload and when it was received.
pub(super) struct Received {
    pub(super) publish: Publish,
    pub(super) at: Timestamp,
}

/// A connection, as its source sees it. Dropping it ends the connection.
pub(super) struct Link {
    pub(super) arrived: mpsc::Receiver<Arrived>,
    /// How many payloads are settled, since the connection began.
    pub(super) settled: watch::Sender<usize>,
    pub(super) task: JoinHandle<Ended>,
}

/// The end of a connection.
pub(super) struct Ended {
    pub(super) session: Session,
    pub(super) problem: Problem,
}

/// Starts the task. Must be called inside a Tokio runtime.
pub(super) fn start(spec: &MqttSpec, opened: Opened, session: Session, clock: Arc<dyn Clock>) -> Link {
    // One more than what the session lets in: the word that the subscription stands.
    let (queue, arrived) = mpsc::channel(usize::from(spec.inflight) + 1);
    let (settled, watched) = watch::channel(0);
    let Opened { stream, frames, keep_alive, .. } = opened;
    let filters = filters(spec);
    let hello = wire::subscribe(spec.version, SUBSCRIBE_ID, &filters);
    let driver = Driver {
        stream,
        frames,
        session,
        queue,
        clock,
        version: spec.version,
        filters: filters.into_iter().map(|filter| filter.pattern).collect(),
        settled: 0,
        silent_pings: 0,
        is_subscribed: false,
        early_pings: 0,
    };
    Link { arrived, settled, task: tokio::spawn(driver.run(hello, watched, keep_alive)) }
}

struct Driver {
    stream: Box<dyn Stream>,
    frames: Frames,
    session: Session,
    queue: mpsc::Sender<Arrived>,
    clock: Arc<dyn Clock>,
    version: MqttVersion,
    filters: Vec<String>,
    /// How many payloads the broker has been told of.
    settled: usize,
    silent_pings: u32,
    is_subscribed: bool,
    /// Pings sent while the answer to SUBSCRIBE is out.
    early_pings: u32,
}

impl Driver {
    async fn run(mut self, hello: Bytes, settled: watch::Receiver<usize>, keep_alive: Duration) -> Ended {
        let problem = match self.write(&hello).await {
            Ok(()) => self.drive(settled, keep_alive).await,
            Err(problem) => problem,
        };
        Ended { session: self.session, problem }
    }

    async fn drive(&mut self, mut settled: watch::Receiver<usize>, keep_alive: Duration) -> Problem {
        let pause = keep_alive / 2;
        let mut pings = interval_at(Instant::now() + pause, pause);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Err(problem) = self.take_packets().await {
                return problem;
            }
            let reads = self.session.has_room();
            let turn = tokio::select! {
                biased;
                changed = settled.changed() => match changed {
                    Ok(()) => { let total = *settled.borrow_and_update(); self.settle(total).await }
                    Err(_) => return self.leave().await,
                },
                _ = pings.tick() => self.ping(reads).await,
                read = self.stream.read_buf(self.frames.buffer()), if reads => self.heard(read),
            };
            if let Err(problem) = turn {
                return problem;
            }
        }
    }

    fn heard(&mut self, read: std::io::Result<usize>) -> Result<(), Problem> {
        self.silent_pings = 0;
        match read {
            Ok(0) => Err(Problem::new(Code::Broker, "the broker closed the connection")),
            Ok(_) => Ok(()),
            Err(error) => Err(lost(error)),
        }
    }

    /// Acts on what has arrived, as long as there is room.
    async fn take_packets(&mut self) -> Result<(), Problem> {
        let mut answers = BytesMut::new();
        while self.session.has_room() {
            let packet = self.frames.next().map_err(|error| Problem::new(Code::Broker, error.to_string()))?;
            let Some(packet) = packet else { break };
            answers.extend(self.act_on(packet)?);
        }
        self.frames.buffer().reserve(CHUNK_BYTES);
        self.write(&answers).await
    }

    /// What a packet brings, and the answer to it.
    fn act_on(&mut self, packet: Incoming) -> Result<Option<Bytes>, Problem> {
        match packet {
            Incoming::Publish(publish) => Ok(match self.session.take(publish) {
                Taken::New(publish) => {
                    self.hand_over(Arrived::Publish(Received { publish, at: self.clock.now() }));
                    None
                }
                Taken::Known(answer) => Some(wire::acknowledge(self.version, answer)),
            }),
            Incoming::PubRel { id } => Ok(Some(wire::acknowledge(self.version, self.session.release(id)))),
            Incoming::SubAck { id: SUBSCRIBE_ID, codes } => self.subscribed(&codes).map(|()| None),
            Incoming::PingResp => Ok(None),
            Incoming::Disconnect(farewell) => Err(disconnected(&farewell)),
            Incoming::SubAck { .. } | Incoming::ConnAck(_) => {
                Err(Problem::new(Code::Broker, "the broker answers what was not asked"))
            }
        }
    }

    fn subscribed(&mut self, codes: &[u8]) -> Result<(), Problem> {
        if let Some(problem) = refused_subscription(&self.filters, codes) {
            return Err(problem);
        }
        if !self.is_subscribed {
            self.is_subscribed = true;
            self.hand_over(Arrived::Subscribed);
        }
        Ok(())
    }

    /// The queue has a place for everything that the session lets in; it fails only when the source is gone, which is
    /// noticed elsewhere.
    fn hand_over(&self, arrived: Arrived) {
        let _ = self.queue.try_send(arrived);
    }

    async fn settle(&mut self, total: usize) -> Result<(), Problem> {
        let answers = self.session.settle(total - self.settled);
        self.settled = total;
        let mut out = BytesMut::new();
        out.extend(answers.into_iter().flat_map(|answer| wire::acknowledge(self.version, answer)));
        self.write(&out).await
    }

    /// Silence counts only while it would be heard.
    async fn ping(&mut self, reads: bool) -> Result<(), Problem> {
        if self.silent_pings >= MAX_SILENT_PINGS {
            return Err(Problem::new(Code::Broker, "the broker does not answer"));
        }
        self.silent_pings += u32::from(reads);
        self.early_pings += u32::from(reads && !self.is_subscribed);
        if self.early_pings > MAX_SILENT_PINGS && !self.is_subscribed {
            return Err(Problem::new(Code::Broker, "the broker does not answer to SUBSCRIBE"));
        }
        self.write(&wire::ping()).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        if bytes.is_empty() {
            return Ok(());
        }
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        let too_long = |_| std::io::Error::from(std::io::ErrorKind::TimedOut);
        timeout(WRITE, written).await.map_err(too_long).and_then(|written| written).map_err(lost)
    }

    /// The source is gone.
    async fn leave(&mut self) -> Problem {
        let goodbye = async {
            self.stream.write_all(&wire::disconnect()).await?;
            self.stream.shutdown().await
        };
        if !matches!(timeout(GOODBYE, goodbye).await, Ok(Ok(()))) {
            tracing::debug!("the broker was left without a goodbye");
        }
        Problem::new(Code::Broker, "the source was stopped")
    }
}

#[cfg(test)]
mod tests;
