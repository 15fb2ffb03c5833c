//! What devices say: messages in the shape of the quickstart's sensors, with a number by which they are known again.
//!
//! ```json
//! {"sequence":7,"time":1772719200000,
//!  "device":{"gatewayId":"…","deviceId":"…","capabilityModelId":"…","dtmi":"…"},
//!  "measurements":{"temperature":20.75,"humidity":44.5,"rssi":-71}}
//! ```
//!
//! `sequence` counts the messages of a device from 1, so that whoever receives them sees losses and duplicates; `time` is
//! the device's own clock in milliseconds. Both are the simulator's, the rest is the quickstart's.
//!
//! **Constraints.** Values depend on the seed, the device, the sequence and the device's clock. Each is a random walk that
//! returns to its base, on a day that is warmest at three in the afternoon (UTC).

mod anomaly;
mod profile;
mod spoiled;

use std::f64::consts::TAU;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use andon_model::Timestamp;

pub use anomaly::Anomaly;
use profile::{Form, Measurement};
pub use profile::{Profile, ProfileMix};
pub use spoiled::sequence_of;

use super::dice::Dice;
use super::faults::DeviceFault;

/// How much of a walk's distance from its base is left after a step.
const MEMORY: f64 = 0.97;
/// Seconds of a day.
const DAY: f64 = 86_400.0;
/// When it is warmest.
const WARMEST: f64 = 15.0 * 3_600.0;
/// Where the purposes of draws for payloads begin.
const PURPOSE: u64 = 1_000;

/// When a message is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// The how-manieth it is, from 1.
    pub(super) sequence: u64,
    /// What the device's clock says.
    pub(super) time: Timestamp,
    /// Since the start of the run.
    pub(super) running: Duration,
}

/// Makes the messages of one device.
pub(super) struct Reporter {
    profile: Profile,
    dice: Dice,
    /// The member `device`, as text.
    device: String,
    anomalies: Vec<Arc<Anomaly>>,
    /// How far each walk is from its base.
    offsets: Vec<f64>,
    flag: bool,
    flag_since: Timestamp,
}

impl Reporter {
    pub(super) fn new(device: &str, profile: Profile, seed: u64, anomalies: &[Arc<Anomaly>]) -> Self {
        let dice = Dice::of(seed, device);
        let (capability, twin) = profile.models();
        let gateway = dice.bits(0, PURPOSE) % 100;
        let address = Dice::of(0, device).bits(0, PURPOSE) >> 16;
        let part = format!(
            "{{\"gatewayId\":\"G41B07-{gateway:04}\",\"deviceId\":\"{address:012x}\",\
             \"capabilityModelId\":\"{capability}\",\"dtmi\":\"{twin}\"}}"
        );
        let anomalies = anomalies.iter().filter(|anomaly| anomaly.concerns(device)).cloned().collect();
        let offsets = vec![0.0; profile.measurements().len()];
        Self { profile, dice, device: part, anomalies, offsets, flag: false, flag_since: Timestamp::default() }
    }

    /// Writes the message of a moment, spoiled if it is to be.
    pub(super) fn write(&mut self, moment: &Moment, spoiled: Option<(DeviceFault, usize)>, out: &mut Vec<u8>) {
        let begin = out.len();
        let values_are_wrong = matches!(spoiled, Some((DeviceFault::WrongTypes, _)));
        self.write_message(moment, values_are_wrong, out);
        if let Some((fault, bytes)) = spoiled {
            spoiled::spoil(fault, bytes, self.dice, moment, begin, out);
        }
    }

    fn write_message(&mut self, moment: &Moment, values_are_wrong: bool, out: &mut Vec<u8>) {
        put(out, format_args!("{{\"sequence\":{},\"time\":{},\"device\":", moment.sequence, moment.time.as_millis()));
        out.extend_from_slice(self.device.as_bytes());
        out.extend_from_slice(b",\"measurements\":{");
        for (index, measurement) in self.profile.measurements().iter().enumerate() {
            let value = self.value(index, measurement, moment);
            out.extend_from_slice(measurement.lead.as_bytes());
            if values_are_wrong {
                out.extend_from_slice(spoiled::wrong_value(self.dice, moment.sequence, index).as_bytes());
            } else {
                self.write_value(measurement.form, value, moment.time, out);
            }
            out.extend_from_slice(measurement.tail.as_bytes());
        }
        out.extend_from_slice(b"}}");
    }

    fn value(&mut self, index: usize, measurement: &Measurement, moment: &Moment) -> f64 {
        let noise = self.dice.swing(moment.sequence, PURPOSE + 1 + index as u64);
        let offset = self.offsets.get(index).copied().unwrap_or_default() * MEMORY + measurement.step * noise;
        if let Some(kept) = self.offsets.get_mut(index) {
            *kept = offset;
        }
        let shift: f64 = self.anomalies.iter().map(|anomaly| anomaly.shift(measurement.name, moment.running)).sum();
        let value = measurement.base + measurement.daily * time_of_day(moment.time) + offset + shift;
        value.clamp(measurement.range.0, measurement.range.1)
    }

    fn write_value(&mut self, form: Form, value: f64, time: Timestamp, out: &mut Vec<u8>) {
        match form {
            Form::Number(parts) => put(out, format_args!("{}", in_parts(value, parts))),
            Form::Text(parts) => put(out, format_args!("\"{}\"", in_parts(value, parts))),
            Form::Since => put(out, format_args!("\"{}\"", self.flag_since)),
            Form::Flag => {
                let flag = value >= 0.5;
                if flag != self.flag || self.flag_since == Timestamp::default() {
                    (self.flag, self.flag_since) = (flag, time);
                }
                put(out, format_args!("{flag}"));
            }
        }
    }
}

/// -1 in the middle of the night, 1 in the afternoon.
fn time_of_day(time: Timestamp) -> f64 {
    let seconds = (time.as_millis() as f64 / 1_000.0).rem_euclid(DAY);
    ((seconds - WARMEST) / DAY * TAU).cos()
}

/// The nearest multiple of 1/n; never a negative zero.
fn in_parts(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts + 0.0
}

/// Writes to memory, which cannot fail.
fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests;
