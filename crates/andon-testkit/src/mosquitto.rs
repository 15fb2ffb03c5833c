//! Debian's mosquitto, started by a test for itself: on a free port of this machine, in a folder that goes with it.
//!
//! Tests need `mosquitto` and `mosquitto_pub` on the machine; without them they fail and say what to install.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "only tests use it, and a test fails by panicking"
)]

use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const INSTALL: &str = "mosquitto and its clients run: apt-get install mosquitto mosquitto-clients";

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ports that are tried: between the choice of a free one and the start of the broker another may take it.
const ATTEMPTS: usize = 10;

/// A running broker.
pub struct Broker {
    child: Option<Child>,
    /// Its port.
    pub port: u16,
    folder: TempDir,
    options: String,
}

impl Broker {
    /// A broker that lets everybody in.
    pub fn start() -> Self {
        Self::with("allow_anonymous true\n")
    }

    /// A broker with these lines in its configuration, beside listener and persistence.
    pub fn with(options: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut broker = Self { child: None, port: 0, folder, options: options.to_owned() };
        for _ in 0..ATTEMPTS {
            broker.port = free_port();
            if broker.run() {
                return broker;
            }
        }
        panic!("no broker after {ATTEMPTS} attempts");
    }

    /// Where it keeps what it has.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it on its port; `false` when it ended at once.
    fn run(&mut self) -> bool {
        let folder = self.folder.path().display();
        let mut text = format!("listener {} 127.0.0.1\npersistence true\npersistence_location {folder}/\n", self.port);
        writeln!(text, "max_queued_messages 10000\nlog_dest file {folder}/log\nuser root\n{}", self.options)
            .expect("a text takes it");
        let file = self.folder.path().join("mosquitto.conf");
        std::fs::write(&file, text).expect("a file");
        // Debian has it where only administrators look.
        let path = format!("{}:/usr/sbin:/usr/local/sbin", std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(file).env("PATH", path).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect(INSTALL);
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if child.try_wait().expect("a child").is_some() {
                return false;
            }
            assert!(started.elapsed() < PATIENCE, "the broker does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        self.child = Some(child);
        true
    }

    /// Ends it in good order, so that it writes down what it has.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let sent = Command::new("kill").arg(child.id().to_string()).status().expect("kill runs");
        assert!(sent.success());
        child.wait().expect("it ends");
    }

    /// Starts it again where it was.
    pub fn start_again(&mut self) {
        assert!(self.run(), "the port is ours");
    }

    /// Forgets what it has written down.
    pub fn forget(&self) {
        std::fs::remove_file(self.folder().join("mosquitto.db")).expect("it has written something");
    }

    /// Publishes each line on a topic; returns when the broker has them all.
    pub fn publish(&self, topic: &str, qos: u8, lines: &[String]) {
        for line in lines {
            self.publish_one(topic, qos, line, &[]);
        }
    }

    /// Publishes one payload, with more options of `mosquitto_pub`.
    pub fn publish_one(&self, topic: &str, qos: u8, payload: &str, options: &[&str]) {
        let (port, qos) = (self.port.to_string(), qos.to_string());
        let mut command = Command::new("mosquitto_pub");
        command.args(["-h", "127.0.0.1", "-p", &port, "-V", "mqttv5", "-t", topic, "-q", &qos, "-m", payload]);
        let status = command.args(options).status().expect(INSTALL);
        assert!(status.success(), "{status}");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port()
}
