//! The types check from end to end: metadata fetched through a destination, faults refused, scenarios without alarm.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::{PASSWORD, Sap, Server, andon, copy_folder, scenarios};

/// A server with a simulated SAP and its password.
fn stand() -> (Sap, Server) {
    let (sap, server) = (Sap::start(), Server::start());
    assert!(server.feed(&["secret", "set", "sap-password"], PASSWORD).status.success());
    (sap, server)
}

/// A copy of a scenario whose destination is the simulator.
fn scenario(name: &str, sap: &Sap, folder: &Path) -> PathBuf {
    let copy = folder.join(name);
    copy_folder(&scenarios().join(name), &copy);
    let destination = copy.join("destinations/s4.toml");
    let text = fs::read_to_string(&destination).unwrap();
    let address = sap.simulator.base_url();
    fs::write(&destination, text.replace("http://127.0.0.1:8481", &address)).unwrap();
    copy
}

/// The services that the scenario's actions name.
fn services(scenario: &Path) -> BTreeSet<String> {
    let actions = fs::read_dir(scenario.join("actions")).unwrap();
    let texts: Vec<String> = actions.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    lines.filter_map(|line| line.strip_prefix("service = \"")?.strip_suffix('"')).map(str::to_owned).collect()
}

/// What `andon check` prints, and its exit code.
fn checked(scenario: &Path) -> (Option<i32>, String) {
    let output = andon().arg("check").arg(scenario).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

/// Fetches the metadata of every service that the scenario names; how many.
fn fetch(server: &Server, scenario: &Path) -> usize {
    let services = services(scenario);
    for service in &services {
        let folder = scenario.to_str().unwrap();
        let output = server.run(&["destinations", "metadata", "s4", "--service", service, "--save", folder]);
        assert!(output.status.success(), "{service}: {}", String::from_utf8_lossy(&output.stderr));
    }
    services.len()
}

#[test]
fn metadata_is_fetched_and_faults_are_refused() {
    let (sap, server) = stand();
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario("lookout-equipment", &sap, folder.path());
    server.json(&["apply", scenario.to_str().unwrap()]);
    let missing = "not compared with $metadata, which is not in the folder: andon destinations metadata s4 --service \
                   /sap/opu/odata/sap/API_MAINTNOTIFICATION --save";
    assert!(checked(&scenario).1.contains(missing), "{}", checked(&scenario).1);
    fetch(&server, &scenario);
    assert!(!checked(&scenario).1.contains("not compared"), "{}", checked(&scenario).1);
    assert!(scenario.join("metadata/s4.api_maintnotification.xml").is_file());
    assert_eq!(checked(&scenario).0, Some(0), "{}", checked(&scenario).1);

    let table = scenario.join("tables/maintenance.json");
    let text = fs::read_to_string(&table).unwrap();
    fs::write(&table, text.replace("Pump failure ahead", "Pump failure ahead, please inspect it at once")).unwrap();
    let (code, shown) = checked(&scenario);
    assert_eq!(code, Some(1), "{shown}");
    let message = "NotificationText takes 40 characters, row 5 of decision maintenance gives 45";
    assert!(shown.contains("actions/create-notification.toml line") && shown.contains(message), "{shown}");
    let refused = server.run(&["apply", scenario.to_str().unwrap()]);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains(message));

    let unknown = server.run(&["destinations", "metadata", "s4", "--service", "/sap/opu/odata/sap/NOTHING"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("HTTP 404"), "{unknown:?}");
}

#[test]
fn shipped_scenarios_raise_no_alarm() {
    let (sap, server) = stand();
    let folder = tempfile::tempdir().unwrap();
    let names = fs::read_dir(scenarios()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // Those that act by themselves: others hand their events to one of these.
    let acting = names.filter(|name| scenarios().join(name).join("destinations").is_dir());
    let mut checked_services = 0;
    for name in acting {
        let scenario = scenario(&name, &sap, folder.path());
        server.json(&["apply", scenario.to_str().unwrap()]);
        checked_services += fetch(&server, &scenario);
        let (code, shown) = checked(&scenario);
        let is_silent = !shown.contains(MISMATCH) && !shown.contains("error");
        assert!(code == Some(0) && shown.contains("documents are good") && is_silent, "{name}: {shown}");
    }
    assert!(checked_services >= 8, "only {checked_services} services of scenarios were looked at");
}

/// The code of what does not fit a service.
const MISMATCH: &str = "AND-2008";
