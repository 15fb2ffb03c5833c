//! The clients that ask for tokens, and their refresh tokens.

use std::collections::BTreeSet;

use andon_devices::pki::PkiError;
use andon_devices::registry::{Changes, Expected, Kind, MAX_ENTRIES, Record, Versioned, Write, get, list, put};
use andon_devices::token::{
    Client, ClientId, GrantKind, RefreshFamily, RefreshTerms, Scopes, SecretHash, generate_secret,
};
use andon_model::{Code, Problem, Secret};
use serde::Deserialize;

use super::Office;
use super::grants::{SCOPES, all_scopes};

/// Most pages of families that are looked through for one page of a client's.
const MAX_LOOKED_THROUGH: usize = 20;

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

/// A page of something, and where the next one begins.
pub(crate) struct Page<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) next: Option<String>,
}

impl Office {
    /// Makes a client; its secret is shown this once.
    pub(crate) async fn create_client(&self, wish: ClientWish) -> Result<(Client, Option<Secret>), Problem> {
        if let Err(problem) = self.gives_tokens() {
            return Err(Problem::new(Code::Conflict, problem.detail));
        }
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
        client.created = Some(self.now());
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
    pub(crate) async fn refresh_token(
        &self,
        client: &ClientId,
        subject: &str,
    ) -> Result<(RefreshFamily, Secret), Problem> {
        let client = self.client(client).await?.value;
        let (family, token) = self.begin_family(&client, subject)?;
        self.registry.commit(Changes::default().and(put(&family, None, Expected::Absent)?)).await?;
        Ok((family, token))
    }

    /// The same, not stored yet.
    pub(super) fn begin_family(&self, client: &Client, subject: &str) -> Result<(RefreshFamily, Secret), Problem> {
        let begun = RefreshFamily::begin(client, subject, client.scopes.clone(), self.entropy.as_ref(), self.now());
        Ok(begun.map_err(PkiError::from)?)
    }

    /// The refresh tokens of a client, by family, in the order of their ids. A page may have fewer rows than `limit` and
    /// yet not be the last.
    pub(crate) async fn families(
        &self,
        client: &ClientId,
        after: &str,
        limit: usize,
    ) -> Result<Page<RefreshFamily>, Problem> {
        self.client(client).await?;
        let (mut rows, mut after) = (Vec::new(), after.to_owned());
        for _ in 0..MAX_LOOKED_THROUGH {
            let page: Vec<Versioned<RefreshFamily>> = list(self.registry.as_ref(), &after, MAX_ENTRIES).await?;
            let is_last = page.len() < MAX_ENTRIES;
            for family in page.into_iter().map(|found| found.value) {
                family.key().clone_into(&mut after);
                if family.client == *client {
                    rows.push(family);
                }
                if rows.len() == limit {
                    return Ok(Page { rows, next: Some(after) });
                }
            }
            if is_last {
                return Ok(Page { rows, next: None });
            }
        }
        Ok(Page { rows, next: Some(after) })
    }

    /// Revokes a refresh token of a client, and all that came from it.
    pub(crate) async fn revoke_family(&self, client: &ClientId, id: &str) -> Result<RefreshFamily, Problem> {
        unraced!(async {
            let found = get::<RefreshFamily>(self.registry.as_ref(), id).await?;
            let found = found.filter(|found| found.value.client == *client);
            let missing = || Problem::new(Code::NotFound, "this client has no such refresh token");
            let Versioned { revision, value: mut family } = found.ok_or_else(missing)?;
            family.revoke(self.now());
            self.registry.commit(Changes::default().and(put(&family, None, Expected::Revision(revision))?)).await?;
            Ok(family)
        })
    }

    pub(crate) async fn client(&self, id: &ClientId) -> Result<Versioned<Client>, Problem> {
        let found = get::<Client>(self.registry.as_ref(), id.as_str()).await?;
        found.ok_or_else(|| Problem::new(Code::NotFound, format!("the client {id} does not exist")))
    }

    /// Removes a client and its refresh tokens, these first: a client that is made again under its id must not find them.
    /// Access tokens that it has end with it.
    pub(crate) async fn delete_client(&self, id: &ClientId) -> Result<(), Problem> {
        self.client(id).await?;
        self.remove_families(|family| family.client == *id).await?;
        let client = [remove(Kind::Client, id.as_str()), remove(Kind::Claim, id.as_str())];
        self.registry.commit(Changes { writes: client.to_vec(), revoked: Vec::new() }).await?;
        Ok(())
    }

    /// Removes the families of which `is_over` says so. How many.
    pub(super) async fn remove_families(&self, is_over: impl Fn(&RefreshFamily) -> bool) -> Result<usize, Problem> {
        let (mut after, mut count) = (String::new(), 0);
        loop {
            let page: Vec<Versioned<RefreshFamily>> = list(self.registry.as_ref(), &after, MAX_ENTRIES).await?;
            let Some(last) = page.last() else { return Ok(count) };
            last.value.key().clone_into(&mut after);
            let over = page.iter().filter(|family| is_over(&family.value));
            let writes: Vec<Write> = over.map(|family| remove(Kind::Family, family.value.key())).collect();
            count += writes.len();
            if !writes.is_empty() {
                self.registry.commit(Changes { writes, revoked: Vec::new() }).await?;
            }
        }
    }
}

fn remove(kind: Kind, key: &str) -> Write {
    Write::Remove { kind, key: key.to_owned(), expected: Expected::Anything }
}
