//! Access tokens of OAuth 2.0 (RFC 6749): client credentials (section 4.4) and passwords (section 4.3).
//!
//! **Constraints.** The token request goes by the same rules as any other: verified TLS, no redirects, limits.
//! Neither secret nor token is in any problem.
//!
//! **Life of a token.** It is asked for when a connection is made, kept with that connection until shortly
//! before it expires, and asked for once more when it is refused.

use andon_journal::Secrets;
use andon_model::{Code, Problem, Secret, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Request, Url};
use serde_json::Value;

use super::client::Pem;
use super::credentials::{basic, identity, sensitive};
use super::draft::Draft;
use super::exchange::Reply;
use super::kept::Life;
use super::redact::Redactor;
use super::spec::{ClientProof, OauthSpec, Trust};
use super::wire::{Wire, refusal};

/// What stands as it is in a form: RFC 3986's unreserved characters.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An access token.
pub(super) struct Token {
    pub(super) bearer: Secret,
    pub(super) life: Life,
    /// What it was asked for with: a destination may be the same server, and quote it.
    proof: Redactor,
}

/// A request for a token, with everything secret in it.
pub(super) struct Grant<'a> {
    pub(super) url: Url,
    pub(super) trust: &'a Trust,
    pub(super) form: Vec<(String, String)>,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) identity: Option<Pem>,
    /// What the answer must not be quoted with.
    pub(super) redactor: Redactor,
}

impl Token {
    /// The token as a header, kept out of texts from now on.
    pub(super) fn header(&self, name: HeaderName, draft: &mut Draft) -> Result<(HeaderName, HeaderValue), Problem> {
        self.hide(&mut draft.redactor);
        draft.needs(self.life);
        Ok((name, sensitive(&format!("Bearer {}", self.bearer.expose()))?))
    }

    /// Keeps it, and what it was asked for with, out of texts from now on.
    pub(super) fn hide(&self, redactor: &mut Redactor) {
        redactor.hide(self.bearer.expose());
        redactor.hide_all(&self.proof);
    }

    /// For `destinations test`.
    pub(super) fn describe(&self, now: Timestamp) -> String {
        format!("received, good for {} s", self.life.end.since(now).as_secs())
    }
}

/// Asks for a token. Fails with [`Code::TokenRefused`] or [`Code::MissingSecret`] when a person must do
/// something, with another code when it may be had later.
pub(super) async fn obtain(
    spec: &OauthSpec,
    secrets: &dyn Secrets,
    wire: Wire<'_>,
    now: Timestamp,
) -> Result<Token, Problem> {
    Grant::of(spec, secrets).await?.ask(wire, now).await
}

impl<'a> Grant<'a> {
    /// By client credentials, id and secret in the form.
    pub(super) fn new(url: Url, trust: &'a Trust, client_id: &str) -> Self {
        let form = vec![
            ("grant_type".to_owned(), "client_credentials".to_owned()),
            ("client_id".to_owned(), client_id.to_owned()),
        ];
        Self { url, trust, form, authorization: None, identity: None, redactor: Redactor::default() }
    }

    async fn of(spec: &'a OauthSpec, secrets: &dyn Secrets) -> Result<Self, Problem> {
        let client_id = spec.client_id.resolve(secrets).await?;
        let mut grant = Self::new(spec.token_url.clone(), &spec.trust, &client_id);
        match &spec.proof {
            ClientProof::Body(secret) => grant.secret(&secret.resolve(secrets).await?),
            ClientProof::Basic(secret) => grant.basic(&client_id, &secret.resolve(secrets).await?)?,
            ClientProof::Certificate(certificate) => grant.identity = Some(identity(certificate, secrets).await?),
        }
        if let Some(user) = &spec.user {
            let (name, password) = (user.user.resolve(secrets).await?, user.password.resolve(secrets).await?);
            grant.user(name, &password);
        }
        grant.form.extend(spec.parameters.iter().cloned());
        Ok(grant)
    }

    /// Proves who the client is by a secret in the form.
    pub(super) fn secret(&mut self, secret: &Secret) {
        self.redactor.hide(secret.expose());
        self.form.push(("client_secret".to_owned(), secret.expose().to_owned()));
    }

    /// Proves it by basic authentication, id and secret encoded as in a form (RFC 6749, section 2.3.1).
    fn basic(&mut self, client_id: &str, secret: &Secret) -> Result<(), Problem> {
        self.redactor.hide(secret.expose());
        let encoded = Secret::new(encode(secret.expose()));
        let (_, value) = basic(AUTHORIZATION, &encode(client_id), &encoded, &mut self.redactor)?;
        self.form.retain(|(name, _)| name != "client_id");
        self.authorization = Some(value);
        Ok(())
    }

