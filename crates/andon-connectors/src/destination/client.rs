//! The connection to one destination: TLS, credentials, and building of requests.

use std::time::Duration;

use andon_journal::Secrets;
use andon_model::{Code, Problem};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, Url};

use super::redact::Redactor;
use super::spec::{Auth, DestinationSpec, Trust};

/// Idle connections are closed before a server is likely to close them, so that a request rarely meets a
/// connection that is just going away (which would leave its outcome unknown).
const IDLE: Duration = Duration::from_secs(15);

/// Builds the client of a destination: certificates are always verified, redirects never followed.
pub(super) async fn build(spec: &DestinationSpec) -> Result<Client, Problem> {
    let mut builder = Client::builder()
        .use_rustls_tls()
        .http1_only()
        .no_proxy()
        .redirect(Policy::none())
        .connect_timeout(spec.connect_timeout)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(spec.limits.max_concurrency)
        .user_agent(concat!("andon/", env!("CARGO_PKG_VERSION")));
    if spec.url.scheme() == "http" || spec.trust != Trust::System {
        builder = builder.tls_built_in_root_certs(false);
    }
    for authority in authorities(&spec.trust).await? {
        builder = builder.add_root_certificate(authority);
    }
    builder.build().map_err(|error| Problem::new(Code::Unreachable, format!("no client can be made: {error}")))
}

async fn authorities(trust: &Trust) -> Result<Vec<Certificate>, Problem> {
    let (pem, place) = match trust {
        Trust::System => return Ok(Vec::new()),
        Trust::Pem(text) => (text.clone().into_bytes(), "ca_pem".to_owned()),
        Trust::File(path) => {
            let place = path.display().to_string();
            let failed = |e: std::io::Error| Problem::new(Code::ConfigurationValue, e.to_string()).at(place.clone());
            (tokio::fs::read(path).await.map_err(failed)?, place)
        }
    };
    Certificate::from_pem_bundle(&pem)
        .ok()
        .filter(|found| !found.is_empty())
        .ok_or_else(|| Problem::new(Code::ConfigurationValue, "no certificate in PEM form is here").at(place))
}

/// The credentials of a destination as a header, and what must be kept out of texts.
#[derive(Clone, Default)]
pub(super) struct Credentials {
    pub(super) header: Option<(HeaderName, HeaderValue)>,
    pub(super) redactor: Redactor,
}

impl Credentials {
    /// Fetches the secret and puts it into its header.
    pub(super) async fn resolve(auth: &Auth, secrets: &dyn Secrets) -> Result<Self, Problem> {
        let mut redactor = Redactor::default();
        let (name, text) = match auth {
            Auth::None => return Ok(Self::default()),
            Auth::Basic { user, password } => {
                let secret = password.resolve(secrets).await?;
                let encoded = STANDARD.encode(format!("{user}:{}", secret.expose()));
                redactor.hide(secret.expose());
                redactor.hide(&encoded);
                (AUTHORIZATION, format!("Basic {encoded}"))
            }
            Auth::ApiKey { header, value } => {
                let secret = value.resolve(secrets).await?;
                redactor.hide(secret.expose());
                (header.clone(), secret.expose().to_owned())
            }
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| Problem::new(Code::MissingSecret, "the secret holds characters that no header can carry"))?;
        value.set_sensitive(true);
        Ok(Self { header: Some((name, value)), redactor })
    }
}

/// What goes out, before the destination adds its own.
#[derive(Debug)]
pub(super) struct Outgoing<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: &'a [(String, String)],
    /// Media type and bytes.
    pub(super) body: Option<(&'a str, Bytes)>,
    /// For the whole exchange, the last byte of the answer included.
    pub(super) timeout: Duration,
    /// Most bytes that are read of a success.
    pub(super) limit: usize,
}

impl Outgoing<'_> {
    /// The request on the wire: headers of the destination, of the step, of the body, then credentials.
    pub(super) fn build(self, spec: &DestinationSpec, credentials: &Credentials) -> Result<reqwest::Request, Problem> {
        let mut request = reqwest::Request::new(self.method, self.url);
        *request.timeout_mut() = Some(self.timeout);
        let headers = request.headers_mut();
        headers.extend(spec.headers.iter().cloned());
        for (name, value) in self.headers {
            insert(headers, name, value)?;
        }
        if let Some((media_type, bytes)) = self.body {
            insert(headers, "content-type", media_type)?;
            *request.body_mut() = Some(bytes.into());
        }
        if let Some((name, value)) = credentials.header.clone() {
            request.headers_mut().insert(name, value);
        }
        Ok(request)
    }
}

/// Sets a header that a step or the protocol asks for.
pub(super) fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Problem> {
    let refuse = |what: &str| Problem::new(Code::BadBody, format!("the header {name:?} {what}"));
    let header: HeaderName = name.parse().map_err(|_| refuse("has no valid name"))?;
    let text = HeaderValue::from_str(value).map_err(|_| refuse("has a value that cannot be sent"))?;
    headers.insert(header, text);
    Ok(())
}
