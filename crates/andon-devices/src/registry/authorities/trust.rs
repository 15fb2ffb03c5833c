//! Who trusts whom: the roots that devices are given, the chains that are sent, and the end of an authority.

use std::collections::BTreeMap;

use andon_model::{Code, Problem, Timestamp};

use super::{Registry, authorities, number};
use crate::pki::{
    NameField, NamedValue, PkiError, RevocationReason, RevokedEntry, certificate_der, is_signed_by, key_identifiers,
    read_certificate,
};
use crate::registry::{AuthorityRecord, AuthorityRole, Changes, Expected, put};

/// What devices trust, in PEM: every root that is not distrusted, oldest first.
pub fn roots(all: &[AuthorityRecord]) -> String {
    let trusted = all.iter().filter(|known| known.role == AuthorityRole::Root && known.distrusted.is_none());
    trusted.map(|known| known.certificate.as_str()).collect()
}

/// What follows a certificate (in PEM) where TLS sends it: its issuing authority, then the cross certificates of its root,
/// by which those verify it who trust an older root alone. Each is signed by the next one.
pub fn chain(all: &[AuthorityRecord], certificate: &str) -> String {
    issuer_of(all, certificate, AuthorityRole::Issuing).map_or_else(String::new, |issuing| chain_from(all, issuing))
}

/// The chain that follows what each issuing authority signed, by the identifier of its key.
pub fn chains(all: &[AuthorityRecord]) -> BTreeMap<String, String> {
    let issuing = all.iter().filter(|known| known.role == AuthorityRole::Issuing);
    issuing.filter_map(|known| Some((own_key(known)?, chain_from(all, known)))).collect()
}

pub(super) fn own_key(known: &AuthorityRecord) -> Option<String> {
    key_identifiers(&certificate_der(&known.certificate).ok()?).ok()?.own
}

fn issuer_of<'a>(all: &'a [AuthorityRecord], pem: &str, role: AuthorityRole) -> Option<&'a AuthorityRecord> {
    all.iter().filter(|known| known.role == role).rev().find(|known| signed(pem, &known.certificate))
}

fn chain_from(all: &[AuthorityRecord], issuing: &AuthorityRecord) -> String {
    let mut text = issuing.certificate.clone();
    let mut root = issuer_of(all, &issuing.certificate, AuthorityRole::Root);
    // Numbers fall on the way, so that it ends.
    while let Some((cross, older)) = root.and_then(|root| vouching(all, root)) {
        text.push_str(cross);
        root = Some(older);
    }
    text
}

/// The cross certificate of a root, and the root that issued it, while that is trusted.
fn vouching<'a>(all: &'a [AuthorityRecord], root: &'a AuthorityRecord) -> Option<(&'a str, &'a AuthorityRecord)> {
    let cross = root.cross.as_ref()?;
    let older = all.iter().find(|known| known.name == cross.by && number(&known.name) < number(&root.name))?;
    older.distrusted.is_none().then_some((cross.certificate.as_str(), older))
}

pub(super) fn signed(pem: &str, issuer: &str) -> bool {
    let (Ok(der), Ok(issuer)) = (certificate_der(pem), certificate_der(issuer)) else { return false };
    is_signed_by(&der, &issuer).unwrap_or(false)
}

/// What the revocation list of a root names: the issuing authorities below it that are distrusted.
pub fn distrusted_below(all: &[AuthorityRecord], root: &AuthorityRecord) -> Result<Vec<RevokedEntry>, PkiError> {
    let below = all.iter().filter(|known| known.role == AuthorityRole::Issuing);
    let below = below.filter(|known| signed(&known.certificate, &root.certificate));
    below.filter_map(|known| Some(revoked_entry(known, known.distrusted?))).collect()
}

fn revoked_entry(record: &AuthorityRecord, at: Timestamp) -> Result<RevokedEntry, PkiError> {
    let der = certificate_der(&record.certificate)?;
    let (facts, keys) = (read_certificate(&der)?, key_identifiers(&der)?);
    let (not_after, reason) = (facts.not_after, RevocationReason::Unspecified);
    Ok(RevokedEntry { serial: facts.serial, at, reason, not_after, issuer: keys.issuer })
}

/// What a listener verifies the certificates of devices with, in PEM: every issuing authority that has not ended and is not
/// distrusted. No root is among them: what a distrusted issuing authority signs would be verified by the root above it.
pub async fn trust_anchors(registry: &dyn Registry, now: Timestamp) -> Result<String, Problem> {
    let all = authorities(registry).await?.into_iter().map(|found| found.value);
    let issuing = all.filter(|record| record.role == AuthorityRole::Issuing);
    let trusted = issuing.filter(|record| now <= record.not_after && record.distrusted.is_none());
    Ok(trusted.map(|record| record.certificate).collect())
}

/// The subjects of issuing authorities whose devices are let in no more.
pub async fn distrusted_issuers(registry: &dyn Registry) -> Result<Vec<Vec<NamedValue<NameField>>>, Problem> {
    let all = authorities(registry).await?.into_iter().map(|found| found.value);
    let distrusted = all.filter(|record| record.role == AuthorityRole::Issuing && record.distrusted.is_some());
    distrusted.map(|record| Ok(read_certificate(&certificate_der(&record.certificate)?)?.subject)).collect()
}

/// Trusts an authority no more, nor the issuing authorities that a root has signed. Once more changes nothing.
///
/// # Errors
/// [`Code::NotFound`] when there is none of this name; [`Code::Conflict`] when it signs now.
pub async fn distrust(registry: &dyn Registry, name: &str, now: Timestamp) -> Result<(), Problem> {
    let all = authorities(registry).await?;
    let found = all.iter().find(|known| known.value.name == name);
    let found = found.ok_or_else(|| Problem::new(Code::NotFound, format!("there is no authority {name}")))?;
    if found.value.retired.is_none() {
        return Err(Problem::new(Code::Conflict, format!("{name} signs now; replace it first")));
    }
    let mut changes = Changes::default();
    for known in &all {
        let record = &known.value;
        let is_meant = record.name == name || signed(&record.certificate, &found.value.certificate);
        if !is_meant || record.distrusted.is_some() {
            continue;
        }
        let distrusted = AuthorityRecord { distrusted: Some(now), ..record.clone() };
        changes = changes.and(put(&distrusted, None, Expected::Revision(known.revision))?);
    }
    if !changes.writes.is_empty() {
        registry.commit(changes).await?;
    }
    Ok(())
}
