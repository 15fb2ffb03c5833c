//! Andon at the independent server: configured by the folder `scenario`, fed by its API.
//!
//! The searches of the scenario begin a second after a loss, far below the timeouts: what is lost here the server has
//! done by then, and a slow machine makes no losses of its own.

use std::fs;
use std::mem;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::common::{Server, copy_folder, wait_for};
use crate::stand_in::StandIn;
use crate::tools::own;

/// A client that waits for its answers.
pub(crate) struct Http {
    runtime: Runtime,
    client: reqwest::Client,
}

impl Http {
    pub(crate) fn new() -> Self {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).no_proxy().build().unwrap();
        Self { runtime: Runtime::new().unwrap(), client }
    }

    /// Reads JSON that must be there.
    pub(crate) fn json(&self, url: &str) -> Value {
        self.answer(self.client.get(url))
    }

    pub(crate) fn post(&self, url: &str, body: &Value) -> Value {
        self.answer(self.client.post(url).json(body))
    }

    fn answer(&self, request: reqwest::RequestBuilder) -> Value {
        let answer = async { request.send().await?.error_for_status()?.json().await };
        self.runtime.block_on(answer).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// A running Andon and its destination.
pub(crate) struct Plant {
    pub(crate) erp: StandIn,
    server: Option<Server>,
    http: Http,
    /// The configuration, with the address of the destination.
    pub(crate) scenario: PathBuf,
}

impl Plant {
    pub(crate) fn new() -> Self {
        let (erp, server) = (StandIn::start(), Server::start());
        let scenario = server.folder.path().join("scenario");
        copy_folder(&own("scenario"), &scenario);
        let destination = scenario.join("destinations/erp.toml");
        let text = fs::read_to_string(&destination).unwrap();
        fs::write(&destination, text.replace("http://127.0.0.1:8490", &erp.url)).unwrap();
        server.json(&["apply", scenario.to_str().unwrap()]);
        Self { erp, server: Some(server), http: Http::new(), scenario }
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().expect("a running server")
    }

    /// SIGKILL, and a new life on the same data.
    pub(crate) fn kill_and_restart(&mut self) {
        let mut server = self.server.take().expect("a running server");
        let folder = mem::replace(&mut server.folder, tempfile::tempdir().unwrap());
        // Dropping it kills it.
        drop(server);
        self.server = Some(Server::start_in(folder));
    }

    /// Delivers an event that asks for an action; it must be taken.
    pub(crate) fn deliver(&self, wish: &str, document: &str) {
        let data = json!({ "wish": wish, "equipment": "PRESS-7", "document": document });
        let event = json!({ "specversion": "1.0", "id": format!("{wish} {document}"), "source": "/station",
                            "type": "com.example.station", "subject": wish, "data": data });
        let server = self.server();
        let token = fs::read_to_string(server.data().join("admin.token")).unwrap();
        let request = self.http.client.post(format!("{}/api/v1/events", server.url)).bearer_auth(token.trim());
        self.http.answer(request.header("content-type", "application/cloudevents+json").body(event.to_string()));
    }

    /// Waits until every event is decided and every run has ended.
    pub(crate) fn settle(&self) {
        wait_for("every run to end", || {
            let status: Value = serde_json::from_str(&self.server().get("/api/v1/status")).unwrap();
            let (backlog, pending) = (&status["status"]["backlog"], &status["status"]["pending_runs"]);
            (*backlog == 0 && *pending == 0).then_some(())
        });
    }

    /// Delivers an event and gives the run that it led to, ended.
    pub(crate) fn play(&self, wish: &str, document: &str) -> Value {
        self.deliver(wish, document);
        self.settle();
        self.runs().remove(0)
    }

    /// All runs, the newest first.
    pub(crate) fn runs(&self) -> Vec<Value> {
        let page: Value = serde_json::from_str(&self.server().get("/api/v1/runs?limit=100")).unwrap();
        page["rows"].as_array().cloned().unwrap()
    }

    /// What happened to a run.
    pub(crate) fn timeline(&self, run: &Value) -> String {
        self.server().get(&format!("/api/v1/runs/{}", run["id"].as_str().unwrap()))
    }
}
