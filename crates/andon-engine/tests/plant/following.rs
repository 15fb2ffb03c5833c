//! What the lane makes of readings, of time, and of other definitions.

use std::collections::BTreeSet;

use andon_assets::definition::AlarmState;
use andon_engine::plant::{AlarmFilter, AssetFilter, LiveItem};
use andon_journal::{Change, Document, DocumentKind};
use andon_model::SpeaksFor;
use andon_testkit::MemorySnapshot;
use serde_json::json;

use crate::world::{PRESS, World, name, seconds, until_kept};

#[tokio::test(start_paused = true)]
async fn readings_are_values_and_whoever_watches_is_told() {
    let world = World::new().await;
    let engine = world.start_safe().await;
    let plant = engine.handle().plant();
    seconds(1).await;
    let mut watching = plant.watch(BTreeSet::from(["press-1".to_owned()]), BTreeSet::new());
    world.report(75.0).await;
    let Some(LiveItem::Update(update)) = watching.next().await else { panic!("an update") };
    assert_eq!((update.changes.len(), update.transitions.len()), (1, 1));
    let latest = plant.value("press-1", "temperature").and_then(|value| value.latest).expect("a value");
    assert_eq!(latest.value.number(), Some(75.0));
    assert_eq!(plant.window("press-1", "temperature").map(|window| window.len()), Some(1));
    let raised = AlarmFilter { states: vec![AlarmState::Active], limit: 10, ..AlarmFilter::default() };
    assert_eq!(plant.alarms(&raised).alarms.len(), 1);
    let page = plant.assets(&AssetFilter { raised: true, limit: 10, ..AssetFilter::default() });
    assert_eq!((page.assets.len(), page.next), (1, None));
    assert_eq!(plant.asset("press-1").map(|detail| detail.alarms.len()), Some(2));
    engine.stop().await.expect("stopped");
}

/// Also when the log is read again, by a program that knows nothing of who was a gateway then.
#[tokio::test(start_paused = true)]
async fn a_device_reports_for_itself_and_a_gateway_for_those_behind_it() {
    let mut world = World::new().await;
    let only = |names: &[&str]| SpeaksFor::Only(names.iter().map(|name| (*name).into()).collect());
    let payload = |temperature: f64| {
        json!({ "device": { "deviceId": "d1" }, "measurements": { "temperature": temperature } })
            .to_string()
            .into_bytes()
    };
    world.keep("evil-1", only(&[]), payload(99.5)).await;
    world.keep("gw-1", only(&["d1"]), payload(21.0)).await;
    world.keep("by-http", SpeaksFor::Anyone, payload(22.0)).await;
    for _ in 0..2 {
        let engine = world.start_safe().await;
        until_kept(&world, &engine).await;
        let window = engine.handle().plant().window("press-1", "temperature").expect("known");
        let values: Vec<_> = window.iter().filter_map(|point| point.value.number()).collect();
        assert_eq!(values, [21.0, 22.0]);
        engine.stop().await.expect("stopped");
        world.snapshot = MemorySnapshot::default();
    }
}

#[tokio::test(start_paused = true)]
async fn who_watches_too_slowly_is_told_what_was_missed() {
    let world = World::new().await;
    let engine = world.start_safe().await;
    let mut watching = engine.handle().plant().watch(BTreeSet::new(), BTreeSet::new());
    for n in 0..400 {
        world.report(f64::from(n % 60)).await;
        seconds(1).await;
    }
    let Some(LiveItem::Missed(missed)) = watching.next().await else { panic!("some were missed") };
    assert!(missed > 100, "{missed}");
    assert!(matches!(watching.next().await, Some(LiveItem::Update(_))), "it goes on");
    engine.stop().await.expect("stopped");
}

#[tokio::test(start_paused = true)]
async fn silence_is_found_by_time_alone_but_not_where_readings_wait() {
    let world = World::new().await;
    let engine = world.start_safe().await;
    world.report(60.0).await;
    seconds(100).await;
    engine.kill();
    // Nobody reads for ten minutes, and the device reports meanwhile.
    for _ in 0..6 {
        seconds(100).await;
        world.report(60.0).await;
    }
    let engine = world.start_safe().await;
    seconds(200).await;
    assert_eq!(world.events().await, Vec::<String>::new());
    seconds(200).await;
    assert_eq!(world.events().await.len(), 1, "now it is silent");
    engine.stop().await.expect("stopped");
}

#[tokio::test(start_paused = true)]
async fn other_definitions_keep_what_they_still_have() {
    let world = World::new().await;
    let engine = world.start_safe().await;
    world.report(75.0).await;
    until_kept(&world, &engine).await;
    let text = PRESS.replace("average", "mean");
    let document = Document { kind: DocumentKind::Model, name: name("press"), text: text.clone() };
    engine.handle().apply(vec![Change::Put(document)], "test").await.expect("applied");
    let plant = engine.handle().plant();
    assert!(plant.value("press-1", "temperature").is_some_and(|value| value.latest.is_some()));
    assert!(plant.value("press-1", "average").is_none() && plant.value("press-1", "mean").is_some());
    assert_eq!(plant.alarm("press-1", "hot").map(|alarm| alarm.state), Some(AlarmState::Active));
    world.report(76.0).await;
    until_kept(&world, &engine).await;
    assert_eq!(world.events().await.len(), 1, "it is the same episode");

    let lower = text.replace("70.0, hysteresis = 5.0", "90.0");
    let document = Document { kind: DocumentKind::Model, name: name("press"), text: lower };
    engine.handle().apply(vec![Change::Put(document)], "test").await.expect("applied");
    seconds(20).await;
    assert_eq!(engine.handle().plant().alarm("press-1", "hot").map(|alarm| alarm.state), Some(AlarmState::Normal));
    let document = Document { kind: DocumentKind::Model, name: name("press"), text: text.clone() };
    engine.handle().apply(vec![Change::Put(document)], "test").await.expect("applied");
    seconds(1).await;
    assert_eq!(engine.handle().plant().alarm("press-1", "hot").map(|alarm| alarm.state), Some(AlarmState::Active));
    assert_eq!(world.events().await.len(), 2, "the limit is what makes it another");

    let wrong = Document { kind: DocumentKind::Model, name: name("press"), text: text.replace("avg(", "evg(") };
    let refused = engine.handle().apply(vec![Change::Put(wrong)], "test").await.expect_err("refused");
    assert!(refused.to_string().contains("models/press.toml"), "{refused}");
    engine.stop().await.expect("stopped");
}

#[tokio::test(start_paused = true)]
async fn readings_wait_while_too_many_events_do() {
    let world = World::new().await;
    let engine = world.start_safe().await;
    let before = world.journal.writes();
    world.journal.fail_write(1, andon_testkit::memory_journal::WriteFault::Before);
    world.report(75.0).await;
    seconds(30).await;
    assert!(world.journal.writes() > before);
    assert_eq!(world.events().await.len(), 1, "brought again");
    engine.stop().await.expect("stopped");
}
