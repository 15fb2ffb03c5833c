//! Upkeep: what is done for devices without anybody asking.
//!
//! **Constraints.** One path, woken by the timer, with no input but the registry. Certificates whose overlap is over are
//! revoked, so that they come into the revocation list; the door refuses them from that moment anyway. Of a certificate
//! that ends soon an event is told, once for each level, and after that it is noted with the certificate. Killed between
//! the two, the same event is told again, under the same id, so that it is one event (invariant J4). Every hour keys
//! and refresh tokens go that are good for nothing any more, and with them the traces of what was removed an hour before.
//! Several processes may do all this at once.
//!
//! **Life of an alarm.** The certificate's end comes within the days that are set; a pass finds the device, tells
//! `andon.certificate.expiry`, and notes the level. The alarm is over when a newer certificate is there.

mod event;
mod tally;
mod telling;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use andon_devices::registry::{Changes, DeviceFilter, Due, Expected, MAX_ENTRIES, Moment, Versioned, Write};
use andon_devices::{Device, ExpiryLevel};
use andon_model::{Problem, Timestamp};
use tokio::sync::watch;

use self::tally::Tally;
pub(crate) use self::tally::register_upkeep_metrics;
pub(crate) use self::telling::Tell;
use super::{Office, Trouble};

/// How often what is good for nothing any more is removed.
const CLEARING: Duration = Duration::from_hours(1);

/// Most removed entries that are forgotten at once; the rest waits for the next time.
const MAX_FORGOTTEN: usize = 100_000;

/// Devices of one page.
const PAGE: usize = 200;

const _: () = assert!(PAGE <= MAX_ENTRIES, "a page is one commit at most");

/// Does the upkeep, and tells events to `T`.
pub(crate) struct Upkeep<T> {
    office: Arc<Office>,
    teller: T,
    cleared: Option<Cleared>,
}

/// When what is good for nothing was last removed, and how far the registry was then.
struct Cleared {
    at: Timestamp,
    revision: i64,
}

impl<T: Tell> Upkeep<T> {
    pub(crate) fn new(office: Arc<Office>, teller: T) -> Self {
        Self { office, teller, cleared: None }
    }

    /// Pass after pass, until `stop` is true.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(self.office.settings.upkeep_pause());
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopped(&mut stop) => return,
                _ = ticks.tick() => {}
            }
            // A stop does not wait for a pass: every step of it can be done again.
            tokio::select! {
                () = stopped(&mut stop) => return,
                passed = self.pass() => if let Err(problem) = passed {
                    tracing::warn!(%problem, "the upkeep of devices is tried again later");
                    tally::failed();
                }
            }
        }
    }

    /// Everything that is due now.
    pub(crate) async fn pass(&mut self) -> Result<Tally, Problem> {
        let mut tally = Tally::default();
        self.each_due(Moment::Retires, self.office.now(), &mut tally).await?;
        let notice = self.office.settings.expiry.ends_before(ExpiryLevel::Notice, self.office.now());
        self.each_due(Moment::Ends, notice, &mut tally).await?;
        self.clear().await?;
        tally.publish();
        Ok(tally)
    }

    /// Page after page of the devices for which `moment` comes before `before`.
    async fn each_due(&self, moment: Moment, before: Timestamp, tally: &mut Tally) -> Result<(), Problem> {
        let mut filter = DeviceFilter { due: Some(Due { moment, before }), limit: PAGE, ..DeviceFilter::default() };
        loop {
            let entries = self.office.registry.devices(&filter).await?;
            let Some(last) = entries.last() else { return Ok(()) };
            filter.after.clone_from(&last.key);
            let devices = entries.iter().map(Versioned::<Device>::of).collect::<Result<Vec<_>, _>>()?;
            for device in devices {
                match moment {
                    Moment::Retires => self.retire(device, tally).await?,
                    Moment::Ends => self.alarm(device, tally).await?,
                }
            }
        }
    }

    /// Revokes the certificates whose overlap is over.
    async fn retire(&self, found: Versioned<Device>, tally: &mut Tally) -> Result<(), Problem> {
        let Versioned { revision, value: mut device } = found;
        let retired = device.retire_due(self.office.now());
        if retired.is_empty() || !self.store(device.clone(), revision).await? {
            return Ok(());
        }
        tally.retired += retired.len();
        for certificate in retired {
            tracing::info!(device = %device.name, %certificate, "a certificate that was replaced is revoked");
        }
        Ok(())
    }

    /// Tells of a certificate that ends soon, then notes that it was told.
    async fn alarm(&self, found: Versioned<Device>, tally: &mut Tally) -> Result<(), Problem> {
        let (terms, now) = (self.office.settings.expiry, self.office.now());
        let Versioned { revision, value: mut device } = found;
        let Some(alarm) = terms.alarm(&device, now) else { return Ok(()) };
        tally.count(alarm.level);
        let Some(alarm) = device.untold_alarm(terms, now) else { return Ok(()) };
        self.teller.tell(event::of_alarm(&device, &alarm, terms)).await?;
        device.told(&alarm);
        if self.store(device, revision).await? {
            tally.told += 1;
            tracing::warn!(device = %alarm.device, certificate = %alarm.certificate, level = alarm.level.word(),
                not_after = %alarm.not_after, "a certificate ends soon");
        }
        Ok(())
    }

    /// `false`: somebody changed the device meanwhile, so that the next pass looks at it again.
    async fn store(&self, device: Device, revision: i64) -> Result<bool, Problem> {
        let write = Write::Device { device: Box::new(device), expected: Expected::Revision(revision) };
        match self.office.registry.commit(Changes::default().and(write)).await.map_err(Trouble::from) {
            Ok(_) => Ok(true),
            Err(Trouble::Raced) => Ok(false),
            Err(Trouble::Told(problem)) => Err(problem),
        }
    }

    /// Removes keys and refresh tokens that are good for nothing any more, and forgets what was removed before the last
    /// time: whoever follows the changes has heard of it since.
    async fn clear(&mut self) -> Result<(), Problem> {
        let now = self.office.now();
        if self.cleared.as_ref().is_some_and(|last| now.since(last.at) < CLEARING) {
            return Ok(());
        }
        let registry = self.office.registry.as_ref();
        let revision = registry.revision().await?;
        if let Some(last) = &self.cleared {
            registry.forget_removed(last.revision, MAX_FORGOTTEN).await?;
        }
        let keys = self.office.forget_signers().await?;
        let tokens = self.office.remove_families(|family| family.expires < now).await?;
        if keys + tokens > 0 {
            tracing::info!(keys, tokens, "expired keys and refresh tokens are removed");
        }
        self.cleared = Some(Cleared { at: now, revision });
        Ok(())
    }
}

/// Also when the one who would say so is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
