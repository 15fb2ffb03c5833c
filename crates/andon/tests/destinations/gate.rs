//! A gate before the simulator: it sees every request, asks for what the simulator does not ask for, and lets it pass.
//!
//! One request per connection. It stands for what plants have before SAP: an API management layer, a proxy, the proxy
//! of a Cloud Connector, a web server that wants client certificates.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// The files of the authority that the gate's certificate comes from, and of a client that it knows.
const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../andon-connectors/tests/destinations/tls");

/// One of these files.
pub(crate) fn tls_file(name: &str) -> String {
    format!("{TLS}/{name}")
}

/// A request on its way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Passing {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Passing {
    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.as_str())
    }

    /// Replaces a header.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn read(stream: &mut impl Read) -> Option<Self> {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).ok()?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let mut first = lines.next()?.split(' ').map(str::to_owned);
        let (method, target) = (first.next()?, first.next()?);
        let headers = lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned()));
        let mut read = Self { method, target, headers: headers.collect(), body: Vec::new() };
        read.body = vec![0; read.header("content-length").parse().unwrap_or(0)];
        stream.read_exact(&mut read.body).ok()?;
        Some(read)
    }

    fn write(&self, stream: &mut impl Write) -> std::io::Result<()> {
        let headers: Vec<String> = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let headers = headers.concat();
        stream.write_all(format!("{} {} HTTP/1.1\r\n{headers}\r\n", self.method, self.target).as_bytes())?;
        stream.write_all(&self.body)
    }
}

/// What becomes of a request.
pub(crate) enum Verdict {
    /// It goes on to the simulator, as it is now.
    Pass,
    /// This is the answer: status, headers with their line ends, body.
    Answer(u16, &'static str, String),
    /// The connection ends without an answer.
    Close,
    /// The bytes of both sides go through to this address (CONNECT).
    Tunnel(String),
}

type Judge = dyn Fn(&mut Passing) -> Verdict + Send + Sync;

/// A gate that is open until the test ends.
pub(crate) struct Gate {
    /// Host and port.
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<Passing>>>,
}

impl Gate {
    /// Before the simulator at `to`, as in `127.0.0.1:8481`.
    pub(crate) fn open(to: &str, judge: impl Fn(&mut Passing) -> Verdict + Send + Sync + 'static) -> Self {
        Self::listen(to, judge, |socket, passage| passage.serve(socket))
    }

    /// The same by TLS, for clients with the certificate `client.pem` alone.
    pub(crate) fn for_certificates(to: &str, judge: impl Fn(&mut Passing) -> Verdict + Send + Sync + 'static) -> Self {
        let config = mutual_tls();
        Self::listen(to, judge, move |socket, passage| {
            passage.serve(StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), socket));
        })
    }

    fn listen(
        to: &str,
        judge: impl Fn(&mut Passing) -> Verdict + Send + Sync + 'static,
        serve: impl Fn(TcpStream, Passage) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (seen, serve) = (Arc::<Mutex<Vec<Passing>>>::default(), Arc::new(serve));
        let passage = Passage { to: to.to_owned(), judge: Arc::new(judge), seen: seen.clone() };
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let (serve, passage) = (serve.clone(), passage.clone());
                thread::spawn(move || serve(socket, passage));
            }
        });
        Self { address, seen }
    }

    /// Every request that came, as it came.
    pub(crate) fn seen(&self) -> Vec<Passing> {
        self.seen.lock().unwrap().clone()
    }

    /// Those with this method and a target that ends so.
    pub(crate) fn seen_at(&self, method: &str, end: &str) -> Vec<Passing> {
        self.seen().into_iter().filter(|passing| passing.method == method && passing.target.ends_with(end)).collect()
    }
}

/// What one connection needs.
#[derive(Clone)]
struct Passage {
    to: String,
    judge: Arc<Judge>,
    seen: Arc<Mutex<Vec<Passing>>>,
}

impl Passage {
    fn serve(self, mut stream: impl Read + Write + Relay) {
        let Some(mut request) = Passing::read(&mut stream) else { return };
        self.seen.lock().unwrap().push(request.clone());
        match (self.judge)(&mut request) {
            Verdict::Close => {}
            Verdict::Tunnel(to) => stream.tunnel(&to),
            Verdict::Answer(status, headers, body) => {
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
                stream.end();
            }
            Verdict::Pass => {
                request.set("connection", "close");
                let mut to = TcpStream::connect(&self.to).unwrap();
                request.write(&mut to).unwrap();
                let mut answer = Vec::new();
                // A simulator that breaks off leaves a broken answer, which is passed on as it is.
                let _ = to.read_to_end(&mut answer);
                let _ = stream.write_all(&answer);
                stream.end();
            }
        }
    }
}

/// What differs between plain and encrypted connections.
trait Relay {
    /// Copies bytes both ways until both sides have ended.
    fn tunnel(self, to: &str);
    /// Says that no more comes.
    fn end(&mut self);
}

impl Relay for TcpStream {
    fn tunnel(mut self, to: &str) {
        let mut there = TcpStream::connect(to).unwrap();
        self.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        let (mut from, mut back) = (self.try_clone().unwrap(), there.try_clone().unwrap());
        thread::spawn(move || {
            let _ = std::io::copy(&mut back, &mut self);
            let _ = self.shutdown(std::net::Shutdown::Write);
        });
        let _ = std::io::copy(&mut from, &mut there);
        let _ = there.shutdown(std::net::Shutdown::Write);
    }

    fn end(&mut self) {
        let _ = self.flush();
    }
}

impl Relay for StreamOwned<ServerConnection, TcpStream> {
    fn tunnel(self, _to: &str) {
        unreachable!("a proxy is called without TLS")
    }

    fn end(&mut self) {
        self.conn.send_close_notify();
        let _ = self.flush();
    }
}

fn mutual_tls() -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = |name: &str| CertificateDer::from_pem_file(tls_file(name)).unwrap();
    let mut clients = RootCertStore::empty();
    clients.add(certificate("client-ca.pem")).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(clients), provider.clone()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::from_pem_file(tls_file("server.key")).unwrap();
    let config = config.with_client_cert_verifier(verifier).with_single_cert(vec![certificate("server.pem")], key);
    Arc::new(config.unwrap())
}
