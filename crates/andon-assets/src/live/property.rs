//! The present of one property of one asset.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Windows;
use crate::limits::Limits;
use crate::value::Point;

/// Longest reason that is kept, in characters.
const MAX_FAULT_CHARS: usize = 200;

/// The latest value and what came before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PropertyState {
    /// The value with the newest time.
    pub(crate) latest: Option<Point>,
    /// The newest values by time, the oldest first; the latest is the last of them.
    pub(crate) recent: VecDeque<Point>,
    /// Values taken.
    pub(crate) values: u64,
    /// Of them, those that were older than the latest when they came.
    pub(crate) late: u64,
    /// Values that were not of the property's type, or out of the window of times.
    pub(crate) refused: u64,
    /// Formulas that could not be computed.
    pub(crate) faults: u64,
    /// Why not, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<Box<str>>,
    /// The windows of a metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) windows: Option<Box<Windows>>,
}

/// What became of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is the latest.
    Latest,
    /// It is older than the latest.
    Late,
    /// It was there already.
    Repeated,
}

impl PropertyState {
    /// Keeps a point; `bytes` is what all recent values of the plant take.
    pub(crate) fn keep(&mut self, point: &Point, limits: &Limits, bytes: &mut usize) -> Kept {
        let place = self.recent.partition_point(|kept| kept.ts <= point.ts);
        if place > 0 && self.recent.get(place - 1) == Some(point) {
            return Kept::Repeated;
        }
        self.values += 1;
        let fresh = self.latest.as_ref().is_none_or(|latest| latest.ts <= point.ts);
        if fresh {
            self.latest = Some(point.clone());
        } else {
            self.late += 1;
        }
        self.insert(place, point, limits, bytes);
        if fresh { Kept::Latest } else { Kept::Late }
    }

    fn insert(&mut self, place: usize, point: &Point, limits: &Limits, bytes: &mut usize) {
        let full = self.recent.len() >= limits.recent_points || *bytes + point.bytes() > limits.recent_bytes;
        if full && place == 0 {
            return;
        }
        let place = if full { place - self.drop_oldest(bytes) } else { place };
        if *bytes + point.bytes() <= limits.recent_bytes {
            *bytes += point.bytes();
            self.recent.insert(place, point.clone());
        }
    }

    /// How many points were dropped: one, or none.
    fn drop_oldest(&mut self, bytes: &mut usize) -> usize {
        let Some(oldest) = self.recent.pop_front() else { return 0 };
        *bytes = bytes.saturating_sub(oldest.bytes());
        1
    }

    /// Counts a formula that could not be computed, and keeps why.
    pub(crate) fn fail(&mut self, why: &str) {
        self.faults += 1;
        let known = self.fault.as_deref().is_some_and(|known| known == why);
        if !known {
            self.fault = Some(why.chars().take(MAX_FAULT_CHARS).collect());
        }
    }

    /// What the recent values take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.recent.iter().map(Point::bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Scalar;
    use andon_model::Timestamp;

    fn point(second: i64, value: i64) -> Point {
        Point::good(Timestamp::from_micros(second), Scalar::Integer(value))
    }

    #[test]
    fn the_latest_is_the_newest_by_time() {
        let (mut state, mut bytes) = (PropertyState::default(), 0);
        let limits = Limits { recent_points: 3, ..Limits::default() };
        let mut keep = |second, value| state.keep(&point(second, value), &limits, &mut bytes);
        assert_eq!(keep(10, 1), Kept::Latest);
        assert_eq!(keep(10, 1), Kept::Repeated);
        assert_eq!(keep(10, 2), Kept::Latest, "corrected");
        assert_eq!(keep(5, 3), Kept::Late);
        assert_eq!(keep(20, 4), Kept::Latest);
        assert_eq!(keep(1, 9), Kept::Late, "older than the window");
        let values: Vec<_> = state.recent.iter().filter_map(|p| p.value.number()).collect();
        assert_eq!(values, [1.0, 2.0, 4.0]);
        assert_eq!((state.values, state.late), (5, 2));
        assert_eq!(bytes, state.bytes());
    }

    #[test]
    fn memory_is_bounded_over_all() {
        let limits = Limits { recent_bytes: 5 * point(0, 0).bytes(), ..Limits::default() };
        let (mut one, mut other, mut bytes) = (PropertyState::default(), PropertyState::default(), 0);
        for second in 0..100 {
            one.keep(&point(second, 0), &limits, &mut bytes);
            other.keep(&point(second, 0), &limits, &mut bytes);
            assert!(bytes <= limits.recent_bytes);
        }
        assert_eq!(bytes, one.bytes() + other.bytes());
        assert_eq!(one.latest, Some(point(99, 0)));
        assert!(!one.recent.is_empty() && !other.recent.is_empty());
    }
}
