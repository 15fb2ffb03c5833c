//! A machine overheats: from the reading of a device to one notification in SAP, whatever is killed in between.

use std::fs;
use std::path::Path;

use crate::common::{PASSWORD, Sap, Server, copy_folder, scenarios, wait_for};
use crate::quickstart::{Papers, Wizard};

/// Where the scenario's destinations point at.
const SIMULATOR: &str = "http://127.0.0.1:8481";

/// Snapshots soon, so that a test sees them.
const SAVE: (&str, &str) = ("ANDON_ASSETS__SAVE", "100ms");

/// Puts the scenario into force, its destinations pointed at `sap`.
fn apply(server: &Server, sap: &Sap) {
    let folder = server.folder.path().join("scenario");
    copy_folder(&scenarios().join("sitewise"), &folder);
    for file in fs::read_dir(folder.join("destinations")).unwrap() {
        let file = file.unwrap().path();
        let text = fs::read_to_string(&file).unwrap().replace(SIMULATOR, &sap.simulator.base_url());
        fs::write(&file, text).unwrap();
    }
    assert!(server.feed(&["secret", "set", "sap-password"], PASSWORD).status.success());
    server.json(&["apply", &folder.display().to_string()]);
}

fn onboard(server: &Server, device: &str) -> Papers {
    let onboarding = async { Wizard::new(server).await.ask("POST", device).await };
    let (status, onboarded) = tokio::runtime::Runtime::new().unwrap().block_on(onboarding);
    assert_eq!(status, 200, "{onboarded}");
    Papers::write(server, &onboarded)
}

/// Whether the server has said that it has the reading.
fn publish(papers: &Papers, temperature: f64) -> bool {
    let reading = format!("{{\"measurements\": {{\"flow_temperature\": {temperature}}}}}");
    papers.publish("mqttv5", "data/chiller-1", &reading).status.success()
}

/// Readings that the assets have taken in since the server started.
fn taken_in(server: &Server) -> u64 {
    let metrics = server.get("/metrics");
    let line = metrics.lines().find_map(|line| line.strip_prefix("andon_plant_readings_total "));
    line.map_or(0, |number| number.parse().unwrap())
}

/// Waits until the alarm is a notification and nothing is pending.
fn wait_for_notification(server: &Server, sap: &Sap) {
    wait_for("a notification", || {
        let counts = server.json(&["status"])["counts"].clone();
        let pending = ["queued", "sending", "waiting"].map(|status| counts["runs"][status].as_i64().unwrap());
        let is_settled = counts["undecided"] == 0 && pending.iter().sum::<i64>() == 0;
        (is_settled && !sap.simulator.books().documents.is_empty()).then_some(())
    });
}

fn one_of_each(server: &Server, sap: &Sap, case: &str) {
    let events = server.json(&["events", "list"]);
    assert_eq!(events["rows"].as_array().unwrap().len(), 1, "{case}: {events}");
    assert_eq!(sap.simulator.books().documents.len(), 1, "{case}");
}

#[test]
fn flapping_is_one_notification() {
    let (sap, server) = (Sap::start(), Server::start_with(tempfile::tempdir().unwrap(), &[SAVE]));
    apply(&server, &sap);
    let papers = onboard(&server, "chiller-1");
    for temperature in [12.0, 16.1, 12.0, 16.5, 12.5, 15.0] {
        assert!(publish(&papers, temperature));
    }
    wait_for("all readings", || (taken_in(&server) == 6).then_some(()));
    wait_for_notification(&server, &sap);
    one_of_each(&server, &sap, "flapping");
    let event = server.json(&["events", "show", "1"])["event"].clone();
    assert_eq!(event["type"], "com.amazon.iotsitewise.alarm");
    assert_eq!(event["source"], "/andon/assets/a1000000-0000-4000-8000-000000000001");
    let data = &event["data"];
    assert_eq!((&data["state"], &data["value"]), (&"ACTIVE".into(), &16.1.into()), "{event}");
    assert_eq!((&data["equipment"], &data["unit"]), (&"210400001".into(), &"C".into()), "{event}");
}

/// Kills the server at `point`, starts it again, and has the temperature go up and down.
fn die_at(point: &str) {
    let (sap, folder) = (Sap::start(), tempfile::tempdir().unwrap());
    let log = folder.path().join("points");
    let variables = [SAVE, ("ANDON_CRASH_AT", point), ("ANDON_CRASH_LOG", log.to_str().unwrap())];
    let mut server = Server::start_with(folder, &variables);
    apply(&server, &sap);
    let papers = onboard(&server, "chiller-1");
    // Killed before it could say so, or after.
    let _ = publish(&papers, 16.1);
    wait_for(&format!("the end {point}"), || server.has_ended().then_some(()));
    assert!(has_passed(&log, point), "{point}");

    let server = Server::start_with(server.kill(), &[SAVE]);
    let papers = papers.at(&server);
    for temperature in [12.0, 16.5, 12.5, 15.0] {
        assert!(publish(&papers, temperature), "after a death {point}");
    }
    wait_for("the new readings", || (taken_in(&server) >= 4).then_some(()));
    wait_for_notification(&server, &sap);
    one_of_each(&server, &sap, point);
}

fn has_passed(log: &Path, point: &str) -> bool {
    fs::read_to_string(log).unwrap_or_default().lines().any(|line| line == point)
}

#[test]
fn an_alarm_is_one_notification_wherever_the_server_dies() {
    // The first snapshot is of the models, the second has the reading.
    for point in ["before append 1", "after append 1", "before snapshot 2", "after snapshot 2", "after commit 1"] {
        die_at(point);
    }
}
