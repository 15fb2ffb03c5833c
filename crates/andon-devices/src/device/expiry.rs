//! Expiry alarms: which certificates end soon, as a function of the time.

use std::time::Duration;

use andon_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CertificateStatus, Device, DeviceName};
use crate::CertificateId;

const DAY: Duration = Duration::from_hours(24);

/// How long before a certificate's end which alarm is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExpiryTerms {
    /// Days before the end at which the first alarm is raised.
    pub notice_days: u32,
    /// Days before the end at which the second, urgent one is raised.
    pub urgent_days: u32,
}

impl Default for ExpiryTerms {
    fn default() -> Self {
        Self { notice_days: 30, urgent_days: 7 }
    }
}

/// How pressing an alarm is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryLevel {
    /// The first alarm.
    Notice,
    /// The second alarm.
    Urgent,
    /// The device is locked out.
    Expired,
}

/// A device whose newest usable certificate ends soon, or has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExpiryAlarm {
    /// The device.
    pub device: DeviceName,
    /// Its certificate that ends last.
    pub certificate: CertificateId,
    /// How pressing it is.
    pub level: ExpiryLevel,
    /// The certificate's last moment.
    pub not_after: Timestamp,
}

impl ExpiryTerms {
    /// The alarm that is on for `device` at `now`. A device with a longer-living active certificate has none; neither has
    /// one without an active certificate, as somebody decided that.
    pub fn alarm(self, device: &Device, now: Timestamp) -> Option<ExpiryAlarm> {
        let active =
            device.certificates.iter().filter(|c| c.status == CertificateStatus::Active && c.retires.is_none());
        let last = active.max_by_key(|certificate| certificate.not_after)?;
        let level = self.level(last.not_after, now)?;
        let (device, certificate) = (device.name.clone(), last.id.clone());
        Some(ExpiryAlarm { device, certificate, level, not_after: last.not_after })
    }

    /// When a certificate that ends at `not_after` reaches its next level after `now`.
    pub fn next_change(self, not_after: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let levels = [ExpiryLevel::Notice, ExpiryLevel::Urgent, ExpiryLevel::Expired];
        levels.into_iter().map(|level| self.begins(level, not_after)).filter(|begin| *begin > now).min()
    }

    fn level(self, not_after: Timestamp, now: Timestamp) -> Option<ExpiryLevel> {
        let levels = [ExpiryLevel::Expired, ExpiryLevel::Urgent, ExpiryLevel::Notice];
        levels.into_iter().find(|level| now >= self.begins(*level, not_after))
    }

    fn begins(self, level: ExpiryLevel, not_after: Timestamp) -> Timestamp {
        match level {
            ExpiryLevel::Notice => not_after.before(DAY.saturating_mul(self.notice_days)),
            ExpiryLevel::Urgent => not_after.before(DAY.saturating_mul(self.urgent_days)),
            ExpiryLevel::Expired => not_after.after(Duration::from_micros(1)),
        }
    }
}
