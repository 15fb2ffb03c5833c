//! Received = rows + quarantined + in flight (invariant R1), looked at all the time: what does not add up is an alarm.
//!
//! **Constraints.** Looking costs little: the tables' logs are counted, not the rows. Device by device the rows are read, so
//! that is done as rarely as files are tidied up, and when something is wrong. What lasts no longer than one look is no alarm.
//!
//! **Life of an episode.** Two looks in a row find that something does not add up. That is written into a file, then told on
//! the event lane, once; a start that finds the file tells the same event, which the journal knows by its id. The look that
//! finds all in order removes the file. Whatever comes later is another episode.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use andon_engine::Handle;
use andon_journal::{Lake, LakeStatus, ReadingViews};
use andon_lake::raw::RawLog;
use andon_lake::{DeltaLake, DeviceDrift};
use andon_model::{Clock, Event, IngestId, Problem, Timestamp};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior};

use super::{Plan, telemetry};

/// In the data folder: since when something does not add up.
pub(super) const FILE: &str = "lake-drift";

/// `source` of the event.
const SOURCE: &str = "/andon/lake";
/// `type` of the event.
const KIND: &str = "andon.lake.drift";
/// Most devices that the event names.
const MAX_DEVICES: usize = 100;

/// Looks whether every reading is accounted for.
pub(super) struct Watch {
    lake: Arc<DeltaLake>,
    log: Arc<RawLog>,
    handle: Handle,
    clock: Arc<dyn Clock>,
    memory: PathBuf,
    alarm: Alarm,
    /// Devices that did not add up when they were looked at last.
    devices: Vec<DeviceDrift>,
}

/// Whether something does not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alarm {
    /// All is in order.
    Off,
    /// The last look was the first that found something.
    Suspected,
    /// It lasts since then.
    On { since: Timestamp, is_told: bool },
}

/// How it adds up in all.
struct Balance {
    status: LakeStatus,
    in_flight: u64,
    drift: i64,
}

impl Watch {
    pub(super) fn new(lake: Arc<DeltaLake>, plan: &Plan) -> Self {
        let known = fs::read_to_string(&plan.memory).ok().and_then(|text| text.trim().parse().ok());
        Self {
            lake,
            log: Arc::clone(&plan.log),
            handle: plan.handle.clone(),
            clock: Arc::clone(&plan.clock),
            memory: plan.memory.clone(),
            alarm: known.map_or(Alarm::Off, |since| Alarm::On { since, is_told: false }),
            devices: Vec::new(),
        }
    }

    /// Looks `every` so often, and device by device each `thorough`.
    pub(super) async fn run(mut self, every: Duration, thorough: Duration) {
        let mut looks = tokio::time::interval(every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looked = Instant::now();
        loop {
            looks.tick().await;
            let balance = balance(&self.lake.status(), self.log.as_ref());
            telemetry::accounted(balance.drift);
            if balance.drift != 0 || !self.devices.is_empty() || looked.elapsed() >= thorough {
                self.look_at_devices().await;
                looked = Instant::now();
            }
            self.follow(&balance).await;
        }
    }

    /// A lake that cannot be read now is looked at another time.
    async fn look_at_devices(&mut self) {
        match self.lake.drifting_devices().await {
            Ok(Some(devices)) => self.devices = devices,
            Ok(None) => {}
            Err(problem) => tracing::warn!(%problem, "readings cannot be accounted for by device; trying again later"),
        }
        telemetry::accounted_by_device(self.devices.len());
    }

    async fn follow(&mut self, balance: &Balance) {
        let is_wrong = balance.drift != 0 || !self.devices.is_empty();
        let before = self.alarm;
        self.alarm = next(before, is_wrong, self.clock.now());
        let done = match (before, self.alarm) {
            (Alarm::On { .. }, Alarm::Off) => self.end(),
            (_, Alarm::On { since, is_told: false }) => self.tell(balance, since).await,
            _ => Ok(()),
        };
        if let Err(problem) = done {
            tracing::warn!(%problem, "the alarm about readings that are not accounted for cannot be told; trying again");
        }
    }

    async fn tell(&mut self, balance: &Balance, since: Timestamp) -> Result<(), Problem> {
        let drift = balance.drift;
        tracing::error!(drift, devices = self.devices.len(), "readings are not accounted for: see `andon lake status`");
        fs::write(&self.memory, since.to_string()).map_err(|error| self.failed(&error))?;
        let told = self.handle.tell_own(event(balance, &self.devices, since)).await;
        told.map_err(|error| Problem::from(&error))?;
        self.alarm = Alarm::On { since, is_told: true };
        Ok(())
    }

    fn end(&self) -> Result<(), Problem> {
        tracing::info!("every reading is accounted for again");
        match fs::remove_file(&self.memory) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.failed(&error)),
            _ => Ok(()),
        }
    }

    fn failed(&self, error: &std::io::Error) -> Problem {
        Problem::new(andon_model::Code::LocalFile, error.to_string()).at(self.memory.display().to_string())
    }
}

/// The lake is asked before the log: what it has, the log has received. What it has beyond that is too much.
fn balance(status: &LakeStatus, log: &dyn ReadingViews) -> Balance {
    let (received, read) = (log.status().next.0, status.next.0);
    let read = read.min(received).saturating_sub(IngestId::FIRST.0);
    let drift = read.cast_signed() - (status.readings + status.quarantined + status.missing).cast_signed();
    Balance { status: status.clone(), in_flight: received.saturating_sub(status.next.0), drift }
}

fn next(before: Alarm, is_wrong: bool, now: Timestamp) -> Alarm {
    match before {
        _ if !is_wrong => Alarm::Off,
        Alarm::Off => Alarm::Suspected,
        Alarm::Suspected => Alarm::On { since: now, is_told: false },
        Alarm::On { .. } => before,
    }
}

/// The same episode gives the same id, whoever tells it.
fn event(balance: &Balance, devices: &[DeviceDrift], since: Timestamp) -> Event {
    let Balance { status, in_flight, drift } = balance;
    let data = json!({
        "drift": drift,
        "rows": status.readings,
        "quarantined": status.quarantined,
        "missing": status.missing,
        "in_flight": in_flight,
        "drifting_devices": devices.len(),
        "devices": devices.iter().take(MAX_DEVICES).collect::<Vec<_>>(),
    });
    let mut event = Event::new(SOURCE, format!("lake-drift-{}", since.as_micros()), KIND, data);
    event.subject = Some("lake".to_owned());
    event.time = Some(since);
    event.datacontenttype = Some("application/json".to_owned());
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_longer_than_a_look_is_an_alarm_once() {
        let at = Timestamp::from_micros;
        let looks = [(true, 1), (false, 2), (true, 3), (true, 4), (true, 5), (false, 6), (true, 7), (true, 8)];
        let mut alarm = Alarm::Off;
        let mut seen = Vec::new();
        for (is_wrong, now) in looks {
            alarm = next(alarm, is_wrong, at(now));
            seen.push(alarm);
        }
        let on = |since| Alarm::On { since: at(since), is_told: false };
        let expect =
            [Alarm::Suspected, Alarm::Off, Alarm::Suspected, on(4), on(4), Alarm::Off, Alarm::Suspected, on(8)];
        assert_eq!(seen, expect);
    }
}
