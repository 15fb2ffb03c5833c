//! A destination as configured and checked.

use std::path::PathBuf;
use std::time::Duration;

use andon_act::DestinationLimits;
use andon_model::{Name, Problem};
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use toml::Spanned;

use super::file::{AuthSection, DestinationFile, OdataSection};
use crate::config::Document;
use crate::credential::Credential;

/// How Andon proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    None,
    /// Basic authentication.
    Basic {
        /// User name.
        user: String,
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
}

/// Whose certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Those of the system's authorities.
    System,
    /// Those of the authorities in this PEM file, and no others.
    File(PathBuf),
    /// Those of the authorities in this PEM text, and no others.
    Pem(String),
}

/// What is particular to SAP Gateway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OdataSpec {
    /// Query parameters of every `odata` request.
    pub query: Vec<(String, String)>,
    /// Where tokens come from when a request names no service.
    pub csrf_service_document: Option<String>,
    /// The services honour `RequestID` and `RepeatabilityCreation`.
    pub repeatable: bool,
}

/// A destination as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationSpec {
    /// Its name.
    pub name: Name,
    /// What it is, for people.
    pub description: String,
    /// Its address, without a slash at the end of its path.
    pub url: Url,
    /// Query parameters of every request, not encoded.
    pub query: Vec<(String, String)>,
    /// Headers of every request.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whose certificates are trusted.
    pub trust: Trust,
    /// Longest time to connect.
    pub connect_timeout: Duration,
    /// Longest time for token fetches and tests.
    pub timeout: Duration,
    /// Longest body of an answer that is read.
    pub max_response_bytes: usize,
    /// How much it is given at once, and when it is left alone.
    pub limits: DestinationLimits,
    /// How Andon proves who it is.
    pub auth: Auth,
    /// What is particular to SAP Gateway.
    pub odata: OdataSpec,
}

/// Headers that carry credentials and therefore must not stand in a configuration text.
const CREDENTIAL_HEADERS: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "apikey", "x-api-key", "x-csrf-token"];

const MILLIS_100: Duration = Duration::from_millis(100);

impl DestinationSpec {
    /// Reads and checks `destinations/<name>.toml`. A problem has [`andon_model::Code::ConfigurationSyntax`]
    /// or [`andon_model::Code::ConfigurationValue`] and the place `destinations/<name>.toml line L column C`.
    pub fn parse(name: &Name, text: &str) -> Result<Self, Problem> {
        let document = Document::new("destinations", name, text);
        let file: DestinationFile = document.parse()?;
        let minute = Duration::from_mins(1);
        let connect = document.duration(file.connect_timeout.as_ref(), Duration::from_secs(5), (MILLIS_100, minute))?;
        let timeout = document.duration(file.timeout.as_ref(), Duration::from_secs(30), (MILLIS_100, minute * 10))?;
        let max_response = document.number(file.max_response_bytes.as_ref(), 4 << 20, (1 << 10, 64 << 20))?;
        Ok(Self {
            name: name.clone(),
            url: url(&document, &file)?,
            query: file.query.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            headers: headers(&document, &file)?,
            trust: trust(&document, &file)?,
            connect_timeout: connect,
            timeout,
            max_response_bytes: usize::try_from(max_response).unwrap_or(usize::MAX),
            limits: limits(&document, &file)?,
            auth: file.auth.as_ref().map_or(Ok(Auth::None), |section| auth(&document, section))?,
            odata: odata(&document, &file.odata)?,
            description: file.description,
        })
    }
}

