//! The fault profile and its compact text form.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::FaultKind;

/// Longest delay, retry-after or outage that a profile may ask for.
const MAX_SPAN: Duration = Duration::from_mins(5);

/// How often each kind of fault is met, and for how long.
///
/// The kinds are drawn independently of each other. When several hit one request, `slow` is added and one
/// of the others is picked evenly. A draw depends on the seed, the subject (reference key or content of
/// the request) and the attempt, never on the order of arrival.
///
/// Text form: comma-separated `kind=probability[:span]`, the span (`250ms`, `2s`, at most 300 s) only for
/// `slow`, `busy`, `refuse_to_connect`, `slow_drip` and `llm_silent`; `reads=probability` for reads; empty or `none` for no fault.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FaultProfile {
    rates: [f64; FaultKind::ALL.len()],
    reads: f64,
    /// How long `slow` waits; 200 ms unless told.
    pub slow_for: Duration,
    /// The `Retry-After` of `busy`, sent in whole seconds, rounded up; 1 s unless told.
    pub busy_for: Duration,
    /// How long `refuse_to_connect` keeps the door shut; 300 ms unless told.
    pub refuse_for: Duration,
    /// How long the bytes of a `slow_drip` answer trickle; 2 s unless told.
    pub drip_for: Duration,
    /// How long `llm_silent` holds the connection before it is reset; 60 s unless told.
    pub silent_for: Duration,
}

/// Why a text is not a [`FaultProfile`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fault profile, item {item:?}: {what}")]
pub struct FaultTextError {
    /// The item concerned.
    pub item: String,
    /// What is wrong and what to do.
    pub what: String,
}

impl Default for FaultProfile {
    fn default() -> Self {
        Self {
            rates: [0.0; FaultKind::ALL.len()],
            reads: 0.0,
            slow_for: Duration::from_millis(200),
            busy_for: Duration::from_secs(1),
            refuse_for: Duration::from_millis(300),
            drip_for: Duration::from_secs(2),
            silent_for: Duration::from_mins(1),
        }
    }
}

impl FaultProfile {
    /// No faults.
    pub fn none() -> Self {
        Self::default()
    }

    /// The same profile with another probability for `kind`, held within 0 and 1.
    #[must_use]
    pub fn with(mut self, kind: FaultKind, probability: f64) -> Self {
        self.rates[kind.index()] = within_bounds(probability);
        self
    }

    /// The same profile with another probability for reads to fail, held within 0 and 1.
    #[must_use]
    pub fn with_reads(mut self, probability: f64) -> Self {
        self.reads = within_bounds(probability);
        self
    }

    /// Probability of `kind` for a modifying request.
    pub fn rate(&self, kind: FaultKind) -> f64 {
        self.rates[kind.index()]
    }

    /// Probability for a read to fail.
    pub fn reads(&self) -> f64 {
        self.reads
    }

    /// Whether no request can meet a fault.
    pub fn is_quiet(&self) -> bool {
        self.reads <= 0.0 && self.rates.iter().all(|rate| *rate <= 0.0)
    }

    fn span_mut(&mut self, kind: FaultKind) -> Option<&mut Duration> {
        match kind {
            FaultKind::Slow => Some(&mut self.slow_for),
            FaultKind::Busy => Some(&mut self.busy_for),
            FaultKind::RefuseToConnect => Some(&mut self.refuse_for),
            FaultKind::SlowDrip => Some(&mut self.drip_for),
            FaultKind::LlmSilent => Some(&mut self.silent_for),
            _ => None,
        }
    }

    fn take_item(&mut self, item: &str) -> Result<(), String> {
        let (name, value) = item.split_once('=').ok_or("write it as kind=probability")?;
        let (rate, span) = value.split_once(':').map_or((value, None), |(rate, span)| (rate, Some(span)));
        let rate = parse_rate(rate)?;
        if name.trim() == "reads" {
            self.reads = rate;
            return span.map_or(Ok(()), |_| Err("reads takes no span".to_owned()));
        }
        let kind = FaultKind::from_name(name.trim()).ok_or_else(unknown_kind)?;
        self.rates[kind.index()] = rate;
        let Some(span) = span else { return Ok(()) };
        *self.span_mut(kind).ok_or("this kind takes no span")? = parse_span(span)?;
        Ok(())
    }
}

