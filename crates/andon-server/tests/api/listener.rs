//! Connections over a real socket.

use std::net::SocketAddr;
use std::time::Duration;

use andon_server::ServerSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::parts;

struct Serving {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

async fn serve(settings: ServerSettings) -> Serving {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (parts, engine, _, _) = parts(settings).await;
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(async move {
        andon_server::serve(parts, listener, async { drop(stopped.await) }).await;
        drop(engine);
    });
    Serving { address, stop, ended }
}

/// Everything the server sends until it closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    // A server that refuses a head may reset the connection after its answer.
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8(text).unwrap()
}

async fn exchange(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    rest(stream).await
}

#[tokio::test]
async fn heads_are_read_within_limits() {
    let serving = serve(ServerSettings { head_bytes: 8192, ..ServerSettings::default() }).await;
    let check = async |headers: String, status: &str| {
        let text = format!("GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}\r\n");
        let answer = exchange(serving.address, &text).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    };
    check(String::new(), "200").await;
    check("x: y\r\n".repeat(90), "200").await;
    check("x: y\r\n".repeat(110), "431").await;
    check(format!("x: {}\r\n", "y".repeat(16_384)), "431").await;
}

#[tokio::test]
async fn a_stop_lets_requests_under_way_finish() {
    let serving = serve(ServerSettings::default()).await;
    let mut busy = TcpStream::connect(serving.address).await.unwrap();
    let head = "POST /api/events HTTP/1.1\r\nhost: a\r\nauthorization: Bearer token-of-intake\r\n\
        content-length: 3\r\nexpect: 100-continue\r\n\r\n";
    busy.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    busy.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");

    serving.stop.send(()).unwrap();
    busy.write_all(b"e-1").await.unwrap();
    let answer = rest(busy).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    serving.ended.await.unwrap();
    assert!(TcpStream::connect(serving.address).await.is_err());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let serving = serve(ServerSettings { drain_seconds: 0, ..ServerSettings::default() }).await;
    let mut stuck = TcpStream::connect(serving.address).await.unwrap();
    stuck.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\nPOST").await.unwrap();
    let mut beginning = [0; 15];
    stuck.read_exact(&mut beginning).await.unwrap();
    assert_eq!(&beginning, b"HTTP/1.1 200 OK");
    serving.stop.send(()).unwrap();
    serving.ended.await.unwrap();
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let serving = serve(ServerSettings { max_connections: 1, ..ServerSettings::default() }).await;
    let ask = "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut first = TcpStream::connect(serving.address).await.unwrap();
    first.write_all(ask.as_bytes()).await.unwrap();
    let mut beginning = [0; 15];
    first.read_exact(&mut beginning).await.unwrap();
    let mut second = TcpStream::connect(serving.address).await.unwrap();
    second.write_all(ask.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(100), second.readable()).await;
    assert!(early.is_err(), "the second connection was served beside the first");
    drop(first);
    assert!(rest(second).await.starts_with("HTTP/1.1 200"));
}
