//! How devices come in, and where their readings go: the MQTT door, the raw log and the lake.

use andon_model::Code;
use andon_server::schema::{ConservationPage, DeviceConservation, Door, DoorState, Lake, ReadingLogStatus};

use super::Line;
use crate::client::Client;
use crate::output::Failure;

pub(super) async fn check(client: &Client) -> Vec<Line> {
    let found = async {
        let door: Door = client.get("/api/v1/mqtt").await?;
        let log: ReadingLogStatus = client.get("/api/v1/readings/status").await?;
        anyhow::Ok(vec![door_line(&door), log_line(&log)])
    };
    let mut lines = found.await.unwrap_or_else(|error| {
        let problem = Failure::of(&error).problem;
        vec![Line::fail("MQTT door", format!("{}: {}", problem.code, problem.detail), "look at the server's log")]
    });
    let lake = client.get("/api/v1/lake").await;
    let missing = lake.as_ref().map(|lake: &Lake| lake.missing).ok();
    let is_failing = client.bytes("/metrics").await.is_ok_and(|metrics| is_failing(&metrics));
    lines.extend(lake_lines(lake, is_failing));
    if let Some(missing) = missing {
        lines.push(devices_line(drifting(client).await, missing));
    }
    lines
}

/// Devices of a page, and most pages that are looked through.
const PAGE: usize = 1_000;
const MAX_PAGES: usize = 10;
/// Most devices that a line names.
const MAX_NAMED: usize = 3;

/// Devices whose readings do not add up, among how many.
struct Drifting {
    devices: Vec<DeviceConservation>,
    looked_at: usize,
    is_all: bool,
}

async fn drifting(client: &Client) -> anyhow::Result<Drifting> {
    let mut found = Drifting { devices: Vec::new(), looked_at: 0, is_all: false };
    let mut after = None;
    for _ in 0..MAX_PAGES {
        let query = [("limit", Some(PAGE.to_string())), ("after", after)];
        let page: ConservationPage = client.list("/api/v1/lake/devices", &query).await?;
        found.looked_at += page.devices.len();
        found.is_all = page.devices.len() < PAGE;
        after = page.devices.last().map(|last| last.device.clone());
        found.devices.extend(page.devices.into_iter().filter(|device| device.drift != 0));
        if found.is_all {
            break;
        }
    }
    Ok(found)
}

/// Devices of which more is absent than the raw log has lost, or any is there too often. What no line of the log has any more is
/// known by number, and not by device: no rebuild brings it back.
fn beyond(mut devices: Vec<DeviceConservation>, missing: u64) -> Vec<DeviceConservation> {
    let absent: u64 = devices.iter().filter_map(|device| u64::try_from(device.drift).ok()).sum();
    if absent <= missing {
        devices.retain(|device| device.drift < 0);
    }
    devices
}

/// The same by device: what is missing of one may be too much of another.
fn devices_line(found: anyhow::Result<Drifting>, missing: u64) -> Line {
    const WHAT: &str = "readings of each device";
    let Drifting { devices, looked_at, is_all } = match found {
        Ok(found) => found,
        Err(error) => {
            let problem = Failure::of(&error).problem;
            let seen = format!("{}: {}", problem.code, problem.detail);
            if problem.code == Code::Lake {
                return Line::fail(WHAT, seen, "`andon explain` with the code says more");
            }
            return Line::warn(WHAT, seen, "ask again, or see the server's log");
        }
    };
    let rest = if is_all { "" } else { ", of more" };
    let devices = beyond(devices, missing);
    if devices.is_empty() {
        return Line::ok(WHAT, format!("{looked_at} devices looked at{rest}"));
    }
    let named = devices.iter().take(MAX_NAMED).map(|device| format!("{} ({})", device.device, device.drift));
    let named: Vec<_> = named.collect();
    let seen = format!("{} of {looked_at} devices{rest} do not add up: {}", devices.len(), named.join(", "));
    Line::fail(WHAT, seen, "andon lake status --devices shows them all; andon lake rebuild makes the tables anew")
}

/// Readings in the lake are this much behind at most; ten seconds are usual.
const MAX_BEHIND_SECONDS: f64 = 60.0;

/// Whether the server's metrics say that readings cannot be written into the lake.
fn is_failing(metrics: &[u8]) -> bool {
    metrics.split(|b| *b == b'\n').any(|line| line.trim_ascii() == b"andon_lake_failing 1")
}

fn lake_lines(found: anyhow::Result<Lake>, is_failing: bool) -> Vec<Line> {
    const WHAT: &str = "lake";
    match found {
        Ok(lake) if lake.generation == 0 => {
            let seen = format!("not open; {} readings wait for it", lake.in_flight);
            vec![Line::fail(WHAT, seen, "the next line or the server's log says why; it is tried again by itself")]
        }
        Ok(lake) => vec![conservation_line(&lake), freshness_line(&lake, is_failing)],
        Err(error) => {
            let problem = Failure::of(&error).problem;
            let seen = format!("{}: {}", problem.code, problem.detail);
            if problem.code == Code::Lake {
                return vec![Line::warn(WHAT, seen, "without it, SQL and history are not answered")];
            }
            vec![Line::fail(WHAT, seen, "look at the server's log")]
        }
    }
}

/// Received = rows + quarantined + in flight (invariant R1).
fn conservation_line(lake: &Lake) -> Line {
    const WHAT: &str = "readings accounted for";
    let seen = format!("{} rows, {} quarantined, {} in flight", lake.readings, lake.quarantined, lake.in_flight);
    match lake.drift {
        0 => Line::ok(WHAT, seen),
        drift => Line::fail(
            WHAT,
            format!("{seen}, {drift} not accounted for"),
            "andon lake status --devices names the devices; andon lake rebuild makes the tables anew",
        ),
    }
}

