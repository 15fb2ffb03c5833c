//! Certificates: only what the destination trusts, only for the name that was asked for.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use andon_act::Target;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, Stream};

use crate::stand::{destinations, post, problem, s4, verdict};

const AUTHORITY: &str = include_str!("tls/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("tls/server.pem");
const KEY: &[u8] = include_bytes!("tls/server.key");
const CLIENTS: &[u8] = include_bytes!("tls/client-ca.pem");

/// A server for one connection that answers 204 and asks for no certificate.
fn server() -> SocketAddr {
    serve(false)
}

/// The same, to clients with a certificate of `client-ca.pem` alone.
fn serve(wants_certificate: bool) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_slice(CERTIFICATE).expect("certificate")];
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("key");
    let config = ServerConfig::builder_with_provider(provider.clone());
    let config = config.with_safe_default_protocol_versions().expect("versions");
    let config = if wants_certificate {
        let mut clients = RootCertStore::empty();
        clients.add(CertificateDer::from_pem_slice(CLIENTS).expect("certificate")).expect("authority");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(clients), provider).build();
        config.with_client_cert_verifier(verifier.expect("verifier"))
    } else {
        config.with_no_client_auth()
    };
    let config = Arc::new(config.with_single_cert(chain, key).expect("pair"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let address = listener.local_addr().expect("address");
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("connection");
        let mut session = ServerConnection::new(config).expect("session");
        let mut stream = Stream::new(&mut session, &mut socket);
        let mut request = [0; 8_192];
        // A client that does not trust us hangs up here.
        if stream.read(&mut request).is_ok() {
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
        }
    });
    address
}

async fn check(host: &str, options: &str, expect: &str, words: &str) {
    let url = format!("https://{host}:{}", server().port());
    let answer = destinations(&url, options).await.send(&s4(), &post()).await;
    assert_eq!(verdict(&answer), expect, "{answer:?}");
    assert!(problem(&answer).contains(words), "{answer:?}");
}

#[tokio::test]
async fn certificates_are_verified() {
    let trusted = format!("ca_pem = \"\"\"{AUTHORITY}\"\"\"\n");
    check("localhost", &trusted, "done", "").await;
    check("127.0.0.1", &trusted, "busy AND-4002", "certificate").await;
    check("localhost", "", "busy AND-4002", "").await;
}

/// A file of this folder's `tls`.
fn file(name: &str) -> String {
    format!("{}/tests/destinations/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

async fn check_client(auth: &str, expect: &str, words: &str) {
    let options = format!("ca_file = \"{}\"\n{auth}", file("ca.pem"));
    let url = format!("https://localhost:{}", serve(true).port());
    let answer = destinations(&url, &options).await.send(&s4(), &post()).await;
    assert_eq!(verdict(&answer), expect, "{answer:?}");
    assert!(problem(&answer).contains(words), "{answer:?}");
}

fn pair(certificate: &str, key: &str) -> String {
    format!(
        "[auth]\nkind = \"client-certificate\"\ncertificate = {{ file = \"{}\" }}\nkey = {{ file = \"{}\" }}\n",
        file(certificate),
        file(key)
    )
}

#[tokio::test]
async fn a_client_proves_itself_by_its_certificate() {
    check_client(&pair("client.pem", "client.key"), "done", "").await;
    // The handshake of TLS 1.3 is over for the client before the server has looked at its certificate.
    check_client("", "lost AND-4003", "").await;
    check_client(&pair("client.pem", "client.pem"), "refused AND-4008 0", "certificate and key must be PEM").await;
    check_client(&pair("client.pem", "absent.key"), "refused AND-4008 0", "absent.key").await;
}

#[tokio::test]
async fn a_token_service_is_verified_too() {
    let auth = |more: &str| {
        let url = format!("https://localhost:{}/oauth/token", server().port());
        format!(
            "[auth]\nkind = \"oauth2-client-credentials\"\ntoken_url = \"{url}\"\nclient_id = \"c\"\n\
                 client_secret = {{ secret = \"key\" }}\n{more}"
        )
    };
    let send = async |more: &str| destinations("http://127.0.0.1:9", &auth(more)).await.send(&s4(), &post()).await;
    assert_eq!(verdict(&send("").await), "busy AND-4002");
    let trusted = send(&format!("token_ca_file = \"{}\"\n", file("ca.pem"))).await;
    assert_eq!(verdict(&trusted), "busy AND-4007", "it answers 204, which holds no token: {trusted:?}");
}
