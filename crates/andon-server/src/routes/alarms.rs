//! Alarms of assets: a list, and what people ask of them.

use std::sync::Arc;
use std::time::Duration;

use andon_assets::definition::AlarmState;
use andon_assets::{AlarmView, OperationKind};
use andon_engine::plant::{AlarmFilter, AlarmPage};
use andon_model::Timestamp;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::paging;
use crate::api::Api;
use crate::auth::{Caller, Operate, Read};
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::schema;

/// Longest snooze.
const MAX_SNOOZE: Duration = Duration::from_hours(366 * 24);

/// Which alarms.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AlarmsQuery {
    /// Most rows, 1 to 1,000; 100 when absent.
    limit: Option<usize>,
    /// `next` of the page before.
    #[serde(default)]
    from: usize,
    /// Of this asset only.
    asset: Option<String>,
    /// In one of these states, separated by commas: `NORMAL`, `ACTIVE`, `ACKNOWLEDGED`, `LATCHED`, `SNOOZE_DISABLED`,
    /// `DISABLED`; `raised`: in any but normal and disabled.
    state: Option<String>,
}

/// List alarms, in order of their assets.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/alarms", tag = "alarms", operation_id = "list_alarms", params(AlarmsQuery),
    responses((status = 200, description = "the alarms", body = schema::AlarmPage)))]
pub(crate) async fn list(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<AlarmsQuery>,
) -> Result<Json<AlarmPage>, ApiError> {
    let AlarmsQuery { limit, from, asset, state } = query;
    let states = states(state.as_deref().unwrap_or_default())?;
    let filter = AlarmFilter { asset, states, from, limit: paging::rows(limit)? };
    Ok(Json(api.handle.plant().alarms(&filter)))
}

fn states(text: &str) -> Result<Vec<AlarmState>, ApiError> {
    use AlarmState::{Acknowledged, Active, Latched, SnoozeDisabled};
    let mut states = Vec::new();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        if word.eq_ignore_ascii_case("raised") {
            states.extend([Active, Acknowledged, Latched, SnoozeDisabled]);
            continue;
        }
        let state = serde_json::from_value(Value::String(word.to_ascii_uppercase()));
        states.push(state.map_err(|_| ApiError::bad_request(format!("{word:?} is not a state of alarms")))?);
    }
    Ok(states)
}

/// What may be asked of an alarm, as the path says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    Acknowledge,
    Snooze,
    Reset,
    Enable,
    Disable,
}

/// Acknowledge, snooze, reset, enable or disable an alarm.
///
/// It is kept with the alarm, with who asked and their note, when this is answered; 409 when the alarm's state does not allow
/// it. Snooze needs `seconds` or `until`. Role: operator or admin.
#[utoipa::path(post, path = "/api/v1/assets/{id}/alarms/{alarm}/{operation}", tag = "alarms",
    operation_id = "operate_alarm",
    params(("id" = String, Path, description = "id of the asset"),
        ("alarm" = String, Path, description = "name of the alarm"),
        ("operation" = String, Path, description = "acknowledge, snooze, reset, enable or disable")),
    request_body = schema::AlarmWish, responses((status = 200, description = "the alarm now", body = schema::Alarm)))]
pub(crate) async fn operate(
    caller: Caller<Operate>,
    State(api): State<Arc<Api>>,
    ApiPath((id, alarm, operation)): ApiPath<(String, String, Operation)>,
    ApiJson(wish): ApiJson<schema::AlarmWish>,
) -> Result<Json<AlarmView>, ApiError> {
    let kind = kind(operation, &wish, api.clock.now())?;
    let (plant, by) = (api.handle.plant(), caller.name.clone());
    let (asset, name) = (id.clone(), alarm.clone());
    let work = async move { plant.operate(&asset, &name, kind, (by.as_str(), wish.note)).await };
    let view = api.detached(work).await??;
    tracing::info!(author = %caller.name, asset = id, alarm, operation = kind.word(), "an alarm was operated");
    Ok(Json(view))
}

fn kind(operation: Operation, wish: &schema::AlarmWish, now: Timestamp) -> Result<OperationKind, ApiError> {
    let kind = match operation {
        Operation::Snooze => return Ok(OperationKind::Snooze { until: until(wish, now)? }),
        Operation::Acknowledge => OperationKind::Acknowledge,
        Operation::Reset => OperationKind::Reset,
        Operation::Enable => OperationKind::Enable,
        Operation::Disable => OperationKind::Disable,
    };
    if wish.seconds.is_some() || wish.until.is_some() {
        return Err(ApiError::bad_request("only snooze takes seconds or until"));
    }
    Ok(kind)
}

fn until(wish: &schema::AlarmWish, now: Timestamp) -> Result<Timestamp, ApiError> {
    let until = match (wish.seconds, &wish.until) {
        (Some(seconds), None) => now.after(Duration::from_secs(seconds)),
        (None, Some(text)) => text.parse::<Timestamp>().map_err(|error| ApiError::bad_request(error.to_string()))?,
        _ => return Err(ApiError::bad_request("snooze needs seconds or until, one of them")),
    };
    if until <= now || until > now.after(MAX_SNOOZE) {
        return Err(ApiError::bad_request("an alarm is snoozed until a time in the future, within a year"));
    }
    Ok(until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_words() {
        let check = |text: &str, count: Option<usize>| {
            assert_eq!(states(text).ok().map(|states| states.len()), count, "{text:?}");
        };
        check("", Some(0));
        check("ACTIVE, latched,SNOOZE_DISABLED", Some(3));
        check("raised", Some(4));
        check("ACTIVE,ODD", None);
    }

    #[test]
    fn a_snooze_ends() {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let check = |seconds: Option<u64>, until: Option<&str>, expect: Option<&str>| {
            let wish = schema::AlarmWish { note: None, seconds, until: until.map(str::to_owned) };
            let found = kind(Operation::Snooze, &wish, now).ok();
            let expect = expect.map(|text| OperationKind::Snooze { until: text.parse().unwrap() });
            assert_eq!(found, expect, "{seconds:?} {until:?}");
        };
        check(Some(60), None, Some("2023-11-14T22:14:20Z"));
        check(None, Some("2023-11-15T00:00:00Z"), Some("2023-11-15T00:00:00Z"));
        check(None, Some("2023-11-14T00:00:00Z"), None);
        check(None, Some("tomorrow"), None);
        check(Some(u64::MAX), None, None);
        check(Some(0), None, None);
        check(Some(60), Some("2023-11-15T00:00:00Z"), None);
        check(None, None, None);
        let wish = schema::AlarmWish { seconds: Some(1), ..schema::AlarmWish::default() };
        assert!(kind(Operation::Reset, &wish, now).is_err());
    }
}
