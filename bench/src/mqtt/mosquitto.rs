//! Debian's mosquitto, set up to do what Andon's door does, as far as it can.
//!
//! Devices show the certificates that Andon has issued, their name is the user, and an access list lets each publish below
//! its own topic. The server's own certificate comes from an authority that is made here.
//!
//! Mosquitto answers a publish when it has it in memory. With persistence, its whole database is written every so often,
//! and only retained messages and what waits for sessions are in it: a message that nobody has subscribed to is gone.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use andon_sim::fleet::IdentityFolder;
use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::scene::ABSENT;
use crate::andon::free_address;
use crate::fleet::Broker;
use crate::process::Process;

/// How long it may take to listen.
const START_LIMIT: Duration = Duration::from_secs(20);

/// What becomes of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    /// Nobody has subscribed: answered and forgotten.
    Nothing,
    /// They wait for a session that is away; the database is written each second.
    EachSecond,
    /// The same; the database is written whenever something has changed, once per round of its loop.
    EachChange,
}

impl Keeping {
    pub(super) const ALL: [Self; 3] = [Self::Nothing, Self::EachSecond, Self::EachChange];

    /// As it stands in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "mosquitto, forgets",
            Self::EachSecond => "mosquitto, saves each second",
            Self::EachChange => "mosquitto, saves each change",
        }
    }
}

pub(super) struct Mosquitto {
    pub(super) broker: Broker,
    child: Child,
    /// Goes with it.
    folder: TempDir,
}

impl Mosquitto {
    pub(super) async fn start(folder: TempDir, devices: &IdentityFolder, keeping: Keeping) -> anyhow::Result<Self> {
        let address = free_address()?;
        let port = address.rsplit(':').next().unwrap_or_default();
        certify(folder.path())?;
        trust(folder.path(), devices)?;
        fs::write(folder.path().join("access"), access())?;
        let settings = folder.path().join("mosquitto.conf");
        fs::write(&settings, configuration(folder.path(), port, keeping))?;
        let mut child = Command::new(program());
        child.arg("-c").arg(settings).stdout(Stdio::null()).stderr(Stdio::null());
        let child = child.spawn().context("mosquitto is needed to compare with")?;
        let roots_pem = fs::read_to_string(folder.path().join("authority.crt"))?;
        let broker = Broker { url: format!("mqtts://{address}"), roots_pem, process: Process(child.id()) };
        let started = Self { broker, child, folder };
        until_listening(&address).await?;
        if keeping != Keeping::Nothing {
            started.subscribe(devices, port)?;
        }
        Ok(started)
    }

    /// Leaves a session that has subscribed to everything, and goes.
    fn subscribe(&self, devices: &IdentityFolder, port: &str) -> anyhow::Result<()> {
        let mut client = Command::new("mosquitto_sub");
        client.args(["-h", "127.0.0.1", "-p", port, "-i", ABSENT, "-q", "1", "-c", "-E", "-t", "data/#", "--cafile"]);
        client.arg(self.folder.path().join("authority.crt"));
        client.arg("--cert").arg(devices.path().join(format!("{ABSENT}.crt")));
        client.arg("--key").arg(devices.path().join(format!("{ABSENT}.key")));
        ensure!(client.status().context("mosquitto_sub is needed")?.success(), "mosquitto refuses a subscription");
        Ok(())
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Debian keeps it where only the path of the administrator leads.
fn program() -> &'static str {
    let debian = "/usr/sbin/mosquitto";
    if Path::new(debian).exists() { debian } else { "mosquitto" }
}

/// An authority, and a certificate of it for the loopback address; ECDSA P-256, as Andon's are.
fn certify(folder: &Path) -> anyhow::Result<()> {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"];
    let openssl = |rest: &[&str]| -> anyhow::Result<()> {
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509"]).args(key).args(rest).current_dir(folder).stderr(Stdio::null());
        ensure!(openssl.status().context("openssl is needed")?.success(), "openssl failed");
        Ok(())
    };
    openssl(&["-subj", "/CN=bench authority", "-keyout", "authority.key", "-out", "authority.crt"])?;
    openssl(&[
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-CA",
        "authority.crt",
        "-CAkey",
        "authority.key",
        "-keyout",
        "server.key",
        "-out",
        "server.crt",
    ])
}

/// Whose devices come in: Andon's authorities.
fn trust(folder: &Path, devices: &IdentityFolder) -> anyhow::Result<()> {
    let issuing = fs::read_to_string(devices.path().join("issuing.crt"))?;
    Ok(fs::write(folder.join("devices.crt"), devices.roots()? + &issuing)?)
}

fn access() -> String {
    format!("user {ABSENT}\ntopic read data/#\n\npattern readwrite data/%u\npattern readwrite data/%u/#\n")
}

fn configuration(folder: &Path, port: &str, keeping: Keeping) -> String {
    let folder = folder.display();
    let on_changes = keeping == Keeping::EachChange;
    format!(
        "listener {port} 127.0.0.1\n\
         cafile {folder}/devices.crt\n\
         certfile {folder}/server.crt\n\
         keyfile {folder}/server.key\n\
         require_certificate true\n\
         use_identity_as_username true\n\
         acl_file {folder}/access\n\
         user root\n\
         persistence true\n\
         persistence_location {folder}/\n\
         autosave_interval 1\n\
         autosave_on_changes {on_changes}\n\
         max_queued_messages 0\n\
         set_tcp_nodelay true\n\
         log_dest none\n"
    )
}

async fn until_listening(address: &str) -> anyhow::Result<()> {
    let begun = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        ensure!(begun.elapsed() < START_LIMIT, "mosquitto does not listen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
