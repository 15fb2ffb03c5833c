//! The commands for devices, authorities and clients.

use crate::common::Server;

#[test]
fn devices_from_the_command_line() {
    let server = Server::start();
    let out = server.folder.path().join("bundle");
    let folder = out.to_str().unwrap();
    let made = server.json(&["ca", "init", "--name", "Plant 1710"]);
    assert_eq!(made.as_array().unwrap().len(), 2);
    let onboarded = server.run(&["devices", "onboard", "pump-01", "--attribute", "plant=1710", "--out", folder]);
    let text = String::from_utf8_lossy(&onboarded.stdout).into_owned();
    assert!(onboarded.status.success() && text.contains("mosquitto_pub"), "{text}");
    for file in ["pump-01.crt", "pump-01.key", "root.crt"] {
        assert!(std::fs::read_to_string(out.join(file)).unwrap().starts_with("-----BEGIN "), "{file}");
    }
    let shown = server.json(&["devices", "show", "pump-01"]);
    assert_eq!((&shown["status"], &shown["attributes"]["plant"]), (&"ACTIVE".into(), &"1710".into()));
    assert_eq!(server.json(&["devices", "rotate", "pump-01"])["certificates"].as_array().unwrap().len(), 2);
    let file = server.folder.path().join("fleet.csv");
    std::fs::write(&file, "device\npump-01\npump-02\npump-03\n").unwrap();
    let report = server.json(&["devices", "import", file.to_str().unwrap(), "--out", folder]);
    assert_eq!((&report["onboarded"], &report["unchanged"]), (&2.into(), &1.into()));
    assert!(out.join("pump-03.key").exists());
    let listed = server.json(&["devices", "list", "--label", "attribute:plant=1710"]);
    assert_eq!(listed["devices"].as_array().unwrap().len(), 1);
    assert_eq!(server.json(&["devices", "revoke", "pump-02"])["status"], "REVOKED");
    server.json(&["devices", "delete", "pump-03"]);
    assert_eq!(server.json(&["devices", "list"])["devices"].as_array().unwrap().len(), 2);
    server.json(&["ca", "rotate"]);
    let roots = server.run(&["ca", "export"]);
    assert_eq!(String::from_utf8_lossy(&roots.stdout).matches("BEGIN CERTIFICATE").count(), 1);
}

#[test]
fn clients_from_the_command_line() {
    let server = Server::start();
    let made = server.json(&["oauth", "clients", "create", "--scope", "andon/devices", "--grant", "refresh_token"]);
    let id = made["id"].as_str().unwrap();
    let token = server.json(&["oauth", "clients", "refresh-token", id, "--subject", "gateway-7"]);
    assert!(token["refresh_token"].as_str().unwrap().len() > 40);
    assert_eq!(server.json(&["oauth", "clients", "list"]).as_array().unwrap().len(), 1);
    server.json(&["oauth", "clients", "delete", id]);
    assert_eq!(server.json(&["oauth", "clients", "list"]).as_array().unwrap().len(), 0);
}
