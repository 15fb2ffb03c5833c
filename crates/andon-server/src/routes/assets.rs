//! Asset models, and assets with what they report.

use std::sync::Arc;

use andon_assets::definition::{Links, ModelDefinition};
use andon_assets::{ModelView, Point, ValueView};
use andon_engine::plant::{AssetDetail, AssetFilter, AssetPage, Under};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::paging;
use crate::api::Api;
use crate::auth::{Caller, Operate, Read};
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::schema;

/// The value of `parent` that stands for the top of the tree.
const TOP: &str = "none";

/// List the asset models, in the order in which they are tried for new devices.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/models", tag = "assets", operation_id = "list_asset_models",
    responses((status = 200, description = "the models", body = Vec<schema::AssetModel>)))]
pub(crate) async fn models(_: Caller<Read>, State(api): State<Arc<Api>>) -> Json<Vec<ModelView>> {
    Json(api.handle.plant().models())
}

/// Show an asset model as it is defined.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/models/{name}", tag = "assets", operation_id = "show_asset_model",
    params(("name" = String, Path, description = "name of the model")),
    responses((status = 200, description = "properties, hierarchies and alarms", body = Object)))]
pub(crate) async fn model(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiPath(name): ApiPath<String>,
) -> Result<Json<ModelDefinition>, ApiError> {
    let model = api.handle.plant().model(&name);
    model.map(Json).ok_or_else(|| ApiError::not_found(format_args!("asset model {name}")))
}

/// Which assets.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AssetsQuery {
    /// Most rows, 1 to 1,000; 100 when absent.
    limit: Option<usize>,
    /// `next` of the page before.
    #[serde(default)]
    from: usize,
    /// Of this model only.
    model: Option<String>,
    /// Directly under this asset; `none`: at the top of the tree.
    parent: Option<String>,
    /// With this text in id, name, device, equipment or functional location.
    text: Option<String>,
    /// With an alarm that is neither normal nor disabled.
    #[serde(default)]
    raised: bool,
}

/// List assets, the oldest first.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/assets", tag = "assets", operation_id = "list_assets", params(AssetsQuery),
    responses((status = 200, description = "the assets", body = schema::AssetPage)))]
pub(crate) async fn list(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<AssetsQuery>,
) -> Result<Json<AssetPage>, ApiError> {
    let AssetsQuery { limit, from, model, parent, text, raised } = query;
    let under = match parent {
        None => Under::Anything,
        Some(top) if top == TOP => Under::Nothing,
        Some(asset) => Under::Asset(asset),
    };
    let filter = AssetFilter { model, under, text, raised, from, limit: paging::rows(limit)? };
    Ok(Json(api.handle.plant().assets(&filter)))
}

/// Show an asset with its properties, their latest values, and its alarms.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/assets/{id}", tag = "assets", operation_id = "show_asset",
    params(("id" = String, Path, description = "id of the asset")),
    responses((status = 200, description = "the asset", body = schema::AssetDetail)))]
pub(crate) async fn show(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<AssetDetail>, ApiError> {
    api.handle.plant().asset(&id).map(Json).ok_or_else(|| absent(&id))
}

/// Say what an asset is called in SAP: its equipment and functional location.
///
/// Both are set; what is absent is taken away. Role: operator or admin.
#[utoipa::path(put, path = "/api/v1/assets/{id}/links", tag = "assets", operation_id = "link_asset",
    params(("id" = String, Path, description = "id of the asset")), request_body = schema::AssetLinks,
    responses((status = 200, description = "the asset, as it is called now", body = schema::AssetDetail)))]
pub(crate) async fn link(
    caller: Caller<Operate>,
    State(api): State<Arc<Api>>,
    ApiPath(id): ApiPath<String>,
    ApiJson(links): ApiJson<schema::AssetLinks>,
) -> Result<Json<AssetDetail>, ApiError> {
    let schema::AssetLinks { equipment, functional_location } = links;
    let (plant, asset) = (api.handle.plant(), id.clone());
    let work = async move { plant.link(&asset, Links { equipment, functional_location }).await };
    api.detached(work).await??;
    tracing::info!(author = %caller.name, asset = id, "an asset was linked");
    api.handle.plant().asset(&id).map(Json).ok_or_else(|| absent(&id))
}

/// Delete an asset that a reading had created: its values in memory and its alarms.
///
/// Its history stays in the lake. A reading of its device creates it again. 409 for one that a document defines.
/// Role: operator or admin.
#[utoipa::path(delete, path = "/api/v1/assets/{id}", tag = "assets", operation_id = "delete_asset",
    params(("id" = String, Path, description = "id of the asset")),
    responses((status = 204, description = "it is gone")))]
pub(crate) async fn delete(
    caller: Caller<Operate>,
    State(api): State<Arc<Api>>,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    let (plant, asset) = (api.handle.plant(), id.clone());
    api.detached(async move { plant.remove(&asset).await }).await??;
    tracing::info!(author = %caller.name, asset = id, "an asset was deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// A property with its recent values.
#[derive(Serialize)]
pub(crate) struct PropertyWindow {
    #[serde(flatten)]
    property: ValueView,
    window: Vec<Point>,
}

/// Show a property of an asset: its latest value, and the recent ones that are in memory.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/assets/{id}/properties/{property}", tag = "assets",
    operation_id = "show_asset_property",
    params(("id" = String, Path, description = "id of the asset"),
        ("property" = String, Path, description = "name of the property")),
    responses((status = 200, description = "the property", body = schema::PropertyWindow)))]
pub(crate) async fn property(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiPath((id, name)): ApiPath<(String, String)>,
) -> Result<Json<PropertyWindow>, ApiError> {
    let plant = api.handle.plant();
    let property = plant.value(&id, &name).ok_or_else(|| absent_property(&id, &name))?;
    let window = plant.window(&id, &name).unwrap_or_default();
    Ok(Json(PropertyWindow { property, window }))
}

pub(super) fn absent(id: &str) -> ApiError {
    ApiError::not_found(format_args!("asset {id}"))
}

pub(super) fn absent_property(id: &str, name: &str) -> ApiError {
    ApiError::not_found(format_args!("property {name} of asset {id}"))
}
