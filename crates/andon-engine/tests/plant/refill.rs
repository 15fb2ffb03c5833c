//! A table of values that was begun anew has the same values again, wherever the program is killed meanwhile.

use std::time::Duration;

use andon_journal::ValueTable as _;
use tokio::time::sleep;

use crate::fuse::Fuse;
use crate::world::{World, seconds, until_kept};

const REPORTS: [f64; 9] = [60.0, 75.0, 76.0, 60.0, 61.0, 62.0, 80.0, 60.0, 71.0];

async fn until_filled(world: &World) {
    while world.values.gap().await.expect("told").is_some() {
        seconds(1).await;
    }
}

fn written(world: &World) -> Vec<String> {
    let mut written = world.written();
    written.sort();
    written
}

#[tokio::test(start_paused = true)]
async fn values_are_made_again_wherever_the_program_is_killed() {
    let world = World::new().await;
    let engine = world.start_safe().await;
    for temperature in REPORTS {
        world.report(temperature).await;
        seconds(10).await;
    }
    seconds(90).await;
    until_kept(&world, &engine).await;
    engine.stop().await.expect("stopped");
    let (expect, events) = (written(&world), world.events().await);
    assert!(expect.len() > REPORTS.len(), "windows have ended: {expect:?}");
    for places in 0.. {
        world.values.begin_anew();
        assert_eq!(written(&world), Vec::<String>::new());
        let fuse = Fuse::new(places);
        let engine = world.start(&fuse).await;
        let died = tokio::select! {
            () = fuse.burnt() => true,
            () = until_filled(&world) => false,
        };
        engine.kill();
        let engine = world.start_safe().await;
        until_filled(&world).await;
        assert_eq!(written(&world), expect, "killed behind {places} places");
        engine.stop().await.expect("stopped");
        if !died {
            assert!(places >= 8, "only {places} places were passed");
            break;
        }
    }
    assert_eq!(world.events().await, events, "nothing follows from what is made again");
}

#[tokio::test(start_paused = true)]
async fn what_is_reported_meanwhile_is_behind_the_gap() {
    let world = World::new().await;
    let engine = world.start_safe().await;
    for (at, temperature) in REPORTS.into_iter().enumerate() {
        if at == 5 {
            until_kept(&world, &engine).await;
            world.values.begin_anew();
            world.values.fail(3);
        }
        world.report(temperature).await;
        sleep(Duration::from_millis(300)).await;
    }
    until_filled(&world).await;
    until_kept(&world, &engine).await;
    let mut reported = REPORTS.map(|temperature| format!("temperature {temperature}")).to_vec();
    reported.sort();
    let mut found = written(&world);
    found.retain(|value| value.starts_with("temperature"));
    assert_eq!(found, reported);
    engine.stop().await.expect("stopped");
}
