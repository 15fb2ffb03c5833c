//! The office: onboards devices, changes them, and gives out tokens, by the rules of `andon-devices`.
//!
//! **Constraints.** Decides nothing that `andon-devices` can decide. Every change is read, decided and committed
//! *expecting* what was read; when somebody else was faster, it is decided anew. A private key that was made here is in
//! the answer that hands it over and nowhere else.
//!
//! **Life of an onboarding.** What leaves nothing behind (asking the claim's allow-list, making a key, signing) happens
//! before the one commit that stores enrolment, device and revocations; then the certificate is handed over; when the
//! answer has gone out, a second commit notes that it was delivered. Killed between the two, the next request replaces a
//! key that was made here, or hands over the same certificate once more.

/// Makes a decision (an async block) anew until nobody else is faster.
macro_rules! unraced {
    ($decide:expr) => {{
        let mut answer = Err($crate::devices::gave_up());
        for _ in 0..$crate::devices::ATTEMPTS {
            match $crate::devices::decision($decide).await {
                Err($crate::devices::Trouble::Raced) => {}
                Err($crate::devices::Trouble::Told(problem)) => {
                    answer = Err(problem);
                    break;
                }
                Ok(value) => {
                    answer = Ok(value);
                    break;
                }
            }
        }
        answer
    }};
}

mod changing;
mod clients;
mod connection;
mod grants;
mod holding;
mod hook;
mod import;
mod letters;
mod naming;
mod onboarding;
mod revocations;
mod settings;
mod signers;
mod tokens;
mod turns;
mod upkeep;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use andon_devices::enrolment::RequestedKey;
use andon_devices::pki::{Authority, CertificateTerms, KeyFingerprint, KeyKind, PkiError, PrivateKey, Serial};
use andon_devices::registry::authorities::{self, AuthorityPlan, Making, Renewal};
use andon_devices::registry::{AuthorityRecord, AuthorityRole, Kind, Registry, RegistryError, get};
use andon_devices::{
    Certificate, CertificateStatus, DeviceId, DeviceName, Entropy, KeyOrigin, KeySource, Profile, ProfileName,
};
use andon_journal::Secrets;
use andon_model::{Clock, Code, IdSource, Problem, Secret, Timestamp};
use tokio::sync::Notify;

use crate::auth::{ExternalIssuer, OidcSettings};
use crate::mailer::Mailer;
use crate::outside::Outside;

pub(crate) use changing::{DeviceChange, RevokeRequest};
pub(crate) use clients::{ClientWish, Page};
pub(crate) use connection::Connection;
pub(crate) use grants::Grants;
pub(crate) use import::{Bulk, ImportPart, LineOutcome, format_of};
pub(crate) use letters::{LetterWish, MailTest, postman};
pub(crate) use naming::Names;
pub(crate) use onboarding::{Delivery, Onboarded};
pub use settings::DeviceSettings;
pub(crate) use tokens::TokenFault;
pub(crate) use upkeep::{Upkeep, register_upkeep_metrics};

/// How long the authority that issues is believed to be the same. What one that was just replaced signs stays good.
const AUTHORITY_AGE: Duration = Duration::from_secs(1);

/// How often a decision is made anew because somebody else was faster.
const ATTEMPTS: usize = 16;

/// Onboards and manages devices.
pub(crate) struct Office {
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) settings: DeviceSettings,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    entropy: Arc<dyn Entropy>,
    keys: Arc<dyn KeySource>,
    /// The authority that issues, opened, with its name and when it was last looked up. A name never means another one.
    issuing: RwLock<Option<(String, Arc<Authority>, Timestamp)>>,
    signers: signers::SignerBook,
    secrets: Arc<dyn Secrets>,
    outside: Arc<dyn Outside>,
    mailer: Option<Arc<dyn Mailer>>,
    /// Wakes the postman.
    letter_written: Notify,
    /// Who gives out access tokens, if not we.
    issuer: Option<ExternalIssuer>,
    lists: revocations::ListBook,
    trust: connection::TrustBook,
    turns: turns::Turns,
}

