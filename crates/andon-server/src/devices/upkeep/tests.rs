//! Passes over a registry in memory: what is due, once each, also when something fails in between.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use andon_devices::pki::KeyKind;
use andon_devices::registry::{Registry, get};
use andon_devices::{CertificateStatus, DeviceName, SystemEntropy};
use andon_journal::Secrets;
use andon_model::{Clock, Code, Event, SystemIds};
use andon_testkit::MemoryRegistry;
use andon_testkit::memory_journal::{MemoryJournal, WriteFault};
use futures_util::future::BoxFuture;
use serde_json::json;

use super::*;
use crate::devices::{DeviceSettings, OfficeParts};
use crate::outside::{Ask, NoAnswer, Outside};

const DAY: i64 = 86_400;

struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst) * 1_000_000)
    }
}

struct Nobody;

impl Outside for Nobody {
    fn ask<'a>(&'a self, _: Ask<'a>) -> BoxFuture<'a, Result<Vec<u8>, NoAnswer>> {
        Box::pin(std::future::ready(Err(NoAnswer::Unreachable("nobody".to_owned()))))
    }
}

/// Remembers what it was told; may be busy.
#[derive(Default)]
struct Told {
    events: Mutex<Vec<Event>>,
    busy: std::sync::atomic::AtomicBool,
}

impl Tell for Arc<Told> {
    async fn tell(&self, event: Event) -> Result<(), Problem> {
        if self.busy.load(Ordering::SeqCst) {
            return Err(Problem::new(Code::BackPressure, "busy"));
        }
        self.events.lock().unwrap().push(event);
        Ok(())
    }
}

struct Bench {
    registry: MemoryRegistry,
    clock: Arc<TestClock>,
    told: Arc<Told>,
    upkeep: Upkeep<Arc<Told>>,
}

impl Bench {
    fn new() -> Self {
        let (registry, clock) = (MemoryRegistry::default(), Arc::new(TestClock(AtomicI64::new(20_000 * DAY))));
        let secrets: Arc<dyn Secrets> = Arc::new(MemoryJournal::new());
        let settings = DeviceSettings { certificate_days: 100, overlap_days: 7, ..DeviceSettings::default() };
        let parts = OfficeParts {
            registry: Arc::new(registry.clone()),
            entropy: Arc::new(SystemEntropy),
            keys: Arc::new(SystemEntropy),
            secrets,
            outside: Arc::new(Nobody),
            mailer: None,
            oidc: None,
            settings,
        };
        let office = Arc::new(Office::new(parts, clock.clone(), Arc::new(SystemIds::default())));
        let told = Arc::new(Told::default());
        let upkeep = Upkeep::new(office, told.clone());
        Self { registry, clock, told, upkeep }
    }

    fn office(&self) -> &Office {
        &self.upkeep.office
    }

    async fn onboard(&self, name: &str) {
        use andon_devices::enrolment::{EnrolmentRequest, RequestedKey};
        let request = EnrolmentRequest::new(DeviceName::new(name).unwrap(), RequestedKey::Generate(KeyKind::default()));
        self.office().onboard(&request, None).await.unwrap();
    }

    async fn rotate(&self, name: &str) {
        self.office().rotate(&DeviceName::new(name).unwrap(), None, false).await.unwrap();
    }

    async fn later(&mut self, days: i64) -> Tally {
        self.clock.0.fetch_add(days * DAY, Ordering::SeqCst);
        self.upkeep.pass().await.unwrap()
    }

    fn levels(&self) -> Vec<String> {
        let events = self.told.events.lock().unwrap();
        events
            .iter()
            .map(|event| format!("{} {}", event.data["device"], event.data["level"]).replace('"', ""))
            .collect()
    }
}

