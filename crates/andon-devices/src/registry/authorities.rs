//! Authorities in the registry: founding them, renewing them, and finding the one that signs.
//!
//! There is one root and one issuing authority that sign; those before them are *retired*: what they signed stays good.
//! Names are `root-<n>` and `issuing-<n>`, and the highest number signs.

use andon_model::{Code, Problem, Secret, Timestamp};

use super::{AuthorityRecord, AuthorityRole, Changes, Expected, MAX_ENTRIES, Registry, Versioned, list, put};
use crate::pki::{Authority, AuthorityTerms, KeyKind, Serial, ServerTerms};
use crate::{Entropy, KeySource};

/// What new authorities are like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityPlan {
    /// Opens their common names.
    pub name: String,
    /// The organization that runs them.
    pub organization: Option<String>,
    /// The kind of their keys.
    pub key: KeyKind,
    /// Life of a root, in days.
    pub root_days: u32,
    /// Life of an issuing authority, in days.
    pub issuing_days: u32,
}

impl Default for AuthorityPlan {
    /// ECDSA P-256; twenty years, and ten.
    fn default() -> Self {
        let (key, root_days, issuing_days) = (KeyKind::EcdsaP256, 7_305, 3_652);
        Self { name: "Andon".to_owned(), organization: None, key, root_days, issuing_days }
    }
}

/// Where chance comes from, and the present.
#[derive(Clone, Copy)]
pub struct Making<'a> {
    /// Keys.
    pub keys: &'a dyn KeySource,
    /// Serial numbers.
    pub entropy: &'a dyn Entropy,
    /// The present.
    pub now: Timestamp,
}

/// An authority with its record.
#[derive(Debug)]
pub struct OpenAuthority {
    /// The record.
    pub record: AuthorityRecord,
    /// The authority, ready to sign.
    pub authority: Authority,
}

/// Every authority, oldest first within its role.
pub async fn authorities(registry: &dyn Registry) -> Result<Vec<Versioned<AuthorityRecord>>, Problem> {
    let mut all: Vec<Versioned<AuthorityRecord>> = list(registry, "", MAX_ENTRIES).await?;
    all.sort_by_key(|found| number(&found.value.name));
    Ok(all)
}

/// The record of the authority that signs in this role.
pub async fn signing(registry: &dyn Registry, role: AuthorityRole) -> Result<Option<AuthorityRecord>, Problem> {
    let mut all = authorities(registry).await?.into_iter().map(|found| found.value);
    Ok(all.rfind(|record| record.role == role && record.retired.is_none()))
}

/// Opens an authority with the key that is stored beside it.
pub async fn open(registry: &dyn Registry, record: AuthorityRecord) -> Result<OpenAuthority, Problem> {
    let key = registry.secret(super::Kind::Authority, &record.name).await?;
    let missing = || Problem::new(Code::Authority, format!("the private key of {} is not here", record.name));
    let authority = Authority::open(&record.certificate, &key.ok_or_else(missing)?)?;
    Ok(OpenAuthority { record, authority })
}

/// Makes a root and an issuing authority.
///
/// # Errors
/// [`Code::Conflict`] if there is a root already.
pub async fn found(registry: &dyn Registry, plan: &AuthorityPlan, making: Making<'_>) -> Result<(), Problem> {
    if signing(registry, AuthorityRole::Root).await?.is_some() {
        return Err(Problem::new(Code::Conflict, "there is a certificate authority already; rotate it instead"));
    }
    renew(registry, plan, true, making).await
}

/// Makes a new issuing authority, below a new root if `with_root`; those before them retire.
pub async fn renew(
    registry: &dyn Registry,
    plan: &AuthorityPlan,
    with_root: bool,
    making: Making<'_>,
) -> Result<(), Problem> {
    let known = authorities(registry).await?;
    let mut changes = Changes::default();
    let root = if with_root {
        let root = make(plan, AuthorityRole::Root, None, &known, making)?;
        changes = changes.and(put(&root.record, Some(root.authority.key_pem()), Expected::Absent)?);
        root
    } else {
        let record = signing(registry, AuthorityRole::Root).await?;
        let record = record.ok_or_else(|| Problem::new(Code::Authority, "there is no root to sign with"))?;
        open(registry, record).await?
    };
    let issuing = make(plan, AuthorityRole::Issuing, Some(&root.authority), &known, making)?;
    changes = changes.and(put(&issuing.record, Some(issuing.authority.key_pem()), Expected::Absent)?);
    for old in known.iter().filter(|old| old.value.retired.is_none()) {
        if with_root || old.value.role == AuthorityRole::Issuing {
            let retired = AuthorityRecord { retired: Some(making.now), ..old.value.clone() };
            changes = changes.and(put(&retired, None::<Secret>, Expected::Revision(old.revision))?);
        }
    }
    registry.commit(changes).await?;
    Ok(())
}

/// A listener's certificate and private key in PEM: the certificate is followed by that of the authority that issued it,
/// as TLS sends it. Nothing of it is stored.
pub async fn server_certificate(
    registry: &dyn Registry,
    terms: &ServerTerms,
    kind: KeyKind,
    making: Making<'_>,
) -> Result<(String, Secret), Problem> {
    let record = signing(registry, AuthorityRole::Issuing).await?;
    let record = record.ok_or_else(|| Problem::new(Code::Authority, "there is no issuing authority"))?;
    let issuing = open(registry, record).await?;
    let key = making.keys.generate(kind)?;
    let serial = Serial::generate(making.entropy).map_err(crate::pki::PkiError::from)?;
    let issued = issuing.authority.issue_server(terms, &key.public()?, &serial, making.now)?;
    Ok((format!("{}{}", issued.pem, issuing.record.certificate), key.to_pem()))
}

/// What a listener verifies the certificates of devices with, in PEM: every authority that has not ended, the issuing ones
/// too, since devices may send their own certificate alone.
pub async fn trust_anchors(registry: &dyn Registry, now: Timestamp) -> Result<String, Problem> {
    let all = authorities(registry).await?.into_iter().map(|found| found.value);
    Ok(all.filter(|record| now <= record.not_after).map(|record| record.certificate).collect())
}

fn make(
    plan: &AuthorityPlan,
    role: AuthorityRole,
    root: Option<&Authority>,
    known: &[Versioned<AuthorityRecord>],
    making: Making<'_>,
) -> Result<OpenAuthority, Problem> {
    let (word, days) = match role {
        AuthorityRole::Root => ("root", plan.root_days),
        AuthorityRole::Issuing => ("issuing", plan.issuing_days),
    };
    let of_role = known.iter().filter(|found| found.value.role == role);
    let name = format!("{word}-{}", of_role.map(|found| number(&found.value.name)).max().unwrap_or(0) + 1);
    let terms =
        AuthorityTerms { common_name: format!("{} {name}", plan.name), organization: plan.organization.clone(), days };
    let Making { keys, entropy, now } = making;
    let (key, serial) = (keys.generate(plan.key)?, Serial::generate(entropy).map_err(crate::pki::PkiError::from)?);
    let authority = match root {
        None => Authority::root(&terms, key, &serial, now)?,
        Some(root) => root.issuing(&terms, key, &serial, now)?,
    };
    let (certificate, not_after) = (authority.to_pem(), authority.facts().not_after);
    let record = AuthorityRecord { name, role, certificate, created: now, not_after, retired: None };
    Ok(OpenAuthority { record, authority })
}

fn number(name: &str) -> u64 {
    name.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}
