//! A destination as configured and checked.

mod address;
mod auth;
mod route;

use std::path::PathBuf;
use std::time::Duration;

use andon_act::DestinationLimits;
use andon_model::{Name, Problem};
use reqwest::header::{HeaderName, HeaderValue};
use toml::Spanned;

use super::file::{DestinationFile, OdataSection};
use crate::config::Document;

pub(super) use address::{Rule, is_framing, may_be_secret};
pub use auth::{Auth, CertificateSpec, ClientProof, OauthSpec, PasswordGrant};
pub use route::{Address, OnPremiseSpec, ProviderSpec, ProxySpec};

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
    /// Where it is, or who knows.
    pub address: Address,
    /// Whether others on the way may read along.
    pub allow_http: bool,
    /// Query parameters of every request, not encoded.
    pub query: Vec<(String, String)>,
    /// Headers of every request.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whose certificates are trusted.
    pub trust: Trust,
    /// What requests and token requests go through.
    pub proxy: Option<ProxySpec>,
    /// The Cloud Connector behind which it stands.
    pub on_premise: Option<OnPremiseSpec>,
    /// Longest time to connect.
    pub connect_timeout: Duration,
    /// Longest time for fetches of tokens and the like, and for tests.
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
            address: route::address(&document, &file)?,
            allow_http: file.allow_http,
            query: file.query.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            headers: address::headers(&document, &file)?,
            trust: address::trust(&document, &file)?,
            proxy: file.proxy.as_ref().map(|section| route::proxy(&document, section)).transpose()?,
            on_premise: file.on_premise.as_ref().map(|section| route::on_premise(&document, section)).transpose()?,
            connect_timeout: connect,
            timeout,
            max_response_bytes: usize::try_from(max_response).unwrap_or(usize::MAX),
            limits: limits(&document, &file)?,
            auth: auth::checked(&document, &file)?,
            odata: odata(&document, &file.odata)?,
            description: file.description,
        })
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
