//! `step`: one input, one new state, what is to be stored with it, and what is to be done after that.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use andon_model::{Code, Problem, Timestamp};

use super::{Enrolment, EnrolmentRequest, EnrolmentStatus, Phase, RequestedKey, Then};
use crate::pki::{RevocationReason, RevokedEntry};
use crate::{Certificate, CertificateId, Device, DeviceError, GroupName, Profile, ProfileName};

/// Failed attempts in a row after which an enrolment is given up.
const MAX_FAILURES: u32 = 10;

/// The first wait after a failed attempt; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Longest wait.
const MAX_WAIT: Duration = Duration::from_mins(5);

/// What an allow-list or hook adds to a request that it allows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Approval {
    /// The profile that the device gets instead of the one asked for. [`Surroundings::profile`] is then this one.
    pub profile: Option<ProfileName>,
    /// Attributes to set; an empty value removes.
    pub attributes: BTreeMap<String, String>,
    /// Groups that the device joins beside those of the request.
    pub groups: BTreeSet<GroupName>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The device may be onboarded.
    Allowed(Approval),
    /// It may not, for this reason.
    Refused(String),
    /// Whether it may could not be found out.
    Unanswered(Problem),
    /// A certificate was issued, in answer to the effect with this turn.
    Issued {
        /// The turn of the effect.
        turn: u32,
        /// The certificate, active.
        certificate: Box<Certificate>,
    },
    /// No certificate was issued.
    NotIssued(Problem),
    /// Whoever asked has the certificate, and the key if one was made.
    Delivered {
        /// The turn of the effect.
        turn: u32,
    },
    /// It could not be handed over, perhaps because after a restart nobody waits for it. What can be done about it is up to
    /// the one who asked: to ask again.
    Undelivered {
        /// The turn of the effect.
        turn: u32,
        /// Why not.
        problem: Problem,
    },
    /// A device connected with this certificate, so that it must have arrived.
    Seen(CertificateId),
    /// Time has passed.
    Tick,
}

/// What is to be done, after the state is stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the allow-list or hook.
    Ask,
    /// Issue a certificate, with a new serial number, to the key of the request or to a new one.
    Issue {
        /// Comes back in the answer.
        turn: u32,
        /// Whose key.
        key: RequestedKey,
    },
    /// Hand over the certificate, together with the key if it was made for it.
    Deliver {
        /// Comes back in the answer.
        turn: u32,
        /// Which one.
        certificate: CertificateId,
    },
    /// Give it [`Input::Tick`] at this time.
    WakeAt(Timestamp),
}

/// What is stored beside the enrolment and bears upon it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// The device, if it is stored already.
    pub device: Option<&'a Device>,
    /// The profile that the request names.
    pub profile: Option<&'a Profile>,
}

/// The next state. State, device and revoked certificates are stored in one transaction; the effects come after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The new state.
    pub state: Enrolment,
    /// The device as it is to be stored, if it changed.
    pub device: Option<Device>,
    /// Certificates to add to the revocation list.
    pub revoked: Vec<RevokedEntry>,
    /// What is to be done.
    pub effects: Vec<Effect>,
}

/// Feeds one input. One that answers an earlier effect, or comes late, changes nothing.
pub fn step(state: Enrolment, around: Surroundings<'_>, input: Input, now: Timestamp) -> Transition {
    let mut moving = Moving::new(state, around, now);
    let turn = moving.next.state.turn;
    match (moving.next.state.phase, input) {
        (Phase::Asking, Input::Allowed(approval)) => moving.allowed(&approval),
        (Phase::Asking, Input::Refused(reason)) => moving.refuse(Problem::new(Code::Onboarding, reason)),
        (Phase::Asking, Input::Unanswered(problem)) => moving.failed(problem, Then::Ask),
        (Phase::Issuing, Input::Issued { turn: of, certificate }) if of == turn => moving.issued(*certificate),
        (Phase::Issuing, Input::NotIssued(problem)) => moving.failed(problem, Then::Issue),
        (Phase::Delivering, Input::Delivered { turn: of }) if of == turn => moving.settle(EnrolmentStatus::Done),
        (Phase::Delivering, Input::Undelivered { turn: of, problem }) if of == turn => {
            moving.next.state.problem = Some(problem);
        }
        (Phase::Delivering, Input::Seen(id)) if moving.next.state.certificate.as_ref() == Some(&id) => {
            moving.settle(EnrolmentStatus::Done);
        }
        (Phase::Waiting { until, then }, Input::Tick) => moving.wake(until, then),
        _ => {}
    }
    moving.next
}

/// A transition in the making.
pub(super) struct Moving<'a> {
    pub(super) next: Transition,
    around: Surroundings<'a>,
    now: Timestamp,
}

