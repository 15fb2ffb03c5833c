//! What kinds of devices there are, and what each measures.
//!
//! The shapes are those of the sensors behind the gateways of AWS's IoT device connectivity quickstart, as its readme, its
//! property lists and the columns of its data sets have them: numbers as strings with the HOBO MX100, a nested
//! acceleration with the `RuuviTag`, a flag and a point in time with the RS40.

use std::fmt;
use std::str::FromStr;

/// The kind of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Profile {
    /// S1 sensor: temperature and humidity.
    S1,
    /// HOBO MX100 logger: temperature; writes its numbers as strings.
    HoboMx100,
    /// `RuuviTag`: temperature, humidity, acceleration.
    RuuviTag,
    /// RS40: occupancy of a room.
    Rs40,
    /// One number and nothing else, for measurements of throughput.
    Plain,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Form {
    /// A number in steps of 1/n; whole numbers come without a fraction.
    Number(f64),
    /// The same as a string.
    Text(f64),
    /// `true` from 0.5 on.
    Flag,
    /// When the flag of the device last changed, as RFC 3339.
    Since,
}

/// A measurement of a profile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measurement {
    /// Its path below `measurements`.
    pub(super) name: &'static str,
    /// What stands before the value.
    pub(super) lead: &'static str,
    /// What stands after it.
    pub(super) tail: &'static str,
    /// The middle of the day's values.
    pub(super) base: f64,
    /// By how much the afternoon is above it.
    pub(super) daily: f64,
    /// The largest step of the random walk.
    pub(super) step: f64,
    /// Where the sensor's range begins and ends.
    pub(super) range: (f64, f64),
    pub(super) form: Form,
}

const fn row(texts: [&'static str; 3], base: f64, daily: f64, step: f64, range: (f64, f64), form: Form) -> Measurement {
    let [name, lead, tail] = texts;
    Measurement { name, lead, tail, base, daily, step, range, form }
}

const RSSI: Measurement = row(["rssi", ",\"rssi\":", ""], -68.0, 0.0, 4.0, (-100.0, -30.0), Form::Number(1.0));

const S1: [Measurement; 4] = [
    row(["batteryLevel", "\"batteryLevel\":", ""], 96.0, 0.0, 0.1, (0.0, 100.0), Form::Number(1.0)),
    row(["temperature", ",\"temperature\":", ""], 20.5, 3.0, 0.2, (-40.0, 125.0), Form::Number(256.0)),
    row(["humidity", ",\"humidity\":", ""], 46.0, -6.0, 0.5, (0.0, 100.0), Form::Number(256.0)),
    RSSI,
];

const HOBO_MX100: [Measurement; 4] = [
    row(["temperature", "\"temperature\":", ""], 18.0, 4.0, 0.2, (-20.0, 70.0), Form::Text(100.0)),
    row(["launchCount", ",\"launchCount\":", ""], 3.0, 0.0, 0.0, (0.0, 1e6), Form::Text(1.0)),
    row(["alarms", ",\"alarms\":", ""], 0.0, 0.0, 0.3, (0.0, 9.0), Form::Text(1.0)),
    row(["rssi", ",\"rssi\":", ""], -78.0, 0.0, 4.0, (-100.0, -30.0), Form::Text(1.0)),
];

const RUUVITAG: [Measurement; 7] = [
    row(["temperature", "\"temperature\":", ""], 21.0, 2.5, 0.2, (-40.0, 85.0), Form::Number(2.0)),
    row(["humidity", ",\"humidity\":", ""], 44.0, -5.0, 0.5, (0.0, 100.0), Form::Number(2.0)),
    row(["batteryLevel", ",\"batteryLevel\":", ""], 2.95, 0.0, 0.002, (1.6, 3.6), Form::Text(1_000.0)),
    row(["accel.x", ",\"accel\":{\"x\":", ""], 0.01, 0.0, 0.02, (-2.0, 2.0), Form::Number(1_000.0)),
    row(["accel.y", ",\"y\":", ""], -0.01, 0.0, 0.02, (-2.0, 2.0), Form::Number(1_000.0)),
    row(["accel.z", ",\"z\":", "}"], 1.01, 0.0, 0.02, (-2.0, 2.0), Form::Number(1_000.0)),
    RSSI,
];

const RS40: [Measurement; 6] = [
    row(["occupied", "\"occupied\":", ""], 0.35, 0.45, 0.15, (0.0, 1.0), Form::Flag),
    row(["count", ",\"count\":", ""], 8.0, 8.0, 2.0, (0.0, 500.0), Form::Number(1.0)),
    row(["lastChange", ",\"lastChange\":", ""], 0.0, 0.0, 0.0, (0.0, 0.0), Form::Since),
    row(["interval", ",\"interval\":", ""], 60.0, 0.0, 0.0, (1.0, 3_600.0), Form::Text(1.0)),
    row(["batteryLevel", ",\"batteryLevel\":", ""], 97.0, 0.0, 0.1, (0.0, 100.0), Form::Number(2.0)),
    RSSI,
];

const PLAIN: [Measurement; 1] = [row(["value", "\"value\":", ""], 50.0, 10.0, 1.0, (0.0, 100.0), Form::Number(100.0))];

impl Profile {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::S1, Self::HoboMx100, Self::RuuviTag, Self::Rs40, Self::Plain];

    /// The name in a mix and in a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S1 => "s1",
            Self::HoboMx100 => "hobo-mx100",
            Self::RuuviTag => "ruuvitag",
            Self::Rs40 => "rs40",
            Self::Plain => "plain",
        }
    }

    /// Its place in [`Self::ALL`].
    pub(in crate::fleet) fn index(self) -> usize {
        self as usize
    }

    /// Capability model and digital twin model that its messages name.
    pub(super) fn models(self) -> (&'static str, &'static str) {
        match self {
            Self::S1 => ("urn:rigado:S1_Sensor:2", "dtmi:rigado:S1Sensor;1"),
            Self::HoboMx100 => ("urn:rigado:HoboMX100:1", "dtmi:rigado:HoboMX100;1"),
            Self::RuuviTag => ("urn:rigado:RuuviTag:1", "dtmi:rigado:RuuviTag;1"),
            Self::Rs40 => ("urn:rigado:RS40_Occupancy_Sensor:2", "dtmi:rigado:RS40OccupancySensor;1"),
            Self::Plain => ("urn:andon:Plain:1", "dtmi:andon:Plain;1"),
        }
    }

    /// What it measures, in the order of its messages.
    pub(super) fn measurements(self) -> &'static [Measurement] {
        match self {
            Self::S1 => &S1,
            Self::HoboMx100 => &HOBO_MX100,
            Self::RuuviTag => &RUUVITAG,
            Self::Rs40 => &RS40,
            Self::Plain => &PLAIN,
        }
    }
}

