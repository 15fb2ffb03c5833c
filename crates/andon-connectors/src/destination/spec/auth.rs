//! The section `[auth]`.
//!
//! | kind | keys |
//! |---|---|
//! | `none` | – |
//! | `basic` | `user`, `password` |
//! | `api-key` | `header` or `query`, `value` |
//! | `client-certificate` | `certificate`, `key` |
//! | `oauth2-client-credentials` | `token_url`, `client_id`, `client_secret` or `certificate` with `key` |
//! | `oauth2-password` | the same, `user`, `password` |
//!
//! Both of OAuth may have `scope`, `parameters`, `client_auth` and `token_ca_file`.

use std::ops::Range;

use andon_model::Problem;
use reqwest::Url;
use reqwest::header::HeaderName;
use toml::Spanned;

use super::Trust;
use super::address::Rule;
use crate::config::Document;
use crate::credential::{Credential, Given};
use crate::destination::file::{AuthSection, DestinationFile};

/// How Andon proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    None,
    /// Basic authentication.
    Basic {
        /// User name.
        user: Given,
        /// Where the password is.
        password: Credential,
    },
    /// A key in a header of its own, as SAP API Management takes it.
    ApiKey {
        /// Name of the header.
        header: HeaderName,
        /// Where the key is.
        value: Credential,
    },
    /// A key in a query parameter.
    QueryKey {
        /// Name of the parameter.
        parameter: String,
        /// Where the key is.
        value: Credential,
    },
    /// A certificate in the TLS handshake.
    Certificate(CertificateSpec),
    /// An access token.
    Oauth(Box<OauthSpec>),
}

/// A certificate with its key, both in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateSpec {
    /// The chain, Andon's own certificate first.
    pub certificate: Credential,
    /// The private key, not encrypted.
    pub key: Credential,
}

/// How an access token is had (RFC 6749, sections 4.3 and 4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthSpec {
    /// The token endpoint.
    pub token_url: Url,
    /// Whose certificates the token endpoint may have.
    pub trust: Trust,
    /// The client's id.
    pub client_id: Given,
    /// How the client proves who it is.
    pub proof: ClientProof,
    /// The user of a password grant.
    pub user: Option<PasswordGrant>,
    /// Further parameters of the token request, `scope` among them.
    pub parameters: Vec<(String, String)>,
}

/// How a client proves who it is to the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientProof {
    /// Id and secret as parameters of the request.
    Body(Credential),
    /// Id and secret as basic authentication.
    Basic(Credential),
    /// By a certificate (RFC 8705, section 2).
    Certificate(CertificateSpec),
}

/// The user of a password grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordGrant {
    /// User name.
    pub user: Given,
    /// Where the password is.
    pub password: Credential,
}

const OAUTH: [&str; 8] =
    ["token_url", "token_ca_file", "client_id", "client_secret", "client_auth", "scope", "parameters", "certificate"];

/// Parameters of a token request that have keys of their own.
const RESERVED: [&str; 6] = ["grant_type", "client_id", "client_secret", "username", "password", "scope"];

pub(super) fn checked(document: &Document<'_>, file: &DestinationFile) -> Result<Auth, Problem> {
    let Some(section) = file.auth.as_ref().map(Spanned::as_ref) else { return Ok(Auth::None) };
    let kind = section.kind.as_ref().as_str();
    let Some(keys) = keys_of(kind) else {
        let what = format!("{kind:?} is not known; use {}", KINDS.join(", "));
        return Err(document.wrong(&section.kind, what));
    };
    if let Some((_, span)) = given(section).into_iter().find(|(name, _)| !keys.contains(name)) {
        return Err(document.wrong(&Spanned::new(span, ()), format!("this key does not belong to {kind}")));
    }
    match kind {
        "basic" => basic(document, section),
        "api-key" => api_key(document, section),
        "client-certificate" => Ok(Auth::Certificate(certificate(document, section)?)),
        "oauth2-client-credentials" | "oauth2-password" => oauth(document, file, section),
        _ => Ok(Auth::None),
    }
}

const KINDS: [&str; 6] =
    ["none", "basic", "api-key", "client-certificate", "oauth2-client-credentials", "oauth2-password"];

/// The keys that a kind takes; `None` when there is no such kind.
fn keys_of(kind: &str) -> Option<Vec<&'static str>> {
    match kind {
        "none" => Some(Vec::new()),
        "basic" => Some(vec!["user", "password"]),
        "api-key" => Some(vec!["header", "query", "value"]),
        "client-certificate" => Some(vec!["certificate", "key"]),
        "oauth2-client-credentials" => Some([OAUTH.as_slice(), &["key"]].concat()),
        "oauth2-password" => Some([OAUTH.as_slice(), &["key", "user", "password"]].concat()),
        _ => None,
    }
}

/// The keys that are there, and where.
fn given(section: &AuthSection) -> Vec<(&'static str, Range<usize>)> {
    fn span<T>(name: &'static str, key: Option<&Spanned<T>>) -> Option<(&'static str, Range<usize>)> {
        key.map(|key| (name, key.span()))
    }
    let all = [
        span("user", section.user.as_ref()),
        span("password", section.password.as_ref()),
        span("header", section.header.as_ref()),
        span("query", section.query.as_ref()),
        span("value", section.value.as_ref()),
        span("token_url", section.token_url.as_ref()),
        span("token_ca_file", section.token_ca_file.as_ref()),
        span("client_id", section.client_id.as_ref()),
        span("client_secret", section.client_secret.as_ref()),
        span("client_auth", section.client_auth.as_ref()),
        span("scope", section.scope.as_ref()),
        span("parameters", section.parameters.as_ref()),
        span("certificate", section.certificate.as_ref()),
        span("key", section.key.as_ref()),
    ];
    all.into_iter().flatten().collect()
}

