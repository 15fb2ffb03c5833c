//! One signed request to AWS.
//!
//! Credentials and signature come from `object_store`, which buckets use already
//! (see `docs/adr/0010-destinations-and-secrets.md`).

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AwsAuthorizer, AwsCredential};
use object_store::client::HttpRequest;
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Url};

use super::is_private;
use crate::destination::exchange::{Failure, Reply, exchange};

/// Longest time for a request, from connecting to the last byte.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time to connect, also to the address that gives an instance its credentials.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Largest answer; a secret has at most 64 KiB.
const MAX_ANSWER_BYTES: usize = 256 << 10;

/// A request before it is signed.
pub(super) struct Call<'a> {
    pub(super) url: Url,
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) operation: &'static str,
    pub(super) body: String,
}

/// The credentials of this process: environment, web identity, container or instance. The error is in words.
pub(super) async fn credentials(region: &str) -> Result<Arc<AwsCredential>, String> {
    let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: 1, retry_timeout: TIMEOUT };
    let options = ClientOptions::new().with_timeout(TIMEOUT).with_connect_timeout(CONNECT_TIMEOUT);
    let provider = AmazonS3Builder::from_env()
        // No bucket is opened; the builder is the way to the chain of credentials that it uses.
        .with_bucket_name("none")
        .with_region(region)
        .with_client_options(options)
        .with_retry(retry)
        .build()
        .map_err(|error| error.to_string())?;
    provider.credentials().get_credential().await.map_err(|error| error.to_string())
}

impl Call<'_> {
    /// Signs and sends.
    pub(super) async fn perform(self, credentials: &AwsCredential) -> Result<Reply, Failure> {
        let not_sent = |why: &str| Failure::NotSent(why.to_owned());
        if !is_private(&self.url) {
            return Err(not_sent("the address must be https"));
        }
        let client = client(&self.url).map_err(|error| Failure::NotSent(error.to_string()))?;
        let request = self.signed(credentials).ok_or_else(|| not_sent("the credentials for AWS are malformed"))?;
        exchange(&client, request, MAX_ANSWER_BYTES).await
    }

    /// The request with its signature. `None` when credentials hold characters that no header can carry, on
    /// which the signing would panic.
    fn signed(self, credentials: &AwsCredential) -> Option<reqwest::Request> {
        let parts = [Some(&credentials.key_id), credentials.token.as_ref()];
        if parts.into_iter().flatten().any(|text| !text.bytes().all(|byte| byte.is_ascii_graphic())) {
            return None;
        }
        let mut request = HttpRequest::new(self.body.clone().into());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.as_str().parse().ok()?;
        request.headers_mut().insert("content-type", "application/x-amz-json-1.1".parse().ok()?);
        request.headers_mut().insert("x-amz-target", self.operation.parse().ok()?);
        AwsAuthorizer::new(credentials, self.service, self.region).authorize(&mut request, None);
        let mut signed = reqwest::Request::new(Method::POST, self.url);
        *signed.headers_mut() = std::mem::take(request.headers_mut());
        *signed.body_mut() = Some(self.body.into());
        Some(signed)
    }
}

fn client(url: &Url) -> reqwest::Result<Client> {
    Client::builder()
        .use_rustls_tls()
        .http1_only()
        .no_proxy()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .tls_built_in_root_certs(url.scheme() == "https")
        .build()
}
