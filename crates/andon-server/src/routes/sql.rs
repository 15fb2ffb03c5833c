//! SQL over the lake: queries as they are written, saved queries, and the history of properties.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use andon_journal::{SqlAnswer, SqlAsOf, SqlFormat, SqlQuery};
use andon_model::{Code, Problem, Timestamp};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use tokio::time::{Instant, timeout_at};

use crate::api::Api;
use crate::auth::{Caller, Read};
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::schema;
use crate::telemetry::saved_query;

/// Longest time that a caller may ask for; the lake has a limit of its own.
const MAX_TIMEOUT: Duration = Duration::from_hours(1);
/// Largest answer that is read as a whole before it is sent.
const MAX_WHOLE_BYTES: usize = 64 << 20;
/// Rows of a saved query.
const MAX_DATA_ROWS: u64 = 100_000;

/// Answer a query over the lake's tables.
///
/// As JSON, CSV (`Accept: text/csv`), an Arrow stream (`application/vnd.apache.arrow.stream`) or a Parquet file
/// (`application/vnd.apache.parquet`). Nothing can be changed. An answer that breaks off is not whole: its last chunk is missing.
/// Role: viewer, operator or admin.
#[utoipa::path(post, path = "/api/v1/sql", tag = "lake", operation_id = "query_lake",
    request_body = schema::SqlRequest,
    responses((status = 200, description = "the rows",
        content((schema::SqlRows = "application/json"), (String = "text/csv"),
            (schema::RawBytes = "application/vnd.apache.arrow.stream"),
            (schema::RawBytes = "application/vnd.apache.parquet")))))]
pub(crate) async fn query(
    caller: Caller<Read>,
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    ApiJson(wanted): ApiJson<schema::SqlRequest>,
) -> Result<Response, ApiError> {
    let schema::SqlRequest { query: text, limit, timeout, as_of } = wanted;
    let format = format(headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default())?;
    let as_of = as_of.map(|text| text.parse::<Timestamp>().map(SqlAsOf::Time)).transpose();
    let as_of = as_of.map_err(|error| ApiError::bad_request(error.to_string()))?;
    let deadline = Instant::now() + timeout.map_or(MAX_TIMEOUT, Duration::from_secs).min(MAX_TIMEOUT);
    let query = SqlQuery { text, format, as_of, rows: limit, caller: caller.name.to_string() };
    let begin = async {
        let mut answer = api.lake()?.query(query).await?;
        // What goes wrong before the first bytes is a problem with its status; later the answer can only break off.
        let first = answer.next().await?;
        Ok::<_, ApiError>((answer, first))
    };
    let (answer, first) = timeout_at(deadline, begin).await.map_err(|_| late())??;
    let body = first.map_or_else(Body::empty, |first| rest(first, answer, deadline));
    Ok(([(CONTENT_TYPE, format.media_type())], body).into_response())
}

/// The formats of `Accept`, the first that is known; weights are not looked at.
fn format(accept: &str) -> Result<SqlFormat, ApiError> {
    let mut wanted = accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim());
    let known = |range: &str| match range.to_ascii_lowercase().as_str() {
        "" | "*/*" | "application/*" | "application/json" => Some(SqlFormat::Json),
        "text/csv" | "text/*" => Some(SqlFormat::Csv),
        "application/vnd.apache.arrow.stream" => Some(SqlFormat::Arrow),
        "application/vnd.apache.parquet" => Some(SqlFormat::Parquet),
        _ => None,
    };
    wanted.find_map(known).ok_or_else(|| {
        let words = SqlFormat::ALL.map(|format| format.media_type().split(';').next().unwrap_or_default()).join(", ");
        let problem = Problem::new(Code::BadRequest, format!("answers come as {words}")).at("header accept");
        ApiError::new(StatusCode::NOT_ACCEPTABLE, problem)
    })
}

/// What is left of an answer, as it is made. A failure ends the connection before the answer is whole.
fn rest(first: Bytes, answer: Box<dyn SqlAnswer>, deadline: Instant) -> Body {
    Body::from_stream(stream::try_unfold((Some(first), answer), move |(first, mut answer)| async move {
        let bytes = match first {
            Some(first) => Some(first),
            None => next(answer.as_mut(), deadline).await?,
        };
        Ok::<_, io::Error>(bytes.map(|bytes| (bytes, (None, answer))))
    }))
}

