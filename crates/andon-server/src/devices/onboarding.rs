//! Onboarding one device: the state machine of `andon_devices::enrolment`, fed until the certificate can be handed over.

use andon_devices::enrolment::{
    Approval, Begun, Effect, Enrolment, EnrolmentRequest, EnrolmentStatus, Input, Phase, RequestedKey, Surroundings,
    Then, Transition, begin, step,
};
use andon_devices::pki::KeyFingerprint;
use andon_devices::registry::{
    Changes, Claim, Entry, Expected, KeyUse, Kind, RegistryError, Versioned, Write, expecting, get, put,
};
use andon_devices::{CertificateId, Device, DeviceName, Profile};
use andon_model::{Code, Problem, Secret};

use super::holding::taking;
use super::turns::Turn;
use super::{Issued, Names, Office, Trouble, gave_up};

/// A device with what is to be handed over.
#[derive(Debug)]
pub(crate) struct Onboarded {
    pub(crate) device: Device,
    /// The certificate and the private key that was made for it, in the one answer that hands it over.
    pub(crate) key: Option<(CertificateId, Secret)>,
    /// To be noted once the answer has gone out; none if nothing was handed over.
    pub(crate) delivery: Option<Delivery>,
    /// What was asked for and the device, which was there before, does not have.
    pub(crate) differs: Vec<&'static str>,
    /// It was there before, and nothing is handed over.
    pub(crate) unchanged: bool,
}

impl Onboarded {
    /// `onboarded` or `unchanged`.
    pub(crate) fn outcome(&self) -> &'static str {
        if self.unchanged { "unchanged" } else { "onboarded" }
    }
}

/// A certificate on its way.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    device: DeviceName,
    turn: u32,
    /// The enrolment as it was stored, so that nobody has to read it again to go on.
    stored: Option<Box<Versioned<Enrolment>>>,
    /// Others who ask for the same device wait until this one has arrived.
    held: Option<Turn>,
}

/// What is stored under the name of a device.
pub(super) struct Stored {
    enrolment: Option<Versioned<Enrolment>>,
    device: Option<Versioned<Device>>,
    /// What is known of the key that the request brings.
    key: Option<Versioned<KeyUse>>,
}

/// What a request comes to, before it is stored.
pub(super) struct Planned {
    pub(super) changes: Changes,
    /// The enrolment, if the last of the changes stores it.
    enrolment: Option<Enrolment>,
    outcome: Outcome,
}

enum Outcome {
    HandedOver(Box<Onboarded>),
    NotDone(Problem),
}

impl Planned {
    /// What the caller is told once the changes are stored, the last of them with this revision.
    pub(super) fn told(self, revision: i64) -> Result<Onboarded, Problem> {
        match self.outcome {
            Outcome::HandedOver(mut onboarded) => {
                let stored = self.enrolment.map(|value| Box::new(Versioned { revision, value }));
                onboarded.delivery.iter_mut().for_each(|delivery| delivery.stored.clone_from(&stored));
                Ok(*onboarded)
            }
            Outcome::NotDone(problem) => Err(problem),
        }
    }
}

impl Office {
    /// Onboards a device, or finds that it is onboarded. With a `claim`, its end, its allow-list and
    /// its hook are asked before anything is told.
    pub(crate) async fn onboard(
        &self,
        request: &EnrolmentRequest,
        claim: Option<&Claim>,
    ) -> Result<Onboarded, Problem> {
        let turn = self.turns.take(&request.device).await;
        let mut onboarded = self.onboard_now(request, claim).await?;
        onboarded.delivery.iter_mut().for_each(|delivery| delivery.held.clone_from(&turn));
        Ok(onboarded)
    }

    async fn onboard_now(&self, request: &EnrolmentRequest, claim: Option<&Claim>) -> Result<Onboarded, Problem> {
        unraced!(async {
            // Boxed, since its state is too large to be carried through every answer.
            let planned = Box::pin(self.plan(request.clone(), claim)).await?;
            let mut revision = 0;
            if !planned.changes.writes.is_empty() {
                revision = self.registry.commit(planned.changes.clone()).await?;
            }
            planned.told(revision).map_err(Trouble::Told)
        })
    }

    /// Goes through the onboarding up to the hand-over, and stores nothing.
    pub(super) async fn plan(&self, request: EnrolmentRequest, claim: Option<&Claim>) -> Result<Planned, Trouble> {
        let mut stored = self.stored(&[&request]).await?;
        let stored = stored.pop().ok_or_else(gave_up)?;
        self.plan_from(request, stored, claim).await
    }

