//! The people's side, below `/sim/`: books, statistics, faults. Never meets a fault, asks for no credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::ledger::Extract;
use super::plain::problem;
use super::report::Books;
use super::simulator::System;
use crate::btp::RuleService;
use crate::faults::FaultProfile;
use crate::mesh::QueueBinding;
use crate::statistics::StatisticsReport;

/// Most documents in one answer.
const MAX_LISTED: usize = 100_000;

/// What `GET /sim/books` may ask.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BooksQuery {
    reference: Option<String>,
    contains: Option<String>,
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

/// The faults in force: `{"seed":7,"profile":"busy=0.1"}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultSetting {
    /// Left out: the present one.
    seed: Option<u64>,
    profile: FaultProfile,
}

pub(crate) async fn books(State(system): State<Arc<System>>, Query(query): Query<BooksQuery>) -> Json<Books> {
    let limit = query.limit.unwrap_or(MAX_LISTED).min(MAX_LISTED);
    let (reference, contains, after) = (query.reference, query.contains, query.after);
    Json(system.books(&Extract { reference, contains, after, limit }))
}

pub(crate) async fn forget(State(system): State<Arc<System>>) -> StatusCode {
    system.forget();
    StatusCode::NO_CONTENT
}

pub(crate) async fn statistics(State(system): State<Arc<System>>) -> Json<StatisticsReport> {
    Json(system.statistics.report())
}

pub(crate) async fn faults(State(system): State<Arc<System>>) -> Json<FaultSetting> {
    let (seed, profile) = system.faults.current();
    Json(FaultSetting { seed: Some(seed), profile })
}

pub(crate) async fn rules(State(system): State<Arc<System>>) -> Json<Vec<RuleService>> {
    Json(system.rules.all())
}

pub(crate) async fn set_rules(State(system): State<Arc<System>>, body: Bytes) -> Response {
    taken(&body, |rules: Vec<RuleService>| {
        system.rules.replace(rules);
        Ok(())
    })
}

pub(crate) async fn set_destination(
    State(system): State<Arc<System>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Response {
    taken(&body, |properties: BTreeMap<String, String>| {
        system.destinations.put(&name, properties);
        Ok(())
    })
}

pub(crate) async fn mesh(State(system): State<Arc<System>>) -> Response {
    let report = json!({"queues": system.mesh.bindings(), "messages": system.mesh.report()});
    Json(report).into_response()
}

pub(crate) async fn bind_queue(State(system): State<Arc<System>>, body: Bytes) -> Response {
    taken(&body, |binding: QueueBinding| system.mesh.bind(binding))
}

pub(crate) async fn clear_mesh(State(system): State<Arc<System>>) -> StatusCode {
    system.mesh.clear();
    StatusCode::NO_CONTENT
}

/// JSON, whatever its media type: people write these requests by hand.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// 204 when a body could be read and taken, else 400 with what is wrong.
fn taken<T: DeserializeOwned>(body: &Bytes, take: impl FnOnce(T) -> Result<(), String>) -> Response {
    match read(body).and_then(take) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(what) => problem(StatusCode::BAD_REQUEST, &what),
    }
}

pub(crate) async fn set_faults(State(system): State<Arc<System>>, body: Bytes) -> Response {
    let setting: FaultSetting = match read(&body) {
        Ok(setting) => setting,
        Err(what) => return problem(StatusCode::BAD_REQUEST, &what),
    };
    let seed = setting.seed.unwrap_or_else(|| system.faults.current().0);
    system.faults.replace(seed, &setting.profile);
    Json(FaultSetting { seed: Some(seed), ..setting }).into_response()
}
