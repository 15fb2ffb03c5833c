//! How a destination is reached: its connection is made when it is needed, and made anew when its credentials
//! are due or refused.
//!
//! **Constraints.** One at a time makes a connection; the others wait for it. A request goes out again only after
//! 401 or 407, which say that it was not processed, only once, and only when the credentials have changed: a
//! password that is wrong is not tried twice, since SAP locks users who do that.
//!
//! **Life of a connection.** A provider is asked where the destination is ([`super::provider`]), or the document
//! says so; credentials are resolved ([`super::credentials`]); the way through a proxy or a Cloud Connector is
//! found; the client is kept as long as it stays the same. All of it is good for the shortest life of its parts.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use andon_act::{Answer, Found, ProbeQuery, Request, StepKind, TestLine};
use andon_journal::Secrets;
use andon_model::{Code, Problem};
use reqwest::Url;
use reqwest::header::{HeaderName, PROXY_AUTHORIZATION};
use tokio::time::Instant;

use super::client::{self, Clients, Hop, Parts};
use super::connection::{Connection, Services, not_sent};
use super::credentials::{Credentials, basic, sensitive};
use super::draft::{Draft, line};
use super::kept::{Kept, Life};
use super::oauth::Token;
use super::provider::Way;
use super::service_key::ServiceKey;
use super::spec::{Address, DestinationSpec, OnPremiseSpec, ProxySpec, Rule};
use super::wire::Wire;
use crate::odata::session::Sessions;

/// Which Cloud Connector is meant.
const LOCATION: HeaderName = HeaderName::from_static("sap-connectivity-scc-location_id");

/// One destination: what is configured, and what is kept of it while it is in force.
pub(super) struct Reach {
    pub(super) spec: DestinationSpec,
    services: Services,
    connection: Kept<Connection>,
    sessions: Arc<Sessions>,
    clients: Clients,
    /// Token of the destination service.
    pub(super) service_token: Kept<Token>,
    /// Token of the connectivity service.
    proxy_token: Kept<Token>,
}

/// Where a destination is and by what it is entered.
struct Target {
    base: Url,
    spec: DestinationSpec,
    credentials: Credentials,
    on_premise: Option<OnPremiseSpec>,
}

impl Reach {
    pub(super) fn new(spec: DestinationSpec, services: Services) -> Self {
        Self {
            spec,
            services,
            connection: Kept::default(),
            sessions: Arc::default(),
            clients: Clients::default(),
            service_token: Kept::default(),
            proxy_token: Kept::default(),
        }
    }

    /// Sends a request, a second time only after refused credentials, with others.
    pub(super) async fn send(&self, request: &Request) -> Answer {
        let begun = Instant::now();
        let connection = match self.in_time(request.timeout(), self.connect(None)).await {
            Ok(connection) => connection,
            Err(problem) => return not_sent(self.placed(problem)),
        };
        let answer = connection.send(&impatient(request, begun)).await;
        if !is_refused(&answer) {
            return answer;
        }
        match self.renewed(&connection, &answer, impatient(request, begun).timeout()).await {
            Ok(Some(fresh)) => fresh.send(&impatient(request, begun)).await,
            Ok(None) => answer,
            // What was refused was not processed: when a token cannot be had just now, the request waits for one.
            Err(problem) => not_sent(self.placed(problem)),
        }
    }

    /// Searches for the document of a lost request; a second time after refused credentials, since it changes
    /// nothing.
    pub(super) async fn probe(&self, query: &ProbeQuery) -> Found {
        let limit = Duration::from_millis(query.timeout_ms);
        let connection = match self.in_time(limit, self.connect(None)).await {
            Ok(connection) => connection,
            Err(problem) => return Found::Unknown(self.placed(problem)),
        };
        let found = connection.probe(query).await;
        let Found::Unknown(problem) = &found else { return found };
        if problem.code != Code::DestinationCredentials {
            return found;
        }
        let refused = Answer::Refused { problem: problem.clone(), status: 401 };
        match self.renewed(&connection, &refused, limit).await {
            Ok(Some(fresh)) => fresh.probe(query).await,
            Ok(None) => found,
            Err(problem) => Found::Unknown(self.placed(problem)),
        }
    }

