//! Readings of a broker stand in the raw log of the program.

use andon_testkit::mosquitto::Broker;

use crate::common::{Server, wait_for};

#[test]
fn readings_of_a_broker_are_in_the_raw_log() {
    let broker = Broker::start();
    let server = Server::start();
    let sources = server.folder.path().join("scenario/sources");
    std::fs::create_dir_all(&sources).unwrap();
    let text = format!(
        "[mqtt]\nurl = \"mqtt://127.0.0.1:{}\"\nclient_id = \"c\"\ntopics = [\"data/#\"]\nlane = \"readings\"\n\
         device = \"data/{{device}}/#\"\n",
        broker.port
    );
    std::fs::write(sources.join("line.toml"), text).unwrap();
    assert!(server.run(&["apply", sources.parent().unwrap().to_str().unwrap()]).status.success());
    wait_for("the subscription stands", || {
        server.get("/metrics").contains("andon_broker_connected{source=\"line\"} 1").then_some(())
    });
    broker.publish_one("data/pump-01/temperature", 1, "21.5", &["-r"]);
    let page = wait_for("the reading is there", || {
        let page = server.json(&["readings", "list"]);
        page["readings"].as_array().is_some_and(|rows| !rows.is_empty()).then_some(page)
    });
    let reading = &page["readings"][0];
    assert_eq!(
        (&reading["device"], &reading["topic"]),
        (&"pump-01".into(), &"data/pump-01/temperature".into()),
        "{page}"
    );
}
