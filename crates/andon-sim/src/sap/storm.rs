//! How a request meets its fault: before the commit, in its place, or after it.

use axum::response::Response;
use http::{StatusCode, header};

use super::call::circumstances;
use super::entrance::Arrival;
use super::exchange::precondition_required;
use super::failure::Failure;
use super::place::Place;
use super::sessions::CSRF_TOKEN;
use super::simulator::System;
use super::{access, reply};
use crate::faults::{Draw, FaultKind, Moment};
use crate::wire::Line;

/// In how many pieces a dripping answer goes out.
const DRIPS: u32 = 40;

/// Sits out a `slow` moment.
pub(super) async fn wait(system: &System, draw: &Draw, moment: Moment) {
    if let Some((_, span)) = draw.wait.filter(|(when, _)| *when == moment) {
        system.statistics.count_fault(FaultKind::Slow);
        tokio::time::sleep(span).await;
    }
}

/// Holds the connection and says nothing; resets it in the end.
pub(super) async fn silence(system: &System, line: &Line, draw: &Draw) -> Response {
    system.statistics.count_fault(FaultKind::LlmSilent);
    tokio::time::sleep(draw.silence).await;
    dropped(line)
}

/// The faults that keep a request from being done.
pub(super) fn before_commit(system: &System, line: &Line, arrival: &Arrival, draw: &Draw) -> Option<Response> {
    let fault = draw.fault?;
    let response = match fault {
        FaultKind::ServerError => server_error(system, arrival, draw.salt),
        FaultKind::DropBefore => dropped(line),
        FaultKind::Unauthorized => access::unauthorized(),
        FaultKind::Busy => busy(draw),
        FaultKind::RefuseToConnect => {
            system.gate.shut_for(draw.outage);
            dropped(line)
        }
        FaultKind::TokenExpired => expired(system, arrival)?,
        FaultKind::Locked => worded(system, arrival, &Failure::locked()),
        FaultKind::PreconditionRequired => {
            let dialect = circumstances(system, &arrival.call(None), None).dialect;
            worded(system, arrival, &precondition_required(dialect))
        }
        FaultKind::HtmlError => reply::html(StatusCode::INTERNAL_SERVER_ERROR, "Application Server Error"),
        FaultKind::XmlError => {
            let told = circumstances(system, &arrival.call(None), None);
            reply::xml(StatusCode::INTERNAL_SERVER_ERROR, internal().xml(&told))
        }
        FaultKind::TextError => reply::text(StatusCode::INTERNAL_SERVER_ERROR, "500 Internal Server Error: dump"),
        _ => return None,
    };
    system.statistics.count_fault(fault);
    Some(response)
}

/// The faults that hide or delay the answer to what was done.
pub(super) fn after_commit(
    system: &System,
    line: &Line,
    arrival: &Arrival,
    draw: &Draw,
    response: Response,
) -> Response {
    let Some(fault) = draw.fault else { return response };
    let response = match fault {
        FaultKind::CommitThenDrop => dropped(line),
        FaultKind::CommitThen500 => worded(system, arrival, &internal()),
        FaultKind::SlowDrip => dripping(line, draw, response),
        _ => return response,
    };
    system.statistics.count_fault(fault);
    response
}

/// Cuts the connection; the answer is never written.
pub(super) fn dropped(line: &Line) -> Response {
    line.cut();
    reply::empty(StatusCode::OK)
}

/// The answer to a token without its session.
pub(super) fn token_rejected() -> Response {
    let mut response = reply::text(StatusCode::FORBIDDEN, "CSRF token validation failed");
    reply::put(&mut response, CSRF_TOKEN, "Required");
    response
}

/// Ends the session that a request for a service came in; elsewhere there are none.
fn expired(system: &System, arrival: &Arrival) -> Option<Response> {
    if arrival.place() != Place::Service {
        return None;
    }
    system.sessions.end(arrival.headers());
    Some(token_rejected())
}

/// Lets the bytes of an answer trickle over the span of the draw.
fn dripping(line: &Line, draw: &Draw, response: Response) -> Response {
    use axum::body::HttpBody as _;
    let bytes = response.body().size_hint().exact().unwrap_or(0) + 200;
    let piece = usize::try_from(bytes.div_ceil(u64::from(DRIPS))).unwrap_or(1);
    line.trickle(piece, draw.drip / DRIPS);
    response
}

fn server_error(system: &System, arrival: &Arrival, salt: u64) -> Response {
    match salt % 3 {
        0 => worded(system, arrival, &internal()),
        1 => reply::html(StatusCode::BAD_GATEWAY, "Bad Gateway"),
        _ => reply::html(StatusCode::GATEWAY_TIMEOUT, "Gateway Timeout"),
    }
}

fn internal() -> Failure {
    Failure::framework(StatusCode::INTERNAL_SERVER_ERROR, "An internal error occurred")
}

fn worded(system: &System, arrival: &Arrival, failure: &Failure) -> Response {
    failure.answer(&circumstances(system, &arrival.call(None), None))
}

fn busy(draw: &Draw) -> Response {
    let unavailable = draw.salt & 1 == 0;
    let status = if unavailable { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::TOO_MANY_REQUESTS };
    let mut response = reply::html(status, "Try again later");
    let seconds = draw.retry_after.as_millis().div_ceil(1_000);
    reply::put(&mut response, header::RETRY_AFTER, &seconds.to_string());
    response
}
