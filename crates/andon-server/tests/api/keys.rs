//! Keys of devices: whose they are, and that one which was compromised is never certified again.

use std::collections::BTreeMap;
use std::sync::Mutex;

use andon_devices::pki::{KeyKind, SigningRequest};
use andon_devices::{KeySource, SystemEntropy};
use andon_journal::Role;
use serde_json::{Value, json};

use crate::support::{World, request, token_of};

/// The signing request of a device, the same at each call.
pub(crate) fn csr_of(device: &str) -> String {
    static KNOWN: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
    KNOWN.lock().unwrap().entry(device.to_owned()).or_insert_with(csr).clone()
}

/// A signing request for a key of its own.
fn csr() -> String {
    SigningRequest::of(&SystemEntropy.generate(KeyKind::EcdsaP256).unwrap()).unwrap()
}

impl World {
    /// Status and detail, with the fingerprint of the key left out.
    async fn post(&self, path: &str, body: &Value) -> (u16, String) {
        let answer = self.tell(Role::Operator, "POST", path, body).await;
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        let words = detail.split(' ').filter(|word| word.trim_end_matches(';').len() != 64);
        (answer.status.as_u16(), words.collect::<Vec<_>>().join(" "))
    }

    async fn enrol(&self, device: &str, csr: &str) -> (u16, String) {
        self.post("/api/v1/devices", &json!({ "device": device, "csr": csr })).await
    }
}

fn done() -> (u16, String) {
    (200, String::new())
}

fn compromised() -> (u16, String) {
    (422, "the key with the fingerprint was revoked as compromised; make a new one".to_owned())
}

fn taken() -> (u16, String) {
    (422, "the key with the fingerprint is that of another device; make a new one".to_owned())
}

#[tokio::test]
async fn a_compromised_key_is_never_certified_again() {
    let world = World::start().await;
    let (stolen, other) = (csr(), csr());
    assert_eq!(world.enrol("pump-01", &stolen).await, done());
    let rotate = |csr: &str, reinstate: bool| json!({ "csr": csr, "reinstate": reinstate });
    let path = "/api/v1/devices/pump-01/rotate";
    assert_eq!(world.post(path, &rotate(&stolen, false)).await, done(), "a device may keep its key");
    let revoke = json!({ "reason": "key_compromise" });
    assert_eq!(world.post("/api/v1/devices/pump-01/revoke", &revoke).await, done());
    assert_eq!(world.post(path, &rotate(&stolen, true)).await, compromised());
    assert_eq!(world.enrol("pump-02", &stolen).await, compromised());
    assert_eq!(world.enrol("pump-01", &stolen).await, compromised());
    assert_eq!(world.post(path, &rotate(&other, true)).await, done());
    assert_eq!(world.ask(Role::Operator, "DELETE", "/api/v1/devices/pump-01").await.status, 204);
    assert_eq!(world.enrol("pump-01", &stolen).await, compromised(), "it outlives the device");
    assert_eq!(world.enrol("pump-01", &other).await, done());
}

#[tokio::test]
async fn a_compromised_key_takes_all_of_its_certificates_along() {
    let world = World::start().await;
    let csr = csr();
    assert_eq!(world.enrol("pump-01", &csr).await, done());
    assert_eq!(world.post("/api/v1/devices/pump-01/rotate", &json!({ "csr": csr })).await, done());
    let device = world.ask(Role::Viewer, "GET", "/api/v1/devices/pump-01").await.json();
    let revoke = json!({ "certificate": device["certificates"][0]["id"], "reason": "key_compromise" });
    let revoked = world.tell(Role::Operator, "POST", "/api/v1/devices/pump-01/revoke", &revoke).await.json();
    assert_eq!(revoked["status"], "REVOKED");
    let reasons: Vec<_> =
        revoked["certificates"].as_array().unwrap().iter().map(|known| &known["revocation"]["reason"]).collect();
    assert_eq!(reasons, ["key_compromise"; 2]);
}

#[tokio::test]
async fn a_key_is_that_of_one_device() {
    let world = World::start().await;
    let (first, second) = (csr(), csr());
    assert_eq!(world.enrol("pump-01", &first).await, done());
    assert_eq!(world.enrol("pump-02", &first).await, taken());
    assert_eq!(world.enrol("pump-02", &second).await, done());
    let rotate = "/api/v1/devices/pump-02/rotate";
    assert_eq!(world.post(rotate, &json!({ "csr": first })).await, taken());
    let revoke = json!({ "reason": "superseded" });
    assert_eq!(world.post("/api/v1/devices/pump-01/revoke", &revoke).await, done());
    assert_eq!(world.post(rotate, &json!({ "csr": first })).await, done(), "nobody lives by it any more");
    assert_eq!(world.ask(Role::Operator, "DELETE", "/api/v1/devices/pump-01").await.status, 204);
    assert_eq!(world.enrol("pump-03", &first).await, taken(), "it went over with the rotation");
    assert_eq!(world.ask(Role::Operator, "DELETE", "/api/v1/devices/pump-02").await.status, 204);
    assert_eq!(world.enrol("pump-03", &first).await, done());
}

#[tokio::test]
async fn a_key_that_the_server_made_is_that_of_its_device() {
    let world = World::start().await;
    let made = world.tell(Role::Operator, "POST", "/api/v1/devices", &json!({ "device": "pump-01" })).await.json();
    let key = andon_model::Secret::new(made["private_key"].as_str().unwrap());
    let csr = SigningRequest::of(&andon_devices::pki::PrivateKey::from_pem(&key).unwrap()).unwrap();
    assert_eq!(world.enrol("pump-02", &csr).await, taken());
}

#[tokio::test]
async fn a_key_that_stands_in_a_file_twice_is_that_of_the_first_line() {
    let world = World::start().await;
    let csr = csr();
    let line = |device: &str| json!({ "device": device, "csr": csr }).to_string();
    let file = format!("{}\n{}\n", line("pump-01"), line("pump-02"));
    let post = request("POST", "/api/v1/device-imports").bearer(token_of(Role::Operator));
    let answer = world.send(post.header("content-type", "application/x-ndjson").body(file)).await;
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let outcomes: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&outcomes[0]["outcome"], &outcomes[1]["outcome"]), (&json!("onboarded"), &json!("fault")));
    assert_eq!(outcomes[1]["problem"]["code"], "AND-7002");
}
