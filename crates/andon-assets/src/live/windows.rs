//! The open windows of a metric of one asset.
//!
//! **Late values.** A window takes values until `lateness` after its end, as told by the newest value that the metric has
//! seen or, when nothing newer comes, by the time of the plant. A value for a window that is closed does not change what
//! was computed: it is counted as late, is in the recent values, and in the lake, whose aggregates have it.
//!
//! **Values ahead.** A value tells the time no further than to its receipt: a source whose clock is ahead opens windows of
//! its own and closes none of the others'. As lateness is at most one interval, at most three windows are open, and one
//! more for each interval that values may be ahead ([`crate::Limits::newest`]): thirteen for windows of a minute.

use std::time::Duration;

use andon_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::aggregate::{Aggregate, Stamped};
use crate::formula::{Function, Slot};
use crate::value::Scalar;

/// The first Monday since 1970, in microseconds: weeks begin on Mondays.
const MONDAY: i64 = 4 * 86_400 * 1_000_000;
const WEEK: i64 = 7 * 86_400 * 1_000_000;

/// How a metric cuts time, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) interval: i64,
    pub(crate) offset: i64,
    pub(crate) lateness: i64,
}

impl Cut {
    /// When the window that `ts` is in begins.
    fn start(self, ts: Timestamp) -> i64 {
        let base = self.offset + if self.interval % WEEK == 0 { MONDAY } else { 0 };
        (ts.as_micros() - base).div_euclid(self.interval) * self.interval + base
    }

    /// When the window takes no more values.
    fn closes(self, start: i64) -> Timestamp {
        Timestamp::from_micros(start + self.interval + self.lateness)
    }
}

/// An open window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Window {
    /// When it begins, in microseconds since 1970.
    start: i64,
    /// When the plant closes it if nothing newer comes.
    due: Timestamp,
    /// What it has, by input.
    inputs: Vec<Aggregate>,
}

/// The windows of a metric.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Windows {
    /// A few, the oldest first.
    open: Vec<Window>,
    /// The time of the newest value, as far as it was over when the value was received.
    newest: Timestamp,
    /// Windows that begin before are closed, in microseconds since 1970.
    closed: Option<i64>,
    /// The last value of each input before the open windows.
    before: Vec<Option<Stamped>>,
    /// Values that came too late.
    pub(crate) late: u64,
    /// The interval that they were made for, in microseconds.
    interval: i64,
}

/// A window that takes no more values.
#[derive(Debug)]
pub(crate) struct Closed {
    /// When it ended: the time of the metric's value.
    pub(crate) end: Timestamp,
    inputs: Vec<Aggregate>,
    before: Vec<Option<Stamped>>,
}

impl Windows {
    /// Whether they were made for as many inputs and the same interval.
    pub(crate) fn fits(&self, inputs: usize, cut: Cut) -> bool {
        let complete = self.open.iter().all(|window| window.inputs.len() == inputs);
        self.before.len() == inputs && complete && self.interval == cut.interval
    }

    /// Takes in a value of an input, received when the plant's time was `now`. Windows that this ends come first.
    pub(crate) fn add(&mut self, cut: Cut, at: (usize, usize), point: (Timestamp, &Scalar), now: Timestamp) -> bool {
        let ((input, inputs), (ts, value)) = (at, point);
        self.before.resize(inputs, None);
        self.interval = cut.interval;
        self.newest = self.newest.max(ts.min(now));
        let start = cut.start(ts);
        if self.closed.is_some_and(|closed| start < closed) {
            self.late += 1;
            return false;
        }
        let place = self.open.partition_point(|window| window.start < start);
        if self.open.get(place).is_none_or(|window| window.start != start) {
            let lateness = Duration::from_micros(cut.lateness.unsigned_abs());
            let due = cut.closes(start).max(now.after(lateness));
            self.open.insert(place, Window { start, due, inputs: vec![Aggregate::default(); inputs] });
        }
        self.open[place].inputs[input].add(ts, value);
        true
    }

    /// The oldest window, if a value at `ts` that was received at `now` ends it.
    pub(crate) fn ended_by(&mut self, cut: Cut, ts: Timestamp, now: Timestamp) -> Option<Closed> {
        let newest = self.newest.max(ts).min(now);
        self.open.first().filter(|window| cut.closes(window.start) <= newest)?;
        Some(self.close(cut))
    }

    /// The oldest window, if the plant closes it at `now`.
    pub(crate) fn due(&mut self, cut: Cut, now: Timestamp) -> Option<Closed> {
        self.open.first().filter(|window| window.due <= now)?;
        Some(self.close(cut))
    }

    /// When the plant closes the oldest window.
    pub(crate) fn wake(&self) -> Option<Timestamp> {
        self.open.first().map(|window| window.due)
    }

    fn close(&mut self, cut: Cut) -> Closed {
        let window = self.open.remove(0);
        let end = window.start + cut.interval;
        self.closed = Some(end);
        let before = self.before.clone();
        for (kept, aggregate) in self.before.iter_mut().zip(&window.inputs) {
            if aggregate.last.is_some() {
                kept.clone_from(&aggregate.last);
            }
        }
        Closed { end: Timestamp::from_micros(end), inputs: window.inputs, before }
    }
}

