//! What devices are made by: profiles, groups, policies and claims, each by its name.

use std::sync::Arc;

use andon_devices::policy::Policy;
use andon_devices::registry::{
    Changes, Claim, Expected, Kind, PolicyRecord, Record, Registry, RegistryError, Versioned, Write, get, list, put,
};
use andon_devices::token::{Client, ClientId};
use andon_devices::{Group, Profile};
use andon_model::{Code, Problem, Timestamp};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::Api;
use crate::auth::{Administer, Caller, SeeDevices};
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath};
use crate::schema;

/// Most of one kind in one answer.
const MAX_LISTED: usize = 1_000;

/// What is asked for.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Rules {
    Profiles,
    Groups,
    Policies,
    Claims,
}

impl Rules {
    fn kind(self) -> Kind {
        match self {
            Self::Profiles => Kind::Profile,
            Self::Groups => Kind::Group,
            Self::Policies => Kind::Policy,
            Self::Claims => Kind::Claim,
        }
    }
}

/// List profiles, groups, policies or claims.
///
/// Role: viewer, operator or admin, or the scope andon/devices.
#[utoipa::path(get, path = "/api/v1/device-rules/{kind}", tag = "devices", operation_id = "list_device_rules",
    params(("kind" = String, Path, description = "profiles, groups, policies or claims")),
    responses((status = 200, description = "all of the kind", body = Vec<Object>)))]
pub(crate) async fn list_all(
    _: Caller<SeeDevices>,
    State(api): State<Arc<Api>>,
    ApiPath(rules): ApiPath<Rules>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let registry = api.office.registry.as_ref();
    Ok(Json(match rules {
        Rules::Profiles => values::<Profile>(registry).await?,
        Rules::Groups => values::<Group>(registry).await?,
        Rules::Policies => values::<PolicyRecord>(registry).await?,
        Rules::Claims => values::<Claim>(registry).await?,
    }))
}

async fn values<R: Record + Serialize>(registry: &dyn Registry) -> Result<Vec<Value>, Problem> {
    let all: Vec<Versioned<R>> = list(registry, "", MAX_LISTED).await?;
    Ok(all.into_iter().filter_map(|found| serde_json::to_value(found.value).ok()).collect())
}

/// Store a profile, group, policy or claim.
///
/// A policy is `{"document": {…}}` with a document of AWS IoT Core; the answer has what is to be known about it. Role: admin.
#[utoipa::path(put, path = "/api/v1/device-rules/{kind}/{name}", tag = "devices", operation_id = "put_device_rule",
    params(("kind" = String, Path, description = "profiles, groups, policies or claims"),
        ("name" = String, Path, description = "its name; for a claim, the id of its client")),
    request_body = Object,
    responses((status = 200, description = "stored", body = schema::RuleStored)))]
pub(crate) async fn store(
    caller: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiPath((rules, name)): ApiPath<(Rules, String)>,
    ApiJson(body): ApiJson<Value>,
) -> Result<Json<Stored>, ApiError> {
    let mut stored = Stored { warnings: Vec::new() };
    let write = match rules {
        Rules::Profiles => checked_profile(&named(body, "name", &name)?)?,
        Rules::Groups => write(&named::<Group>(body, "name", &name)?)?,
        Rules::Policies => policy(&name, &body, api.office.now(), &mut stored)?,
        Rules::Claims => claim(&api, &name, named(body, "client", &name)?).await?,
    };
    api.office.registry.commit(Changes::default().and(write)).await.map_err(Problem::from)?;
    tracing::info!(kind = rules.kind().word(), name, author = %caller.name, "rule of devices stored");
    Ok(Json(stored))
}

/// What is to be known about what was stored.
#[derive(Serialize)]
pub(crate) struct Stored {
    warnings: Vec<String>,
}

/// The body, with the name of the path in it.
fn named<R: Record + serde::de::DeserializeOwned>(mut body: Value, member: &str, name: &str) -> Result<R, ApiError> {
    let Some(members) = body.as_object_mut() else { return Err(ApiError::bad_request("expected an object")) };
    members.insert(member.to_owned(), name.into());
    serde_json::from_value(body).map_err(|error| Problem::new(Code::DeviceValue, error.to_string()).into())
}

fn write<R: Record>(record: &R) -> Result<Write, Problem> {
    Ok(put(record, None, Expected::Anything)?)
}

fn checked_profile(profile: &Profile) -> Result<Write, Problem> {
    profile.check()?;
    write(profile)
}

fn policy(name: &str, body: &Value, now: Timestamp, stored: &mut Stored) -> Result<Write, Problem> {
    let document = match body.get("document") {
        Some(Value::String(text)) => text.clone(),
        Some(object @ Value::Object(_)) => object.to_string(),
        _ => return Err(Problem::new(Code::BadRequest, "expected the policy as `document`")),
    };
    stored.warnings = Policy::parse(&document)?.warnings();
    write(&PolicyRecord { name: name.parse()?, document, changed: now })
}

async fn claim(api: &Api, name: &str, claim: Claim) -> Result<Write, Problem> {
    let client = ClientId::new(name).ok_or_else(|| Problem::new(Code::BadRequest, "not the id of a client"))?;
    if get::<Client>(api.office.registry.as_ref(), client.as_str()).await?.is_none() {
        return Err(Problem::new(Code::NotFound, format!("the client {client} does not exist")));
    }
    write(&claim)
}

/// Remove a profile, group, policy or claim.
///
/// Devices with a policy that is gone are not let in. Role: admin.
#[utoipa::path(delete, path = "/api/v1/device-rules/{kind}/{name}", tag = "devices", operation_id = "delete_device_rule",
    params(("kind" = String, Path, description = "profiles, groups, policies or claims"),
        ("name" = String, Path, description = "its name")),
    responses((status = 204, description = "removed")))]
pub(crate) async fn delete(
    caller: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiPath((rules, name)): ApiPath<(Rules, String)>,
) -> Result<StatusCode, ApiError> {
    let kind = rules.kind();
    let missing = || ApiError::not_found(format_args!("the {} {name}", kind.word()));
    let registry = api.office.registry.as_ref();
    let entry = registry.entry(kind, &name).await.map_err(Problem::from)?.ok_or_else(missing)?;
    let remove = Write::Remove { kind, key: name.clone(), expected: Expected::Revision(entry.revision) };
    registry.commit(Changes::default().and(remove)).await.map_err(|error: RegistryError| Problem::from(error))?;
    tracing::info!(kind = kind.word(), name, author = %caller.name, "rule of devices removed");
    Ok(StatusCode::NO_CONTENT)
}
