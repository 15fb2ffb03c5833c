//! Taking events in: decode, check the back-pressure, append, wake the lane.

use std::sync::atomic::Ordering;

use andon_journal::{
    Append, Appended, DEVICE_HEADER, Decoded, Delivery, JournalError, Mark, NewQuarantine, SourceError,
};
use andon_model::{Code, Event, Name, Offset, Problem};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::engine::{RunningSource, Shared};
use crate::repetition::take_out_others;
use crate::screening::screen;
use crate::telemetry;

/// Why a delivery was not accepted; nothing of it is kept unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// No such source.
    #[error("there is no source {0}")]
    UnknownSource(Name),
    /// Too much work is waiting: come back later.
    #[error("{backlog} events wait to be decided, the limit is {limit}; try again in a few seconds")]
    Busy {
        /// Events waiting.
        backlog: i64,
        /// The limit.
        limit: i64,
    },
    /// The journal failed; the sender must repeat.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An object that a notification names could not be read; the sender must repeat.
    #[error("{0}")]
    Object(Problem),
    /// There is no such quarantine entry.
    #[error("there is no quarantine entry {0}")]
    UnknownQuarantine(i64),
}

/// What became of a delivery; all of it is durable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Delivered {
    /// For each event in order: its offset, and whether it was new.
    pub events: Vec<(Offset, bool)>,
    /// For each part that could not be decoded: its quarantine entry and why.
    pub quarantined: Vec<(i64, Problem)>,
}

impl Delivered {
    fn absorb(&mut self, appended: Appended, problems: Vec<Problem>) {
        self.events.extend(appended.events);
        self.quarantined.extend(appended.quarantine.into_iter().zip(problems));
    }
}

pub(crate) async fn deliver(shared: &Shared, name: &Name, delivery: Delivery) -> Result<Delivered, IntakeError> {
    let source = shared.sources.read().get(name).cloned().ok_or_else(|| IntakeError::UnknownSource(name.clone()))?;
    check_backlog(shared)?;
    let Some((notifications, objects)) = &source.notifications else {
        return store_decoded(shared, &source, &delivery, source.decoder.decode(&delivery), Vec::new()).await;
    };
    let mut named = notifications.decode(&delivery);
    let mut delivered = Delivered::default();
    for path in &std::mem::take(&mut named.objects) {
        let object = match objects.read(path).await {
            Ok(Some(object)) => object,
            Ok(None) => {
                telemetry::object_missing(name, path);
                continue;
            }
            Err(SourceError(problem)) if problem.code == Code::TooLarge => {
                named.faults.push((problem, Bytes::from(path.clone())));
                continue;
            }
            Err(SourceError(problem)) => return Err(IntakeError::Object(problem)),
        };
        let mark = Mark { key: object.path.clone(), version: object.version.clone() };
        let decoded = decode_object(shared, &source, &object).await?;
        let stored = store_decoded(shared, &source, &object, decoded, vec![mark]).await?;
        delivered.events.extend(stored.events);
        delivered.quarantined.extend(stored.quarantined);
    }
    let stored = store_decoded(shared, &source, &delivery, named, Vec::new()).await?;
    delivered.events.extend(stored.events);
    delivered.quarantined.extend(stored.quarantined);
    Ok(delivered)
}

/// Stores an event of Andon's own, which no decoder has read.
pub(crate) async fn tell_own(shared: &Shared, event: Event) -> Result<(), IntakeError> {
    check_backlog(shared)?;
    let append = Append {
        source: None,
        events: vec![event],
        attachments: Vec::new(),
        quarantine: Vec::new(),
        marks: Vec::new(),
        checkpoint: None,
        at: shared.clock.now(),
    };
    append_and_wake(shared, append).await?;
    Ok(())
}

pub(crate) async fn replay(shared: &Shared, id: i64) -> Result<Delivered, IntakeError> {
    let entry = shared.views.quarantine_detail(id).await?.ok_or(IntakeError::UnknownQuarantine(id))?;
    let device = entry.headers.iter().find(|(name, _)| name == DEVICE_HEADER).map(|(_, device)| device.clone());
    let delivery = Delivery {
        content_type: entry.content_type,
        headers: entry.headers,
        device,
        path: entry.path,
        body: entry.raw.unwrap_or_default(),
        ..Delivery::default()
    };
    let delivered = deliver_replayed(shared, &entry.source, delivery).await?;
    if delivered.quarantined.is_empty() {
        shared.views.mark_replayed(id).await?;
    }
    Ok(delivered)
}

/// A replay that fails again leaves the old entry open instead of making a second one.
async fn deliver_replayed(shared: &Shared, name: &Name, delivery: Delivery) -> Result<Delivered, IntakeError> {
    let source = shared.sources.read().get(name).cloned().ok_or_else(|| IntakeError::UnknownSource(name.clone()))?;
    let mut decoded = decode_object(shared, &source, &delivery).await?;
    decoded.faults.extend(screen(&mut decoded.events, delivery.device.as_deref()));
    let faults: Vec<Problem> = std::mem::take(&mut decoded.faults).into_iter().map(|(problem, _)| problem).collect();
    let (mut delivered, others) = append_decoded(shared, &source, &delivery, decoded, Vec::new()).await?;
    let faults = faults.into_iter().chain(others.into_iter().map(|(problem, _)| problem));
    delivered.quarantined.extend(faults.map(|problem| (0, problem)));
    Ok(delivered)
}

