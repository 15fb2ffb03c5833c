//! What goes wrong with devices: kinds, how often, and for how long or how large.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::dice::Dice;
use super::span::{parse_bytes, parse_span, show_span};
use crate::faults::FaultTextError;

/// A way in which a device misbehaves, or its surroundings do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeviceFault {
    /// All connections of the fleet are cut at once, and all devices come back at once. Drawn once a period.
    Storm,
    /// The connection is cut after a message was written.
    Drop,
    /// The message is published twice.
    Duplicate,
    /// The packet goes out once more with DUP set before it is acknowledged. MQTT 5 allows that only after a reconnect:
    /// there the connection is cut instead.
    Resend,
    /// The device's clock is wrong, for good, by a part of the span to either side. Drawn once a device.
    Skew,
    /// The message was measured earlier, by a part of the span.
    Late,
    /// The device says nothing for the span.
    Silence,
    /// The payload is a line of text.
    NotJson,
    /// The payload breaks off.
    Truncated,
    /// Measurements have types that they should not have.
    WrongTypes,
    /// The payload is not text.
    Binary,
    /// The payload is as large as asked for.
    Huge,
}

impl DeviceFault {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Storm,
        Self::Drop,
        Self::Duplicate,
        Self::Resend,
        Self::Skew,
        Self::Late,
        Self::Silence,
        Self::NotJson,
        Self::Truncated,
        Self::WrongTypes,
        Self::Binary,
        Self::Huge,
    ];

    /// The kinds that spoil a payload; a message meets at most one of them.
    pub(super) const SPOILING: [Self; 5] = [Self::NotJson, Self::Truncated, Self::WrongTypes, Self::Binary, Self::Huge];

    /// The name in a profile and in a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Storm => "storm",
            Self::Drop => "drop",
            Self::Duplicate => "duplicate",
            Self::Resend => "resend",
            Self::Skew => "skew",
            Self::Late => "late",
            Self::Silence => "silence",
            Self::NotJson => "not_json",
            Self::Truncated => "truncated",
            Self::WrongTypes => "wrong_types",
            Self::Binary => "binary",
            Self::Huge => "huge",
        }
    }

    /// Its place in [`Self::ALL`].
    pub(super) fn index(self) -> usize {
        self as usize
    }

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// How often each [`DeviceFault`] is met.
///
/// Text form: comma-separated `kind=probability[:measure]`; the measure is a span for `storm` (its period, 30 s unless
/// told), `skew` (5 m), `late` (10 m) and `silence` (30 s), and a size for `huge` (64k). Empty or `none` for no fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeviceFaults {
    rates: [f64; DeviceFault::ALL.len()],
    /// How often a storm is drawn.
    pub storm_every: Duration,
    /// The most by which a clock is wrong.
    pub skew_by: Duration,
    /// The most by which a message is late.
    pub late_by: Duration,
    /// How long a silence lasts.
    pub silent_for: Duration,
    /// Bytes of a huge payload.
    pub huge_bytes: usize,
}

impl Default for DeviceFaults {
    fn default() -> Self {
        Self {
            rates: [0.0; DeviceFault::ALL.len()],
            storm_every: Duration::from_secs(30),
            skew_by: Duration::from_mins(5),
            late_by: Duration::from_mins(10),
            silent_for: Duration::from_secs(30),
            huge_bytes: 64 << 10,
        }
    }
}

impl DeviceFaults {
    /// Probability of `kind`.
    pub fn rate(&self, kind: DeviceFault) -> f64 {
        self.rates[kind.index()]
    }

    /// Whether the `number`-th occasion meets `kind`.
    pub(super) fn meets(&self, kind: DeviceFault, dice: Dice, number: u64) -> bool {
        dice.hits(self.rate(kind), number, kind.index() as u64)
    }

    /// How the payload of a message is spoiled, if it is.
    pub(super) fn spoils(&self, dice: Dice, number: u64) -> Option<DeviceFault> {
        DeviceFault::SPOILING.into_iter().find(|kind| self.meets(*kind, dice, number))
    }

    fn span_mut(&mut self, kind: DeviceFault) -> Option<&mut Duration> {
        match kind {
            DeviceFault::Storm => Some(&mut self.storm_every),
            DeviceFault::Skew => Some(&mut self.skew_by),
            DeviceFault::Late => Some(&mut self.late_by),
            DeviceFault::Silence => Some(&mut self.silent_for),
            _ => None,
        }
    }

