//! `mosquitto_pub` and `mosquitto_sub` with papers of ours, as an operator tries a new device out.

use std::process::{Output, Stdio};
use std::time::Duration;

use andon_mqtt::Publication as Message;
use tokio::process::Command;

use crate::plant::{PATIENCE, Papers, Plant, TLS, name};

/// What to do when it is not there: a missing program is an error, never a test that is left out.
const INSTALL: &str = "mosquitto's clients run: apt-get install mosquitto-clients";

/// Papers as files, in a folder that goes with this.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new(plant: &Plant, papers: &Papers) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).expect("written");
        write("ca.pem", &plant.authorities.root.to_pem());
        write("cert.pem", &papers.chain_pem);
        write("key.pem", &papers.key_pem);
        Self { folder }
    }

    /// A command of mosquitto with all that it takes to connect.
    fn command(&self, plant: &Plant, program: &str, version: &str) -> Command {
        let path = |file: &str| self.folder.path().join(file);
        let mut command = Command::new(program);
        let port = plant.broker.addresses()[TLS].port().to_string();
        command.args(["-h", "localhost", "-p", &port, "-i", "pump-01", "-V", version, "-q", "1"]);
        command.arg("--cafile").arg(path("ca.pem"));
        command.arg("--cert").arg(path("cert.pem")).arg("--key").arg(path("key.pem"));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    async fn run(&self, plant: &Plant, program: &str, version: &str, args: &[&str]) -> Output {
        let run = self.command(plant, program, version).args(args).output();
        tokio::time::timeout(PATIENCE, run).await.expect("in time").expect(INSTALL)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_publishes_until_it_is_revoked() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    let desk = Desk::new(&plant, &papers);
    for (count, version) in (1..).zip(["mqttv311", "mqttv5"]) {
        let args = ["-t", "data/pump-01/temperature", "-m", "{\"t\":21.5}"];
        let output = desk.run(&plant, "mosquitto_pub", version, &args).await;
        assert!(output.status.success(), "{version}: {}", String::from_utf8_lossy(&output.stderr));
        let kept = plant.readings.until(count).await;
        assert_eq!(kept[count - 1].1, "data/pump-01/temperature");
        assert_eq!(kept[count - 1].2, "{\"t\":21.5}");
    }
    plant.registry.revoke(&name("pump-01"));
    for version in ["mqttv311", "mqttv5"] {
        let output = desk.run(&plant, "mosquitto_pub", version, &["-t", "data/pump-01", "-m", "x"]).await;
        assert!(!output.status.success(), "{version}");
    }
    assert_eq!(plant.readings.kept().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_receives_a_command() {
    for version in ["mqttv311", "mqttv5"] {
        let plant = Plant::open().await;
        let papers = plant.device("pump-01");
        let desk = Desk::new(&plant, &papers);
        let mut listening = desk.command(&plant, "mosquitto_sub", version);
        listening.args(["-t", "cmd/pump-01/#", "-C", "1", "-v"]);
        let listening = tokio::spawn(listening.output());
        let message = Message { topic: "cmd/pump-01/set".to_owned(), payload: "42".into(), qos: 1, retain: false };
        while plant.broker.publish(message.clone()).await.expect("published") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let output = tokio::time::timeout(PATIENCE, listening).await.expect("in time").expect("ran").expect(INSTALL);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "cmd/pump-01/set 42\n", "{version}");
    }
}
