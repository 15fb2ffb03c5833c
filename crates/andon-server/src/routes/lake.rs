//! The lake: how it is, whether every reading is accounted for, and its upkeep.

use std::sync::Arc;

use andon_journal::{Lake, LakeTableStatus, LakeUpkeep};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::paging;
use crate::api::Api;
use crate::auth::{Administer, Caller, Operate, Read};
use crate::error::ApiError;
use crate::extract::ApiQuery;
use crate::schema;
use crate::telemetry::conservation::{self, Balance};

/// Show how the lake is: tables, rows, files, how fresh it is, and whether every reading is accounted for.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/lake", tag = "lake", operation_id = "show_lake",
    responses((status = 200, description = "the lake", body = schema::Lake)))]
pub(crate) async fn show(_: Caller<Read>, State(api): State<Arc<Api>>) -> Result<Json<schema::Lake>, ApiError> {
    let status = api.lake()?.status();
    let balance = conservation::balance(api.readings.as_ref(), &status, api.clock.as_ref()).await?;
    let Balance { in_flight, drift, behind_seconds } = balance;
    Ok(Json(schema::Lake {
        next: status.next.0,
        in_flight,
        behind_seconds,
        drift,
        readings: status.readings,
        quarantined: status.quarantined,
        missing: status.missing,
        generation: status.generation,
        tables: status.tables.into_iter().map(table).collect(),
    }))
}

fn table(table: LakeTableStatus) -> schema::LakeTable {
    let LakeTableStatus { name, version, columns, files, bytes, rows } = table;
    schema::LakeTable { name, version, columns, files, bytes, rows }
}

/// Which devices.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DevicesQuery {
    /// Most rows, 1 to 1,000; 100 when absent.
    limit: Option<usize>,
    /// Devices behind this one.
    #[serde(default)]
    after: String,
}

/// Show where the readings of each device are: received = rows + quarantined + in flight.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/lake/devices", tag = "lake", operation_id = "account_for_readings",
    params(DevicesQuery),
    responses((status = 200, description = "by device, in order of their names", body = schema::ConservationPage)))]
pub(crate) async fn devices(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<DevicesQuery>,
) -> Result<Json<schema::ConservationPage>, ApiError> {
    let (lake, limit) = (api.lake()?, paging::rows(query.limit)?);
    let (devices, counted) = conservation::devices(api.readings.as_ref(), lake.as_ref(), &query.after, limit).await?;
    Ok(Json(schema::ConservationPage { counted, devices }))
}

/// Merge small files of the lake.
///
/// It goes on when the caller does not wait for it. Role: operator or admin.
#[utoipa::path(post, path = "/api/v1/lake/compact", tag = "lake", operation_id = "compact_lake",
    responses((status = 200, description = "what was merged", body = schema::LakeUpkeep)))]
pub(crate) async fn compact(
    caller: Caller<Operate>,
    State(api): State<Arc<Api>>,
) -> Result<Json<LakeUpkeep>, ApiError> {
    let lake = Arc::clone(api.lake()?);
    tracing::info!(author = %caller.name, "the lake is compacted");
    Ok(Json(api.detached(async move { lake.compact().await }).await??))
}

/// Remove files of the lake that no kept version needs.
///
/// It goes on when the caller does not wait for it. Role: operator or admin.
#[utoipa::path(post, path = "/api/v1/lake/vacuum", tag = "lake", operation_id = "vacuum_lake",
    responses((status = 200, description = "what was removed", body = schema::LakeUpkeep)))]
pub(crate) async fn vacuum(caller: Caller<Operate>, State(api): State<Arc<Api>>) -> Result<Json<LakeUpkeep>, ApiError> {
    let lake = Arc::clone(api.lake()?);
    tracing::info!(author = %caller.name, "the lake is vacuumed");
    Ok(Json(api.detached(async move { lake.vacuum().await }).await??))
}

/// Make the lake anew from the raw log: rows come back as it is read.
///
/// 409 where the raw log no longer has every reading that the lake has. Role: admin.
#[utoipa::path(post, path = "/api/v1/lake/rebuild", tag = "lake", operation_id = "rebuild_lake",
    responses((status = 202, description = "it has begun")))]
pub(crate) async fn rebuild(caller: Caller<Administer>, State(api): State<Arc<Api>>) -> Result<StatusCode, ApiError> {
    let lake = Arc::clone(api.lake()?);
    tracing::warn!(author = %caller.name, "the lake is made anew from the raw log");
    api.detached(async move { lake.rebuild().await }).await??;
    Ok(StatusCode::ACCEPTED)
}

impl Api {
    /// The lake, unless the settings leave it out.
    pub(crate) fn lake(&self) -> Result<&Arc<dyn Lake>, ApiError> {
        let none = || andon_model::Problem::new(andon_model::Code::Lake, "this server has no lake, by its settings");
        self.lake.as_ref().ok_or_else(|| ApiError::unavailable(none()))
    }
}
