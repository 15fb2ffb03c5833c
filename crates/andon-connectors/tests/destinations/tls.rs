//! Certificates: only what the destination trusts, only for the name that was asked for.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use andon_act::Target;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

use crate::stand::{destinations, post, problem, s4, verdict};

const AUTHORITY: &str = include_str!("tls/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("tls/server.pem");
const KEY: &[u8] = include_bytes!("tls/server.key");

/// A server for one connection that answers 204.
fn server() -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_slice(CERTIFICATE).expect("certificate")];
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("key");
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).expect("pair"));
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
