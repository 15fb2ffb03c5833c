//! Gateways that post batches of readings until each is durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::books;
use crate::intake::Intake;

/// Readings of a batch.
const BATCH: u64 = 500;
/// Batches at once.
const SENDERS: u64 = 4;
/// One batch in so many is sent twice.
const TWICE: u64 = 10;
/// How long a sender waits for the second half.
const REST: Duration = Duration::from_millis(50);
/// Longest wait for readings to be acknowledged.
const PATIENCE: Duration = Duration::from_mins(5);

pub(super) struct Senders {
    shared: Arc<Shared>,
    working: JoinSet<anyhow::Result<()>>,
}

struct Shared {
    intake: Intake,
    readings: u64,
    /// Readings behind this one wait.
    open: AtomicU64,
    batch: AtomicU64,
    acknowledged: AtomicU64,
}

impl Senders {
    /// Begins to send the first half of the readings 1 to `readings`.
    pub(super) fn start(url: String, token: String, readings: u64) -> anyhow::Result<Self> {
        let [batch, acknowledged] = std::array::from_fn(|_| AtomicU64::new(0));
        let (intake, open) = (Intake::new(url, token)?, AtomicU64::new(readings / 2));
        let shared = Arc::new(Shared { intake, readings, open, batch, acknowledged });
        let working = (0..SENDERS).map(|_| Arc::clone(&shared).work()).collect();
        Ok(Self { shared, working })
    }

    /// Different readings of which the program has said that they are durable.
    pub(super) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// How often a batch was not taken.
    pub(super) fn not_taken(&self) -> u64 {
        self.shared.intake.not_taken()
    }

    /// Lets the second half go.
    pub(super) fn go_on(&self) {
        self.shared.open.store(self.shared.readings, Ordering::Relaxed);
    }

    /// Waits until so many are.
    pub(super) async fn until(&self, acknowledged: u64) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.acknowledged() < acknowledged.min(self.shared.readings) {
            ensure!(begun.elapsed() < PATIENCE, "readings are not acknowledged");
            sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// Waits until all are; returns how many batches were not taken at once.
    pub(super) async fn finish(mut self) -> anyhow::Result<u64> {
        while let Some(ended) = self.working.join_next().await {
            ended??;
        }
        Ok(self.not_taken())
    }
}

impl Shared {
    async fn work(self: Arc<Self>) -> anyhow::Result<()> {
        loop {
            let batch = self.batch.fetch_add(1, Ordering::Relaxed);
            let first = batch * BATCH + 1;
            if first > self.readings {
                return Ok(());
            }
            let last = self.readings.min(first + BATCH - 1);
            while first > self.open.load(Ordering::Relaxed) {
                sleep(REST).await;
            }
            let body: String = (first..=last).map(books::line).collect();
            self.intake.keep(&body).await?;
            self.acknowledged.fetch_add(last + 1 - first, Ordering::Relaxed);
            if batch.is_multiple_of(TWICE) {
                self.intake.keep(&body).await?;
            }
        }
    }
}