    /// The `$metadata` of a service.
    pub(super) async fn metadata(&self, service: &str) -> Result<String, Problem> {
        self.connect(None).await?.metadata(service).await
    }

    /// Tries everything that can be tried without changing anything; stops where nothing more can work. Nothing
    /// that is kept is used, so that what is tested is what is configured now.
    pub(super) async fn trial(&self) -> Vec<TestLine> {
        let mut draft = Draft::new(self.services.clock.now());
        if let Address::Fixed(url) = &self.spec.address {
            draft.lines.push(line("address", Ok(url.to_string())));
        }
        self.service_token.forget().await;
        self.proxy_token.forget().await;
        let made = Box::pin(self.make(&mut draft)).await;
        let mut lines = draft.lines;
        match made {
            Ok(connection) => lines.extend(connection.trial().await),
            Err(problem) if lines.iter().all(|line| line.ok) => {
                lines.push(line("connection", Err(problem.to_string())));
            }
            Err(_) => {}
        }
        lines
    }

    pub(super) fn secrets(&self) -> &dyn Secrets {
        self.services.secrets.as_ref()
    }

    /// The problem with the destination's name as its place, when it has none of its own.
    fn placed(&self, problem: Problem) -> Problem {
        if problem.place.is_some() { problem } else { problem.at(self.spec.name.to_string()) }
    }

    async fn in_time<T>(
        &self,
        limit: Duration,
        making: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let late = || Problem::new(Code::Unreachable, format!("no credentials within {} s", limit.as_secs_f32()));
        tokio::time::timeout(limit, making).await.unwrap_or_else(|_| Err(late()))
    }

    /// The connection that is kept, or a new one when there is none, it is due, or it is `stale`.
    async fn connect(&self, stale: Option<&Arc<Connection>>) -> Result<Arc<Connection>, Problem> {
        let now = self.services.clock.now();
        // On the heap: it is rarely needed and far larger than what sends a request.
        let making = Box::pin(async move {
            let mut draft = Draft::new(now);
            let connection = self.make(&mut draft).await?;
            Ok((connection, draft.life))
        });
        self.connection.get(now, stale, making).await
    }

    /// A connection with other credentials than the refused one; none when there are no others. The error: they
    /// cannot be had.
    async fn renewed(
        &self,
        stale: &Arc<Connection>,
        answer: &Answer,
        limit: Duration,
    ) -> Result<Option<Arc<Connection>>, Problem> {
        if matches!(answer, Answer::Refused { status: 407, .. }) {
            self.proxy_token.forget().await;
        }
        let fresh = self.in_time(limit, self.connect(Some(stale))).await?;
        Ok((!fresh.credentials.same(&stale.credentials)).then_some(fresh))
    }

    async fn make(&self, draft: &mut Draft) -> Result<Connection, Problem> {
        let proxy = match &self.spec.proxy {
            Some(spec) => Some(self.proxy(spec, draft).await?),
            None => None,
        };
        let wire = Wire { spec: &self.spec, proxy: proxy.as_ref() };
        let Target { base, spec, mut credentials, on_premise } = self.target(wire, draft).await?;
        let proxy = match &on_premise {
            Some(on_premise) => Some(self.connector(on_premise, wire, &mut credentials, draft).await?),
            None => proxy,
        };
        let client = self.clients.get(Parts {
            tls: base.scheme() == "https",
            authorities: client::authorities(&spec.trust).await?,
            identity: credentials.identity.clone(),
            proxy,
            connect_timeout: spec.connect_timeout,
            max_idle: spec.limits.max_concurrency,
        })?;
        credentials.redactor = draft.redactor.clone();
        let sessions = Arc::clone(&self.sessions);
        Ok(Connection { spec, base, client, credentials, sessions, services: self.services.clone() })
    }

