//! The shape of `destinations/<name>.toml`.
//!
//! ```toml
//! description = "S/4HANA plant maintenance"
//! url = "https://s4.example.com"        # https; plain http only to this machine, or with allow_http = true
//! allow_http = false
//! query = { "x-plant" = "1010" }        # sent with every request
//! headers = { "x-channel" = "andon" }   # the same; credentials belong into [auth]
//! ca_file = "/etc/andon/s4-ca.pem"      # or ca_pem = """…""": the only authority trusted here; default: the system's
//! connect_timeout = "5s"                # 100ms to 1m
//! timeout = "30s"                       # for token fetches and tests; steps bring their own
//! max_concurrency = 16                  # requests under way at once, 1 to 1000
//! max_response_bytes = 4194304          # longer answers count as done without their body; 1 KiB to 64 MiB
//!
//! [auth]                                # keys by kind, see `spec::auth`
//! kind = "basic"                        # none (default) | basic | api-key | client-certificate |
//!                                       # oauth2-client-credentials | oauth2-password
//! user = "ANDON"
//! password = { secret = "s4-password" } # or { env = "VAR" }, { file = "/path" }, { aws_secret = "name" }, …
//!
//! [proxy]
//! url = "http://proxy.example.com:3128" # what the destination and its token service are reached through
//! user = "andon"                        # both or none
//! password = { secret = "proxy-password" }
//!
//! [on_premise]                          # the destination stands behind a Cloud Connector
//! service_key = { secret = "connectivity-key" }
//! location_id = "FACTORY1"
//!
//! [provider]                            # in place of url, [auth] and [on_premise]
//! kind = "btp-destination-service"
//! name = "ACTION_MODELER_S4"
//! service_key = { secret = "destination-key" }
//! connectivity_key = { secret = "connectivity-key" }
//!
//! [circuit]
//! failures = 10                         # busy or lost in a row that open the circuit, 1 to 1000
//! open_for = "10s"                      # 100ms to 1h
//!
//! [odata]
//! sap_client = "100"                    # query parameter sap-client of odata requests
//! sap_language = "EN"                   # the same, sap-language
//! csrf_service_document = "/sap/opu/odata/sap/API_X/" # where tokens come from when a step names no service; also
//!                                       # tried by `destinations test`
//! repeatable = false                    # the services honour RequestID and RepeatabilityCreation
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use crate::config::Span;
use crate::credential::{Credential, Given};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DestinationFile {
    #[serde(default)]
    pub(super) description: String,
    pub(super) url: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) allow_http: bool,
    #[serde(default)]
    pub(super) query: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Spanned<String>>,
    pub(super) ca_file: Option<Spanned<PathBuf>>,
    pub(super) ca_pem: Option<Spanned<String>>,
    pub(super) connect_timeout: Option<Spanned<Span>>,
    pub(super) timeout: Option<Spanned<Span>>,
    pub(super) max_concurrency: Option<Spanned<u64>>,
    pub(super) max_response_bytes: Option<Spanned<u64>>,
    pub(super) auth: Option<Spanned<AuthSection>>,
    pub(super) proxy: Option<ProxySection>,
    pub(super) on_premise: Option<Spanned<OnPremiseSection>>,
    pub(super) provider: Option<ProviderSection>,
    #[serde(default)]
    pub(super) circuit: CircuitSection,
    #[serde(default)]
    pub(super) odata: OdataSection,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthSection {
    pub(super) kind: Spanned<String>,
    pub(super) user: Option<Spanned<Given>>,
    pub(super) password: Option<Spanned<Credential>>,
    pub(super) header: Option<Spanned<String>>,
    pub(super) query: Option<Spanned<String>>,
    pub(super) value: Option<Spanned<Credential>>,
    pub(super) token_url: Option<Spanned<String>>,
    pub(super) token_ca_file: Option<Spanned<PathBuf>>,
    pub(super) client_id: Option<Spanned<Given>>,
    pub(super) client_secret: Option<Spanned<Credential>>,
    pub(super) client_auth: Option<Spanned<String>>,
    pub(super) scope: Option<Spanned<String>>,
    pub(super) parameters: Option<Spanned<BTreeMap<String, String>>>,
    pub(super) certificate: Option<Spanned<Credential>>,
    pub(super) key: Option<Spanned<Credential>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProxySection {
    pub(super) url: Spanned<String>,
    pub(super) user: Option<Spanned<Given>>,
    pub(super) password: Option<Spanned<Credential>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OnPremiseSection {
    pub(super) service_key: Credential,
    pub(super) location_id: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderSection {
    pub(super) kind: Spanned<String>,
    pub(super) name: Spanned<String>,
    pub(super) service_key: Credential,
    pub(super) connectivity_key: Option<Credential>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CircuitSection {
    pub(super) failures: Option<Spanned<u64>>,
    pub(super) open_for: Option<Spanned<Span>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OdataSection {
    pub(super) sap_client: Option<Spanned<String>>,
    pub(super) sap_language: Option<Spanned<String>>,
    pub(super) csrf_service_document: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) repeatable: bool,
}
