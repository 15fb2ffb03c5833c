//! Andon as a child process: its API, its door, and how it is killed.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use andon_sim::fleet::{IdentityFolder, Onboarding, OnboardingWay};
use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use crate::fleet::Broker;
use crate::process::Process;

/// How long the program may take to answer, and its door to open.
const START_LIMIT: Duration = Duration::from_mins(2);

pub(crate) struct Andon {
    program: PathBuf,
    folder: PathBuf,
    settings: Vec<(String, String)>,
    api: String,
    mqtt: String,
    http: reqwest::Client,
    child: Option<Child>,
}

impl Andon {
    /// A program that was not started yet, with its data in `folder` and these variables in its environment.
    pub(crate) fn new(program: &Path, folder: &Path, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_mins(5)).build()?;
        let (program, folder) = (program.to_owned(), folder.to_owned());
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Ok(Self { program, folder, settings, api: free_address()?, mqtt: free_address()?, http, child: None })
    }

    /// Starts the program and waits until devices may come in.
    pub(crate) async fn start(&mut self) -> anyhow::Result<Broker> {
        self.spawn()?;
        self.until("the door did not open", async || self.is_open().await).await?;
        let roots_pem = std::fs::read_to_string(self.roots())?;
        Ok(Broker { url: format!("mqtts://{}", self.mqtt), roots_pem, process: self.process()? })
    }

    /// Starts the program and waits until its API answers.
    pub(crate) async fn serve(&mut self) -> anyhow::Result<()> {
        self.spawn()?;
        self.until("the program did not answer", async || self.is_ready().await).await
    }

    /// Ends the program as a power cut does, but for the memory of the kernel.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // A child that has ended by itself cannot be killed.
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// The first start: devices are onboarded, and the program ended.
    pub(crate) async fn onboard(&mut self, devices: &[String], into: &IdentityFolder) -> anyhow::Result<()> {
        self.serve().await?;
        let onboarding = Onboarding::new(self.at(""), self.token()?, OnboardingWay::Bulk);
        onboarding.complete(devices, into, |_| {}).await?;
        self.kill();
        Ok(())
    }

    /// Revokes all certificates of a device.
    pub(crate) async fn revoke(&self, device: &str) -> anyhow::Result<()> {
        let request = self.http.post(self.at(&format!("/api/v1/devices/{device}/revoke"))).json(&json!({}));
        self.send(request).await.map(drop)
    }

    /// The folder of the raw log.
    pub(crate) fn raw_log(&self) -> PathBuf {
        self.folder.join("readings/raw")
    }

    pub(crate) fn process(&self) -> anyhow::Result<Process> {
        Ok(Process(self.child.as_ref().context("the program is not running")?.id()))
    }

    /// What devices trust, where onboarding has put it.
    fn roots(&self) -> PathBuf {
        self.folder.with_file_name("identities").join("root.crt")
    }

    fn spawn(&mut self) -> anyhow::Result<()> {
        let mut andon = Command::new(&self.program);
        andon.args(["serve", "--log", "error", "--listen", &self.api, "--mqtt", &self.mqtt, "--data"]);
        andon.arg(&self.folder).envs(self.settings.iter().cloned()).stdout(Stdio::null());
        let child = andon.spawn().with_context(|| format!("cannot start {}", self.program.display()))?;
        self.child = Some(child);
        Ok(())
    }

    async fn until(&self, otherwise: &str, reached: impl AsyncFn() -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !reached().await {
            if begun.elapsed() > START_LIMIT {
                bail!("{otherwise} within {START_LIMIT:?}");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    async fn is_ready(&self) -> bool {
        let answer = self.http.get(self.at("/readyz")).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    async fn is_open(&self) -> bool {
        self.get("/api/v1/mqtt").await.unwrap_or_default()["state"] == "open"
    }

    /// Waits until each reading has its row, or is in the quarantine.
    pub(crate) async fn until_in_lake(&self, limit: Duration) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let (lake, log) = (self.get("/api/v1/lake").await?, self.get("/api/v1/readings/status").await?);
            if lake["next"] == log["next"] && lake["in_flight"] == 0 {
                return Ok(());
            }
            ensure!(begun.elapsed() < limit, "the lake does not follow: {lake}, of {log}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Reads a JSON document from the API.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.send(self.http.get(self.at(path))).await?)?)
    }

    /// Posts a JSON document to the API.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.send(self.http.post(self.at(path)).json(body)).await?)?)
    }

    /// A path of the API.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.api)
    }

    /// The administrator's token.
    pub(crate) fn token(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.folder.join("admin.token"))?.trim().to_owned())
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<String> {
        let answer = request.bearer_auth(self.token()?).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{status}: {text}");
        Ok(text)
    }
}

impl Drop for Andon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port of the loopback that nobody listens at.
pub(crate) fn free_address() -> anyhow::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