fn url(document: &Document<'_>, file: &DestinationFile) -> Result<Url, Problem> {
    let wrong = |why: &str| document.wrong(&file.url, why);
    let mut url: Url = file.url.as_ref().parse().map_err(|_| wrong("use an address such as https://s4.example.com"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("credentials belong into [auth]"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("query parameters belong into the key query"));
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if loopback || file.allow_http => {}
        "http" => return Err(wrong("use https, or say allow_http = true and accept that others can read along")),
        _ => return Err(wrong("use https")),
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn headers(document: &Document<'_>, file: &DestinationFile) -> Result<Vec<(HeaderName, HeaderValue)>, Problem> {
    let checked = |(name, value): (&String, &Spanned<String>)| {
        if CREDENTIAL_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(document.wrong(value, format!("{name} carries credentials, which belong into [auth]")));
        }
        let header = name.parse().map_err(|_| document.wrong(value, format!("{name:?} is not a header name")))?;
        let text = value.as_ref().parse().map_err(|_| document.wrong(value, "not a header value"))?;
        Ok((header, text))
    };
    file.headers.iter().map(checked).collect()
}

fn trust(document: &Document<'_>, file: &DestinationFile) -> Result<Trust, Problem> {
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

fn limits(document: &Document<'_>, file: &DestinationFile) -> Result<DestinationLimits, Problem> {
    let default = DestinationLimits::default();
    let count = |given: Option<&Spanned<u64>>, default: u64| document.number(given, default, (1, 1_000));
    let concurrency = count(file.max_concurrency.as_ref(), default.max_concurrency as u64)?;
    let failures = count(file.circuit.failures.as_ref(), u64::from(default.open_after))?;
    let open_for = (MILLIS_100, Duration::from_hours(1));
    Ok(DestinationLimits {
        max_concurrency: usize::try_from(concurrency).unwrap_or(default.max_concurrency),
        open_after: u32::try_from(failures).unwrap_or(default.open_after),
        open_for: document.duration(file.circuit.open_for.as_ref(), default.open_for, open_for)?,
    })
}

fn auth(document: &Document<'_>, section: &AuthSection) -> Result<Auth, Problem> {
    refuse_foreign(document, section)?;
    match section.kind.as_ref().as_str() {
        "none" => Ok(Auth::None),
        "basic" => basic(document, section),
        "api-key" => api_key(document, section),
        other => Err(document.wrong(&section.kind, format!("{other:?} is not known; use none, basic or api-key"))),
    }
}

fn basic(document: &Document<'_>, section: &AuthSection) -> Result<Auth, Problem> {
    match (&section.user, &section.password) {
        (Some(user), Some(_)) if user.as_ref().contains(':') => {
            Err(document.wrong(user, "a user name in basic authentication has no ':'"))
        }
        (Some(user), Some(password)) => {
            Ok(Auth::Basic { user: user.as_ref().clone(), password: password.as_ref().clone() })
        }
        _ => Err(document.wrong(&section.kind, "basic needs user and password")),
    }
}

fn api_key(document: &Document<'_>, section: &AuthSection) -> Result<Auth, Problem> {
    let (Some(header), Some(value)) = (&section.header, &section.value) else {
        return Err(document.wrong(&section.kind, "api-key needs header and value"));
    };
    let name = header.as_ref().parse().map_err(|_| document.wrong(header, "not a header name"))?;
    Ok(Auth::ApiKey { header: name, value: value.as_ref().clone() })
}

fn refuse_foreign(document: &Document<'_>, section: &AuthSection) -> Result<(), Problem> {
    let kind = section.kind.as_ref().as_str();
    let texts = [("basic", &section.user), ("api-key", &section.header)];
    let credentials = [("basic", &section.password), ("api-key", &section.value)];
    let text = texts.into_iter().find_map(|(of, key)| key.as_ref().filter(|_| of != kind).map(Spanned::span));
    let credential =
        credentials.into_iter().find_map(|(of, key)| key.as_ref().filter(|_| of != kind).map(Spanned::span));
    match text.or(credential) {
        None => Ok(()),
        Some(span) => Err(document.wrong(&Spanned::new(span, ()), format!("this key does not belong to {kind}"))),
    }
}

fn odata(document: &Document<'_>, section: &OdataSection) -> Result<OdataSpec, Problem> {
    let parameters = [("sap-client", &section.sap_client), ("sap-language", &section.sap_language)];
    let given = parameters.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?.as_ref())));
    let document_path = section.csrf_service_document.as_ref();
    if let Some(path) = document_path.filter(|path| !path.as_ref().starts_with('/')) {
        return Err(document.wrong(path, "a path begins with /"));
    }
    Ok(OdataSpec {
        query: given.map(|(name, value)| (name.to_owned(), value.clone())).collect(),
        csrf_service_document: document_path.map(|path| path.as_ref().clone()),
        repeatable: section.repeatable,
    })
}

#[cfg(test)]
mod tests;
