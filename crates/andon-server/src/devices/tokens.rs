//! Tokens: the keys that sign them, the clients that ask for them, and what they allow.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use andon_devices::pki::{KeyKind, PkiError};
use andon_devices::registry::{
    Changes, Expected, KeyRecord, Kind, MAX_ENTRIES, Record, Versioned, Write, expecting, get, list, put,
};
use andon_devices::token::{
    Client, ClientId, Discovery, Endpoint, Expected as ExpectedToken, FamilyId, Grant, GrantKind, Jwks, RefreshFamily,
    RefreshTerms, Scopes, SecretHash, SigningKey, TokenError, TokenRejected, TokenRequest, TokenResponse,
    VerificationKey, answer, generate_secret, verify,
};
use andon_journal::Role;
use andon_model::{Code, Name, Problem, Secret, Timestamp};
use serde::Deserialize;

use super::{Office, Trouble};

/// Every scope that there is: the roles of API tokens, onboarding and managing devices, and claiming.
const SCOPES: &str = "andon/admin andon/claim andon/devices andon/intake andon/operator andon/viewer";

/// Age at which the keys are read again.
const MAX_AGE: Duration = Duration::from_secs(10);

/// How far clocks may differ.
const LEEWAY: Duration = Duration::from_secs(30);

/// The keys, as they were last read.
#[derive(Default)]
pub(super) struct SignerBook(RwLock<Option<Arc<Signers>>>);

struct Signers {
    read_at: Timestamp,
    signing: SigningKey,
    jwks: Jwks,
    keys: Vec<VerificationKey>,
}

/// What an access token is good for.
#[derive(Debug, Clone)]
pub(crate) struct Grants {
    /// The author of changes.
    pub(crate) name: Name,
    /// The client that the token was given to.
    pub(crate) client: Option<ClientId>,
    /// Roles as API tokens have them.
    pub(crate) roles: Vec<Role>,
    /// Whether it may onboard and manage devices.
    pub(crate) devices: bool,
    /// Whether it may make use of its client's claim.
    pub(crate) claim: bool,
}

/// The client that is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientWish {
    /// Its id; a random one when left out.
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: String,
    grants: BTreeSet<GrantKind>,
    scopes: Scopes,
    /// A public client has no secret and may only refresh.
    #[serde(default)]
    public: bool,
    #[serde(default)]
    access_seconds: Option<u32>,
    #[serde(default)]
    refresh: RefreshTerms,
}

fn all_scopes() -> Scopes {
    SCOPES.parse().unwrap_or_default()
}

impl Office {
    /// Answers the token endpoint. What exactly is wrong with a request goes to the log.
    pub(crate) async fn token(&self, request: &TokenRequest) -> Result<TokenResponse, TokenFault> {
        let signers = self.signers(false).await?;
        let client = match ClientId::new(&request.client_id) {
            Some(id) => get::<Client>(self.registry.as_ref(), id.as_str()).await.map_err(Problem::from)?,
            None => None,
        };
        let client = client.map(|client| client.value);
        let answered = unraced!(async { self.try_token(request, client.as_ref(), &signers.signing).await })?;
        answered.map_err(TokenFault::Refused)
    }

    async fn try_token(
        &self,
        request: &TokenRequest,
        client: Option<&Client>,
        key: &SigningKey,
    ) -> Result<Result<TokenResponse, TokenError>, Trouble> {
        let stored = self.family_of(request).await?;
        let scopes = all_scopes();
        let (ids, entropy) = (self.ids.as_ref(), self.entropy.as_ref());
        let endpoint = Endpoint { issuer: self.settings.issuer(), key, scopes: &scopes, ids, entropy };
        let family = stored.as_ref().map(|stored| stored.value.clone());
        let answered = answer(request, client, family, &endpoint, self.now());
        let changed = answered.family.filter(|family| stored.as_ref().is_none_or(|stored| stored.value != *family));
        if let Some(family) = changed {
            let write = put(&family, None, expecting(stored.as_ref()))?;
            self.registry.commit(Changes::default().and(write)).await?;
        }
        Ok(answered.response)
    }

