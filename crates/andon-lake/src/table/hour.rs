//! The hour of an event in UTC, or its day: what tables are cut by.

use andon_model::Timestamp;

const MICROS_OF_HOUR: i64 = 3_600_000_000;

/// How finely a table is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// By hours.
    Hour,
    /// By days.
    Day,
}

impl Cut {
    /// The columns by which the table is cut.
    pub(crate) const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Hour => &Hour::COLUMNS,
            Self::Day => &["year", "month", "day"],
        }
    }
}

/// An hour in UTC, of the proleptic Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::struct_field_names, reason = "the partition columns have these names")]
pub(crate) struct Hour {
    /// The year; far outside of 0 to 9999 if a device's clock is.
    pub(crate) year: i32,
    /// 1 to 12.
    pub(crate) month: i32,
    /// 1 to 31.
    pub(crate) day: i32,
    /// 0 to 23.
    pub(crate) hour: i32,
}

impl Hour {
    /// Names of the columns, as AWS Firehose names folders, from the widest.
    pub(crate) const COLUMNS: [&str; 4] = ["year", "month", "day", "hour"];

    /// The hour that `time` is in.
    pub(crate) fn of(time: Timestamp) -> Self {
        let hours = time.as_micros().div_euclid(MICROS_OF_HOUR);
        let (year, month, day) = date(hours.div_euclid(24));
        Self { year: small(year), month: small(month), day: small(day), hour: small(hours.rem_euclid(24)) }
    }

    /// The first hour of the day that `time` is in.
    pub(crate) fn of_day(time: Timestamp) -> Self {
        Self { hour: 0, ..Self::of(time) }
    }

    /// The values of [`Hour::COLUMNS`].
    pub(crate) const fn values(self) -> [i32; 4] {
        [self.year, self.month, self.day, self.hour]
    }
}

/// Years of 64-bit microseconds have six digits.
fn small(number: i64) -> i32 {
    i32::try_from(number).unwrap_or_default()
}

/// Year, month and day of a day since 1970. Counted from the first of March, so that a leap day is the last of its
/// year; 146,097 days are 400 years.
const fn date(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // Months of 31 and 30 days in turn: 153 days are five.
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next_year, month, day)
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    #[test]
    fn the_calendar_is_that_of_others() {
        for hours in (-9_000_000..9_000_000).step_by(3_391) {
            let expect = OffsetDateTime::from_unix_timestamp(hours * 3_600).expect("in range");
            let found = Hour::of(Timestamp::from_micros(hours * MICROS_OF_HOUR + 1));
            let expect = [expect.year(), u8::from(expect.month()).into(), expect.day().into(), expect.hour().into()];
            assert_eq!(found.values(), expect, "{hours}");
        }
        assert_eq!(Hour::of(Timestamp::from_micros(-1)).values(), [1969, 12, 31, 23]);
        assert_eq!(Hour::of(Timestamp::from_micros(i64::MAX)).year, 294_247);
    }
}
