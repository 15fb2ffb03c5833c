//! The registry as the MQTT door asks it: who is behind a certificate, and what has changed.
//!
//! Changes are told by looking at the newest revision several times a second, which is one row.

use std::sync::Arc;
use std::time::Duration;

use andon_devices::NotAdmitted;
use andon_devices::door::{Admission, AdmissionError, Admitted, ChangeMark, DoorChange, Visitor};
use andon_devices::policy::{Connection, DefaultPolicies, Permissions};
use andon_devices::registry::{Change, Kind, MAX_ENTRIES, NotLetIn, Presented, Registry, RegistryError, admit};
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
}

impl ByRegistry {
    async fn look_up(&self, visitor: &Visitor, now: Timestamp) -> Result<Admitted, AdmissionError> {
        let presented = Presented { serial: visitor.serial.clone(), fingerprint: visitor.fingerprint.clone() };
        let found = admit(self.registry.as_ref(), &presented, &self.defaults, now).await.map_err(told)?;
        if visitor.common_name.as_deref().is_some_and(|name| name != found.device.name.as_str()) {
            return Err(NotAdmitted::Unknown.into());
        }
        let certificate = found.device.certificate(&found.certificate).ok_or(NotAdmitted::Unknown)?;
        let facts = certificate.facts().map_err(|error| AdmissionError::Unavailable(error.to_string()))?;
        let connection = Connection {
            client_id: &visitor.client_id,
            source: visitor.source,
            device: Some(&found.device),
            certificate: &facts,
        };
        let permissions = Permissions::bind(&found.policies, &connection);
        Ok(Admitted {
            device: found.device.name.clone(),
            certificate: found.certificate,
            permissions,
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

    async fn newest_change(&self) -> Result<ChangeMark, AdmissionError> {
        let revision = self.registry.revision().await.map_err(|error| unavailable(&error))?;
        Ok(ChangeMark(u64::try_from(revision).unwrap_or_default()))
    }

    async fn changes(&self, mark: ChangeMark) -> Result<(ChangeMark, Vec<DoorChange>), AdmissionError> {
        let mut mark = mark;
        loop {
            let after = i64::try_from(mark.0).unwrap_or(i64::MAX);
            let changes = match self.newest_change().await? {
                newest if newest > mark => {
                    self.registry.changes(after, MAX_ENTRIES).await.map_err(|error| unavailable(&error))?
                }
                _ => Vec::new(),
            };
            mark = changes.last().map_or(mark, |last| ChangeMark(u64::try_from(last.revision).unwrap_or_default()));
            let told: Vec<_> = changes.iter().filter_map(concerns).collect();
            if !told.is_empty() {
                return Ok((mark, told));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Whom a change of the registry concerns at the door.
fn concerns(change: &Change) -> Option<DoorChange> {
    match change.kind {
        Kind::Device => Some(change.key.parse().map_or(DoorChange::Everything, DoorChange::Device)),
        Kind::Profile | Kind::Group | Kind::Policy => Some(DoorChange::Everything),
        _ => None,
    }
}

/// A policy that cannot be used keeps its devices out, and live ones are cut off: it may have been a Deny.
fn told(error: NotLetIn) -> AdmissionError {
    match error {
        NotLetIn::Certificate(refused) => refused.into(),
        NotLetIn::Policy { name, cause } => {
            tracing::error!(policy = name, cause, "devices are kept out: a policy cannot be used");
            NotAdmitted::Inactive.into()
        }
        NotLetIn::Registry(error) => unavailable(&error),
    }
}

fn unavailable(error: &RegistryError) -> AdmissionError {
    AdmissionError::Unavailable(error.to_string())
}
