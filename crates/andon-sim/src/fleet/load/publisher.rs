//! What a device says, and what comes of it: messages by their schedule, the faults that they meet, acknowledgements.
//!
//! **Constraints.** No I/O: packets are written to a buffer, and what the broker said is handed in.

use std::sync::Arc;
use std::time::Duration;

use andon_model::Timestamp;
use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use super::accounts::Accounts;
use super::ledger::LedgerEntry;
use super::pace::Pace;
use super::shared::{Shared, Signals};
use crate::fleet::dice::Dice;
use crate::fleet::faults::DeviceFault;
use crate::fleet::mqtt::in_flight::{Held, InFlight};
use crate::fleet::mqtt::packet::{Incoming, Speaker};
use crate::fleet::mqtt::{Protocol, Qos};
use crate::fleet::payload::{Moment, Reporter};

/// With more than this to be written, no further message is made.
const HIGH_WATER_BYTES: usize = 64 << 10;
/// Purposes of draws that are no faults.
const PHASE: u64 = 100;
const SKEW: u64 = 101;
const LATENESS: u64 = 102;

/// The publishing side of one device.
pub(super) struct Publisher {
    shared: Arc<Shared>,
    accounts: Accounts,
    dice: Dice,
    reporter: Reporter,
    pub(super) speaker: Speaker,
    flight: InFlight,
    pace: Option<Pace>,
    /// Number of the last message.
    sequence: u64,
    /// Until when nothing is said, and the message before which that was drawn.
    silence: Option<(Instant, u64)>,
    /// Microseconds by which the device's clock is wrong.
    skew: i64,
    /// Since when no more messages are made.
    over_since: Option<Instant>,
    last_written: Instant,
    /// The connection is to be cut as soon as all is written.
    pub(super) wants_cut: bool,
    scratch: Vec<u8>,
}

impl Publisher {
    pub(super) fn new(shared: Arc<Shared>, name: &str, number: usize, now: Instant) -> Self {
        let plan = &shared.plan;
        let profile = plan.profiles.of(number);
        let protocol = plan.protocols.get(number % plan.protocols.len().max(1)).copied().unwrap_or_default();
        let topic = plan.topic_of(name, profile.as_str());
        let dice = Dice::of(plan.seed, name);
        let is_skewed = plan.faults.meets(DeviceFault::Skew, dice, 0);
        let skew = if is_skewed { shift(plan.faults.skew_by, dice.swing(0, SKEW)) } else { 0 };
        let publisher = Self {
            accounts: Accounts::open(Arc::clone(&shared), name, profile),
            dice,
            reporter: Reporter::new(name, profile, plan.seed, &plan.anomalies),
            speaker: Speaker::new(protocol, name, &topic, plan.keep_alive, plan.clean),
            flight: InFlight::new(plan.in_flight),
            pace: None,
            sequence: 0,
            silence: None,
            skew,
            over_since: None,
            last_written: now,
            wants_cut: false,
            scratch: Vec::new(),
            shared,
        };
        if is_skewed {
            publisher.accounts.met(DeviceFault::Skew);
        }
        publisher
    }

    /// A new connection: what is open goes out again.
    pub(super) fn resume(&mut self, present: bool, window: u16, now: Instant, outbox: &mut BytesMut) {
        let copies = self.flight.resume(present, window, &mut self.speaker, outbox);
        self.accounts.messages().copies.add(copies);
        (self.last_written, self.wants_cut) = (now, false);
    }

    /// Takes note of what the fleet is told, and of the time.
    pub(super) fn hear(&mut self, signals: &Signals, now: Instant) {
        let plan = &self.shared.plan;
        let ends = signals.go.zip(plan.duration).map(|(go, duration)| go + duration);
        let is_over = signals.stop
            || plan.messages.is_some_and(|messages| self.sequence >= messages)
            || ends.is_some_and(|ends| now >= ends);
        if is_over && self.over_since.is_none() {
            self.over_since = Some(now);
        }
    }

