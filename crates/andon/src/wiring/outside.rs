//! Asking other systems on behalf of the API: keys of an external issuer, hooks of claims.
//!
//! Certificates are verified against the authorities that the system trusts, always; redirects are not followed, and no
//! more of an answer is read than is allowed.

use std::error::Error;

use andon_server::{Ask, NoAnswer, Outside};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode};

/// The port, on an HTTP client.
pub(super) struct Https(Client);

impl Https {
    pub(super) fn new() -> anyhow::Result<Self> {
        let client = Client::builder()
            .use_rustls_tls()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("andon/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self(client))
    }

    async fn exchange(&self, ask: Ask<'_>) -> Result<Vec<u8>, NoAnswer> {
        let mut request = match ask.body {
            None => self.0.get(ask.url),
            Some(body) => self.0.post(ask.url).header(CONTENT_TYPE, "application/json").body(body),
        };
        request = request.header(ACCEPT, "application/json").timeout(ask.deadline);
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.map_err(unreachable)?;
        if answer.status() != StatusCode::OK {
            return Err(NoAnswer::Status(answer.status().as_u16()));
        }
        body_of(answer, ask.limit_bytes).await
    }
}

impl Outside for Https {
    fn ask<'a>(
        &'a self,
        ask: Ask<'a>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Vec<u8>, NoAnswer>> + Send + 'a>> {
        Box::pin(self.exchange(ask))
    }
}

async fn body_of(mut answer: Response, limit: usize) -> Result<Vec<u8>, NoAnswer> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > limit {
            return Err(NoAnswer::TooLong(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The innermost cause says what happened; the address is told beside it.
fn unreachable(error: reqwest::Error) -> NoAnswer {
    if error.is_timeout() {
        return NoAnswer::Unreachable("no answer in time".to_owned());
    }
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    NoAnswer::Unreachable(cause.to_string())
}
