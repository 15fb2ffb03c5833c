//! Settings of onboarding, with their defaults.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use andon_devices::ExpiryTerms;
use serde::{Deserialize, Serialize};

/// How devices are onboarded; unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceSettings {
    /// The host that devices connect to, as they are told: a name or an address, without scheme and port.
    pub endpoint: String,
    /// The address under which others reach this API, without a slash at its end. It is the issuer of tokens, and stands
    /// in certificates as the place of the revocation list.
    pub public_url: Option<String>,
    /// Where the API listens, as a URL: what stands in for the public address where that is not set. Not a key of the
    /// settings; whoever binds the address knows it.
    #[serde(skip)]
    pub local_url: String,
    /// The port at which devices come in, for letters that are written before the door is open. Not a key of this section:
    /// it is that of `listen` in `[mqtt]`.
    #[serde(skip)]
    pub mqtt_port: u16,
    /// The organization in the subjects of certificates.
    pub organization: Option<String>,
    /// Life of certificates of devices without a profile, in days.
    pub certificate_days: u32,
    /// How long an old certificate is accepted beside a new one, for devices without a profile, in days.
    pub overlap_days: u32,
    /// How long a revocation list is good, in hours.
    pub revocation_list_hours: u32,
    /// How long before a certificate's end its alarms come on.
    pub expiry: ExpiryTerms,
    /// How often certificates that retire or end are looked for, in seconds: 1 to 3,600.
    pub upkeep_seconds: u32,
    /// The root of the topics that devices publish to.
    pub root_topic: String,
    /// The root of the topics that devices get their commands from.
    pub command_topic: String,
}

impl Default for DeviceSettings {
    fn default() -> Self {
        Self {
            endpoint: "localhost".to_owned(),
            public_url: None,
            local_url: "http://127.0.0.1:8480".to_owned(),
            mqtt_port: 8883,
            organization: None,
            certificate_days: 730,
            overlap_days: 7,
            revocation_list_hours: 24,
            expiry: ExpiryTerms::default(),
            upkeep_seconds: 60,
            root_topic: "data/#".to_owned(),
            command_topic: "commands/#".to_owned(),
        }
    }
}

impl DeviceSettings {
    /// Who signs tokens.
    pub fn issuer(&self) -> &str {
        self.public_url.as_deref().unwrap_or(&self.local_url).trim_end_matches('/')
    }

    /// The settings of a process whose API listens at `address`. Where that is every address of the machine, others on it
    /// reach the one of the loopback.
    #[must_use]
    pub fn listening_at(mut self, address: SocketAddr) -> Self {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        self.local_url = format!("http://{}", SocketAddr::new(ip, address.port()));
        self
    }

    /// Host and port that devices connect to.
    pub(super) fn endpoint_at(&self, port: u16) -> String {
        let host = &self.endpoint;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    pub(super) fn upkeep_pause(&self) -> Duration {
        Duration::from_secs(self.upkeep_seconds.clamp(1, 3_600).into())
    }

    /// Where the revocation list of an authority is.
    pub(super) fn crl_url(&self, authority: &str) -> Option<String> {
        self.public_url.as_ref().map(|url| format!("{}/crl/{authority}.crl", url.trim_end_matches('/')))
    }

    pub(super) fn revocation_list_life(&self) -> Duration {
        Duration::from_hours(self.revocation_list_hours.clamp(1, 24 * 30).into())
    }

    pub(super) fn overlap(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.overlap_days.min(90)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_is_where_the_api_is_reached() {
        let check = |public: Option<&str>, address: &str, expected: &str| {
            let settings = DeviceSettings { public_url: public.map(str::to_owned), ..DeviceSettings::default() };
            let settings = settings.listening_at(address.parse().unwrap());
            assert_eq!(settings.issuer(), expected, "{public:?} {address}");
        };
        check(None, "127.0.0.1:9480", "http://127.0.0.1:9480");
        check(None, "10.1.2.3:80", "http://10.1.2.3:80");
        check(None, "0.0.0.0:8480", "http://127.0.0.1:8480");
        check(None, "[::]:8480", "http://[::1]:8480");
        check(Some("https://andon.plant.example/"), "0.0.0.0:8480", "https://andon.plant.example");
    }
}
