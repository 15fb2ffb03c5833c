//! The people's side, below `/sim/`: books, statistics, faults. Never meets a fault, asks for no credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
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

pub(crate) async fn set_rules(
    State(system): State<Arc<System>>,
    rules: Result<Json<Vec<RuleService>>, JsonRejection>,
) -> Response {
    taken(rules, |rules| {
        system.rules.replace(rules);
        Ok(())
    })
}

pub(crate) async fn set_destination(
    State(system): State<Arc<System>>,
    Path(name): Path<String>,
    properties: Result<Json<BTreeMap<String, String>>, JsonRejection>,
) -> Response {
    taken(properties, |properties| {
        system.destinations.put(&name, properties);
        Ok(())
    })
}

pub(crate) async fn mesh(State(system): State<Arc<System>>) -> Response {
    let report = json!({"queues": system.mesh.bindings(), "messages": system.mesh.report()});
    Json(report).into_response()
}

pub(crate) async fn bind_queue(
    State(system): State<Arc<System>>,
    binding: Result<Json<QueueBinding>, JsonRejection>,
) -> Response {
    taken(binding, |binding| system.mesh.bind(binding))
}

pub(crate) async fn clear_mesh(State(system): State<Arc<System>>) -> StatusCode {
    system.mesh.clear();
    StatusCode::NO_CONTENT
}

/// 204 when a body could be read and taken, else 400 with what is wrong.
fn taken<T>(body: Result<Json<T>, JsonRejection>, take: impl FnOnce(T) -> Result<(), String>) -> Response {
    let done = body.map_err(|rejection| rejection.body_text()).and_then(|Json(body)| take(body));
    match done {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(what) => problem(StatusCode::BAD_REQUEST, &what),
    }
}

pub(crate) async fn set_faults(
    State(system): State<Arc<System>>,
    setting: Result<Json<FaultSetting>, JsonRejection>,
) -> Response {
    let Json(setting) = match setting {
        Ok(setting) => setting,
        Err(rejection) => return problem(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    let seed = setting.seed.unwrap_or_else(|| system.faults.current().0);
    system.faults.replace(seed, &setting.profile);
    Json(FaultSetting { seed: Some(seed), ..setting }).into_response()
}