impl FromStr for FaultProfile {
    type Err = FaultTextError;
    fn from_str(text: &str) -> Result<Self, FaultTextError> {
        let mut profile = Self::none();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty() && *item != "none") {
            let fail = |what| FaultTextError { item: item.chars().take(60).collect(), what };
            profile.take_item(item).map_err(fail)?;
        }
        Ok(profile)
    }
}

impl fmt::Display for FaultProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for kind in FaultKind::ALL.into_iter().filter(|kind| self.rate(*kind) > 0.0) {
            write!(f, "{gap}{}={}", kind.as_str(), self.rate(kind))?;
            let mut copy = *self;
            if let Some(span) = copy.span_mut(kind) {
                write!(f, ":{}ms", span.as_millis())?;
            }
            gap = ",";
        }
        if self.reads > 0.0 {
            write!(f, "{gap}reads={}", self.reads)?;
            gap = ",";
        }
        f.write_str(if gap.is_empty() { "none" } else { "" })
    }
}

impl TryFrom<String> for FaultProfile {
    type Error = FaultTextError;
    fn try_from(text: String) -> Result<Self, FaultTextError> {
        text.parse()
    }
}

impl From<FaultProfile> for String {
    fn from(profile: FaultProfile) -> Self {
        profile.to_string()
    }
}

fn within_bounds(probability: f64) -> f64 {
    if probability.is_nan() { 0.0 } else { probability.clamp(0.0, 1.0) }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.trim().parse().map_err(|_| format!("{text:?} is not a number"))?;
    if (0.0..=1.0).contains(&rate) { Ok(rate) } else { Err("a probability lies between 0 and 1".to_owned()) }
}

fn parse_span(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let (digits, millis) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(digits), _) => (digits, 1),
        (None, Some(digits)) => (digits, 1_000),
        (None, None) => return Err(format!("{text:?} is not a span: write 200ms or 2s")),
    };
    let count: u64 = digits.trim().parse().map_err(|_| format!("{text:?} is not a span: write 200ms or 2s"))?;
    let span = Duration::from_millis(count.saturating_mul(millis));
    if span <= MAX_SPAN { Ok(span) } else { Err(format!("a span is at most {} s", MAX_SPAN.as_secs())) }
}

fn unknown_kind() -> String {
    let names: Vec<&str> = FaultKind::ALL.iter().map(|kind| kind.as_str()).collect();
    format!("no such kind; there are {} and reads", names.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expect: &str) {
        let found = text.parse::<FaultProfile>().map_or_else(|e| e.what, |p| p.to_string());
        assert_eq!(found, expect, "for {text:?}");
    }

    #[test]
    fn text_is_read_and_written_back() {
        check("", "none");
        check("none", "none");
        check(" server_error=0.2 , slow=0.1:2s ", "server_error=0.2,slow=0.1:2000ms");
        check("busy=1", "busy=1:1000ms");
        check("reads=0.05,drop_before=0.5", "drop_before=0.5,reads=0.05");
    }

    #[test]
    fn faults_in_the_text_are_named() {
        check("busy", "write it as kind=probability");
        check("busy=x", "\"x\" is not a number");
        check("busy=1.5", "a probability lies between 0 and 1");
        check("busy=NaN", "a probability lies between 0 and 1");
        check("drop_before=0.1:1s", "this kind takes no span");
        check("reads=0.1:1s", "reads takes no span");
        check("slow=0.1:1m", "\"1m\" is not a span: write 200ms or 2s");
        check("slow=0.1:9999s", "a span is at most 300 s");
        assert!("fire=1".parse::<FaultProfile>().unwrap_err().what.starts_with("no such kind; there are server_error"));
    }

    proptest! {
        #[test]
        fn text_form_round_trips(
            rates in proptest::array::uniform27(0.0..=1.0f64),
            reads in 0.0..=1.0f64,
            ms in 0u64..300_000,
        ) {
            let mut profile = FaultProfile::none().with_reads(reads);
            for (kind, rate) in FaultKind::ALL.into_iter().zip(rates) {
                profile = profile.with(kind, rate);
            }
            profile.slow_for = Duration::from_millis(ms);
            let back: FaultProfile = profile.to_string().parse().unwrap();
            prop_assert_eq!(back.to_string(), profile.to_string());
        }
    }
}
