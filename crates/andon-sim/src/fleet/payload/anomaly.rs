//! Something that goes wrong with what a device measures, from a certain time on: a machine that overheats.

use std::str::FromStr;
use std::time::Duration;

use crate::fleet::span::parse_span;

/// From `from` on, `measurement` of the devices whose names fit moves by `by` within `over`, and stays there.
///
/// Text form: `<devices>:<measurement>@<from>+<over>=<by>`, as in `press-*:temperature@60s+120s=40`. `*` in the name stands
/// for any text; times count from the start of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Anomaly {
    devices: String,
    measurement: String,
    from: Duration,
    over: Duration,
    by: f64,
}

impl Anomaly {
    /// Whether it concerns this device.
    pub(in crate::fleet) fn concerns(&self, device: &str) -> bool {
        fits(&self.devices, device)
    }

    /// By how much `measurement` has moved at `at` after the start.
    pub(super) fn shift(&self, measurement: &str, at: Duration) -> f64 {
        let Some(passed) = at.checked_sub(self.from).filter(|_| measurement == self.measurement) else { return 0.0 };
        if passed >= self.over { self.by } else { self.by * passed.as_secs_f64() / self.over.as_secs_f64() }
    }
}

impl FromStr for Anomaly {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str =
            "write it as <devices>:<measurement>@<from>+<over>=<by>, as in press-*:temperature@60s+120s=40";
        let (what, course) = text.split_once('@').ok_or(FORM)?;
        // A device's name may have colons.
        let (devices, measurement) = what.rsplit_once(':').ok_or(FORM)?;
        let (times, by) = course.split_once('=').ok_or(FORM)?;
        let (from, over) = times.split_once('+').ok_or(FORM)?;
        let by: f64 = by.trim().parse().map_err(|_| format!("{by:?} is not a number"))?;
        if !by.is_finite() {
            return Err(format!("{by:?} is not a number"));
        }
        Ok(Self {
            devices: devices.to_owned(),
            measurement: measurement.to_owned(),
            from: parse_span(from)?,
            over: parse_span(over)?,
            by,
        })
    }
}

/// Whether `text` fits a pattern in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit() {
        let check =
            |pattern: &str, text: &str, expect: bool| assert_eq!(fits(pattern, text), expect, "{pattern} {text}");
        check("press-1", "press-1", true);
        check("press-1", "press-10", false);
        check("*", "", true);
        check("press-*", "press-10", true);
        check("press-*", "pump-10", false);
        check("*-1*0", "press-1230", true);
        check("*-1*0", "press-123", false);
        check("a*a", "a", false);
        check("a*b*c", "a-b-b-c", true);
    }

    #[test]
    fn a_machine_overheats() {
        let anomaly: Anomaly = "press:*:temperature@60s+120s=40".parse().unwrap();
        assert!(anomaly.concerns("press:7") && !anomaly.concerns("pump:7"));
        let check = |measurement: &str, seconds: u64, expect: f64| {
            let found = anomaly.shift(measurement, Duration::from_secs(seconds));
            assert!((found - expect).abs() < 1e-9, "{measurement} {seconds}: {found}");
        };
        check("temperature", 59, 0.0);
        check("temperature", 120, 20.0);
        check("temperature", 500, 40.0);
        check("humidity", 500, 0.0);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let check = |text: &str, expect: &str| {
            let found = text.parse::<Anomaly>().expect_err(text);
            assert!(found.starts_with(expect), "{text:?}: {found}");
        };
        check("press", "write it as");
        check("press@1s+1s=1", "write it as");
        check("a:t@1s=1", "write it as");
        check("a:t@1s+1s=hot", "\"hot\" is not a number");
        check("a:t@1s+1s=inf", "inf is not a number");
        check("a:t@1+1s=1", "\"1\" is not a span");
    }
}
