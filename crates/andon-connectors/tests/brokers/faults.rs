//! Payloads that cannot be read stand in nobody's way.

use andon_journal::Views;
use andon_model::Code;

use crate::plant::{NUMBERED, Plant, document};
use andon_testkit::mosquitto::Broker;

#[tokio::test]
async fn they_go_to_quarantine_with_their_bytes_and_are_acknowledged() {
    for version in ["3.1.1", "5"] {
        // One on its way at a time, by the broker's limit or, with MQTT 5, by ours: what comes after a payload proves that
        // that one was acknowledged.
        let broker = Broker::with("allow_anonymous true\nmax_inflight_messages 1\n");
        let options = format!("version = \"{version}\"\nmax_payload_bytes = 1000\ninflight = 1");
        let text = document(broker.port, NUMBERED, &options);
        let mut plant = Plant::new(&text);
        plant.turn().await.expect("connected");
        let long = format!("{{\"n\":\"{}\"}}", "7".repeat(2_000));
        broker.publish("data/bad", 1, &["{\"n\":".to_owned(), long.clone(), "{\"n\":\"good\"}".to_owned()]);
        plant.until_events(1).await;
        assert_eq!(plant.ids().await, ["good"], "{version}");
        let mut rows = plant.journal.quarantine(None, 10).await.expect("a page").rows;
        rows.sort_by_key(|row| row.id);
        let seen: Vec<_> = rows.iter().map(|row| (row.problem.code, row.path.as_str())).collect();
        assert_eq!(seen, [(Code::Undecodable, "data/bad"), (Code::TooLarge, "data/bad")], "{version}");
        let raw = async |id| plant.journal.quarantine_detail(id).await.expect("read").expect("there").raw;
        assert_eq!(raw(rows[0].id).await.as_deref(), Some(&b"{\"n\":"[..]));
        assert_eq!(raw(rows[1].id).await.as_deref(), Some(long.as_bytes()), "it is little enough to be kept whole");
        plant.restart(&text);
        broker.publish_one("data/x", 1, "{\"n\":\"next\"}", &[]);
        plant.until_events(2).await;
        assert_eq!(
            (plant.ids().await, plant.quarantined().await),
            (vec!["good".into(), "next".into()], 2),
            "{version}"
        );
    }
}

#[tokio::test]
async fn a_payload_that_is_far_too_large_is_cut() {
    let broker = Broker::start();
    let mut plant = Plant::new(&document(broker.port, NUMBERED, "max_payload_bytes = 1000"));
    plant.turn().await.expect("connected");
    let file = broker.folder().join("large");
    std::fs::write(&file, vec![b'x'; 5 << 20]).expect("a file");
    let (port, file) = (broker.port.to_string(), file.display().to_string());
    let publish = ["-h", "127.0.0.1", "-p", &port, "-t", "data/large", "-q", "1", "-f", &file];
    assert!(std::process::Command::new("mosquitto_pub").args(publish).status().expect("it runs").success());
    broker.publish_one("data/x", 1, "{\"n\":\"next\"}", &[]);
    plant.until_events(1).await;
    let rows = plant.journal.quarantine(None, 10).await.expect("a page").rows;
    assert!(rows[0].problem.detail.contains("has 5242880 bytes, the limit is 1000"), "{}", rows[0].problem);
    let raw = plant.journal.quarantine_detail(rows[0].id).await.expect("read").expect("there").raw.expect("bytes");
    assert!((1_000..1 << 20).contains(&raw.len()), "{}", raw.len());
}
