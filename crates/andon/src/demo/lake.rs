//! What the lake says of the demo's readings: whether every one is accounted for, and the query that explains the alarm.

use std::time::Duration;

use andon_model::{Clock, Code, SystemClock};
use andon_server::schema::{ConservationPage, DeviceConservation, Lake, QueryData, ReadingLogStatus};
use serde::Serialize;

use super::progress::Progress;
use crate::client::Client;
use crate::output::Failure;

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// The saved query of the scenario `quickstart`.
pub(super) const QUERY: &str = "machine-temperature";
/// More devices than the demo has.
const ALL_DEVICES: usize = 100;

/// Where the readings are: received = rows + quarantined + in flight, or there is a drift.
#[derive(Debug, Serialize)]
pub(super) struct Conservation {
    /// Acknowledged to those who sent them.
    pub(super) acknowledged: u64,
    /// In the raw log.
    pub(super) received: u64,
    /// With a row in the lake.
    pub(super) rows: u64,
    /// In the lake's quarantine, with their bytes.
    pub(super) quarantined: u64,
    /// Not in the lake yet.
    pub(super) in_flight: u64,
    /// Not accounted for.
    pub(super) drift: i64,
}

impl Conservation {
    /// Whether every reading is accounted for, and all that were acknowledged are there.
    pub(super) fn is_good(&self) -> bool {
        let there = self.rows + self.quarantined;
        self.drift == 0 && self.in_flight == 0 && self.received == there && there >= self.acknowledged
    }
}

/// Waits until every reading is in the lake, or the limit comes; gives what is there.
pub(super) async fn until_all_are_in(
    client: &Client,
    acknowledged: u64,
    limit: Duration,
    progress: &Progress,
) -> anyhow::Result<Conservation> {
    let started = SystemClock.now();
    loop {
        let now = look(client, acknowledged).await?;
        if now.is_good() || SystemClock.now().since(started) > limit {
            return Ok(now);
        }
        let there = now.rows + now.quarantined;
        progress.move_to(there, now.received, format!("{there} of {} readings in the lake", now.received));
        tokio::time::sleep(LOOK).await;
    }
}

async fn look(client: &Client, acknowledged: u64) -> anyhow::Result<Conservation> {
    let log: ReadingLogStatus = client.get("/api/v1/readings/status").await?;
    let lake: Lake = client.get("/api/v1/lake").await?;
    Ok(Conservation {
        acknowledged,
        received: log.received,
        rows: lake.readings,
        quarantined: lake.quarantined,
        in_flight: lake.in_flight,
        drift: lake.drift,
    })
}

/// Where the readings of a device are.
pub(super) async fn of_device(client: &Client, device: &str) -> anyhow::Result<DeviceConservation> {
    let limit = [("limit", Some(ALL_DEVICES.to_string()))];
    let page: ConservationPage = client.list("/api/v1/lake/devices", &limit).await?;
    let unknown = || Failure::new(Code::Internal, format!("the lake knows no device {device}"));
    Ok(page.devices.into_iter().find(|known| known.device == device).ok_or_else(unknown)?)
}

/// The last hour of a device, by the scenario's query.
pub(super) async fn hour_of(client: &Client, device: &str) -> anyhow::Result<QueryData> {
    client.list(&format!("/api/v1/queries/{QUERY}/data"), &[("device", Some(device.to_owned()))]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reading_is_accounted_for() {
        let check = |rows, in_flight, drift, expect| {
            let (acknowledged, received, quarantined) = (10, 11, 2);
            let now = Conservation { acknowledged, received, rows, quarantined, in_flight, drift };
            assert_eq!(now.is_good(), expect, "{now:?}");
        };
        check(9, 0, 0, true);
        check(8, 1, 0, false);
        check(8, 0, 1, false);
        check(10, 0, 0, false);
    }
}