/// What an office works with.
pub struct OfficeParts {
    /// Where devices are stored.
    pub registry: Arc<dyn Registry>,
    /// Randomness for secrets and serial numbers.
    pub entropy: Arc<dyn Entropy>,
    /// Where key pairs come from.
    pub keys: Arc<dyn KeySource>,
    /// Secrets by which hooks know us.
    pub secrets: Arc<dyn Secrets>,
    /// How other systems are asked.
    pub outside: Arc<dyn Outside>,
    /// How letters leave; without it, none are written.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// Who gives out access tokens; without it, this program does.
    pub oidc: Option<OidcSettings>,
    /// Names, times and addresses.
    pub settings: DeviceSettings,
}

/// Why something was not done.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Somebody else changed what was read: decide anew.
    Raced,
    /// The caller is to be told.
    Told(Problem),
}

impl From<RegistryError> for Trouble {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Changed { .. } => Self::Raced,
            other => Self::Told(other.into()),
        }
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Told(problem)
    }
}

/// A certificate as it was issued to a device.
pub(crate) struct Issued {
    certificate: Certificate,
    /// Its private key, if that was made for it.
    private: Option<Secret>,
    /// The fingerprint of its public key.
    key: KeyFingerprint,
}

/// A decision, by its type: it may find that somebody else was faster.
pub(crate) fn decision<T>(
    decide: impl Future<Output = Result<T, Trouble>>,
) -> impl Future<Output = Result<T, Trouble>> {
    decide
}

pub(crate) fn gave_up() -> Problem {
    Problem::new(Code::Conflict, "others keep changing it at the same time; try again")
}

