//! What a starting engine makes of the runs that were pending: it learns of them page by page without losing
//! their order, and a run that it cannot read can be cancelled.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what went wrong by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod episodes;
mod pending;
mod unreadable;

use std::sync::Arc;
use std::time::Duration;

use andon_act::DestinationLimits;
use andon_engine::{Engine, EngineParts, EngineSettings};
use andon_journal::{Change, Configurations, Document, DocumentKind, Views};
use andon_model::{Clock, Name};
use andon_testkit::memory_journal::MemoryJournal;
use andon_testkit::{DestinationFaults, Dice, RuntimeClock, SimulatedDestination, first_hit_table};

use crate::common::SimulatedAdapters;

const ACTION: &str = r#"
[[step]]
name = "create"
stage = "main"
kind = "http"
destination = "s4"
method = "POST"
path = "/Set"
body = '{"Offset": ${{run.event_offset}}, "Ref": "${{key}}"}'
document = "d.Number"
guard = { kind = "probe", set = "/Set", field = "Ref", settle = "2s" }
retry = { base = "200ms", max = "5s" }
"#;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// A journal with one decision that asks for [`ACTION`] whatever comes.
async fn configured_journal(clock: RuntimeClock) -> MemoryJournal {
    let document =
        |kind, title: &str, text: &str| Change::Put(Document { kind, name: name(title), text: text.to_owned() });
    let changes = vec![
        document(DocumentKind::Destination, "s4", ""),
        document(DocumentKind::Table, "all", &first_hit_table("event.data.equipment", &[("", "notify")])),
        document(DocumentKind::Decision, "all", "table = \"all\"\n"),
        document(DocumentKind::Action, "notify", ACTION),
    ];
    let journal = MemoryJournal::new();
    journal.put(changes, "test", clock.now()).await.expect("configuration is stored");
    journal
}

/// A destination of which this share of the requests is never reached.
fn destination(unreachable: f64) -> SimulatedDestination {
    let limits = DestinationLimits { max_concurrency: 64, open_after: 1_000, open_for: Duration::from_secs(1) };
    SimulatedDestination::new(Dice::new(1), DestinationFaults { unreachable, ..DestinationFaults::default() }, limits)
}

async fn start(journal: &MemoryJournal, destination: &SimulatedDestination, clock: RuntimeClock) -> Engine {
    let journal = Arc::new(journal.clone());
    let parts = EngineParts {
        journal: journal.clone(),
        configurations: journal.clone(),
        views: journal,
        adapters: Arc::new(SimulatedAdapters { target: Arc::new(destination.clone()) }),
        clock: Arc::new(clock),
        settings: EngineSettings::default(),
        owner: "test".into(),
    };
    Engine::start(parts).await.expect("the engine starts")
}

/// Waits until every event is decided and so many runs are pending.
async fn until_pending(journal: &MemoryJournal, pending: usize) {
    loop {
        let counts = journal.counts().await.expect("counts");
        if counts.undecided == 0 && counts.unsettled_runs() == pending {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
