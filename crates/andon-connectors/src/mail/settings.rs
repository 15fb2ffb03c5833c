//! `[mail]`: the mail server, and how it is spoken to.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use lettre::Address;
use serde::Deserialize;

use crate::{Credential, Given};

/// Longest time for one letter. Who takes a letter from the queue has it for longer.
const MAX_TIMEOUT: Duration = Duration::from_mins(1);

/// How the connection is encrypted. The server's certificate is verified, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// It begins in the clear and must become TLS before anything is said (RFC 3207): port 587.
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314): port 465.
    Tls,
    /// None, for a mail server on this machine: port 25, and a loopback address alone.
    None,
}

impl Encryption {
    fn default_port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// The mail server that letters are handed to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// Its name, as its certificate has it.
    pub host: String,
    /// Its port; by default the one that goes with the encryption.
    pub port: Option<u16>,
    /// How the connection is encrypted. Default `starttls`.
    #[serde(default)]
    pub encryption: Encryption,
    /// A file with the authorities that its certificate may come from, in PEM. Default: those of the system.
    pub ca: Option<PathBuf>,
    /// The sender, as in `andon@plant.example`.
    pub from: String,
    /// Who signs in. Default: nobody.
    pub user: Option<Given>,
    /// The password: a reference, as in `{ secret = "smtp" }`.
    pub password: Option<Credential>,
    /// How long one letter may take, up to a minute. Default 20 s.
    #[serde(with = "humantime_serde", default = "default_timeout")]
    pub timeout: Duration,
}

fn default_timeout() -> Duration {
    Duration::from_secs(20)
}

impl SmtpSettings {
    pub(super) fn port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.encryption.default_port())
    }

    /// Which key cannot be used, and why.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let is_clear = self.encryption == Encryption::None;
        if is_clear && !self.is_on_this_machine() {
            return Err(("encryption", "only a mail server on this machine is spoken to in the clear"));
        }
        if self.user.is_some() != self.password.is_some() {
            return Err(("user", "user and password come together"));
        }
        if is_clear && self.user.is_some() {
            return Err(("user", "a password is not sent in the clear"));
        }
        if self.from.parse::<Address>().is_err() {
            return Err(("from", "it is not an address"));
        }
        if self.timeout.is_zero() || self.timeout > MAX_TIMEOUT {
            return Err(("timeout", "it is up to a minute"));
        }
        Ok(())
    }

    fn is_on_this_machine(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<u16, &str>) {
        let text = format!("from = 'andon@plant.example'\n{text}");
        let settings: SmtpSettings = toml::from_str(&text).unwrap();
        assert_eq!(settings.check().map(|()| settings.port()).map_err(|(key, _)| key), expect, "{text}");
    }

    #[test]
    fn settings_are_checked() {
        check("host = 'mail.example'", Ok(587));
        check("host = 'mail.example'\nencryption = 'tls'", Ok(465));
        check("host = 'mail.example'\nport = 2525", Ok(2525));
        check("host = '127.0.0.1'\nencryption = 'none'", Ok(25));
        check("host = 'mail.example'\nencryption = 'none'", Err("encryption"));
        check("host = 'mail.example'\nuser = 'andon'", Err("user"));
        check("host = 'mail.example'\nuser = 'andon'\npassword = { secret = 'smtp' }", Ok(587));
        check("host = 'localhost'\nencryption = 'none'\nuser = 'a'\npassword = { secret = 'smtp' }", Err("user"));
        check("host = 'mail.example'\ntimeout = '2 min'", Err("timeout"));
        check("host = 'mail.example'\ntimeout = '0 s'", Err("timeout"));
    }

    #[test]
    fn a_sender_has_an_address() {
        let settings: SmtpSettings = toml::from_str("host = 'mail.example'\nfrom = 'andon'").unwrap();
        assert_eq!(settings.check().map_err(|(key, _)| key), Err("from"));
    }
}
