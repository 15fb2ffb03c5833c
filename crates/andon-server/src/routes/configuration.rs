//! Configuration: read, checked, changed, and how it became what it is.
//!
//! A document's kind is written as in a scenario folder (`sources`, `lookups`, …) in paths, and as the
//! single word (`source`, `lookup`, …) in bodies.

use std::sync::Arc;

use andon_journal::{Change, Document, DocumentKind, DocumentVersion, Finding, RevisionInfo};
use andon_model::{Code, Name, Problem};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::api::Api;
use crate::auth::{Administer, Caller, Operate, Read};
use crate::diff::{self, Difference, Side};
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
    Ok(Json(versions_of(&api, &folder, &name).await?))
}

/// All versions of a document, newest first; never none.
async fn versions_of(api: &Api, folder: &str, name: &Name) -> Result<Vec<DocumentVersion>, ApiError> {
    let absent = || ApiError::not_found(format_args!("document {folder}/{name}"));
    let kind = DocumentKind::from_folder(folder).ok_or_else(absent)?;
    let versions = api.handle.configurations().history(kind, name).await?;
    if versions.is_empty() { Err(absent()) } else { Ok(versions) }
}

/// Which two versions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DiffQuery {
    /// The older version; 0 is the state before the first one. The one before `to` when absent.
    from: Option<i64>,
    /// The newer version; the newest when absent.
    to: Option<i64>,
}

/// Show how two versions of a document differ.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/configuration/{kind}/{name}/diff", tag = "configuration",
    operation_id = "show_difference",
    params(("kind" = String, Path, description = "folder of the kind: sources, lookups, decisions, tables, actions or destinations"),
        ("name" = String, Path, description = "name of the document"), DiffQuery),
    responses((status = 200, description = "the difference", body = schema::Difference)))]
pub(crate) async fn difference(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiPath((folder, name)): ApiPath<(String, Name)>,
    ApiQuery(query): ApiQuery<DiffQuery>,
) -> Result<Json<Difference>, ApiError> {
    let versions = versions_of(&api, &folder, &name).await?;
    let to = query.to.unwrap_or_else(|| versions.first().map_or(0, |newest| newest.version));
    let before = || versions.iter().map(|known| known.version).find(|version| *version < to).unwrap_or(0);
    let (older, newer) = (side(&versions, query.from.unwrap_or_else(before))?, side(&versions, to)?);
    let path = versions.into_iter().next().map(|newest| newest.document.path()).unwrap_or_default();
    blocking(move || Difference::between(path, older.as_ref(), newer.as_ref(), diff::MAX_DIFF_BYTES)).await.map(Json)
}

/// A version as one side of a difference; `None` for 0.
fn side(versions: &[DocumentVersion], version: i64) -> Result<Option<Side>, ApiError> {
    if version == 0 {
        return Ok(None);
    }
    let found = versions.iter().find(|known| known.version == version);
    let found = found.ok_or_else(|| ApiError::not_found(format_args!("version {version}")))?;
    Ok(Some(Side::of_version(found)))
}

/// Computes where it holds up no request.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| ApiError::from(Problem::new(Code::Internal, "the work ended without an answer")))
}

/// A change as a whole: all of it or nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Changes {
    changes: Vec<ChangeBody>,
}

/// One change.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChangeBody {
    Put(Document),
    Delete { kind: DocumentKind, name: Name },
}

impl From<Changes> for Vec<Change> {
    fn from(body: Changes) -> Self {
        body.changes.into_iter().map(Change::from).collect()
    }
}

impl From<ChangeBody> for Change {
    fn from(change: ChangeBody) -> Self {
        match change {
            ChangeBody::Put(document) => Self::Put(document),
            ChangeBody::Delete { kind, name } => Self::Delete(kind, name),
        }
    }
}

/// What a check found.
#[derive(Serialize)]
pub(crate) struct Checked {
    findings: Vec<Finding>,
    changes: Vec<Difference>,
}

/// Check a change without storing it, and show what it would change.
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
    let changes: Vec<Change> = changes.into();
    let store = api.handle.configurations();
    let present = store.documents_at(store.newest_revision().await?).await?;
    let findings = api.handle.check(changes.clone()).await?;
    let changes = blocking(move || diff::of_changes(&present, changes)).await?;
    Ok(Json(Checked { findings, changes }))
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
