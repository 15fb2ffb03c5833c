//! The quickstart's own end-to-end test: a token by a refresh grant, onboarding, a publish by `mosquitto_pub` with the
//! issued certificate, the stored reading, deletion, and the same certificate refused.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::Server;

/// How long something may take that takes milliseconds on a quiet machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long a device waits for the door.
const ANSWER_SECONDS: &str = "10";

/// What to do when it is not there: a missing program is an error, never a test that is left out.
const INSTALL: &str = "mosquitto's clients run: apt-get install mosquitto-clients";

/// A gateway wizard: knows the API's address, a client id and a refresh token, as the mail of the onboarding says.
pub(crate) struct Wizard {
    http: reqwest::Client,
    url: String,
    bearer: String,
}

impl Wizard {
    pub(crate) async fn new(server: &Server) -> Self {
        let made = server.json(&["oauth", "clients", "create", "--scope", "andon/devices", "--grant", "refresh_token"]);
        let (id, secret) = (made["id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
        let refresh = server.json(&["oauth", "clients", "refresh-token", id, "--subject", "wizard"]);
        let http = reqwest::Client::builder().build().unwrap();
        let query = [("grant_type", "refresh_token"), ("client_id", id), ("client_secret", secret)];
        let asked = http.post(format!("{}/oauth2/token", server.url)).query(&query);
        let asked = asked.query(&[("refresh_token", refresh["refresh_token"].as_str().unwrap())]).send().await.unwrap();
        let token: Value = asked.json().await.unwrap();
        let bearer = token["access_token"].as_str().unwrap_or_else(|| panic!("{token}")).to_owned();
        Self { http, url: server.url.clone(), bearer }
    }

    /// Asks the onboarding API; the token stands without `Bearer`, as the quickstart's collection has it.
    pub(crate) async fn ask(&self, method: &str, device: &str) -> (u16, Value) {
        let url = format!("{}/api/onboard/{device}", self.url);
        let asked = self.http.request(method.parse().unwrap(), url).header("Authorization", &self.bearer);
        let answer = asked.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }
}

/// The files of a device, and the port that it connects to.
pub(crate) struct Papers {
    name: String,
    folder: PathBuf,
    port: String,
}

impl Papers {
    pub(crate) fn write(server: &Server, onboarded: &Value) -> Self {
        let name = onboarded["deviceName"].as_str().unwrap().to_owned();
        let folder = server.folder.path().join(&name);
        std::fs::create_dir_all(&folder).unwrap();
        let credential = &onboarded["credential"];
        let write = |file: &str, text: &Value| std::fs::write(folder.join(file), text.as_str().unwrap()).unwrap();
        write("cert.pem", &credential["certificatePem"]);
        write("key.pem", &credential["privateKey"]);
        std::fs::write(folder.join("ca.pem"), server.run(&["ca", "export"]).stdout).unwrap();
        Self { name, folder, port: door_port(server) }
    }

    /// The same, for the server's next life: its door has another port.
    pub(crate) fn at(self, server: &Server) -> Self {
        let folder = server.folder.path().join(&self.name);
        Self { folder, port: door_port(server), ..self }
    }

    pub(crate) fn publish(&self, version: &str, topic: &str, message: &str) -> Output {
        // A connection that meets the door in the moment of a renewal may be left without an answer; devices give up then
        // and come again.
        let mut command = Command::new("timeout");
        command.args([ANSWER_SECONDS, "mosquitto_pub"]);
        self.introduce(&mut command);
        command.args(["-V", version, "-t", topic, "-m", message]).output().expect(INSTALL)
    }

    /// A connection that stays until it is dropped.
    pub(crate) fn subscribe(&self, filter: &str) -> Subscriber {
        let mut command = Command::new("mosquitto_sub");
        self.introduce(&mut command);
        Subscriber(command.args(["-t", filter]).stderr(Stdio::null()).spawn().expect(INSTALL))
    }

    /// Door, name and certificate.
    fn introduce(&self, command: &mut Command) {
        command.args(["-h", "localhost", "-p", &self.port, "-i", &self.name, "-q", "1"]);
        for (option, file) in [("--cafile", "ca.pem"), ("--cert", "cert.pem"), ("--key", "key.pem")] {
            command.arg(option).arg(self.folder.join(file));
        }
    }
}

/// A client that subscribes, until it is dropped.
pub(crate) struct Subscriber(Child);

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The port of the MQTT door, which opens when there is an authority.
pub(crate) fn door_port(server: &Server) -> String {
    let begun = Instant::now();
    loop {
        let door = server.json(&["mqtt", "status"]);
        if let Some(place) = door["places"][0].as_str() {
            return place.rsplit(':').next().unwrap().to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "the door opens: {door}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test]
async fn the_quickstart_from_token_to_refusal() {
    let server = Server::start();
    assert_eq!(server.json(&["mqtt", "status"])["state"], "waiting");
    let wizard = Wizard::new(&server).await;
    let (status, onboarded) = wizard.ask("POST", "s1-0042").await;
    assert_eq!((status, &onboarded["error"]["code"]), (200, &json!("")), "{onboarded}");
    let papers = Papers::write(&server, &onboarded);
    let reading = json!({
        "device": {"gatewayId": "g-1", "deviceId": "s1-0042", "capabilityModelId": "urn:example:s1:1"},
        "measurements": {"temperature": 21.5, "occupancy": false},
    });
    for version in ["mqttv311", "mqttv5"] {
        let sent = papers.publish(version, "data/s1-0042/telemetry", &reading.to_string());
        assert!(sent.status.success(), "{version}: {}", String::from_utf8_lossy(&sent.stderr));
    }
    // Acknowledged is kept: there is nothing to wait for.
    let page = server.json(&["readings", "list", "--device", "s1-0042"]);
    assert_eq!(page["readings"].as_array().unwrap().len(), 2, "{page}");
    let last = &page["readings"][1];
    assert_eq!((&last["topic"], &last["payload"]), (&json!("data/s1-0042/telemetry"), &reading));
    assert!(last["ts"].as_str().unwrap().ends_with('Z'));

    let foreign = papers.publish("mqttv311", "data/s1-0043/telemetry", "{}");
    assert!(!foreign.status.success(), "a device publishes as itself only");
    assert_eq!(wizard.ask("DELETE", "s1-0042").await.0, 200);
    let refused = papers.publish("mqttv311", "data/s1-0042/telemetry", "{}");
    assert!(!refused.status.success(), "the certificate of a deleted device opens nothing");
    assert_eq!(server.json(&["readings", "status"])["received"], 2);
}

#[tokio::test]
async fn chosen_topics_are_events_and_commands_reach_their_device() {
    let server = Server::start_with(
        tempfile::tempdir().unwrap(),
        &[("ANDON_MQTT__EVENTS", "{\"data/+/alarm\" = \"cloudevents\"}")],
    );
    let wizard = Wizard::new(&server).await;
    let papers = Papers::write(&server, &wizard.ask("POST", "s1-0042").await.1);
    let event = json!({"specversion": "1.0", "id": "a-1", "source": "/plant/s1-0042", "type": "com.example.alarm",
        "data": {"temperature": 91}, "andondevice": "s1-0043"});
    for _ in 0..2 {
        let sent = papers.publish("mqttv5", "data/s1-0042/alarm", &event.to_string());
        assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    }
    let forged = json!({"specversion": "1.0", "id": "a-2", "source": "/andon/devices", "type": "com.example.alarm"});
    for unfit in ["not an event", &forged.to_string()] {
        let sent = papers.publish("mqttv311", "data/s1-0042/alarm", unfit);
        assert!(sent.status.success(), "what cannot be taken is kept in quarantine, and acknowledged");
    }
    let file = server.folder.path().join("forged.json");
    std::fs::write(&file, forged.to_string()).unwrap();
    assert!(!server.run(&["events", "send", file.to_str().unwrap()]).status.success(), "nor by the API");
    let events = server.json(&["events", "list"]);
    assert_eq!(events["rows"].as_array().unwrap().len(), 1, "one event, sent twice");
    let shown = server.json(&["events", "show", &events["rows"][0]["offset"].to_string()]);
    assert_eq!(shown["event"]["andondevice"], "s1-0042", "{shown}");
    assert_eq!(server.json(&["quarantine", "list"])["rows"].as_array().unwrap().len(), 3);
    assert_eq!(server.json(&["readings", "status"])["received"], 0);
    assert_eq!(server.json(&["mqtt", "publish", "commands/s1-0042/set", "42"])["subscribers"], 0);
    let nobody = server.run(&["mqtt", "kick", "s1-0042"]);
    let advice = String::from_utf8_lossy(&nobody.stderr);
    assert!(!nobody.status.success() && advice.contains("--forget"), "nobody is connected under this name: {advice}");
}

#[tokio::test]
async fn no_device_takes_the_ids_of_another() {
    let server = Server::start_with(
        tempfile::tempdir().unwrap(),
        &[("ANDON_MQTT__EVENTS", "{\"data/+/alarm\" = \"cloudevents\"}")],
    );
    let wizard = Wizard::new(&server).await;
    let fz = Papers::write(&server, &wizard.ask("POST", "fz-2").await.1);
    let rv = Papers::write(&server, &wizard.ask("POST", "rv-2").await.1);
    for (papers, says) in [(&fz, "forged"), (&rv, "true"), (&fz, "again")] {
        let event = json!({"specversion": "1.0", "id": "alarm-1", "source": "/plant/rv-2", "type": "alarm",
            "data": {"says": says}});
        let sent = papers.publish("mqttv5", &format!("data/{}/alarm", papers.name), &event.to_string());
        assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    }
    let events = server.json(&["events", "list"]);
    assert_eq!(events["rows"].as_array().unwrap().len(), 1, "one source and id, one event");
    let kept = server.json(&["quarantine", "list"]);
    let rows = kept["rows"].as_array().unwrap();
    assert_eq!((rows.len(), rows[0]["problem"]["code"].as_str()), (1, Some("AND-1003")), "{kept}");
    let id = rows[0]["id"].to_string();
    let shown = server.json(&["quarantine", "show", &id]).to_string();
    assert!(shown.contains("the device fz-2 sent event 1"), "{shown}");
    assert!(!server.run(&["quarantine", "replay", &id]).status.success(), "it is still another's id");
    assert_eq!(server.json(&["quarantine", "list"])["rows"].as_array().unwrap().len(), 1, "and not kept twice");
}

#[tokio::test]
async fn devices_of_a_new_authority_come_in_beside_those_of_the_old_one() {
    let server = Server::start();
    let wizard = Wizard::new(&server).await;
    let old = Papers::write(&server, &wizard.ask("POST", "s1-0042").await.1);
    assert!(old.publish("mqttv311", "data/s1-0042", "{}").status.success());
    server.json(&["ca", "rotate"]);
    let new = Papers::write(&server, &wizard.ask("POST", "s1-0043").await.1);
    let begun = Instant::now();
    loop {
        let sent = new.publish("mqttv311", "data/s1-0043", "{}");
        if sent.status.success() {
            break;
        }
        let told = String::from_utf8_lossy(&sent.stderr).into_owned();
        assert!(begun.elapsed() < PATIENCE, "the door learns of the new authority: {told}\n{}", server.log());
    }
    assert!(old.publish("mqttv5", "data/s1-0042", "{}").status.success());
}
