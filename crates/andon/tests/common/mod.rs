//! A running server, a simulated SAP, and the command line as people use it.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use andon_model::Secret;
use andon_sim::{Access, SapSimulator, SimulatorConfig};
use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for something that another process does.
const PATIENCE: Duration = Duration::from_mins(1);

/// The scenarios of the checkout.
pub(crate) fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

/// The program, without settings of the machine.
pub(crate) fn andon() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ANDON_")) {
        command.env_remove(name);
    }
    command
}

/// Waits until `look` gives something.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "gave up waiting for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// `andon serve` on a free port, in a folder of its own.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    log: Arc<Mutex<String>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    pub(crate) fn start_in(folder: TempDir) -> Self {
        Self::start_with(folder, &[])
    }

    /// The same, with variables in its environment.
    pub(crate) fn start_with(folder: TempDir, variables: &[(&str, &str)]) -> Self {
        let mut command = andon();
        command.env("ANDON_MQTT__LISTEN", "127.0.0.1:0").envs(variables.iter().copied());
        command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--data"]);
        command.arg(folder.path().join("data")).current_dir(folder.path());
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = log.by_ref().find_map(|line| address(&line.unwrap())).expect("the server says where it listens");
        // The pipe is read to its end, or the server would wait for a reader.
        let (kept, lines) = (Arc::<Mutex<String>>::default(), log);
        let log = kept.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().extend([&*line, "\n"]);
            }
        });
        Self { child, url, folder, log }
    }

    /// Everything that it has logged since it serves.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs a client command.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs a client command that must succeed; gives its JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let output = self.command(args).arg("--json").output().unwrap();
        assert!(output.status.success(), "andon {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("andon {args:?} --json: {error}"))
    }

    /// Runs a client command with a text on its standard input.
    pub(crate) fn feed(&self, args: &[&str], input: &str) -> Output {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Reads a path of the API with the administrator's token.
    pub(crate) fn get(&self, path: &str) -> String {
        let token = std::fs::read_to_string(self.data().join("admin.token")).unwrap();
        let request = reqwest::Client::builder().build().unwrap().get(format!("{}{path}", self.url));
        let answer = async { request.bearer_auth(token.trim()).send().await?.error_for_status()?.text().await };
        tokio::runtime::Runtime::new().unwrap().block_on(answer).unwrap()
    }

    /// A client command that was not started yet.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = andon();
        command.args(args).args(["--url", &self.url, "--data"]).arg(self.data());
        command
    }

    /// Whether it has ended, by itself or by a signal.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Kills it, and hands over its folder.
    pub(crate) fn kill(mut self) -> TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    /// Asks the server to stop and waits for it.
    pub(crate) fn terminate(mut self) -> (ExitStatus, TempDir) {
        if !self.has_ended() {
            let sent = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
            assert!(sent.success());
        }
        let status = self.child.wait().unwrap();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        (status, folder)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails when it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the log line that says so.
fn address(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line["message"] == "andon serves").then(|| line["url"].as_str().map(str::to_owned))?
}

/// A simulated SAP with the user and password of the scenarios' destination.
pub(crate) struct Sap {
    pub(crate) simulator: SapSimulator,
    runtime: tokio::runtime::Runtime,
}

/// The service of maintenance notifications.
const MAINTENANCE: &str = "/sap/opu/odata/sap/API_MAINTNOTIFICATION";

/// The simulated user's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

impl Sap {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let config = SimulatorConfig {
            access: Access::Basic { user: "ANDON".into(), password: Secret::new(PASSWORD) },
            ..SimulatorConfig::default()
        };
        let simulator = runtime.block_on(SapSimulator::start(config)).unwrap();
        Self { simulator, runtime }
    }

    /// A notification as SAP answers it.
    pub(crate) fn notification(&self, number: &str) -> Value {
        let url = format!("{}{MAINTENANCE}/MaintenanceNotification('{number}')", self.simulator.base_url());
        let client = reqwest::Client::builder().build().unwrap();
        let request = client.get(url).basic_auth("ANDON", Some(PASSWORD)).header("accept", "application/json");
        let answer = async { request.send().await?.error_for_status()?.json().await };
        self.runtime.block_on(answer).unwrap()
    }

    /// Completes a notification, as somebody does in SAP who has repaired it.
    pub(crate) fn complete_notification(&self, number: &str) {
        self.runtime.block_on(async {
            let client = reqwest::Client::builder().build().unwrap();
            let service = format!("{}{MAINTENANCE}/", self.simulator.base_url());
            let fetch = client.get(&service).basic_auth("ANDON", Some(PASSWORD)).header("x-csrf-token", "fetch");
            let fetched = fetch.send().await.unwrap();
            let header = |name: &str| fetched.headers().get_all(name).iter().map(|v| v.to_str().unwrap()).collect();
            let (token, cookies): (Vec<&str>, Vec<&str>) = (header("x-csrf-token"), header("set-cookie"));
            let cookies: Vec<&str> = cookies.iter().filter_map(|cookie| cookie.split(';').next()).collect();
            let url = format!("{service}CompleteMaintNotification?MaintenanceNotification='{number}'");
            let post = client.post(url).basic_auth("ANDON", Some(PASSWORD)).header("cookie", cookies.join("; "));
            let post = post.header("x-csrf-token", token[0]).header("accept", "application/json");
            let answer = post.send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        });
    }
}

/// Copies a folder.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, target) = entry.map(|e| (e.path(), to.join(e.file_name()))).unwrap();
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
