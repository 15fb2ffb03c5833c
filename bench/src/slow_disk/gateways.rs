//! Gateways that post batches of numbered readings by HTTP, each as fast as it is answered.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::task::JoinSet;

use crate::intake::Intake;

/// Readings of a batch.
const BATCH: u64 = 500;

pub(super) struct Gateways {
    shared: Arc<Shared>,
    working: JoinSet<anyhow::Result<()>>,
}

struct Shared {
    intake: Intake,
    is_over: AtomicBool,
    acknowledged: AtomicU64,
}

impl Gateways {
    pub(super) fn start(url: String, token: String, gateways: usize) -> anyhow::Result<Self> {
        let (intake, is_over, acknowledged) = (Intake::new(url, token)?, AtomicBool::new(false), AtomicU64::new(0));
        let shared = Arc::new(Shared { intake, is_over, acknowledged });
        let working = (0..gateways).map(|gateway| Arc::clone(&shared).work(gateway)).collect();
        Ok(Self { shared, working })
    }

    /// Readings of which the program has said that they are durable.
    pub(super) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Each gateway brings its last batch to an end; returns readings, and how often a batch was not taken.
    pub(super) async fn finish(mut self) -> anyhow::Result<(u64, u64)> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.working.join_next().await {
            ended??;
        }
        Ok((self.acknowledged(), self.shared.intake.not_taken()))
    }
}

impl Shared {
    async fn work(self: Arc<Self>, gateway: usize) -> anyhow::Result<()> {
        let mut first = 0;
        while !self.is_over.load(Ordering::Relaxed) {
            self.intake.keep(&batch(gateway, first)).await?;
            self.acknowledged.fetch_add(BATCH, Ordering::Relaxed);
            first += BATCH;
        }
        Ok(())
    }
}

fn batch(gateway: usize, first: u64) -> String {
    let mut lines = String::new();
    for number in first..first + BATCH {
        let value = number % 1_000;
        // Writing into a text cannot fail.
        let _ = writeln!(
            lines,
            r#"{{"device":"gateway-{gateway:03}","topic":"plant/hall-1/gateway-{gateway:03}","payload":{{"sequence":{number},"measurements":{{"temperature":{value}.5}}}}}}"#
        );
    }
    lines
}
