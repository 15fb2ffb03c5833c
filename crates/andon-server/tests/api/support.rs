//! A world with an engine, a journal in memory and one token per role.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use andon_devices::SystemEntropy;
use andon_devices::door::{AwaySession, DoorState, LiveDoor, Publication, PublishError, SessionInfo};
use andon_engine::plant::PlantParts;
use andon_engine::{Adapters, Engine, EngineParts, EngineSettings, Handle, SourceParts, Target};
use andon_journal::{
    Decoded, Decoder, Delivery, DeviceReadings, Document, DocumentCheck, Finding, IntakeAuth, NewToken, ReadingFilter,
    ReadingLogStatus, ReadingPage, ReadingViews, Role, Secrets, Tokens,
};
use andon_model::{Clock, Code, Event, IngestId, Name, Problem, Reading, Secret, SpeaksFor, SystemIds, Timestamp};
use andon_server::{DeviceSettings, OfficeParts, ServerParts, ServerSettings, schema, token_hash};
use andon_testkit::memory_journal::MemoryJournal;
use andon_testkit::{Dice, MemoryRegistry, SimulatedDestination};
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::plant::{LogViews, TestLake, TestLog, TestMemory};

/// Unix time at which every world begins.
pub(crate) const NOW: i64 = 1_700_000_000;
/// The secret of the source `signed`.
pub(crate) const HOOK_SECRET: &str = "only-the-sender-knows";

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// The token of a role: its own word.
pub(crate) fn token_of(role: Role) -> &'static str {
    match role {
        Role::Admin => "token-of-admin",
        Role::Operator => "token-of-operator",
        Role::Viewer => "token-of-viewer",
        Role::Intake => "token-of-intake",
    }
}

pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst) * 1_000_000)
    }
}

pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) registry: MemoryRegistry,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) handle: Handle,
    pub(crate) log: TestLog,
    pub(crate) lake: Arc<TestLake>,
    _engine: Engine,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(ServerSettings::default()).await
    }

    pub(crate) async fn with(settings: ServerSettings) -> Self {
        Self::assembled(settings, |_, _| {}).await
    }

    /// With another office.
    pub(crate) async fn with_office(change: impl FnOnce(&mut OfficeParts)) -> Self {
        Self::assembled(ServerSettings::default(), |parts, _| change(&mut parts.office)).await
    }

    /// With a raw log that has what is reported over HTTP, beside a lake that has two readings.
    pub(crate) async fn with_readings() -> Self {
        let show = |parts: &mut ServerParts, log: &TestLog| parts.readings = Arc::new(LogViews(log.clone()));
        Self::assembled(ServerSettings::default(), show).await
    }

    /// Without a lake.
    pub(crate) async fn without_lake() -> Self {
        Self::assembled(ServerSettings::default(), |parts, _| parts.lake = None).await
    }

    async fn assembled(settings: ServerSettings, change: impl FnOnce(&mut ServerParts, &TestLog)) -> Self {
        let (mut parts, mut engine, journal, clock) = parts(settings).await;
        let (log, lake, registry) = (TestLog::new(), Arc::new(TestLake::default()), MemoryRegistry::default());
        parts.log = Arc::new(log.clone());
        parts.lake = Some(lake.clone());
        change(&mut parts, &log);
        parts.office.registry = Arc::new(registry.clone());
        let followed =
            PlantParts { feeds: Arc::new(log.clone()), memory: Arc::new(TestMemory::default()), values: None };
        engine.follow_readings(followed).await.unwrap();
        let handle = parts.handle.clone();
        let router = andon_server::router(parts);
        Self { router, registry, journal, clock, handle, log, lake, _engine: engine }
    }

    /// Sends a request and reads the whole answer. Every refusal must have the described shape; rule
    /// services have SAP's, the onboarding API and the token endpoint those of AWS.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let what = format!("{} {}", request.method(), request.uri());
        let answer = Answer::read(self.router.clone().oneshot(request).await.unwrap()).await;
        if !["/rule-services", "/api/onboard/", "/oauth2/"].iter().any(|path| what.contains(path)) {
            answer.assert_well_formed(&what);
        }
        answer
    }

    /// Sends without a body as `role`.
    pub(crate) async fn ask(&self, role: Role, method: &str, path: &str) -> Answer {
        self.send(request(method, path).bearer(token_of(role)).empty()).await
    }

    /// Sends JSON as `role`.
    pub(crate) async fn tell(&self, role: Role, method: &str, path: &str, body: &Value) -> Answer {
        self.send(request(method, path).bearer(token_of(role)).json(body)).await
    }
}

