//! The test stand: simulator in this process, Andon as a child, configured for three-step runs.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use andon_sim::{SapSimulator, SimulatorConfig};
use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;

/// How long the program may take to answer after its start.
const START_LIMIT: Duration = Duration::from_mins(2);

pub(crate) struct Stand {
    pub(crate) sap: SapSimulator,
    pub(crate) http: reqwest::Client,
    folder: TempDir,
    program: PathBuf,
    settings: Vec<(String, String)>,
    port: u16,
    andon: Child,
    url: String,
    token: String,
}

impl Stand {
    /// Starts both and applies the configuration.
    pub(crate) async fn start(program: &Path, folder: Option<&Path>) -> anyhow::Result<Self> {
        Self::start_with(program, folder, &[]).await
    }

    /// The same, with variables in the environment of the program.
    pub(crate) async fn start_with(
        program: &Path,
        folder: Option<&Path>,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let settings: Vec<_> = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let sap = SapSimulator::start(SimulatorConfig::default()).await?;
        let folder = folder.map_or_else(TempDir::new, TempDir::new_in)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let andon = spawn(program, &settings, port, folder.path())?;
        let http = reqwest::Client::builder().timeout(Duration::from_mins(1)).build()?;
        let url = format!("http://127.0.0.1:{port}");
        let program = program.to_owned();
        let mut stand = Self { sap, http, folder, program, settings, port, andon, url, token: String::new() };
        stand.wait_until_ready().await?;
        let token = std::fs::read_to_string(stand.folder.path().join("admin.token"))?;
        token.trim().clone_into(&mut stand.token);
        stand.configure().await?;
        Ok(stand)
    }

    pub(crate) fn process(&self) -> Process {
        Process(self.andon.id())
    }

    /// Ends the program as a power cut does.
    pub(crate) fn stop(&mut self) {
        self.andon.kill().ok();
        self.andon.wait().ok();
    }

