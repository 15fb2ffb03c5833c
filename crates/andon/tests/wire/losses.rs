//! What was committed without an answer is found again; what was not is not there.

use andon_act::Found;

use crate::plant::{Plant, request, search, verdict};

/// Sends a step in a mood that loses it, searches for it, and says what was found.
async fn after(mood: &str, step: &str, searched: &str) -> String {
    let plant = Plant::in_mood(mood).await;
    assert_eq!(verdict(&plant.send(&request(step)).await), "lost", "{mood} {step}");
    plant.sap.set_faults(7, "none".parse().expect("faults"));
    let found = match plant.probe(&search(searched)).await {
        Found::Absent => "absent".to_owned(),
        Found::One(response) => format!("one {}", response.status),
        Found::Several(count) => format!("several {count}"),
        Found::Unknown(problem) => format!("unknown {problem}"),
    };
    let books = plant.sap.books();
    assert!(books.duplicates.is_empty(), "{mood} {step}: {:?}", books.duplicates);
    found
}

#[tokio::test]
async fn every_search_tells_what_became_of_a_lost_step() {
    for (step, searched) in [
        ("odata", "odata"),
        ("odata", "odata by part"),
        ("odata-v4", "odata-v4"),
        ("odata-v4", "odata-v4 by part"),
        ("attachment", "attachment"),
        ("changeset", "changeset"),
        ("changeset-v4", "changeset-v4"),
    ] {
        assert_eq!(after("commit_then_drop=1", step, searched).await, "one 200", "{step} by {searched}");
        assert_eq!(after("commit_then_500=1", step, searched).await, "one 200", "{step} by {searched}");
        assert_eq!(after("drop_before=1", step, searched).await, "absent", "{step} by {searched}");
    }
}

#[tokio::test]
async fn several_documents_are_counted() {
    let plant = Plant::in_mood("none").await;
    for step in ["odata", "odata", "odata-v4", "odata-v4", "attachment", "attachment"] {
        assert_eq!(verdict(&plant.send(&request(step)).await), "done");
    }
    for searched in ["odata", "odata by part", "odata-v4", "odata-v4 by part", "attachment"] {
        assert_eq!(plant.probe(&search(searched)).await, Found::Several(2), "{searched}");
    }
}