/// Everything the API needs, on a journal in memory.
pub(crate) async fn parts(settings: ServerSettings) -> (ServerParts, Engine, Arc<MemoryJournal>, Arc<TestClock>) {
    let journal = Arc::new(MemoryJournal::new());
    let clock = Arc::new(TestClock(AtomicI64::new(NOW)));
    for role in [Role::Admin, Role::Operator, Role::Viewer, Role::Intake] {
        journal.put_token(new_token(role)).await.unwrap();
    }
    journal.put_secret(&name("hook"), Secret::new(HOOK_SECRET), clock.now()).await.unwrap();
    let engine = Engine::start(EngineParts {
        journal: journal.clone(),
        configurations: journal.clone(),
        views: journal.clone(),
        adapters: Arc::new(TestAdapters),
        clock: clock.clone(),
        settings: EngineSettings::default(),
        owner: "test".into(),
    })
    .await
    .unwrap();
    let parts = ServerParts {
        handle: engine.handle().clone(),
        attachments: journal.clone(),
        tokens: journal.clone(),
        secrets: journal.clone(),
        office: OfficeParts {
            registry: Arc::new(MemoryRegistry::default()),
            entropy: Arc::new(SystemEntropy),
            keys: Arc::new(SystemEntropy),
            secrets: journal.clone(),
            outside: Arc::new(crate::outside::StandIn::default()),
            mailer: None,
            oidc: None,
            settings: DeviceSettings::default(),
        },
        door: Arc::new(TestDoor),
        readings: Arc::new(TestReadings),
        log: Arc::new(TestLog::new()),
        lake: None,
        event_time: String::new(),
        clock: clock.clone(),
        ids: Arc::new(SystemIds::default()),
        metrics: Arc::new(|| "andon_events_total 1\n".to_owned()),
        settings,
    };
    (parts, engine, journal, clock)
}

/// An open door with one client behind it.
struct TestDoor;

#[async_trait]
impl LiveDoor for TestDoor {
    fn state(&self) -> DoorState {
        DoorState::Open(vec!["mqtts://127.0.0.1:8883".to_owned()])
    }

    fn sessions(&self) -> Vec<SessionInfo> {
        vec![SessionInfo {
            client_id: "pump-01".to_owned(),
            device: "pump-01".to_owned(),
            certificate: None,
            source: Some([127, 0, 0, 1].into()),
            protocol: 4,
            since: Timestamp::from_micros(NOW * 1_000_000),
        }]
    }

    async fn away(&self) -> Vec<AwaySession> {
        vec![AwaySession { client_id: "pump-02".to_owned(), protocol: 5, since: None, waiting: 3 }]
    }

    async fn kick(&self, client_id: &str, _forget: bool) -> bool {
        client_id == "pump-01"
    }

    /// The number of subscribers is the number of bytes, so that tests see what came.
    async fn publish(&self, publication: Publication) -> Result<usize, PublishError> {
        match publication.topic.as_str() {
            "#" => Err(PublishError::Unfit("not a topic".to_owned())),
            "closed" => Err(PublishError::Unavailable("the door is closed".to_owned())),
            _ => Ok(publication.payload.len()),
        }
    }
}

/// Two readings of two devices.
struct TestReadings;

#[async_trait]
impl ReadingViews for TestReadings {
    fn status(&self) -> ReadingLogStatus {
        ReadingLogStatus { next: IngestId(3), received: 2, devices: 2, missing: 0, failing: None }
    }

    fn received(&self, after: &str, limit: usize) -> Vec<DeviceReadings> {
        let all = ["d1", "d2"].into_iter().filter(|device| *device > after).take(limit);
        all.map(|device| DeviceReadings { device: device.into(), received: 1 }).collect()
    }

    async fn readings(&self, filter: ReadingFilter) -> Result<ReadingPage, Problem> {
        let reading = |id, device: &str, payload: &[u8]| Reading {
            id: IngestId(id),
            received: Timestamp::from_micros(NOW * 1_000_000),
            device: device.into(),
            topic: format!("data/{device}").into(),
            speaks_for: SpeaksFor::Anyone,
            payload: payload.to_vec(),
        };
        let all = [reading(1, "d1", b"{\"t\":1}"), reading(2, "d2", b"\xff")].into_iter();
        let meant = all.filter(|reading| filter.device.as_deref().is_none_or(|device| *reading.device == *device));
        let behind = meant.filter(|reading| filter.from.is_none_or(|from| reading.id >= from));
        Ok(ReadingPage { readings: behind.take(filter.limit).collect(), next: IngestId(3) })
    }
}

