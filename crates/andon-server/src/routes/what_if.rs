//! Trying a change of configuration on past events: nothing is stored and nothing is sent.

use std::sync::Arc;

use andon_engine::{Against, Concerns, Moment, WhatIf, WhatIfPage};
use andon_model::{Name, Offset};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::configuration::ChangeBody;
use crate::api::Api;
use crate::auth::{Caller, Operate};
use crate::error::ApiError;
use crate::extract::LargeJson;
use crate::schema;

/// The question as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    changes: Vec<ChangeBody>,
    #[serde(default)]
    against: Against,
    #[serde(default)]
    from: Option<Moment>,
    #[serde(default)]
    to: Option<Moment>,
    #[serde(default)]
    after: Option<Offset>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    decision: Option<Name>,
    #[serde(default)]
    action: Option<Name>,
    #[serde(default)]
    in_full: usize,
}

impl From<Question> for WhatIf {
    fn from(question: Question) -> Self {
        let Question { changes, against, from, to, after, source, kind, decision, action, in_full } = question;
        let changes = changes.into_iter().map(Into::into).collect();
        let concerns = Concerns { decision, action };
        Self { changes, against, from, to, after, source, kind, concerns, in_full }
    }
}

/// Compare what a changed configuration would make of past events.
///
/// Ends after 10,000 events, 8 MiB of differences or 5 s; `next` says where to go on. A change that does not compile
/// is answered 422 with everything that was found. Role: operator or admin.
#[utoipa::path(post, path = "/api/v1/what-if", tag = "events", operation_id = "what_if",
    request_body = schema::WhatIf,
    responses((status = 200, description = "what would differ", body = schema::WhatIfPage)))]
pub(crate) async fn what_if(
    _: Caller<Operate>,
    State(api): State<Arc<Api>>,
    LargeJson(question): LargeJson<Question>,
) -> Result<Json<WhatIfPage>, ApiError> {
    Ok(Json(api.handle.what_if(question.into()).await?))
}
