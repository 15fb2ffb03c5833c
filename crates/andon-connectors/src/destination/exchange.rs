//! One request and its answer on the wire.

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::{Client, StatusCode};

/// What is read of an answer that is not a success; enough for any error document.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// An answer: at least its status and headers arrived.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it.
    Complete(Bytes),
    /// Its beginning; the rest was left unread because of the limit.
    Cut(Bytes),
    /// Its beginning; the connection broke or the time was up.
    Broken(Bytes, String),
}

/// No answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No connection: nothing was sent.
    NotSent(String),
    /// It may have been sent.
    Unknown(String),
}

impl Reply {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// What arrived of the body.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Complete(bytes) | Body::Cut(bytes) | Body::Broken(bytes, _) => bytes,
        }
    }

    /// Whether the media type or the first characters say HTML.
    pub(crate) fn is_html(&self) -> bool {
        let declared = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        let start: Vec<u8> = self.bytes().trim_ascii_start().iter().take(14).map(u8::to_ascii_lowercase).collect();
        declared.starts_with("text/html") || start.starts_with(b"<!doctype html") || start.starts_with(b"<html")
    }
}

/// Sends a request and reads the answer, at most `limit` bytes of it.
pub(crate) async fn exchange(client: &Client, request: reqwest::Request, limit: usize) -> Result<Reply, Failure> {
    let mut response = client.execute(request).await.map_err(failure)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let limit = if status.is_success() { limit } else { limit.min(MAX_ERROR_BYTES) };
    let mut read = BytesMut::new();
    let body = loop {
        match response.chunk().await {
            Ok(Some(chunk)) if read.len() + chunk.len() > limit => {
                read.extend_from_slice(&chunk[..limit - read.len()]);
                break Body::Cut(read.freeze());
            }
            Ok(Some(chunk)) => read.extend_from_slice(&chunk),
            Ok(None) => break Body::Complete(read.freeze()),
            Err(error) => break Body::Broken(read.freeze(), words(error)),
        }
    };
    Ok(Reply { status, headers, body })
}

fn failure(error: reqwest::Error) -> Failure {
    if error.is_connect() || error.is_builder() {
        Failure::NotSent(words(error))
    } else {
        Failure::Unknown(words(error))
    }
}

/// The error with its causes, without the address (it is named elsewhere, and its query is nobody's business).
fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
