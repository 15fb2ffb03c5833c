//! What the API asks of other systems, as a port: the keys of an external issuer, and the hooks of claims.

use std::time::Duration;

use futures_util::future::BoxFuture;

/// A question.
#[derive(Debug)]
pub struct Ask<'a> {
    /// Whom: an address that opens with `https://`, or with `http://` on this machine.
    pub url: &'a str,
    /// What is posted, as JSON; without it the address is read.
    pub body: Option<Vec<u8>>,
    /// Further headers, in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// Longest answer that is read.
    pub limit_bytes: usize,
    /// How long all of it may take.
    pub deadline: Duration,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Nobody there, or not in time, or not who they say they are.
    #[error("{0}")]
    Unreachable(String),
    /// An answer other than 200.
    #[error("it answered with status {0}")]
    Status(u16),
    /// More than what is read.
    #[error("its answer has more than {0} bytes")]
    TooLong(usize),
}

/// Asks other systems. Whoever implements it verifies the certificates of those, always, and follows no redirects.
pub trait Outside: Send + Sync {
    /// The body of an answer with status 200.
    fn ask<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Result<Vec<u8>, NoAnswer>>;
}
