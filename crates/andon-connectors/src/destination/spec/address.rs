//! Addresses, headers and trust: what they may be.

use andon_model::Problem;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use toml::Spanned;

use super::Trust;
use crate::config::Document;
use crate::destination::file::DestinationFile;
use crate::secrets::is_private;

/// Headers that carry credentials and therefore must not stand in a configuration text.
const CREDENTIAL_HEADERS: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "apikey", "x-api-key", "x-csrf-token"];

/// Whether a header of this name carries credentials.
fn is_credential(name: &str) -> bool {
    CREDENTIAL_HEADERS.contains(&name.to_ascii_lowercase().as_str())
}

/// Headers that describe a message or a connection on the wire, and are nobody's to set.
const FRAMING_HEADERS: [&str; 8] =
    ["connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// Whether a header of this name belongs to the protocol itself.
pub(in crate::destination) fn is_framing(name: &str) -> bool {
    FRAMING_HEADERS.contains(&name.to_ascii_lowercase().as_str())
}

/// Parts of names that tell of something secret.
const SECRET_WORDS: [&str; 9] =
    ["auth", "cookie", "credential", "key", "pass", "secret", "session", "signature", "token"];

/// Whether a header or parameter of this name may hold a secret: rather one too many than one too few, where nobody
/// can be asked.
pub(in crate::destination) fn may_be_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// How an address may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::destination) enum Rule {
    /// By TLS; by plain HTTP to this machine only.
    Private,
    /// By plain HTTP as well, because somebody decided so.
    AllowHttp,
    /// By plain HTTP alone: the Cloud Connector encrypts, and refuses anything else.
    OnPremise,
}

impl Rule {
    /// The rule for everything but a Cloud Connector.
    pub(in crate::destination) const fn of(allow_http: bool) -> Self {
        if allow_http { Self::AllowHttp } else { Self::Private }
    }

    /// The address in a text, without a slash at the end of its path. The error says what to change.
    pub(in crate::destination) fn parse(self, text: &str) -> Result<Url, &'static str> {
        let mut url: Url = text.parse().map_err(|_| "use an address such as https://s4.example.com")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("credentials belong into [auth]");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("query parameters belong into the key query");
        }
        match (url.scheme(), self) {
            ("https", Self::OnPremise) => {
                return Err("a virtual host of the Cloud Connector is called by http; the connector encrypts");
            }
            ("https", _) | ("http", Self::AllowHttp | Self::OnPremise) => {}
            ("http", Self::Private) if is_private(&url) => {}
            ("http", Self::Private) => {
                return Err("use https, or say allow_http = true and accept that others can read along");
            }
            _ => return Err("use https"),
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(url)
    }
}

pub(super) fn headers(
    document: &Document<'_>,
    file: &DestinationFile,
) -> Result<Vec<(HeaderName, HeaderValue)>, Problem> {
    let checked = |(name, value): (&String, &Spanned<String>)| {
        if is_credential(name) {
            return Err(document.wrong(value, format!("{name} carries credentials, which belong into [auth]")));
        }
        if is_framing(name) {
            return Err(document.wrong(value, format!("{name} is set by the protocol itself")));
        }
        let header = name.parse().map_err(|_| document.wrong(value, format!("{name:?} is not a header name")))?;
        let text = value.as_ref().parse().map_err(|_| document.wrong(value, "not a header value"))?;
        Ok((header, text))
    };
    file.headers.iter().map(checked).collect()
}

pub(super) fn trust(document: &Document<'_>, file: &DestinationFile) -> Result<Trust, Problem> {
    match (&file.ca_file, &file.ca_pem) {
        (None, None) => Ok(Trust::System),
        (Some(path), None) if path.as_ref().is_absolute() => Ok(Trust::File(path.as_ref().clone())),
        (Some(path), None) => Err(document.wrong(path, "use the full path of the file")),
        (None, Some(pem)) if pem.as_ref().contains("-----BEGIN CERTIFICATE-----") => {
            Ok(Trust::Pem(pem.as_ref().clone()))
        }
        (None, Some(pem)) => Err(document.wrong(pem, "a PEM text begins with -----BEGIN CERTIFICATE-----")),
        (Some(_), Some(pem)) => Err(document.wrong(pem, "give ca_file or ca_pem, not both")),
    }
}
