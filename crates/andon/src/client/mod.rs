//! The server's API as client commands use it.
//!
//! The token comes from `ANDON_TOKEN` or from `<data>/admin.token`; it is never an argument, so that it stands in no
//! process list and no shell history.

mod answer;
mod documents;
mod lines;

use std::path::Path;

use andon_model::{Code, Secret};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::Settings;
use crate::output::Failure;
pub(crate) use documents::{
    ApplyAnswer, CheckAnswer, ConfigurationAnswer, DeliveredAnswer, Difference, TokenAnswer, change_json,
};

/// Environment variable that carries the token.
const TOKEN_VARIABLE: &str = "ANDON_TOKEN";
/// File in the data folder that carries the token which `serve` made on its first start.
pub(crate) const TOKEN_FILE: &str = "admin.token";

/// A connection to one server; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<Secret>,
}

impl Client {
    /// The server that the settings name, with the token that belongs to it.
    pub(crate) fn from_settings(settings: &Settings) -> anyhow::Result<Self> {
        let token = match std::env::var(TOKEN_VARIABLE) {
            Ok(token) if !token.is_empty() => Some(Secret::new(token)),
            _ => token_of_folder(&settings.data.folder)?,
        };
        Self::new(&settings.client.url, token, settings.client.timeout)
    }

    /// The server at `url`.
    pub(crate) fn new(url: &str, token: Option<Secret>, timeout: std::time::Duration) -> anyhow::Result<Self> {
        check_address(url)?;
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("andon/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, base: url.trim_end_matches('/').to_owned(), token })
    }

    /// Address of the server.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The token to show, if there is one.
    pub(crate) fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// Whether there is a token to show.
    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Reads `path`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(Method::GET, path, |request| request).await
    }

    /// Reads a page of `path`; options without a value are left out.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
    ) -> anyhow::Result<T> {
        let given: Vec<(&str, &String)> = query.iter().filter_map(|(k, v)| Some((*k, v.as_ref()?))).collect();
        self.ask(Method::GET, path, |request| request.query(&given)).await
    }

    /// Reads bytes.
    pub(crate) async fn bytes(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let answer = self.send(Method::GET, path, |request| request).await?;
        Ok(answer.body)
    }

    /// Asks for something to be done, without a body.
    pub(crate) async fn act<T: DeserializeOwned>(&self, method: Method, path: &str) -> anyhow::Result<T> {
        self.ask(method, path, |request| request).await
    }

    /// Asks for something to be done.
    pub(crate) async fn submit<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.ask(method, path, |request| request.json(body)).await
    }

    /// Delivers bytes as they are.
    pub(crate) async fn deliver<T: DeserializeOwned>(
        &self,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<T> {
        self.ask(Method::POST, path, |request| request.header(CONTENT_TYPE, content_type).body(body)).await
    }

    /// Opens an answer that is read piece by piece, or never ends.
    pub(crate) async fn open(
        &self,
        method: Method,
        path: &str,
        build: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<Response> {
        let place = format!("{method} {}{path}", self.base);
        answer::accepted(self.request(method, path, build, &place).await?, &place).await
    }

    /// Headers of a path that needs no token, for `doctor`.
    pub(crate) async fn headers(&self, path: &str) -> anyhow::Result<HeaderMap> {
        Ok(self.send(Method::GET, path, |request| request).await?.headers)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        build: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<T> {
        let place = format!("{method} {}{path}", self.base);
        self.send(method, path, build).await?.read(&place)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        build: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<answer::Answer> {
        let place = format!("{method} {}{path}", self.base);
        answer::Answer::receive(self.request(method, path, build, &place).await?, &place).await
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        build: impl FnOnce(RequestBuilder) -> RequestBuilder,
        place: &str,
    ) -> anyhow::Result<Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        Ok(build(request).send().await.map_err(|error| unreachable_server(&error, place))?)
    }
}

/// Refuses early what can be the address of no server.
fn check_address(url: &str) -> Result<(), Failure> {
    let is_server = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if is_server {
        return Ok(());
    }
    let failure = Failure::new(Code::Setting, format!("{url:?} is not the address of a server"));
    Err(failure.at("--url, ANDON_URL or [client] url").remedy("write it as in http://127.0.0.1:8480"))
}

/// A part of a path, with everything escaped that a path gives a meaning to.
pub(crate) fn segment(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn token_of_folder(folder: &Path) -> anyhow::Result<Option<Secret>> {
    let file = folder.join(TOKEN_FILE);
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(Some(Secret::new(text.trim()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(Code::LocalFile, error.to_string()).at(file.display().to_string()).into()),
    }
}

fn unreachable_server(error: &reqwest::Error, place: &str) -> Failure {
    if error.is_timeout() && !error.is_connect() {
        let remedy = "it may be busy, as with a large query: `andon status`; `timeout` in [client] lets this command wait longer";
        return Failure::new(Code::ServerUnreachable, "no answer came in time").at(place).remedy(remedy);
    }
    Failure::new(Code::ServerUnreachable, innermost(error)).at(place)
}

/// The answer broke off: whether everything was done is not known.
fn lost_connection(error: &reqwest::Error, place: &str) -> Failure {
    let detail = format!("the connection was lost while the answer came: {}", innermost(error));
    let remedy = "look whether the server runs (`andon status`), then repeat the command";
    Failure::new(Code::ServerUnreachable, detail).at(place).remedy(remedy)
}

fn innermost(error: &reqwest::Error) -> String {
    let mut story = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        story = inner.to_string();
        cause = inner.source();
    }
    story
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_escaped() {
        assert_eq!(segment("a/b ?ä"), "a%2Fb%20%3F%C3%A4");
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_is_no_fault_of_ours() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = Client::new(&url, None, std::time::Duration::from_secs(5)).unwrap();
        let killed = async {
            let (mut peer, _) = listener.accept().await.unwrap();
            assert!(peer.read(&mut [0; 1_024]).await.unwrap() > 0);
            peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{").await.unwrap();
        };
        let (answer, ()) = tokio::join!(client.get::<serde_json::Value>("/healthz"), killed);
        let failure = Failure::of(&answer.expect_err("it is not whole"));
        assert_eq!(failure.problem.code, Code::ServerUnreachable);
        assert!(failure.remedy.is_some_and(|remedy| remedy.contains("repeat the command")), "{failure}");
    }

    #[tokio::test]
    async fn a_silent_address_is_named() {
        let client = Client::new("http://127.0.0.1:9/", None, std::time::Duration::from_secs(5)).unwrap();
        let error = client.get::<serde_json::Value>("/healthz").await.expect_err("nobody listens");
        let failure = Failure::of(&error);
        assert_eq!(failure.problem.code, Code::ServerUnreachable);
        assert_eq!(failure.problem.place.as_deref(), Some("GET http://127.0.0.1:9/healthz"));
    }
}
