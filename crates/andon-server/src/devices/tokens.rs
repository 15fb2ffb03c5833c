//! Tokens: the endpoint that gives them out, and whether one is believed.
//!
//! With an external issuer, that one gives out access tokens and this endpoint none; ours are then not believed.

use std::time::Duration;

use andon_devices::registry::{Changes, Kind, Versioned, expecting, get, put};
use andon_devices::token::{
    Client, ClientId, Discovery, Endpoint, Expected, FamilyId, Grant, Jwks, RefreshFamily, SigningKey, TokenError,
    TokenRejected, TokenRequest, TokenResponse, Verified, answer, verify,
};
use andon_model::{Code, Problem};

use super::grants::all_scopes;
use super::{Grants, Office, Trouble};

/// How far clocks may differ.
const LEEWAY: Duration = Duration::from_secs(30);

impl Office {
    /// Answers the token endpoint. What exactly is wrong with a request goes to the log.
    pub(crate) async fn token(&self, request: &TokenRequest) -> Result<TokenResponse, TokenFault> {
        self.gives_tokens()?;
        let signers = self.signers(false).await?;
        let client = match ClientId::new(&request.client_id) {
            Some(id) => get::<Client>(self.registry.as_ref(), id.as_str()).await.map_err(Problem::from)?,
            None => None,
        };
        let client = client.map(|client| client.value);
        let answered = unraced!(async { self.try_token(request, client.as_ref(), &signers.signing).await })?;
        answered.map_err(TokenFault::Refused)
    }

    /// Whether access tokens come from here.
    ///
    /// # Errors
    /// [`Code::NotFound`] with who gives them out instead.
    pub(crate) fn gives_tokens(&self) -> Result<(), Problem> {
        let Some(issuer) = &self.issuer else { return Ok(()) };
        Err(Problem::new(Code::NotFound, format!("access tokens are given out by {}, not here", issuer.address())))
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
        let verified = match &self.issuer {
            Some(issuer) => issuer.verify(token).await?,
            None => match self.verify_own(token).await? {
                Ok(verified) => self.standing(&verified).await?.map(|()| verified),
                refused => refused,
            },
        };
        Ok(verified.and_then(|verified| Grants::of(&verified).ok_or(TokenRejected::Malformed)))
    }

    /// Whether the client of a token, and the refresh token that it came from, are still good: looked up at each use, so that
    /// a token ends with them and not an hour later.
    async fn standing(&self, verified: &Verified) -> Result<Result<(), TokenRejected>, Problem> {
        let name = |name: Option<&str>| name.unwrap_or_default().to_owned();
        let client = (Kind::Client, name(verified.client_id.as_deref()));
        let found = self.registry.several(&[client, (Kind::Family, name(verified.family()))]).await?;
        let [client, family] = found.as_slice() else { return Ok(Err(TokenRejected::Revoked)) };
        let client = client.as_ref().map(Versioned::<Client>::of).transpose()?;
        let family = family.as_ref().map(Versioned::<RefreshFamily>::of).transpose()?;
        Ok(verified.stands(client.as_ref().map(|found| &found.value), family.as_ref().map(|found| &found.value)))
    }

    async fn verify_own(&self, token: &str) -> Result<Result<Verified, TokenRejected>, Problem> {
        let (issuer, audiences, clients) = (self.settings.issuer().to_owned(), Vec::new(), Vec::new());
        let expected = Expected { issuer, audiences, clients, leeway: LEEWAY };
        let verified = verify(token, &self.signers(false).await?.keys, &expected, self.now());
        if verified != Err(TokenRejected::UnknownKey) {
            return Ok(verified);
        }
        // Another process may have made a key since.
        Ok(verify(token, &self.signers(true).await?.keys, &expected, self.now()))
    }

    /// The keys that others verify our tokens with.
    pub(crate) async fn jwks(&self) -> Result<Jwks, Problem> {
        self.gives_tokens()?;
        Ok(self.signers(false).await?.jwks.clone())
    }

    pub(crate) async fn discovery(&self) -> Result<Discovery, Problem> {
        Ok(Discovery::of_issuer(self.settings.issuer(), &all_scopes(), &self.jwks().await?))
    }
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
