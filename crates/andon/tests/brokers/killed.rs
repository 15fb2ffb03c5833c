//! The process is killed before and after each durable write, while a broker delivers: every event is there once.

use std::path::Path;

use andon_testkit::mosquitto::Broker;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Server, wait_for};

/// Small windows make many writes.
const SOURCE: &str = "decoder = \"json\"\n[mqtt]\nurl = \"mqtt://127.0.0.1:PORT\"\nversion = \"VERSION\"\n\
                      client_id = \"andon\"\ntopics = [\"data/#\"]\ninflight = 4\nqos = QOS\n\
                      [decode]\ntype = \"state\"\nid = { pointer = \"/n\" }\n";

const COUNT: usize = 20;

/// A server that has the source, stopped.
fn configured(broker: &Broker, version: &str, qos: u8) -> TempDir {
    let server = Server::start();
    write_source(server.folder.path(), broker, version, qos);
    let folder = server.folder.path().join("scenario");
    let applied = server.run(&["apply", folder.to_str().unwrap()]);
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    wait_for("the subscription stands", || {
        let metrics = server.get("/metrics");
        metrics.contains("andon_broker_connected{source=\"line\"} 1").then_some(())
    });
    server.terminate().1
}

fn write_source(folder: &Path, broker: &Broker, version: &str, qos: u8) {
    let text = SOURCE.replace("PORT", &broker.port.to_string()).replace("VERSION", version);
    std::fs::create_dir_all(folder.join("scenario/sources")).unwrap();
    std::fs::write(folder.join("scenario/sources/line.toml"), text.replace("QOS", &qos.to_string())).unwrap();
}

/// Ids of all events; none while the process is down.
fn ids(server: &Server) -> Vec<String> {
    let output = server.run(&["events", "list", "--limit", "1000", "--json"]);
    let page: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let rows = page["rows"].as_array().map(Vec::as_slice).unwrap_or_default().iter();
    let mut ids: Vec<String> = rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    ids.sort_by_key(|id| id.parse::<usize>().unwrap());
    ids
}

/// Whether a life that should end at this point reached it.
fn die_at(point: &str, version: &str, qos: u8) -> bool {
    let broker = Broker::start();
    let folder = configured(&broker, version, qos);
    let log = folder.path().join("points");
    let variables = [("ANDON_CRASH_AT", point), ("ANDON_CRASH_LOG", log.to_str().unwrap())];
    let mut server = Server::start_with(folder, &variables);
    let payloads: Vec<String> = (0..COUNT).map(|n| format!("{{\"n\":\"{n}\"}}")).collect();
    broker.publish("data/x", qos, &payloads);
    let reached = || std::fs::read_to_string(&log).unwrap_or_default().lines().any(|line| line == point);
    wait_for("it is dead, or has everything", || (server.has_ended() || ids(&server).len() == COUNT).then_some(()));
    let was_reached = reached();
    let server = Server::start_in(server.terminate().1);
    wait_for("everything is there", || (ids(&server).len() >= COUNT).then_some(()));
    let expect: Vec<String> = (0..COUNT).map(|n| n.to_string()).collect();
    assert_eq!(ids(&server), expect, "killed {point}, {version}, QoS {qos}");
    was_reached
}

fn matrix(version: &str, qos: u8) {
    for kind in ["before append", "after append"] {
        let killed = (1..=3).filter(|number| die_at(&format!("{kind} {number}"), version, qos)).count();
        assert!(killed >= 2, "only {killed} times killed {kind}");
    }
}

#[test]
fn qos_1_with_version_5() {
    matrix("5", 1);
}

#[test]
fn qos_2_with_version_3_1_1() {
    matrix("3.1.1", 2);
}