    /// What is stored of the devices and keys of these requests, read at once.
    pub(super) async fn stored(&self, requests: &[&EnrolmentRequest]) -> Result<Vec<Stored>, Trouble> {
        let wanted: Vec<(Kind, String)> = requests.iter().flat_map(|request| read_for(request)).collect();
        let found = self.registry.several(&wanted).await?;
        let read = |pair: &[Option<Entry>]| -> Result<Stored, RegistryError> {
            let (enrolment, device, key) = (pair[0].as_ref(), pair[1].as_ref(), pair[2].as_ref());
            Ok(Stored {
                enrolment: enrolment.map(Versioned::of).transpose()?,
                device: device.map(Versioned::of).transpose()?,
                key: key.map(Versioned::of).transpose()?,
            })
        };
        Ok(found.chunks_exact(3).map(read).collect::<Result<_, _>>()?)
    }

    /// The same, with what was read before.
    pub(super) async fn plan_from(
        &self,
        request: EnrolmentRequest,
        Stored { enrolment: stored, device, key: held }: Stored,
        claim: Option<&Claim>,
    ) -> Result<Planned, Trouble> {
        claim.map_or(Ok(()), |claim| claim.check(&request.device, self.now()))?;
        self.may_hold(&request.device, held.as_ref()).await?;
        // An approval may have given it another profile than it asks for.
        let unsettled = stored.as_ref().map(|stored| &stored.value).filter(|stored| stored.status().is_none());
        let named = unsettled.map_or(&request, |stored| &stored.request).profile.as_ref();
        let profile = self.profile(named).await?;
        let (enrolment, before) = (expecting(stored.as_ref()), expecting(device.as_ref()));
        let known = device.map(|device| device.value);
        let around = Surroundings { device: known.as_ref(), profile: profile.as_ref() };
        let state = stored.map(|stored: Versioned<Enrolment>| stored.value);
        let transition = match begin(request, state, around, self.fresh_id(), self.now())? {
            Begun::Moving(transition) => *transition,
            Begun::Complete { differs } => return complete(known, differs),
        };
        self.all_stored(Names::of_groups(&transition.state.request.groups)).await?;
        self.ask_again(claim, &transition).await?;
        let mut course = Course { office: self, claim, profile, device: known, changed: false, key: None, taken: None };
        let (state, revoked) = course.run(transition).await?;
        let mut changes = Changes { writes: Vec::new(), revoked };
        if let Some(device) = course.device.clone().filter(|_| course.changed) {
            if let Some(key) = course.taken.take() {
                changes = changes.and(taking(&device.name, key, held.as_ref())?);
            }
            changes = changes.and(Write::Device { device: Box::new(device), expected: before });
        }
        // A no that follows nothing leaves nothing: a claim could fill the registry with names otherwise.
        if enrolment != Expected::Absent || !is_no(&state) {
            changes = changes.and(put(&state, None, enrolment)?);
            return Ok(Planned { changes, outcome: course.outcome(&state), enrolment: Some(state) });
        }
        Ok(Planned { changes, outcome: course.outcome(&state), enrolment: None })
    }

    /// Asks the hook of a claim about an onboarding that goes on: the answer that it gave before may be an old one.
    async fn ask_again(&self, claim: Option<&Claim>, onward: &Transition) -> Result<(), Problem> {
        let Some((claim, hook)) = claim.and_then(|claim| Some((claim, claim.hook.as_ref()?))) else { return Ok(()) };
        if onward.effects.contains(&Effect::Ask) {
            return Ok(());
        }
        match self.hear_hook(hook, &claim.client, &onward.state.request).await.0 {
            Input::Refused(reason) => Err(Problem::new(Code::Onboarding, reason)),
            Input::Unanswered(problem) => Err(problem),
            _ => Ok(()),
        }
    }

    /// Notes that the certificate has gone out. One that was replaced since changes nothing.
    pub(crate) async fn delivered(&self, delivery: &Delivery) -> Result<(), Problem> {
        if let Some(write) = self.expected_write(delivery)? {
            match self.registry.commit(Changes::default().and(write)).await {
                Err(RegistryError::Changed { .. }) => {}
                noted => return noted.map(drop).map_err(Problem::from),
            }
        }
        unraced!(async {
            if let Some(write) = self.delivered_write(delivery).await? {
                self.registry.commit(Changes::default().and(write)).await?;
            }
            Ok(())
        })
    }

    /// The note, if nothing has changed since the certificate was stored.
    pub(super) fn expected_write(&self, delivery: &Delivery) -> Result<Option<Write>, Problem> {
        let Some(stored) = &delivery.stored else { return Ok(None) };
        Ok(self.noting(stored, delivery.turn)?)
    }

    pub(super) async fn delivered_write(&self, delivery: &Delivery) -> Result<Option<Write>, Trouble> {
        let stored = get::<Enrolment>(self.registry.as_ref(), delivery.device.as_str()).await?;
        let Some(stored) = stored else { return Ok(None) };
        Ok(self.noting(&stored, delivery.turn)?)
    }

