//! Which segments there are, and how far each may be read.
//!
//! **Constraints.** A byte of a segment is known here only when it is durable, so that nobody reads what a crash may
//! take back. A segment ends where the next one begins: lines with later ids were given up with it, when a `sync`
//! failed, and stand again in the next.

use std::collections::BTreeMap;
use std::ops::Bound;

use andon_model::IngestId;
use parking_lot::Mutex;

use super::archive::Packing;
use super::segment::{SegmentId, SegmentPlace};

/// Where a segment's lines are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lies {
    /// In the log's folder, with this many durable bytes.
    Here {
        /// Durable bytes.
        bytes: u64,
    },
    /// In the archive.
    Archived(Packing),
}

/// What is known of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its name and folder.
    pub place: SegmentPlace,
    /// Where its lines are.
    pub lies: Lies,
    /// The reading that the next segment begins with; `None` for the last one.
    pub end: Option<IngestId>,
}

/// Every segment, in order.
#[derive(Debug, Default)]
pub(crate) struct Index(Mutex<BTreeMap<SegmentId, (SegmentPlace, Lies)>>);

impl Index {
    /// A segment is there, or is there with more bytes, or elsewhere.
    pub(crate) fn set(&self, place: SegmentPlace, lies: Lies) {
        self.0.lock().insert(place.id, (place, lies));
    }

    /// A segment of the archive is there. One that still lies here stays as it is: the copy may be half made.
    pub(crate) fn add_archived(&self, place: SegmentPlace, packing: Packing) {
        self.0.lock().entry(place.id).or_insert((place, Lies::Archived(packing)));
    }

    pub(crate) fn remove(&self, id: SegmentId) {
        self.0.lock().remove(&id);
    }

    /// The first segment from `id` on.
    pub(crate) fn at_or_after(&self, id: SegmentId) -> Option<SegmentInfo> {
        let segments = self.0.lock();
        let mut range = segments.range(id..);
        let (_, (place, lies)) = range.next()?;
        Some(SegmentInfo { place: *place, lies: *lies, end: range.next().map(|(next, _)| next.first) })
    }

    /// The first segment behind `id`.
    pub(crate) fn after(&self, id: SegmentId) -> Option<SegmentId> {
        self.0.lock().range((Bound::Excluded(id), Bound::Unbounded)).next().map(|(next, _)| *next)
    }

    /// The segment that would hold reading `id`: the last that begins at it or before, else the first of all.
    pub(crate) fn holding(&self, id: IngestId) -> Option<SegmentId> {
        let segments = self.0.lock();
        let before = segments.range(..=SegmentId { first: id, generation: u32::MAX }).next_back();
        before.or_else(|| segments.iter().next()).map(|(found, _)| *found)
    }

    /// All segments in order.
    pub(crate) fn all(&self) -> Vec<SegmentInfo> {
        let segments = self.0.lock();
        let ends = segments.keys().skip(1).map(|next| Some(next.first)).chain([None]);
        segments
            .values()
            .zip(ends)
            .map(|((place, lies), end)| SegmentInfo { place: *place, lies: *lies, end })
            .collect()
    }
}
