//! Keys in addresses, proxies and Cloud Connectors.

use std::io::Write as _;

use andon_act::Target;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::oauth::token;
use crate::stand::{BASIC, Play, Stand, create, destinations, post, problem, s4, verdict};

/// A file with a service key, where services are all at one address.
pub(crate) fn service_key(address: &str) -> NamedTempFile {
    let (host, port) = address.split_once(':').expect("port");
    let mut file = NamedTempFile::new().expect("file");
    let key = format!(
        r#"{{"clientid":"sb-clone","clientsecret":"service-secret-1","url":"http://{address}","uri":"http://{address}",
            "onpremise_proxy_host":"{host}","onpremise_proxy_http_port":"{port}"}}"#
    );
    file.write_all(key.as_bytes()).expect("written");
    file
}

#[tokio::test]
async fn a_key_in_the_address_is_in_no_problem() {
    let options = "[auth]\nkind = \"api-key\"\nquery = \"api key\"\nvalue = { secret = \"key\" }\n";
    let echo = "no such thing: /x?api+key=hub-key-0815";
    let stand = Stand::with(options, [Play::status(201), Play::status(404).body(echo)]).await;
    assert_eq!(verdict(&stand.send(&post()).await), "done");
    assert_eq!(stand.lines(), ["POST /odata/API_X/MaintenanceNotification?api+key=hub-key-0815"]);
    let told = problem(&stand.send(&post()).await);
    assert!(told.contains("[secret]") && !told.contains("hub-key"), "{told}");
}

#[tokio::test]
async fn a_proxy_gets_the_whole_address_and_its_own_credentials() {
    let proxy = Stand::new([token("t", 60), Play::status(201)]).await;
    let options = format!(
        "allow_http = true\n{}[proxy]\nurl = \"http://{}\"\nuser = \"P\"\npassword = {{ secret = \"key\" }}\n",
        crate::oauth::client("token.example.com"),
        proxy.address
    );
    let answer = destinations("http://s4.example.com/gw", &options).await.send(&s4(), &post()).await;
    assert_eq!(verdict(&answer), "done", "{answer:?}");
    let post = "POST http://s4.example.com/gw/odata/API_X/MaintenanceNotification";
    assert_eq!(proxy.lines(), ["POST http://token.example.com/oauth/token", post]);
    for at in [0, 1] {
        assert_eq!(proxy.seen(at).header("proxy-authorization"), "Basic UDpodWIta2V5LTA4MTU=");
    }
}

#[tokio::test]
async fn what_is_encrypted_goes_through_a_proxy_by_connect() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    let heard = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("connection");
        let mut head = vec![0; 4_096];
        let read = socket.read(&mut head).await.expect("request");
        socket.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await.expect("answer");
        String::from_utf8_lossy(&head[..read]).into_owned()
    });
    let options =
        format!("{BASIC}[proxy]\nurl = \"http://{address}\"\nuser = \"P\"\npassword = {{ secret = \"key\" }}\n");
    let answer = destinations("https://s4.example.com", &options).await.send(&s4(), &post()).await;
    assert_eq!(verdict(&answer), "busy AND-4002", "{answer:?}");
    let heard = heard.await.expect("heard").to_lowercase();
    assert!(heard.starts_with("connect s4.example.com:443 http/1.1\r\n"), "{heard}");
    assert!(heard.contains("proxy-authorization: basic udpodwita2v5lta4mtu="), "{heard}");
    assert!(!heard.contains("\r\nauthorization"), "credentials of the destination are for the destination: {heard}");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_told_and_nothing_is_lost() {
    let through = |address: &str| format!("allow_http = true\n{BASIC}[proxy]\nurl = \"http://{address}\"\n");
    let check = async |play: Play, expect: &str| {
        let proxy = Stand::new([play]).await;
        let answer = destinations("http://s4.example.com", &through(&proxy.address)).await.send(&s4(), &post()).await;
        assert_eq!(verdict(&answer), expect, "{answer:?}");
    };
    check(Play::status(407), "refused AND-4006 407").await;
    check(Play::status(502), "lost AND-4003").await;
    check(Play::status(302).header("location", "http://evil.example.com/"), "refused AND-4001 302").await;
    let answer = destinations("http://s4.example.com", &through("127.0.0.1:9")).await.send(&s4(), &post()).await;
    assert_eq!(verdict(&answer), "busy AND-4002", "{answer:?}");
}

#[tokio::test]
async fn a_cloud_connector_is_reached_by_its_token_and_place() {
    let created = Play::created;
    let plays =
        [token("con-1", 3_600), Play::token("c"), created(), Play::status(407), token("con-2", 3_600), created()];
    let proxy = Stand::new(plays).await;
    let key = service_key(&proxy.address);
    let options = format!(
        "{BASIC}[on_premise]\nservice_key = {{ file = \"{}\" }}\nlocation_id = \"FACTORY1\"\n",
        key.path().display()
    );
    let destinations = destinations("http://virtual:44300/sap", &options).await;
    assert_eq!(verdict(&destinations.send(&s4(), &create()).await), "done");
    let answer = destinations.send(&s4(), &create()).await;
    assert_eq!(verdict(&answer), "done", "after another token: {answer:?}");
    let post = "POST http://virtual:44300/sap/odata/API_X/MaintenanceNotification";
    let head = "HEAD http://virtual:44300/sap/odata/API_X/";
    assert_eq!(proxy.lines(), ["POST /oauth/token", head, post, post, "POST /oauth/token", post]);
    for (at, bearer) in [(1, "con-1"), (2, "con-1"), (5, "con-2")] {
        let seen = proxy.seen(at);
        assert_eq!(seen.header("proxy-authorization"), format!("Bearer {bearer}"));
        assert_eq!(seen.header("sap-connectivity-scc-location_id"), "FACTORY1");
        assert!(seen.header("authorization").starts_with("Basic "));
    }
}