    /// Begins the schedule, on the first connection.
    pub(super) fn begin(&mut self, now: Instant) {
        let (rate, dice) = (self.shared.plan.rate, self.dice);
        self.pace.get_or_insert_with(|| Pace::new(rate, dice.unit(0, PHASE), now));
    }

    /// Whether there is nothing left to say or to wait for.
    pub(super) fn is_done(&self, now: Instant) -> bool {
        let drained = |since: Instant| self.flight.is_empty() || now >= since + self.shared.plan.drain;
        self.over_since.is_some_and(drained)
    }

    /// Writes what is due.
    pub(super) fn fill(&mut self, now: Instant, outbox: &mut BytesMut) {
        if self.keep_alive().is_some_and(|span| now >= self.last_written + span) {
            Speaker::ping(outbox);
            self.last_written = now;
        }
        // Every identifier went out twice: only a new connection makes them good again.
        self.wants_cut |= !self.flight.has_room() && self.flight.is_empty();
        while self.may_publish(now, outbox) {
            self.publish_next(now, outbox);
        }
    }

    fn may_publish(&self, now: Instant, outbox: &BytesMut) -> bool {
        let is_under_limit = self.shared.plan.messages.is_none_or(|messages| self.sequence < messages);
        self.over_since.is_none()
            && !self.wants_cut
            && is_under_limit
            && outbox.len() < HIGH_WATER_BYTES
            && self.flight.has_room()
            && self.pace.is_some_and(|pace| pace.is_due(now))
            && self.silence.is_none_or(|(until, _)| until <= now)
    }

    fn publish_next(&mut self, now: Instant, outbox: &mut BytesMut) {
        let sequence = self.sequence + 1;
        if self.falls_silent(sequence, now) {
            return;
        }
        self.sequence = sequence;
        let skipped = self.pace.as_mut().map_or(0, |pace| pace.advance(now));
        self.accounts.messages().skipped.add(skipped);
        let payload = self.message(sequence, now);
        let qos = self.qos_of(sequence);
        let held = Held { sequence, payload, qos, sent: now, is_copy: false };
        let Some(id) = self.send(&held, outbox) else { return };
        self.accounts.sent(&held, now);
        self.last_written = now;
        self.misbehave(&held, id, outbox);
    }

    fn qos_of(&self, sequence: u64) -> Qos {
        let kinds = &self.shared.plan.qos;
        usize::try_from(sequence - 1).ok().and_then(|at| kinds.get(at % kinds.len())).copied().unwrap_or_default()
    }

    /// The identifier under which it went out; 0 at QoS 0.
    fn send(&mut self, held: &Held, outbox: &mut BytesMut) -> Option<u16> {
        let id = if held.qos == Qos::AtMostOnce { 0 } else { self.flight.hold(held.clone())? };
        self.speaker.publish(id, held.qos, false, &held.payload, outbox);
        Some(id)
    }

    fn falls_silent(&mut self, sequence: u64, now: Instant) -> bool {
        let was_drawn = self.silence.is_some_and(|(_, drawn)| drawn == sequence);
        if was_drawn || !self.meets(DeviceFault::Silence, sequence) {
            return false;
        }
        self.silence = Some((now + self.shared.plan.faults.silent_for, sequence));
        true
    }

    /// Draws, and counts what is met.
    fn meets(&self, fault: DeviceFault, sequence: u64) -> bool {
        let is_met = self.shared.plan.faults.meets(fault, self.dice, sequence);
        if is_met {
            self.accounts.met(fault);
        }
        is_met
    }

