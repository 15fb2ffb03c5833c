//! The raw log: every reading as it was received, in files that a person can read.
//!
//! **Constraints.** A reading is acknowledged when its line is durable, and not before (invariant J3). Ids are gapless.
//! One thread writes; readers see durable lines only. Everything that waits is limited.
//!
//! **Life of a reading.** [`RawLog`] takes it in a batch; the writer's thread makes groups of what waits, and the
//! appender puts each group behind the lines of the open segment, with one `fsync`. Readers follow. A segment is closed
//! when it is full, old, or its hour is over; it is packed, moved to an object store, compared, and after its time
//! forgotten. After a crash, what was cut off in the middle of a line is set aside, and a new segment begins.

mod appender;
mod archive;
mod checkpoint;
mod counts;
mod damage;
mod disk;
mod feed;
mod identity;
mod index;
mod keeping;
mod lacking;
mod line;
mod log;
mod read;
mod reader;
mod recover;
mod segment;
mod settings;
#[cfg(test)]
mod tests;
mod views;
mod writer;

pub use archive::{Archive, ArchiveError, Packing};
pub use checkpoint::CheckpointError;
pub use counts::Received;
pub use disk::{Disk, DiskFile, FoundFile, LocalDisk};
pub use identity::LogId;
pub use index::{Lies, SegmentInfo};
pub use keeping::{ForgetError, Moved};
pub(crate) use lacking::Lacking;
pub use line::LineFault;
pub use log::RawLog;
pub use read::{Damage, Position, ReadBatch, ReadLimit};
pub use reader::{ReadError, Reader};
pub use recover::TornTail;
pub use segment::{Hour, InvalidSegmentId, SegmentId, SegmentPlace};
pub use settings::RawLogSettings;

/// A disk in memory without faults, for tests of what reads the log.
#[cfg(test)]
pub(crate) fn simulated_disk(dice: andon_testkit::Dice) -> std::sync::Arc<dyn Disk> {
    std::sync::Arc::new(disk::simulated::SimulatedDisk::new(dice))
}
