//! The fleet against the program itself: onboarded by the API, through the door, into the raw log.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use andon_sim::fleet::{LedgerEntry, sequence_of};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use common::Server;
use serde_json::Value;

const DEVICES: u64 = 20;
const MESSAGES: u64 = 30;

/// Everything that can go wrong, but for what takes long.
const FAULTS: &str = "duplicate=0.05,resend=0.05,drop=0.02,late=0.1,skew=0.5,silence=0.02:20ms,storm=1:300ms,\
                      not_json=0.05,truncated=0.05,wrong_types=0.05,binary=0.05,huge=0.05:20k";

/// Runs a fleet; gives its report.
fn fleet(server: &Server, ways: &[&str]) -> Value {
    let folder = server.folder.path().join("fleet");
    let devices = DEVICES.to_string();
    let mut args = vec!["simulate", "fleet", "--devices", &devices, "--folder", folder.to_str().unwrap()];
    args.extend(["--connects", "max"]);
    args.extend(ways);
    server.json(&args)
}

/// Device and sequence of everything in the raw log.
fn raw_log(server: &Server) -> BTreeSet<(String, u64)> {
    let mut found = BTreeSet::new();
    let mut from = "0".to_owned();
    loop {
        let page = server.json(&["readings", "list", "--limit", "1000", "--from", &from]);
        let readings = page["readings"].as_array().unwrap();
        found
            .extend(readings.iter().map(|reading| (reading["device"].as_str().unwrap().to_owned(), sequence(reading))));
        if readings.is_empty() {
            return found;
        }
        from = page["next"].to_string();
    }
}

fn sequence(reading: &Value) -> u64 {
    let payload = match reading["payload_base64"].as_str() {
        Some(text) => BASE64_STANDARD.decode(text).unwrap(),
        None => reading["payload"].to_string().into_bytes(),
    };
    sequence_of(&payload).expect("a payload of the fleet")
}

fn acknowledged(ledger: &Path) -> Vec<(String, u64)> {
    let text = std::fs::read_to_string(ledger).unwrap();
    let entries = text.lines().map(|line| serde_json::from_str::<LedgerEntry>(line).unwrap());
    entries.filter(|entry| entry.acknowledged).map(|entry| (entry.device.to_string(), entry.sequence)).collect()
}

#[test]
fn what_is_acknowledged_is_in_the_raw_log() {
    let server = Server::start();
    let ledger = server.folder.path().join("ledger");
    let messages = MESSAGES.to_string();
    let ways = ["--messages", &messages, "--rate", "50", "--mqtt", "3.1.1,5", "--qos", "1,2", "--faults", FAULTS];
    let report = fleet(&server, &[&ways[..], &["--ledger", ledger.to_str().unwrap()]].concat());
    assert_eq!((&report["onboarding"]["onboarded"], &report["onboarding"]["known"]), (&DEVICES.into(), &0.into()));
    assert_eq!(report["connects"]["connected"], DEVICES, "{report}");
    assert!(report["connects"]["reconnected"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(report["total"]["sent"], DEVICES * MESSAGES, "{report}");
    assert_eq!((&report["total"]["unsettled"], &report["total"]["refused"]), (&0.into(), &0.into()), "{report}");
    let acknowledged = acknowledged(&ledger);
    assert_eq!(acknowledged.len() as u64, DEVICES * MESSAGES);
    let kept = raw_log(&server);
    let lost: Vec<_> = acknowledged.iter().filter(|message| !kept.contains(*message)).collect();
    assert!(lost.is_empty(), "acknowledged and not kept: {lost:?}");
}

#[test]
fn identities_are_used_again() {
    let server = Server::start();
    let ways = ["--messages", "2", "--rate", "max"];
    let first = fleet(&server, &[&ways[..], &["--onboard", "bulk"]].concat());
    let again = fleet(&server, &ways);
    for (report, known) in [(&first, 0), (&again, DEVICES)] {
        assert_eq!(report["onboarding"]["known"], known, "{report}");
        assert_eq!(report["total"]["acknowledged"], DEVICES * 2, "{report}");
    }
    assert_eq!(server.json(&["devices", "list"])["devices"].as_array().unwrap().len() as u64, DEVICES);
    // A device that is revoked stays out, and the others do not care.
    server.json(&["devices", "revoke", "sim-00001"]);
    let after = fleet(&server, &[&ways[..], &["--onboard", "none", "--duration", "2s"]].concat());
    assert_eq!(after["connects"]["connected"], DEVICES - 1, "{after}");
    assert_eq!(after["total"]["acknowledged"], (DEVICES - 1) * 2, "{after}");
}

#[test]
fn the_quickstart_onboards_too() {
    let server = Server::start();
    let report = fleet(&server, &["--messages", "1", "--onboard", "quickstart", "--profiles", "ruuvitag"]);
    assert_eq!(report["onboarding"]["onboarded"], DEVICES, "{report}");
    assert_eq!(report["total"]["acknowledged"], DEVICES, "{report}");
    assert_eq!(report["profiles"][0]["profile"], "ruuvitag");
}
