//! Every route, and what lies around them.

mod alarms;
mod assets;
mod attachments;
mod authorities;
mod claimed;
mod configuration;
mod destinations;
mod device_imports;
mod device_rules;
mod devices;
mod episodes;
mod errors;
mod events;
mod history;
mod intake;
mod lake;
mod letters;
mod mqtt;
mod oauth;
mod oauth_clients;
mod onboard;
mod operations;
mod paging;
mod quarantine;
mod readings;
mod refresh_tokens;
mod reporting;
mod rule_services;
mod runs;
mod secrets;
mod sources;
mod sql;
mod tokens;
mod values;
mod what_if;

use std::sync::Arc;

use andon_model::{Code, Problem};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, Uri};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Api;
use crate::error::ApiError;
use crate::gate::gate;
use crate::observe::observe;

/// The routes under `/api`: they take a place and have a deadline.
pub(crate) fn api() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(intake::deliver_cloud_events, events::list))
        .routes(routes!(intake::deliver_framework_event))
        .routes(routes!(intake::deliver_to_source))
        .routes(routes!(sources::list))
        .routes(routes!(events::show))
        .routes(routes!(attachments::download))
        .routes(routes!(events::decide))
        .routes(routes!(events::dry_run))
        .routes(routes!(what_if::what_if))
        .routes(routes!(rule_services::ask))
        .routes(routes!(rule_services::ask_v1))
        .routes(routes!(runs::list))
        .routes(routes!(runs::show))
        .routes(routes!(runs::release))
        .routes(routes!(episodes::list))
        .routes(routes!(episodes::close))
        .routes(routes!(quarantine::list))
        .routes(routes!(quarantine::show))
        .routes(routes!(quarantine::raw))
        .routes(routes!(quarantine::replay))
        .routes(routes!(destinations::list))
        .routes(routes!(destinations::test))
        .routes(routes!(destinations::metadata))
        .routes(routes!(configuration::show))
        .routes(routes!(configuration::revisions))
        .routes(routes!(configuration::history))
        .routes(routes!(configuration::difference))
        .routes(routes!(configuration::check))
        .routes(routes!(configuration::apply))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::delete))
        .routes(routes!(secrets::list))
        .routes(routes!(secrets::put, secrets::delete))
        .routes(routes!(oauth::token))
        .routes(routes!(oauth::jwks))
        .routes(routes!(oauth::discovery))
        .routes(routes!(oauth::oauth_discovery))
        .routes(routes!(oauth::keys))
        .routes(routes!(oauth::rotate_key))
        .routes(routes!(oauth_clients::list, oauth_clients::create))
        .routes(routes!(oauth_clients::delete))
        .routes(routes!(refresh_tokens::list, refresh_tokens::create))
        .routes(routes!(refresh_tokens::revoke))
        .routes(routes!(letters::list, letters::create))
        .routes(routes!(letters::test))
        .routes(routes!(letters::check))
        .routes(routes!(mqtt::show))
        .routes(routes!(mqtt::sessions))
        .routes(routes!(mqtt::kick))
        .routes(routes!(mqtt::publish))
        .routes(routes!(readings::list, reporting::readings))
        .routes(routes!(readings::status))
        .routes(routes!(readings::devices))
        .routes(routes!(operations::status))
        .routes(routes!(operations::openapi))
        .merge(of_devices())
        .merge(telemetry())
}

/// Those of devices, of what they are made by, and of the authorities.
fn of_devices() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(onboard::create, onboard::show, onboard::delete))
        .routes(routes!(devices::list, devices::enrol))
        .routes(routes!(devices::show, devices::change, devices::delete))
        .routes(routes!(devices::rotate))
        .routes(routes!(devices::revoke))
        .routes(routes!(devices::deactivate))
        .routes(routes!(devices::activate))
        .routes(routes!(device_imports::create, device_imports::list))
        .routes(routes!(device_imports::show))
        .routes(routes!(device_rules::list_all))
        .routes(routes!(device_rules::show, device_rules::store, device_rules::delete))
        .routes(routes!(authorities::list, authorities::found))
        .routes(routes!(authorities::rotate))
        .routes(routes!(authorities::distrust))
        .routes(routes!(authorities::plain_revocation_list))
        .routes(routes!(authorities::revocation_list))
}

/// Assets with their values and alarms, and the lake.
fn telemetry() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(reporting::properties))
        .routes(routes!(assets::models))
        .routes(routes!(assets::model))
        .routes(routes!(assets::list))
        .routes(routes!(assets::show))
        .routes(routes!(assets::link))
        .routes(routes!(assets::delete))
        .routes(routes!(assets::property))
        .routes(routes!(history::values))
        .routes(routes!(history::aggregates))
        .routes(routes!(values::watch))
        .routes(routes!(alarms::list))
        .routes(routes!(alarms::operate))
        .routes(routes!(sql::query))
        .routes(routes!(sql::saved))
        .routes(routes!(sql::data))
        .routes(routes!(lake::show))
        .routes(routes!(lake::devices))
        .routes(routes!(lake::compact))
        .routes(routes!(lake::vacuum))
        .routes(routes!(lake::rebuild))
}

/// The routes for probes and monitoring, and the pages that explain errors: they answer however busy the API is.
pub(crate) fn monitoring() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(operations::healthz))
        .routes(routes!(operations::readyz))
        .routes(routes!(operations::metrics))
        .routes(routes!(errors::page))
}

pub(crate) fn router(state: Arc<Api>) -> Router {
    let (api, _) = api().split_for_parts();
    let (monitoring, _) = monitoring().split_for_parts();
    api.layer(from_fn_with_state(state.clone(), gate))
        .merge(monitoring)
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(state.clone(), observe))
        .with_state(state)
}

async fn no_such_route(uri: Uri) -> ApiError {
    ApiError::not_found(format_args!("the path {}", uri.path()))
}

async fn no_such_method(method: Method, uri: Uri) -> Response {
    let problem = Problem::new(Code::BadRequest, format!("{} does not take {method}", uri.path()));
    let error = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, problem);
    if uri.path().ends_with("/rule-services") {
        return rule_services::Refused(error).into_response();
    }
    error.into_response()
}
