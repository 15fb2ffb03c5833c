//! Who trusts whom: the roots that devices are given, the chains that are sent, and the end of an authority.

use andon_model::{Code, Problem, Timestamp};

use super::{Registry, authorities, number};
use crate::pki::{NameField, NamedValue, certificate_der, is_signed_by, read_certificate};
use crate::registry::{AuthorityRecord, AuthorityRole, Changes, Expected, put};

/// What devices trust, in PEM: every root that is not distrusted, oldest first.
pub fn roots(all: &[AuthorityRecord]) -> String {
    let trusted = all.iter().filter(|known| known.role == AuthorityRole::Root && known.distrusted.is_none());
    trusted.map(|known| known.certificate.as_str()).collect()
}

/// What follows a certificate (in PEM) where TLS sends it: its issuing authority, then the cross certificates of its root,
/// by which those verify it who trust an older root alone. Each is signed by the next one.
pub fn chain(all: &[AuthorityRecord], certificate: &str) -> String {
    let issuer_of = |pem: &str, role| {
        let of_role = all.iter().filter(move |known| known.role == role);
        of_role.rev().find(|known| signed(pem, &known.certificate))
    };
    let Some(issuing) = issuer_of(certificate, AuthorityRole::Issuing) else { return String::new() };
    let mut text = issuing.certificate.clone();
    let mut root = issuer_of(&issuing.certificate, AuthorityRole::Root);
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

fn signed(pem: &str, issuer: &str) -> bool {
    let (Ok(der), Ok(issuer)) = (certificate_der(pem), certificate_der(issuer)) else { return false };
    is_signed_by(&der, &issuer).unwrap_or(false)
}

/// What a listener verifies the certificates of devices with, in PEM: every authority that has not ended and is not
/// distrusted, the issuing ones too, since devices may send their own certificate alone.
pub async fn trust_anchors(registry: &dyn Registry, now: Timestamp) -> Result<String, Problem> {
    let all = authorities(registry).await?.into_iter().map(|found| found.value);
    let trusted = all.filter(|record| now <= record.not_after && record.distrusted.is_none());
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
