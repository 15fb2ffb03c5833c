//! The keys that sign access tokens: made, replaced, and forgotten when the last token that they signed has expired.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use andon_devices::pki::KeyKind;
use andon_devices::registry::{Changes, Expected, KeyRecord, Kind, MAX_ENTRIES, Versioned, Write, list, put};
use andon_devices::token::{Jwks, MAX_ACCESS_LIFE, SigningKey, VerificationKey};
use andon_model::{Code, Problem, Secret, Timestamp};

use super::{Office, Trouble};

/// Age at which the keys are read again.
const MAX_AGE: Duration = Duration::from_secs(10);

/// Most keys at once, retired ones included; a key set of more is not read by everybody.
const MAX_SIGNERS: usize = 16;

/// How long a retired key stays in the key set: the longest life of a token, and some minutes for other processes that
/// sign with it until they have read the keys again, and for clocks that differ.
const AFTERLIFE: Duration = MAX_ACCESS_LIFE.saturating_add(Duration::from_mins(10));

/// The keys, as they were last read.
#[derive(Default)]
pub(super) struct SignerBook(RwLock<Option<Arc<Signers>>>);

pub(super) struct Signers {
    read_at: Timestamp,
    pub(super) signing: SigningKey,
    pub(super) jwks: Jwks,
    pub(super) keys: Vec<VerificationKey>,
}

impl Office {
    /// The keys, read anew when they are old, or `anew` and not just read.
    pub(super) async fn signers(&self, anew: bool) -> Result<Arc<Signers>, Problem> {
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
        let mut records = self.signer_records().await?;
        if records.iter().all(|found| found.value.retired.is_some()) {
            match self.make_signer(&[]).await {
                Err(Trouble::Told(problem)) => return Err(problem),
                Ok(_) | Err(Trouble::Raced) => {}
            }
            records = self.signer_records().await?;
        }
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

    /// The keys, oldest first.
    pub(crate) async fn signer_records(&self) -> Result<Vec<Versioned<KeyRecord>>, Problem> {
        let mut records: Vec<Versioned<KeyRecord>> = list(self.registry.as_ref(), "", MAX_ENTRIES).await?;
        records.sort_by_key(|found| (found.value.created, found.revision));
        Ok(records)
    }

    async fn signer_secret(&self, record: &KeyRecord) -> Result<Secret, Problem> {
        let secret = self.registry.secret(Kind::SigningKey, &record.kid).await?;
        secret.ok_or_else(|| Problem::new(Code::Internal, format!("the private half of key {} is gone", record.kid)))
    }

    /// Stores a new key; those of `retiring` sign nothing more.
    async fn make_signer(&self, retiring: &[Versioned<KeyRecord>]) -> Result<String, Trouble> {
        let private = self.generate(KeyKind::EcdsaP256).await?;
        let kid = SigningKey::new(&private).map_err(Problem::from)?.jwk().kid.clone();
        let record = KeyRecord { kid: kid.clone(), created: self.now(), retired: None };
        let mut changes = Changes::default().and(put(&record, Some(private.to_pem()), Expected::Absent)?);
        for old in retiring.iter().filter(|old| old.value.retired.is_none()) {
            let retired = KeyRecord { retired: Some(self.now()), ..old.value.clone() };
            changes = changes.and(put(&retired, None, Expected::Revision(old.revision))?);
        }
        self.registry.commit(changes).await?;
        Ok(kid)
    }

    /// Replaces the key that signs; the old one stays in the key set until its tokens have expired.
    pub(crate) async fn rotate_signer(&self) -> Result<Vec<KeyRecord>, Problem> {
        self.gives_tokens()?;
        unraced!(async {
            let known = self.signer_records().await?;
            if known.len() >= MAX_SIGNERS {
                let detail = format!("there are {MAX_SIGNERS} keys; the oldest go when their tokens have expired");
                return Err(Problem::new(Code::Conflict, detail).into());
            }
            self.make_signer(&known).await
        })?;
        *self.signers.0.write().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(self.signer_records().await?.into_iter().map(|found| found.value).collect())
    }

    /// Forgets keys whose tokens have all expired. How many.
    pub(super) async fn forget_signers(&self) -> Result<usize, Problem> {
        let now = self.now();
        let is_over = |record: &KeyRecord| record.retired.is_some_and(|retired| now.since(retired) >= AFTERLIFE);
        let records = self.signer_records().await?;
        let over = records.into_iter().filter(|found| is_over(&found.value));
        let remove = |found: Versioned<KeyRecord>| Write::Remove {
            kind: Kind::SigningKey,
            key: found.value.kid,
            expected: Expected::Revision(found.revision),
        };
        let writes: Vec<Write> = over.map(remove).collect();
        let count = writes.len();
        if count > 0 {
            self.registry.commit(Changes { writes, revoked: Vec::new() }).await?;
        }
        Ok(count)
    }
}