fn freshness_line(lake: &Lake, is_failing: bool) -> Line {
    const WHAT: &str = "lake's freshness";
    let seen = format!("{:.0} s behind", lake.behind_seconds);
    if is_failing {
        return Line::fail(WHAT, format!("{seen}: the last batch could not be written"), "the server's log says why");
    }
    if lake.behind_seconds > MAX_BEHIND_SECONDS {
        return Line::fail(
            WHAT,
            seen,
            "watch whether it shrinks, as after a rebuild; see the server's log for the lake",
        );
    }
    Line::ok(WHAT, seen)
}

fn door_line(door: &Door) -> Line {
    const WHAT: &str = "MQTT door";
    match door.state {
        DoorState::Open => Line::ok(WHAT, format!("{}, {} connected", door.places.join(", "), door.sessions)),
        DoorState::Closed => Line::ok(WHAT, "closed, by the settings"),
        DoorState::Waiting => Line::ok(WHAT, "opens with the first device, or with `andon ca init`"),
        DoorState::Failing => {
            let why = door.detail.clone().unwrap_or_default();
            Line::fail(WHAT, why, "free the address, or set another in [mqtt]; it is tried again by itself")
        }
    }
}

fn log_line(log: &ReadingLogStatus) -> Line {
    const WHAT: &str = "raw log";
    if let Some(problem) = &log.failing {
        let remedy = "free space or repair the disk; it goes on by itself";
        return Line::fail(WHAT, format!("{}: {}", problem.code, problem.detail), remedy);
    }
    let seen = format!("{} readings of {} devices", log.received, log.devices);
    match log.missing {
        0 => Line::ok(WHAT, seen),
        missing => Line::warn(
            WHAT,
            format!("{seen}, {missing} missing"),
            "the server's log names segments and places; bytes of damaged lines are in the raw log's quarantine/",
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::commands::doctor::Health;

    #[test]
    fn readings_that_are_lost_or_late_are_told() {
        let check = |drift: i64, behind: f64, is_failing: bool, expect: [Health; 2]| {
            let lake = serde_json::from_value(json!({ "next": 11, "in_flight": 1, "behind_seconds": behind,
                "drift": drift, "readings": 8, "quarantined": 1, "missing": 0, "generation": 1, "tables": [] }));
            let found: Vec<Health> = lake_lines(Ok(lake.unwrap()), is_failing).iter().map(|line| line.health).collect();
            assert_eq!(found, expect, "drift {drift}, {behind} s behind");
        };
        check(0, 0.5, false, [Health::Ok, Health::Ok]);
        check(0, 600.0, false, [Health::Ok, Health::Fail]);
        check(0, 34.0, true, [Health::Ok, Health::Fail]);
        check(-1, 0.0, false, [Health::Fail, Health::Ok]);
    }

    #[test]
    fn a_lake_that_fails_is_found_in_the_metrics() {
        for (metrics, expect) in [
            ("# TYPE andon_lake_failing gauge\nandon_lake_failing 1\n", true),
            ("andon_lake_failing 0\nandon_lake_failures_total 1\n", false),
            ("", false),
        ] {
            assert_eq!(is_failing(metrics.as_bytes()), expect, "{metrics}");
        }
    }

    #[test]
    fn devices_that_do_not_add_up_are_named() {
        let check = |drifts: &[i64], missing: u64, is_all: bool, expect: (Health, &str)| {
            let device = |(n, drift): (usize, &i64)| {
                json!({ "device": format!("d{n}"), "received": 9, "readings": 9 - drift, "quarantined": 0, "in_flight": 0,
                    "drift": drift })
            };
            let devices = drifts.iter().enumerate().map(|one| serde_json::from_value(device(one)).unwrap()).collect();
            let line = devices_line(Ok(Drifting { devices, looked_at: 40, is_all }), missing);
            assert!(line.health == expect.0 && line.seen.contains(expect.1), "{}", line.seen);
        };
        check(&[], 0, true, (Health::Ok, "40 devices looked at"));
        check(&[], 0, false, (Health::Ok, "of more"));
        check(&[1, 1, 1], 3, true, (Health::Ok, "40 devices looked at"));
        check(&[1, 1, 2], 3, true, (Health::Fail, "3 of 40"));
        check(&[1, -1, 2], 3, true, (Health::Fail, "1 of 40 devices do not add up: d1 (-1)"));
        check(&[2, -1, 1, 1], 0, true, (Health::Fail, "4 of 40 devices do not add up: d0 (2), d1 (-1), d2 (1)"));
    }

    #[test]
    fn a_lake_that_cannot_be_opened_is_a_failure() {
        let lake = json!({ "next": 1, "in_flight": 500, "behind_seconds": 3.0, "drift": 0, "readings": 0,
            "quarantined": 0, "missing": 0, "generation": 0, "tables": [] });
        let lines = lake_lines(Ok(serde_json::from_value(lake).unwrap()), true);
        assert!(lines[0].health == Health::Fail && lines[0].seen.contains("500 readings wait"), "{}", lines[0].seen);
        let why = Failure::new(Code::Lake, "the lake is of the raw log 1, and this is the raw log 2");
        assert_eq!(devices_line(Err(why.into()), 0).health, Health::Fail);
    }

    #[test]
    fn a_server_without_a_lake_is_no_failure() {
        let error = Failure::new(Code::Lake, "no lake");
        assert_eq!(lake_lines(Err(error.into()), false)[0].health, Health::Warn);
    }
}