#[tokio::test]
async fn what_was_replaced_is_revoked_when_the_overlap_is_over() {
    let mut bench = Bench::new();
    bench.onboard("pump-01").await;
    bench.rotate("pump-01").await;
    assert_eq!(bench.later(6).await.retired, 0);
    assert_eq!(bench.later(2).await.retired, 1);
    assert_eq!(bench.later(1).await.retired, 0);
    let device = get::<Device>(&bench.registry, "pump-01").await.unwrap().unwrap().value;
    let states: Vec<_> = device.certificates.iter().map(|known| known.status).collect();
    assert_eq!(states, [CertificateStatus::Revoked, CertificateStatus::Active]);
    assert_eq!(bench.registry.revoked(bench.clock.now(), 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn many_rotations_leave_few_certificates_and_a_whole_list() {
    let bench = Bench::new();
    bench.onboard("pump-01").await;
    for _ in 0..30 {
        bench.rotate("pump-01").await;
    }
    let device = get::<Device>(&bench.registry, "pump-01").await.unwrap().unwrap().value;
    let active = device.certificates.iter().filter(|known| known.status == CertificateStatus::Active).count();
    assert_eq!((device.certificates.len(), active), (16, 4));
    assert_eq!(bench.registry.revoked(bench.clock.now(), 99).await.unwrap().len(), 27);
}

#[tokio::test]
async fn every_level_is_told_once() {
    let mut bench = Bench::new();
    bench.onboard("pump-01").await;
    bench.onboard("pump-02").await;
    assert_eq!(bench.later(69).await, Tally::default());
    bench.rotate("pump-02").await;
    let tally = bench.later(2).await;
    assert_eq!((tally.notice, tally.told), (1, 1));
    let tally = bench.later(0).await;
    assert_eq!((tally.notice, tally.told), (1, 0));
    let tally = bench.later(23).await;
    assert_eq!((tally.notice, tally.urgent, tally.told), (0, 1, 1));
    assert_eq!(bench.later(7).await.expired, 1);
    assert_eq!(bench.later(1).await.told, 0);
    assert_eq!(bench.levels(), ["pump-01 notice", "pump-01 urgent", "pump-01 expired"]);
}

#[tokio::test]
async fn an_event_that_may_have_been_told_is_told_again_as_the_same() {
    let mut bench = Bench::new();
    bench.onboard("pump-01").await;
    bench.clock.0.fetch_add(71 * DAY, Ordering::SeqCst);
    bench.told.busy.store(true, Ordering::SeqCst);
    assert_eq!(bench.upkeep.pass().await.unwrap_err().code, Code::BackPressure);
    bench.told.busy.store(false, Ordering::SeqCst);
    bench.registry.fail_commit(0, WriteFault::Before);
    assert_eq!(bench.upkeep.pass().await.unwrap_err().code, Code::Journal);
    assert_eq!(bench.later(1).await.told, 1);
    assert_eq!(bench.later(1).await.told, 0);
    let events = bench.told.events.lock().unwrap();
    assert_eq!((events.len(), &events[0]), (2, &events[1]));
    let certificate = events[0].data["certificate"].as_str().unwrap();
    assert_eq!(events[0].id, format!("certificate-expiry-{certificate}-notice"));
    assert_eq!((events[0].subject.as_deref(), &events[0].data["level"]), (Some("pump-01"), &json!("notice")));
}

#[tokio::test]
async fn more_than_a_page_is_looked_at() {
    let mut bench = Bench::new();
    bench.onboard("pump").await;
    let device = get::<Device>(&bench.registry, "pump").await.unwrap().unwrap().value;
    let mut changes = Changes::default();
    for number in 0..PAGE + 5 {
        let mut one = device.clone();
        one.name = DeviceName::new(&format!("pump-{number:04}")).unwrap();
        one.certificates[0].serial = format!("40{number:030x}").parse().unwrap();
        changes = changes.and(Write::Device { device: Box::new(one), expected: Expected::Absent });
    }
    bench.registry.commit(changes).await.unwrap();
    let tally = bench.later(71).await;
    assert_eq!((tally.notice as usize, tally.told), (PAGE + 6, PAGE + 6));
}

#[tokio::test]
async fn traces_of_what_was_removed_go_after_an_hour() {
    let mut bench = Bench::new();
    bench.onboard("pump-01").await;
    bench.later(1).await;
    bench.office().delete(&DeviceName::new("pump-01").unwrap()).await.unwrap();
    let removed = async |registry: &MemoryRegistry| {
        registry.changes(0, MAX_ENTRIES).await.unwrap().iter().filter(|change| change.removed).count()
    };
    bench.later(0).await;
    assert_eq!(removed(&bench.registry).await, 3, "device, enrolment and key: somebody may not have heard of it");
    bench.later(1).await;
    assert_eq!(removed(&bench.registry).await, 3, "they were removed after the last time");
    bench.later(1).await;
    assert_eq!(removed(&bench.registry).await, 0);
}

#[tokio::test]
async fn keys_and_refresh_tokens_go_when_they_are_good_for_nothing() {
    let mut bench = Bench::new();
    let wish = json!({ "grants": ["refresh_token"], "scopes": "andon/devices", "public": true });
    let (client, _) = bench.office().create_client(serde_json::from_value(wish).unwrap()).await.unwrap();
    bench.office().refresh_token(&client.id, "gateway-7").await.unwrap();
    assert_eq!(bench.office().jwks().await.unwrap().keys.len(), 1);
    assert_eq!(bench.office().rotate_signer().await.unwrap().len(), 2);
    assert_eq!(bench.office().jwks().await.unwrap().keys.len(), 2);
    bench.later(1).await;
    assert_eq!(bench.office().jwks().await.unwrap().keys.len(), 2, "tokens of the old key may live for a day");
    bench.later(1).await;
    assert_eq!(bench.office().jwks().await.unwrap().keys.len(), 1);
    assert_eq!(bench.office().families(&client.id, "", 9).await.unwrap().rows.len(), 1);
    bench.later(30).await;
    assert_eq!(bench.office().families(&client.id, "", 9).await.unwrap().rows.len(), 0);
}
