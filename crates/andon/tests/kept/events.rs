//! Events: what the journal has written and not synced is taken back after each kill, as a power failure would.

use std::collections::BTreeMap;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::Server;
use crate::publishers::{DEVICES, Publishers, Sequences, free_port, missing};
use crate::unsynced::Watch;

/// Makes an event of each message of a device.
const SOURCE: &str = r#"
decoder = "json"

[decode]
type = "com.example.measured"
source = { pointer = "/device/deviceId" }
id = { pointer = "/sequence" }
"#;

/// All that devices publish is events.
const EVENTS: (&str, &str) = ("ANDON_MQTT__EVENTS", "{\"data/+\" = \"fleet\"}");

/// Starts the server on the port that devices know, above watched files.
fn start(folder: TempDir, port: u16, watch: &[(&str, &str)]) -> Server {
    let address = format!("127.0.0.1:{port}");
    let variables = [&[("ANDON_MQTT__LISTEN", &*address), EVENTS], watch].concat();
    Server::start_with(folder, &variables)
}

/// Puts the source into force, and hands over the folder.
fn prepared() -> TempDir {
    let server = Server::start();
    let sources = server.folder.path().join("configuration/sources");
    std::fs::create_dir_all(&sources).unwrap();
    std::fs::write(sources.join("fleet.toml"), SOURCE).unwrap();
    server.json(&["apply", sources.parent().unwrap().to_str().unwrap()]);
    server.terminate().1
}

/// Every event, newest first.
fn events(server: &Server) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let before = all.last().map_or_else(|| i64::MAX.to_string(), |event| event["offset"].to_string());
        let page = server.json(&["events", "list", "--limit", "1000", "--before", &before]);
        let rows = page["rows"].as_array().unwrap();
        if rows.is_empty() {
            return all;
        }
        all.extend(rows.iter().cloned());
    }
}

/// The sequences of each device, and that each is there once.
fn kept(server: &Server) -> Sequences {
    let (mut names, mut kept) = (BTreeMap::<String, String>::new(), Sequences::new());
    for event in events(server) {
        let source = event["source"].as_str().unwrap().to_owned();
        let device = names.entry(source).or_insert_with(|| {
            let shown = server.json(&["events", "show", &event["offset"].to_string()]);
            shown["event"]["andondevice"].as_str().unwrap().to_owned()
        });
        let sequence = event["id"].as_str().unwrap().parse().unwrap();
        assert!(kept.entry(device.clone()).or_default().insert(sequence), "{device} {sequence} is there twice");
    }
    kept
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_an_event() {
    let (port, watch) = (free_port(), Watch::new());
    let server = start(prepared(), port, &watch.variables());
    let publishers = Publishers::start(&server, port).await;
    let mut taken_back = 0;
    let revive = |server: Server| {
        let folder = server.kill();
        taken_back += Watch::take_back(&folder.path().join("data"));
        start(folder, port, &watch.variables())
    };
    let server = publishers.kill_again_and_again(server, revive).await;
    let acknowledged = publishers.acknowledged().await;
    let kept = kept(&server);
    let missing = missing(&acknowledged, &kept);
    assert!(missing.is_empty(), "acknowledged and missing: {missing:?}");
    assert_eq!(kept.len(), DEVICES);
    println!("{} acknowledged, 0 missing, {taken_back} unsynced writes taken back", acknowledged.len());
}

/// So the test above would notice a journal that acknowledges before it has synced.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_does_not_sync_is_noticed() {
    let (port, watch) = (free_port(), Watch::new());
    let server = start(prepared(), port, &[]);
    let publishers = Publishers::start(&server, port).await;
    publishers.until_acknowledged(50).await;
    let server = start(server.terminate().1, port, &watch.lying());
    publishers.until_acknowledged(200).await;
    let folder = server.kill();
    assert!(Watch::take_back(&folder.path().join("data")) > 0);
    let server = start(folder, port, &[]);
    let acknowledged = publishers.acknowledged().await;
    assert!(missing(&acknowledged, &kept(&server)).len() > 100);
}