    async fn family_of(&self, request: &TokenRequest) -> Result<Option<Versioned<RefreshFamily>>, Trouble> {
        let Grant::RefreshToken(token) = &request.grant else { return Ok(None) };
        let Some(id) = FamilyId::of_token(token) else { return Ok(None) };
        Ok(get(self.registry.as_ref(), id.as_str()).await?)
    }

    /// What an access token is good for, or why it is not believed.
    pub(crate) async fn verify(&self, token: &str) -> Result<Result<Grants, TokenRejected>, Problem> {
        let (issuer, audiences, clients) = (self.settings.issuer().to_owned(), Vec::new(), Vec::new());
        let expected = ExpectedToken { issuer, audiences, clients, leeway: LEEWAY };
        let mut verified = verify(token, &self.signers(false).await?.keys, &expected, self.now());
        if verified == Err(TokenRejected::UnknownKey) {
            // Another process may have made a key since.
            verified = verify(token, &self.signers(true).await?.keys, &expected, self.now());
        }
        Ok(verified.and_then(|verified| {
            let client = verified.client_id.as_deref().and_then(ClientId::new);
            Grants::of(&verified.subject, client, &verified.scopes).ok_or(TokenRejected::Malformed)
        }))
    }

    /// The keys that others verify our tokens with.
    pub(crate) async fn jwks(&self) -> Result<Jwks, Problem> {
        Ok(self.signers(false).await?.jwks.clone())
    }

    pub(crate) fn discovery(&self) -> Discovery {
        Discovery::of_issuer(self.settings.issuer(), &all_scopes())
    }

