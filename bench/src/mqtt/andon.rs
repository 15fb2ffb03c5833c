//! Andon as a child process: its API, its door, and how it is killed.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use andon_sim::fleet::{IdentityFolder, Onboarding, OnboardingWay};
use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use super::side::Broker;
use crate::process::Process;

/// How long the program may take to answer, and its door to open.
const START_LIMIT: Duration = Duration::from_mins(2);

/// Limits of a device that would hold the load back; everything else is as it comes.
const LIMITS: [(&str, &str); 3] = [
    ("ANDON_MQTT__LIMITS__PUBLISH_RATE", "1000000"),
    ("ANDON_MQTT__LIMITS__PUBLISH_BURST", "1000000"),
    ("ANDON_MQTT__LIMITS__IN_FLIGHT", "256"),
];

pub(super) struct Andon {
    program: PathBuf,
    folder: PathBuf,
    api: String,
    mqtt: String,
    http: reqwest::Client,
    child: Option<Child>,
}

impl Andon {
    pub(super) fn new(program: &Path, folder: &Path) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_mins(1)).build()?;
        let (program, folder) = (program.to_owned(), folder.to_owned());
        Ok(Self { program, folder, api: free_address()?, mqtt: free_address()?, http, child: None })
    }

    /// Starts the program and waits until devices may come in.
    pub(super) async fn start(&mut self) -> anyhow::Result<Broker> {
        self.spawn()?;
        self.until("the door did not open", async || self.is_open().await).await?;
        self.broker()
    }

    /// Ends the program as a power cut does, but for the memory of the kernel.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // A child that has ended by itself cannot be killed.
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// The first start: devices are onboarded, and the program ended.
    pub(super) async fn onboard(&mut self, devices: &[String], into: &IdentityFolder) -> anyhow::Result<()> {
        self.spawn()?;
        self.until("the program did not answer", async || self.is_ready().await).await?;
        let onboarding = Onboarding::new(self.at(""), self.token()?, OnboardingWay::Bulk);
        onboarding.complete(devices, into, |_| {}).await?;
        self.kill();
        Ok(())
    }

    /// Revokes all certificates of a device.
    pub(super) async fn revoke(&self, device: &str) -> anyhow::Result<()> {
        let request = self.http.post(self.at(&format!("/api/v1/devices/{device}/revoke"))).json(&json!({}));
        self.send(request).await.map(drop)
    }

    /// The folder of the raw log.
    pub(super) fn raw_log(&self) -> PathBuf {
        self.folder.join("readings/raw")
    }

    fn broker(&self) -> anyhow::Result<Broker> {
        let process = Process(self.child.as_ref().context("the program is not running")?.id());
        let roots_pem = std::fs::read_to_string(self.roots())?;
        Ok(Broker { url: format!("mqtts://{}", self.mqtt), roots_pem, process })
    }

    /// What devices trust, where onboarding has put it.
    fn roots(&self) -> PathBuf {
        self.folder.with_file_name("identities").join("root.crt")
    }

    fn spawn(&mut self) -> anyhow::Result<()> {
        let mut andon = Command::new(&self.program);
        andon.args(["serve", "--log", "error", "--listen", &self.api, "--mqtt", &self.mqtt, "--data"]);
        andon.arg(&self.folder).envs(LIMITS).stdout(Stdio::null());
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
        let answer = self.send(self.http.get(self.at("/api/v1/mqtt"))).await.unwrap_or_default();
        let door: Value = serde_json::from_str(&answer).unwrap_or_default();
        door["state"] == "open"
    }

    fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.api)
    }

    fn token(&self) -> anyhow::Result<String> {
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
pub(super) fn free_address() -> anyhow::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
