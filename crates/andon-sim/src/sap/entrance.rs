//! Where requests come in: counted, admitted, sent to meet their faults, answered or not.
//!
//! A request that was read completely is worked on to its end in a task of its own: a client that goes away
//! meanwhile, as one does whose time is up, changes nothing of what is done. This is what makes a search that
//! comes too early dangerous, so the simulator must not be kinder than SAP is.

use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use axum::routing::{get, put};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::call::{Call, Payload, answer, circumstances};
use super::place::Place;
use super::sessions::Sessions;
use super::simulator::System;
use super::storm;
use super::tables::ATTACHMENTS;
use super::{access, attachments, pages, plain, reply};
use crate::btp::{destinations, rules, tokens};
use crate::faults::{FaultKind, Moment, fingerprint};
use crate::statistics::RequestKind;
use crate::wire::Line;
use crate::{devices, llm, mesh};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REFERENCES: [&str; 2] = ["MaintNotifExtReferenceNumber", "QualityIssueReference"];

/// All routes.
pub(crate) fn router(system: Arc<System>) -> Router {
    Router::new()
        .route("/sim/books", get(pages::books).delete(pages::forget))
        .route("/sim/statistics", get(pages::statistics))
        .route("/sim/faults", get(pages::faults).post(pages::set_faults))
        .route("/sim/rules", get(pages::rules).put(pages::set_rules))
        .route("/sim/destinations/{name}", put(pages::set_destination))
        .route("/sim/mesh", get(pages::mesh).delete(pages::clear_mesh).put(pages::bind_queue))
        .fallback(take)
        .with_state(system)
}

/// A request, read completely.
pub(super) struct Arrival {
    ordinal: u64,
    /// The method that is meant: a POST may stand in for another.
    method: Method,
    parts: Parts,
    bytes: Bytes,
    payload: Payload,
    /// Fingerprint of the body as sent.
    content: u64,
}

async fn take(State(system): State<Arc<System>>, ConnectInfo(line): ConnectInfo<Line>, request: Request) -> Response {
    let ordinal = system.statistics.arrived();
    line.flow();
    if system.gate.is_shut() {
        system.statistics.count(RequestKind::WhileShut);
        return storm::dropped(&line);
    }
    let (parts, body) = request.into_parts();
    let media = parts.uri.path().starts_with(ATTACHMENTS.path);
    let limit = if media { system.config.max_attachment_bytes } else { system.config.max_body_bytes };
    let Ok(bytes) = to_bytes(body, limit).await else {
        return too_long(&system, ordinal, &parts, media);
    };
    let method = meant_method(&parts);
    let payload = if media { Payload::Empty } else { Payload::read(&bytes) };
    let content = fingerprint([bytes.as_ref()]);
    let arrival = Arrival { ordinal, method, parts, bytes, payload, content };
    match admit(&system, &arrival) {
        Some(refusal) => refusal,
        None => finish(system, line, arrival).await,
    }
}

/// Works on a request to its end, whether or not somebody still waits for the answer.
async fn finish(system: Arc<System>, line: Line, arrival: Arrival) -> Response {
    let work = tokio::spawn(async move { meet_faults(&system, &line, &arrival).await });
    work.await.unwrap_or_else(|_| reply::empty(StatusCode::INTERNAL_SERVER_ERROR))
}

impl Arrival {
    pub(super) fn place(&self) -> Place<'_> {
        Place::of(self.path())
    }

    fn path(&self) -> &str {
        self.parts.uri.path()
    }

    pub(super) fn headers(&self) -> &http::HeaderMap {
        &self.parts.headers
    }

    /// What is asked for; the fault is one that must be met where the work is done.
    pub(super) fn call(&self, fault: Option<FaultKind>) -> Call<'_> {
        Call {
            ordinal: self.ordinal,
            method: &self.method,
            path: self.path(),
            query: self.parts.uri.query().unwrap_or_default(),
            headers: &self.parts.headers,
            payload: &self.payload,
            bytes: &self.bytes,
            fault,
        }
    }

    fn is_read(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// What the request is about, the same for every attempt at it: the reference key it carries, or else
    /// its content.
    fn subject(&self) -> u64 {
        let content = self.content.to_be_bytes();
        let key = self.reference().or_else(|| self.parts.headers.get(IDEMPOTENCY_KEY).map(HeaderValue::as_bytes));
        let path = self.parts.uri.path_and_query().map_or("", |path| path.as_str());
        fingerprint([self.method.as_str().as_bytes(), path.as_bytes(), key.unwrap_or(&content)])
    }

    fn reference(&self) -> Option<&[u8]> {
        let Payload::Json(Value::Object(body)) = &self.payload else { return None };
        let inner = body.get("d");
        let of = |name: &&str| body.get(*name).or_else(|| inner?.get(*name))?.as_str();
        let key = REFERENCES.iter().find_map(of)?;
        (!key.is_empty()).then_some(key.as_bytes())
    }
}

