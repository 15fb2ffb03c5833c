//! Gateways that post batches of readings until each is durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use reqwest::StatusCode;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::books;

/// Readings of a batch.
const BATCH: u64 = 500;
/// Batches at once.
const SENDERS: u64 = 4;
/// One batch in so many is sent twice.
const TWICE: u64 = 10;
/// How long a sender rests when a batch was not taken.
const REST: Duration = Duration::from_millis(50);
/// Longest wait for readings to be acknowledged.
const PATIENCE: Duration = Duration::from_mins(5);

pub(super) struct Senders {
    shared: Arc<Shared>,
    working: JoinSet<anyhow::Result<()>>,
}

struct Shared {
    http: reqwest::Client,
    url: String,
    token: String,
    readings: u64,
    /// Readings behind this one wait.
    open: AtomicU64,
    batch: AtomicU64,
    acknowledged: AtomicU64,
    not_taken: AtomicU64,
}

impl Senders {
    /// Begins to send the first half of the readings 1 to `readings`.
    pub(super) fn start(url: String, token: String, readings: u64) -> anyhow::Result<Self> {
        let [batch, acknowledged, not_taken] = std::array::from_fn(|_| AtomicU64::new(0));
        let (http, open) = (reqwest::Client::builder().build()?, AtomicU64::new(readings / 2));
        let shared = Arc::new(Shared { http, url, token, readings, open, batch, acknowledged, not_taken });
        let working = (0..SENDERS).map(|_| Arc::clone(&shared).work()).collect();
        Ok(Self { shared, working })
    }

    /// Different readings of which the program has said that they are durable.
    pub(super) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// How often a batch was not taken.
    pub(super) fn not_taken(&self) -> u64 {
        self.shared.not_taken.load(Ordering::Relaxed)
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
            self.send(&body).await?;
            self.acknowledged.fetch_add(last + 1 - first, Ordering::Relaxed);
            if batch.is_multiple_of(TWICE) {
                self.send(&body).await?;
            }
        }
    }

    /// Again and again, until it is durable: whoever does not know must ask again.
    async fn send(&self, body: &str) -> anyhow::Result<()> {
        loop {
            let request = self.http.post(&self.url).bearer_auth(&self.token).body(body.to_owned());
            let answer = request.header("content-type", "application/x-ndjson").send().await;
            match answer {
                Ok(answer) if answer.status() == StatusCode::ACCEPTED => return Ok(()),
                Ok(answer) if answer.status().is_client_error() => bail!("refused: {}", answer.text().await?),
                _ => self.not_taken.fetch_add(1, Ordering::Relaxed),
            };
            sleep(REST).await;
        }
    }
}
