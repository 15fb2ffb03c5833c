//! A server that plays a script, and a destination that points to it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use andon_act::{Answer, Request, StepKind, Target};
use andon_connectors::{DestinationSpec, Destinations};
use andon_journal::Secrets;
use andon_model::{Key, Name, Secret, SystemClock, Timestamp};
use andon_testkit::memory_journal::MemoryJournal;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// One answer of the script.
#[derive(Clone, Default)]
pub(crate) struct Play {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Play {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    /// A token with its cookies.
    pub(crate) fn token(token: &str) -> Self {
        Self::status(200)
            .header("x-csrf-token", token)
            .header("set-cookie", "sap-usercontext=sap-client=100; path=/")
            .header("set-cookie", &format!("SAP_SESSIONID_S4H_100={token}-session; path=/; HttpOnly"))
    }

    /// A document was created.
    pub(crate) fn created() -> Self {
        Self::status(201).header("etag", "W/\"1\"").body(r#"{"d":{"MaintenanceNotification":"10000042"}}"#)
    }

    /// The token or its cookies are not accepted.
    pub(crate) fn token_required() -> Self {
        Self::status(403).header("x-csrf-token", "Required").body("CSRF token validation failed")
    }
}

/// What arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

#[derive(Default)]
struct Script {
    plays: Mutex<VecDeque<Play>>,
    seen: Mutex<Vec<Seen>>,
}

/// A server with a script, and the destination `s4` that points to it.
pub(crate) struct Stand {
    script: Arc<Script>,
    pub(crate) destinations: Destinations,
    pub(crate) address: String,
}

impl Stand {
    /// Plays the answers in turn; after the last one it answers 599.
    pub(crate) async fn new(plays: impl IntoIterator<Item = Play>) -> Self {
        Self::with("", plays).await
    }

    /// The same, with more lines in the destination's document.
    pub(crate) async fn with(options: &str, plays: impl IntoIterator<Item = Play>) -> Self {
        let script = Arc::new(Script { plays: Mutex::new(plays.into_iter().collect()), ..Script::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = listener.local_addr().expect("address").to_string();
        let app = Router::new().fallback(play).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let destinations = destinations(&format!("http://{address}"), options).await;
        Self { script, destinations, address }
    }

    pub(crate) async fn send(&self, request: &Request) -> Answer {
        self.destinations.send(&s4(), request).await
    }

    /// Everything that arrived, as `METHOD path?query`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.script.seen.lock().expect("lock").iter().map(|seen| seen.line.clone()).collect()
    }

    pub(crate) fn seen(&self, at: usize) -> Seen {
        self.script.seen.lock().expect("lock")[at].clone()
    }
}

async fn play(State(script): State<Arc<Script>>, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("body");
    let line = format!("{} {}", parts.method, parts.uri);
    let seen =
        Seen { line, headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned(), bytes: body.into() };
    script.seen.lock().expect("lock").push(seen);
    let play = script.plays.lock().expect("lock").pop_front().unwrap_or_else(|| Play::status(599));
    let mut response = play.body.into_response();
    response.headers_mut().remove("content-type");
    *response.status_mut() = StatusCode::from_u16(play.status).expect("status");
    for (name, value) in play.headers {
        response.headers_mut().append(name, value.parse().expect("header"));
    }
    response
}

pub(crate) fn s4() -> Name {
    Name::new("s4").expect("name")
}

/// A store with the secrets `password` and `key`.
pub(crate) async fn secrets() -> Arc<MemoryJournal> {
    let secrets = Arc::new(MemoryJournal::new());
    for (name, text) in [("password", "open-sesame-1"), ("key", "hub-key-0815")] {
        let name = Name::new(name).expect("name");
        secrets.put_secret(&name, Secret::new(text), Timestamp::default()).await.expect("stored");
    }
    secrets
}

/// The destination `s4` at an address, with the secrets `password` and `key`.
pub(crate) async fn destinations(url: &str, options: &str) -> Destinations {
    let secrets = secrets().await;
    let destinations = Destinations::new(secrets.clone(), secrets, Arc::new(SystemClock));
    destinations.replace([spec(url, options)]);
    destinations
}

pub(crate) fn spec(url: &str, options: &str) -> DestinationSpec {
    DestinationSpec::parse(&s4(), &format!("url = \"{url}\"\n{options}")).expect("valid destination")
}

/// Credentials of the kind that SAP asks for.
pub(crate) const BASIC: &str = "[auth]\nkind = \"basic\"\nuser = \"ANDON\"\npassword = { secret = \"password\" }\n";

/// The creation of a notification.
pub(crate) fn create() -> Request {
    Request {
        kind: StepKind::Odata,
        method: "POST".into(),
        path: "/odata/API_X/MaintenanceNotification".into(),
        query: Vec::new(),
        headers: Vec::new(),
        content_type: Some("application/json".into()),
        body: Some("{\"NotificationText\":\"x\"}".into()),
        csrf: true,
        service: Some("/odata/API_X".into()),
        key: Key::new("ABCDEFGHIJKLMNOPQRST"),
        repeatable_since: None,
        changeset: Vec::new(),
        if_match: None,
        attachment: None,
        budget: None,
        timeout_ms: 10_000,
    }
}

/// The same by plain HTTP, without a token.
pub(crate) fn post() -> Request {
    Request { kind: StepKind::Http, csrf: false, service: None, ..create() }
}

/// A server that reads one request, writes these bytes and closes; with `None` it never answers.
pub(crate) async fn raw(answer: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("connection");
        let mut request = vec![0; 16_384];
        let mut read = 0;
        while !request[..read].windows(4).any(|w| w == b"x\"}\"" || w == b":\"x\"") {
            read += socket.read(&mut request[read..]).await.expect("request");
        }
        match answer {
            Some(answer) => socket.write_all(answer.as_bytes()).await.expect("answer"),
            None => std::future::pending().await,
        }
    });
    format!("http://{address}")
}

/// `done`, `busy CODE`, `refused CODE STATUS` or `lost CODE`.
pub(crate) fn verdict(answer: &Answer) -> String {
    match answer {
        Answer::Done(_) => "done".to_owned(),
        Answer::Busy { problem, .. } => format!("busy {}", problem.code),
        Answer::Refused { problem, status } => format!("refused {} {status}", problem.code),
        Answer::Lost(problem) => format!("lost {}", problem.code),
    }
}

/// The problem of an answer that has one.
pub(crate) fn problem(answer: &Answer) -> String {
    match answer {
        Answer::Done(_) => String::new(),
        Answer::Busy { problem, .. } | Answer::Refused { problem, .. } | Answer::Lost(problem) => problem.to_string(),
    }
}