/// Credentials, and for what modifies a service the CSRF pairing; the plain endpoints ask for neither.
fn admit(system: &System, arrival: &Arrival) -> Option<Response> {
    let place = arrival.place();
    let headers = &arrival.parts.headers;
    if place.is_guarded() && !system.admits(headers) {
        system.statistics.count(RequestKind::Unauthenticated);
        return Some(access::unauthorized());
    }
    if place == Place::Service && !arrival.is_read() && !system.sessions.check(headers, system.now()) {
        system.statistics.count(RequestKind::TokenRejected);
        return Some(storm::token_rejected());
    }
    None
}

async fn meet_faults(system: &System, line: &Line, arrival: &Arrival) -> Response {
    if system.faults.is_quiet() || arrival.place() == Place::Nowhere {
        return perform(system, arrival, None);
    }
    let scope = arrival.place().scope(&arrival.method, arrival.path());
    let draw = system.faults.draw(arrival.subject(), scope);
    storm::wait(system, &draw, Moment::BeforeCommit).await;
    if draw.fault == Some(FaultKind::LlmSilent) {
        return storm::silence(system, line, &draw).await;
    }
    if let Some(refusal) = storm::before_commit(system, line, arrival, &draw) {
        return refusal;
    }
    let response = perform(system, arrival, draw.fault);
    storm::wait(system, &draw, Moment::AfterCommit).await;
    storm::after_commit(system, line, arrival, &draw, response)
}

/// Does what the request asks for.
fn perform(system: &System, arrival: &Arrival, fault: Option<FaultKind>) -> Response {
    let call = arrival.call(fault);
    match arrival.place() {
        Place::Service => service(system, arrival, &call),
        Place::Token => tokens::answer(system, &call),
        Place::Destinations => destinations::answer(system, &call),
        Place::Rules(version) => rules::answer(system, &call, version),
        Place::Llm(shape) => llm::answer(system, &call, shape),
        Place::Mesh(target) => mesh::answer(system, &call, &target),
        Place::Device(device) => devices::answer(system, &call, device),
        Place::Echo if arrival.method == Method::POST => {
            let key = call.headers.get(IDEMPOTENCY_KEY).and_then(|value| value.to_str().ok());
            plain::echo(system, key, &arrival.payload)
        }
        Place::Equipment(id) if arrival.is_read() => {
            plain::equipment(system, &percent_decode_str(id).decode_utf8_lossy())
        }
        Place::Echo | Place::Equipment(_) => plain::problem(StatusCode::METHOD_NOT_ALLOWED, "not with this method"),
        Place::Nowhere => {
            system.statistics.count(RequestKind::Other);
            plain::problem(StatusCode::NOT_FOUND, "nothing lives here; the services are below /sap/opu/odata/sap/")
        }
    }
}

fn service(system: &System, arrival: &Arrival, call: &Call<'_>) -> Response {
    let mut response = answer(system, call);
    if arrival.is_read() && Sessions::is_fetch(call.headers) && response.status().is_success() {
        system.statistics.count(RequestKind::TokenFetch);
        system.sessions.hand_out(call.headers, system.now(), system.config.ids.as_ref(), &mut response);
    }
    response
}

/// The answer to a body that is too long, for an attachment as SAP words it.
fn too_long(system: &System, ordinal: u64, parts: &Parts, media: bool) -> Response {
    if !media {
        return plain::problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long or was not sent completely");
    }
    let (method, headers, path) = (&parts.method, &parts.headers, parts.uri.path());
    let (payload, bytes) = (&Payload::Empty, &Bytes::new());
    let call = Call { ordinal, method, path, query: "", headers, payload, bytes, fault: None };
    let failure = attachments::too_long(system.config.max_attachment_bytes);
    failure.answer(&circumstances(system, &call, Some(&ATTACHMENTS)))
}

/// A POST may carry the method that is meant in `X-HTTP-Method`.
fn meant_method(parts: &Parts) -> Method {
    let tunnelled = parts.headers.get("x-http-method").filter(|_| parts.method == Method::POST);
    tunnelled.and_then(|value| Method::from_bytes(value.as_bytes()).ok()).unwrap_or_else(|| parts.method.clone())
}
