//! The history of properties, and numbers over windows of it: from the lake.

use std::sync::Arc;

use andon_model::Timestamp;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::assets::absent_property;
use crate::api::Api;
use crate::auth::{Caller, Read};
use crate::error::ApiError;
use crate::extract::{ApiPath, ApiQuery};
use crate::schema;
use crate::telemetry::history::{self, MAX_ROWS, MIN_WINDOW, Range, Statement};
use crate::telemetry::saved_query::{moment, span};

/// How far back values are shown unless the caller says otherwise.
const DEFAULT_FROM: &str = "24h";
/// Rows of a page unless the caller says otherwise.
const DEFAULT_ROWS: usize = 1_000;
/// The window of aggregates unless the caller says otherwise.
const DEFAULT_WINDOW: &str = "1h";

/// Which values.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// Most rows, 1 to 10,000; 1,000 when absent.
    limit: Option<usize>,
    /// From this time on, in RFC 3339 or as a span before now, like `48h`; `24h` when absent.
    from: Option<String>,
    /// Before this time; all when absent.
    to: Option<String>,
    /// For aggregates: length of a window, from `1s` on; `1h` when absent.
    window: Option<String>,
}

impl HistoryQuery {
    fn range(&self, (asset, property): (String, String), now: Timestamp) -> Result<Range, ApiError> {
        let time = |text: &str| {
            moment(text, now).ok_or_else(|| ApiError::bad_request(format!("{text:?} is neither a time nor a span")))
        };
        let rows = self.limit.unwrap_or(DEFAULT_ROWS);
        if !(1..=MAX_ROWS).contains(&rows) {
            return Err(ApiError::bad_request(format!("limit is {rows}, it must be from 1 to {MAX_ROWS}")));
        }
        let from = time(self.from.as_deref().unwrap_or(DEFAULT_FROM))?;
        let to = self.to.as_deref().map(time).transpose()?;
        Ok(Range { asset, property, from, to, rows })
    }
}

/// Show the values of a property as the lake has them, the oldest first.
///
/// The newest seconds may not be there yet. Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/assets/{id}/properties/{property}/history", tag = "assets",
    operation_id = "show_property_history",
    params(("id" = String, Path, description = "id of the asset"),
        ("property" = String, Path, description = "name of the property"), HistoryQuery),
    responses((status = 200, description = "values", body = schema::History)))]
pub(crate) async fn values(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiPath(names): ApiPath<(String, String)>,
    ApiQuery(query): ApiQuery<HistoryQuery>,
) -> Result<Json<schema::History>, ApiError> {
    if query.window.is_some() {
        return Err(ApiError::bad_request("window belongs to aggregates"));
    }
    let range = query.range(names, api.clock.now())?;
    let Statement { text, rows } = history::values_statement(&range);
    let rows = api.rows(text, rows as u64).await?;
    known(&api, &range, rows.rows.is_empty())?;
    let (values, next) = history::points(&rows, range.rows)?;
    Ok(Json(schema::History { values, next }))
}

/// Show numbers of a property over windows side by side: average, minimum, maximum, sum, count and standard deviation.
///
/// Windows begin at multiples of their length since 1970; only values of good quality count. Role: viewer, operator or
/// admin.
#[utoipa::path(get, path = "/api/v1/assets/{id}/properties/{property}/aggregates", tag = "assets",
    operation_id = "show_property_aggregates",
    params(("id" = String, Path, description = "id of the asset"),
        ("property" = String, Path, description = "name of the property"), HistoryQuery),
    responses((status = 200, description = "windows, the oldest first", body = schema::Aggregates)))]
pub(crate) async fn aggregates(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiPath(names): ApiPath<(String, String)>,
    ApiQuery(query): ApiQuery<HistoryQuery>,
) -> Result<Json<schema::Aggregates>, ApiError> {
    let text = query.window.as_deref().unwrap_or(DEFAULT_WINDOW);
    let window = span(text).filter(|window| *window >= MIN_WINDOW);
    let window = window.ok_or_else(|| ApiError::bad_request(format!("{text:?} is no window: write it like 15m")))?;
    let range = query.range(names, api.clock.now())?;
    let Statement { text, rows } = history::aggregates_statement(&range, window);
    let rows = api.rows(text, rows as u64).await?;
    known(&api, &range, rows.rows.is_empty())?;
    let (windows, next) = history::aggregates(&rows, range.rows)?;
    Ok(Json(schema::Aggregates { windows, next }))
}

/// 404 for a property that has no values and is not there either; one that is gone may still have a history.
fn known(api: &Api, range: &Range, is_empty: bool) -> Result<(), ApiError> {
    if is_empty && api.handle.plant().value(&range.asset, &range.property).is_none() {
        return Err(absent_property(&range.asset, &range.property));
    }
    Ok(())
}
