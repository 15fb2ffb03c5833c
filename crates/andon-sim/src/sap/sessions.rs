//! CSRF tokens and the sessions they belong to.
//!
//! A token is only good together with the cookies of the answer that carried it. Sessions end when unused
//! for their lifetime, when a fault ends them, or when too many newer ones exist.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use andon_model::{IdSource, Timestamp};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::reply;
use crate::lock::hold;

/// The header that carries the token both ways.
pub(crate) const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

/// Most sessions at a time; the longest unused one gives way.
const MAX_SESSIONS: usize = 4_096;

struct Session {
    token: String,
    used: Timestamp,
}

/// The open sessions.
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Session>>,
    lifetime: Duration,
    client: String,
    cookie: String,
}

impl Sessions {
    pub(crate) fn new(client: &str, lifetime: Duration) -> Self {
        let cookie = format!("SAP_SESSIONID_SIM_{client}");
        Self { open: Mutex::new(HashMap::new()), lifetime, client: client.to_owned(), cookie }
    }

    /// Whether a read asks for a token.
    pub(crate) fn is_fetch(headers: &HeaderMap) -> bool {
        headers.get(CSRF_TOKEN).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"fetch"))
    }

    /// Puts a token into an answer: that of the caller's session, or of a new one with its cookies.
    pub(crate) fn hand_out(&self, headers: &HeaderMap, now: Timestamp, ids: &dyn IdSource, response: &mut Response) {
        if let Some(token) = self.existing(headers, now) {
            return reply::put(response, CSRF_TOKEN, &token);
        }
        let (id, token) = (session_id(ids), STANDARD.encode(ids.next_id().to_be_bytes()));
        reply::put(response, CSRF_TOKEN, &token);
        let context = format!("sap-usercontext=sap-client={}; path=/", self.client);
        let session = format!("{}={id}; path=/; HttpOnly", self.cookie);
        for cookie in [context, session] {
            if let Ok(value) = HeaderValue::from_str(&cookie) {
                response.headers_mut().append(SET_COOKIE, value);
            }
        }
        self.open(id, Session { token, used: now }, now);
    }

    /// Whether token and cookie of a request belong to one open session; keeps it open.
    pub(crate) fn check(&self, headers: &HeaderMap, now: Timestamp) -> bool {
        let Some(token) = headers.get(CSRF_TOKEN) else { return false };
        self.existing(headers, now).is_some_and(|expected| expected.as_bytes() == token.as_bytes())
    }

    /// Ends the session of a request.
    pub(crate) fn end(&self, headers: &HeaderMap) {
        if let Some(id) = self.id_of(headers) {
            hold(&self.open).remove(id);
        }
    }

    /// Ends all sessions.
    pub(crate) fn end_all(&self) {
        hold(&self.open).clear();
    }

    fn existing(&self, headers: &HeaderMap, now: Timestamp) -> Option<String> {
        let id = self.id_of(headers)?;
        let mut open = hold(&self.open);
        let session = open.get_mut(id).filter(|session| now.since(session.used) <= self.lifetime)?;
        session.used = now;
        Some(session.token.clone())
    }

    fn open(&self, id: String, session: Session, now: Timestamp) {
        let mut open = hold(&self.open);
        if open.len() >= MAX_SESSIONS {
            open.retain(|_, session| now.since(session.used) <= self.lifetime);
        }
        if open.len() >= MAX_SESSIONS {
            let oldest = open.iter().min_by_key(|(_, session)| session.used).map(|(id, _)| id.clone());
            oldest.map(|id| open.remove(&id));
        }
        open.insert(id, session);
    }

    fn id_of<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
        let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        cookies.find(|(name, _)| *name == self.cookie).map(|(_, id)| id)
    }
}

/// An id in the form SAP gives it: base64 whose padding is percent-encoded, so that a client which decodes
/// cookies gets it wrong.
fn session_id(ids: &dyn IdSource) -> String {
    STANDARD.encode(ids.next_id().to_be_bytes()).replace('=', "%3d")
}
