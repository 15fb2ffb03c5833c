//! The commands for devices, authorities and clients.

use andon_devices::pki::KeyKind;

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
    assert!(!server.run(&["devices", "rotate", "pump-01", "--out", folder]).status.success(), "its key would be lost");
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

/// The guide's own example, with the token of the claim's client alone.
#[test]
fn a_claim_onboards_from_the_command_line() {
    let server = Server::start();
    let profile = server.folder.path().join("s1.toml");
    std::fs::write(&profile, "required_attributes = [\"plant\"]\n").unwrap();
    server.json(&["devices", "profiles", "put", "s1", profile.to_str().unwrap()]);
    server.json(&["devices", "groups", "put", "line-4"]);
    let made = server.json(&["oauth", "clients", "create", "--id", "installers", "--scope", "andon/claim"]);
    let claim = ["--allow", "pump-*", "--profile", "s1", "--group", "line-4", "--attribute", "plant"];
    server.json(&[["devices", "claims", "put", "installers"].as_slice(), &claim].concat());
    let form = [("grant_type", "client_credentials"), ("client_id", "installers")];
    let asked = reqwest::Client::builder().build().unwrap().post(format!("{}/oauth2/token", server.url)).query(&form);
    let asked = asked.query(&[("client_secret", made["client_secret"].as_str().unwrap())]);
    let answer = async { asked.send().await?.json::<serde_json::Value>().await };
    let answer = tokio::runtime::Runtime::new().unwrap().block_on(answer).unwrap();
    let token = answer["access_token"].as_str().unwrap();
    let out = server.folder.path().join("bundle");
    let onboard = |more: &[&str]| {
        let mut command = server.command(&["devices", "onboard", "pump-01", "--out", out.to_str().unwrap()]);
        command.args(["--attribute", "plant=1710"]).args(more).env("ANDON_TOKEN", token).output().unwrap()
    };
    let refused = onboard(&["--group", "hall-7"]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("does not allow the group hall-7"), "{text}");
    assert!(text.contains("andon devices claims put") && !text.contains("higher role"), "{text}");
    let done = onboard(&[]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(String::from_utf8_lossy(&done.stdout).contains("mosquitto_pub -h localhost"));
    for file in ["pump-01.crt", "pump-01.key", "root.crt"] {
        assert!(out.join(file).exists(), "{file}");
    }
    let shown = server.json(&["devices", "show", "pump-01"]);
    assert_eq!((&shown["profile"], &shown["groups"][0]), (&"s1".into(), &"line-4".into()));
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

#[test]
fn what_devices_are_made_by_from_the_command_line() {
    let server = Server::start();
    let file = |name: &str, text: &str| {
        let path = server.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let profile = file("s1.toml", "certificate_days = 100\nrequired_attributes = [\"plant\"]\n");
    server.json(&["devices", "profiles", "put", "s1", &profile]);
    assert_eq!(server.json(&["devices", "profiles", "show", "s1"])["certificate_days"], 100);
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"}]}"#;
    server.json(&["devices", "policies", "put", "connect", &file("connect.json", document)]);
    assert_eq!(server.json(&["devices", "policies", "show", "connect"])["document"], document);
    server.json(&["devices", "groups", "put", "line-4", "--policy", "connect"]);
    assert!(!server.run(&["devices", "onboard", "pump-01", "--profile", "s1"]).status.success(), "plant is missing");
    server.json(&["devices", "onboard", "pump-01", "--profile", "s1", "--attribute", "plant=1710"]);
    server.json(&["devices", "onboard", "pump-02"]);
    server.json(&["devices", "groups", "add", "line-4", "pump-01", "pump-02"]);
    server.json(&["devices", "groups", "remove", "line-4", "pump-02"]);
    let listed = server.json(&["devices", "list", "--label", "group:line-4"]);
    assert_eq!((listed["devices"].as_array().unwrap().len(), &listed["devices"][0]["name"]), (1, &"pump-01".into()));
    let changed = server.json(&["devices", "change", "pump-02", "--attribute", "hall=7", "--policy", "connect"]);
    assert_eq!((&changed["attributes"]["hall"], &changed["policies"][0]), (&"7".into(), &"connect".into()));
    assert_eq!(server.json(&["devices", "change", "pump-02", "--no-policies"])["policies"].as_array(), None);
    for kind in ["profiles", "policies", "groups"] {
        assert_eq!(server.json(&["devices", kind, "list"]).as_array().unwrap().len(), 1, "{kind}");
    }
    assert!(!server.run(&["devices", "groups", "delete", "line-4"]).status.success(), "pump-01 has it");
    server.json(&["devices", "groups", "remove", "line-4", "pump-01"]);
    server.json(&["devices", "groups", "delete", "line-4"]);
    assert_eq!(server.json(&["devices", "groups", "list"]).as_array().unwrap().len(), 0);
    assert!(!server.run(&["devices", "groups", "show", "line-4"]).status.success());
}

#[test]
fn tokens_are_revoked_and_keys_replaced_from_the_command_line() {
    let server = Server::start();
    let made = server.json(&["oauth", "clients", "create", "--scope", "andon/devices", "--grant", "refresh_token"]);
    let id = made["id"].as_str().unwrap();
    let token = |subject: &str| server.json(&["oauth", "clients", "refresh-token", id, "--subject", subject]);
    let (first, second) = (token("gateway-7"), token("gateway-8"));
    let listed = server.json(&["oauth", "clients", "tokens", id]);
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 2);
    let text = first["refresh_token"].as_str().unwrap();
    assert!(!listed.to_string().contains(text.split_once('.').unwrap().1));
    let revoked = server.json(&["oauth", "clients", "revoke-token", id, text]);
    assert_eq!((&revoked["id"], &revoked["subject"]), (&first["id"], &"gateway-7".into()));
    assert!(!server.run(&["oauth", "clients", "revoke-token", "another", text]).status.success());
    let listed = server.json(&["oauth", "clients", "tokens", id]);
    let good: Vec<_> = listed["tokens"].as_array().unwrap().iter().filter(|one| one.get("revoked").is_none()).collect();
    assert_eq!((good.len(), &good[0]["id"]), (1, &second["id"]));
    let keys = server.json(&["oauth", "keys", "rotate"]);
    let retired = keys.as_array().unwrap().iter().filter(|key| key.get("retired").is_some()).count();
    assert_eq!(keys.as_array().unwrap().len() - retired, 1);
    assert_eq!(server.json(&["oauth", "keys", "list"]), keys);
}

/// Broken off anywhere, the same command goes on with the same key; a key that is there already is taken.
#[test]
fn keys_stay_on_the_machine_where_they_are_made() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start();
    let out = server.folder.path().join("bundle");
    let folder = out.to_str().unwrap();
    let first = server.json(&["devices", "onboard", "pump-01", "--out", folder]);
    let key = out.join("pump-01.key");
    let made = std::fs::read_to_string(&key).unwrap();
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(first["private_key"].is_null() && first["certificates"][0]["origin"] == "request", "{first}");
    let again = server.json(&["devices", "onboard", "pump-01", "--out", folder]);
    assert_eq!((&again["certificates"], std::fs::read_to_string(&key).unwrap()), (&first["certificates"], made));
    let taken = server.run(&["devices", "onboard", "pump-02", "--key", key.to_str().unwrap(), "--out", folder]);
    let text = String::from_utf8_lossy(&taken.stderr).into_owned();
    assert!(!taken.status.success() && text.contains("is that of another device"), "{text}");
    let own = server.folder.path().join("own.key");
    let made = andon_devices::KeySource::generate(&andon_devices::SystemEntropy, KeyKind::EcdsaP256).unwrap();
    std::fs::write(&own, made.to_pem().expose()).unwrap();
    let given = server.run(&["devices", "onboard", "pump-02", "--key", own.to_str().unwrap(), "--out", folder]);
    let text = String::from_utf8_lossy(&given.stdout).into_owned();
    assert!(given.status.success() && text.contains("own.key -i pump-02"), "{text}");
    assert!(!out.join("pump-02.key").exists());
    let theirs = server.json(&["devices", "onboard", "pump-03", "--server-key", "--out", folder]);
    assert!(out.join("pump-03.key").exists() && theirs["private_key"].is_string());
}
