//! A plant for one test: the SAP simulator in this process, Andon as a child process that is killed.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use andon_sim::{BookEntry, Books, FaultProfile, SapSimulator, SimulatorConfig};
use andon_testkit::first_hit_table;
use andon_testkit::postgres::Database;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Which service an event asks for, and the action that it gets.
const ACTIONS: [(&str, &str); 3] = [("\"z\"", "notify-z"), ("\"create-only\"", "create-only"), ("", "notify")];

/// How long a single wait may take before the test fails.
const PATIENCE: Duration = Duration::from_mins(10);

/// The password that the simulator expects.
const SAP_PASSWORD: &str = "simulated";

/// Where the journal is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    Sqlite,
    Postgres,
}

pub(crate) struct Plant {
    pub(crate) sap: SapSimulator,
    folder: TempDir,
    database: Option<Database>,
    port: u16,
    child: Option<Child>,
    http: reqwest::Client,
}

impl Plant {
    /// A simulator with these faults and an Andon with actions for events of this test.
    pub(crate) async fn new(storage: Storage, seed: u64, faults: &FaultProfile) -> Self {
        Self::with(storage, seed, faults, |sap| own_documents(&sap.base_url())).await
    }

    /// A simulator with these faults and an Andon that has the documents `documents` gives, as `(kind, name, text)`.
    pub(crate) async fn with(
        storage: Storage,
        seed: u64,
        faults: &FaultProfile,
        documents: impl FnOnce(&SapSimulator) -> Vec<(String, String, String)>,
    ) -> Self {
        let config = SimulatorConfig { seed, faults: *faults, ..SimulatorConfig::default() };
        let sap = SapSimulator::start(config).await.expect("the simulator starts");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let database = (storage == Storage::Postgres)
            .then(|| andon_testkit::postgres::database().expect("a PostgreSQL database; apt-get install postgresql"));
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().expect("a client");
        let folder = tempfile::tempdir().expect("a folder");
        let mut plant = Self { sap, folder, database, port, child: None, http };
        plant.start(&[]).await;
        let documents = documents(&plant.sap);
        plant.configure(documents).await;
        plant
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the program and waits until it answers, or has already killed itself.
    pub(crate) async fn start(&mut self, environment: &[(&str, String)]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
        command.arg("serve").arg("--data").arg(self.folder.path().join("data"));
        let listen = format!("127.0.0.1:{}", self.port);
        command.args(["--listen", &listen, "--mqtt", "127.0.0.1:0", "--log", "warn"]);
        command.env_clear().envs(environment.iter().cloned()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(database) = &self.database {
            command.env("ANDON_DATABASE__URL", database.url());
        }
        self.child = Some(command.spawn().expect("the binary starts"));
        self.until("the program answers", async |plant| plant.has_ended() || plant.is_ready().await).await;
    }

    async fn is_ready(&mut self) -> bool {
        self.http.get(self.url("/readyz")).send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// Whether the child has ended, by itself or by a signal.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().expect("the child can be asked").is_some())
    }

    /// SIGKILL, and nothing left of it.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().expect("the child can be waited for");
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn token(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("data/admin.token")).expect("a token").trim().to_owned()
    }

    async fn configure(&self, documents: Vec<(String, String, String)>) {
        let secret = json!({ "value": SAP_PASSWORD });
        let stored = self.http.put(self.url("/api/v1/secrets/sap-password")).bearer_auth(self.token()).json(&secret);
        let stored = stored.send().await.expect("an answer");
        assert!(stored.status().is_success(), "{}", stored.text().await.unwrap_or_default());
        let put = |(kind, name, text)| json!({ "put": { "kind": kind, "name": name, "text": text } });
        let changes = json!({ "changes": documents.into_iter().map(put).collect::<Vec<_>>() });
        let url = self.url("/api/v1/configuration/apply");
        let applied = self.http.post(url).bearer_auth(self.token()).json(&changes).send().await.expect("an answer");
        assert!(applied.status().is_success(), "{}", applied.text().await.unwrap_or_default());
    }

    /// Delivers a body, once. Whether it need not be sent again: it was accepted, or is kept in quarantine.
    pub(crate) async fn push(&self, path: &str, content_type: &str, body: Vec<u8>) -> bool {
        let request = self.http.post(self.url(path)).bearer_auth(self.token()).header("content-type", content_type);
        let answer = request.body(body).send().await;
        answer.is_ok_and(|answer| answer.status().is_success() || answer.status() == 422 || answer.status() == 400)
    }

    /// Delivers one event, once. `true`: the answer was 2xx.
    pub(crate) async fn deliver(&self, id: &str, service: &str) -> bool {
        let event = json!({ "specversion": "1.0", "id": id, "source": "/test", "type": "anomaly",
                            "subject": format!("machine-{}", id.bytes().map(u64::from).sum::<u64>() % 211), "data": { "service": service } });
        let request = self.http.post(self.url("/api/v1/events")).bearer_auth(self.token());
        let request = request.header("content-type", "application/cloudevents+json").body(event.to_string());
        request.send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// Runs as the API lists them, all pages.
    pub(crate) async fn runs(&self) -> Vec<Value> {
        let (mut rows, mut before) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/api/v1/runs?limit=1000{before}")).await;
            rows.extend(page["rows"].as_array().cloned().unwrap_or_default());
            match page["next"].as_i64() {
                Some(next) => before = format!("&before={next}"),
                None => return rows,
            }
        }
    }

    pub(crate) async fn run_detail(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/runs/{id}")).await
    }

    async fn get(&self, path: &str) -> Value {
        self.try_get(path).await.unwrap_or_else(|| panic!("{path} gives JSON"))
    }

    /// `None` while the program is down.
    pub(crate) async fn try_get(&self, path: &str) -> Option<Value> {
        let answer = self.http.get(self.url(path)).bearer_auth(self.token()).send().await.ok()?;
        answer.json().await.ok()
    }

    /// Everything in the simulator's books, all pages.
    pub(crate) async fn documents(&self) -> Vec<BookEntry> {
        let (mut documents, mut after) = (Vec::new(), String::new());
        loop {
            let url = format!("{}/sim/books?limit=1000{after}", self.sap.base_url());
            let page: Books = self.http.get(url).send().await.expect("an answer").json().await.expect("books");
            after = page.documents.last().map(|last| format!("&after={}", last.number)).unwrap_or_default();
            documents.extend(page.documents);
            if !page.truncated {
                return documents;
            }
        }
    }

    /// Completes a notification, as somebody does in SAP who has repaired it.
    pub(crate) async fn complete_notification(&self, number: &str) {
        let service = format!("{}/sap/opu/odata/sap/API_MAINTNOTIFICATION/", self.sap.base_url());
        let logged_on = |request: reqwest::RequestBuilder| {
            request.basic_auth("ANDON", Some(SAP_PASSWORD)).header("accept", "application/json")
        };
        let fetch = logged_on(self.http.get(&service)).header("x-csrf-token", "fetch");
        let fetched = fetch.send().await.expect("an answer");
        let token = fetched.headers()["x-csrf-token"].clone();
        let cookies = fetched.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        let cookies: Vec<&str> = cookies.filter_map(|cookie| cookie.split(';').next()).collect();
        let url = format!("{service}CompleteMaintNotification?MaintenanceNotification='{number}'");
        let post = logged_on(self.http.post(url)).header("x-csrf-token", token).header("cookie", cookies.join("; "));
        let answer = post.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
    }

    /// Waits until every event is decided and no run is pending.
    pub(crate) async fn settle(&mut self) {
        self.until("every run is settled", async |plant| {
            let status = plant.get("/api/v1/status").await;
            status["status"]["backlog"] == 0 && status["status"]["pending_runs"] == 0
        })
        .await;
    }

    /// Looks again and again until it is so.
    pub(crate) async fn until(&mut self, what: &str, mut so: impl AsyncFnMut(&mut Self) -> bool) {
        let looking = async {
            while !so(self).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, looking).await.is_ok(), "waited too long until {what}");
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The same action without its last step.
fn create_only() -> &'static str {
    NOTIFY.split("\n[[step]]\nname = \"put-in-process\"").next().unwrap_or(NOTIFY)
}

fn own_documents(simulator: &str) -> Vec<(String, String, String)> {
    let decision = "table = \"device\"\n";
    [
        ("destination", "s4", DESTINATION.replace("ADDRESS", simulator).as_str()),
        ("table", "device", first_hit_table("event.data.service", &ACTIONS).as_str()),
        ("decision", "device", decision),
        ("action", "notify", NOTIFY),
        ("action", "create-only", create_only()),
        ("action", "notify-z", NOTIFY_Z),
    ]
    .map(|(kind, name, text)| (kind.to_owned(), name.to_owned(), text.to_owned()))
    .into()
}

const DESTINATION: &str = r#"
url = "ADDRESS"
timeout = "2s"
max_concurrency = 32

[auth]
kind = "basic"
user = "ANDON"
password = { secret = "sap-password" }

[circuit]
failures = 1000
open_for = "1s"
"#;

const NOTIFY: &str = r#"
[[step]]
name = "read"
stage = "pre"
kind = "http"
destination = "s4"
method = "GET"
path = "/sim/equipment/210100094"
timeout = "2s"
retry = { base = "50ms", max = "500ms" }

[[step]]
name = "create"
stage = "main"
kind = "odata"
destination = "s4"
service = "/sap/opu/odata/sap/API_MAINTNOTIFICATION"
method = "POST"
path = "MaintenanceNotification"
document = "d.MaintenanceNotification"
guard = { kind = "probe", set = "MaintenanceNotification", field = "MaintNotifExtReferenceNumber", settle = "300ms" }
timeout = "2s"
retry = { base = "50ms", max = "500ms" }
body = '''
{ "MaintNotifExtReferenceNumber": "${{key}}", "NotificationType": "M2", "NotificationText": "Event ${{event.id}}" }
'''

[[step]]
name = "put-in-process"
stage = "post"
kind = "odata"
destination = "s4"
service = "/sap/opu/odata/sap/API_MAINTNOTIFICATION"
method = "POST"
path = "SetMaintNotifToInProcess"
query = { MaintenanceNotification = "'${{main.create.d.MaintenanceNotification}}'" }
guard = { kind = "natural" }
timeout = "2s"
retry = { base = "50ms", max = "500ms" }
"#;

const NOTIFY_Z: &str = r#"
[[step]]
name = "create"
stage = "main"
kind = "odata"
destination = "s4"
service = "/sap/opu/odata/sap/ZSERVICE_PM_NOTIFICATION_SRV"
method = "POST"
path = "NOTIF_CREATESet"
document = "d.NotifNo"
guard = { kind = "park" }
timeout = "2s"
retry = { base = "50ms", max = "500ms" }
body = '{ "ShortText": "Event ${{event.id}}" }'
"#;
