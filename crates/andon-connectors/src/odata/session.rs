//! Anti-forgery tokens with the cookies that belong to them.
//!
//! A token is only accepted together with the cookies of the answer that brought it, so both are kept as
//! one [`Session`], per service. They are replaced when SAP answers 403 with `x-csrf-token: Required`.
//! However many requests find a token stale at once, one of them fetches the next.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::header::HeaderMap;
use tokio::sync::Mutex as AsyncMutex;

/// Most cookies that are kept of one answer.
const MAX_COOKIES: usize = 30;

/// Most services whose sessions are kept. A step that names no service fetches its token from its own path,
/// and such paths are without number when they are rendered from events.
const MAX_SERVICES: usize = 64;

/// A token and its cookies.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// Value of `x-csrf-token`.
    pub(crate) token: String,
    /// `name=value` of each cookie.
    pub(crate) cookies: Vec<String>,
}

impl Session {
    /// The session that an answer to `X-CSRF-Token: Fetch` brought.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let token = headers.get("x-csrf-token")?.to_str().ok()?;
        let usable = !token.is_empty() && !["required", "fetch"].contains(&token.to_ascii_lowercase().as_str());
        usable.then(|| Self { token: token.to_owned(), cookies: cookies(headers) })
    }

    /// Value of the header `cookie`; `None` without cookies.
    pub(crate) fn cookie_header(&self) -> Option<String> {
        (!self.cookies.is_empty()).then(|| self.cookies.join("; "))
    }
}

/// The cookies of an answer as `name=value`; a later one of the same name replaces an earlier one.
fn cookies(headers: &HeaderMap) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for header in headers.get_all("set-cookie") {
        let pair = header.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let Some((name, value)) = pair.split_once('=') else { continue };
        kept.retain(|known| known.split_once('=').is_none_or(|(known, _)| known != name));
        if !value.is_empty() && kept.len() < MAX_COOKIES {
            kept.push(pair.to_owned());
        }
    }
    kept
}

/// The place of one service's session; its lock is held while a token is fetched.
type Slot = Arc<AsyncMutex<Option<Session>>>;

/// The sessions of one destination, by service path; at most [`MAX_SERVICES`], those used last.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Each with the count of uses when it was used last.
    slots: HashMap<String, (Slot, u64)>,
    uses: u64,
}

impl Sessions {
    /// The session of a service; `fetch` is awaited when there is none, or only `stale`.
    pub(crate) async fn get<E>(
        &self,
        service: &str,
        stale: Option<&Session>,
        fetch: impl Future<Output = Result<Session, E>>,
    ) -> Result<Session, E> {
        let slot = self.lock().slot(service);
        let mut session = slot.lock().await;
        if let Some(known) = session.as_ref().filter(|known| Some(*known) != stale) {
            return Ok(known.clone());
        }
        *session = None;
        let fresh = fetch.await?;
        *session = Some(fresh.clone());
        Ok(fresh)
    }

    /// Forgets all sessions, as after refused credentials.
    pub(crate) fn clear(&self) {
        self.lock().slots.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The slot of a service. One that is forgotten while somebody fetches into it serves those who wait for it.
    fn slot(&mut self, service: &str) -> Slot {
        if self.slots.len() >= MAX_SERVICES && !self.slots.contains_key(service) {
            self.forget_oldest();
        }
        self.uses += 1;
        let (slot, used) = self.slots.entry(service.to_owned()).or_default();
        *used = self.uses;
        Arc::clone(slot)
    }

    fn forget_oldest(&mut self) {
        let oldest = self.slots.iter().min_by_key(|(_, (_, used))| *used).map(|(service, _)| service.clone());
        if let Some(oldest) = oldest {
            self.slots.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(token: &str, cookies: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-csrf-token", token.parse().expect("value"));
        for cookie in cookies {
            headers.append("set-cookie", cookie.parse().expect("value"));
        }
        headers
    }

    #[test]
    fn a_session_is_a_token_with_its_cookies() {
        let given = ["a=1; path=/; secure", "b=x%3d; HttpOnly", "a=2", "gone=; Max-Age=0", "odd"];
        let session = Session::from_headers(&headers("t==", &given)).expect("session");
        assert_eq!(session.cookie_header().as_deref(), Some("b=x%3d; a=2"));
        assert!(Session::from_headers(&headers("Required", &[])).is_none());
    }

    #[tokio::test]
    async fn one_fetch_serves_all_that_wait() {
        let sessions = Sessions::default();
        let fetched = std::sync::atomic::AtomicU32::new(0);
        let fetch = async || {
            tokio::task::yield_now().await;
            let n = fetched.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok::<_, ()>(Session { token: format!("t{n}"), cookies: Vec::new() })
        };
        let (a, b) = tokio::join!(sessions.get("s", None, fetch()), sessions.get("s", None, fetch()));
        let stale = a.expect("session");
        assert!(b.is_ok_and(|b| b == stale));
        let (a, b) = tokio::join!(sessions.get("s", Some(&stale), fetch()), sessions.get("s", Some(&stale), fetch()));
        assert!(a.is_ok() && a == b);
        assert_eq!(fetched.into_inner(), 2);
    }

    #[tokio::test]
    async fn the_services_used_last_are_kept() {
        let sessions = Sessions::default();
        let session = |token: &str| Session { token: token.to_owned(), cookies: Vec::new() };
        let take = async |service: &str, token: &str| {
            sessions.get(service, None, async { Ok::<_, ()>(session(token)) }).await.expect("a session").token
        };
        assert_eq!(take("/often", "first").await, "first");
        for n in 0..3 * MAX_SERVICES {
            assert_eq!(take(&format!("/equipment/{n}"), "fresh").await, "fresh");
            assert_eq!(take("/often", "second").await, "first");
        }
        assert_eq!(sessions.lock().slots.len(), MAX_SERVICES);
        assert_eq!(take("/equipment/0", "again").await, "again", "it was forgotten");
    }
}
