//! What is kept of an enrolment between two inputs. Its JSON form is what the registry stores, by the device's name.

use std::collections::BTreeSet;

use andon_model::{Problem, Timestamp};
use serde::{Deserialize, Serialize};

use crate::pki::{KeyKind, PublicKey};
use crate::token::ClientId;
use crate::{Attributes, CertificateId, Device, DeviceId, DeviceName, GroupName, ProfileName};

/// Version tag of the stored form.
const FORMAT: u8 = 1;

/// Where the key pair comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestedKey {
    /// The device has it; this is the public half, from a signing request.
    Given(PublicKey),
    /// It is made here and handed over once.
    Generate(KeyKind),
}

/// What is asked for. The same request again means the same enrolment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentRequest {
    /// The device's name.
    pub device: DeviceName,
    /// Where its key pair comes from.
    pub key: RequestedKey,
    /// Its profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileName>,
    /// Its attributes.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// Its groups.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<GroupName>,
    /// Devices that it speaks for, if it is a gateway. Builds before this one stored them as `on_behalf_of`.
    #[serde(rename = "speaks_for", alias = "on_behalf_of", default, skip_serializing_if = "BTreeSet::is_empty")]
    pub on_behalf_of: BTreeSet<DeviceName>,
    /// Whether an allow-list or hook is to be asked first: always so when the one who asks is a shared claim identity.
    #[serde(default)]
    pub ask: bool,
    /// The client of the claim by which it was asked for. Another claim's request is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClientId>,
}

impl EnrolmentRequest {
    /// A request without anything optional.
    pub fn new(device: DeviceName, key: RequestedKey) -> Self {
        Self {
            device,
            key,
            profile: None,
            attributes: Attributes::default(),
            groups: BTreeSet::new(),
            on_behalf_of: BTreeSet::new(),
            ask: false,
            claim: None,
        }
    }

    /// What it asks for and `device`, which was there before, does not have: `profile`, `groups`, `attributes` and
    /// `speaks_for`. What it leaves out may be as it is.
    pub fn differences(&self, device: &Device) -> Vec<&'static str> {
        let has = |(name, value)| device.attributes.get(name) == Some(value);
        let differs = [
            ("profile", self.profile.is_some() && self.profile != device.profile),
            ("groups", !self.groups.is_subset(&device.groups)),
            ("attributes", !self.attributes.iter().all(has)),
            ("speaks_for", !self.on_behalf_of.is_subset(&device.on_behalf_of)),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect()
    }
}

/// How an enrolment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrolmentStatus {
    /// The device is there and has its certificate.
    Done,
    /// It is not allowed; a new request starts anew.
    Refused,
    /// Attempts are used up; a new request starts anew.
    Failed,
}

/// What is tried again after a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Asking.
    Ask,
    /// Issuing.
    Issue,
}

/// Where an enrolment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// The allow-list or hook is being asked.
    Asking,
    /// A certificate is being issued.
    Issuing,
    /// The certificate is in force, and on its way to whoever asked.
    Delivering,
    /// Waits until a point in time.
    Waiting {
        /// Until when.
        until: Timestamp,
        /// What comes then.
        then: Then,
    },
    /// Nothing more happens.
    Settled {
        /// How it ended.
        status: EnrolmentStatus,
    },
}

/// The state of an enrolment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Enrolment {
    /// Version tag of this form.
    pub v: u8,
    /// The identity that the device has or will have.
    pub id: DeviceId,
    /// What was asked for.
    pub request: EnrolmentRequest,
    /// Where it is.
    pub phase: Phase,
    /// Counts the effects, so that an answer to an earlier one is recognised and ignored.
    pub turn: u32,
    /// Failed attempts in a row.
    #[serde(default)]
    pub failures: u32,
    /// The certificate that is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateId>,
    /// Why it waits or did not end in `done`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

impl Enrolment {
    pub(super) fn new(id: DeviceId, request: EnrolmentRequest) -> Self {
        let phase = if request.ask { Phase::Asking } else { Phase::Issuing };
        Self { v: FORMAT, id, request, phase, turn: 0, failures: 0, certificate: None, problem: None }
    }

    /// How it ended, if it did.
    pub fn status(&self) -> Option<EnrolmentStatus> {
        match self.phase {
            Phase::Settled { status } => Some(status),
            _ => None,
        }
    }

    /// When it wants to be woken.
    pub fn due(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Waiting { until, .. } => Some(until),
            _ => None,
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let state: Self = serde_json::from_str(text)?;
        if state.v == FORMAT {
            return Ok(state);
        }
        Err(serde::de::Error::custom(format!("enrolment of format {}, this program reads {FORMAT}", state.v)))
    }
}
