//! Beginning and going on: what a request means, given what is stored.

use andon_model::{Code, Problem, Timestamp};

use super::transition::Moving;
use super::{Enrolment, EnrolmentRequest, EnrolmentStatus, Phase, RequestedKey, Surroundings, Transition};
use crate::{Certificate, CertificateStatus, Device, DeviceId};

/// What a request came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Begun {
    /// There is something to do.
    Moving(Box<Transition>),
    /// The device is there and complete; its answer has everything but a private key.
    Complete {
        /// What was asked for and the device does not have ([`EnrolmentRequest::differences`]); nothing was changed.
        differs: Vec<&'static str>,
    },
}

/// Takes a request. `stored` is the enrolment under the device's name; `fresh` becomes the identity of a new device and
/// comes from an `IdSource`.
///
/// # Errors
/// [`Code::Onboarding`] when the name is taken: by a device with another key, by one that is revoked or INACTIVE, or by an enrolment
/// that asked for something else, or by another claim, and has not ended.
pub fn begin(
    request: EnrolmentRequest,
    stored: Option<Enrolment>,
    around: Surroundings<'_>,
    fresh: DeviceId,
    now: Timestamp,
) -> Result<Begun, Problem> {
    around.device.map_or(Ok(()), not_locked_out)?;
    match (stored, around.device) {
        (Some(stored), _) if stored.status().is_none() => again(request, stored, around, now),
        (Some(stored), Some(_)) if stored.status() != Some(EnrolmentStatus::Done) && stored.certificate.is_some() => {
            again(request, revived(stored), around, now)
        }
        (stored, Some(device)) => complete(&request, stored.as_ref(), device),
        (_, None) => Ok(moving(start(Enrolment::new(fresh, request), around, now))),
    }
}

/// Onboarding is no way back for a device that somebody has locked out, nor is rotation unless it is said that it is to be.
///
/// # Errors
/// [`Code::Onboarding`] with what to do, when the device has certificates and none of them is ACTIVE.
pub fn not_locked_out(device: &Device) -> Result<(), Problem> {
    let detail = match device.status() {
        CertificateStatus::Revoked => format!("{} is revoked: rotate it with --reinstate, or delete it", device.name),
        CertificateStatus::Inactive if !device.certificates.is_empty() => {
            format!("{} is INACTIVE: make its certificate active again, or delete it", device.name)
        }
        _ => return Ok(()),
    };
    Err(Problem::new(Code::Onboarding, detail))
}

fn moving(transition: Transition) -> Begun {
    Begun::Moving(Box::new(transition))
}

/// Goes on from what is stored, after a restart or when somebody asks again.
pub fn resume(stored: Enrolment, around: Surroundings<'_>, now: Timestamp) -> Transition {
    let (phase, certificate) = (stored.phase, stored.certificate.clone());
    let generates = matches!(stored.request.key, RequestedKey::Generate(_));
    let mut moving = Moving::new(stored, around, now);
    match (phase, certificate) {
        (Phase::Asking, _) => moving.ask(),
        // A key that was made has gone with the process that made it.
        (Phase::Delivering, Some(certificate)) if !generates => moving.deliver(certificate),
        (Phase::Issuing | Phase::Delivering, _) => moving.issue(),
        (Phase::Waiting { until, then }, _) => moving.wake(until, then),
        (Phase::Settled { .. }, _) => {}
    }
    moving.next
}

fn start(state: Enrolment, around: Surroundings<'_>, now: Timestamp) -> Transition {
    let mut moving = Moving::new(state, around, now);
    if moving.next.state.request.ask {
        moving.ask();
    } else {
        moving.issue();
    }
    moving.next
}

fn again(
    request: EnrolmentRequest,
    stored: Enrolment,
    around: Surroundings<'_>,
    now: Timestamp,
) -> Result<Begun, Problem> {
    if !is_same(request, &stored.request) {
        let detail = format!("another request to onboard {} has not ended", stored.request.device);
        return Err(Problem::new(Code::Onboarding, detail));
    }
    // Whoever asks again does not want to wait for the timer.
    let now = stored.due().map_or(now, |due| due.max(now));
    Ok(moving(resume(stored, around, now)))
}

/// What an approval may have changed in the stored request does not count.
fn is_same(mut request: EnrolmentRequest, stored: &EnrolmentRequest) -> bool {
    request.attributes.clone_from(&stored.attributes);
    if stored.ask {
        request.groups.clone_from(&stored.groups);
        request.profile.clone_from(&stored.profile);
    }
    request == *stored
}

/// An enrolment that was given up while its certificate was in force, but not known to have arrived.
fn revived(stored: Enrolment) -> Enrolment {
    Enrolment { phase: Phase::Delivering, failures: 0, ..stored }
}

/// The device is there: the same key, or any key that was made here, is the same request. Who comes by a claim, which many
/// share, has to show the key of the certificate that is in force.
fn complete(request: &EnrolmentRequest, stored: Option<&Enrolment>, device: &Device) -> Result<Begun, Problem> {
    let is_active = |known: &&Certificate| known.status == CertificateStatus::Active;
    let is_known = match &request.key {
        RequestedKey::Generate(_) => request.claim.is_none(),
        RequestedKey::Given(key) if request.claim.is_some() => {
            device.certificates.iter().filter(is_active).any(|known| has_key(known, &key.to_der()))
        }
        same if stored.is_some_and(|stored| stored.request.key == *same) => true,
        RequestedKey::Given(key) => device.certificates.iter().any(|known| has_key(known, &key.to_der())),
    };
    if is_known {
        return Ok(Begun::Complete { differs: request.differences(device) });
    }
    let detail = format!("{} is onboarded with another key; rotate its certificate, or delete it first", device.name);
    Err(Problem::new(Code::Onboarding, detail))
}

fn has_key(certificate: &Certificate, key: &[u8]) -> bool {
    certificate.facts().is_ok_and(|facts| facts.public_key_der == key)
}
