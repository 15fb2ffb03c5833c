//! The addresses of `[devices]`: told to others in certificates, letters and tokens, they cannot be corrected there.

use std::net::IpAddr;

use andon_server::DeviceSettings;
use reqwest::Url;

/// Longest host name, and longest part of one between dots (RFC 1035).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// Looks at the addresses that devices and others are told.
///
/// # Errors
/// The key, and what is wrong with its value.
pub(super) fn check(devices: &DeviceSettings) -> Result<(), (&'static str, String)> {
    let endpoint = &devices.endpoint;
    if !is_host(endpoint) {
        let why = "is not a host name or an IP address alone, as in andon.plant.example: no scheme, no port, no path";
        return Err(("endpoint", format!("{endpoint:?} {why}")));
    }
    match &devices.public_url {
        Some(url) if !is_address_of_api(url) => {
            let why =
                "is not an address as in https://andon.plant.example: http or https, a host, and no ? or # behind";
            Err(("public_url", format!("{url:?} {why}")))
        }
        _ => Ok(()),
    }
}

/// A name whose last part is a number would be read as an address.
fn is_host(text: &str) -> bool {
    let ends_with_number = || text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    let is_name = || text.len() <= MAX_NAME && text.split('.').all(is_label) && !ends_with_number();
    text.parse::<IpAddr>().is_ok() || is_name()
}

/// Underscores are no letters of host names, but names of containers have them.
fn is_label(label: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(is_legal)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// The parser mends what others would not: blanks, backslashes, too many slashes. Certificates carry ASCII alone.
fn is_address_of_api(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_whole = |url: &Url| {
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        url.has_host() && is_anonymous && url.query().is_none() && url.fragment().is_none()
    };
    is_plain
        && rest.is_some_and(|rest| !rest.starts_with(['/', '@']))
        && Url::parse(text).is_ok_and(|url| is_whole(&url))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(key: &str, value: &str) -> DeviceSettings {
        let value = value.to_owned();
        match key {
            "endpoint" => DeviceSettings { endpoint: value, ..DeviceSettings::default() },
            _ => DeviceSettings { public_url: Some(value), ..DeviceSettings::default() },
        }
    }

    fn accepted(key: &str, values: &[&str]) {
        for value in values {
            assert_eq!(check(&settings(key, value)), Ok(()), "{value:?}");
        }
    }

    fn refused(key: &str, values: &[&str]) {
        for value in values {
            let (found, why) = check(&settings(key, value)).expect_err(value);
            assert_eq!(found, key, "{value:?}");
            assert!(why.starts_with(&format!("{value:?} is not")), "{why}");
        }
    }

    #[test]
    fn the_endpoint_is_a_host_alone() {
        accepted(
            "endpoint",
            &["localhost", "andon.plant.example", "10.1.2.3", "fe80::1", "line_4-gw", "4.plant.example"],
        );
        accepted("endpoint", &[&"a".repeat(63), &format!("{}b", "a.".repeat(126))]);
        refused(
            "endpoint",
            &["plant.example:8883", "mqtts://plant.example", "plant.example/data", "[::1]", "[::1]:8883"],
        );
        refused(
            "endpoint",
            &["", ".", " localhost", "plant .example", "nonsense…", "d\u{f6}ner.example", "me@plant.example"],
        );
        refused("endpoint", &["plant..example", "plant.example.", "-plant.example", "plant-", "10.1.2", "10.1.2.300"]);
        refused("endpoint", &[&"a".repeat(64), &format!("{}b", "a.".repeat(127))]);
    }

    #[test]
    fn the_public_address_is_one_of_http() {
        accepted("public_url", &["https://andon.plant.example", "http://10.1.2.3:8480/", "https://[::1]:8480"]);
        accepted("public_url", &["https://plant.example/andon"]);
        refused("public_url", &["", "plant.example", "plant.example:8480", "mqtts://plant.example", "nonsense…"]);
        refused("public_url", &["https:plant.example", "https://", "https:///plant", "https://plant.example:99999"]);
        refused("public_url", &["https://plant example", " https://plant.example", "https://plant.example\\andon"]);
        refused(
            "public_url",
            &["https://plant.example?a", "https://plant.example/#a", "https://me:word@plant.example"],
        );
        refused("public_url", &["https://d\u{f6}ner.example"]);
    }
}
