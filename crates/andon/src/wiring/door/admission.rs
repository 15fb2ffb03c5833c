//! The registry as the MQTT door asks it: who is behind a certificate, and what has changed.
//!
//! Changes are told by looking at the newest revision several times a second, which is one row.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use andon_devices::door::{Admission, AdmissionError, Admitted, ChangeMark, DoorChange, Owner, Visitor};
use andon_devices::pki::{NameField, NamedValue};
use andon_devices::policy::{Connection, DefaultPolicies, Permissions};
use andon_devices::registry::authorities::distrusted_issuers;
use andon_devices::registry::{
    Change, Kind, MAX_ENTRIES, NotLetIn, Presented, Registry, RegistryError, Versioned, admit, get,
};
use andon_devices::{Certificate, Device, DeviceName, NotAdmitted};
use andon_model::Timestamp;
use async_trait::async_trait;

use super::telemetry::AdmissionCounters;

/// How often the newest revision is looked at; an invariant gives a change one second in all (V1).
const LOOK: Duration = Duration::from_millis(100);

/// Admits by the registry.
pub(super) struct ByRegistry {
    pub(super) registry: Arc<dyn Registry>,
    pub(super) defaults: DefaultPolicies,
    pub(super) counters: AdmissionCounters,
    pub(super) distrusted: Distrusted,
}

/// The issuers whose devices are let in no more, and the revision of the registry up to which that is known.
#[derive(Default)]
pub(super) struct Distrusted(RwLock<Option<(i64, Issuers)>>);

type Issuers = Arc<Vec<Vec<NamedValue<NameField>>>>;

impl Distrusted {
    /// As of `revision`, or later.
    async fn issuers(&self, revision: i64, registry: &dyn Registry) -> Result<Issuers, AdmissionError> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, issuers)) = known.filter(|(of, _)| *of >= revision) {
            return Ok(issuers);
        }
        let read =
            distrusted_issuers(registry).await.map_err(|error| AdmissionError::Unavailable(error.to_string()))?;
        let issuers = Arc::new(read);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some((revision, Arc::clone(&issuers)));
        Ok(issuers)
    }
}

impl ByRegistry {
    async fn look_up(&self, visitor: &Visitor, now: Timestamp) -> Result<Admitted, AdmissionError> {
        let found = admit(self.registry.as_ref(), &presented(visitor), &self.defaults, now).await.map_err(told)?;
        if visitor.common_name.as_deref().is_some_and(|name| name != found.device.name.common_name()) {
            return Err(NotAdmitted::Unknown.into());
        }
        let certificate = found.device.certificate(&found.certificate).ok_or(NotAdmitted::Unknown)?;
        let facts = certificate.facts().map_err(|error| AdmissionError::Unavailable(error.to_string()))?;
        if self.distrusted.issuers(found.revision, self.registry.as_ref()).await?.contains(&facts.issuer) {
            return Err(NotAdmitted::Authority.into());
        }
        let connection = Connection {
            client_id: &visitor.client_id,
            source: visitor.source,
            device: Some(&found.device),
            certificate: &facts,
        };
        let permissions = Permissions::bind(&found.policies, &connection);
        Ok(Admitted {
            id: found.device.id.clone(),
            device: found.device.name.clone(),
            certificate: found.certificate,
            permissions,
            on_behalf_of: found.device.on_behalf_of,
            ends: found.until,
        })
    }
}

#[async_trait]
impl Admission for ByRegistry {
    async fn admit(&self, visitor: &Visitor, now: Timestamp) -> Result<Admitted, AdmissionError> {
        let answer = self.look_up(visitor, now).await;
        match &answer {
            Ok(_) => self.counters.admitted.increment(1),
            Err(AdmissionError::Refused(_)) => self.counters.refused.increment(1),
            Err(AdmissionError::Unavailable(_)) => self.counters.unavailable.increment(1),
        }
        answer
    }

    async fn owner(&self, visitor: &Visitor, now: Timestamp) -> Result<Option<Owner>, AdmissionError> {
        let registry = self.registry.as_ref();
        let revision = registry.revision().await.map_err(|error| unavailable(&error))?;
        let found = registry.device_with(&presented(visitor)).await.map_err(|error| unavailable(&error))?;
        let Some(entry) = found else { return Ok(None) };
        let device = Versioned::<Device>::of(&entry).map_err(|error| unavailable(&error))?.value;
        let distrusted = self.distrusted.issuers(revision, registry).await?;
        let opens = |known: &Certificate| {
            known.check(now).is_ok() && known.facts().is_ok_and(|facts| !distrusted.contains(&facts.issuer))
        };
        Ok(Some(Owner { id: device.id, is_known: device.certificates.iter().any(opens) }))
    }

    async fn is_device(&self, name: &str) -> Result<bool, AdmissionError> {
        let Ok(name) = name.parse::<DeviceName>() else { return Ok(false) };
        let found = get::<Device>(self.registry.as_ref(), name.as_str()).await;
        Ok(found.map_err(|error| unavailable(&error))?.is_some())
    }

    async fn newest_change(&self) -> Result<ChangeMark, AdmissionError> {
        let revision = self.registry.revision().await.map_err(|error| unavailable(&error))?;
        Ok(ChangeMark(u64::try_from(revision).unwrap_or_default()))
    }