impl<'a> Moving<'a> {
    pub(super) fn new(state: Enrolment, around: Surroundings<'a>, now: Timestamp) -> Self {
        let next = Transition { state, device: None, revoked: Vec::new(), effects: Vec::new() };
        Self { next, around, now }
    }

    pub(super) fn ask(&mut self) {
        self.next.state.phase = Phase::Asking;
        self.next.effects.push(Effect::Ask);
    }

    /// Asks for a certificate, once it is clear that the device can be made of what was asked for.
    pub(super) fn issue(&mut self) {
        if let Err(error) = self.draft() {
            return self.refuse(error.into());
        }
        self.next.state.turn += 1;
        self.next.state.phase = Phase::Issuing;
        let (turn, key) = (self.next.state.turn, self.next.state.request.key.clone());
        self.next.effects.push(Effect::Issue { turn, key });
    }

    /// Hands over the certificate that is in force.
    pub(super) fn deliver(&mut self, certificate: CertificateId) {
        self.next.state.turn += 1;
        self.next.state.phase = Phase::Delivering;
        self.next.state.certificate = Some(certificate.clone());
        self.next.effects.push(Effect::Deliver { turn: self.next.state.turn, certificate });
    }

    fn allowed(&mut self, approval: &Approval) {
        match self.next.state.request.attributes.merged(&approval.attributes) {
            Err(error) => self.refuse(error.into()),
            Ok(attributes) => {
                let request = &mut self.next.state.request;
                request.attributes = attributes;
                request.groups.extend(approval.groups.iter().cloned());
                request.profile = approval.profile.clone().or(request.profile.take());
                self.succeeded();
                self.issue();
            }
        }
    }

    /// The device takes the certificate; one that was issued before and may have gone astray is revoked with it.
    fn issued(&mut self, certificate: Certificate) {
        let id = certificate.id.clone();
        match self.replaced(certificate) {
            Err(error) => self.refuse(error.into()),
            Ok((device, revoked)) => {
                (self.next.device, self.next.revoked) = (Some(device), revoked);
                self.succeeded();
                self.deliver(id);
            }
        }
    }

    fn replaced(&self, certificate: Certificate) -> Result<(Device, Vec<RevokedEntry>), DeviceError> {
        let mut device = self.draft()?;
        let mut revoked = Vec::new();
        let before = self.next.state.certificate.as_ref().filter(|id| device.certificate(id).is_some());
        if let Some(id) = before {
            device.revoke(id, RevocationReason::Superseded, self.now)?;
            revoked.extend(device.delete(id)?);
        }
        revoked.extend(device.add(certificate, self.now)?);
        Ok((device, revoked))
    }

    /// The device that is stored, or the one that the request asks for.
    fn draft(&self) -> Result<Device, DeviceError> {
        if let Some(device) = self.around.device {
            return Ok(device.clone());
        }
        let Enrolment { id, request, .. } = &self.next.state;
        let mut device = Device::new(id.clone(), request.device.clone(), self.now);
        let EnrolmentRequest { attributes, groups, on_behalf_of, .. } = request.clone();
        (device.attributes, device.groups, device.on_behalf_of) = (attributes, groups, on_behalf_of);
        device.profile.clone_from(&request.profile);
        device.check_limits()?;
        device.fit(self.around.profile)?;
        Ok(device)
    }

    fn succeeded(&mut self) {
        self.next.state.failures = 0;
        self.next.state.problem = None;
    }

    fn failed(&mut self, problem: Problem, then: Then) {
        self.next.state.problem = Some(problem);
        self.next.state.failures += 1;
        if self.next.state.failures >= MAX_FAILURES {
            return self.settle(EnrolmentStatus::Failed);
        }
        let wait = FIRST_WAIT.saturating_mul(1 << (self.next.state.failures - 1)).min(MAX_WAIT);
        let until = self.now.after(wait);
        self.next.state.phase = Phase::Waiting { until, then };
        self.next.effects.push(Effect::WakeAt(until));
    }

    pub(super) fn wake(&mut self, until: Timestamp, then: Then) {
        match then {
            _ if self.now < until => self.next.effects.push(Effect::WakeAt(until)),
            Then::Ask => self.ask(),
            Then::Issue => self.issue(),
        }
    }

    fn refuse(&mut self, problem: Problem) {
        self.next.state.problem = Some(problem);
        self.settle(EnrolmentStatus::Refused);
    }

    fn settle(&mut self, status: EnrolmentStatus) {
        if status == EnrolmentStatus::Done {
            self.succeeded();
        }
        self.next.state.phase = Phase::Settled { status };
    }
}
