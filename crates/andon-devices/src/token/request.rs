//! Requests to the token endpoint: form parameters in the body, the query, or both; the client in the `Authorization`
//! header or among the parameters.

use andon_model::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use super::{Scopes, TokenError, TokenErrorKind};

/// Longest query, body or header, in bytes.
pub const MAX_FORM_BYTES: usize = 16 * 1024;

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Grant {
    /// A token for the client itself.
    ClientCredentials,
    /// A new access token for a refresh token.
    RefreshToken(Secret),
}

/// A request, read but not yet believed.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Who asks, by its own words.
    pub client_id: String,
    /// How it proves that.
    pub client_secret: Option<Secret>,
    /// What it asks for.
    pub grant: Grant,
    /// For which scopes; all that it may have, if none.
    pub scopes: Option<Scopes>,
}

impl TokenRequest {
    /// Reads a request from its `Authorization` header, the query (without `?`) and the body. A parameter that stands in
    /// both is taken from the body.
    pub fn parse(authorization: Option<&str>, query: &str, body: &[u8]) -> Result<Self, TokenError> {
        let body = std::str::from_utf8(body).map_err(|_| invalid("the body is not UTF-8"))?;
        if [query.len(), body.len(), authorization.unwrap_or("").len()].iter().any(|length| *length > MAX_FORM_BYTES) {
            return Err(invalid("a query, body or header that is too long"));
        }
        let (query, body) = (Form::parse(query)?, Form::parse(body)?);
        let parameter = |name: &str| body.get(name).or_else(|| query.get(name));
        let (client_id, client_secret) = client(authorization, &parameter)?;
        let scopes = parameter("scope").map(str::parse).transpose();
        let scopes = scopes.map_err(|error| TokenError::new(TokenErrorKind::InvalidScope, format!("{error}")))?;
        Ok(Self { client_id, client_secret, grant: grant(&parameter)?, scopes })
    }
}

fn invalid(detail: &str) -> TokenError {
    TokenError::new(TokenErrorKind::InvalidRequest, detail)
}

/// Parameters; one without a value counts as not there (RFC 6749 §3.2).
struct Form(Vec<(String, String)>);

impl Form {
    fn parse(text: &str) -> Result<Self, TokenError> {
        let mut found: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if value.is_empty() {
                continue;
            }
            if found.iter().any(|(known, _)| *known == name) {
                return Err(invalid("a parameter that stands there twice"));
            }
            found.push((name, value));
        }
        Ok(Self(found))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// `application/x-www-form-urlencoded`, of which `+` is a space.
fn decoded(text: &str) -> Result<String, TokenError> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| invalid("a parameter that is not UTF-8"))
}

type Parameter<'a, 'p> = &'a dyn Fn(&str) -> Option<&'p str>;

fn client(authorization: Option<&str>, parameter: Parameter<'_, '_>) -> Result<(String, Option<Secret>), TokenError> {
    let (named, secret) = (parameter("client_id"), parameter("client_secret"));
    let Some(header) = authorization else {
        let id = named.ok_or_else(|| invalid("no client_id"))?;
        return Ok((id.to_owned(), secret.map(Secret::new)));
    };
    let (id, by_header) = basic(header)?;
    if secret.is_some() {
        return Err(invalid("the client's secret stands in the header and among the parameters"));
    }
    if named.is_some_and(|named| named != id) {
        return Err(invalid("two different client ids"));
    }
    Ok((id, Some(by_header)))
}

/// `Basic base64(id:secret)`, both form-encoded (RFC 6749 §2.3.1).
fn basic(header: &str) -> Result<(String, Secret), TokenError> {
    let refused = || TokenError::new(TokenErrorKind::InvalidClient, "an Authorization header that is not Basic");
    let (scheme, credentials) = header.trim().split_once(' ').ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(refused());
    }
    let bytes = STANDARD.decode(credentials.trim()).map_err(|_| refused())?;
    let text = String::from_utf8(bytes).map_err(|_| refused())?;
    let (id, secret) = text.split_once(':').ok_or_else(refused)?;
    Ok((decoded(id)?, Secret::new(decoded(secret)?)))
}

fn grant(parameter: Parameter<'_, '_>) -> Result<Grant, TokenError> {
    match parameter("grant_type") {
        None => Err(invalid("no grant_type")),
        Some("client_credentials") => Ok(Grant::ClientCredentials),
        Some("refresh_token") => {
            let token = parameter("refresh_token").ok_or_else(|| invalid("no refresh_token"))?;
            Ok(Grant::RefreshToken(Secret::new(token)))
        }
        Some(other) => {
            let named: String = other.chars().take(40).collect();
            Err(TokenError::new(TokenErrorKind::UnsupportedGrantType, format!("there is no grant {named:?}")))
        }
    }
}
