use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use andon_devices::SystemEntropy;
use andon_devices::registry::TAKEN;
use andon_model::{Clock, SystemIds, Timestamp};
use andon_testkit::MemoryRegistry;
use andon_testkit::memory_journal::MemoryJournal;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;
use crate::devices::{ClientWish, DeviceSettings, OfficeParts};
use crate::outside::{Ask, NoAnswer, Outside};

/// A clock that is told the time, in seconds.
struct ToldTime(AtomicI64);

impl Clock for ToldTime {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst) * 1_000_000)
    }
}

struct Nobody;

impl Outside for Nobody {
    fn ask<'a>(&'a self, _: Ask<'a>) -> BoxFuture<'a, Result<Vec<u8>, NoAnswer>> {
        Box::pin(async { Err(NoAnswer::Unreachable("nobody".to_owned())) })
    }
}

/// How a mail server meets the next letter.
#[derive(Clone, Copy)]
enum Mood {
    Takes,
    /// Takes it, and the process is killed before it hears so.
    TakesAndKills,
    PutsOff,
    /// Says no, and quotes the letter.
    Refuses,
}

/// A mail server, with the ids and texts of the letters that it has taken.
struct Stub {
    mood: Mutex<Mood>,
    taken: Mutex<Vec<(String, String)>>,
}

impl Stub {
    fn taken(&self) -> Vec<(String, String)> {
        self.taken.lock().unwrap().clone()
    }
}

impl Mailer for Stub {
    fn address(&self) -> String {
        "mail.plant.example:587".to_owned()
    }

    fn mail<'a>(&'a self, mail: Mail<'a>) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            let mood = *self.mood.lock().unwrap();
            if matches!(mood, Mood::Takes | Mood::TakesAndKills) {
                self.taken.lock().unwrap().push((mail.id.to_owned(), mail.text.expose().to_owned()));
            }
            match mood {
                Mood::Takes => Ok(()),
                Mood::TakesAndKills => std::future::pending().await,
                Mood::PutsOff => Err(Problem::new(Code::MailServer, "451 later")),
                Mood::Refuses => Err(Problem::new(Code::LetterRefused, format!("550 {}", mail.text.expose()))),
            }
        })
    }

    fn greet(&self) -> BoxFuture<'_, Result<(), Problem>> {
        Box::pin(async { Ok(()) })
    }
}

struct World {
    registry: MemoryRegistry,
    clock: Arc<ToldTime>,
    mailer: Arc<Stub>,
    office: Office,
}

impl World {
    /// With a client `wizard` that may refresh.
    async fn new() -> Self {
        let (registry, clock) = (MemoryRegistry::default(), Arc::new(ToldTime(AtomicI64::new(1_772_719_200))));
        let mailer = Arc::new(Stub { mood: Mutex::new(Mood::Takes), taken: Mutex::default() });
        let parts = OfficeParts {
            registry: Arc::new(registry.clone()),
            entropy: Arc::new(SystemEntropy),
            keys: Arc::new(SystemEntropy),
            secrets: Arc::new(MemoryJournal::new()),
            outside: Arc::new(Nobody),
            mailer: Some(mailer.clone()),
            oidc: None,
            settings: DeviceSettings::default(),
        };
        let office = Office::new(parts, clock.clone(), Arc::new(SystemIds::default()));
        for (id, grant) in [("wizard", "refresh_token"), ("gateway", "client_credentials")] {
            let public = grant == "refresh_token";
            let wish = serde_json::json!({ "id": id, "grants": [grant], "scopes": "andon/devices", "public": public });
            office.create_client(serde_json::from_value::<ClientWish>(wish).unwrap()).await.unwrap();
        }
        Self { registry, clock, mailer, office }
    }

    async fn write(&self, wish: serde_json::Value) -> Result<Letter, Problem> {
        self.office.write_letter(serde_json::from_value(wish).unwrap(), 8883).await.map(|(letter, _)| letter)
    }

    async fn for_wizard(&self) -> Letter {
        self.write(serde_json::json!({ "to": "ada@plant.example", "client": "wizard" })).await.unwrap()
    }

    /// One round of the postman, while the mail server is in a mood. `None` when he was killed in it.
    fn round(&self, mood: Mood) -> Option<Duration> {
        *self.mailer.mood.lock().unwrap() = mood;
        let round = self.office.post(self.mailer.as_ref());
        round.now_or_never().map(|rest| rest.unwrap())
    }

    fn later(&self, time: Duration) {
        self.clock.0.fetch_add(i64::try_from(time.as_secs()).unwrap(), Ordering::SeqCst);
    }

    async fn the_letter(&self) -> Letter {
        self.office.letters("", 2).await.unwrap().pop().unwrap().value
    }

    async fn token_is_kept(&self, letter: &Letter) -> bool {
        use andon_devices::registry::Registry;
        let secret = self.registry.secret(Kind::Letter, &letter.id).await.unwrap();
        secret.is_some_and(|secret| !secret.expose().is_empty())
    }
}