    async fn changes(&self, mark: ChangeMark) -> Result<(ChangeMark, Vec<DoorChange>), AdmissionError> {
        loop {
            let newest = self.newest_change().await?;
            if newest > mark {
                return self.page(mark, newest).await;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl ByRegistry {
    /// The next changes after `mark`, and the place up to which they are all: that is never `mark` again. A page of what
    /// concerns no door is told as well, empty, so that a failure of the next one costs nothing; only after a page that
    /// was not full there is time to wait for more.
    async fn page(
        &self,
        mark: ChangeMark,
        newest: ChangeMark,
    ) -> Result<(ChangeMark, Vec<DoorChange>), AdmissionError> {
        let after = i64::try_from(mark.0).unwrap_or(i64::MAX);
        let changes = self.registry.changes(after, MAX_ENTRIES).await.map_err(|error| unavailable(&error))?;
        let is_full = changes.len() >= MAX_ENTRIES;
        let last = changes.last().map_or(mark, |last| ChangeMark(u64::try_from(last.revision).unwrap_or_default()));
        let reached = if is_full { last } else { last.max(newest) };
        let told: Vec<_> = changes.iter().filter_map(concerns).collect();
        if told.is_empty() && !is_full {
            tokio::time::sleep(LOOK).await;
        }
        Ok((reached, told))
    }
}

fn presented(visitor: &Visitor) -> Presented {
    Presented { serial: visitor.serial.clone(), fingerprint: visitor.fingerprint.clone() }
}

/// Whom a change of the registry concerns at the door.
fn concerns(change: &Change) -> Option<DoorChange> {
    match change.kind {
        Kind::Device => Some(change.key.parse().map_or(DoorChange::Everything, DoorChange::Device)),
        Kind::Profile | Kind::Group | Kind::Policy | Kind::Authority => Some(DoorChange::Everything),
        _ => None,
    }
}

/// A policy that cannot be used keeps its devices out, and live ones are cut off: it may have been a Deny.
fn told(error: NotLetIn) -> AdmissionError {
    match error {
        NotLetIn::Certificate(refused) => refused.into(),
        NotLetIn::Policy { name, cause } => {
            tracing::error!(policy = name, cause, "devices are kept out: a policy cannot be used");
            NotAdmitted::NoPolicy.into()
        }
        NotLetIn::Missing { kind, name } => {
            tracing::error!(kind = kind.word(), name, "devices are kept out: what they name is not stored");
            NotAdmitted::NoPolicy.into()
        }
        NotLetIn::Registry(error) => unavailable(&error),
    }
}

fn unavailable(error: &RegistryError) -> AdmissionError {
    AdmissionError::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use andon_devices::policy::TopicPrefix;
    use andon_devices::registry::{Changes, Expected, Write};
    use andon_testkit::MemoryRegistry;

    use super::*;

    fn door(registry: &MemoryRegistry) -> ByRegistry {
        let prefix = |text: &str| TopicPrefix::new(text).expect("a prefix");
        let defaults = DefaultPolicies { root: prefix("data"), commands: prefix("cmd") };
        ByRegistry {
            registry: Arc::new(registry.clone()),
            defaults,
            counters: AdmissionCounters::new(),
            distrusted: Distrusted::default(),
        }
    }

    fn entry(kind: Kind, key: &str) -> Write {
        let (key, body) = (key.to_owned(), "{}".to_owned());
        Write::Entry { kind, key, body, secret: None, expected: Expected::Anything }
    }

    async fn store(registry: &MemoryRegistry, kind: Kind, count: usize) {
        let keys: Vec<_> = (0..count).map(|number| format!("entry-{number}")).collect();
        for part in keys.chunks(MAX_ENTRIES) {
            let changes = part.iter().fold(Changes::default(), |changes, key| changes.and(entry(kind, key)));
            registry.commit(changes).await.expect("stored");
        }
    }

    /// What is told until something is, and in how many pages.
    async fn told(door: &ByRegistry, mut mark: ChangeMark) -> (ChangeMark, Vec<DoorChange>, usize) {
        let mut pages = 0;
        loop {
            pages += 1;
            let (reached, told) = door.changes(mark).await.expect("told");
            assert!(reached > mark, "each page is a step");
            if !told.is_empty() {
                return (reached, told, pages);
            }
            mark = reached;
        }
    }

    /// Not only it is told, but also each page before it, so that a reader who fails begins anew where it was.
    #[tokio::test]
    async fn what_concerns_no_door_does_not_hide_what_does() {
        let registry = MemoryRegistry::default();
        let door = door(&registry);
        store(&registry, Kind::Family, 5_000).await;
        store(&registry, Kind::Policy, 1).await;
        let (mark, told, pages) = told(&door, ChangeMark::default()).await;
        assert_eq!((told, pages), (vec![DoorChange::Everything], 6));
        assert_eq!(mark, door.newest_change().await.expect("answered"));
    }

    /// The step is told, so that it is not taken again.
    #[tokio::test]
    async fn a_short_page_of_what_concerns_no_door_is_a_step_too() {
        let registry = MemoryRegistry::default();
        let door = door(&registry);
        store(&registry, Kind::Claim, 3).await;
        let newest = door.newest_change().await.expect("answered");
        assert_eq!(door.changes(ChangeMark::default()).await.expect("told"), (newest, Vec::new()));
    }

    #[test]
    fn a_policy_that_cannot_be_used_is_told_as_such() {
        let group = NotLetIn::Missing { kind: Kind::Group, name: "line-4".to_owned() };
        assert_eq!(super::told(group), AdmissionError::Refused(NotAdmitted::NoPolicy));
        let missing = NotLetIn::Policy { name: "line-4".to_owned(), cause: "it is not stored".to_owned() };
        assert_eq!(super::told(missing), AdmissionError::Refused(NotAdmitted::NoPolicy));
    }
}