    async fn target(&self, wire: Wire<'_>, draft: &mut Draft) -> Result<Target, Problem> {
        let mut spec = self.spec.clone();
        match &self.spec.address {
            Address::Fixed(url) => {
                let credentials = Credentials::resolve(&spec.auth, self.secrets(), wire, draft).await?;
                let on_premise = spec.on_premise.clone();
                Ok(Target { base: url.clone(), spec, credentials, on_premise })
            }
            Address::Provided(provider) => {
                let found = self.look_up(provider, wire, draft).await?;
                draft.lines.push(line("address", Ok(found.base.to_string())));
                let own = |name: &str| spec.query.iter().chain(&spec.odata.query).any(|(known, _)| known == name);
                let query: Vec<_> = found.query.into_iter().filter(|(name, _)| !own(name)).collect();
                spec.query.extend(query);
                spec.headers.splice(0..0, found.headers);
                let on_premise = match (found.way, &provider.connectivity_key) {
                    (Way::Internet, _) => None,
                    (Way::OnPremise(location_id), Some(key)) => {
                        Some(OnPremiseSpec { service_key: key.clone(), location_id })
                    }
                    (Way::OnPremise(_), None) => return Err(Problem::new(Code::ProvidedDestination, NO_CONNECTIVITY)),
                };
                Ok(Target { base: found.base, spec, credentials: found.credentials, on_premise })
            }
        }
    }

    async fn proxy(&self, spec: &ProxySpec, draft: &mut Draft) -> Result<Hop, Problem> {
        let Some((user, password)) = &spec.user else {
            return Ok(Hop { url: spec.url.clone(), authorization: None });
        };
        let (user, password) = (user.resolve(self.secrets()).await?, password.resolve(self.secrets()).await?);
        let (_, value) = basic(PROXY_AUTHORIZATION, &user, &password, &mut draft.redactor)?;
        Ok(Hop { url: spec.url.clone(), authorization: Some(value) })
    }

    /// The way through a Cloud Connector: a proxy that wants a token with every request.
    async fn connector(
        &self,
        spec: &OnPremiseSpec,
        wire: Wire<'_>,
        credentials: &mut Credentials,
        draft: &mut Draft,
    ) -> Result<Hop, Problem> {
        let now = draft.now;
        let issued = async {
            let key = ServiceKey::read(&spec.service_key, self.secrets(), Rule::of(self.spec.allow_http)).await?;
            let issue = async { key.token(wire, now).await.map(with_life) };
            let token = self.proxy_token.get(now, None, issue).await?;
            Ok((token, key.proxy()?))
        };
        let issued = issued.await;
        let detail = |(token, url): &(Arc<Token>, Url)| format!("{url}, token {}", token.describe(now));
        let (token, url) = draft.stage("connectivity", issued, detail)?;
        credentials.headers.push(token.header(PROXY_AUTHORIZATION, draft)?);
        if let Some(id) = &spec.location_id {
            credentials.headers.push((LOCATION, sensitive(id)?));
        }
        Ok(Hop { url, authorization: None })
    }
}

fn with_life(token: Token) -> (Token, Life) {
    let life = token.life;
    (token, life)
}

const NO_CONNECTIVITY: &str = "its ProxyType is OnPremise: say connectivity_key in [provider]";

/// Credentials were refused by the destination (401) or by the proxy before it (407): nothing was processed.
fn is_refused(answer: &Answer) -> bool {
    matches!(answer, Answer::Refused { status: 401 | 407, .. })
}

/// A summary that is asked for with no more than the time that is left; others get their own time.
fn impatient(request: &Request, begun: Instant) -> Cow<'_, Request> {
    if request.kind != StepKind::Summary {
        return Cow::Borrowed(request);
    }
    let left = request.timeout().saturating_sub(begun.elapsed());
    let timeout_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1);
    Cow::Owned(Request { timeout_ms, ..request.clone() })
}
