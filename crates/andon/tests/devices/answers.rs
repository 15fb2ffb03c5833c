//! What the commands for devices tell: that something was there already, where a key is, what is to be done.

use std::path::PathBuf;
use std::process::Output;

use andon_devices::pki::{KeyKind, PrivateKey, SigningRequest};
use andon_devices::{KeySource, SystemEntropy};
use andon_model::Secret;
use serde_json::Value;

use crate::common::Server;

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Whether it succeeds, and what it says.
fn check(server: &Server, args: &[&str], success: bool, parts: &[&str]) {
    let output = server.run(args);
    let text = shown(&output);
    assert_eq!(output.status.success(), success, "andon {args:?}: {text}");
    assert!(parts.iter().all(|part| text.contains(part)), "andon {args:?}: {parts:?} in {text}");
}

fn file(server: &Server, name: &str, text: &str) -> String {
    let path: PathBuf = server.folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_device_that_is_there_is_not_changed_and_that_is_told() {
    let server = Server::start();
    let profile = file(&server, "s1.toml", "description = \"a sensor\"\n");
    server.json(&["devices", "profiles", "put", "s1", &profile]);
    let first = ["devices", "onboard", "pump-01", "--attribute", "plant=1710"];
    assert_eq!(server.json(&first)["outcome"], "onboarded");
    check(&server, &first, true, &["was there already", "not shown again", "andon devices rotate pump-01"]);
    let stays = &["AND-7006", "was there already", "its profile stays none", "andon devices change"];
    check(&server, &["devices", "onboard", "pump-01", "--profile", "s1"], false, stays);
    let plant = &["its attributes stay plant=1710"];
    check(&server, &["devices", "onboard", "pump-01", "--attribute", "plant=1720"], false, plant);
    let onboarded = server.json(&["devices", "show", "pump-01"]);
    assert_eq!((&onboarded["profile"].is_null(), &onboarded["attributes"]["plant"]), (&true, &"1710".into()));
    check(&server, &["devices", "show", "pump-01"], true, &["attribute plant"]);
}

#[test]
fn only_a_gateway_speaks_for_others() {
    let server = Server::start();
    let refused = &["AND-7001", "only a gateway speaks for other devices", "gateway = true"];
    check(&server, &["devices", "onboard", "gw-1", "--speaks-for", "tag-1"], false, refused);
    server.json(&["devices", "onboard", "gw-1"]);
    check(&server, &["devices", "change", "gw-1", "--speaks-for", "tag-1"], false, refused);
    let profile = file(&server, "gateway.toml", "gateway = true\n");
    server.json(&["devices", "profiles", "put", "gateway", &profile]);
    let changed = server.json(&["devices", "change", "gw-1", "--profile", "gateway", "--speaks-for", "tag-1"]);
    assert_eq!(changed["speaks_for"][0], "tag-1");
    let fleet = file(&server, "fleet.csv", "device,profile,speaks_for\ngw-2,gateway,tag-2;tag-3\n");
    let out = server.folder.path().join("bundle");
    server.json(&["devices", "import", &fleet, "--out", out.to_str().unwrap()]);
    assert_eq!(server.json(&["devices", "show", "gw-2"])["speaks_for"].as_array().unwrap().len(), 2);
}

#[test]
fn keys_that_are_elsewhere_are_not_promised() {
    let server = Server::start();
    let inside = |name: &str| server.folder.path().join(name).to_str().unwrap().to_owned();
    let request = SigningRequest::of(&SystemEntropy.generate(KeyKind::default()).unwrap()).unwrap();
    let (request, out) = (file(&server, "pump-01.csr", &request), inside("bundle"));
    let onboard = ["devices", "onboard", "pump-01", "--csr", &request, "--out", &out];
    check(&server, &onboard, true, &["is onboarded", "has certificate and root", "--key KEY "]);
    server.json(&["devices", "onboard", "pump-02"]);
    let again = ["devices", "onboard", "pump-02", "--server-key", "--out", &out];
    check(&server, &again, true, &["was there already", "not shown again", "--key KEY "]);
}

/// The next key is made here, and broken off anywhere, the same command goes on with it.
#[test]
fn a_rotation_makes_the_next_key_here() {
    let server = Server::start();
    let inside = |name: &str| server.folder.path().join(name).to_str().unwrap().to_owned();
    let (first, next) = (inside("first"), inside("next"));
    let profile = file(&server, "rsa.toml", "key = \"rsa_2048\"\noverlap_days = 3\n");
    server.json(&["devices", "profiles", "put", "rsa", &profile]);
    server.json(&["devices", "onboard", "pump-01", "--profile", "rsa", "--out", &first]);
    check(&server, &["devices", "rotate", "pump-01", "--out", &first], false, &["AND-7004", "another folder"]);
    let rotate = ["devices", "rotate", "pump-01", "--out", &next];
    let told = &["is rotated; the former certificate is accepted until", "next/pump-01.key"];
    check(&server, &rotate, true, told);
    let made = std::fs::read_to_string(format!("{next}/pump-01.key")).unwrap();
    std::fs::remove_file(format!("{next}/pump-01.crt")).unwrap();
    check(&server, &rotate, true, told);
    assert_eq!(std::fs::read_to_string(format!("{next}/pump-01.key")).unwrap(), made);
    assert!(std::fs::exists(format!("{next}/pump-01.crt")).unwrap());
    let certificates = server.json(&["devices", "show", "pump-01"])["certificates"].clone();
    let facts = |known: &Value| ["key", "origin"].map(|fact| known[fact].as_str().unwrap().to_owned());
    let facts: Vec<_> = certificates.as_array().unwrap().iter().map(facts).collect();
    assert_eq!(facts, [["rsa_2048", "request"]; 2], "kinds by the profile, made here");
    for folder in [first, next] {
        let key = std::fs::read_to_string(format!("{folder}/pump-01.key")).unwrap();
        assert_eq!(PrivateKey::from_pem(&Secret::new(key)).unwrap().public().unwrap().kind(), KeyKind::Rsa2048);
    }
    let theirs = inside("theirs");
    let rotated = server.json(&["devices", "rotate", "pump-01", "--server-key", "--out", &theirs]);
    assert!(rotated["private_key"].is_string() && std::fs::exists(format!("{theirs}/pump-01.key")).unwrap());
    let id = rotated["certificates"][0]["id"].as_str().unwrap();
    check(&server, &["devices", "revoke", "pump-01", "--certificate", ""], false, &["several certificates"]);
    server.json(&["devices", "revoke", "pump-01", "--certificate", &id[..16]]);
    let revoked = server.json(&["devices", "show", "pump-01"])["certificates"].clone();
    let states: Vec<_> = revoked.as_array().unwrap().iter().map(|known| known["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["REVOKED", "ACTIVE", "ACTIVE"]);
}

#[test]
fn what_is_in_the_way_is_told_with_its_own_remedy() {
    let server = Server::start();
    let root = server.folder.path().join("root.crt");
    let export = ["ca", "export", "--out", root.to_str().unwrap()];
    check(&server, &export, false, &["AND-1201", "no certificate authority", "andon ca init"]);
    assert!(!root.exists());
    let mailed = ["devices", "onboard", "pump-01", "--mail-to", "ada@plant.example"];
    check(&server, &mailed, false, &["AND-1203", "no mail server", "[mail]"]);
    let not_an_address = ["devices", "onboard", "pump-01", "--mail-to", "ada"];
    check(&server, &not_an_address, false, &["AND-1202", "not an address"]);
    check(&server, &["devices", "show", "pump-01"], false, &["AND-1201"]);
    server.json(&["ca", "init"]);
    check(&server, &["ca", "init"], false, &["AND-1203", "andon ca rotate"]);
    check(&server, &["ca", "distrust", "issuing-1", "--yes"], false, &["replace it"]);
    check(&server, &export, true, &[]);
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"}]}"#;
    server.json(&["devices", "policies", "put", "connect", &file(&server, "connect.json", document)]);
    check(&server, &["devices", "policies", "show", "connect"], true, &["\n  \"Statement\": [\n"]);
    server.json(&["devices", "groups", "put", "line-4", "--policy", "connect"]);
    check(&server, &["devices", "policies", "delete", "connect"], false, &["group line-4", "take it from those"]);
    let broken = file(&server, "broken.json", "{");
    check(&server, &["devices", "policies", "put", "p2", &broken], false, &["AND-6003", "correct the file"]);
    let odd = file(&server, "odd.key", "no key");
    check(&server, &["devices", "onboard", "pump-01", "--key", &odd], false, &["AND-6003", "PKCS #8"]);
}
