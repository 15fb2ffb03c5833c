//! Tables of what is answered to each kind of step.

use std::collections::BTreeSet;

use andon_act::Answer;
use andon_sim::SimulatorConfig;

use crate::plant::{Plant, STEPS, request, verdict};

/// A mood, what every step meets in it, and the steps that meet something else.
type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const MOODS: &[Row] = &[
    ("none", "done", &[]),
    ("server_error=1", "lost", &[]),
    ("commit_then_500=1", "lost", &[]),
    ("commit_then_drop=1", "lost", &[]),
    ("drop_before=1", "lost", &[]),
    ("html_error=1", "lost", &[]),
    ("xml_error=1", "lost", &[]),
    ("text_error=1", "lost", &[]),
    // Every byte comes before the next pause is over: only a limit on the whole ends it.
    ("slow_drip=1:60s", "lost", &[]),
    ("slow=1:60s", "lost", &[]),
    ("busy=1", "busy", &[]),
    ("unauthorized=1", "refused AND-4006 401", &[]),
    ("token_expired=1", "busy", &[("http", "done"), ("decision", "done"), ("summary", "done")]),
    (
        "locked=1",
        "busy",
        &[("http", "done"), ("changeset", "done"), ("changeset-v4", "done"), ("decision", "done"), ("summary", "done")],
    ),
    ("etag_moved=1", "done", &[("patch", "refused AND-4001 412")]),
    ("precondition_required=1", "done", &[("patch", "refused AND-4001 428")]),
    ("partial_batch=1", "done", &[("changeset", "lost"), ("changeset-v4", "lost")]),
    // The service of the notifications has a session already; nothing else can begin one.
    ("reads=1", "done", &[("odata-v4", "busy"), ("attachment", "busy"), ("changeset-v4", "busy"), ("patch", "busy")]),
    ("empty_result=1", "done", &[]),
    ("llm_broken_json=1", "done", &[]),
    ("llm_injection=1", "done", &[]),
    ("llm_refusal=1", "done", &[]),
    ("llm_huge=1", "done", &[("summary", "refused AND-1002 200")]),
    ("llm_rate_limited=1", "done", &[("summary", "busy")]),
    ("llm_silent=1:60s", "done", &[("summary", "lost")]),
];

#[tokio::test]
async fn every_kind_of_step_meets_every_mood() {
    for (mood, usual, others) in MOODS {
        let plant = Plant::in_mood(mood).await;
        let found: Vec<(&str, String)> = STEPS.into_iter().zip(plant.verdicts().await).collect();
        let expected = STEPS.map(|step| {
            let other = others.iter().find(|(of, _)| *of == step);
            (step, other.map_or(*usual, |(_, expected)| expected).to_owned())
        });
        assert_eq!(found, expected, "in the mood {mood}");
    }
}

#[tokio::test]
async fn every_shape_of_an_error_is_told_in_its_words() {
    for shape in ["gateway", "sadl", "no_inner", "detail_message_object", "html", "xml", "text"] {
        let config = SimulatorConfig {
            error_shape: shape.parse().expect("a shape"),
            known_equipment: Some(BTreeSet::from(["1".to_owned()])),
            ..SimulatorConfig::default()
        };
        let plant = Plant::new(config).await;
        for step in ["odata", "odata-v4", "changeset", "changeset-v4"] {
            let answer = plant.send(&request(step)).await;
            assert_eq!(verdict(&answer), "refused AND-4001 400", "{shape} {step}: {answer:?}");
            let Answer::Refused { problem, .. } = answer else { panic!("refused expected") };
            assert!(problem.detail.contains("210100094"), "{shape} {step}: {problem}");
        }
    }
}

#[tokio::test]
async fn answers_are_what_later_steps_read() {
    let plant = Plant::in_mood("none").await;
    let texts = [
        ("odata", "/d/MaintNotifExtReferenceNumber"),
        ("odata-v4", "/QualityIssueReference"),
        ("attachment", "/d/FileName"),
        ("changeset", "/responses/0/body/d/MaintenanceNotification"),
        ("changeset-v4", "/responses/0/body/QualityIssueReference"),
        ("decision", "/Result/0/ActionInfo/ActionId"),
        ("summary", "/choices/0/message/content"),
    ];
    for (step, pointer) in texts {
        let Answer::Done(response) = plant.send(&request(step)).await else { panic!("{step} is done") };
        assert!(response.body.pointer(pointer).is_some_and(serde_json::Value::is_string), "{step}: {}", response.body);
    }
    let Answer::Done(response) = plant.send(&request("odata-v4")).await else { panic!("done") };
    assert!(response.etag.is_some_and(|tag| tag.starts_with("W/")));
}
