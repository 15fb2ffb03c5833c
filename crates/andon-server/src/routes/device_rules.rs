//! What devices are made by: profiles, groups, policies and claims, each by its name.

use std::sync::Arc;

use andon_devices::policy::Policy;
use andon_devices::registry::{
    Changes, Claim, Entry, Expected, Kind, PolicyRecord, Record, RegistryError, Versioned, Write, put,
};
use andon_devices::token::ClientId;
use andon_devices::{Attributes, Group, Profile};
use andon_model::{Code, Problem, Timestamp};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::paging::rows;
use crate::api::Api;
use crate::auth::{Administer, Caller, SeeDevices};
use crate::devices::Names;
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::schema;

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

    /// An entry as the API shows it.
    fn value(self, entry: &Entry) -> Result<Value, Problem> {
        match self {
            Self::Profiles => value::<Profile>(entry),
            Self::Groups => value::<Group>(entry),
            Self::Policies => value::<PolicyRecord>(entry),
            Self::Claims => value::<Claim>(entry),
        }
    }
}

/// Which page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    after: Option<String>,
    limit: Option<usize>,
}

/// List profiles, groups, policies or claims.
///
/// Role: viewer, operator or admin, or the scope andon/devices.
#[utoipa::path(get, path = "/api/v1/device-rules/{kind}", tag = "devices", operation_id = "list_device_rules",
    params(("kind" = String, Path, description = "profiles, groups, policies or claims"),
        ("after" = Option<String>, Query, description = "the last name of the page before; of a claim, its client"),
        ("limit" = Option<usize>, Query, description = "rows of a page, 1 to 1,000; 100 when absent")),
    responses((status = 200, description = "a page, in the order of names", body = Vec<Object>)))]
pub(crate) async fn list_all(
    _: Caller<SeeDevices>,
    State(api): State<Arc<Api>>,
    ApiPath(rules): ApiPath<Rules>,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let after = query.after.unwrap_or_default();
    let entries = api.office.registry.entries(rules.kind(), &after, rows(query.limit)?).await.map_err(Problem::from)?;
    Ok(Json(entries.iter().map(|entry| rules.value(entry)).collect::<Result<_, _>>()?))
}

/// Show a profile, group, policy or claim.
///
/// Role: viewer, operator or admin, or the scope andon/devices.
#[utoipa::path(get, path = "/api/v1/device-rules/{kind}/{name}", tag = "devices", operation_id = "show_device_rule",
    params(("kind" = String, Path, description = "profiles, groups, policies or claims"),
        ("name" = String, Path, description = "its name; for a claim, the id of its client")),
    responses((status = 200, description = "as it was stored", body = Object)))]
pub(crate) async fn show(
    _: Caller<SeeDevices>,
    State(api): State<Arc<Api>>,
    ApiPath((rules, name)): ApiPath<(Rules, String)>,
) -> Result<Json<Value>, ApiError> {
    let found = api.office.registry.entry(rules.kind(), &name).await.map_err(Problem::from)?;
    let missing = || ApiError::not_found(format_args!("the {} {name}", rules.kind().word()));
    Ok(Json(rules.value(&found.ok_or_else(missing)?)?))
}

fn value<R: Record + Serialize>(entry: &Entry) -> Result<Value, Problem> {
    let unreadable = |error: serde_json::Error| Problem::new(Code::Internal, error.to_string());
    serde_json::to_value(Versioned::<R>::of(entry)?.value).map_err(unreadable)
}

/// Store a profile, group, policy or claim.
///
/// A policy is `{"document": {…}}` with a document of AWS IoT Core; the answer has what is to be known about it. A claim
/// names the devices that its client may onboard in `allow` and the attributes that it may ask for in `attributes`, and may
/// have a `hook` that is asked about each. Role: admin.
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
        Rules::Profiles => profile(&api, &named(body, "name", &name)?).await?,
        Rules::Groups => group(&api, &named(body, "name", &name)?).await?,
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

async fn profile(api: &Api, profile: &Profile) -> Result<Write, Problem> {
    profile.check()?;
    api.office.all_stored(Names::of_policies(&profile.policies)).await?;
    write(profile)
}

async fn group(api: &Api, group: &Group) -> Result<Write, Problem> {
    api.office.all_stored(Names::of_policies(&group.policies)).await?;
    write(group)
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
    // The clients of an external issuer are not known here.
    if api.office.gives_tokens().is_ok() {
        api.office.client(&client).await?;
    }
    let named = claim.attributes.iter().map(|name| (name.clone(), "x".to_owned())).collect();
    Attributes::default().merged(&named)?;
    api.office.all_stored(Names::of_groups(&claim.groups).and_profiles(&claim.profiles)).await?;
    if let Some(hook) = &claim.hook {
        hook.check().map_err(|error| Problem::new(Code::DeviceValue, error.to_string()).at("hook"))?;
    }
    write(&claim)
}

/// Remove a profile, group, policy or claim.
///
/// What is in use stays: a profile or group that devices or claims name, a policy that profiles, groups or devices name. A
/// Deny would go with it. Role: admin.
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
    api.office.unused(kind, &name).await?;
    let remove = Write::Remove { kind, key: name.clone(), expected: Expected::Revision(entry.revision) };
    registry.commit(Changes::default().and(remove)).await.map_err(|error: RegistryError| Problem::from(error))?;
    tracing::info!(kind = kind.word(), name, author = %caller.name, "rule of devices removed");
    Ok(StatusCode::NO_CONTENT)
}