async fn next(answer: &mut dyn SqlAnswer, deadline: Instant) -> io::Result<Option<Bytes>> {
    let next = timeout_at(deadline, answer.next()).await;
    let problem = match next {
        Ok(Ok(bytes)) => return Ok(bytes),
        Ok(Err(problem)) => problem,
        Err(_) => over_time(),
    };
    tracing::warn!(%problem, "an answer to a query broke off");
    Err(io::Error::other(problem.to_string()))
}

fn over_time() -> Problem {
    Problem::new(Code::QueryLimit, "it takes longer than its timeout: ask for fewer hours, or aggregate")
}

fn late() -> ApiError {
    over_time().into()
}

impl Api {
    /// At most `rows` rows of a query, read as a whole.
    pub(crate) async fn rows(&self, text: String, rows: u64) -> Result<schema::SqlRows, ApiError> {
        self.whole(SqlQuery { text, rows: Some(rows), ..SqlQuery::default() }).await
    }

    /// The answer to `query` in JSON, read as a whole.
    async fn whole(&self, query: SqlQuery) -> Result<schema::SqlRows, ApiError> {
        let mut answer = self.lake()?.query(query).await?;
        let mut whole = Vec::new();
        while let Some(bytes) = answer.next().await? {
            whole.extend_from_slice(&bytes);
            if whole.len() > MAX_WHOLE_BYTES {
                let detail = format!("it gives more than {MAX_WHOLE_BYTES} bytes: ask for fewer rows or columns");
                return Err(Problem::new(Code::QueryLimit, detail).into());
            }
        }
        let rows = serde_json::from_slice(&whole);
        rows.map_err(|error| Problem::new(Code::Internal, format!("the lake's answer: {error}")).into())
    }

    async fn saved_queries(&self) -> Result<Vec<schema::SavedQuery>, ApiError> {
        Ok(saved_query::all(&self.handle.documents().await?))
    }
}

/// List the saved queries.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/queries", tag = "lake", operation_id = "list_queries",
    responses((status = 200, description = "the queries, in order of their names", body = Vec<schema::SavedQuery>)))]
pub(crate) async fn saved(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
) -> Result<Json<Vec<schema::SavedQuery>>, ApiError> {
    Ok(Json(api.saved_queries().await?))
}

/// Answer a saved query, with how its rows are drawn.
///
/// Its parameters stand in the query string, those that are absent have their defaults; times are written like
/// `2026-03-05T14:00:00Z`, or as spans before now, like `48h`. Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/queries/{name}/data", tag = "lake", operation_id = "answer_query",
    params(("name" = String, Path, description = "name of the query")),
    responses((status = 200, description = "query and rows", body = schema::QueryData)))]
pub(crate) async fn data(
    caller: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiPath(name): ApiPath<String>,
    ApiQuery(given): ApiQuery<BTreeMap<String, String>>,
) -> Result<Json<schema::QueryData>, ApiError> {
    let query = api.saved_queries().await?.into_iter().find(|query| query.name == name);
    let query = query.ok_or_else(|| ApiError::not_found(format_args!("query {name}")))?;
    let text = saved_query::statement(&query, &given, api.clock.now())?;
    let asked = SqlQuery { text, rows: Some(MAX_DATA_ROWS), caller: caller.name.to_string(), ..SqlQuery::default() };
    let data = api.whole(asked).await?;
    Ok(Json(schema::QueryData { query, data }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_what_is_accepted_first() {
        let check = |accept: &str, expect: Option<SqlFormat>| assert_eq!(format(accept).ok(), expect, "{accept:?}");
        check("", Some(SqlFormat::Json));
        check("*/*", Some(SqlFormat::Json));
        check("text/html, text/csv;q=0.9", Some(SqlFormat::Csv));
        check("application/vnd.apache.arrow.stream, application/json", Some(SqlFormat::Arrow));
        check("application/vnd.apache.parquet", Some(SqlFormat::Parquet));
        check("image/png", None);
    }
}
