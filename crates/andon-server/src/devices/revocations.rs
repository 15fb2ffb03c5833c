//! Revocation lists: one for each authority, signed by its own key for as long as that is trusted.
//!
//! The list of an issuing authority names the devices' certificates that it issued; that of a root names the issuing
//! authorities below it that are distrusted. A distrusted authority has no list any more: who checks lists and has none
//! refuses, and what its key signs is not to be believed.
//!
//! **Life of a list.** It is signed when somebody asks for it, and given out until the registry changes or half of its
//! life is over. Its number is the registry's revision, which only grows.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use andon_devices::pki::{MAX_REVOKED, RevocationList};
use andon_devices::registry::authorities::{authorities, distrusted_below, open};
use andon_devices::registry::{AuthorityRecord, AuthorityRole};
use andon_model::{Code, Problem};

use super::Office;

/// The newest lists by authority, with the revision that each was made of.
#[derive(Default)]
pub(super) struct ListBook(RwLock<HashMap<String, (i64, Arc<RevocationList>)>>);

impl Office {
    /// The list of the authority of this name.
    ///
    /// # Errors
    /// [`Code::NotFound`] when there is no such authority, or it is distrusted.
    pub(crate) async fn revocation_list(&self, authority: &str) -> Result<Arc<RevocationList>, Problem> {
        let all = self.authority_records().await?;
        let found = all.iter().find(|known| known.name == authority);
        let missing = || Problem::new(Code::NotFound, format!("there is no authority {authority}"));
        self.list_of(&all, found.ok_or_else(missing)?).await
    }

    /// The list at the address that certificates of builds before this one name: of the newest issuing authority of theirs,
    /// while that has not ended; else of the one that signs.
    pub(crate) async fn plain_revocation_list(&self) -> Result<Arc<RevocationList>, Problem> {
        self.issuing().await?;
        let all = self.authority_records().await?;
        let now = self.now();
        let mut issuing = all.iter().filter(|known| known.role == AuthorityRole::Issuing && known.distrusted.is_none());
        let signs = issuing.clone().rfind(|known| known.retired.is_none());
        let before = issuing.rfind(|known| !known.own_list && now <= known.not_after);
        let none = || Problem::new(Code::Authority, "there is no issuing authority");
        self.list_of(&all, before.or(signs).ok_or_else(none)?).await
    }

    /// The lists of all authorities that are trusted and have not ended, in PEM, as servers read them from one file.
    pub(crate) async fn revocation_lists(&self) -> Result<String, Problem> {
        let (all, now) = (self.authority_records().await?, self.now());
        let mut text = String::new();
        for known in all.iter().filter(|known| known.distrusted.is_none() && now <= known.not_after) {
            text.push_str(&self.list_of(&all, known).await?.pem);
        }
        Ok(text)
    }

    pub(super) async fn authority_records(&self) -> Result<Vec<AuthorityRecord>, Problem> {
        Ok(authorities(self.registry.as_ref()).await?.into_iter().map(|found| found.value).collect())
    }

    async fn list_of(&self, all: &[AuthorityRecord], of: &AuthorityRecord) -> Result<Arc<RevocationList>, Problem> {
        if of.distrusted.is_some() {
            let detail = format!("{} is distrusted: it has no revocation list, and nothing of it is good", of.name);
            return Err(Problem::new(Code::NotFound, detail));
        }
        let (revision, now) = (self.registry.revision().await?, self.now());
        let life = self.settings.revocation_list_life();
        let known = self.lists.0.read().unwrap_or_else(PoisonError::into_inner).get(&of.name).cloned();
        if let Some((_, list)) = known.filter(|(of, list)| *of == revision && now.after(life / 2) < list.next_update) {
            return Ok(list);
        }
        let revoked = match of.role {
            AuthorityRole::Root => distrusted_below(all, of)?,
            AuthorityRole::Issuing => self.registry.revoked(now, MAX_REVOKED).await?,
        };
        let authority = open(self.registry.as_ref(), of.clone()).await?.authority;
        let number = u64::try_from(revision).unwrap_or_default();
        let list = Arc::new(authority.revocation_list(number, &revoked, life, now)?);
        let mut book = self.lists.0.write().unwrap_or_else(PoisonError::into_inner);
        book.insert(of.name.clone(), (revision, Arc::clone(&list)));
        Ok(list)
    }
}
