//! The access log: what it says, and what it must never say (invariant K1).

use std::io::Write;
use std::sync::{Arc, Mutex};

use andon_journal::Role;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{World, request, token_of};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let subscriber =
            tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines of the access log.
    fn lines(&self) -> Vec<Value> {
        let lines = self.text();
        let parsed = lines.lines().map(|line| serde_json::from_str(line).unwrap());
        parsed.filter(|line: &Value| line["fields"]["message"] == "answered").collect()
    }
}

#[tokio::test]
async fn a_line_names_request_caller_and_outcome() {
    let (log, _guard) = Log::start();
    let world = World::start().await;
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let call = request("GET", "/api/v1/events/99?token=x")
        .bearer(token_of(Role::Viewer))
        .header("x-request-id", "gateway-1")
        .header("traceparent", traceparent);
    let answer = world.send(call.empty()).await;
    assert_eq!(answer.header("x-request-id"), "gateway-1");

    let lines = log.lines();
    let line = lines.last().unwrap();
    assert_eq!((line["level"].as_str(), line["fields"]["status"].as_u64()), (Some("INFO"), Some(404)));
    assert_eq!(line["fields"]["code"], "AND-1201");
    let span = &line["span"];
    assert_eq!((span["id"].as_str(), span["caller"].as_str()), (Some("gateway-1"), Some("token-of-viewer")));
    assert_eq!((span["path"].as_str(), span["traceparent"].as_str()), (Some("/api/v1/events/99"), Some(traceparent)));
}

#[tokio::test]
async fn levels_tell_routine_from_trouble() {
    let (log, _guard) = Log::start();
    let world = World::start().await;
    let delivery = |body: &'static str| request("POST", "/api/v1/events").bearer(token_of(Role::Intake)).body(body);
    world.send(delivery("e-1")).await;
    world.send(delivery("bad")).await;
    world.ask(Role::Viewer, "GET", "/api/v1/runs").await;
    let _next_process = world.journal.crash();
    world.send(delivery("e-2")).await;
    let levels: Vec<_> = log.lines().iter().map(|line| line["level"].as_str().unwrap().to_owned()).collect();
    assert_eq!(levels, ["DEBUG", "INFO", "INFO", "WARN"]);
}

#[tokio::test]
async fn credentials_appear_nowhere() {
    let (log, _guard) = Log::start();
    let world = World::start().await;
    let created = world.tell(Role::Admin, "POST", "/api/v1/tokens", &json!({"name": "n", "role": "viewer"})).await;
    let token = created.json()["token"].as_str().unwrap().to_owned();
    world.send(request("GET", &format!("/api/v1/runs?token={token}")).bearer(&token).empty()).await;
    world.send(request("GET", "/api/v1/runs").bearer("wrong-guess").empty()).await;
    world.tell(Role::Admin, "PUT", "/api/v1/secrets/s", &json!({"value": "hunter2"})).await;
    world.tell(Role::Admin, "PUT", "/api/v1/secrets/s", &json!({"value": {"hunter2": 1}})).await;
    let delivery = request("POST", "/api/v1/events").bearer(token_of(Role::Intake)).header("cookie", "hunter2");
    world.send(delivery.body("e-1")).await;
    let text = log.text();
    for secret in [token.as_str(), "wrong-guess", "hunter2", "Bearer"] {
        assert!(!text.contains(secret), "{secret} is in the log:\n{text}");
    }
}
