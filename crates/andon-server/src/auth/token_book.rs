//! The tokens in memory, so that a request costs one hash and no read of the journal.
//!
//! Changes through this API are seen at once. Tokens that something else put into the store, such as
//! `andon token create` beside a running server, are found when they are first used; tokens that
//! something else removed stop working within [`MAX_AGE`].

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use andon_journal::{JournalError, TokenRow, Tokens};
use andon_model::{Clock, Timestamp};
use subtle::ConstantTimeEq;
use tracing::warn;

use super::token_text::digest;

/// Age at which the book is read again.
const MAX_AGE: Duration = Duration::from_secs(30);
/// Age below which an unknown token does not cause another read, so that guessing does not load the store.
const MIN_AGE: Duration = Duration::from_secs(1);
/// How many bytes of a hash find its place in the book; the rest is compared in constant time.
const PREFIX_BYTES: usize = 8;

/// Why a token is not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenRefused {
    /// Nobody has this token.
    #[error("the token is not known")]
    Unknown,
    /// It has been good once.
    #[error("the token {name} has expired at {at}")]
    Expired {
        /// Its name.
        name: andon_model::Name,
        /// When it expired.
        at: Timestamp,
    },
    /// The tokens cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Authenticates tokens.
pub(crate) struct TokenBook {
    store: Arc<dyn Tokens>,
    clock: Arc<dyn Clock>,
    pages: RwLock<Option<Arc<Pages>>>,
    /// One reader at a time, so that an older answer never replaces a newer one.
    reading: tokio::sync::Mutex<()>,
}

/// What was read, and when.
struct Pages {
    read_at: Timestamp,
    by_prefix: HashMap<[u8; PREFIX_BYTES], Vec<Entry>>,
}

struct Entry {
    digest: [u8; 32],
    row: TokenRow,
}

