//! Devices that are kept out for a while: by an INACTIVE certificate, and by a group that is not what it was.

use serde_json::json;

use crate::common::{Server, wait_for};
use crate::quickstart::{Papers, Wizard};

const TOPIC: &str = "data/s1-0042/telemetry";

fn wait_for_sessions(server: &Server, count: usize) {
    wait_for("the session of the device", || {
        (server.json(&["mqtt", "sessions"]).as_array().unwrap().len() == count).then_some(())
    });
}

#[tokio::test]
async fn an_inactive_certificate_opens_nothing_until_it_is_active_again() {
    let server = Server::start();
    let papers = Papers::write(&server, &Wizard::new(&server).await.ask("POST", "s1-0042").await.1);
    let subscriber = papers.subscribe("commands/s1-0042/#");
    wait_for_sessions(&server, 1);
    let device = server.json(&["devices", "deactivate", "s1-0042"]);
    assert_eq!(device["status"], "INACTIVE");
    wait_for_sessions(&server, 0);
    drop(subscriber);
    assert!(!papers.publish("mqttv311", TOPIC, "{}").status.success(), "its certificate is INACTIVE");
    assert!(!server.run(&["devices", "deactivate", "s1-0042"]).status.success(), "none is ACTIVE");
    let id = device["certificates"][0]["id"].as_str().unwrap();
    assert_eq!(server.json(&["devices", "activate", "s1-0042", "--certificate", id])["status"], "ACTIVE");
    let sent = papers.publish("mqttv5", TOPIC, "{}");
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    server.json(&["devices", "revoke", "s1-0042"]);
    assert!(!server.run(&["devices", "activate", "s1-0042", "--certificate", id]).status.success(), "REVOKED is final");
    assert!(!papers.publish("mqttv5", TOPIC, "{}").status.success());
}

#[tokio::test]
async fn a_group_counts_from_the_moment_in_which_it_is_joined() {
    let server = Server::start();
    let papers = Papers::write(&server, &Wizard::new(&server).await.ask("POST", "s1-0042").await.1);
    assert!(!server.run(&["devices", "change", "s1-0042", "--join", "muted"]).status.success(), "it is not stored");
    let file = server.folder.path().join("silence.json");
    let deny = json!([{ "Effect": "Deny", "Action": "iot:Publish", "Resource": "*" }]);
    std::fs::write(&file, json!({ "Version": "2012-10-17", "Statement": deny }).to_string()).unwrap();
    assert!(!server.run(&["devices", "groups", "put", "muted", "--policy", "silence"]).status.success());
    server.json(&["devices", "policies", "put", "silence", file.to_str().unwrap()]);
    server.json(&["devices", "groups", "put", "muted", "--policy", "silence"]);
    assert!(papers.publish("mqttv5", TOPIC, "{}").status.success());
    server.json(&["devices", "groups", "add", "muted", "s1-0042"]);
    assert!(!papers.publish("mqttv311", TOPIC, "{}").status.success(), "its group may not publish");
    for (shelf, name) in [("groups", "muted"), ("policies", "silence")] {
        assert!(!server.run(&["devices", shelf, "delete", name]).status.success(), "{shelf} {name} is in use");
    }
}