    fn message(&mut self, sequence: u64, now: Instant) -> Bytes {
        let faults = self.shared.plan.faults;
        let spoiled = faults.spoils(self.dice, sequence);
        if let Some(fault) = spoiled {
            self.accounts.met(fault);
        }
        let late = self.meets(DeviceFault::Late, sequence);
        let late = if late { self.dice.part_of(faults.late_by, sequence, LATENESS) } else { Duration::ZERO };
        let time = self.shared.plan.clock.now().before(late).as_micros().saturating_add(self.skew);
        let running = now.saturating_duration_since(self.shared.start);
        let moment = Moment { sequence, time: Timestamp::from_micros(time), running };
        self.scratch.clear();
        self.reporter.write(&moment, spoiled.map(|fault| (fault, faults.huge_bytes)), &mut self.scratch);
        Bytes::copy_from_slice(&self.scratch)
    }

    fn misbehave(&mut self, held: &Held, id: u16, outbox: &mut BytesMut) {
        let sequence = held.sequence;
        if self.meets(DeviceFault::Duplicate, sequence)
            && self.send(&Held { is_copy: true, ..held.clone() }, outbox).is_some()
        {
            self.accounts.messages().copies.add(1);
        }
        if id > 0 && self.meets(DeviceFault::Resend, sequence) {
            self.resend(held, id, outbox);
        }
        if self.meets(DeviceFault::Drop, sequence) {
            self.wants_cut = true;
        }
    }

    fn resend(&mut self, held: &Held, id: u16, outbox: &mut BytesMut) {
        if self.speaker.protocol() == Protocol::V5 {
            self.wants_cut = true;
            return;
        }
        self.speaker.publish(id, held.qos, true, &held.payload, outbox);
        self.flight.went_twice(id);
        self.accounts.messages().copies.add(1);
    }

    /// What the broker said; an error if it says goodbye.
    pub(super) fn take(&mut self, incoming: Incoming, now: Instant, outbox: &mut BytesMut) -> Result<(), String> {
        let settled = match incoming {
            Incoming::Acked(id, refused) => self.flight.acked(id, refused, now),
            Incoming::Received(id, refused) => {
                if refused.is_none() {
                    self.speaker.release(id, outbox);
                }
                self.flight.received(id, refused, now)
            }
            Incoming::Completed(id) => {
                self.flight.completed(id);
                None
            }
            Incoming::Goodbye(reason) => return Err(format!("the broker disconnects: {reason}")),
            Incoming::Welcome { .. } | Incoming::Refused(_) | Incoming::Pong | Incoming::Other => None,
        };
        if let Some(settled) = settled {
            self.accounts.settled(settled, now);
        }
        Ok(())
    }

    /// The lines for the ledger since the last time.
    pub(super) fn take_entries(&mut self) -> Vec<LedgerEntry> {
        self.accounts.take_entries()
    }

    /// The last lines: what was never settled.
    pub(super) fn into_entries(mut self) -> Vec<LedgerEntry> {
        self.flight.into_open().for_each(|held| self.accounts.unsettled(&held));
        self.accounts.take_entries()
    }

    /// When to look again, if nothing comes.
    pub(super) fn wake(&self, signals: &Signals, now: Instant) -> Instant {
        let plan = &self.shared.plan;
        let due = self.pace.filter(|_| self.flight.has_room() && self.over_since.is_none()).map(|pace| pace.next());
        let due = due.map(|due| self.silence.map_or(due, |(until, _)| due.max(until)));
        let ends = signals.go.zip(plan.duration).map(|(go, duration)| go + duration);
        let drained = self.over_since.map(|since| since + plan.drain);
        let ping = self.keep_alive().map(|span| self.last_written + span);
        let times = [due, ends, drained, ping].into_iter().flatten().filter(|time| *time > now);
        times.min().unwrap_or(now + Duration::from_hours(1))
    }

    /// How long nothing may be written before a ping.
    fn keep_alive(&self) -> Option<Duration> {
        let seconds = self.shared.plan.keep_alive;
        (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)).mul_f64(0.75))
    }
}

/// Part of a span in microseconds, to either side.
#[expect(clippy::cast_possible_truncation, reason = "a span is at most a week")]
fn shift(span: Duration, part: f64) -> i64 {
    (span.as_micros() as f64 * part) as i64
}
