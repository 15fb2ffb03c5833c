//! Destinations: `destinations/<name>.toml` as targets of requests.
//!
//! **Constraints.** Certificates are always verified, redirects never followed. Credentials are fetched
//! when a request is sent, and never appear in an answer, a problem or a log (invariant K1). A request
//! whose fate is unknown is never repeated here: it is answered as lost (invariant A2).
//!
//! **Life of a request.** Credentials are fetched; a token with its cookies is taken from the session or
//! fetched; the request is sent once, and once more only after "token required"; the answer is
//! classified as done, busy, refused or lost.

mod address;
mod classify;
mod client;
mod connection;
mod exchange;
mod file;
mod metadata;
mod redact;
mod spec;
mod token;
mod trial;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use andon_act::{Answer, DestinationLimits, Found, ProbeQuery, Request, Target, TestLine};
use andon_journal::Secrets;
use andon_model::{Clock, Code, Name, Problem};
use async_trait::async_trait;

use connection::Connection;
pub use spec::{Auth, DestinationSpec, OdataSpec, Trust};

/// All destinations of the configuration in force.
pub struct Destinations {
    known: RwLock<HashMap<Name, Arc<Connection>>>,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
}

impl Destinations {
    /// No destinations yet; see [`Self::replace`].
    pub fn new(secrets: Arc<dyn Secrets>, clock: Arc<dyn Clock>) -> Self {
        Self { known: RwLock::default(), secrets, clock }
    }

    /// Puts a set of destinations in force in place of the one before. A destination that has not changed
    /// keeps its connections and sessions.
    pub fn replace(&self, specs: impl IntoIterator<Item = DestinationSpec>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *known);
        for spec in specs {
            let kept = before.get(&spec.name).filter(|connection| connection.spec == spec).cloned();
            let name = spec.name.clone();
            let fresh = || Arc::new(Connection::new(spec, Arc::clone(&self.secrets), Arc::clone(&self.clock)));
            known.insert(name, kept.unwrap_or_else(fresh));
        }
    }

    fn find(&self, name: &Name) -> Result<Arc<Connection>, Problem> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .get(name)
            .cloned()
            .ok_or_else(|| Problem::new(Code::ConfigurationReference, format!("there is no destination {name}")))
    }
}

#[async_trait]
impl Target for Destinations {
    async fn send(&self, destination: &Name, request: &Request) -> Answer {
        match self.find(destination) {
            Ok(connection) => connection.send(request).await,
            Err(problem) => connection::refused(problem),
        }
    }

    async fn probe(&self, destination: &Name, query: &ProbeQuery) -> Found {
        match self.find(destination) {
            Ok(connection) => connection.probe(query).await,
            Err(problem) => Found::Unknown(problem),
        }
    }

    async fn test(&self, destination: &Name) -> Vec<TestLine> {
        match self.find(destination) {
            Ok(connection) => connection.trial().await,
            Err(problem) => vec![TestLine { what: "address".into(), ok: false, detail: problem.to_string() }],
        }
    }

    async fn metadata(&self, destination: &Name, service: &str) -> Result<String, Problem> {
        self.find(destination)?.metadata(service).await
    }

    fn limits(&self, destination: &Name) -> Option<DestinationLimits> {
        self.find(destination).ok().map(|connection| connection.spec.limits)
    }
}

#[cfg(test)]
mod tests;
