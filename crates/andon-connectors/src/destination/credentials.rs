//! What goes out with a request to prove who sends it.
//!
//! **Life of credentials.** They are resolved when a connection is made: secrets are read, a token is asked for.
//! They go out with every request of that connection, after everything else so that nothing replaces them, and
//! are kept out of all texts by the redactor that comes with them.

use andon_journal::Secrets;
use andon_model::{Code, Problem, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};

use super::client::Pem;
use super::draft::{Draft, line};
use super::oauth;
use super::redact::Redactor;
use super::spec::{Auth, CertificateSpec};
use super::wire::Wire;

/// The credentials of a destination, and what must be kept out of texts.
#[derive(Clone, Default)]
pub(super) struct Credentials {
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) identity: Option<Pem>,
    pub(super) redactor: Redactor,
}

impl Credentials {
    /// Fetches what is secret and puts it into its form.
    pub(super) async fn resolve(
        auth: &Auth,
        secrets: &dyn Secrets,
        wire: Wire<'_>,
        draft: &mut Draft,
    ) -> Result<Self, Problem> {
        if let Auth::Oauth(spec) = auth {
            let token = oauth::obtain(spec, secrets, wire, draft.now).await;
            let now = draft.now;
            let token = draft.stage("token", token, |token| token.describe(now))?;
            return Ok(Self { headers: vec![token.header(AUTHORIZATION, draft)?], ..Self::default() });
        }
        let found = Self::fixed(auth, secrets, &mut draft.redactor).await;
        if let Err(problem) = &found {
            draft.lines.push(line("credentials", Err(problem.to_string())));
        }
        found
    }

    /// Those that no other service gives.
    async fn fixed(auth: &Auth, secrets: &dyn Secrets, redactor: &mut Redactor) -> Result<Self, Problem> {
        let mut found = Self::default();
        match auth {
            Auth::None | Auth::Oauth(_) => {}
            Auth::Basic { user, password } => {
                let (user, password) = (user.resolve(secrets).await?, password.resolve(secrets).await?);
                found.headers.push(basic(AUTHORIZATION, &user, &password, redactor)?);
            }
            Auth::ApiKey { header, value } => {
                let key = value.resolve(secrets).await?;
                redactor.hide(key.expose());
                let unsendable = |_| value.missing("it holds characters that no header can carry, such as a line end");
                found.headers.push((header.clone(), sensitive(key.expose()).map_err(unsendable)?));
            }
            Auth::QueryKey { parameter, value } => {
                let key = value.resolve(secrets).await?;
                redactor.hide(key.expose());
                found.query.push((parameter.clone(), key.expose().to_owned()));
            }
            Auth::Certificate(spec) => found.identity = Some(identity(spec, secrets).await?),
        }
        Ok(found)
    }

    /// Puts them onto a request; a query parameter only where the request does not bring it already.
    pub(super) fn put(&self, request: &mut reqwest::Request) {
        for (name, value) in &self.headers {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        let known: Vec<String> = request.url().query_pairs().map(|(name, _)| name.into_owned()).collect();
        let missing: Vec<_> = self.query.iter().filter(|(name, _)| !known.contains(name)).collect();
        if !missing.is_empty() {
            request.url_mut().query_pairs_mut().extend_pairs(missing);
        }
    }

    /// Whether a request would look the same with these, so that sending it again is pointless.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.headers == other.headers && self.query == other.query && self.identity == other.identity
    }
}

/// A header of basic authentication, its parts kept out of texts.
pub(super) fn basic(
    name: HeaderName,
    user: &str,
    password: &Secret,
    redactor: &mut Redactor,
) -> Result<(HeaderName, HeaderValue), Problem> {
    let encoded = STANDARD.encode(format!("{user}:{}", password.expose()));
    redactor.hide(password.expose());
    redactor.hide(&encoded);
    Ok((name, sensitive(&format!("Basic {encoded}"))?))
}

/// A header's value that is never logged.
pub(super) fn sensitive(text: &str) -> Result<HeaderValue, Problem> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Problem::new(Code::MissingSecret, "the secret holds characters that no header can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Certificate and key as one text.
pub(super) async fn identity(spec: &CertificateSpec, secrets: &dyn Secrets) -> Result<Pem, Problem> {
    let certificate = spec.certificate.resolve(secrets).await?;
    let key = spec.key.resolve(secrets).await?;
    let pem = Pem(Secret::new(format!("{}\n{}\n", certificate.expose(), key.expose())));
    let usable = reqwest::Identity::from_pem(pem.0.expose().as_bytes());
    usable.map_err(|_| spec.key.missing("certificate and key must be PEM, the key not encrypted"))?;
    Ok(pem)
}
