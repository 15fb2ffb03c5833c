//! Destinations: `destinations/<name>.toml` as targets of requests.
//!
//! **Constraints.** Certificates are always verified, redirects never followed. Credentials are fetched
//! when they are needed, and never appear in an answer, a problem or a log (invariant K1). A request
//! whose fate is unknown is never repeated here: it is answered as lost (invariant A2).
//!
//! **Life of a request.** A connection with its credentials is taken or made ([`reach`]); the request's body is
//! loaded ([`payload`]), a budget is asked ([`budget`]); a token with its cookies is taken from the session or fetched ([`token`]), where asked for
//! also the entity's version ([`version`]); the request is sent once ([`send`]), and once more only after
//! "token required" or "another version"; the answer is classified as done, busy, refused or lost
//! ([`classify`]). What was lost is searched for later ([`search`]).

mod address;
mod allowance;
mod budget;
mod changeset;
mod classify;
mod client;
mod connection;
mod credentials;
mod draft;
pub(crate) mod exchange;
mod file;
mod kept;
mod metadata;
mod oauth;
mod payload;
mod provider;
mod reach;
mod redact;
mod search;
mod send;
mod service_key;
mod spec;
mod token;
mod trial;
mod version;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use andon_act::{Answer, DestinationLimits, Found, ProbeQuery, Request, Target, TestLine};
use andon_journal::{Attachments, Secrets};
use andon_model::{Clock, Code, Name, Problem};
use async_trait::async_trait;

use connection::Services;
use reach::Reach;
pub use spec::{
    Address, Auth, CertificateSpec, ClientProof, DestinationSpec, OauthSpec, OdataSpec, OnPremiseSpec, PasswordGrant,
    ProviderSpec, ProxySpec, Trust,
};

/// All destinations of the configuration in force.
pub struct Destinations {
    known: RwLock<HashMap<Name, Arc<Reach>>>,
    services: Services,
}

impl Destinations {
    /// No destinations yet; see [`Self::replace`].
    pub fn new(secrets: Arc<dyn Secrets>, attachments: Arc<dyn Attachments>, clock: Arc<dyn Clock>) -> Self {
        let services = Services { secrets, attachments, clock, budgets: Arc::default() };
        Self { known: RwLock::default(), services }
    }

    /// Puts a set of destinations in force in place of the one before. A destination that has not changed
    /// keeps its connections and sessions.
    pub fn replace(&self, specs: impl IntoIterator<Item = DestinationSpec>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *known);
        for spec in specs {
            let kept = before.get(&spec.name).filter(|reach| reach.spec == spec).cloned();
            let name = spec.name.clone();
            let fresh = || Arc::new(Reach::new(spec, self.services.clone()));
            known.insert(name, kept.unwrap_or_else(fresh));
        }
    }

    fn find(&self, name: &Name) -> Result<Arc<Reach>, Problem> {
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
            Ok(reach) => reach.send(request).await,
            Err(problem) => connection::refused(problem),
        }
    }

    async fn probe(&self, destination: &Name, query: &ProbeQuery) -> Found {
        match self.find(destination) {
            Ok(reach) => reach.probe(query).await,
            Err(problem) => Found::Unknown(problem),
        }
    }

    async fn test(&self, destination: &Name) -> Vec<TestLine> {
        match self.find(destination) {
            Ok(reach) => reach.trial().await,
            Err(problem) => vec![TestLine { what: "address".into(), ok: false, detail: problem.to_string() }],
        }
    }

    async fn metadata(&self, destination: &Name, service: &str) -> Result<String, Problem> {
        self.find(destination)?.metadata(service).await
    }

    fn limits(&self, destination: &Name) -> Option<DestinationLimits> {
        self.find(destination).ok().map(|reach| reach.spec.limits)
    }
}
