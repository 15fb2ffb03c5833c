//! What the destination service found, as a destination.
//!
//! `{"destinationConfiguration": {all values texts}, "authTokens"?: [...], "certificates"?: [...]}`. A token that
//! could not be had is told inside the answer: `authTokens[0].error`.

use andon_model::{Code, Problem, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde_json::Value;

use crate::destination::client::Pem;
use crate::destination::credentials::{Credentials, basic, sensitive};
use crate::destination::draft::Draft;
use crate::destination::kept::Life;
use crate::destination::oauth::seconds;
use crate::destination::spec::{Rule, is_framing, may_be_secret};

/// Properties that are kept out of texts.
const SECRETS: [&str; 6] = [
    "Password",
    "clientSecret",
    "tokenServicePassword",
    "KeyStorePassword",
    "TrustStorePassword",
    "tokenService.KeyStorePassword",
];

/// Beginnings of properties that are secret when the rest of the name says so.
const NAMED: [&str; 5] =
    ["URL.headers.", "URL.queries.", "tokenServiceURL.headers.", "tokenServiceURL.queries.", "tokenService.body."];

/// A destination that was found.
pub(in crate::destination) struct Provided {
    pub(in crate::destination) base: Url,
    /// Query parameters of every request.
    pub(in crate::destination) query: Vec<(String, String)>,
    /// Headers of every request, those with credentials apart.
    pub(in crate::destination) headers: Vec<(HeaderName, HeaderValue)>,
    pub(in crate::destination) credentials: Credentials,
    pub(in crate::destination) way: Way,
    authentication: String,
}

/// `ProxyType`: how a destination is reached.
pub(in crate::destination) enum Way {
    Internet,
    /// Through a Cloud Connector, which may have an id.
    OnPremise(Option<String>),
}

/// The properties of a destination.
struct Properties<'a>(&'a serde_json::Map<String, Value>);

impl Provided {
    /// Reads an answer with status 200. Everything secret in it goes to the draft's redactor.
    pub(in crate::destination) fn read(answer: &Value, allow_http: bool, draft: &mut Draft) -> Result<Self, Problem> {
        let properties = answer.get("destinationConfiguration").and_then(Value::as_object);
        let properties = Properties(properties.ok_or_else(|| unusable("the answer has no destinationConfiguration"))?);
        properties.secrets().for_each(|secret| draft.redactor.hide(secret));
        let kind = properties.get("Type").unwrap_or("HTTP");
        if !kind.eq_ignore_ascii_case("HTTP") {
            return Err(unusable(&format!("it is of the type {kind:?}; only HTTP is supported")));
        }
        let way = properties.way()?;
        let rule = match way {
            Way::Internet => Rule::of(allow_http),
            Way::OnPremise(_) => Rule::OnPremise,
        };
        let url = properties.get("URL").ok_or_else(|| unusable("it has no URL"))?;
        let base = rule.parse(url).map_err(|why| unusable(&format!("its URL: {why}")))?;
        let mut found = Self {
            base,
            query: properties.query(),
            headers: Vec::new(),
            credentials: Credentials { query: properties.query_keys(), ..Credentials::default() },
            way,
            authentication: properties.get("Authentication").unwrap_or("NoAuthentication").to_owned(),
        };
        found.add_headers(&properties)?;
        found.authenticate(answer, &properties, draft)?;
        Ok(found)
    }

    /// For `destinations test`; names of kinds only.
    pub(in crate::destination) fn describe(&self) -> String {
        let way = match &self.way {
            Way::Internet => "Internet".to_owned(),
            Way::OnPremise(None) => "OnPremise".to_owned(),
            Way::OnPremise(Some(id)) => format!("OnPremise by {id}"),
        };
        format!("{}, {way}", self.authentication)
    }

    /// `URL.headers.<name>`: a header of every request; an API key is given so.
    fn add_headers(&mut self, properties: &Properties<'_>) -> Result<(), Problem> {
        for (name, text) in properties.below("URL.headers.") {
            let refuse = || unusable(&format!("URL.headers.{name} is not a header that can be sent"));
            let header: HeaderName = name.parse().map_err(|_| refuse())?;
            if is_framing(&name) {
                return Err(refuse());
            }
            if may_be_secret(&name) {
                self.credentials.headers.push((header, sensitive(text).map_err(|_| refuse())?));
            } else {
                self.headers.push((header, text.parse().map_err(|_| refuse())?));
            }
        }
        Ok(())
    }

    fn authenticate(&mut self, answer: &Value, properties: &Properties<'_>, draft: &mut Draft) -> Result<(), Problem> {
        if let Some(token) = answer.pointer("/authTokens/0") {
            return self.take_token(token, draft);
        }
        match self.authentication.as_str() {
            "NoAuthentication" => Ok(()),
            "BasicAuthentication" => {
                let user = properties.get("User").unwrap_or_default();
                let password = Secret::new(properties.get("Password").unwrap_or_default());
                self.credentials.headers.push(basic(AUTHORIZATION, user, &password, &mut draft.redactor)?);
                Ok(())
            }
            "ClientCertificateAuthentication" => {
                self.credentials.identity = Some(certificate(answer, properties)?);
                Ok(())
            }
            "OAuth2ClientCredentials" | "OAuth2Password" | "OAuth2SAMLBearerAssertion" => {
                Err(unusable(&format!("{} came without a token", self.authentication)))
            }
            other => Err(unusable(&format!("{other} needs a signed-in user, and events have none"))),
        }
    }

