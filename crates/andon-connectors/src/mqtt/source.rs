//! [`MqttSource`]: what a broker delivers becomes batches.

use std::sync::Arc;
use std::time::Duration;

use andon_journal::{Arrival, Batch, Journal, Keeper, KeeperError, Mark, Secrets, Source, SourceError};
use andon_model::{Clock, Code, Name, Problem};
use async_trait::async_trait;
use tokio::time::{Instant, sleep, sleep_until};

use super::connect::{self, locate};
use super::delivery::{arrival, decode, quarantine, retained_mark, session_mark};
use super::link::{Arrived, Link, Received, start};
use super::session::Session;
use super::telemetry;
use crate::decode::PartDecoder;
use crate::source::{MqttLane, MqttSpec, Retained, SourceSpec};

/// Most payloads of one batch.
const MAX_BATCH_PAYLOADS: usize = 500;

/// Most bytes of payloads in one batch, but for the last one.
const MAX_BATCH_BYTES: usize = 16 << 20;

/// How long a connection lives before an earlier failure is forgotten.
const CALM: Duration = Duration::from_secs(1);

/// How long a raw log that is busy is given.
const BUSY_WAIT: Duration = Duration::from_millis(50);

/// What a source works with.
#[derive(Clone)]
pub struct MqttParts {
    /// Where credentials are.
    pub secrets: Arc<dyn Secrets>,
    /// Asked which retained payloads are known.
    pub journal: Arc<dyn Journal>,
    /// Where readings are kept, if anywhere.
    pub readings: Option<Arc<dyn Keeper>>,
    /// The present.
    pub clock: Arc<dyn Clock>,
}

/// A pulled source over a broker outside.
pub struct MqttSource {
    name: Name,
    spec: MqttSpec,
    decoder: Arc<dyn PartDecoder>,
    parts: MqttParts,
    /// The session while there is no connection; with one, its task has it.
    session: Option<Session>,
    link: Option<Link>,
    client_id: String,
    /// What has come out of the connection and is in no batch yet.
    arrived: Vec<Arrived>,
    /// The payloads of the batch that waits for its acknowledgement.
    taken: Vec<Received>,
    /// Whether the readings among them are in the raw log.
    kept: bool,
    /// When the connection has lived long enough to be trusted; `None` once it was said, or before it stands.
    calm_at: Option<Instant>,
    note: Note,
}

/// Whether the journal knows that the broker has a session for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Note {
    Missing,
    /// In the batch that waits for its acknowledgement.
    Handed,
    Durable,
}

impl MqttSource {
    /// A source over the broker of `spec`; `None` when it has none. Connects when it is first asked.
    pub fn new(spec: &SourceSpec, parts: MqttParts) -> Option<Self> {
        let mqtt = spec.mqtt.clone()?;
        telemetry::register(&spec.name);
        Some(Self {
            name: spec.name.clone(),
            session: Some(Session::new(usize::from(mqtt.inflight))),
            spec: mqtt,
            decoder: spec.decoder(),
            parts,
            link: None,
            client_id: String::new(),
            arrived: Vec::new(),
            taken: Vec::new(),
            kept: false,
            calm_at: None,
            note: Note::Missing,
        })
    }

    async fn attempt(&mut self) -> Result<Batch, Problem> {
        loop {
            if self.taken.is_empty() {
                self.take();
            }
            if !self.taken.is_empty() {
                return self.batch().await;
            }
            let Some(link) = &mut self.link else {
                self.connect().await?;
                continue;
            };
            let calm_at = self.calm_at;
            tokio::select! {
                count = link.arrived.recv_many(&mut self.arrived, MAX_BATCH_PAYLOADS) => {
                    if count == 0 {
                        return Err(self.ended().await);
                    }
                }
                () = calm(calm_at) => {
                    self.calm_at = None;
                    return Ok(self.plain());
                }
            }
        }
    }

    /// Makes a batch of payloads that have arrived, in their order.
    fn take(&mut self) {
        let mut bytes = 0;
        let fits = |arrived: &Arrived| {
            let room = bytes < MAX_BATCH_BYTES;
            bytes += arrived.bytes();
            room
        };
        let count = self.arrived.iter().take(MAX_BATCH_PAYLOADS).map(fits).take_while(|fits| *fits).count();
        for arrived in self.arrived.drain(..count) {
            match arrived {
                Arrived::Subscribed => self.calm_at = Some(Instant::now() + CALM),
                Arrived::Publish(received) => self.taken.push(received),
            }
        }
        telemetry::payloads(&self.name, self.taken.len());
    }

    /// Connects. The session stays here until the connection stands, so that giving up in between loses nothing.
    async fn connect(&mut self) -> Result<(), Problem> {
        let opened = connect::open(&self.spec, self.parts.secrets.as_ref()).await?;
        let is_the_same = self.note == Note::Durable && self.client_id == opened.client_id;
        let is_known = is_the_same || self.is_noted(&opened.client_id).await?;
        let Some(mut session) = self.session.take() else {
            return Err(Problem::new(Code::Broker, "the last connection has not ended yet"));
        };
        session.connected(opened.session_present);
        telemetry::connected(&self.name, &self.spec.broker.host, opened.session_present);
        if is_known && !opened.session_present {
            telemetry::session_lost(&self.name, &self.spec.broker.host);
        }
        self.note = if is_known { Note::Durable } else { Note::Missing };
        self.client_id.clone_from(&opened.client_id);
        self.link = Some(start(&self.spec, opened, session, self.parts.clock.clone()));
        Ok(())
    }

