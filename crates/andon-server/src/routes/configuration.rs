//! Configuration: read, checked, changed, and how it became what it is.
//!
//! A document's kind is written as in a scenario folder (`sources`, `lookups`, …) in paths, and as the
//! single word (`source`, `lookup`, …) in bodies.

use std::sync::Arc;

use andon_journal::{Change, Document, DocumentKind, DocumentVersion, Finding, RevisionInfo};
use andon_model::Name;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::api::Api;
use crate::auth::{Administer, Caller, Operate, Read};
use crate::error::ApiError;
use crate::extract::{ApiPath, ApiQuery, LargeJson};
use crate::schema;

/// Revisions in the list; older ones can still be read by their number.
const MAX_REVISIONS: usize = 1_000;

/// Which revision.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RevisionQuery {
    /// The revision; the one in force when absent.
    revision: Option<i64>,
}

/// The documents of one revision.
#[derive(Serialize)]
pub(crate) struct Configuration {
    revision: i64,
    documents: Vec<DocumentVersion>,
}

/// Show the configuration in force, or an older revision.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/configuration", tag = "configuration", operation_id = "show_configuration",
    params(RevisionQuery),
    responses((status = 200, description = "the revision's documents", body = schema::Configuration)))]
pub(crate) async fn show(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<RevisionQuery>,
) -> Result<Json<Configuration>, ApiError> {
    let store = api.handle.configurations();
    let revision = query.revision.unwrap_or_else(|| api.handle.status().revision);
    if !(0..=store.newest_revision().await?).contains(&revision) {
        return Err(ApiError::not_found(format_args!("revision {revision}")));
    }
    Ok(Json(Configuration { revision, documents: store.documents_at(revision).await? }))
}

/// List the newest 1,000 revisions, newest first.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/configuration/revisions", tag = "configuration",
    operation_id = "list_revisions",
    responses((status = 200, description = "revisions", body = Vec<schema::Revision>)))]
pub(crate) async fn revisions(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
) -> Result<Json<Vec<RevisionInfo>>, ApiError> {
    Ok(Json(api.handle.configurations().revisions(MAX_REVISIONS).await?))
}

/// Show all versions of a document, newest first.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/configuration/{kind}/{name}/history", tag = "configuration",
    operation_id = "show_history",
    params(("kind" = String, Path, description = "folder of the kind: sources, lookups, decisions, tables, actions, destinations or metadata"),
        ("name" = String, Path, description = "name of the document")),
    responses((status = 200, description = "versions", body = Vec<schema::DocumentVersion>)))]
pub(crate) async fn history(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiPath((folder, name)): ApiPath<(String, Name)>,
) -> Result<Json<Vec<DocumentVersion>>, ApiError> {
    let absent = || ApiError::not_found(format_args!("document {folder}/{name}"));
    let kind = DocumentKind::from_folder(&folder).ok_or_else(absent)?;
    let versions = api.handle.configurations().history(kind, &name).await?;
    if versions.is_empty() { Err(absent()) } else { Ok(Json(versions)) }
}

/// A change as a whole: all of it or nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Changes {
    changes: Vec<ChangeBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChangeBody {
    Put(Document),
    Delete { kind: DocumentKind, name: Name },
}

impl From<Changes> for Vec<Change> {
    fn from(body: Changes) -> Self {
        let change = |change| match change {
            ChangeBody::Put(document) => Change::Put(document),
            ChangeBody::Delete { kind, name } => Change::Delete(kind, name),
        };
        body.changes.into_iter().map(change).collect()
    }
}

/// What a check found.
#[derive(Serialize)]
pub(crate) struct Checked {
    findings: Vec<Finding>,
}

/// Check a change without storing it.
///
/// Role: operator or admin.
#[utoipa::path(post, path = "/api/v1/configuration/check", tag = "configuration",
    operation_id = "check_configuration", request_body = schema::Changes,
    responses((status = 200, description = "what was found", body = schema::Checked)))]
pub(crate) async fn check(
    _: Caller<Operate>,
    State(api): State<Arc<Api>>,
    LargeJson(changes): LargeJson<Changes>,
) -> Result<Json<Checked>, ApiError> {
    Ok(Json(Checked { findings: api.handle.check(changes.into()).await? }))
}

/// What an apply did.
#[derive(Serialize)]
pub(crate) struct AppliedBody {
    revision: i64,
    changed: Vec<String>,
    findings: Vec<Finding>,
}

/// Check, store and put a change into force.
///
/// Faults are answered 422 with everything that was found; nothing is stored then. Role: admin.
#[utoipa::path(post, path = "/api/v1/configuration/apply", tag = "configuration",
    operation_id = "apply_configuration", request_body = schema::Changes,
    responses((status = 200, description = "in force, with warnings", body = schema::Applied)))]
pub(crate) async fn apply(
    caller: Caller<Administer>,
    State(api): State<Arc<Api>>,
    LargeJson(changes): LargeJson<Changes>,
) -> Result<Json<AppliedBody>, ApiError> {
    let handle = api.handle.clone();
    let applying = async move { handle.apply(changes.into(), caller.name.as_str()).await };
    let (applied, findings) = api.detached(applying).await??;
    tracing::info!(revision = applied.revision, changed = applied.changed.len(), "configuration applied");
    Ok(Json(AppliedBody { revision: applied.revision, changed: applied.changed, findings }))
}
