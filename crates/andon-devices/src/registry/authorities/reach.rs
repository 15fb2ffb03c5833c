//! Which devices an authority lets in: those that are out when it is distrusted.
//!
//! A device is let in by the certificates that are in force, each of one issuing authority. It is *cut off* when it has
//! some, and all are of authorities that are distrusted: its record says ACTIVE, and the door refuses it.

use std::collections::{BTreeMap, BTreeSet};

use andon_model::{Code, Problem, Timestamp};

use super::trust::{own_key, signed};
use crate::pki::{certificate_der, key_identifiers};
use crate::registry::{AuthorityRecord, AuthorityRole};
use crate::{Certificate, Device};

/// The issuing authorities by the identifiers of their keys, and which of them are trusted no more.
#[derive(Debug, Clone, Default)]
pub struct Issuers {
    names: BTreeMap<String, String>,
    distrusted: BTreeSet<String>,
}

/// What one authority lets in.
#[derive(Debug, Clone)]
pub struct Reach {
    /// As if it were distrusted.
    without: Issuers,
    /// It, or the issuing authorities below it.
    meant: BTreeSet<String>,
}

impl Issuers {
    /// Those of the registry.
    pub fn of(all: &[AuthorityRecord]) -> Self {
        let names = issuing(all).filter_map(|known| Some((own_key(known)?, known.name.clone()))).collect();
        let distrusted = issuing(all).filter(|known| known.distrusted.is_some());
        Self { names, distrusted: distrusted.map(|known| known.name.clone()).collect() }
    }

    /// Whether `device` has certificates in force at `now`, and all are of authorities that are distrusted.
    pub fn have_cut_off(&self, device: &Device, now: Timestamp) -> bool {
        let mut issuers = in_force(device, now).map(|known| self.issuer(known)).peekable();
        let is_distrusted = |name: Option<&str>| name.is_some_and(|name| self.distrusted.contains(name));
        !self.distrusted.is_empty() && issuers.peek().is_some() && issuers.all(is_distrusted)
    }

    fn issuer(&self, certificate: &Certificate) -> Option<&str> {
        let key = key_identifiers(&certificate_der(&certificate.pem).ok()?).ok()?.issuer?;
        self.names.get(&key).map(String::as_str)
    }
}

impl Reach {
    /// That of the authority `name`, and of the issuing authorities below it when it is a root.
    ///
    /// # Errors
    /// [`Code::NotFound`] when there is no authority of this name.
    pub fn of(all: &[AuthorityRecord], name: &str) -> Result<Self, Problem> {
        let found = all.iter().find(|known| known.name == name);
        let found = found.ok_or_else(|| Problem::new(Code::NotFound, format!("there is no authority {name}")))?;
        let below = issuing(all).filter(|known| known.name == name || signed(&known.certificate, &found.certificate));
        let meant: BTreeSet<String> = below.map(|known| known.name.clone()).collect();
        let mut without = Issuers::of(all);
        without.distrusted.extend(meant.iter().cloned());
        Ok(Self { without, meant })
    }

    /// Whether it lets `device` in, or did before it was distrusted, and nobody else does.
    pub fn is_all_of(&self, device: &Device, now: Timestamp) -> bool {
        let mut issuers = in_force(device, now).filter_map(|known| self.without.issuer(known));
        self.without.have_cut_off(device, now) && issuers.any(|name| self.meant.contains(name))
    }
}

fn issuing(all: &[AuthorityRecord]) -> impl Iterator<Item = &AuthorityRecord> {
    all.iter().filter(|known| known.role == AuthorityRole::Issuing)
}

fn in_force(device: &Device, now: Timestamp) -> impl Iterator<Item = &Certificate> {
    device.certificates.iter().filter(move |known| known.check(now).is_ok())
}
