//! What a fleet is to do.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use andon_model::{Clock, SystemClock};

use crate::fleet::error::FleetError;
use crate::fleet::faults::DeviceFaults;
use crate::fleet::mqtt::{Protocol, Qos};
use crate::fleet::payload::{Anomaly, ProfileMix};

/// Most devices of a fleet.
pub const MAX_DEVICES: usize = 20_000;
/// Most messages per second of a device.
const MAX_RATE: f64 = 1_000_000.0;

/// What a fleet is to do.
#[derive(Clone)]
pub struct FleetPlan {
    /// `mqtts://host:port`, or `mqtt://host:port` without TLS; 8883 and 1883 where the port is left out.
    pub broker: String,
    /// What devices trust, in PEM; not looked at without TLS.
    pub roots_pem: String,
    /// The versions of MQTT, dealt to the devices in turn.
    pub protocols: Vec<Protocol>,
    /// The qualities of service, dealt to the messages of a device in turn.
    pub qos: Vec<Qos>,
    /// The topic; `{device}` and `{profile}` are filled in.
    pub topic: String,
    /// Which kinds of devices.
    pub profiles: ProfileMix,
    /// Messages per second of each device; as fast as it goes when there is none.
    pub rate: Option<f64>,
    /// Messages of each device.
    pub messages: Option<u64>,
    /// How long messages are made, from the start on.
    pub duration: Option<Duration>,
    /// How many publishes of a device may be unacknowledged.
    pub in_flight: u16,
    /// First connects per second; all at once when there is none.
    pub connects_per_second: Option<f64>,
    /// Whether devices wait with their messages until all have tried to connect.
    pub together: bool,
    /// Whether sessions begin anew with every connect.
    pub clean: bool,
    /// Keep-alive in seconds.
    pub keep_alive: u16,
    /// How long acknowledgements are waited for after the last message.
    pub drain: Duration,
    /// Connects in a row that may fail before a device gives up.
    pub patience: u32,
    /// What goes wrong.
    pub faults: DeviceFaults,
    /// What goes wrong with what is measured.
    pub anomalies: Vec<Arc<Anomaly>>,
    /// Seed of values and faults.
    pub seed: u64,
    /// File of the ledger, if one is wanted.
    pub ledger: Option<PathBuf>,
    /// The clock of the devices, before it is skewed.
    pub clock: Arc<dyn Clock>,
}

impl Default for FleetPlan {
    fn default() -> Self {
        Self {
            broker: "mqtts://localhost:8883".to_owned(),
            roots_pem: String::new(),
            protocols: vec![Protocol::V311],
            qos: vec![Qos::AtLeastOnce],
            topic: "data/{device}".to_owned(),
            profiles: ProfileMix::default(),
            rate: Some(1.0),
            messages: None,
            duration: None,
            in_flight: 64,
            connects_per_second: Some(200.0),
            together: false,
            clean: true,
            keep_alive: 60,
            drain: Duration::from_secs(10),
            patience: 20,
            faults: DeviceFaults::default(),
            anomalies: Vec::new(),
            seed: 1,
            ledger: None,
            clock: Arc::new(SystemClock),
        }
    }
}

/// What is behind a broker's address.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BrokerAddress<'a> {
    pub(super) is_tls: bool,
    pub(super) host: &'a str,
    pub(super) port: u16,
}

impl FleetPlan {
    /// Refuses what cannot be done.
    pub(super) fn check(&self, devices: usize) -> Result<(), FleetError> {
        let positive = |number: Option<f64>| number.is_none_or(|number| number > 0.0 && number <= MAX_RATE);
        let refused = match () {
            () if devices == 0 => "a fleet has at least one device".to_owned(),
            () if devices > MAX_DEVICES => format!("a fleet has at most {MAX_DEVICES} devices"),
            () if self.protocols.is_empty() => "no version of MQTT is given".to_owned(),
            () if self.qos.is_empty() => "no quality of service is given".to_owned(),
            () if !positive(self.rate) => format!("a rate lies above 0, and at {MAX_RATE} at most"),
            () if !positive(self.connects_per_second) => {
                format!("connects a second lie above 0, and at {MAX_RATE} at most")
            }
            () if self.topic.is_empty() || self.topic.contains(['#', '+', '\0']) => {
                "a topic is not empty and has no wildcards".to_owned()
            }
            () => return Ok(()),
        };
        Err(FleetError::Plan(refused))
    }

    /// The topic of a device.
    pub(super) fn topic_of(&self, device: &str, profile: &str) -> String {
        self.topic.replace("{device}", device).replace("{profile}", profile)
    }

    pub(super) fn address(&self) -> Result<BrokerAddress<'_>, FleetError> {
        let wrong = || FleetError::Broker {
            address: self.broker.clone(),
            what: "write it as mqtts://host:port, or mqtt://host:port without TLS".to_owned(),
        };
        let (scheme, rest) = self.broker.split_once("://").ok_or_else(wrong)?;
        let (is_tls, usual_port) = match scheme {
            "mqtts" => (true, 8883),
            "mqtt" => (false, 1883),
            _ => return Err(wrong()),
        };
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (rest, usual_port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() { Err(wrong()) } else { Ok(BrokerAddress { is_tls, host, port }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |text: &str, expect: Option<(bool, &str, u16)>| {
            let plan = FleetPlan { broker: text.to_owned(), ..FleetPlan::default() };
            let found = plan.address().ok().map(|found| (found.is_tls, found.host, found.port));
            assert_eq!(found, expect, "{text}");
        };
        check("mqtts://localhost:8883", Some((true, "localhost", 8883)));
        check("mqtts://plant-1710", Some((true, "plant-1710", 8883)));
        check("mqtt://127.0.0.1", Some((false, "127.0.0.1", 1883)));
        check("mqtts://[::1]:99/", Some((true, "::1", 99)));
        check("mqtts://[::1]", Some((true, "::1", 8883)));
        check("https://localhost", None);
        check("localhost:8883", None);
        check("mqtts://:8883", None);
        check("mqtts://localhost:port", None);
    }

    #[test]
    fn impossible_plans_are_refused() {
        let check = |change: fn(&mut FleetPlan), devices, expect: &str| {
            let mut plan = FleetPlan::default();
            change(&mut plan);
            assert_eq!(plan.check(devices).map_err(|error| error.to_string()).err().unwrap_or_default(), expect);
        };
        check(|_| {}, 1, "");
        check(|_| {}, 0, "a fleet has at least one device");
        check(|_| {}, 20_001, "a fleet has at most 20000 devices");
        check(|plan| plan.rate = Some(0.0), 1, "a rate lies above 0, and at 1000000 at most");
        check(|plan| plan.rate = Some(f64::NAN), 1, "a rate lies above 0, and at 1000000 at most");
        check(|plan| plan.topic = "data/#".to_owned(), 1, "a topic is not empty and has no wildcards");
        check(|plan| plan.qos.clear(), 1, "no quality of service is given");
    }
}
