//! Batches of readings by HTTP, each posted until it is durable.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::bail;
use reqwest::StatusCode;
use tokio::time::sleep;

/// How long a sender rests when a batch was not taken.
const REST: Duration = Duration::from_millis(50);

/// Where gateways post to, shared by all of them.
pub(crate) struct Intake {
    http: reqwest::Client,
    url: String,
    token: String,
    not_taken: AtomicU64,
}

impl Intake {
    /// The address of `POST /api/v1/readings`, and who may use it.
    pub(crate) fn new(url: String, token: String) -> anyhow::Result<Self> {
        Ok(Self { http: reqwest::Client::builder().build()?, url, token, not_taken: AtomicU64::new(0) })
    }

    /// How often a batch was not taken, by a refusal or a lost connection, and sent again.
    pub(crate) fn not_taken(&self) -> u64 {
        self.not_taken.load(Ordering::Relaxed)
    }

    /// Sends lines again and again, until they are durable: whoever does not know must ask again.
    pub(crate) async fn keep(&self, lines: &str) -> anyhow::Result<()> {
        loop {
            let request = self.http.post(&self.url).bearer_auth(&self.token).body(lines.to_owned());
            match request.header("content-type", "application/x-ndjson").send().await {
                Ok(answer) if answer.status() == StatusCode::ACCEPTED => return Ok(()),
                Ok(answer) if is_final(answer.status()) => bail!("refused: {}", answer.text().await?),
                _ => self.not_taken.fetch_add(1, Ordering::Relaxed),
            };
            sleep(REST).await;
        }
    }
}

/// Whether the same lines will be refused again.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS && status != StatusCode::REQUEST_TIMEOUT
}
