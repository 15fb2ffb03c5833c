//! The sources that take deliveries or are asked for events.

use std::sync::Arc;

use andon_engine::SourceInfo;
use andon_journal::IntakeAuth;
use andon_model::Name;
use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::api::Api;
use crate::auth::{Caller, Read};
use crate::schema;

/// A source, with what a sender must know to sign for it; never the secret.
#[derive(Serialize)]
pub(crate) struct SourceRow {
    name: Name,
    description: String,
    auth: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<SignatureRow>,
}

#[derive(Serialize)]
struct SignatureRow {
    secret: Name,
    signature_header: String,
    timestamp_header: String,
    tolerance_seconds: u64,
}

impl From<SourceInfo> for SourceRow {
    fn from(source: SourceInfo) -> Self {
        let (auth, signature) = match source.auth {
            IntakeAuth::Token => ("token", None),
            IntakeAuth::Hmac { secret, signature_header, timestamp_header, tolerance_seconds } => {
                ("hmac", Some(SignatureRow { secret, signature_header, timestamp_header, tolerance_seconds }))
            }
        };
        Self { name: source.name, description: source.description, auth, signature }
    }
}

/// List the sources.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/sources", tag = "intake",
    responses((status = 200, description = "all sources", body = Vec<schema::Source>)))]
pub(crate) async fn list(_: Caller<Read>, State(api): State<Arc<Api>>) -> Json<Vec<SourceRow>> {
    Json(api.handle.sources().into_iter().map(SourceRow::from).collect())
}
