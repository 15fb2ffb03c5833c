//! What people ask of alarms survives whatever comes after the answer.

use andon_assets::definition::{AlarmState, Links};
use andon_assets::{OperationError, OperationKind};
use andon_engine::plant::PlantError;

use crate::world::{World, seconds};

#[tokio::test(start_paused = true)]
async fn an_answer_survives_a_kill() {
    let world = World::new().await;
    let engine = world.start_safe().await;
    world.report(75.0).await;
    seconds(1).await;
    let plant = engine.handle().plant();
    let alarm = plant.operate("press-1", "hot", OperationKind::Acknowledge, ("anna", None)).await.expect("done");
    assert_eq!(alarm.state, AlarmState::Acknowledged);
    let links = Links { equipment: Some("210100001".into()), functional_location: None };
    plant.link("press-1", links.clone()).await.expect("linked");
    engine.kill();

    let engine = world.start_safe().await;
    let plant = engine.handle().plant();
    seconds(1).await;
    assert_eq!(plant.alarm("press-1", "hot").map(|alarm| alarm.state), Some(AlarmState::Acknowledged));
    assert_eq!(plant.asset("press-1").map(|detail| detail.asset.links), Some(links));
    assert_eq!(world.events().await.len(), 1);
    engine.stop().await.expect("stopped");
}

#[tokio::test(start_paused = true)]
async fn readings_before_a_wish_are_in_the_plant() {
    let world = World::new().await;
    let engine = world.start_safe().await;
    seconds(1).await;
    for _ in 0..100 {
        world.report(75.0).await;
    }
    let plant = engine.handle().plant();
    let done = plant.operate("press-1", "hot", OperationKind::Acknowledge, ("anna", None)).await;
    assert!(done.is_ok(), "{done:?}");
    engine.stop().await.expect("stopped");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_done_or_kept_is_said() {
    let world = World::new().await;
    let engine = world.start_safe().await;
    seconds(1).await;
    let plant = engine.handle().plant();
    let reset = plant.operate("press-1", "hot", OperationKind::Reset, ("anna", None)).await;
    assert!(matches!(reset, Err(PlantError::Operation(OperationError::NotNow { .. }))), "{reset:?}");
    let nobody = plant.link("press-9", Links::default()).await;
    assert!(matches!(nobody, Err(PlantError::Operation(OperationError::NoAsset(_)))), "{nobody:?}");
    world.snapshot.fail(1);
    let lost = plant.operate("press-1", "hot", OperationKind::Disable, ("anna", None)).await;
    assert!(matches!(lost, Err(PlantError::NotKept(_))), "{lost:?}");
    assert!(plant.status().problem.is_some());
    seconds(10).await;
    assert_eq!(plant.status().problem, None, "saved after all");
    engine.stop().await.expect("stopped");
    let stopped = plant.operate("press-1", "hot", OperationKind::Enable, ("anna", None)).await;
    assert!(matches!(stopped, Err(PlantError::Stopping)), "{stopped:?}");
}
