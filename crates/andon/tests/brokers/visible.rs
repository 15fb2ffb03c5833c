//! A source whose broker refuses it is seen by everybody who looks.

use andon_model::Code;
use andon_testkit::mosquitto::Broker;

use crate::common::{Server, wait_for};

#[test]
fn a_refusal_stands_in_status_doctor_and_metrics() {
    let broker = Broker::with("allow_anonymous false\n");
    let server = Server::start();
    let sources = server.folder.path().join("scenario/sources");
    std::fs::create_dir_all(&sources).unwrap();
    let port = broker.port;
    let text = format!(
        "decoder = \"cloudevents\"\n[mqtt]\nurl = \"mqtt://127.0.0.1:{port}\"\nclient_id = \"c\"\ntopics = [\"#\"]\n"
    );
    std::fs::write(sources.join("line.toml"), text).unwrap();
    assert!(server.run(&["apply", sources.parent().unwrap().to_str().unwrap()]).status.success());
    let status = wait_for("the source fails", || {
        let status = server.json(&["status"]);
        status["status"]["failing_sources"]["line"].is_object().then_some(status)
    });
    let problem = &status["status"]["failing_sources"]["line"];
    assert_eq!(problem["code"], Code::BrokerRefused.as_str(), "{problem}");
    let doctor = server.run(&["doctor"]);
    let text = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(text.contains("source line") && text.contains("credentials, policy or client id"), "{text}");
    assert!(server.get("/metrics").contains("andon_broker_connected{source=\"line\"} 0"));
    assert!(server.log().contains("AND-5007"), "{}", server.log());
}
