//! Service keys of SAP BTP: JSON that tells where a service is and how to get its token.
//!
//! Read are `clientid`, `clientsecret`, `url` (token host), `uri` (API host), `certurl` with `certificate` and
//! `key` (the client proves itself by a certificate), and of the connectivity service `onpremise_proxy_host`,
//! `onpremise_proxy_http_port`, `token_service_url`. Members may stand below `credentials`, as in a binding.

use andon_journal::Secrets;
use andon_model::{Problem, Secret, Timestamp};
use reqwest::Url;
use serde_json::Value;

use super::client::Pem;
use super::oauth::{Grant, Token};
use super::spec::{Rule, Trust};
use super::wire::Wire;
use crate::credential::Credential;

/// A service key, and where it came from for problems.
pub(super) struct ServiceKey<'a> {
    from: &'a Credential,
    members: Value,
    rule: Rule,
}

impl<'a> ServiceKey<'a> {
    /// Fetches and reads a key.
    pub(super) async fn read(from: &'a Credential, secrets: &dyn Secrets, rule: Rule) -> Result<Self, Problem> {
        let text = from.resolve(secrets).await?;
        let mut members: Value = serde_json::from_str(text.expose()).unwrap_or_default();
        if let Some(inner) = members.get_mut("credentials") {
            members = inner.take();
        }
        if !members.is_object() {
            return Err(from.missing("it is not a service key in JSON"));
        }
        Ok(Self { from, members, rule })
    }

    fn optional(&self, name: &str) -> Option<String> {
        match self.members.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    fn text(&self, name: &str) -> Result<String, Problem> {
        self.optional(name).ok_or_else(|| self.from.missing(&format!("the service key has no {name}")))
    }

    fn url(&self, name: &str) -> Result<Url, Problem> {
        let text = self.text(name)?;
        self.rule.parse(&text).map_err(|why| self.from.missing(&format!("{name} of the service key: {why}")))
    }

    /// Address of the service itself.
    pub(super) fn uri(&self) -> Result<Url, Problem> {
        self.url("uri")
    }

    /// The proxy to the Cloud Connectors, which speaks plain HTTP within SAP BTP.
    pub(super) fn proxy(&self) -> Result<Url, Problem> {
        let port = self.optional("onpremise_proxy_http_port").or_else(|| self.optional("onpremise_proxy_port"));
        let missing = |what: &str| self.from.missing(&format!("the service key has no {what}"));
        let port = port.ok_or_else(|| missing("onpremise_proxy_http_port"))?;
        let address = format!("http://{}:{port}", self.text("onpremise_proxy_host")?);
        address.parse().map_err(|_| missing("usable onpremise_proxy_host"))
    }

    /// Asks for a token of the service.
    pub(super) async fn token(&self, wire: Wire<'_>, now: Timestamp) -> Result<Token, Problem> {
        let (certificate, key) = (self.optional("certificate"), self.optional("key"));
        let by_certificate = self.optional("certurl").is_some() && certificate.is_some() && key.is_some();
        let mut grant = Grant::new(self.token_url(by_certificate)?, &Trust::System, &self.text("clientid")?);
        match (certificate, key) {
            (Some(certificate), Some(key)) if by_certificate => {
                grant.identity = Some(Pem(Secret::new(format!("{certificate}\n{key}\n"))));
            }
            _ => grant.secret(&Secret::new(self.text("clientsecret")?)),
        }
        grant.ask(wire, now).await
    }

    fn token_url(&self, by_certificate: bool) -> Result<Url, Problem> {
        let names = if by_certificate { ["certurl", "certurl"] } else { ["token_service_url", "url"] };
        let name = if self.optional(names[0]).is_some() { names[0] } else { names[1] };
        let mut url = self.url(name)?;
        if !url.path().ends_with("/oauth/token") {
            url.set_path(&format!("{}/oauth/token", url.path().trim_end_matches('/')));
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::SecretPlace;
    use andon_testkit::memory_journal::MemoryJournal;

    async fn check(text: &str, look: fn(&ServiceKey<'_>) -> Result<Url, Problem>, expect: &str) {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), text).expect("written");
        let from = Credential { place: SecretPlace::File(file.path().into()), key: None };
        let found = match ServiceKey::read(&from, &MemoryJournal::new(), Rule::Private).await {
            Ok(key) => look(&key).map_or_else(|problem| problem.detail, |url| url.to_string()),
            Err(problem) => problem.detail,
        };
        assert!(found.ends_with(expect), "for {text}: {found}");
    }

    #[tokio::test]
    async fn keys_and_bindings_are_read() {
        let uri: fn(&ServiceKey<'_>) -> Result<Url, Problem> = |key| key.uri();
        check(r#"{"uri":"https://d.example.com/"}"#, uri, "https://d.example.com/").await;
        check(r#"{"credentials":{"uri":"https://d.example.com"}}"#, uri, "https://d.example.com/").await;
        check(r#"{"uri":"http://d.example.com"}"#, uri, "accept that others can read along").await;
        check("{}", uri, "the service key has no uri").await;
        check("geheim", uri, "it is not a service key in JSON").await;
        let token: fn(&ServiceKey<'_>) -> Result<Url, Problem> = |key| key.token_url(false);
        check(r#"{"url":"https://t.example.com"}"#, token, "https://t.example.com/oauth/token").await;
        let both = r#"{"url":"https://u.example.com","token_service_url":"https://t.example.com/oauth/token"}"#;
        check(both, token, "https://t.example.com/oauth/token").await;
        let proxy: fn(&ServiceKey<'_>) -> Result<Url, Problem> = |key| key.proxy();
        check(r#"{"onpremise_proxy_host":"p","onpremise_proxy_http_port":"20003"}"#, proxy, "http://p:20003/").await;
        check(r#"{"onpremise_proxy_host":"p","onpremise_proxy_port":20003}"#, proxy, "http://p:20003/").await;
        check(r#"{"onpremise_proxy_host":"p"}"#, proxy, "no onpremise_proxy_http_port").await;
    }
}