    /// The keys, read anew when they are old, or `anew` and not just read.
    async fn signers(&self, anew: bool) -> Result<Arc<Signers>, Problem> {
        let known = self.signers.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let enough = if anew { Duration::from_secs(1) } else { MAX_AGE };
        if let Some(known) = known.filter(|known| self.now().since(known.read_at) < enough) {
            return Ok(known);
        }
        let read = Arc::new(self.read_signers().await?);
        *self.signers.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&read));
        Ok(read)
    }

    async fn read_signers(&self) -> Result<Signers, Problem> {
        let read_at = self.now();
        let mut records: Vec<Versioned<KeyRecord>> = list(self.registry.as_ref(), "", MAX_ENTRIES).await?;
        if records.iter().all(|found| found.value.retired.is_some()) {
            self.make_signer().await?;
            records = list(self.registry.as_ref(), "", MAX_ENTRIES).await?;
        }
        records.sort_by_key(|found| (found.value.created, found.revision));
        let (mut jwks, mut signing) = (Jwks::default(), None);
        for record in records.into_iter().map(|found| found.value) {
            let key = SigningKey::from_pem(&self.signer_secret(&record).await?)?;
            jwks.keys.push(key.jwk().clone());
            if record.retired.is_none() {
                signing = Some(key);
            }
        }
        let signing = signing.ok_or_else(|| Problem::new(Code::Internal, "there is no key that signs tokens"))?;
        Ok(Signers { read_at, keys: jwks.verification_keys(), jwks, signing })
    }

    async fn signer_secret(&self, record: &KeyRecord) -> Result<Secret, Problem> {
        let secret = self.registry.secret(Kind::SigningKey, &record.kid).await?;
        secret.ok_or_else(|| Problem::new(Code::Internal, format!("the private half of key {} is gone", record.kid)))
    }

    async fn make_signer(&self) -> Result<(), Problem> {
        let private = self.generate(KeyKind::EcdsaP256).await?;
        let kid = SigningKey::new(&private)?.jwk().kid.clone();
        let record = KeyRecord { kid, created: self.now(), retired: None };
        let write = put(&record, Some(private.to_pem()), Expected::Absent)?;
        self.registry.commit(Changes::default().and(write)).await?;
        Ok(())
    }

    /// Makes a client; its secret is shown this once.
    pub(crate) async fn create_client(&self, wish: ClientWish) -> Result<(Client, Option<Secret>), Problem> {
        let id = match wish.id.as_deref() {
            None => ClientId::from_bits(self.ids.next_id()),
            Some(text) => ClientId::new(text).ok_or_else(|| {
                Problem::new(Code::BadRequest, "a client id is up to 128 printable characters without space and colon")
            })?,
        };
        if !wish.scopes.are_among(&all_scopes()) {
            return Err(Problem::new(Code::BadRequest, format!("the scopes are: {SCOPES}")).at("scopes"));
        }
        let mut client = Client { name: wish.name, refresh: wish.refresh, ..Client::new(id, wish.grants, wish.scopes) };
        client.access_seconds = wish.access_seconds.unwrap_or(client.access_seconds);
        let secret = if wish.public { None } else { Some(self.fresh_secret()?) };
        client.secret = secret.as_ref().map(|secret| SecretHash::of(secret.expose()));
        self.registry.commit(Changes::default().and(put(&client, None, Expected::Absent)?)).await?;
        Ok((client, secret))
    }

    fn fresh_secret(&self) -> Result<Secret, Problem> {
        Ok(generate_secret(self.entropy.as_ref()).map_err(PkiError::from)?)
    }

    /// A refresh token for a client, on behalf of `subject`; shown this once.
    pub(crate) async fn refresh_token(&self, client: &ClientId, subject: &str) -> Result<Secret, Problem> {
        let client = self.client(client).await?.value;
        let begun = RefreshFamily::begin(&client, subject, client.scopes.clone(), self.entropy.as_ref(), self.now());
        let (family, token) = begun.map_err(PkiError::from)?;
        self.registry.commit(Changes::default().and(put(&family, None, Expected::Absent)?)).await?;
        Ok(token)
    }

    pub(crate) async fn client(&self, id: &ClientId) -> Result<Versioned<Client>, Problem> {
        let found = get::<Client>(self.registry.as_ref(), id.as_str()).await?;
        found.ok_or_else(|| Problem::new(Code::NotFound, format!("the client {id} does not exist")))
    }

    /// Removes a client and its refresh tokens. Access tokens that it has live on for their rest.
    pub(crate) async fn delete_client(&self, id: &ClientId) -> Result<(), Problem> {
        self.client(id).await?;
        let remove = |kind, key: &str| Write::Remove { kind, key: key.to_owned(), expected: Expected::Anything };
        let client = [remove(Kind::Client, id.as_str()), remove(Kind::Claim, id.as_str())];
        self.registry.commit(Changes { writes: client.to_vec(), revoked: Vec::new() }).await?;
        let mut after = String::new();
        loop {
            let page: Vec<Versioned<RefreshFamily>> = list(self.registry.as_ref(), &after, MAX_ENTRIES).await?;
            let Some(last) = page.last() else { return Ok(()) };
            last.value.key().clone_into(&mut after);
            let of_client = page.iter().filter(|family| family.value.client == *id);
            let writes: Vec<Write> = of_client.map(|family| remove(Kind::Family, family.value.key())).collect();
            self.registry.commit(Changes { writes, revoked: Vec::new() }).await?;
        }
    }
}

impl Grants {
    fn of(subject: &str, client: Option<ClientId>, scopes: &Scopes) -> Option<Self> {
        let has = |scope: &str| scopes.contains(&format!("andon/{scope}"));
        let roles =
            [("admin", Role::Admin), ("operator", Role::Operator), ("viewer", Role::Viewer), ("intake", Role::Intake)];
        let roles = roles.into_iter().filter(|(scope, _)| has(scope)).map(|(_, role)| role).collect();
        Some(Self { name: author(subject)?, client, roles, devices: has("devices"), claim: has("claim") })
    }
}

/// The subject as far as it can be a name; authors are names.
fn author(subject: &str) -> Option<Name> {
    let legal = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c) { c } else { '-' };
    let text: String = subject.to_ascii_lowercase().chars().take(40).map(legal).collect();
    Name::new(&text).or_else(|_| Name::new(&format!("client-{text}"))).ok()
}

/// Why the token endpoint gives no token.
pub(crate) enum TokenFault {
    /// What the client is told.
    Refused(TokenError),
    /// A fault of this machine.
    Problem(Problem),
}

impl From<Problem> for TokenFault {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}