fn new_token(role: Role) -> NewToken {
    let text = token_of(role);
    NewToken { name: name(text), role, sha256: token_hash(text), expires_at: None, at: Timestamp::default() }
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    async fn read(response: axum::response::Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Self { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {:?}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn assert_well_formed(&self, what: &str) {
        assert_ne!(self.header("x-request-id"), "", "{what} has no request id");
        assert_eq!(self.header("cache-control"), "no-store", "{what}");
        if self.status.is_success() {
            return;
        }
        assert_eq!(self.header("content-type"), "application/problem+json", "{what}: {:?}", self.body);
        let problem: schema::ProblemAnswer = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status.as_u16(), "{what}");
        assert_eq!(problem.r#type, format!("/errors/{}", problem.code), "{what}");
        let asks_back = self.headers.contains_key("retry-after");
        assert_eq!(asks_back, self.status == StatusCode::SERVICE_UNAVAILABLE, "{what}");
        assert_eq!(!self.header("www-authenticate").is_empty(), self.status == StatusCode::UNAUTHORIZED, "{what}");
    }
}

pub(crate) struct RequestBuilder(http::request::Builder);

pub(crate) fn request(method: &str, path: &str) -> RequestBuilder {
    RequestBuilder(Request::builder().method(method).uri(path))
}

impl RequestBuilder {
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn empty(self) -> Request<Body> {
        self.body(Body::empty())
    }

    pub(crate) fn json(self, body: &Value) -> Request<Body> {
        self.header("content-type", "application/json").body(Body::from(body.to_string()))
    }

    pub(crate) fn body(self, body: impl Into<Body>) -> Request<Body> {
        self.0.body(body.into()).unwrap()
    }
}

struct TestAdapters;

impl DocumentCheck for TestAdapters {
    fn check(&self, document: &Document) -> Vec<Finding> {
        let place = document.path();
        match document.text.as_str() {
            "bad" => vec![Finding::error(Problem::new(Code::ConfigurationSyntax, "it says bad").at(place))],
            "odd" => vec![Finding::warning(Problem::new(Code::ConfigurationValue, "it says odd").at(place))],
            _ => Vec::new(),
        }
    }
}

impl Adapters for TestAdapters {
    fn source(&self, document: &Document) -> Result<SourceParts, Problem> {
        Err(Problem::new(Code::UnknownSource, document.path()))
    }

    fn built_in_sources(&self) -> Vec<(Name, SourceParts)> {
        let signed = IntakeAuth::Hmac {
            secret: name("hook"),
            signature_header: "x-signature".into(),
            timestamp_header: "x-timestamp".into(),
            tolerance_seconds: 300,
        };
        let source = |text, auth| {
            let (decoder, description) = (Arc::new(PlainDecoder), String::new());
            (name(text), SourceParts { decoder, notifications: None, pulled: None, auth, description })
        };
        vec![
            source("cloudevents", IntakeAuth::Token),
            source("framework", IntakeAuth::Token),
            source("plain", IntakeAuth::Token),
            source("signed", signed),
        ]
    }

    fn target(&self, _: &[Document]) -> Result<Arc<dyn Target>, Problem> {
        Ok(Arc::new(SimulatedDestination::new(Dice::new(1), usual(), usual())))
    }
}

/// The usual value of a type that belongs to a crate which the API does not know.
fn usual<T: Default>() -> T {
    T::default()
}

/// Each line of the body is an event with that id; `bad` is not one, and nothing is that comes with the
/// header `x-broken`. An event holds the media type and
/// the headers that the decoder got, so that a test sees what was passed on.
struct PlainDecoder;

impl Decoder for PlainDecoder {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        let mut decoded = Decoded::default();
        for (number, line) in delivery.body.split(|b| *b == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
            match std::str::from_utf8(line) {
                Ok(id) if id != "bad" && delivery.header("x-broken").is_none() => {
                    decoded.events.push(event(id, delivery));
                }
                _ => decoded.faults.push((
                    Problem::new(Code::Undecodable, "not an event").at(format!("line {}", number + 1)),
                    Bytes::copy_from_slice(line),
                )),
            }
        }
        decoded
    }
}

fn event(id: &str, delivery: &Delivery) -> Event {
    let headers: Value = delivery.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    Event::new("/test", id, "test.plain", json!({ "content_type": delivery.content_type, "headers": headers }))
}