    fn user(&mut self, name: String, password: &Secret) {
        self.redactor.hide(password.expose());
        self.form.retain(|(name, _)| name != "grant_type");
        self.form.push(("grant_type".to_owned(), "password".to_owned()));
        self.form.push(("username".to_owned(), name));
        self.form.push(("password".to_owned(), password.expose().to_owned()));
    }

    /// Sends the request and reads the token.
    pub(super) async fn ask(mut self, wire: Wire<'_>, now: Timestamp) -> Result<Token, Problem> {
        let place = wire.place("POST", &self.url);
        let request = self.request();
        let reply = wire.call(self.trust, self.identity.take(), request, &place).await?;
        if !reply.status.is_success() {
            return Err(refusal(&reply, Code::TokenRefused, &self.redactor, &place));
        }
        match read(&reply) {
            Some((bearer, seconds)) => Ok(Token { bearer, life: Life::of_token(now, seconds), proof: self.redactor }),
            None => Err(self.without_token(&reply).at(place)),
        }
    }

    /// A success without a token. What is not even an object of OAuth comes from a page for logon or maintenance
    /// before the token service, which goes away: that waits. An object with an error, or with a token of another
    /// kind, is an answer that stays the same.
    fn without_token(&self, reply: &Reply) -> Problem {
        let Ok(Value::Object(answer)) = serde_json::from_slice(reply.bytes()) else {
            return Problem::new(Code::Busy, NOT_OAUTH);
        };
        match told(&answer) {
            Some(error) if PASSING.iter().any(|passing| error.starts_with(passing)) => Problem::new(Code::Busy, error),
            Some(error) => Problem::new(Code::TokenRefused, format!("{NO_TOKEN}: {}", self.redactor.clean(&error))),
            None => Problem::new(Code::TokenRefused, format!("{NO_TOKEN}: check token_url")),
        }
    }

    fn request(&self) -> Request {
        let mut request = Request::new(Method::POST, self.url.clone());
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.extend(self.authorization.iter().map(|value| (AUTHORIZATION, value.clone())));
        let pairs: Vec<String> =
            self.form.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        *request.body_mut() = Some(pairs.join("&").into());
        request
    }
}

const NO_TOKEN: &str = "the answer is a success, but holds no bearer token in access_token";

const NOT_OAUTH: &str =
    "the answer is a success, but no JSON object with a token: a logon or maintenance page, or a wrong token_url";

/// Errors of OAuth that say nothing against the client (RFC 6749, section 4.1.2.1).
const PASSING: [&str; 2] = ["server_error", "temporarily_unavailable"];

/// Longest token that is taken; servers accept far shorter headers.
const MAX_TOKEN_BYTES: usize = 64 << 10;

/// Longest part of an error that is told.
const MAX_ERROR_CHARS: usize = 300;

/// `error` and `error_description`, where there are any.
fn told(answer: &serde_json::Map<String, Value>) -> Option<String> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let error = text("error")?;
    let whole = [Some(error), text("error_description")].into_iter().flatten().collect::<Vec<_>>().join(": ");
    Some(whole.chars().filter(|c| !c.is_control()).take(MAX_ERROR_CHARS).collect())
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, FORM).to_string()
}

/// `{"access_token", "token_type": "bearer", "expires_in": seconds}`; some write the seconds as a text. A token has
/// visible characters of ASCII alone (RFC 6749, appendix A.12).
fn read(reply: &Reply) -> Option<(Secret, Option<u64>)> {
    let answer: Value = serde_json::from_slice(reply.bytes()).ok()?;
    let kind = answer.get("token_type").and_then(Value::as_str);
    let bearer = answer.get("access_token").and_then(Value::as_str)?;
    let is_token = (1..=MAX_TOKEN_BYTES).contains(&bearer.len()) && bearer.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_token || !kind.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return None;
    }
    Some((Secret::new(bearer), seconds(answer.get("expires_in"))))
}

/// A number of seconds, written as a number or as a text; what is negative is over.
pub(super) fn seconds(value: Option<&Value>) -> Option<u64> {
    let number = match value? {
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        other => other.as_f64()?,
    };
    number
        .is_finite()
        .then(|| std::time::Duration::try_from_secs_f64(number.max(0.0)).map_or(u64::MAX, |d| d.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn seconds_come_in_many_spellings() {
        for (value, expect) in [
            (json!(3599), Some(3599)),
            (json!("3600"), Some(3600)),
            (json!(" 12 "), Some(12)),
            (json!(1.5), Some(1)),
            (json!(-3), Some(0)),
            (json!(1e300), Some(u64::MAX)),
            (json!("soon"), None),
            (json!(null), None),
        ] {
            assert_eq!(seconds(Some(&value)), expect, "for {value}");
        }
        assert_eq!(seconds(None), None);
    }

    #[test]
    fn forms_are_encoded() {
        assert_eq!(encode("sb-a!b1|c!d2 &=ä"), "sb-a%21b1%7Cc%21d2%20%26%3D%C3%A4");
    }
}
