//! TLS to a broker: verified, with client certificates, and for the name that was asked for.

use andon_model::Code;

use crate::plant::{NUMBERED, Plant, document};
use andon_testkit::mosquitto::Broker;

/// A file of the certificates that the tests of destinations use.
fn file(name: &str) -> String {
    format!("{}/tests/destinations/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn broker() -> Broker {
    let (certificate, key, clients) = (file("server.pem"), file("server.key"), file("client-ca.pem"));
    Broker::with(&format!(
        "allow_anonymous true\ncertfile {certificate}\nkeyfile {key}\ncafile {clients}\nrequire_certificate true\n\
         use_identity_as_username true\n"
    ))
}

fn plant(host: &str, port: u16, options: &str) -> Plant {
    Plant::new(&document(port, NUMBERED, &format!("url = \"mqtts://{host}:{port}\"\n{options}")))
}

fn identity(certificate: &str, key: &str) -> String {
    let (ca, certificate, key) = (file("ca.pem"), file(certificate), file(key));
    format!("ca = {{ file = \"{ca}\" }}\ncertificate = {{ file = \"{certificate}\" }}\nkey = {{ file = \"{key}\" }}\n")
}

#[tokio::test]
async fn a_client_certificate_opens_the_door() {
    let broker = broker();
    for version in ["3.1.1", "5"] {
        let options = format!("{}version = \"{version}\"", identity("client.pem", "client.key"));
        plant("localhost", broker.port, &options).turn().await.unwrap_or_else(|problem| panic!("{problem}"));
    }
}

#[tokio::test]
async fn nothing_else_does() {
    let broker = broker();
    let refusal = async |host: &str, options: &str| {
        plant(host, broker.port, options).turn().await.expect_err("refused").to_string()
    };
    let no_certificate = format!("ca = {{ file = \"{}\" }}", file("ca.pem"));
    let text = refusal("localhost", &no_certificate).await;
    assert!(text.contains("AND-500"), "{text}");
    let text = refusal("127.0.0.1", &identity("client.pem", "client.key")).await;
    assert!(text.contains("TLS: ") && text.contains("certificate"), "another name: {text}");
    let text = refusal("localhost", "").await;
    assert!(text.contains("TLS: ") && text.contains("certificate"), "not an authority of the system: {text}");
    let text = refusal("localhost", &identity("client.pem", "absent.key")).await;
    assert!(text.contains(Code::MissingSecret.as_str()) && text.contains("absent.key"), "{text}");
    let text = refusal("localhost", &identity("client.pem", "client.pem")).await;
    assert!(text.contains("no private key in PEM form"), "{text}");
    let text = refusal("localhost", &identity("client.key", "client.key")).await;
    assert!(text.contains("no certificate in PEM form"), "{text}");
    let text = refusal("localhost", &identity("client.pem", "server.key")).await;
    assert!(text.contains("do not belong together"), "{text}");
}
