//! Opening a connection: TCP, TLS, CONNECT and its answer.

use std::time::Duration;

use andon_journal::Secrets;
use andon_model::{Code, Problem};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::answers::refused_connection;
use super::tls;
use super::wire::{self, ConnAck, Connect, Filter, Frames, Incoming, Login};
use crate::source::{MqttSpec, Retained};

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is read at once.
pub(super) const CHUNK_BYTES: usize = 64 << 10;

/// Bytes in both directions.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection that the broker has accepted.
pub(super) struct Opened {
    pub(super) stream: Box<dyn Stream>,
    /// What has arrived behind the answer.
    pub(super) frames: Frames,
    /// Whether the broker still has our session.
    pub(super) session_present: bool,
    pub(super) keep_alive: Duration,
    /// Who we are.
    pub(super) client_id: String,
}

/// Opens a connection, with credentials as they are now.
pub(super) async fn open(spec: &MqttSpec, secrets: &dyn Secrets) -> Result<Opened, Problem> {
    let too_long = || Problem::new(Code::Broker, format!("no connection within {} s", PATIENCE.as_secs()));
    let opened = tokio::time::timeout(PATIENCE, attempt(spec, secrets)).await.unwrap_or_else(|_| Err(too_long()));
    opened.map_err(|problem| locate(spec, problem))
}

/// A problem names the broker, unless it names something nearer.
pub(super) fn locate(spec: &MqttSpec, problem: Problem) -> Problem {
    let place = format!("{}:{}", spec.broker.host, spec.broker.port);
    if problem.place.is_some() { problem } else { problem.at(place) }
}

async fn attempt(spec: &MqttSpec, secrets: &dyn Secrets) -> Result<Opened, Problem> {
    let client_id = spec.client_id.resolve(secrets).await?;
    let login = match &spec.login {
        None => None,
        Some((user, password)) => Some((user.resolve(secrets).await?, password.resolve(secrets).await?)),
    };
    let asked = Connect {
        version: spec.version,
        client_id: &client_id,
        keep_alive: u16::try_from(spec.keep_alive.as_secs()).unwrap_or(u16::MAX),
        session_expiry: u32::try_from(spec.session_expiry.as_secs()).unwrap_or(u32::MAX),
        receive_maximum: spec.inflight,
        login: login.as_ref().map(|(user, password)| Login { user, password: password.expose() }),
    };
    let mut stream = reach(spec, secrets).await?;
    stream.write_all(&wire::connect(&asked)).await.map_err(lost)?;
    let mut frames = Frames::new(spec.version, spec.max_payload_bytes);
    let answer = answer(stream.as_mut(), &mut frames).await?;
    if let Some(problem) = refused_connection(spec.version, &answer.farewell) {
        return Err(problem);
    }
    let keep_alive = answer.keep_alive.map_or(spec.keep_alive, |seconds| Duration::from_secs(seconds.max(2).into()));
    warn_of_short_session(spec, &answer);
    Ok(Opened { stream, frames, session_present: answer.session_present, keep_alive, client_id })
}

async fn reach(spec: &MqttSpec, secrets: &dyn Secrets) -> Result<Box<dyn Stream>, Problem> {
    let stream = TcpStream::connect((spec.broker.host.as_str(), spec.broker.port)).await.map_err(lost)?;
    stream.set_nodelay(true).map_err(lost)?;
    if !spec.broker.tls {
        return Ok(Box::new(stream));
    }
    Ok(Box::new(tls::shake_hands(spec, secrets, stream).await?))
}

async fn answer(stream: &mut dyn Stream, frames: &mut Frames) -> Result<ConnAck, Problem> {
    loop {
        match frames.next().map_err(|error| Problem::new(Code::Broker, error.to_string()))? {
            Some(Incoming::ConnAck(answer)) => return Ok(answer),
            Some(other) => return Err(Problem::new(Code::Broker, format!("{other:?} instead of CONNACK"))),
            None => {}
        }
        frames.buffer().reserve(CHUNK_BYTES);
        if stream.read_buf(frames.buffer()).await.map_err(lost)? == 0 {
            let what = "the broker closed the connection instead of answering: client certificate, policy or client id \
                        may not be accepted";
            return Err(Problem::new(Code::BrokerRefused, what));
        }
    }
}

/// A broker may keep sessions for a shorter time than asked; what comes after that is lost to us.
fn warn_of_short_session(spec: &MqttSpec, answer: &ConnAck) {
    let asked = spec.session_expiry.as_secs();
    if let Some(granted) = answer.session_expiry.map(u64::from).filter(|granted| *granted < asked) {
        tracing::warn!(broker = spec.broker.host, asked, granted, "the broker keeps the session for fewer seconds");
    }
}

/// The subscriptions of a source.
pub(super) fn filters(spec: &MqttSpec) -> Vec<Filter> {
    let retain_handling = match spec.retained {
        Retained::Every => 0,
        Retained::Once => 1,
        Retained::Never => 2,
    };
    let shared = |filter: &String| match &spec.group {
        Some(group) => format!("$share/{group}/{filter}"),
        None => filter.clone(),
    };
    spec.topics.iter().map(|filter| Filter { pattern: shared(filter), qos: spec.qos, retain_handling }).collect()
}

/// The problem of a connection that broke.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(super) fn lost(error: std::io::Error) -> Problem {
    Problem::new(Code::Broker, format!("the connection failed: {error}"))
}
