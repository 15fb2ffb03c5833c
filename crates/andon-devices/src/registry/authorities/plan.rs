//! What authorities are like: those of the first minute, and those that follow others.

use std::time::Duration;

use andon_model::Problem;

use super::{Registry, authorities};
use crate::pki::{KeyKind, NameField, PublicKey, certificate_der, read_certificate};
use crate::registry::{AuthorityRecord, AuthorityRole};

const DAY: Duration = Duration::from_hours(24);

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

/// What the next authorities are like when nobody says anything: name, organization, key and lives are those of the
/// authorities that sign now. `usual` where there are none.
pub async fn successor_plan(registry: &dyn Registry, usual: AuthorityPlan) -> Result<AuthorityPlan, Problem> {
    let all: Vec<AuthorityRecord> = authorities(registry).await?.into_iter().map(|found| found.value).collect();
    let of_role = |role| all.iter().rfind(|known| known.role == role && known.retired.is_none());
    let (Some(root), Some(issuing)) = (of_role(AuthorityRole::Root), of_role(AuthorityRole::Issuing)) else {
        return Ok(usual);
    };
    let facts = read_certificate(&certificate_der(&issuing.certificate)?)?;
    let value = |wanted| facts.subject.iter().find(|(field, _)| *field == wanted).map(|(_, value)| value.clone());
    let name = value(NameField::CommonName).unwrap_or_default();
    // A life that was cut short by that of its root says nothing about the next one.
    let issuing_days = if issuing.not_after < root.not_after { days(issuing) } else { usual.issuing_days };
    Ok(AuthorityPlan {
        name: name.strip_suffix(&format!(" {}", issuing.name)).unwrap_or(&usual.name).to_owned(),
        organization: value(NameField::Organization),
        key: PublicKey::from_der(&facts.public_key_der)?.kind(),
        root_days: days(root),
        issuing_days,
    })
}

/// The life of an authority, in days.
fn days(record: &AuthorityRecord) -> u32 {
    let life = record.not_after.since(record.created).as_secs().saturating_add(DAY.as_secs() / 2);
    u32::try_from(life / DAY.as_secs()).unwrap_or(u32::MAX).max(1)
}
