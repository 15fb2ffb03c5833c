//! The discovery document: of OpenID Connect Discovery 1.0 at `<issuer>/.well-known/openid-configuration`, of RFC 8414 at
//! `/.well-known/oauth-authorization-server`.

use serde::{Deserialize, Serialize};

use super::{Jwks, Scopes};

/// Where an issuer's endpoints are, and what they can do. Members that Andon does not use are skipped when read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovery {
    /// The issuer, exactly as tokens name it.
    pub issuer: String,
    /// Its keys.
    pub jwks_uri: String,
    /// Its token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// How clients prove who they are.
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// How tokens are come by.
    #[serde(default)]
    pub grant_types_supported: Vec<String>,
    /// None: there is no endpoint with a page to sign in at.
    #[serde(default)]
    pub response_types_supported: Vec<String>,
    /// `public`: a subject has the same name for every client.
    #[serde(default)]
    pub subject_types_supported: Vec<String>,
    /// How tokens are signed.
    #[serde(default)]
    pub id_token_signing_alg_values_supported: Vec<String>,
    /// Every scope that there is.
    #[serde(default)]
    pub scopes_supported: Vec<String>,
}

impl Discovery {
    /// Where the document of an issuer is.
    pub fn address_of(issuer: &str) -> String {
        format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
    }

    /// The document of our own issuer, whose address ends without a slash, and which signs by these keys.
    pub fn of_issuer(issuer: &str, scopes: &Scopes, keys: &Jwks) -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            issuer: issuer.to_owned(),
            jwks_uri: format!("{issuer}/.well-known/jwks.json"),
            token_endpoint: Some(format!("{issuer}/oauth2/token")),
            token_endpoint_auth_methods_supported: texts(&["client_secret_basic", "client_secret_post", "none"]),
            grant_types_supported: texts(&["client_credentials", "refresh_token"]),
            response_types_supported: Vec::new(),
            subject_types_supported: texts(&["public"]),
            id_token_signing_alg_values_supported: keys.algorithms(),
            scopes_supported: scopes.to_string().split(' ').filter(|s| !s.is_empty()).map(str::to_owned).collect(),
        }
    }
}
