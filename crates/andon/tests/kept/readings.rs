//! Readings: the raw log writes over a disk that holds back what is not synced, and loses it with the process.

use andon_sim::fleet::sequence_of;
use tempfile::TempDir;

use crate::common::Server;
use crate::publishers::{Publishers, Sequences, free_port, missing};

/// Starts the server on the port that devices know.
fn start(folder: TempDir, port: u16) -> Server {
    let address = format!("127.0.0.1:{port}");
    Server::start_with(folder, &[("ANDON_MQTT__LISTEN", &address), ("ANDON_HOLD_BACK", "1")])
}

/// The sequences of each device that the raw log has, and how many readings have one that another has.
fn kept(server: &Server) -> (Sequences, usize) {
    let (mut kept, mut again, mut from) = (Sequences::new(), 0, 1);
    loop {
        let page = server.json(&["readings", "list", "--from", &from.to_string(), "--limit", "1000"]);
        let readings = page["readings"].as_array().unwrap();
        if readings.is_empty() {
            return (kept, again);
        }
        for reading in readings {
            let sequence = sequence_of(reading["payload"].to_string().as_bytes()).expect("a sequence");
            let device = reading["device"].as_str().unwrap().to_owned();
            again += usize::from(!kept.entry(device).or_default().insert(sequence));
        }
        from = page["next"].as_u64().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_in_the_raw_log() {
    let port = free_port();
    let server = start(tempfile::tempdir().unwrap(), port);
    let publishers = Publishers::start(&server, port).await;
    let server = publishers.kill_again_and_again(server, |server| start(server.kill(), port)).await;
    let acknowledged = publishers.acknowledged().await;
    let (kept, again) = kept(&server);
    let missing = missing(&acknowledged, &kept);
    assert!(missing.is_empty(), "acknowledged and missing: {missing:?}");
    println!("{} acknowledged, 0 missing, {again} kept again", acknowledged.len());
}