/// Decodes what came from a bucket, and attaches what lies beside it there.
async fn decode_object(shared: &Shared, source: &RunningSource, object: &Delivery) -> Result<Decoded, IntakeError> {
    let decoded = source.decoder.decode(object);
    let Some((_, objects)) = source.notifications.as_ref().filter(|_| !object.path.is_empty()) else {
        return Ok(decoded);
    };
    let attached = objects.attach(object, decoded, shared.clock.now()).await;
    attached.map_err(|SourceError(problem)| IntakeError::Object(problem))
}

fn check_backlog(shared: &Shared) -> Result<(), IntakeError> {
    let (backlog, limit) = (shared.backlog(), shared.settings.max_backlog);
    if backlog < limit {
        return Ok(());
    }
    telemetry::intake_refused(backlog);
    Err(IntakeError::Busy { backlog, limit })
}

/// Stores what was decoded, and in quarantine what is known and comes from somebody else.
async fn store_decoded(
    shared: &Shared,
    source: &RunningSource,
    delivery: &Delivery,
    decoded: Decoded,
    marks: Vec<Mark>,
) -> Result<Delivered, IntakeError> {
    let (mut delivered, others) = append_decoded(shared, source, delivery, decoded, marks).await?;
    let problems: Vec<Problem> = others.iter().map(|(problem, _)| problem.clone()).collect();
    let quarantine =
        others.into_iter().map(|(problem, raw)| quarantine_entry(source, delivery, problem, raw)).collect();
    let (name, at) = (Some(source.info.name.clone()), shared.clock.now());
    let append = Append { source: name, quarantine, at, ..Append::default() };
    delivered.absorb(append_and_wake(shared, append).await?, problems);
    Ok(delivered)
}

/// Stores what was decoded; beside it what is known and comes from somebody else, which is not stored.
async fn append_decoded(
    shared: &Shared,
    source: &RunningSource,
    delivery: &Delivery,
    mut decoded: Decoded,
    marks: Vec<Mark>,
) -> Result<(Delivered, Vec<(Problem, Bytes)>), IntakeError> {
    decoded.faults.extend(screen(&mut decoded.events, delivery.device.as_deref()));
    let problems: Vec<Problem> = decoded.faults.iter().map(|(problem, _)| problem.clone()).collect();
    let quarantine = decoded.faults.into_iter().map(|(problem, raw)| quarantine_entry(source, delivery, problem, raw));
    let sent = decoded.events.clone();
    let append = Append {
        source: Some(source.info.name.clone()),
        quarantine: quarantine.collect(),
        events: decoded.events,
        attachments: decoded.attachments,
        marks,
        checkpoint: None,
        at: shared.clock.now(),
    };
    let mut appended = append_and_wake(shared, append).await?;
    let others = take_out_others(shared, sent, &mut appended).await?;
    let mut delivered = Delivered::default();
    delivered.absorb(appended, problems);
    telemetry::passed(&source.info.name, decoded.passed);
    Ok((delivered, others))
}

fn quarantine_entry(source: &RunningSource, delivery: &Delivery, problem: Problem, raw: Bytes) -> NewQuarantine {
    NewQuarantine {
        source: source.info.name.clone(),
        problem,
        content_type: delivery.content_type.clone(),
        headers: delivery.attribute_headers(),
        path: delivery.path.clone(),
        raw,
    }
}

/// Appends durably, counts, and wakes the lane. The lane is woken after a failure as well: its outcome is
/// unknown, and what did get in must not wait for the next event.
pub(crate) async fn append_and_wake(shared: &Shared, append: Append) -> Result<Appended, JournalError> {
    if append.events.is_empty()
        && append.quarantine.is_empty()
        && append.marks.is_empty()
        && append.checkpoint.is_none()
    {
        return Ok(Appended::default());
    }
    let source = append.source.clone();
    let appended = shared.journal.append(append).await;
    shared.appends.note(&appended, shared.clock.now());
    if let Some(highest) = appended.iter().flat_map(|appended| &appended.events).map(|(offset, _)| offset.0).max() {
        shared.appended_up_to.fetch_max(highest, Ordering::AcqRel);
    }
    shared.new_events.notify_one();
    let appended = appended?;
    telemetry::appended(source.as_ref(), &appended);
    Ok(appended)
}

impl From<&IntakeError> for Problem {
    fn from(error: &IntakeError) -> Self {
        match error {
            IntakeError::UnknownSource(_) => Self::new(Code::UnknownSource, error.to_string()),
            IntakeError::Busy { .. } => Self::new(Code::BackPressure, error.to_string()),
            IntakeError::Journal(journal) => Self::from(journal),
            IntakeError::Object(problem) => problem.clone(),
            IntakeError::UnknownQuarantine(_) => Self::new(Code::NotFound, error.to_string()),
        }
    }
}
