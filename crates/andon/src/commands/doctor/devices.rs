//! Devices whose certificates end soon, and authorities that do.

use std::time::Duration;

use andon_devices::registry::AuthorityRecord;
use andon_model::{Clock, SystemClock, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::Line;
use crate::client::Client;
use crate::commands::ca::{counted, reached};
use crate::output::{Failure, utc_time};

/// Devices that are counted; more are `at least`.
const MAX_COUNTED: usize = 1_000;

/// An authority that ends sooner should be replaced: what it issues cannot outlive it.
const AUTHORITY_WARN: Duration = Duration::from_hours(180 * 24);

/// What helps devices whose authority is distrusted.
const LIST_CUT_OFF: &str = "andon devices list --authority with its name, then andon devices rotate";

#[derive(Deserialize)]
struct Page {
    devices: Vec<Value>,
}

pub(super) async fn check(client: &Client) -> Vec<Line> {
    let found = async {
        let (expired, notice) = (count(client, "expired").await?, count(client, "notice").await?);
        let authorities: Vec<AuthorityRecord> = client.get("/api/v1/authorities").await?;
        let cut_off = cut_off(&authorities, client).await?;
        anyhow::Ok((expired, notice, authorities, cut_off))
    };
    match found.await {
        Ok((expired, notice, authorities, cut_off)) => {
            let mut lines = vec![certificates(expired, notice)];
            lines.extend(cut_off);
            lines.extend(authority(&authorities, SystemClock.now()));
            lines
        }
        Err(error) => {
            let problem = Failure::of(&error).problem;
            let seen = format!("{}: {}", problem.code, problem.detail);
            vec![Line::fail("devices", seen, "`andon explain` with the code says more")]
        }
    }
}

async fn count(client: &Client, level: &str) -> anyhow::Result<usize> {
    let query = [("expiry", Some(level.to_owned())), ("limit", Some(MAX_COUNTED.to_string()))];
    Ok(client.list::<Page>("/api/v1/devices", &query).await?.devices.len())
}

/// The first distrusted authority that devices still depend on.
async fn cut_off(all: &[AuthorityRecord], client: &Client) -> anyhow::Result<Option<Line>> {
    for known in all.iter().filter(|known| known.distrusted.is_some()) {
        let devices = reached(&known.name, client).await?;
        if let Some(first) = devices.first() {
            let seen = format!("{} are cut off, {first} first: {} is distrusted", counted(&devices), known.name);
            return Ok(Some(Line::warn("trust in devices", seen, LIST_CUT_OFF)));
        }
    }
    Ok(None)
}

/// `notice` counts those that have ended too.
fn certificates(expired: usize, notice: usize) -> Line {
    const WHAT: &str = "certificates of devices";
    let words = |count: usize| if count < MAX_COUNTED { count.to_string() } else { format!("at least {count}") };
    if expired > 0 {
        let seen = format!("{} have ended: these devices are locked out", words(expired));
        return Line::fail(WHAT, seen, "andon devices list --expiry expired, then andon devices rotate");
    }
    if notice > 0 {
        let seen = format!("{} end soon", words(notice));
        return Line::warn(WHAT, seen, "andon devices list --expiry notice, then andon devices rotate");
    }
    Line::ok(WHAT, "none ends soon")
}

/// The authority that issues, if there is one yet.
fn authority(all: &[AuthorityRecord], now: Timestamp) -> Option<Line> {
    const WHAT: &str = "certificate authority";
    let in_use = all.iter().filter(|known| known.retired.is_none());
    let first = in_use.min_by_key(|known| known.not_after)?;
    let seen = format!("{} ends {}", first.name, utc_time(first.not_after));
    if first.not_after < now.after(AUTHORITY_WARN) {
        return Some(Line::warn(WHAT, seen, "andon ca rotate; with --root if it is a root"));
    }
    Some(Line::ok(WHAT, seen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::Health;

    #[test]
    fn certificates_that_end_are_told() {
        let check = |urgent, notice, health, text: &str| {
            let line = certificates(urgent, notice);
            assert_eq!((line.health, line.seen.contains(text)), (health, true), "{}", line.seen);
        };
        check(0, 0, Health::Ok, "none");
        check(0, 3, Health::Warn, "3 end soon");
        check(2, 3, Health::Fail, "2 have ended");
        check(1_000, 1_000, Health::Fail, "at least 1000");
    }
}
