//! Real values, through the described shape and back.

use andon_engine::Status;
use andon_model::{Code, Event, Name, Offset, RunId, Severity as ModelSeverity, TimelineKind, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use andon_journal as journal;
use andon_model as model;

/// Absent and `null` mean the same in the API.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            map.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// What is sent has exactly the members that the schema `S` describes.
fn describes<S: Serialize + DeserializeOwned>(sent: impl Serialize) {
    let sent = serde_json::to_value(sent).unwrap();
    let described: S = serde_json::from_value(sent.clone())
        .unwrap_or_else(|e| panic!("{} does not describe {sent}: {e}", std::any::type_name::<S>()));
    assert_eq!(without_nulls(serde_json::to_value(described).unwrap()), without_nulls(sent));
}

/// What the schema `S` describes is what is read.
fn is_read_as<T: Serialize + DeserializeOwned, S: Serialize + DeserializeOwned>(received: &Value) {
    let described: S = serde_json::from_value(received.clone()).unwrap();
    let read: T = serde_json::from_value(serde_json::to_value(described).unwrap()).unwrap();
    assert_eq!(&without_nulls(serde_json::to_value(read).unwrap()), received);
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn problem() -> model::Problem {
    model::Problem::new(Code::Undecodable, "expected a number").at("line 3")
}

fn decision() -> model::Decision {
    let hit = model::RowHit { row: 2, id: "r2".into(), note: "hot".into(), saw: json!({"t": 90}), output: json!({}) };
    model::Decision {
        table: model::TableVersion { name: name("pumps"), version: 3 },
        revision: 7,
        at: at(1),
        rows: vec![hit],
        actions: vec![name("notify")],
    }
}

fn run_row() -> journal::RunRow {
    journal::RunRow {
        sequence: 4,
        id: RunId::new("ABC"),
        event: Offset(1),
        action: name("notify"),
        revision: 7,
        status: model::RunStatus::Waiting,
        documents: "10001".into(),
        summary: "waits".into(),
        due: Some(at(9)),
        created_at: at(1),
        updated_at: at(2),
    }
}

fn attachment() -> journal::AttachmentInfo {
    journal::AttachmentInfo {
        digest: "ab".repeat(32),
        name: "7.jpg".into(),
        content_type: "image/jpeg".into(),
        bytes: 48_213,
    }
}

fn event() -> Event {
    let mut event = Event::new("/plant", "e-1", "pump.hot", json!({"t": 90}));
    (event.subject, event.time, event.datacontenttype) =
        (Some("pump-1".into()), Some(at(0)), Some("application/json".into()));
    event.extensions.insert("traceparent".into(), json!("00-x"));
    event
}

#[test]
fn evidence_is_described() {
    describes::<super::EventRow>(journal::EventRow {
        offset: Offset(1),
        source: "/plant".into(),
        id: "e-1".into(),
        kind: "pump.hot".into(),
        subject: Some("pump-1".into()),
        received_at: at(1),
        decisions: Some(vec![decision()]),
        failure: Some(problem()),
        runs: vec![run_row()],
        attachments: vec![attachment()],
        event: Some(event()),
    });
    describes::<super::Page<super::RunRow>>(journal::Page { rows: vec![run_row()], next: Some(4) });
    let entry = model::TimelineEntry {
        at: at(1),
        kind: TimelineKind::Answered,
        step: "create".into(),
        attempt: 1,
        detail: json!({"status": 201}),
    };
    let document = model::DocumentRef { step: "create".into(), number: "10001".into(), found_by_probe: true };
    describes::<super::RunDetail>(journal::RunDetail {
        row: run_row(),
        timeline: vec![entry],
        document_refs: vec![document],
        episode: Some(journal::RunEpisodeView {
            key: "pump-1/hot".into(),
            route: Some("update".into()),
            open: Some(journal::OpenEpisodeView {
                document: "10001".into(),
                run: model::RunId::new("R1"),
                opened_at: at(1),
                touched_at: at(2),
                count: 2,
            }),
            behind: Some(model::RunId::new("R2")),
        }),
    });
    describes::<super::EpisodeRow>(journal::EpisodeRow {
        episode: journal::Episode {
            id: journal::EpisodeKey { action: name("notify"), key: "pump-1/hot".into() },
            document: "10001".into(),
            run: model::RunId::new("R1"),
            opened_at: at(1),
            touched_at: at(2),
            count: 2,
        },
        held_by: Some(journal::EpisodeHolder { run: model::RunId::new("R2"), status: model::RunStatus::Parked }),
    });
    describes::<super::QuarantineRow>(journal::QuarantineRow {
        id: 3,
        source: name("s3"),
        problem: problem(),
        content_type: Some("text/plain".into()),
        headers: vec![("ce-id".into(), "1".into())],
        path: "a/b.json".into(),
        received_at: at(1),
        status: journal::QuarantineStatus::Open,
        size: 5,
        raw: None,
    });
}

#[test]
fn dry_runs_are_described() {
    let step = json!({ "step": "look", "stage": "pre", "kind": "lookup", "answer": { "b": 2 }, "open": ["pre.a.b"] });
    let action = andon_engine::DryRunAction {
        action: name("notify"),
        output: json!({"a": 1}),
        steps: vec![serde_json::from_value(step).unwrap()],
        problem: Some(problem()),
    };
    describes::<super::DryRun>(andon_engine::DryRun {
        revision: 7,
        decisions: vec![andon_engine::DryRunDecision { decision: decision() }],
        actions: vec![action],
        failure: Some(problem()),
    });
}

#[test]
fn replays_are_described() {
    let part = andon_engine::Part {
        what: andon_engine::PartKind::Request,
        change: andon_engine::Changed::Changed,
        name: "notify".into(),
        step: Some(name("create")),
        document: Some("10000042".into()),
        fields: vec!["path".into()],
        assumed: true,
        before: Some(json!({"path": "/a"})),
        after: Some(json!({"path": "/b"})),
    };
    let (source, id, kind) = ("/plant".into(), "e-1".into(), "pump.hot".into());
    let difference = andon_engine::Difference { offset: Offset(1), source, id, kind, parts: vec![part] };
    describes::<super::WhatIfPage>(andon_engine::WhatIfPage {
        revision: 7,
        differences: vec![difference],
        next: Some(Offset(1)),
        ..andon_engine::WhatIfPage::default()
    });
}

#[test]
fn configuration_is_described() {
    let document = journal::Document { kind: journal::DocumentKind::Table, name: name("pumps"), text: "{}".into() };
    describes::<super::DocumentVersion>(journal::DocumentVersion {
        document,
        version: 1,
        revision: 7,
        author: "ops".into(),
        at: at(1),
    });
    describes::<super::Revision>(journal::RevisionInfo { revision: 7, author: "ops".into(), at: at(1), documents: 3 });
    describes::<super::Finding>(journal::Finding { severity: ModelSeverity::Warning, problem: problem() });
    for kind in journal::DocumentKind::ALL {
        describes::<super::DocumentKind>(kind);
    }
}

#[test]
fn operations_are_described() {
    describes::<super::EngineStatus>(Status {
        ready: false,
        problem: Some(problem()),
        open_circuits: vec![name("s4")],
        failing_sources: [(name("s3"), problem())].into(),
        ..Status::default()
    });
    let runs = model::RunStatus::ALL.map(|status| (status, 1)).into();
    describes::<super::Counts>(journal::Counts { runs, ..journal::Counts::default() });
    for role in [journal::Role::Admin, journal::Role::Operator, journal::Role::Viewer, journal::Role::Intake] {
        describes::<super::Role>(role);
    }
    describes::<super::Token>(journal::TokenRow {
        name: name("ops"),
        role: journal::Role::Operator,
        created_at: at(1),
        expires_at: Some(at(2)),
    });
}

#[test]
fn letters_are_described() {
    use andon_devices::registry::Letter;
    use andon_devices::token::ClientId;

    let letter = Letter::new("7f".into(), "ada@plant.example".into(), "https://a".into(), "b".into(), at(1));
    describes::<super::Letter>(Letter { device: Some("pump-01".parse().unwrap()), ..letter.clone() });
    let letter = Letter { client: ClientId::new("wizard"), ..letter.taken(at(2)) };
    describes::<super::Letter>(letter.not_sent(problem(), true, at(3)));
}

#[test]
fn releases_are_read_as_described() {
    is_read_as::<model::Release, super::Release>(&json!({"release": "retry", "confirmed_absent": true}));
    is_read_as::<model::Release, super::Release>(&json!({"release": "resolve", "document": "10001"}));
    is_read_as::<model::Release, super::Release>(&json!({"release": "cancel"}));
}

#[test]
fn assets_are_described() {
    use andon_assets as assets;
    use andon_assets::definition::{AlarmState, Links, Operator, ParentDefinition};

    let links = Links { equipment: Some("10000042".into()), functional_location: Some("1710-P1".into()) };
    let point = assets::Point::good(at(1), assets::Scalar::Double(21.5));
    let value = assets::ValueView {
        asset: "p1".into(),
        property: "t".into(),
        kind: "measurement",
        data_type: assets::DataType::Double,
        unit: Some("C".into()),
        alias: Some("/p1/t".into()),
        latest: Some(point),
        values: 3,
        late: 1,
        refused: 0,
        faults: 1,
        fault: Some("Divide: Unsupported type".into()),
        too_late: 0,
    };
    let alarm = assets::AlarmView {
        asset: "p1".into(),
        asset_name: "Press 1".into(),
        alarm: "hot".into(),
        property: "t".into(),
        state: AlarmState::SnoozeDisabled,
        since: at(1),
        episode: 2,
        opened_at: Some(at(1)),
        snoozed_until: Some(at(9)),
        severity: Some(1),
        evaluation: Some(assets::Evaluation { value: 81.5, operator: Operator::Greater, threshold: 70.0 }),
        links: links.clone(),
    };
    let asset = assets::AssetView {
        id: "p1".into(),
        name: "Press 1".into(),
        model: "press".into(),
        device: "p1".into(),
        links,
        parent: Some(ParentDefinition { asset: "hall".into(), hierarchy: "presses".into() }),
        parts: vec!["motor".into()],
        defined: true,
        alarms: 1,
        latest: Some(at(1)),
    };
    let detail = andon_engine::plant::AssetDetail {
        asset,
        values: vec![value],
        alarms: vec![alarm],
        unlinked: Some("not found".into()),
    };
    describes::<super::AssetDetail>(detail);
    let model =
        assets::ModelView { name: "press".into(), description: "hot".into(), properties: 3, alarms: 1, assets: 2 };
    describes::<super::AssetModel>(model);
}

#[test]
fn the_lake_is_described() {
    let upkeep = journal::TableUpkeep { table: "readings".into(), files_removed: 2, files_added: 1 };
    describes::<super::LakeUpkeep>(journal::LakeUpkeep { tables: vec![upkeep] });
    describes::<super::SqlColumn>(journal::SqlColumn { name: "t".into(), kind: "Float64".into() });
}
