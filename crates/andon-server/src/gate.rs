//! A free place and a deadline for every request of the API.

use std::sync::Arc;
use std::time::Duration;

use andon_model::{Code, Problem};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use metrics::counter;

use crate::api::Api;
use crate::error::ApiError;

/// Sheds what exceeds the limit instead of queueing it: the sender keeps the event and comes back.
pub(crate) async fn gate(State(api): State<Arc<Api>>, request: Request, next: Next) -> Result<Response, ApiError> {
    let Ok(_place) = api.places.try_acquire() else {
        counter!("andon_http_shed_total").increment(1);
        return Err(busy(format!("{} requests are being served already", api.settings.max_requests)));
    };
    let deadline = Duration::from_secs(api.settings.request_seconds);
    tokio::time::timeout(deadline, next.run(request)).await.map_err(|_| {
        counter!("andon_http_timeouts_total").increment(1);
        busy(format!("no answer after {} s; repeat the request, it has an effect only once", deadline.as_secs()))
    })
}

fn busy(detail: String) -> ApiError {
    ApiError::unavailable(Problem::new(Code::BackPressure, detail))
}
