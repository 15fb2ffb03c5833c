//! Brokers that refuse, misbehave, or deliver again.

use andon_journal::Source;
use andon_model::Code;

use crate::plant::{NUMBERED, Plant, document, ids};
use crate::script::Script;
use andon_testkit::mosquitto::Broker;

/// What the source says to a broker that answers CONNECT, and then SUBSCRIBE, so.
async fn check(version: &str, connack: &str, suback: &str, code: Code, words: &str) {
    let script = Script::new().await;
    let options = format!("version = \"{version}\"\ntopics = [\"d\"]");
    let mut plant = Plant::new(&document(script.port(), NUMBERED, &options));
    let playing = async {
        let mut play = script.accept(connack).await;
        if !suback.is_empty() {
            play.read().await;
            play.write(suback).await;
        }
        play
    };
    let (turned, _play) = tokio::join!(plant.turn(), playing);
    let problem = turned.expect_err("refused");
    assert!(problem.code == code && problem.to_string().contains(words), "{connack} {suback}: {problem}");
}

#[tokio::test]
async fn refusals_say_what_to_change() {
    check("3.1.1", "20 02 00 05", "", Code::BrokerRefused, "not authorised").await;
    check("3.1.1", "20 02 00 03", "", Code::Broker, "not available").await;
    check("5", "20 02 00 01", "", Code::BrokerRefused, "set version").await;
    check("5", "20 07 00 86 04 1f 0001 78", "", Code::BrokerRefused, "it says \"x\"").await;
    check("3.1.1", "20 02 00 00", "90 03 0001 80", Code::BrokerRefused, "(d): the broker refuses the subscription")
        .await;
    check("5", "20 03 00 00 00", "90 04 0001 00 87", Code::BrokerRefused, "not authorised (code 135)").await;
    check("5", "20 03 00 00 00", "90 04 0001 00 00", Code::BrokerRefused, "grants QoS 0 only").await;
    check("5", "20 03 00 00 00", "e0 01 8e", Code::BrokerRefused, "same client id").await;
    check("5", "20 03 00 00 00", "e0 00", Code::Broker, "ended the connection").await;
    check("3.1.1", "20 02 00 00", "f0 00", Code::Broker, "unexpected packet of type 15").await;
    check("3.1.1", "d0 00", "", Code::Broker, "instead of CONNACK").await;
}

#[tokio::test]
async fn a_closed_door_is_told() {
    let script = Script::new().await;
    let mut plant = Plant::new(&document(script.port(), NUMBERED, "version = \"3.1.1\""));
    let (turned, ()) = tokio::join!(plant.turn(), async { drop(script.accept("").await) });
    let problem = turned.expect_err("closed");
    assert!(problem.code == Code::BrokerRefused && problem.detail.contains("instead of answering"), "{problem}");
    drop(script);
    assert_eq!(plant.turn().await.expect_err("nobody listens").code, Code::Broker);
}

#[tokio::test]
async fn users_prove_themselves() {
    let broker = Broker::with("allow_anonymous false\n");
    let document = |password: &str| {
        let login = format!("user = \"andon\"\npassword = {{ env = \"{password}\" }}");
        document(broker.port, NUMBERED, &login)
    };
    let problem = Plant::new(&document("PATH")).turn().await.expect_err("a wrong password");
    assert!(problem.code == Code::BrokerRefused, "{problem}");
    let problem = Plant::new(&document("ANDON_TEST_NOT_SET")).turn().await.expect_err("no password");
    assert_eq!(problem.code, Code::MissingSecret);
}

#[tokio::test]
async fn a_qos_2_publish_that_comes_again_is_answered_and_not_handed_over_twice() {
    let script = Script::new().await;
    let options = "version = \"3.1.1\"\nqos = 2\ntopics = [\"d\"]";
    let mut plant = Plant::new(&document(script.port(), NUMBERED, options));
    let playing = async {
        let mut play = script.accept_311(false).await;
        play.publish("34", 7, "{\"n\":\"0\"}").await;
        assert_eq!(play.heard().await, "50020007", "PUBREC");
        drop(play);
        let mut play = script.accept_311(true).await;
        play.publish("3c", 7, "{\"n\":\"changed\"}").await;
        assert_eq!(play.heard().await, "50020007", "PUBREC again");
        play.write("62 02 0007").await;
        assert_eq!(play.heard().await, "70020007", "PUBCOMP");
        play.write("62 02 0009").await;
        assert_eq!(play.heard().await, "70020009", "PUBCOMP for what an earlier process had");
        play.publish("34", 7, "{\"n\":\"1\"}").await;
        play
    };
    let (_play, ()) = tokio::join!(playing, plant.until_events(2));
    assert_eq!(plant.ids().await, ids(0..2));
}

#[tokio::test]
async fn nothing_of_a_broken_connection_is_acknowledged_on_the_next() {
    let script = Script::new().await;
    let mut plant = Plant::new(&document(script.port(), NUMBERED, "version = \"3.1.1\"\ntopics = [\"d\"]"));
    let (batch, play) = tokio::join!(plant.next(), async {
        let mut play = script.accept_311(false).await;
        play.publish("32", 7, "{\"n\":\"0\"}").await;
        play
    });
    drop(play);
    plant.append(batch.expect("a batch")).await;
    plant.source.acknowledge().await.expect("acknowledged");
    let playing = async {
        let mut play = script.accept_311(true).await;
        play.publish("32", 7, "{\"n\":\"1\"}").await;
        play.publish("3a", 8, "{\"n\":\"0\"}").await;
        assert_eq!((play.heard().await, play.heard().await), ("40020007".to_owned(), "40020008".to_owned()));
    };
    let pumping = async {
        loop {
            let _ = plant.turn().await;
        }
    };
    tokio::select! {
        () = playing => {}
        () = pumping => {}
    }
    assert_eq!(plant.ids().await, ids(0..2));
}
