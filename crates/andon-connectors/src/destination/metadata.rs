//! Reading the metadata of a service, for the types check.

use andon_act::StepKind;
use andon_model::{Code, Problem};
use reqwest::{Method, StatusCode};

use super::client::Outgoing;
use super::connection::Connection;
use super::exchange::{Body, Failure, Reply};
use crate::metadata::Metadata;

/// Most bytes of a metadata document; those of SAP's own services have up to a few million.
const MAX_BYTES: usize = 16 * 1024 * 1024;

impl Connection {
    /// The `$metadata` of a service as text; it has been read as metadata once.
    pub(super) async fn metadata(&self, service: &str) -> Result<String, Problem> {
        let path = format!("{}/$metadata", service.trim_end_matches('/'));
        let url = self.url(StepKind::Odata, &path, &[])?;
        let headers = [("accept".to_owned(), "application/xml".to_owned())];
        let outgoing = Outgoing {
            method: Method::GET,
            url,
            headers: &headers,
            body: None,
            timeout: self.spec.timeout,
            limit: MAX_BYTES,
        };
        let reply = self.perform(outgoing, &self.credentials).await?.map_err(|failure| {
            let (Failure::NotSent(why) | Failure::Unknown(why)) = failure;
            Problem::new(Code::Unreachable, why).at(path.clone())
        })?;
        text(&reply).map_err(|problem| problem.at(path))
    }
}

fn text(reply: &Reply) -> Result<String, Problem> {
    match reply.status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => {
            return Err(Problem::new(Code::DestinationCredentials, "check user and secret of the destination"));
        }
        status => {
            let what = format!("HTTP {}: check the path of the service, and that it is active", status.as_u16());
            return Err(Problem::new(Code::NotFound, what));
        }
    }
    if !matches!(reply.body, Body::Complete(_)) {
        return Err(Problem::new(Code::TooLarge, "the answer did not arrive as a whole"));
    }
    let unreadable = |what: String| Problem::new(Code::Undecodable, what);
    let text = String::from_utf8(reply.bytes().to_vec()).map_err(|_| unreadable("it is not UTF-8".into()))?;
    Metadata::parse(&text).map_err(|error| unreadable(error.to_string()))?;
    Ok(text)
}