    /// Whether the journal knows of a session under this name.
    async fn is_noted(&self, client_id: &str) -> Result<bool, Problem> {
        let mark = session_mark(&self.spec, client_id);
        let missing = self.parts.journal.unmarked(&self.name, vec![mark]).await;
        missing.map(|missing| missing.is_empty()).map_err(|error| Problem::from(&error))
    }

    /// The connection has ended: why.
    async fn ended(&mut self) -> Problem {
        telemetry::disconnected(&self.name);
        self.calm_at = None;
        let Some(link) = &mut self.link else { return Problem::new(Code::Broker, "there is no connection") };
        let ended = (&mut link.task).await;
        self.link = None;
        match ended {
            Ok(ended) => {
                self.session = Some(ended.session);
                locate(&self.spec, ended.problem)
            }
            Err(error) => {
                self.session = Some(Session::new(usize::from(self.spec.inflight)));
                locate(&self.spec, Problem::new(Code::Broker, format!("the connection's task failed: {error}")))
            }
        }
    }

    /// A batch without payloads; the engine learns that the source is well.
    fn plain(&mut self) -> Batch {
        let mut batch = Batch::default();
        self.add_note(&mut batch);
        batch
    }

    /// A payload or a granted subscription proves that there is a session from now on.
    fn add_note(&mut self, batch: &mut Batch) {
        if self.note != Note::Durable && self.link.is_some() {
            batch.marks.push(session_mark(&self.spec, &self.client_id));
            self.note = Note::Handed;
        }
    }

    /// The batch of the payloads at hand. Asked again before an acknowledgement, it gives the same once more.
    async fn batch(&mut self) -> Result<Batch, Problem> {
        let marks = self.new_retained().await?;
        let mut batch = Batch::default();
        let mut readings = Vec::new();
        for received in &self.taken {
            if self.is_passed_over(received, &marks) {
                batch.passed += 1;
            } else {
                self.add(received, &mut batch, &mut readings);
            }
        }
        self.keep(readings).await?;
        batch.marks = marks;
        self.add_note(&mut batch);
        Ok(batch)
    }

    fn add(&self, received: &Received, batch: &mut Batch, readings: &mut Vec<Arrival>) {
        let publish = &received.publish;
        let faults = match self.spec.lane {
            MqttLane::Events => {
                let decoded = decode(&self.spec, self.decoder.as_ref(), publish);
                batch.events.extend(decoded.events);
                batch.attachments.extend(decoded.attachments);
                batch.passed += decoded.passed;
                decoded.faults
            }
            MqttLane::Readings => match arrival(&self.spec, received) {
                Ok(arrival) => {
                    readings.push(arrival);
                    return;
                }
                Err(problem) => vec![(problem, publish.payload.clone())],
            },
        };
        let faults = faults.into_iter().map(|(problem, raw)| quarantine(&self.name, publish, problem, raw));
        batch.quarantine.extend(faults);
    }

    /// Marks of the retained payloads at hand that were never seen before.
    async fn new_retained(&self) -> Result<Vec<Mark>, Problem> {
        let retained = self.taken.iter().filter(|received| received.publish.retained);
        let marks: Vec<Mark> = retained.map(|received| retained_mark(&received.publish)).collect();
        if marks.is_empty() || self.spec.retained != Retained::Once {
            return Ok(Vec::new());
        }
        self.parts.journal.unmarked(&self.name, marks).await.map_err(|error| Problem::from(&error))
    }

    fn is_passed_over(&self, received: &Received, unknown: &[Mark]) -> bool {
        received.publish.retained
            && match self.spec.retained {
                Retained::Every => false,
                Retained::Never => true,
                Retained::Once => !unknown.contains(&retained_mark(&received.publish)),
            }
    }

    /// Keeps readings, once: what fails after this brings the same batch again, but not the same readings.
    async fn keep(&mut self, readings: Vec<Arrival>) -> Result<(), Problem> {
        if self.kept || readings.is_empty() {
            return Ok(());
        }
        let closed = || Problem::new(Code::RawLog, "the raw log is not open in this process");
        let keeper = self.parts.readings.as_ref().ok_or_else(closed)?;
        let count = readings.len();
        loop {
            match keeper.append(readings.clone()).await {
                Ok(()) => break,
                Err(KeeperError::Busy) => sleep(BUSY_WAIT).await,
                Err(KeeperError::Failed(why)) => return Err(Problem::new(Code::RawLog, why)),
            }
        }
        self.kept = true;
        telemetry::readings(&self.name, count);
        Ok(())
    }
}

/// Waits until a connection counts as calm; for ever, when there is nothing to wait for.
async fn calm(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[async_trait]
impl Source for MqttSource {
    async fn next(&mut self) -> Result<Batch, SourceError> {
        self.attempt().await.map_err(SourceError)
    }

    async fn acknowledge(&mut self) -> Result<(), SourceError> {
        let count = std::mem::take(&mut self.taken).len();
        self.kept = false;
        if self.note == Note::Handed {
            self.note = Note::Durable;
        }
        if let Some(link) = &self.link {
            link.settled.send_modify(|settled| *settled += count);
        }
        Ok(())
    }
}

impl Drop for MqttSource {
    fn drop(&mut self) {
        telemetry::disconnected(&self.name);
    }
}
