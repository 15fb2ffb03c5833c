//! A mosquitto of the test's own, and a client that hears everything.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use andon_sim::fleet::{FleetPlan, Identity, sequence_of};
use rumqttc::tokio_rustls::rustls::pki_types::pem::PemObject;
use rumqttc::tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rumqttc::tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, TlsConfiguration, Transport};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::papers::Authority;

/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// A missing program is an error, never a test that is left out.
const INSTALL: &str = "mosquitto runs: apt-get install mosquitto";
/// Other programs may take a free port before the broker does.
const ATTEMPTS: usize = 20;

pub(crate) struct Broker {
    child: Child,
    port: u16,
    folder: TempDir,
    pub(crate) authority: Authority,
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Broker {
    pub(crate) fn start() -> Self {
        let (authority, folder) = (Authority::new(), tempfile::tempdir().expect("a folder"));
        let (certificate, key) = authority.server();
        let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).expect("written");
        write("root.crt", &authority.root_pem);
        write("server.crt", &certificate);
        write("server.key", &key);
        for _ in 0..ATTEMPTS {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            let port = free.local_addr().expect("an address").port();
            drop(free);
            if let Some(child) = run(folder.path(), port) {
                return Self { child, port, folder, authority };
            }
        }
        panic!("mosquitto found no port in {ATTEMPTS} attempts");
    }

    /// Ends it without a word; devices lose their connections.
    pub(crate) fn kill(&mut self) {
        // Fails when it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it anew at the same place.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let again = (0..ATTEMPTS).find_map(|_| run(self.folder.path(), self.port));
        self.child = again.expect("the port is free again");
    }

    /// A plan for this broker.
    pub(crate) fn plan(&self) -> FleetPlan {
        FleetPlan {
            broker: format!("mqtts://localhost:{}", self.port),
            roots_pem: self.authority.root_pem.clone(),
            connects_per_second: None,
            rate: None,
            ..FleetPlan::default()
        }
    }

    /// Hears all messages from now on.
    pub(crate) async fn listen(&self) -> Listener {
        Listener::start(self.port, &self.authority.root_pem, &self.authority.device("listener")).await
    }
}

/// The process, once it serves; none if it could not begin.
fn run(folder: &Path, port: u16) -> Option<Child> {
    let file = |name: &str| folder.join(name).display().to_string();
    let settings = format!(
        "user root\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\nlistener {port} 127.0.0.1\n\
         cafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\n",
        file("root.crt"),
        file("server.crt"),
        file("server.key")
    );
    std::fs::write(folder.join("settings"), settings).expect("written");
    let mut command = Command::new(program());
    command.arg("-v").arg("-c").arg(folder.join("settings")).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect(INSTALL);
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let is_ready = lines.by_ref().map_while(Result::ok).any(|line| line.ends_with(" running"));
    // The pipe is read to its end, or the broker would wait for a reader.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    if !is_ready {
        let _ = child.wait();
    }
    is_ready.then_some(child)
}

/// Debian puts it where only administrators look.
fn program() -> &'static str {
    if Path::new("/usr/sbin/mosquitto").exists() { "/usr/sbin/mosquitto" } else { "mosquitto" }
}

/// How often each sequence of each topic was heard.
pub(crate) type Heard = BTreeMap<(String, u64), usize>;

pub(crate) struct Listener {
    heard: Arc<Mutex<Heard>>,
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listener {
    async fn start(port: u16, root_pem: &str, identity: &Identity) -> Self {
        let mut options = MqttOptions::new("listener", "localhost", port);
        options.set_transport(Transport::Tls(TlsConfiguration::Rustls(Arc::new(tls(root_pem, identity)))));
        options.set_max_packet_size(1 << 20, 1 << 20);
        let (client, mut events) = AsyncClient::new(options, 10);
        client.subscribe("data/#", QoS::ExactlyOnce).await.expect("queued");
        let listening =
            async { while !matches!(events.poll().await.expect("connected"), Event::Incoming(Packet::SubAck(_))) {} };
        timeout(PATIENCE, listening).await.expect("subscribed in time");
        let heard = Arc::<Mutex<Heard>>::default();
        let kept = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            // The client is what keeps the connection.
            let _client = client;
            while let Ok(event) = events.poll().await {
                if let Event::Incoming(Packet::Publish(publish)) = event {
                    let sequence = sequence_of(&publish.payload).expect("a payload of the fleet");
                    *kept.lock().unwrap().entry((publish.topic, sequence)).or_default() += 1;
                }
            }
        });
        Self { heard, task }
    }

    /// Waits until it has heard all of these.
    pub(crate) async fn until(&self, wanted: &[(String, u64)]) -> Heard {
        let all = async {
            loop {
                let heard = self.heard.lock().unwrap().clone();
                if wanted.iter().all(|known| heard.contains_key(known)) {
                    return heard;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, all).await.expect("everything that was acknowledged is heard")
    }
}

fn tls(root_pem: &str, identity: &Identity) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root_pem.as_bytes()).expect("PEM")).expect("a root");
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let chain = CertificateDer::from_pem_slice(identity.chain_pem.as_bytes()).expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.expose().as_bytes()).expect("PEM");
    config.with_root_certificates(roots).with_client_auth_cert(vec![chain], key).expect("a certificate with its key")
}