    fn noting(&self, stored: &Versioned<Enrolment>, turn: u32) -> Result<Option<Write>, RegistryError> {
        let input = Input::Delivered { turn };
        let next = step(stored.value.clone(), Surroundings::default(), input, self.now()).state;
        if next == stored.value {
            return Ok(None);
        }
        put(&next, None, Expected::Revision(stored.revision)).map(Some)
    }
}

/// What a request is planned from. No key has an empty fingerprint: one that is yet to be made is not known.
fn read_for(request: &EnrolmentRequest) -> [(Kind, String); 3] {
    let name = request.device.as_str().to_owned();
    let key = match &request.key {
        RequestedKey::Given(key) => key.fingerprint().as_str().to_owned(),
        RequestedKey::Generate(_) => String::new(),
    };
    [(Kind::Enrolment, name.clone()), (Kind::Device, name), (Kind::KeyUse, key)]
}

/// Whether it was refused, or nobody could say whether it is allowed.
fn is_no(state: &Enrolment) -> bool {
    state.status() == Some(EnrolmentStatus::Refused) || matches!(state.phase, Phase::Waiting { then: Then::Ask, .. })
}

fn complete(known: Option<Device>, differs: Vec<&'static str>) -> Result<Planned, Trouble> {
    let lost = || Problem::new(Code::Internal, "a device that is complete is not there");
    let onboarded = Onboarded { device: known.ok_or_else(lost)?, key: None, delivery: None, differs, unchanged: true };
    let outcome = Outcome::HandedOver(Box::new(onboarded));
    Ok(Planned { changes: Changes::default(), outcome, enrolment: None })
}

/// An onboarding under way.
struct Course<'a> {
    office: &'a Office,
    claim: Option<&'a Claim>,
    profile: Option<Profile>,
    device: Option<Device>,
    changed: bool,
    key: Option<(CertificateId, Secret)>,
    /// The key of the certificate that was issued.
    taken: Option<KeyFingerprint>,
}

impl Course<'_> {
    /// Feeds the state machine until something is to be handed over, or nothing more happens now.
    async fn run(
        &mut self,
        mut transition: Transition,
    ) -> Result<(Enrolment, Vec<andon_devices::pki::RevokedEntry>), Trouble> {
        let mut revoked = Vec::new();
        loop {
            revoked.append(&mut transition.revoked);
            if let Some(device) = transition.device.take() {
                self.device = Some(device);
                self.changed = true;
            }
            let effects = std::mem::take(&mut transition.effects);
            let state = transition.state;
            let Some(input) = self.perform(&state, effects).await else { return Ok((state, revoked)) };
            let around = Surroundings { device: self.device.as_ref(), profile: self.profile.as_ref() };
            transition = step(state, around, input, self.office.now());
        }
    }

    /// The answer to an effect that leaves nothing behind.
    async fn perform(&mut self, state: &Enrolment, effects: Vec<Effect>) -> Option<Input> {
        match effects.into_iter().next()? {
            Effect::Ask => Some(self.ask(state).await),
            Effect::Issue { turn, key } => Some(self.issue(state, turn, &key).await),
            Effect::Deliver { .. } | Effect::WakeAt(_) => None,
        }
    }

    async fn ask(&mut self, state: &Enrolment) -> Input {
        let Some(claim) = self.claim else { return Input::Allowed(Approval::default()) };
        let Some(hook) = &claim.hook else { return Input::Allowed(Approval::default()) };
        let (input, profile) = self.office.hear_hook(hook, &claim.client, &state.request).await;
        self.profile = profile.or(self.profile.take());
        input
    }

    async fn issue(&mut self, state: &Enrolment, turn: u32, key: &RequestedKey) -> Input {
        match self.office.issue(&state.request.device, self.profile.as_ref(), key).await {
            Ok(Issued { certificate, private, key }) => {
                self.taken = Some(key);
                self.key = private.map(|private| (certificate.id.clone(), private));
                Input::Issued { turn, certificate: Box::new(certificate) }
            }
            Err(problem) => Input::NotIssued(problem),
        }
    }

    fn outcome(self, state: &Enrolment) -> Outcome {
        if let (Phase::Delivering, Some(device)) = (state.phase, self.device) {
            let delivery = Some(Delivery { device: device.name.clone(), turn: state.turn, stored: None, held: None });
            let onboarded = Onboarded { device, key: self.key, delivery, differs: Vec::new(), unchanged: false };
            return Outcome::HandedOver(Box::new(onboarded));
        }
        let unknown = || Problem::new(Code::Onboarding, "the onboarding did not come to an end; try again");
        Outcome::NotDone(state.problem.clone().unwrap_or_else(unknown))
    }
}