    /// Starts the program again and waits until it is ready.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<()> {
        self.andon = spawn(&self.program, &self.settings, self.port, self.folder.path())?;
        self.wait_until_ready().await
    }

    /// The configuration in force, in a folder of its own.
    pub(crate) fn export(&self) -> anyhow::Result<TempDir> {
        let into = TempDir::new()?;
        let mut export = Command::new(&self.program);
        export.args(["--url", &self.url, "--data"]).arg(self.folder()).arg("export").arg(into.path());
        ensure!(export.stdout(Stdio::null()).status()?.success(), "the configuration cannot be exported");
        Ok(into)
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file with the journal.
    pub(crate) fn journal(&self) -> PathBuf {
        self.folder.path().join("andon.db")
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < START_LIMIT {
            let answer = self.http.get(format!("{}/readyz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bail!("the program did not answer within {START_LIMIT:?}")
    }

    async fn configure(&self) -> anyhow::Result<()> {
        let secret = json!({ "value": "simulated" });
        self.send(self.http.put(self.at("/api/v1/secrets/sap-password")).json(&secret)).await?;
        let put = |kind: &str, name: &str, text: &str| json!({ "put": { "kind": kind, "name": name, "text": text } });
        let changes = json!({ "changes": [
            put("destination", "s4", &DESTINATION.replace("ADDRESS", &self.sap.base_url())),
            put("destination", "silent", SILENT),
            put("table", "steps", TABLE),
            put("decision", "steps", "table = \"steps\"\n"),
            put("action", "three-steps", &(READ.to_owned() + CREATE + ECHO)),
            put("action", "one-step", CREATE),
            put("model", "press", PRESS),
            put("action", "unanswered", &CREATE.replace("\"s4\"", "\"silent\"")),
        ] });
        self.send(self.http.post(self.at("/api/v1/configuration/apply")).json(&changes)).await?;
        Ok(())
    }

    /// Posts events `from..to` as one batch.
    pub(crate) async fn post(&self, action: &str, from: usize, to: usize) -> anyhow::Result<()> {
        let event = |n: usize| {
            json!({ "specversion": "1.0", "id": format!("{action}-{n}"), "source": "/bench", "type": "anomaly",
                    "subject": format!("machine-{n}"), "time": "2026-01-01T00:00:00Z",
                    "data": { "action": action, "equipment": "210100094", "score": 0.98 } })
        };
        let body = serde_json::to_vec(&(from..to).map(event).collect::<Vec<_>>())?;
        let request = self.http.post(self.at("/api/v1/events")).body(body);
        self.send(request.header("content-type", "application/cloudevents-batch+json")).await?;
        Ok(())
    }

    /// Events and runs that are not finished.
    pub(crate) async fn pending(&self) -> anyhow::Result<i64> {
        let status = self.get("/api/v1/status").await?;
        let number = |name: &str| status["status"][name].as_i64().with_context(|| format!("no {name} in the status"));
        Ok(number("backlog")? + number("pending_runs")?)
    }

    /// The sum of a histogram in the metrics, over all its labels.
    pub(crate) async fn metric_sum(&self, name: &str) -> anyhow::Result<f64> {
        let text = self.send(self.http.get(self.at("/metrics"))).await?;
        let sums = text.lines().filter(|line| line.starts_with(&format!("{name}_sum")));
        Ok(sums.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    /// Begins to read an answer that does not end; its head is there.
    pub(crate) async fn stream(&self, path: &str) -> anyhow::Result<reqwest::Response> {
        let client = reqwest::Client::builder().build()?;
        let answer = client.get(self.at(path)).bearer_auth(&self.token).send().await?;
        Ok(answer.error_for_status()?)
    }

    /// Reads a JSON document from the API.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.send(self.http.get(self.at(path))).await?)?)
    }

    /// Posts a JSON document to the API.
    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> anyhow::Result<String> {
        self.send(self.http.post(self.at(path)).json(body)).await
    }

    /// Posts a file to the API.
    pub(crate) async fn post_file(&self, path: &str, kind: &str, file: String) -> anyhow::Result<String> {
        let request = self.http.post(self.at(path)).timeout(Duration::from_mins(10));
        self.send(request.header("content-type", kind).body(file)).await
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<String> {
        let answer = request.bearer_auth(&self.token).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{status}: {text}");
        Ok(text)
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(program: &Path, settings: &[(String, String)], port: u16, folder: &Path) -> anyhow::Result<Child> {
    let mut andon = Command::new(program);
    let listen = format!("127.0.0.1:{port}");
    andon.args(["serve", "--listen", &listen, "--mqtt", "127.0.0.1:0", "--log", "warn", "--data"]).arg(folder);
    andon.envs(settings.iter().cloned());
    andon.stdout(Stdio::null()).spawn().with_context(|| format!("cannot start {}", program.display()))
}

/// What reports to `plant/<line>/<device>` is a press.
const PRESS: &str = r#"
[discover]
topics = ["plant/{line}/{device}"]

[[properties]]
name = "temperature"
data_type = "DOUBLE"
type = { measurement = { alias = "/plant/{line}/{device}/temperature" } }
"#;

/// A destination where nobody listens: the port belongs to a service that has long gone out of use.
const SILENT: &str = "url = \"http://127.0.0.1:9\"\n";

const DESTINATION: &str = r#"
url = "ADDRESS"
max_concurrency = 64
[auth]
kind = "basic"
user = "ANDON"
password = { secret = "sap-password" }
"#;

const READ: &str = r#"
[[step]]
name = "read"
stage = "pre"
kind = "http"
destination = "s4"
method = "GET"
path = "/sim/equipment/${{event.data.equipment}}"
"#;

const CREATE: &str = r#"
[[step]]
name = "create"
stage = "main"
kind = "odata"
destination = "s4"
service = "/sap/opu/odata/sap/API_MAINTNOTIFICATION"
method = "POST"
path = "MaintenanceNotification"
document = "d.MaintenanceNotification"
guard = { kind = "probe", set = "MaintenanceNotification", field = "MaintNotifExtReferenceNumber" }
body = '''
{ "MaintNotifExtReferenceNumber": "${{key}}", "NotificationType": "M2", "NotificationText": "${{event.id}}",
  "TechnicalObject": "${{event.data.equipment}}", "TechObjIsEquipOrFuncnlLoc": "EAMS_EQUI",
  "MaintNotifLongTextForEdit": "Score ${{event.data.score}} at ${{event.time}}" }
'''
"#;

const ECHO: &str = r#"
[[step]]
name = "tell"
stage = "post"
kind = "http"
destination = "s4"
method = "POST"
path = "/sim/echo"
guard = { kind = "natural" }
body = '{ "notification": "${{main.create.d.MaintenanceNotification}}" }'
"#;

const TABLE: &str = r#"{
  "nodes": [
    { "id": "in", "type": "inputNode", "name": "event", "position": { "x": 0, "y": 0 } },
    { "id": "table", "type": "decisionTableNode", "name": "steps", "position": { "x": 200, "y": 0 },
      "content": {
        "hitPolicy": "first",
        "inputs": [{ "id": "wish", "name": "Action", "field": "event.data.action" }],
        "outputs": [{ "id": "action", "name": "Action", "field": "action" }],
        "rules": [
          { "_id": "none", "wish": "\"unanswered\"", "action": "\"unanswered\"" },
          { "_id": "one", "wish": "\"one-step\"", "action": "\"one-step\"" },
          { "_id": "three", "wish": "", "action": "\"three-steps\"" }
        ]
      } },
    { "id": "out", "type": "outputNode", "name": "decision", "position": { "x": 400, "y": 0 } }
  ],
  "edges": [
    { "id": "e1", "type": "edge", "sourceId": "in", "targetId": "table" },
    { "id": "e2", "type": "edge", "sourceId": "table", "targetId": "out" }
  ]
}"#;
