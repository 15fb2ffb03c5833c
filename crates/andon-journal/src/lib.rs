//! What happened, in order: the ports through which the engine and the edge keep and read state.
//!
//! **Constraints.** Knows no adapter: no SQL, no files, no HTTP. Every call that returns `Ok` from a
//! writing method is durable (invariant J3); an `Err` from a writing method means *unknown*, and the
//! caller reads the journal again before it acts.
//!
//! **Life of an event.** A [`Source`] or an intake turns a [`Delivery`] into [`Decoded`] events by its
//! [`Decoder`]; [`Journal::append`] stores them once per `(source, id)` together with the source's
//! checkpoint; the engine reads them in order of [`andon_model::Offset`], decides, and writes decision
//! and runs by [`Journal::commit`]; every further step of a run is one more commit.
//!
//! **Life of a reading.** What receives it hands it to a [`ReadingLog`] and answers the device when that has [`Kept`] it.
//! Consumers follow it through a [`ReadingFeed`]; the values that it becomes go to a [`ValueTable`].

mod attachment;
mod configuration;
mod door_memory;
mod episode;
mod intake;
mod journal;
mod keeper;
mod lake;
mod layer;
mod plant_memory;
mod reading_feed;
mod reading_log;
mod value_table;
mod views;

pub use attachment::{
    AttachedFile, AttachmentInfo, Attachments, MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS, NewAttachment, StoredAttachment,
    UNKNOWN_CONTENT_TYPE, attach,
};
pub use configuration::{
    Applied, Change, Configurations, Document, DocumentCheck, DocumentKind, DocumentVersion, Finding, RevisionInfo,
};
pub use door_memory::{DoorMemory, MemoryChange, MemoryEntry, MemoryError, MemoryKind};
pub use episode::{
    Episode, EpisodeFilter, EpisodeHolder, EpisodeKey, EpisodePart, EpisodeRow, OpenEpisodeView, RunEpisodeView,
};
pub use intake::{
    Batch, DEVICE_HEADER, Decoded, Decoder, Delivery, IntakeAuth, MQTT_TOPIC_HEADER, Mark, NewQuarantine, ObjectReader,
    Source, SourceError,
};
pub use journal::{
    Append, Appended, CheckpointMove, Commit, Decided, Journal, JournalError, Lease, PendingRun, RunChange, RunPlace,
    StoredEvent, StoredRun,
};
pub use keeper::{Arrival, Keeper, KeeperError};
pub use lake::{
    DeviceRows, Lake, LakeStatus, LakeTableStatus, LakeUpkeep, SqlAnswer, SqlAsOf, SqlColumn, SqlFormat, SqlQuery,
    TableUpkeep,
};
pub use layer::JournalLayer;
pub use plant_memory::PlantMemory;
pub use reading_feed::{FeedBatch, ReadingFeed, ReadingFeeds};
pub use reading_log::{
    DeviceReadings, Kept, MAX_DEVICE_BYTES, MAX_PAYLOAD_BYTES, MAX_SPEAKS_FOR_BYTES, MAX_TOPIC_BYTES, NewReading,
    ReadingFilter, ReadingLog, ReadingLogError, ReadingLogStatus, ReadingPage, ReadingViews,
};
pub use value_table::{PropertyValue, ValueContent, ValueGap, ValueMark, ValueTable};
pub use views::{
    Counts, EventFilter, EventRow, NewToken, Page, QuarantineRow, QuarantineStatus, Retained, Retention, Role,
    RunDetail, RunFilter, RunRow, Secrets, TokenRow, Tokens, Views,
};