    /// `http_header` is sent as it came.
    fn take_token(&mut self, token: &Value, draft: &mut Draft) -> Result<(), Problem> {
        let text = |path: &str| token.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(error) = text("/error") {
            return Err(failed(&draft.redactor.clean(error)));
        }
        let (Some(name), Some(value)) = (text("/http_header/key"), text("/http_header/value")) else {
            return Err(unusable("its token has no http_header"));
        };
        draft.redactor.hide(value);
        [text("/value"), text("/refresh_token")].into_iter().flatten().for_each(|part| draft.redactor.hide(part));
        value.split_whitespace().for_each(|part| draft.redactor.hide(part));
        if let Some(seconds) = seconds(token.get("expires_in")).filter(|seconds| *seconds > 0) {
            draft.needs(Life::of_token(draft.now, Some(seconds)));
        }
        let refuse = || unusable("its token has no usable http_header");
        let header = name.parse().ok().filter(|header: &HeaderName| !is_framing(header.as_str())).ok_or_else(refuse)?;
        self.credentials.headers.push((header, sensitive(value).map_err(|_| refuse())?));
        Ok(())
    }
}

impl<'a> Properties<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The properties whose name begins so, by the rest of it.
    fn below(&self, prefix: &str) -> Vec<(String, &'a str)> {
        let named = self.0.iter().filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value.as_str()?)));
        named.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Everything that must not be seen again.
    fn secrets(&self) -> impl Iterator<Item = &'a str> {
        let is_named = |name: &str| NAMED.iter().any(|start| name.strip_prefix(start).is_some_and(may_be_secret));
        let all = self.0.iter().filter(move |(name, _)| SECRETS.contains(&name.as_str()) || is_named(name));
        all.filter_map(|(_, value)| value.as_str())
    }

    /// `URL.queries.<name>` that may be secret: sent like other credentials.
    fn query_keys(&self) -> Vec<(String, String)> {
        let own = self.below("URL.queries.").into_iter().filter(|(name, _)| may_be_secret(name));
        own.map(|(name, value)| (name, value.to_owned())).collect()
    }

    /// The other `URL.queries.<name>`, `sap-client` and `sap-language`.
    fn query(&self) -> Vec<(String, String)> {
        let sap = ["sap-client", "sap-language"].into_iter();
        let sap = sap.filter_map(|name| Some((name.to_owned(), self.get(name)?.to_owned())));
        let own = self.below("URL.queries.").into_iter().filter(|(name, _)| !may_be_secret(name));
        sap.chain(own.map(|(name, value)| (name, value.to_owned()))).collect()
    }

    fn way(&self) -> Result<Way, Problem> {
        match self.get("ProxyType").unwrap_or("Internet") {
            "Internet" => Ok(Way::Internet),
            "OnPremise" => Ok(Way::OnPremise(self.get("CloudConnectorLocationId").map(str::to_owned))),
            other => Err(unusable(&format!("its ProxyType is {other}; Internet and OnPremise are supported"))),
        }
    }
}

/// The client certificate: PEM, in Base64. A PKCS #12 store is not opened.
fn certificate(answer: &Value, properties: &Properties<'_>) -> Result<Pem, Problem> {
    let wanted = properties.get("KeyStoreLocation");
    let text = |value: &Value, name: &str| -> Option<String> {
        let member = value.get(name).or_else(|| value.get(name.to_ascii_lowercase()))?;
        member.as_str().map(str::to_owned)
    };
    let all = answer.get("certificates").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let named = all.iter().find(|one| wanted.is_none() || text(one, "Name").as_deref() == wanted);
    let content = named.and_then(|one| text(one, "Content")).ok_or_else(|| unusable("its certificate did not come"))?;
    let pem = STANDARD.decode(content.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    pem.filter(|pem| reqwest::Identity::from_pem(pem.as_bytes()).is_ok())
        .map(|pem| Pem(Secret::new(pem)))
        .ok_or_else(|| unusable("its key store is not PEM with certificate and key: upload it as a .pem file"))
}

fn unusable(why: &str) -> Problem {
    Problem::new(Code::ProvidedDestination, why)
}

/// The service could not get the token. What its token service refused stays refused until somebody changes it.
fn failed(error: &str) -> Problem {
    let mut numbers = error.split(|c: char| !c.is_ascii_alphanumeric());
    let refused = numbers.any(|number| ["400", "401", "403"].contains(&number));
    let refused =
        refused || ["invalid_client", "invalid_grant", "unauthorized_client"].iter().any(|e| error.contains(e));
    let code = if refused { Code::TokenRefused } else { Code::Busy };
    Problem::new(code, format!("the destination service got no token: {}", error.chars().take(300).collect::<String>()))
}

#[cfg(test)]
mod tests;
