//! Acked means kept: devices publish numbered messages while the program is killed again and again; then the ledger of
//! what was acknowledged is compared with the files of the raw log.
//!
//! A kill leaves the kernel's memory: that nothing is acknowledged before it was synced is what the raw log's own tests
//! show, with a disk that forgets.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use andon_sim::fleet::{FleetPlan, LedgerEntry, Qos};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::scene::Scene;
use crate::fleet::Running;

/// Devices that publish, and do nothing before.
pub(super) const DEVICES: usize = 50;

/// Messages a second of each.
const RATE: f64 = 100.0;

/// Connects in a row that may fail: more than a restart takes.
const PATIENCE: u32 = 1_000;

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Kept {
    pub(super) kills: usize,
    /// Messages, QoS 1 and 2 in turn.
    pub(super) sent: u64,
    pub(super) acknowledged: u64,
    /// Readings in the raw log.
    pub(super) readings: u64,
    /// Readings that stand there again: sent again after a lost acknowledgement.
    pub(super) again: u64,
    /// Acknowledged, and not in the raw log.
    pub(super) missing: u64,
}

/// Device and number of a message.
type Message = (String, u64);

/// A line of the raw log, as far as it matters here.
#[derive(Deserialize)]
struct Line {
    id: u64,
    device: String,
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    sequence: u64,
}

/// Kills the program so many times while devices publish, and looks for what was acknowledged.
pub(super) async fn measure(scene: &mut Scene, kills: usize) -> anyhow::Result<Kept> {
    let broker = scene.andon.start().await?;
    let ledger = scene.file("ledger.ndjson");
    let plan = FleetPlan {
        rate: Some(RATE),
        qos: vec![Qos::AtLeastOnce, Qos::ExactlyOnce],
        clean: false,
        patience: PATIENCE,
        ledger: Some(ledger.clone()),
        ..broker.plan()?
    };
    let devices = scene.last(DEVICES);
    let names = devices.iter().map(|identity| identity.device.clone()).collect();
    let fleet = Running::start(plan, devices).await?;
    for kill in 0..kills {
        let before = fleet.progress().acknowledged;
        fleet.until(|progress| progress.acknowledged > before).await?;
        sleep(pause(kill)).await;
        scene.andon.kill();
        scene.andon.start().await?;
    }
    let before = fleet.progress().acknowledged;
    fleet.until(|progress| progress.acknowledged > before).await?;
    let report = fleet.stop().await?;
    scene.andon.kill();
    let kept = readings(&scene.andon.raw_log(), &names)?;
    let missing = missing(&ledger, &kept)?;
    let lines: u64 = kept.values().sum();
    Ok(Kept {
        kills,
        sent: report.total.sent,
        acknowledged: report.total.acknowledged,
        readings: lines,
        again: lines - kept.len() as u64,
        missing,
    })
}

/// Different each time; where in the work of the server it strikes is up to the machine.
fn pause(kill: usize) -> Duration {
    Duration::from_millis(100 + (kill as u64 * 617) % 1_900)
}

/// How often each message of these devices stands in the raw log. What stands in a segment behind the first id of the next
/// one does not count.
fn readings(raw: &Path, devices: &HashSet<String>) -> anyhow::Result<HashMap<Message, u64>> {
    let mut lines: BTreeMap<u64, Message> = BTreeMap::new();
    for segment in segments(raw)? {
        drop(lines.split_off(&first_id(&segment)?));
        for line in BufReader::new(fs::File::open(&segment)?).split(b'\n') {
            // The last line may have been cut off by the last kill; it was not acknowledged.
            if let Ok(line) = serde_json::from_slice::<Line>(&line?)
                && devices.contains(&line.device)
            {
                lines.insert(line.id, (line.device, line.payload.sequence));
            }
        }
    }
    let mut counted = HashMap::with_capacity(lines.len());
    for message in lines.into_values() {
        *counted.entry(message).or_default() += 1;
    }
    Ok(counted)
}

/// From the name, which is `<first id>-<generation>.ndjson`.
fn first_id(segment: &Path) -> anyhow::Result<u64> {
    let name = segment.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let id = name.split('-').next().unwrap_or_default();
    id.parse().with_context(|| format!("{} is no segment", segment.display()))
}

/// All segments, older ones first.
fn segments(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(segments(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "ndjson") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Acknowledged messages that nobody has.
fn missing(ledger: &Path, kept: &HashMap<Message, u64>) -> anyhow::Result<u64> {
    let mut missing = 0;
    for line in BufReader::new(fs::File::open(ledger)?).lines() {
        let entry: LedgerEntry = serde_json::from_str(&line?)?;
        let is_kept = kept.contains_key(&(entry.device.to_string(), entry.sequence));
        missing += u64::from(entry.acknowledged && !is_kept);
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: u64, device: &str, sequence: u64) -> String {
        format!("{{\"id\":{id},\"device\":\"{device}\",\"payload\":{{\"sequence\":{sequence}}}}}\n")
    }

    #[test]
    fn what_was_acknowledged_is_looked_for_in_what_counts() {
        let folder = tempfile::tempdir().unwrap();
        let hour = folder.path().join("raw/2026/03/05/14");
        fs::create_dir_all(&hour).unwrap();
        let given_up = line(1, "a", 1) + &line(2, "a", 2) + &line(3, "a", 3) + "{\"id\":4,\"dev";
        fs::write(hour.join("00000000000000000001-0001.ndjson"), given_up).unwrap();
        let later = line(3, "a", 4) + &line(4, "a", 4) + &line(5, "other", 1);
        fs::write(hour.join("00000000000000000003-0001.ndjson"), later).unwrap();
        let kept = readings(&folder.path().join("raw"), &HashSet::from(["a".to_owned()])).unwrap();
        let message = |sequence| ("a".to_owned(), sequence);
        assert_eq!(kept, HashMap::from([(message(1), 1), (message(2), 1), (message(4), 2)]));
        let ledger = folder.path().join("ledger");
        let entry = |sequence: u64, acknowledged: bool| {
            format!("{{\"device\":\"a\",\"sequence\":{sequence},\"qos\":1,\"acknowledged\":{acknowledged}}}\n")
        };
        fs::write(&ledger, entry(2, true) + &entry(3, true) + &entry(5, false)).unwrap();
        assert_eq!(missing(&ledger, &kept).unwrap(), 1);
    }
}