impl TokenBook {
    pub(crate) fn new(store: Arc<dyn Tokens>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, pages: RwLock::new(None), reading: tokio::sync::Mutex::new(()) }
    }

    /// Storage, for the handlers that change tokens; they call [`Self::reload`] afterwards.
    pub(crate) fn store(&self) -> &dyn Tokens {
        self.store.as_ref()
    }

    /// The token with this text, if it is good now.
    pub(crate) async fn authenticate(&self, text: &str) -> Result<TokenRow, TokenRefused> {
        let digest = digest(text);
        let row = self.find(&digest).await?.ok_or(TokenRefused::Unknown)?;
        match row.expires_at {
            Some(at) if at <= self.clock.now() => Err(TokenRefused::Expired { name: row.name, at }),
            _ => Ok(row),
        }
    }

    /// Reads the store again.
    pub(crate) async fn reload(&self) -> Result<(), JournalError> {
        let _one_at_a_time = self.reading.lock().await;
        self.read().await.map(drop)
    }

    async fn find(&self, digest: &[u8; 32]) -> Result<Option<TokenRow>, JournalError> {
        let pages = self.pages();
        let found = pages.as_ref().and_then(|pages| pages.find(digest));
        let enough = if found.is_some() { MAX_AGE } else { MIN_AGE };
        if pages.is_some_and(|pages| self.clock.now().since(pages.read_at) < enough) {
            return Ok(found);
        }
        match self.read_unless_newer_than(enough).await {
            Ok(pages) => Ok(pages.find(digest)),
            // A journal that cannot be read right now does not lock out those who were known before.
            Err(error) if found.is_some() => {
                warn!(%error, "tokens could not be read again; going on with those known");
                Ok(found)
            }
            Err(error) => Err(error),
        }
    }

    /// Many requests may find the book old at once; the first reads for all.
    async fn read_unless_newer_than(&self, enough: Duration) -> Result<Arc<Pages>, JournalError> {
        let _one_at_a_time = self.reading.lock().await;
        match self.pages() {
            Some(pages) if self.clock.now().since(pages.read_at) < enough => Ok(pages),
            _ => self.read().await,
        }
    }

    async fn read(&self) -> Result<Arc<Pages>, JournalError> {
        let read_at = self.clock.now();
        let pages = Arc::new(Pages::new(read_at, self.store.tokens().await?));
        *self.pages.write().unwrap_or_else(PoisonError::into_inner) = Some(pages.clone());
        Ok(pages)
    }

    fn pages(&self) -> Option<Arc<Pages>> {
        self.pages.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Pages {
    fn new(read_at: Timestamp, tokens: Vec<(TokenRow, String)>) -> Self {
        let mut by_prefix: HashMap<_, Vec<Entry>> = HashMap::with_capacity(tokens.len());
        for (row, hash) in tokens {
            let mut digest = [0; 32];
            if hex::decode_to_slice(&hash, &mut digest).is_err() {
                warn!(token = %row.name, "the stored hash of a token is not a SHA-256; the token cannot be used");
                continue;
            }
            by_prefix.entry(prefix(&digest)).or_default().push(Entry { digest, row });
        }
        Self { read_at, by_prefix }
    }

    fn find(&self, digest: &[u8; 32]) -> Option<TokenRow> {
        let candidates = self.by_prefix.get(&prefix(digest))?;
        let entry = candidates.iter().find(|entry| bool::from(entry.digest.ct_eq(digest)))?;
        Some(entry.row.clone())
    }
}

fn prefix(digest: &[u8; 32]) -> [u8; PREFIX_BYTES] {
    let mut prefix = [0; PREFIX_BYTES];
    prefix.copy_from_slice(&digest[..PREFIX_BYTES]);
    prefix
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    use andon_journal::{NewToken, Role};
    use andon_model::Name;
    use async_trait::async_trait;

    use super::super::token_text::token_hash;
    use super::*;

    #[derive(Default)]
    struct World {
        seconds: AtomicI64,
        reads: AtomicUsize,
        broken: std::sync::atomic::AtomicBool,
        tokens: Mutex<Vec<(TokenRow, String)>>,
    }

    impl Clock for World {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(self.seconds.load(Ordering::SeqCst) * 1_000_000)
        }
    }

    #[async_trait]
    impl Tokens for World {
        async fn put_token(&self, token: NewToken) -> Result<(), JournalError> {
            let row =
                TokenRow { name: token.name, role: token.role, created_at: token.at, expires_at: token.expires_at };
            self.tokens.lock().unwrap().push((row, token.sha256));
            Ok(())
        }

        async fn tokens(&self) -> Result<Vec<(TokenRow, String)>, JournalError> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            if self.broken.load(Ordering::SeqCst) {
                return Err(JournalError::Storage { doing: "reading", cause: "disk".into() });
            }
            Ok(self.tokens.lock().unwrap().clone())
        }

        async fn delete_token(&self, name: &Name) -> Result<bool, JournalError> {
            self.tokens.lock().unwrap().retain(|(row, _)| row.name != *name);
            Ok(true)
        }
    }

    impl World {
        async fn put(&self, text: &str, expires_at: Option<Timestamp>) {
            let name = Name::new(text).unwrap();
            let token =
                NewToken { name, role: Role::Viewer, sha256: token_hash(text), expires_at, at: Timestamp::default() };
            self.put_token(token).await.unwrap();
        }
    }

    fn book() -> (Arc<World>, TokenBook) {
        let world = Arc::new(World::default());
        (world.clone(), TokenBook::new(world.clone(), world))
    }

    async fn is_good(book: &TokenBook, text: &str) -> bool {
        book.authenticate(text).await.is_ok()
    }

    #[tokio::test]
    async fn the_store_is_read_once() {
        let (world, book) = book();
        world.put("good", None).await;
        for _ in 0..3 {
            assert_eq!(book.authenticate("good").await.unwrap().name.as_str(), "good");
        }
        assert!(matches!(book.authenticate("bad").await, Err(TokenRefused::Unknown)));
        assert_eq!(world.reads.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn expiry_follows_the_clock() {
        let (world, book) = book();
        world.put("short", Some(Timestamp::from_micros(2_000_000))).await;
        assert!(is_good(&book, "short").await);
        world.seconds.store(2, Ordering::SeqCst);
        assert!(matches!(book.authenticate("short").await, Err(TokenRefused::Expired { .. })));
    }

    #[tokio::test]
    async fn what_others_change_is_seen_in_time() {
        let (world, book) = book();
        world.put("one", None).await;
        assert!(is_good(&book, "one").await);
        world.put("two", None).await;
        assert!(!is_good(&book, "two").await, "guessing within a second must not read the store");
        world.seconds.store(1, Ordering::SeqCst);
        assert!(is_good(&book, "two").await);
        world.delete_token(&Name::new("one").unwrap()).await.unwrap();
        assert!(is_good(&book, "one").await);
        world.seconds.store(31, Ordering::SeqCst);
        assert!(!is_good(&book, "one").await);
    }

    #[tokio::test]
    async fn a_reload_is_seen_at_once() {
        let (world, book) = book();
        world.put("one", None).await;
        assert!(is_good(&book, "one").await);
        world.delete_token(&Name::new("one").unwrap()).await.unwrap();
        book.reload().await.unwrap();
        assert!(!is_good(&book, "one").await);
    }

    #[tokio::test]
    async fn a_broken_store_keeps_those_who_were_known() {
        let (world, book) = book();
        world.put("known", None).await;
        assert!(is_good(&book, "known").await);
        world.broken.store(true, Ordering::SeqCst);
        world.seconds.store(60, Ordering::SeqCst);
        assert!(is_good(&book, "known").await);
        assert!(matches!(book.authenticate("new").await, Err(TokenRefused::Journal(_))));
    }
}
