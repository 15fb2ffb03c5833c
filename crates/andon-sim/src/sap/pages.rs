//! The people's side, below `/sim/`: books, statistics, faults. Never meets a fault, asks for no credentials.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::ledger::Extract;
use super::plain::problem;
use super::report::Books;
use super::simulator::System;
use crate::faults::FaultProfile;
use crate::statistics::StatisticsReport;

/// Most documents in one answer.
const MAX_LISTED: usize = 100_000;

/// What `GET /sim/books` may ask.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BooksQuery {
    reference: Option<String>,
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
    Json(system.ledger.report(&Extract { reference: query.reference, after: query.after, limit }))
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

pub(crate) async fn set_faults(
    State(system): State<Arc<System>>,
    setting: Result<Json<FaultSetting>, JsonRejection>,
) -> Response {
    let Json(setting) = match setting {
        Ok(setting) => setting,
        Err(rejection) => return problem(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    let seed = setting.seed.unwrap_or_else(|| system.faults.current().0);
    system.faults.replace(seed, setting.profile);
    Json(FaultSetting { seed: Some(seed), ..setting }).into_response()
}
