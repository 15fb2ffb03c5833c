//! What the upkeep counts.

use andon_devices::ExpiryLevel;
use metrics::{counter, describe_counter, describe_gauge, gauge};

const ENDING: &str = "andon_device_certificates_ending";
const RETIRED: &str = "andon_device_certificates_retired_total";
const TOLD: &str = "andon_device_expiry_events_total";
const FAILED: &str = "andon_device_upkeep_failures_total";

/// What came of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Certificates that were revoked because their overlap was over.
    pub(crate) retired: usize,
    /// Events that were told.
    pub(crate) told: usize,
    /// Devices whose last certificate ends soon, ends very soon, or has ended.
    pub(crate) notice: u32,
    pub(crate) urgent: u32,
    pub(crate) expired: u32,
}

impl Tally {
    pub(super) fn count(&mut self, level: ExpiryLevel) {
        let count = match level {
            ExpiryLevel::Notice => &mut self.notice,
            ExpiryLevel::Urgent => &mut self.urgent,
            ExpiryLevel::Expired => &mut self.expired,
        };
        *count = count.saturating_add(1);
    }

    pub(super) fn publish(&self) {
        let levels = [
            (ExpiryLevel::Notice, self.notice),
            (ExpiryLevel::Urgent, self.urgent),
            (ExpiryLevel::Expired, self.expired),
        ];
        for (level, count) in levels {
            gauge!(ENDING, "level" => level.word()).set(f64::from(count));
        }
        counter!(RETIRED).increment(self.retired as u64);
        counter!(TOLD).increment(self.told as u64);
    }
}

pub(super) fn failed() {
    counter!(FAILED).increment(1);
}

/// Registers them with 0.
pub(crate) fn register_upkeep_metrics() {
    describe_gauge!(ENDING, "devices whose last certificate ends soon, by level");
    describe_counter!(RETIRED, "certificates revoked because the overlap with their successor was over");
    describe_counter!(TOLD, "events about certificates that end soon");
    describe_counter!(FAILED, "passes of the upkeep of devices that did not come to their end");
    Tally::default().publish();
    counter!(FAILED).increment(0);
    for (name, text, results) in [
        ("andon_oidc_key_fetches_total", "fetches of the keys of the external issuer", ["good", "failed"].as_slice()),
        ("andon_claim_hook_requests_total", "requests to hooks of claims", &["allowed", "refused", "failed"]),
    ] {
        describe_counter!(name, text);
        for result in results {
            counter!(name, "result" => *result).increment(0);
        }
    }
}