impl Office {
    pub(crate) fn new(parts: OfficeParts, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        let OfficeParts { registry, entropy, keys, secrets, outside, mailer, oidc, settings } = parts;
        let external = |oidc| ExternalIssuer::new(oidc, Arc::clone(&outside), Arc::clone(&clock));
        let issuer = oidc.map(external);
        let (issuing, signers, letter_written) = (RwLock::default(), signers::SignerBook::default(), Notify::new());
        Self {
            registry,
            settings,
            clock,
            ids,
            entropy,
            keys,
            issuing,
            signers,
            secrets,
            outside,
            mailer,
            letter_written,
            issuer,
            lists: revocations::ListBook::default(),
            trust: connection::TrustBook::default(),
            turns: turns::Turns::default(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn fresh_id(&self) -> DeviceId {
        DeviceId::from_bits(self.ids.next_id())
    }

    fn making(&self) -> Making<'_> {
        Making { keys: self.keys.as_ref(), entropy: self.entropy.as_ref(), now: self.now() }
    }

    /// What authorities are like that this office makes.
    pub(crate) fn authority_plan(&self) -> AuthorityPlan {
        AuthorityPlan { organization: self.settings.organization.clone(), ..AuthorityPlan::default() }
    }

    /// Makes the authorities.
    pub(crate) async fn found_authority(&self, plan: &AuthorityPlan) -> Result<(), Problem> {
        authorities::found(self.registry.as_ref(), plan, self.making()).await
    }

    /// What the next authorities are like when nobody says anything.
    pub(crate) async fn next_authority_plan(&self) -> Result<AuthorityPlan, Problem> {
        authorities::successor_plan(self.registry.as_ref(), self.authority_plan()).await
    }

    /// Replaces the authorities.
    pub(crate) async fn renew_authority(&self, plan: &AuthorityPlan, renewal: Renewal) -> Result<(), Problem> {
        let renewed = authorities::renew(self.registry.as_ref(), plan, renewal, self.making()).await;
        *self.issuing.write().unwrap_or_else(PoisonError::into_inner) = None;
        renewed
    }

    /// Trusts an authority no more.
    pub(crate) async fn distrust_authority(&self, name: &str) -> Result<(), Problem> {
        authorities::distrust(self.registry.as_ref(), name, self.now()).await
    }

    /// The authority that issues, with its name. Without any, one is founded: onboarding works from the first minute.
    async fn issuing(&self) -> Result<(String, Arc<Authority>), Problem> {
        let (now, known) = (self.now(), self.issuing.read().unwrap_or_else(PoisonError::into_inner).clone());
        if let Some((name, authority, seen)) = &known
            && now.since(*seen) < AUTHORITY_AGE
        {
            return Ok((name.clone(), Arc::clone(authority)));
        }
        let record = match self.issuing_record().await? {
            Some(record) => record,
            None => self.founded().await?,
        };
        let name = record.name.clone();
        let authority = match known {
            Some((known, authority, _)) if known == name => authority,
            _ => Arc::new(authorities::open(self.registry.as_ref(), record).await?.authority),
        };
        *self.issuing.write().unwrap_or_else(PoisonError::into_inner) =
            Some((name.clone(), Arc::clone(&authority), now));
        Ok((name, authority))
    }

    async fn issuing_record(&self) -> Result<Option<AuthorityRecord>, Problem> {
        authorities::signing(self.registry.as_ref(), AuthorityRole::Issuing).await
    }

    async fn founded(&self) -> Result<AuthorityRecord, Problem> {
        match self.found_authority(&self.authority_plan()).await {
            Ok(()) => tracing::info!("a certificate authority was made for the first device"),
            Err(problem) if problem.code == Code::Conflict => {}
            Err(problem) => return Err(problem),
        }
        let record = self.issuing_record().await?;
        record.ok_or_else(|| Problem::new(Code::Authority, "there is no issuing authority"))
    }

    /// The kind of key that devices of a profile have.
    pub(crate) async fn key_of(&self, profile: &ProfileName) -> Result<KeyKind, Problem> {
        Ok(self.profile(Some(profile)).await?.map(|profile| profile.key).unwrap_or_default())
    }

    async fn profile(&self, name: Option<&ProfileName>) -> Result<Option<Profile>, Problem> {
        let Some(name) = name else { return Ok(None) };
        let found = get::<Profile>(self.registry.as_ref(), name.as_str()).await?;
        found.map(|found| Some(found.value)).ok_or_else(|| naming::not_stored(Kind::Profile, name.as_str()))
    }

    /// A certificate for `key`, and the private key if it was made for it.
    async fn issue(
        &self,
        device: &DeviceName,
        profile: Option<&Profile>,
        key: &RequestedKey,
    ) -> Result<Issued, Problem> {
        let (authority, issuing) = self.issuing().await?;
        let (public, private, origin) = match key {
            RequestedKey::Given(public) => (public.clone(), None, KeyOrigin::Request),
            RequestedKey::Generate(kind) => {
                let made = self.generate(*kind).await?;
                (made.public()?, Some(made.to_pem()), KeyOrigin::Generated)
            }
        };
        let serial = Serial::generate(self.entropy.as_ref()).map_err(PkiError::from)?;
        let days = profile.map_or(self.settings.certificate_days, |profile| profile.certificate_days);
        let (organization, crl_url) = (self.settings.organization.clone(), self.settings.crl_url(&authority));
        let terms = CertificateTerms { device: device.clone(), organization, days, crl_url };
        let now = self.now();
        let issued = issuing.issue(&terms, &public, &serial, now)?;
        let certificate = Certificate::new(issued, origin, CertificateStatus::Active, now);
        Ok(Issued { certificate, private, key: public.fingerprint() })
    }

    /// RSA keys take a while to make; others must not wait for that.
    async fn generate(&self, kind: KeyKind) -> Result<PrivateKey, Problem> {
        if matches!(kind, KeyKind::EcdsaP256 | KeyKind::EcdsaP384) {
            return Ok(self.keys.generate(kind)?);
        }
        let keys = Arc::clone(&self.keys);
        let made = tokio::task::spawn_blocking(move || keys.generate(kind)).await;
        made.map_err(|_| Problem::new(Code::Internal, "making a key ended without an answer"))?.map_err(Problem::from)
    }
}
