//! The life of one device: it connects, publishes, is cut off, comes back, and says goodbye.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::publisher::Publisher;
use super::shared::{Shared, Signals};
use crate::fleet::dice::Dice;
use crate::fleet::mqtt::link::{self, Link, LinkLost, NoLink};

/// The first rest after a failure; doubled with each further one.
const SHORTEST_REST: Duration = Duration::from_millis(200);
/// The longest rest.
const LONGEST_REST: Duration = Duration::from_secs(5);
/// Purpose of the draws of rests.
const REST: u64 = 200;

/// How a connection ended.
enum Ending {
    /// All is said.
    Done,
    /// On purpose: the device comes back at once.
    Cut,
    /// The broker or the network did it.
    Lost(String),
}

/// One device.
pub(super) struct Device {
    pub(super) shared: Arc<Shared>,
    pub(super) publisher: Publisher,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) signals: watch::Receiver<Signals>,
    /// When it first connects.
    pub(super) connects_at: Instant,
    /// Hears that it has tried to connect.
    pub(super) arrivals: mpsc::Sender<()>,
    pub(super) dice: Dice,
    connects: u64,
    was_connected: bool,
}

impl Device {
    pub(super) fn new(
        shared: &Arc<Shared>,
        (name, number): (&str, usize),
        tls: Option<Arc<ClientConfig>>,
        signals: watch::Receiver<Signals>,
        arrivals: mpsc::Sender<()>,
    ) -> Self {
        let plan = &shared.plan;
        let wait = plan.connects_per_second.map_or(0.0, |rate| number as f64 / rate);
        Self {
            publisher: Publisher::new(Arc::clone(shared), name, number, shared.start),
            tls,
            signals,
            connects_at: shared.start + Duration::from_secs_f64(wait),
            arrivals,
            dice: Dice::of(plan.seed, name),
            connects: 0,
            was_connected: false,
            shared: Arc::clone(shared),
        }
    }

    /// Lives until all is said, or nobody opens.
    pub(super) async fn live(mut self) {
        self.stops_before(self.connects_at).await;
        let mut failures = 0;
        while !self.is_done() && failures < self.shared.plan.patience {
            let (reason, is_cut) = match self.connect().await {
                Err(error) => {
                    failures += 1;
                    (error.to_string(), false)
                }
                Ok(link) => {
                    failures = 0;
                    let ending = self.converse(link).await;
                    self.shared.counters.closed.add(1);
                    match ending {
                        Ending::Done => break,
                        Ending::Cut => (String::new(), true),
                        Ending::Lost(reason) => {
                            self.shared.counters.lost.add(1);
                            (format!("connection lost: {reason}"), false)
                        }
                    }
                }
            };
            if !is_cut {
                self.shared.counters.because(&reason);
                self.rest(failures).await;
            }
        }
        self.shared.ledger.hand_in(self.publisher.into_entries()).await;
    }

    fn is_done(&mut self) -> bool {
        let (signals, now) = (*self.signals.borrow_and_update(), Instant::now());
        self.publisher.hear(&signals, now);
        self.publisher.is_done(now)
    }

    async fn connect(&mut self) -> Result<Link, NoLink> {
        let shared = Arc::clone(&self.shared);
        let is_first = self.connects == 0;
        let permit = if is_first { shared.first_connects.acquire().await.ok() } else { None };
        let begun = Instant::now();
        self.connects += 1;
        shared.counters.attempts.add(1);
        let done = link::connect(&shared.place, self.tls.clone(), &self.publisher.speaker).await;
        drop(permit);
        self.count(&done, begun);
        if is_first {
            // The channel has room for every device.
            let _ = self.arrivals.try_send(());
        }
        let (mut link, present, window) = done?;
        self.publisher.resume(present, window, Instant::now(), &mut link.outbox);
        Ok(link)
    }

    fn count<T>(&mut self, done: &Result<T, NoLink>, begun: Instant) {
        let counters = &self.shared.counters;
        match done {
            Err(NoLink::Refused(_)) => counters.refused.add(1),
            Err(NoLink::Failed(_)) => counters.failed.add(1),
            Ok(_) => {
                let now = Instant::now();
                counters.connecting.count(now - begun);
                let count = if self.was_connected { &counters.reconnected } else { &counters.connected };
                count.add(1);
                if !self.was_connected {
                    let micros = now.saturating_duration_since(self.shared.start).as_micros();
                    counters.all_connected.raise(u64::try_from(micros).unwrap_or(u64::MAX));
                }
                self.was_connected = true;
            }
        }
    }

    async fn converse(&mut self, mut link: Link) -> Ending {
        let storms = self.signals.borrow_and_update().storms;
        loop {
            let (signals, now) = (*self.signals.borrow_and_update(), Instant::now());
            if signals.storms != storms {
                return Ending::Cut;
            }
            self.publisher.hear(&signals, now);
            if signals.go.is_some() {
                self.publisher.begin(now);
            }
            if self.publisher.is_done(now) {
                self.publisher.speaker.goodbye(&mut link.outbox);
                link.farewell().await;
                return Ending::Done;
            }
            self.publisher.fill(now, &mut link.outbox);
            if self.publisher.wants_cut && link.outbox.is_empty() {
                return Ending::Cut;
            }
            if let Err(lost) = self.step(&mut link, &signals, now).await {
                return Ending::Lost(lost.to_string());
            }
        }
    }

    /// Waits for something to happen, and takes it in.
    async fn step(&mut self, link: &mut Link, signals: &Signals, now: Instant) -> Result<(), LinkLost> {
        let wake = self.publisher.wake(signals, now);
        tokio::select! {
            moved = link.exchange() => moved?,
            () = sleep_until(wake) => return Ok(()),
            // A fleet that is gone tells nothing more; its devices end with it.
            _ = self.signals.changed() => return Ok(()),
        }
        let now = Instant::now();
        while let Some(incoming) = link.next(&self.publisher.speaker)? {
            self.publisher.take(incoming, now, &mut link.outbox).map_err(std::io::Error::other)?;
        }
        let entries = self.publisher.take_entries();
        if !entries.is_empty() {
            self.shared.ledger.hand_in(entries).await;
        }
        Ok(())
    }

    /// A pause before the next attempt, longer with each failure and never the same for all.
    async fn rest(&mut self, failures: u32) {
        let doubled = SHORTEST_REST * 2_u32.pow(failures.saturating_sub(1).min(8));
        let jitter = 0.5 + self.dice.unit(self.connects, REST);
        self.stops_before(Instant::now() + doubled.min(LONGEST_REST).mul_f64(jitter)).await;
    }

    /// Waits until then, unless the fleet is to stop.
    async fn stops_before(&mut self, then: Instant) {
        // Whether it was the time or the signal shows when the device next looks.
        let _ = timeout_at(then, self.signals.wait_for(|signals| signals.stop)).await;
    }
}
