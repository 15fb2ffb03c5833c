//! Killed at every place between append, snapshot, checkpoint and table: the same events and values, each once.

use std::time::Duration;

use andon_engine::Engine;
use tokio::time::{Instant, sleep_until};

use crate::fuse::Fuse;
use crate::world::{World, seconds, until_kept};

const BETWEEN: Duration = Duration::from_secs(10);

/// Temperatures that are reported [`BETWEEN`] each other: hot twice, over in between, and a minute's end.
const REPORTS: [f64; 12] = [60.0, 75.0, 76.0, 60.0, 60.0, 60.0, 80.0, 60.0, 71.0, 60.0, 60.0, 60.0];

/// What came of the reports when the first engine dies at a place; and whether it got there.
async fn die_behind(places: usize) -> (Vec<String>, Vec<String>, bool) {
    let world = World::new().await;
    let fuse = Fuse::new(places);
    let mut engine = Some(world.start(&fuse).await);
    let (mut died, mut next) = (false, Instant::now());
    for temperature in REPORTS {
        world.report(temperature).await;
        next += BETWEEN;
        tokio::select! {
            biased;
            () = fuse.burnt(), if !died => {
                engine.take().expect("alive").kill();
                died = true;
                engine = Some(world.start_safe().await);
            }
            () = sleep_until(next) => {}
        }
        sleep_until(next).await;
    }
    let mut last = engine.take().expect("alive");
    if !died {
        died = tokio::select! {
            biased;
            () = fuse.burnt() => true,
            () = finish(&world, &last) => false,
        };
        if died {
            last.kill();
            last = world.start_safe().await;
        }
    }
    finish(&world, &last).await;
    last.stop().await.expect("stopped");
    let mut written = world.written();
    written.sort();
    (world.events().await, written, died)
}

/// The last minute's window is closed by time, and everything is kept.
async fn finish(world: &World, engine: &Engine) {
    seconds(90).await;
    until_kept(world, engine).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_is_killed_there_is_one_of_each() {
    let (events, written, died) = die_behind(usize::MAX).await;
    assert!(!died);
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events.iter().all(|event| event.ends_with(" ACTIVE")), "{events:?}");
    let averages = written.iter().filter(|value| value.starts_with("average")).count();
    assert!(written.len() == REPORTS.len() + averages && averages >= 2, "{written:?}");
    let mut places = 0;
    loop {
        let (found, values, died) = die_behind(places).await;
        assert_eq!(found, events, "killed behind {places} places");
        assert_eq!(values, written, "killed behind {places} places");
        if !died {
            break;
        }
        places += 1;
    }
    assert!(places > 20, "only {places} places were passed");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_or_table_that_fails_is_tried_again() {
    let world = World::new().await;
    let engine = world.start_safe().await;
    world.snapshot.fail(3);
    world.values.fail(3);
    world.readings.fail(2);
    for temperature in REPORTS {
        world.report(temperature).await;
        seconds(10).await;
    }
    until_kept(&world, &engine).await;
    assert_eq!(engine.handle().plant().status().problem, None);
    assert_eq!(world.events().await.len(), 2);
    let reported = world.written().iter().filter(|value| value.starts_with("temperature")).count();
    assert_eq!(reported, REPORTS.len());
    engine.stop().await.expect("stopped");
}