    fn take_item(&mut self, item: &str) -> Result<(), String> {
        let (name, value) = item.split_once('=').ok_or("write it as kind=probability")?;
        let (rate, measure) = value.split_once(':').map_or((value, None), |(rate, measure)| (rate, Some(measure)));
        let rate: f64 = rate.trim().parse().map_err(|_| format!("{rate:?} is not a number"))?;
        if !(0.0..=1.0).contains(&rate) {
            return Err("a probability lies between 0 and 1".to_owned());
        }
        let kind = DeviceFault::of_name(name.trim()).ok_or_else(unknown_kind)?;
        self.rates[kind.index()] = rate;
        measure.map_or(Ok(()), |measure| self.take_measure(kind, measure))
    }

    fn take_measure(&mut self, kind: DeviceFault, measure: &str) -> Result<(), String> {
        if kind == DeviceFault::Huge {
            self.huge_bytes = parse_bytes(measure)?;
            return Ok(());
        }
        let span = self.span_mut(kind).ok_or("this kind takes no measure")?;
        *span = parse_span(measure)?;
        if kind == DeviceFault::Storm && span.is_zero() {
            return Err("the period of storms is not zero".to_owned());
        }
        Ok(())
    }
}

impl FromStr for DeviceFaults {
    type Err = FaultTextError;

    fn from_str(text: &str) -> Result<Self, FaultTextError> {
        let mut faults = Self::default();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty() && *item != "none") {
            let fail = |what| FaultTextError { item: item.chars().take(60).collect(), what };
            faults.take_item(item).map_err(fail)?;
        }
        Ok(faults)
    }
}

impl fmt::Display for DeviceFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for kind in DeviceFault::ALL.into_iter().filter(|kind| self.rate(*kind) > 0.0) {
            write!(f, "{gap}{}={}", kind.as_str(), self.rate(kind))?;
            let mut copy = *self;
            match copy.span_mut(kind) {
                Some(span) => write!(f, ":{}", show_span(*span))?,
                None if kind == DeviceFault::Huge => write!(f, ":{}", self.huge_bytes)?,
                None => {}
            }
            gap = ",";
        }
        f.write_str(if gap.is_empty() { "none" } else { "" })
    }
}

fn unknown_kind() -> String {
    let names: Vec<&str> = DeviceFault::ALL.iter().map(|kind| kind.as_str()).collect();
    format!("no such kind; there are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let found = text.parse::<DeviceFaults>().map_or_else(|error| error.what, |faults| faults.to_string());
        assert_eq!(found, expect, "for {text:?}");
        if text.parse::<DeviceFaults>().is_ok() {
            assert_eq!(expect.parse::<DeviceFaults>().unwrap().to_string(), expect);
        }
    }

    #[test]
    fn text_is_read_and_written_back() {
        check("", "none");
        check("none", "none");
        check(" duplicate=0.2 , storm=1:10s ", "storm=1:10s,duplicate=0.2");
        check("late=0.5,skew=0.1:90s,silence=0.01:2m", "skew=0.1:90s,late=0.5:10m,silence=0.01:2m");
        check("huge=0.1:1M,binary=1", "binary=1,huge=0.1:1048576");
    }

    #[test]
    fn faults_in_the_text_are_named() {
        check("drop", "write it as kind=probability");
        check("drop=x", "\"x\" is not a number");
        check("drop=1.5", "a probability lies between 0 and 1");
        check("drop=0.1:1s", "this kind takes no measure");
        check("late=0.1:1d", "\"1d\" is not a span: write 250ms, 2s, 5m or 1h");
        check("huge=0.1:1s", "\"1s\" is not a size: write 300, 64k or 1M");
        check("storm=1:0s", "the period of storms is not zero");
        assert!("fire=1".parse::<DeviceFaults>().unwrap_err().what.starts_with("no such kind; there are storm"));
    }

    #[test]
    fn a_message_is_spoiled_in_one_way() {
        let faults: DeviceFaults = "not_json=0.1,binary=0.1".parse().unwrap();
        let dice = Dice::of(1, "a");
        let count = |kind| (0..10_000).filter(|number| faults.spoils(dice, *number) == Some(kind)).count();
        assert!(count(DeviceFault::NotJson).abs_diff(1_000) < 150);
        assert!(count(DeviceFault::Binary).abs_diff(900) < 150);
        assert_eq!(count(DeviceFault::Huge), 0);
    }
}