/// How many devices of each kind, in proportion: `s1=3,rs40=1`; a kind without a number counts once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileMix(Vec<Profile>);

/// Largest share of a kind.
const MAX_SHARE: usize = 1_000;

impl ProfileMix {
    /// The kind of the device with this number.
    pub fn of(&self, number: usize) -> Profile {
        self.0.get(number % self.0.len().max(1)).copied().unwrap_or(Profile::S1)
    }
}

impl Default for ProfileMix {
    fn default() -> Self {
        Self(vec![Profile::S1, Profile::HoboMx100, Profile::RuuviTag, Profile::Rs40])
    }
}

impl FromStr for ProfileMix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut shares = Vec::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (name, share) = item.split_once('=').unwrap_or((item, "1"));
            let share: usize = share.trim().parse().map_err(|_| format!("{share:?} is not a number"))?;
            if share > MAX_SHARE {
                return Err(format!("a share is at most {MAX_SHARE}"));
            }
            let kind = Profile::ALL.into_iter().find(|kind| kind.as_str() == name.trim()).ok_or_else(unknown)?;
            shares.extend(std::iter::repeat_n(kind, share));
        }
        if shares.is_empty() { Err("the mix is empty".to_owned()) } else { Ok(Self(shares)) }
    }
}

impl fmt::Display for ProfileMix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for run in self.0.chunk_by(|a, b| a == b) {
            let name = run.first().map_or("", |kind| kind.as_str());
            write!(f, "{gap}{name}={}", run.len())?;
            gap = ",";
        }
        Ok(())
    }
}

fn unknown() -> String {
    format!("no such kind of device; there are {}", Profile::ALL.map(Profile::as_str).join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixes() {
        let check = |text: &str, expect: Result<&str, &str>| {
            let found = text.parse::<ProfileMix>().map(|mix| mix.to_string());
            assert_eq!(found.as_deref().map_err(String::as_str), expect, "{text:?}");
        };
        check("s1", Ok("s1=1"));
        check("s1=2, rs40", Ok("s1=2,rs40=1"));
        check("", Err("the mix is empty"));
        check("s1=0", Err("the mix is empty"));
        check("s1=x", Err("\"x\" is not a number"));
        check("s1=9999", Err("a share is at most 1000"));
        check("s2", Err("no such kind of device; there are s1, hobo-mx100, ruuvitag, rs40, plain"));
    }

    #[test]
    fn devices_are_dealt_in_proportion() {
        let mix: ProfileMix = "s1=2,rs40=1".parse().unwrap();
        let kinds: Vec<&str> = (0..6).map(|number| mix.of(number).as_str()).collect();
        assert_eq!(kinds, ["s1", "s1", "rs40", "s1", "s1", "rs40"]);
    }
}
