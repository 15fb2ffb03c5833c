//! Reading a request's body within limits: its own, and the memory all bodies share.

use std::sync::Arc;

use andon_model::{Code, Problem};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ApiError;

/// Bytes of memory behind one permit of the budget.
const BYTES_PER_PERMIT: usize = 1024;

/// Memory that all bodies together may take.
#[derive(Clone)]
pub(crate) struct BodyBudget(Arc<Semaphore>);

/// A body, with its part of the budget until it is dropped.
pub(crate) struct Payload {
    pub(crate) bytes: Bytes,
    pub(crate) hold: Hold,
}

/// A part of the budget; grows with the bytes that arrive.
pub(crate) struct Hold {
    budget: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl BodyBudget {
    pub(crate) fn new(bytes: usize) -> Self {
        let permits = bytes.div_ceil(BYTES_PER_PERMIT).clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(permits)))
    }

    /// Reads a body of at most `limit` bytes. A declared length beyond the limit is refused unread.
    pub(crate) async fn read(&self, headers: &HeaderMap, body: Body, limit: usize) -> Result<Payload, ApiError> {
        refuse_encoded(headers)?;
        if declared_length(headers).is_some_and(|length| length > limit as u64) {
            return Err(too_large(limit));
        }
        let mut hold = Hold { budget: self.0.clone(), permit: None };
        let mut whole = Whole::default();
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| ApiError::bad_request("the body broke off before its end"))?;
            let size = whole.len() + chunk.len();
            if size > limit {
                return Err(too_large(limit));
            }
            hold.grow_to(size)?;
            whole.push(chunk);
        }
        Ok(Payload { bytes: whole.finish(), hold })
    }
}

impl Hold {
    fn grow_to(&mut self, size: usize) -> Result<(), ApiError> {
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = size.div_ceil(BYTES_PER_PERMIT).saturating_sub(held);
        if missing == 0 {
            return Ok(());
        }
        let missing = u32::try_from(missing).map_err(|_| no_memory())?;
        let more = self.budget.clone().try_acquire_many_owned(missing).map_err(|_| no_memory())?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        Ok(())
    }
}

/// Chunks put together; a body of one chunk, which is the rule for events, is never copied.
#[derive(Default)]
struct Whole {
    first: Bytes,
    rest: BytesMut,
}

impl Whole {
    fn len(&self) -> usize {
        if self.rest.is_empty() { self.first.len() } else { self.rest.len() }
    }

    fn push(&mut self, chunk: Bytes) {
        if self.len() == 0 {
            self.first = chunk;
            return;
        }
        if self.rest.is_empty() {
            self.rest.extend_from_slice(&self.first);
        }
        self.rest.extend_from_slice(&chunk);
    }

    fn finish(self) -> Bytes {
        if self.rest.is_empty() { self.first } else { self.rest.freeze() }
    }
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn refuse_encoded(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            let problem = Problem::new(Code::BadRequest, "send the body without a content encoding")
                .at("header content-encoding");
            Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem))
        }
        _ => Ok(()),
    }
}

fn too_large(limit: usize) -> ApiError {
    Problem::new(Code::TooLarge, format!("the body is longer than {limit} bytes, send it in parts")).into()
}

fn no_memory() -> ApiError {
    Problem::new(Code::BackPressure, "too many large bodies are being read, try again in a few seconds").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use futures_util::stream;

    fn chunked(chunks: &[&'static str]) -> Body {
        Body::from_stream(stream::iter(chunks.iter().map(|c| Ok::<_, std::io::Error>(*c)).collect::<Vec<_>>()))
    }

    async fn check(budget: &BodyBudget, chunks: &[&'static str], limit: usize, expected: Result<&str, u16>) {
        let read = budget.read(&HeaderMap::new(), chunked(chunks), limit).await;
        let seen = read.as_ref().map(|payload| std::str::from_utf8(&payload.bytes).unwrap());
        match (seen, expected) {
            (Ok(text), Ok(wanted)) => assert_eq!(text, wanted),
            (Err(_), Err(status)) => assert_eq!(read.err().unwrap().into_response().status().as_u16(), status),
            (seen, expected) => panic!("{chunks:?}: {:?} instead of {expected:?}", seen.ok()),
        }
    }

    #[tokio::test]
    async fn bodies_are_read_up_to_their_limit() {
        let budget = BodyBudget::new(1 << 20);
        check(&budget, &[], 4, Ok("")).await;
        check(&budget, &["abcd"], 4, Ok("abcd")).await;
        check(&budget, &["ab", "", "cd"], 4, Ok("abcd")).await;
        check(&budget, &["ab", "cde"], 4, Err(413)).await;
    }

    #[tokio::test]
    async fn a_declared_length_is_refused_unread() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, "5".parse().unwrap());
        let read = BodyBudget::new(1 << 20).read(&headers, Body::from("x"), 4).await;
        assert_eq!(read.err().unwrap().into_response().status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn the_budget_is_shared_and_given_back() {
        let budget = BodyBudget::new(BYTES_PER_PERMIT);
        let first = budget.read(&HeaderMap::new(), Body::from("x"), 10).await.ok().unwrap();
        check(&budget, &["y"], 10, Err(503)).await;
        drop(first);
        check(&budget, &["y"], 10, Ok("y")).await;
    }

    #[tokio::test]
    async fn a_compressed_body_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, "gzip".parse().unwrap());
        let read = BodyBudget::new(1 << 20).read(&headers, Body::from("x"), 4).await;
        assert_eq!(read.err().unwrap().into_response().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}