#[tokio::test]
async fn a_letter_brings_a_token_that_is_good_and_nowhere_else() {
    let world = World::new().await;
    let letter = world.for_wizard().await;
    assert!(world.token_is_kept(&letter).await);
    assert_eq!(world.round(Mood::Takes), Some(ROUND));
    let (id, text) = world.mailer.taken().pop().unwrap();
    let token = text.lines().find_map(|line| line.strip_prefix("Refresh token")).unwrap().trim();
    let family = world.office.families(&ClientId::new("wizard").unwrap(), "", 9).await.unwrap().rows.pop().unwrap();
    assert!(id == letter.id && token.starts_with(family.id.as_str()), "{text}");
    assert_eq!(world.the_letter().await.status, LetterStatus::Sent);
    assert!(!world.token_is_kept(&letter).await);
    assert_eq!(world.round(Mood::Takes), Some(ROUND));
    assert_eq!(world.mailer.taken().len(), 1);
}

#[tokio::test]
async fn a_letter_that_was_put_off_waits_and_keeps_its_token() {
    let world = World::new().await;
    let letter = world.for_wizard().await;
    assert_eq!(world.round(Mood::PutsOff), Some(Duration::from_secs(2)));
    assert!(world.token_is_kept(&letter).await);
    assert_eq!(world.the_letter().await.problem.map(|problem| problem.code), Some(Code::MailServer));
    world.later(Duration::from_secs(1));
    assert_eq!(world.round(Mood::Takes), Some(Duration::from_secs(1)));
    assert_eq!(world.mailer.taken(), []);
    world.later(Duration::from_secs(1));
    world.round(Mood::Takes);
    assert_eq!((world.the_letter().await.attempts, world.mailer.taken().len()), (2, 1));
}

#[tokio::test]
async fn killed_before_the_note_it_is_sent_again_under_its_id() {
    let world = World::new().await;
    world.for_wizard().await;
    assert_eq!(world.round(Mood::TakesAndKills), None);
    assert_eq!(world.the_letter().await.status, LetterStatus::Waiting);
    // Nobody else sends it while he might still be at it.
    world.round(Mood::Takes);
    assert_eq!(world.mailer.taken().len(), 1);
    world.later(TAKEN);
    world.round(Mood::Takes);
    let taken = world.mailer.taken();
    assert!(taken.len() == 2 && taken[0] == taken[1], "{taken:?}");
    assert_eq!(world.the_letter().await.status, LetterStatus::Sent);
}

#[tokio::test]
async fn what_is_refused_is_given_up_without_its_token_and_forgotten_after_a_week() {
    let world = World::new().await;
    let letter = world.for_wizard().await;
    world.round(Mood::Refuses);
    let ended = world.the_letter().await;
    let why = ended.problem.unwrap().detail;
    assert!(ended.status == LetterStatus::GivenUp && why.contains("Refresh token   [secret]"), "{why}");
    assert!(!world.token_is_kept(&letter).await);
    let family = world.office.families(&ClientId::new("wizard").unwrap(), "", 9).await.unwrap().rows.pop().unwrap();
    assert!(family.revoked.is_some(), "whoever has read it on its way cannot use it");
    world.later(Duration::from_hours(7 * 24));
    world.round(Mood::Takes);
    assert!(world.office.letters("", 2).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_letter_that_hangs_does_not_stop_the_others() {
    let world = World::new().await;
    for n in 0..=AT_ONCE {
        let to = format!("ada-{n}@plant.example");
        world.write(serde_json::json!({ "to": to, "client": "wizard" })).await.unwrap();
    }
    assert_eq!(world.round(Mood::TakesAndKills), None);
    assert_eq!(world.mailer.taken().len(), AT_ONCE);
}

#[tokio::test]
async fn the_same_letter_is_written_once_a_day() {
    let world = World::new().await;
    let first = world.for_wizard().await;
    assert_eq!((first.endpoint.as_str(), &world.for_wizard().await.id), ("localhost:8883", &first.id));
    world.round(Mood::Takes);
    assert_eq!(world.for_wizard().await.id, first.id, "it was just sent");
    let wizard = ClientId::new("wizard").unwrap();
    let families = || world.office.families(&wizard, "", 9);
    assert_eq!(families().await.unwrap().rows.len(), 1, "no second token");
    let wish = serde_json::json!({ "to": "ada@plant.example", "client": "wizard", "again": true });
    assert_ne!(world.write(wish).await.unwrap().id, first.id);
    let other = serde_json::json!({ "to": "bo@plant.example", "client": "wizard" });
    assert_ne!(world.write(other).await.unwrap().id, first.id);
    world.round(Mood::Takes);
    world.later(Duration::from_hours(25));
    assert_ne!(world.for_wizard().await.id, first.id);
    assert_eq!(families().await.unwrap().rows.len(), 4);
}

#[tokio::test]
async fn wishes_are_checked() {
    let world = World::new().await;
    let check = async |wish: serde_json::Value, expect: Code| {
        assert_eq!(world.write(wish.clone()).await.unwrap_err().code, expect, "{wish}");
    };
    check(serde_json::json!({ "to": "ada", "client": "wizard" }), Code::BadRequest).await;
    check(serde_json::json!({ "to": "ada@plant.example" }), Code::BadRequest).await;
    check(serde_json::json!({ "to": "ada@plant.example", "device": "pump-01" }), Code::NotFound).await;
    check(serde_json::json!({ "to": "ada@plant.example", "client": "nobody" }), Code::NotFound).await;
    check(serde_json::json!({ "to": "ada@plant.example", "client": "gateway" }), Code::Conflict).await;
    assert!(world.office.letters("", 2).await.unwrap().is_empty());
}