impl Closed {
    /// What a formula reads of it.
    pub(crate) fn read(&self, slot: &Slot) -> Option<Scalar> {
        match slot {
            Slot::Aggregate(function, inputs) => self.aggregate(*function, inputs),
            Slot::TimeOf(function, input) => {
                self.picked(*function, *input).map(|found| Scalar::Integer(found.ts.as_micros().div_euclid(1_000_000)))
            }
            Slot::Value(_) | Slot::Time(_) => None,
        }
    }

    fn aggregate(&self, function: Function, inputs: &[usize]) -> Option<Scalar> {
        if let ([input], true) = (inputs, function.picks()) {
            return self.picked(function, *input).map(|found| found.value.clone());
        }
        let mut all = inputs.iter().filter_map(|input| self.inputs.get(*input));
        let first = all.next()?;
        match inputs {
            [_] => first.value(function),
            _ => all.fold(first.clone(), |merged, next| merged.merge(next)).value(function),
        }
    }

    fn picked(&self, function: Function, input: usize) -> Option<&Stamped> {
        let (window, before) = (self.inputs.get(input)?, self.before.get(input)?);
        match function {
            Function::First => window.first.as_ref(),
            Function::Earliest => before.as_ref().or(window.first.as_ref()),
            Function::Last => window.last.as_ref(),
            _ => window.last.as_ref().or(before.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn start(interval: i64, offset: i64, ts: &str) -> String {
        let cut = Cut { interval: interval * 1_000_000, offset: offset * 1_000_000, lateness: 0 };
        Timestamp::from_micros(cut.start(seconds(ts))).to_string()
    }

    #[test]
    fn windows_are_aligned_in_utc() {
        assert_eq!(start(300, 0, "2026-03-05T14:07:31Z"), "2026-03-05T14:05:00Z");
        assert_eq!(start(300, 60, "2026-03-05T14:05:59Z"), "2026-03-05T14:01:00Z");
        assert_eq!(start(86_400, 0, "2026-03-05T14:07:31Z"), "2026-03-05T00:00:00Z");
        assert_eq!(start(86_400, 21_600, "2026-03-05T05:59:59Z"), "2026-03-04T06:00:00Z");
        // 2026-03-05 is a Thursday.
        assert_eq!(start(604_800, 0, "2026-03-05T14:07:31Z"), "2026-03-02T00:00:00Z");
        assert_eq!(start(3_600, 0, "1969-12-31T23:59:59Z"), "1969-12-31T23:00:00Z");
    }

    const CUT: Cut = Cut { interval: 60_000_000, offset: 0, lateness: 10_000_000 };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    fn add(windows: &mut Windows, second: i64, now: i64) -> bool {
        windows.add(CUT, (0, 1), (at(second), &Scalar::Integer(second)), at(now))
    }

    #[test]
    fn late_values_count_until_the_window_closes() {
        let mut windows = Windows::default();
        assert!(add(&mut windows, 50, 50));
        assert!(add(&mut windows, 65, 65));
        assert!(add(&mut windows, 55, 66), "within the lateness");
        assert!(windows.ended_by(CUT, at(69), at(69)).is_none());
        let closed = windows.ended_by(CUT, at(70), at(70)).expect("the first minute is over");
        assert_eq!(closed.end, at(60));
        assert_eq!(closed.read(&Slot::Aggregate(Function::Count, vec![0])), Some(Scalar::Integer(2)));
        assert!(!add(&mut windows, 56, 71), "too late");
        assert_eq!(windows.late, 1);
        let second = windows.ended_by(CUT, at(500), at(500)).expect("the second minute is over");
        assert_eq!(second.read(&Slot::Aggregate(Function::Earliest, vec![0])), Some(Scalar::Integer(55)));
        assert_eq!(second.read(&Slot::Aggregate(Function::First, vec![0])), Some(Scalar::Integer(65)));
        assert!(windows.ended_by(CUT, at(5_000), at(5_000)).is_none());
    }

    #[test]
    fn a_burst_from_the_past_is_taken_in_order() {
        let mut windows = Windows::default();
        for second in [0, 30, 60, 90, 120] {
            while windows.ended_by(CUT, at(second), at(7_200)).is_some() {}
            assert!(add(&mut windows, second, 7_200), "second {second}");
        }
        assert!(windows.due(CUT, at(7_205)).is_none(), "the plant waits after the receipt");
        assert!(windows.due(CUT, at(7_210)).is_some());
    }

    #[test]
    fn a_clock_that_is_ahead_closes_no_window_and_opens_few() {
        let mut windows = Windows::default();
        let mut most = 0;
        for now in 0..3_600 {
            for second in [now + 600, now, now - 5] {
                while windows.ended_by(CUT, at(second), at(now)).is_some() {}
                assert!(add(&mut windows, second, now), "second {second} at {now}");
            }
            most = most.max(windows.open.len());
        }
        assert_eq!((windows.late, most), (0, 12));
    }
}
