//! The way to a destination: its address or who knows it, a proxy, a Cloud Connector.

use andon_model::Problem;
use reqwest::Url;

use super::address::Rule;
use crate::config::Document;
use crate::credential::{Credential, Given};
use crate::destination::file::{DestinationFile, OnPremiseSection, ProviderSection, ProxySection};

/// Where a destination is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// At this address, without a slash at the end of its path.
    Fixed(Url),
    /// Where a service says, which also gives credentials.
    Provided(Box<ProviderSpec>),
}

/// A destination of the SAP BTP destination service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSpec {
    /// Its name there.
    pub name: String,
    /// Service key of the destination service, in JSON.
    pub service_key: Credential,
    /// Service key of the connectivity service, in JSON; needed for `ProxyType` `OnPremise`.
    pub connectivity_key: Option<Credential>,
}

/// A proxy that speaks HTTP; TLS goes through it by CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySpec {
    /// Its address, by plain HTTP.
    pub url: Url,
    /// User and password, where it asks for them.
    pub user: Option<(Given, Credential)>,
}

/// The Cloud Connector behind which a destination stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnPremiseSpec {
    /// Service key of the connectivity service, in JSON.
    pub service_key: Credential,
    /// Which connector, where there are several.
    pub location_id: Option<String>,
}

pub(super) fn address(document: &Document<'_>, file: &DestinationFile) -> Result<Address, Problem> {
    match (&file.url, &file.provider) {
        (Some(url), None) => {
            let rule = if file.on_premise.is_some() { Rule::OnPremise } else { Rule::of(file.allow_http) };
            rule.parse(url.as_ref()).map(Address::Fixed).map_err(|why| document.wrong(url, why))
        }
        (None, Some(section)) => provider(document, file, section).map(|spec| Address::Provided(Box::new(spec))),
        (Some(url), Some(_)) => Err(document.wrong(url, "the provider says the address: give url or [provider]")),
        (None, None) => {
            Err(document.lacking("url is missing: say where the destination is, or who knows in [provider]"))
        }
    }
}

fn provider(
    document: &Document<'_>,
    file: &DestinationFile,
    section: &ProviderSection,
) -> Result<ProviderSpec, Problem> {
    if section.kind.as_ref() != "btp-destination-service" {
        let what = format!("{:?} is not known; use btp-destination-service", section.kind.as_ref());
        return Err(document.wrong(&section.kind, what));
    }
    if let Some(auth) = &file.auth {
        return Err(document.wrong(auth, "the provider gives the credentials: leave [auth] out"));
    }
    if let Some(on_premise) = &file.on_premise {
        return Err(document.wrong(on_premise, "with a provider, connectivity_key in [provider] is enough"));
    }
    let name = section.name.as_ref();
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > 200 || !name.bytes().all(legal) {
        return Err(document.wrong(&section.name, "a destination's name has 1 to 200 letters, digits, - _ ."));
    }
    Ok(ProviderSpec {
        name: name.clone(),
        service_key: section.service_key.clone(),
        connectivity_key: section.connectivity_key.clone(),
    })
}

pub(super) fn proxy(document: &Document<'_>, section: &ProxySection) -> Result<ProxySpec, Problem> {
    let wrong = |why: &str| document.wrong(&section.url, why);
    let url: Url = section.url.as_ref().parse().map_err(|_| wrong("use an address such as http://proxy:3128"))?;
    if url.scheme() != "http" || url.host_str().is_none() {
        return Err(wrong("a proxy is called by http; what goes through it stays encrypted"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("credentials belong into user and password"));
    }
    let user = match (&section.user, &section.password) {
        (None, None) => None,
        (Some(user), Some(password)) => Some((user.as_ref().clone(), password.as_ref().clone())),
        _ => return Err(wrong("user and password go together: give both or none")),
    };
    Ok(ProxySpec { url, user })
}

pub(super) fn on_premise(
    document: &Document<'_>,
    section: &toml::Spanned<OnPremiseSection>,
) -> Result<OnPremiseSpec, Problem> {
    let section = section.as_ref();
    if let Some(id) = &section.location_id {
        let legal = !id.as_ref().is_empty() && id.as_ref().bytes().all(|byte| byte.is_ascii_graphic());
        if !legal {
            return Err(document.wrong(id, "a location id has no spaces"));
        }
    }
    let location_id = section.location_id.as_ref().map(|id| id.as_ref().clone());
    Ok(OnPremiseSpec { service_key: section.service_key.clone(), location_id })
}
