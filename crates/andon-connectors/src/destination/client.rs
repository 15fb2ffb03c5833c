//! The connection to one destination: TLS, proxy, and building of requests.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use andon_model::{Code, Problem, Secret};
use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Identity, Method, Proxy, Url};

use super::credentials::Credentials;
use super::spec::{DestinationSpec, Trust};

/// Idle connections are closed before a server is likely to close them, so that a request rarely meets a
/// connection that is just going away (which would leave its outcome unknown).
const IDLE: Duration = Duration::from_secs(15);

/// A certificate chain with its key, in PEM.
#[derive(Clone)]
pub(super) struct Pem(pub(super) Secret);

impl PartialEq for Pem {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}

/// A proxy, and what it wants to see.
#[derive(Clone, PartialEq)]
pub(super) struct Hop {
    pub(super) url: Url,
    /// Value of `Proxy-Authorization`, also of CONNECT; none when it is sent with each request.
    pub(super) authorization: Option<HeaderValue>,
}

/// What a client is made of.
#[derive(Clone, PartialEq)]
pub(super) struct Parts {
    /// Whether TLS is spoken at all.
    pub(super) tls: bool,
    /// The only authorities that are trusted, in PEM; without it those of the system.
    pub(super) authorities: Option<Vec<u8>>,
    pub(super) identity: Option<Pem>,
    pub(super) proxy: Option<Hop>,
    pub(super) connect_timeout: Duration,
    /// Most idle connections.
    pub(super) max_idle: usize,
}

impl Parts {
    /// Builds the client: certificates are always verified, redirects never followed.
    pub(super) fn build(&self) -> Result<Client, Problem> {
        let mut builder = Client::builder()
            .use_rustls_tls()
            .http1_only()
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(self.max_idle)
            .tls_built_in_root_certs(self.tls && self.authorities.is_none())
            .user_agent(concat!("andon/", env!("CARGO_PKG_VERSION")));
        for authority in
            self.authorities.as_deref().map_or(Ok(Vec::new()), Certificate::from_pem_bundle).map_err(made)?
        {
            builder = builder.add_root_certificate(authority);
        }
        if let Some(Pem(pem)) = &self.identity {
            builder = builder.identity(Identity::from_pem(pem.expose().as_bytes()).map_err(|_| no_identity())?);
        }
        if let Some(hop) = &self.proxy {
            builder = builder.proxy(hop.proxy()?);
        }
        builder.build().map_err(made)
    }
}

impl Hop {
    fn proxy(&self) -> Result<Proxy, Problem> {
        let proxy = Proxy::all(self.url.clone()).map_err(made)?;
        Ok(match &self.authorization {
            Some(value) => proxy.custom_http_auth(value.clone()),
            None => proxy,
        })
    }
}

fn made(error: reqwest::Error) -> Problem {
    Problem::new(Code::Unreachable, format!("no client can be made: {}", error.without_url()))
}

fn no_identity() -> Problem {
    let what = "the client certificate or its key is not in PEM, or the key is encrypted";
    Problem::new(Code::MissingSecret, what)
}

/// The client of a destination, kept as long as what it is made of stays the same.
#[derive(Default)]
pub(super) struct Clients(Mutex<Option<(Parts, Client)>>);

impl Clients {
    pub(super) fn get(&self, parts: Parts) -> Result<Client, Problem> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = held.as_ref().filter(|(known, _)| *known == parts) {
            return Ok(client.clone());
        }
        let client = parts.build()?;
        *held = Some((parts, client.clone()));
        Ok(client)
    }
}

/// The authorities that are trusted, in PEM; `None` for those of the system.
pub(super) async fn authorities(trust: &Trust) -> Result<Option<Vec<u8>>, Problem> {
    let (pem, place) = match trust {
        Trust::System => return Ok(None),
        Trust::Pem(text) => (text.clone().into_bytes(), "ca_pem".to_owned()),
        Trust::File(path) => {
            let place = path.display().to_string();
            let failed = |e: std::io::Error| Problem::new(Code::ConfigurationValue, e.to_string()).at(place.clone());
            (tokio::fs::read(path).await.map_err(failed)?, place)
        }
    };
    let usable = Certificate::from_pem_bundle(&pem).is_ok_and(|found| !found.is_empty());
    let problem = || Problem::new(Code::ConfigurationValue, "no certificate in PEM form is here").at(place);
    usable.then_some(Some(pem)).ok_or_else(problem)
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
        credentials.put(&mut request);
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
