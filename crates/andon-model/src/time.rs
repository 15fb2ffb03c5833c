//! Time and identifiers as parameters: nobody below the binary reads the wall clock.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in time: microseconds since 1970-01-01T00:00:00Z. Text form: RFC 3339 in UTC.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

/// Why a text is not a [`Timestamp`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an RFC 3339 date and time such as 2026-03-05T14:00:00Z")]
pub struct InvalidTimestamp(String);

impl Timestamp {
    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the epoch, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Whether nanoseconds in 64 bits reach this point: from 1678 to 2261.
    pub const fn fits_nanoseconds(self) -> bool {
        const FIRST: i64 = -9_214_560_000_000_000;
        const BEYOND: i64 = 9_214_646_400_000_000;
        FIRST <= self.0 && self.0 < BEYOND
    }

    /// The time from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This point moved into the future, saturating.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This point moved into the past, saturating.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    fn to_datetime(self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000).ok()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_datetime().and_then(|t| t.format(&Rfc3339).ok()) {
            Some(text) => f.pad(&text),
            None => write!(f, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let parsed =
            OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidTimestamp(text.chars().take(64).collect()))?;
        let micros = parsed.unix_timestamp_nanos() / 1_000;
        Ok(Self(i64::try_from(micros).map_err(|_| InvalidTimestamp(text.to_owned()))?))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where the present comes from. Production: [`SystemClock`]; tests and simulations: their own.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Where fresh identifiers and jitter come from.
pub trait IdSource: Send + Sync {
    /// 128 bits that were never handed out before.
    fn next_id(&self) -> u128;
}

/// Identifiers from the operating system's randomness, by way of the standard library's hasher keys.
#[derive(Debug, Default)]
pub struct SystemIds {
    counter: std::sync::atomic::AtomicU64,
}

impl IdSource for SystemIds {
    fn next_id(&self) -> u128 {
        use std::hash::{BuildHasher, Hasher};
        let half = |salt: u64| {
            let mut hasher = std::hash::RandomState::new().build_hasher();
            hasher.write_u64(salt);
            hasher.finish()
        };
        let n = self.counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        (u128::from(half(n)) << 64) | u128::from(half(!n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_micros_agree() {
        let t: Timestamp = "2024-03-05T14:03:00.25+01:00".parse().expect("valid");
        assert_eq!(t.to_string(), "2024-03-05T13:03:00.25Z");
        assert_eq!(t.as_millis(), 1_709_643_780_250);
        assert!("2024-03-05 14:03".parse::<Timestamp>().is_err());
    }

    #[test]
    fn nanoseconds_reach_from_1678_to_2261() {
        let check = |text: &str, expect: bool| {
            assert_eq!(text.parse::<Timestamp>().expect("valid").fits_nanoseconds(), expect, "{text}");
        };
        check("1677-12-31T23:59:59.999999Z", false);
        check("1678-01-01T00:00:00Z", true);
        check("2261-12-31T23:59:59.999999Z", true);
        check("2262-01-01T00:00:00Z", false);
        check("9999-12-31T23:59:59Z", false);
    }

    #[test]
    fn arithmetic_saturates() {
        let late = Timestamp::from_micros(i64::MAX);
        assert_eq!(late.after(Duration::MAX), late);
        assert_eq!(Timestamp::default().since(late), Duration::ZERO);
    }
}
