//! Expiry alarms: which certificates end soon, as a function of the time.

use std::time::Duration;

use andon_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Certificate, CertificateStatus, Device, DeviceName};
use crate::CertificateId;

const DAY: Duration = Duration::from_hours(24);

/// The last moment of a certificate is still good; the alarm comes after it.
const INSTANT: Duration = Duration::from_micros(1);

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

impl ExpiryAlarm {
    /// When it came on, by `terms`. It does not depend on when somebody looked.
    pub fn since(&self, terms: ExpiryTerms) -> Timestamp {
        terms.begins(self.level, self.not_after)
    }
}

impl Device {
    /// The certificate that ends last of those that are active and to stay.
    pub fn lasting(&self) -> Option<&Certificate> {
        let stays = |known: &&Certificate| known.status == CertificateStatus::Active && known.retires.is_none();
        self.certificates.iter().filter(stays).max_by_key(|certificate| certificate.not_after)
    }

    /// The alarm that is on and was not told yet.
    pub fn untold_alarm(&self, terms: ExpiryTerms, now: Timestamp) -> Option<ExpiryAlarm> {
        let alarm = terms.alarm(self, now)?;
        let told = self.lasting().and_then(|certificate| certificate.told);
        (told < Some(alarm.level)).then_some(alarm)
    }

    /// Notes that `alarm` was told.
    pub fn told(&mut self, alarm: &ExpiryAlarm) {
        if let Some(known) = self.certificates.iter_mut().find(|known| known.id == alarm.certificate) {
            known.told = known.told.max(Some(alarm.level));
        }
    }
}

impl ExpiryLevel {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Urgent => "urgent",
            Self::Expired => "expired",
        }
    }
}

impl ExpiryTerms {
    /// A certificate that ends before this is at `level`, or beyond it, at `now`.
    pub fn ends_before(self, level: ExpiryLevel, now: Timestamp) -> Timestamp {
        let within = |days: u32| now.after(DAY.saturating_mul(days) + INSTANT);
        match level {
            ExpiryLevel::Notice => within(self.notice_days),
            ExpiryLevel::Urgent => within(self.urgent_days),
            ExpiryLevel::Expired => now,
        }
    }

    /// The alarm that is on for `device` at `now`. A device with a longer-living active certificate has none; neither has
    /// one without an active certificate, as somebody decided that.
    pub fn alarm(self, device: &Device, now: Timestamp) -> Option<ExpiryAlarm> {
        let last = device.lasting()?;
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
            ExpiryLevel::Expired => not_after.after(INSTANT),
        }
    }
}