fn basic(document: &Document<'_>, section: &AuthSection) -> Result<Auth, Problem> {
    match (&section.user, &section.password) {
        (Some(user), Some(_)) if matches!(user.as_ref(), Given::Text(text) if text.contains(':')) => {
            Err(document.wrong(user, "a user name in basic authentication has no ':'"))
        }
        (Some(user), Some(password)) => {
            Ok(Auth::Basic { user: user.as_ref().clone(), password: password.as_ref().clone() })
        }
        _ => Err(document.wrong(&section.kind, "basic needs user and password")),
    }
}

fn api_key(document: &Document<'_>, section: &AuthSection) -> Result<Auth, Problem> {
    match (&section.header, &section.query, &section.value) {
        (Some(header), None, Some(value)) => {
            let name = header
                .as_ref()
                .parse()
                .map_err(|_| document.wrong(header, format!("{:?} is not a header name", header.as_ref())))?;
            Ok(Auth::ApiKey { header: name, value: value.as_ref().clone() })
        }
        (None, Some(parameter), Some(value)) if !parameter.as_ref().is_empty() => {
            Ok(Auth::QueryKey { parameter: parameter.as_ref().clone(), value: value.as_ref().clone() })
        }
        _ => Err(document.wrong(&section.kind, "api-key needs value, and either header or query")),
    }
}

fn certificate(document: &Document<'_>, section: &AuthSection) -> Result<CertificateSpec, Problem> {
    match (&section.certificate, &section.key) {
        (Some(certificate), Some(key)) => {
            Ok(CertificateSpec { certificate: certificate.as_ref().clone(), key: key.as_ref().clone() })
        }
        _ => Err(document.wrong(&section.kind, "a certificate needs certificate and key")),
    }
}

fn oauth(document: &Document<'_>, file: &DestinationFile, section: &AuthSection) -> Result<Auth, Problem> {
    let (Some(url), Some(client_id)) = (&section.token_url, &section.client_id) else {
        return Err(document.wrong(&section.kind, "OAuth needs token_url and client_id"));
    };
    if url.as_ref().contains('?') {
        return Err(
            document.wrong(url, "leave the query out: grant_type is sent anyway, the rest belongs into parameters")
        );
    }
    let token_url = Rule::of(file.allow_http).parse(url.as_ref()).map_err(|why| document.wrong(url, why))?;
    Ok(Auth::Oauth(Box::new(OauthSpec {
        token_url,
        trust: token_trust(document, section)?,
        client_id: client_id.as_ref().clone(),
        proof: proof(document, section)?,
        user: password_grant(document, section)?,
        parameters: parameters(document, section)?,
    })))
}

fn token_trust(document: &Document<'_>, section: &AuthSection) -> Result<Trust, Problem> {
    match &section.token_ca_file {
        None => Ok(Trust::System),
        Some(path) if path.as_ref().is_absolute() => Ok(Trust::File(path.as_ref().clone())),
        Some(path) => Err(document.wrong(path, "use the full path of the file")),
    }
}

fn proof(document: &Document<'_>, section: &AuthSection) -> Result<ClientProof, Problem> {
    let way = section.client_auth.as_ref();
    match (&section.client_secret, way.map(|way| way.as_ref().as_str())) {
        (Some(secret), _) if section.certificate.is_some() || section.key.is_some() => {
            Err(document.wrong(secret, "give client_secret, or certificate with key, not both"))
        }
        (Some(secret), None | Some("body")) => Ok(ClientProof::Body(secret.as_ref().clone())),
        (Some(secret), Some("basic")) => Ok(ClientProof::Basic(secret.as_ref().clone())),
        (None, None) if section.certificate.is_some() => Ok(ClientProof::Certificate(certificate(document, section)?)),
        (None, None) => Err(document.wrong(&section.kind, "OAuth needs client_secret, or certificate with key")),
        (_, Some(_)) => {
            Err(document.wrong(way.unwrap_or(&section.kind), "use body (default) or basic, with client_secret"))
        }
    }
}

fn password_grant(document: &Document<'_>, section: &AuthSection) -> Result<Option<PasswordGrant>, Problem> {
    match (section.kind.as_ref().as_str(), &section.user, &section.password) {
        ("oauth2-password", Some(user), Some(password)) => {
            Ok(Some(PasswordGrant { user: user.as_ref().clone(), password: password.as_ref().clone() }))
        }
        ("oauth2-password", _, _) => Err(document.wrong(&section.kind, "oauth2-password needs user and password")),
        _ => Ok(None),
    }
}

fn parameters(document: &Document<'_>, section: &AuthSection) -> Result<Vec<(String, String)>, Problem> {
    let scope = section.scope.as_ref().map(|scope| ("scope".to_owned(), scope.as_ref().clone()));
    let Some(more) = &section.parameters else { return Ok(scope.into_iter().collect()) };
    if let Some(name) = more.as_ref().keys().find(|name| RESERVED.contains(&name.as_str())) {
        return Err(document.wrong(more, format!("{name} has a key of its own")));
    }
    Ok(scope.into_iter().chain(more.as_ref().iter().map(|(name, value)| (name.clone(), value.clone()))).collect())
}
