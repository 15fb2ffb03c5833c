//! Authorities in the registry: founding them, renewing them, and finding the one that signs.
//!
//! There is one root and one issuing authority that sign; those before them are *retired*: what they signed stays good,
//! until they end or are *distrusted*. Names are `root-<n>` and `issuing-<n>`, and the highest number signs.
//!
//! **Life of a root.** It is made, and the root before it vouches for it by a cross certificate, which goes wherever a
//! chain goes: so who trusts only the old one verifies what the new one signs. When everybody trusts the new one, the old
//! one is distrusted, and with it what it signed.

mod plan;
mod reach;
mod trust;

use andon_model::{Code, Problem, Secret, Timestamp};

use super::{
    AuthorityRecord, AuthorityRole, Changes, CrossCertificate, Expected, MAX_ENTRIES, Registry, Versioned, list, put,
};
use crate::pki::{Authority, AuthorityTerms, KeyKind, PkiError, Serial, ServerTerms};
use crate::{Entropy, KeySource};

pub use plan::{AuthorityPlan, successor_plan};
pub use reach::{Issuers, Reach};
pub use trust::{chain, chains, distrust, distrusted_below, distrusted_issuers, roots, trust_anchors};

/// What is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The issuing authority.
    Issuing,
    /// The root too.
    Root {
        /// Whether the root before it vouches for it. Without that, who trusts the old one alone is cut off.
        cross: bool,
    },
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
    renew(registry, plan, Renewal::Root { cross: false }, making).await
}

/// Makes a new issuing authority, below a new root if wanted; those before them retire.
///
/// # Errors
/// [`Code::Authority`] when the root that is to sign or to vouch cannot.
pub async fn renew(
    registry: &dyn Registry,
    plan: &AuthorityPlan,
    renewal: Renewal,
    making: Making<'_>,
) -> Result<(), Problem> {
    let known = authorities(registry).await?;
    let mut changes = Changes::default();
    let root = match renewal {
        Renewal::Root { cross } => {
            let mut root = make(plan, AuthorityRole::Root, None, &known, making)?;
            if cross {
                root.record.cross = Some(vouched_for(registry, plan, &root, making).await?);
            }
            changes = changes.and(put(&root.record, Some(root.authority.key_pem()), Expected::Absent)?);
            root
        }
        Renewal::Issuing => open(registry, signing_root(registry).await?).await?,
    };
    let issuing = make(plan, AuthorityRole::Issuing, Some(&root.authority), &known, making)?;
    changes = changes.and(put(&issuing.record, Some(issuing.authority.key_pem()), Expected::Absent)?);
    for old in known.iter().filter(|old| old.value.retired.is_none()) {
        if renewal != Renewal::Issuing || old.value.role == AuthorityRole::Issuing {
            let retired = AuthorityRecord { retired: Some(making.now), ..old.value.clone() };
            changes = changes.and(put(&retired, None::<Secret>, Expected::Revision(old.revision))?);
        }
    }
    registry.commit(changes).await?;
    Ok(())
}

async fn signing_root(registry: &dyn Registry) -> Result<AuthorityRecord, Problem> {
    let record = signing(registry, AuthorityRole::Root).await?;
    record.ok_or_else(|| Problem::new(Code::Authority, "there is no root to sign with"))
}

/// The root that signs until now vouches for the next one.
async fn vouched_for(
    registry: &dyn Registry,
    plan: &AuthorityPlan,
    next: &OpenAuthority,
    making: Making<'_>,
) -> Result<CrossCertificate, Problem> {
    let old = open(registry, signing_root(registry).await?).await?;
    let serial = Serial::generate(making.entropy).map_err(PkiError::from)?;
    let terms = terms(plan, AuthorityRole::Root, &next.record.name);
    let certificate = old.authority.cross(&next.authority, &terms, &serial, making.now).map_err(|error| {
        let by = &old.record.name;
        Problem::new(Code::Authority, format!("{by} cannot vouch for another root ({error}); see --no-cross"))
    })?;
    Ok(CrossCertificate { by: old.record.name, certificate })
}

/// A listener's certificate and private key in PEM: the certificate is followed by its [`chain`], as TLS sends it. Nothing
/// of it is stored.
pub async fn server_certificate(
    registry: &dyn Registry,
    terms: &ServerTerms,
    kind: KeyKind,
    making: Making<'_>,
) -> Result<(String, Secret), Problem> {
    let all: Vec<AuthorityRecord> = authorities(registry).await?.into_iter().map(|found| found.value).collect();
    let record = all.iter().rfind(|known| known.role == AuthorityRole::Issuing && known.retired.is_none());
    let record = record.ok_or_else(|| Problem::new(Code::Authority, "there is no issuing authority"))?;
    let issuing = open(registry, record.clone()).await?;
    let key = making.keys.generate(kind)?;
    let serial = Serial::generate(making.entropy).map_err(PkiError::from)?;
    let issued = issuing.authority.issue_server(terms, &key.public()?, &serial, making.now)?;
    Ok((format!("{}{}", issued.pem, chain(&all, &issued.pem)), key.to_pem()))
}

fn make(
    plan: &AuthorityPlan,
    role: AuthorityRole,
    root: Option<&Authority>,
    known: &[Versioned<AuthorityRecord>],
    making: Making<'_>,
) -> Result<OpenAuthority, Problem> {
    let word = match role {
        AuthorityRole::Root => "root",
        AuthorityRole::Issuing => "issuing",
    };
    let of_role = known.iter().filter(|found| found.value.role == role);
    let name = format!("{word}-{}", of_role.map(|found| number(&found.value.name)).max().unwrap_or(0) + 1);
    let terms = terms(plan, role, &name);
    let Making { keys, entropy, now } = making;
    let (key, serial) = (keys.generate(plan.key)?, Serial::generate(entropy).map_err(PkiError::from)?);
    let authority = match root {
        None => Authority::root(&terms, key, &serial, now)?,
        Some(root) => root.issuing(&terms, key, &serial, now)?,
    };
    let (certificate, not_after) = (authority.to_pem(), authority.facts().not_after);
    let (retired, distrusted, cross, own_list) = (None, None, None, true);
    let record =
        AuthorityRecord { name, role, certificate, created: now, not_after, retired, distrusted, own_list, cross };
    Ok(OpenAuthority { record, authority })
}

fn terms(plan: &AuthorityPlan, role: AuthorityRole, name: &str) -> AuthorityTerms {
    let days = match role {
        AuthorityRole::Root => plan.root_days,
        AuthorityRole::Issuing => plan.issuing_days,
    };
    AuthorityTerms { common_name: format!("{} {name}", plan.name), organization: plan.organization.clone(), days }
}

fn number(name: &str) -> u64 {
    name.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}
