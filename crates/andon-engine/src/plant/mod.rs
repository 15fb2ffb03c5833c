//! The plant lane: readings become values of assets, and alarms become events.
//!
//! **Constraints.** One task, the *plant lane*, changes the plant; everybody else looks at it through [`PlantHandle`], or
//! asks the lane. The lane follows the log of readings from its own place and waits for nobody but the journal. What it
//! knows is a function of the log, so that whatever a crash takes is made again: an event has the same id each time, and
//! the journal knows it. What a person asks of an alarm is in a snapshot before it is answered.
//!
//! **Life of a reading.** `lane` takes it from the feed in a batch, `payload` finds its fields, `andon_assets::Plant`
//! says what follows. Events go to the journal, values to whoever watches (`live`) and to the table of values
//! (`outbox`). Once in a while the plant is saved with its place in the log (`saved`), and only then the log is told
//! that it may forget what is before.
//!
//! Killed before the snapshot, the lane reads the same readings again: events are known to the journal, values up to the
//! mark of the table are left out. What the table lacks because it was begun anew, `refill` computes from the log beside
//! the lane. Killed after it, but before the log was told, the log keeps a little more than it must.

mod batch_put;
mod definition;
mod handle;
mod lane;
mod linking;
mod live;
mod outbox;
mod payload;
mod query;
mod refill;
mod saved;
mod shared;
mod telemetry;
mod wish;

use std::sync::Arc;
use std::time::Duration;

use andon_assets::Limits;
use andon_journal::{PlantMemory, ReadingFeeds, ValueTable};

pub use batch_put::{MAX_PUT_ENTRIES, PUT_TOPIC};
pub use handle::{PlantError, PlantHandle};
pub use live::{LiveItem, LivePlace, LiveUpdate, LiveValues};
pub use query::{AlarmFilter, AlarmPage, AssetDetail, AssetFilter, AssetPage, MAX_PAGE, Under};
pub use shared::PlantStatus;

pub(crate) use definition::read as read_definition;
pub(crate) use lane::PlantLane;
pub(crate) use linking::Linking;
pub(crate) use refill::Refill;
pub(crate) use shared::PlantShared;
pub(crate) use telemetry::register as register_counters;

/// The name under which the lane follows the log; also of its checkpoint.
pub(crate) const CONSUMER: &str = "assets";

/// The name under which alarms come into the journal.
pub(crate) const SOURCE: &str = "assets";

/// Limits and times of the plant lane.
#[derive(Debug, Clone)]
pub struct PlantSettings {
    /// Limits of the plant itself.
    pub limits: Limits,
    /// How often the plant is saved: after a crash, at most so much is read again. Default 30 s.
    pub snapshot_interval: Duration,
    /// Where a payload says when it was measured, as a dotted path in lower case; empty: the time of receipt counts.
    /// Default `ts`, where also the time goes that a batch by HTTP says beside a payload.
    pub event_time: String,
    /// How long after a start an alarm waits before it finds that a device is silent: devices are coming back. Default 60 s.
    pub reconnect: Duration,
    /// How long values are gathered for the table of values. Default 2 s.
    pub gather: Duration,
    /// Values that may wait for the table while it takes none; beyond it the oldest are given up, and counted. Default
    /// 200,000.
    pub waiting_values: usize,
    /// Values of one commit, about, when a table that was begun anew is filled again. Default 20,000.
    pub refill_values: usize,
    /// Values, changes of alarms and new assets that are kept for watchers who are behind or come back; beyond it the oldest
    /// go, and who needs them is told. Default 20,000, which is a few megabytes.
    pub live_entries: usize,
}

impl Default for PlantSettings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            snapshot_interval: Duration::from_secs(30),
            event_time: "ts".to_owned(),
            reconnect: Duration::from_mins(1),
            gather: Duration::from_secs(2),
            waiting_values: 200_000,
            refill_values: 20_000,
            live_entries: 20_000,
        }
    }
}

/// What the plant lane works with.
pub struct PlantParts {
    /// The log of readings.
    pub feeds: Arc<dyn ReadingFeeds>,
    /// Where the plant is saved.
    pub memory: Arc<dyn PlantMemory>,
    /// Where values go; without it they are in memory only.
    pub values: Option<Arc<dyn ValueTable>>,
}
