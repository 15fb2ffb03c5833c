//! Letters: what a person is told by mail about a device or a client, queued beside them.
//!
//! **Constraints.** A letter carries a refresh token at most, never a private key. The token is the secret beside the entry:
//! encrypted as long as the letter waits, and gone when it has ended.
//!
//! **Life of a letter.** It is stored *waiting*. Who sends it takes it first ([`Letter::taken`]), so that nobody else does so
//! at the same time; then it is *sent*, or waits longer with each failure, or is *given up*. Killed between taking and
//! noting, it is sent again under the same message id. What has ended is kept for [`KEPT`] to be looked at.

use std::fmt::Write as _;
use std::time::Duration;

use andon_model::{Problem, Secret, Timestamp};
use serde::{Deserialize, Serialize};

use crate::DeviceName;
use crate::token::ClientId;

/// Version tag of the stored form.
const FORMAT: u8 = 1;

/// Longest address of a recipient, in bytes (RFC 5321, section 4.5.3.1.3, without its brackets).
const MAX_ADDRESS: usize = 254;

/// How long whoever took a letter has to send it.
pub const TAKEN: Duration = Duration::from_mins(2);

/// How long a letter is kept after its end.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// How long after it was sent the same letter is not written again by itself.
const RECENT: Duration = Duration::from_hours(24);

/// Attempts after which it is given up: more than a day and a half with the waits between them.
const MAX_ATTEMPTS: u32 = 50;

/// The wait after the first failure; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// Longest wait between two attempts.
const MAX_WAIT: Duration = Duration::from_hours(1);

/// How far a letter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterStatus {
    /// It is to be sent.
    Waiting,
    /// The mail server has taken it.
    Sent,
    /// The mail server will not take it, or was not to be reached for long.
    GivenUp,
}

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Version tag of this form.
    pub v: u8,
    /// Its id, which is also the left part of its message id.
    pub id: String,
    /// The address that it goes to.
    pub to: String,
    /// The device that it tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceName>,
    /// The client whose refresh token it brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// Where the API is.
    pub api_url: String,
    /// Host and port that devices connect to.
    pub endpoint: String,
    /// When it was written.
    pub created: Timestamp,
    /// How far it is.
    pub status: LetterStatus,
    /// When it is to be sent, or to be forgotten.
    pub due: Timestamp,
    /// How often it was tried.
    #[serde(default)]
    pub attempts: u32,
    /// Why it was not sent so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

impl Letter {
    /// A letter to be sent now, about nothing yet.
    pub fn new(id: String, to: String, api_url: String, endpoint: String, now: Timestamp) -> Self {
        let (device, client, problem) = (None, None, None);
        let (v, status, attempts) = (FORMAT, LetterStatus::Waiting, 0);
        Self { v, id, to, device, client, api_url, endpoint, created: now, status, due: now, attempts, problem }
    }

    /// Whether a text can be an address: one `@` with something on both sides, and nothing that could be a second address
    /// or another header.
    pub fn is_address(text: &str) -> bool {
        let is_plain = |part: &str| !part.is_empty() && part.chars().all(|c| !c.is_control() && !c.is_whitespace());
        let has_parts = text.split_once('@').is_some_and(|(name, host)| is_plain(name) && is_plain(host));
        has_parts && text.len() <= MAX_ADDRESS && !text.contains(['<', '>', ',', ';']) && text.matches('@').count() == 1
    }

    /// Whether it is to be sent, or to be forgotten.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.due <= now
    }

    /// Whether it waits or was sent within a day, so that whoever asks for the same letter already has it.
    pub fn is_under_way(&self, now: Timestamp) -> bool {
        match self.status {
            LetterStatus::Waiting => true,
            LetterStatus::Sent => now.after(KEPT) < self.due.after(RECENT),
            LetterStatus::GivenUp => false,
        }
    }

    /// The letter, taken by somebody who is about to send it.
    #[must_use]
    pub fn taken(self, now: Timestamp) -> Self {
        Self { attempts: self.attempts + 1, due: now.after(TAKEN), ..self }
    }

    /// The letter after the mail server has taken it.
    #[must_use]
    pub fn sent(self, now: Timestamp) -> Self {
        Self { status: LetterStatus::Sent, due: now.after(KEPT), problem: None, ..self }
    }

    /// The letter after a failure; with `for_good` nothing is tried again.
    #[must_use]
    pub fn not_sent(self, problem: Problem, for_good: bool, now: Timestamp) -> Self {
        if for_good || self.attempts >= MAX_ATTEMPTS {
            return Self { status: LetterStatus::GivenUp, due: now.after(KEPT), problem: Some(problem), ..self };
        }
        let doubled = FIRST_WAIT.saturating_mul(1 << self.attempts.saturating_sub(1).min(20));
        Self { due: now.after(doubled.min(MAX_WAIT)), problem: Some(problem), ..self }
    }

    /// Its subject.
    pub fn subject(&self) -> String {
        match (&self.device, &self.client) {
            (Some(device), _) => format!("Device {device} is onboarded"),
            (None, Some(client)) => format!("Access for {client}"),
            (None, None) => "Access".to_owned(),
        }
    }

    /// Its text: API URL, client id and refresh token as a gateway's wizard asks for them. `token` is the refresh token, if
    /// it brings one.
    pub fn text(&self, token: Option<&Secret>) -> Secret {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name:<16}{value}");
        };
        if let Some(device) = &self.device {
            line("Device", device.as_str());
            line("MQTT endpoint", &self.endpoint);
        }
        line("API URL", &self.api_url);
        if let Some(client) = &self.client {
            line("Client id", client.as_str());
        }
        if let Some(token) = token {
            line("Refresh token", token.expose());
            line("Token endpoint", &format!("{}/oauth2/token", self.api_url));
        }
        if self.device.is_some() {
            text.push_str("\nThe private key of the device is not in this letter: it is with the device alone.\n");
        }
        if token.is_some() {
            text.push_str("\nWhoever has the refresh token may act as the client: keep it, and delete this letter.\n");
        }
        Secret::new(text)
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let letter: Self = serde_json::from_str(text)?;
        if letter.v == FORMAT {
            return Ok(letter);
        }
        Err(serde::de::Error::custom(format!("letter of format {}, this program reads {FORMAT}", letter.v)))
    }
}

#[cfg(test)]
mod tests {
    use andon_model::Code;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_772_719_200_000_000);

    fn letter() -> Letter {
        let (url, endpoint) = ("https://andon.example".to_owned(), "mqtt.example:8883".to_owned());
        Letter::new("7".to_owned(), "ada@plant.example".to_owned(), url, endpoint, NOW)
    }

    fn problem() -> Problem {
        Problem::new(Code::MailServer, "no")
    }

    #[test]
    fn addresses_are_checked() {
        let check = |text: &str, expect: bool| assert_eq!(Letter::is_address(text), expect, "{text:?}");
        check("ada@plant.example", true);
        check("ada+andon@plant.example", true);
        check("ada", false);
        check("ada@", false);
        check("@plant.example", false);
        check("ada@plant@example", false);
        check("ada@plant.example\r\nBcc: eve@example", false);
        check("Ada <ada@plant.example>", false);
        check("ada@plant.example,eve@example", false);
        check(&format!("{}@plant.example", "a".repeat(300)), false);
    }

    #[test]
    fn a_letter_says_what_a_wizard_needs() {
        let device = Some("pump-01".parse().unwrap());
        let letter = Letter { device, client: ClientId::new("wizard"), ..letter() };
        let text = letter.text(Some(&Secret::new("family.secret")));
        assert_eq!(letter.subject(), "Device pump-01 is onboarded");
        assert_eq!(
            text.expose(),
            "Device          pump-01\nMQTT endpoint   mqtt.example:8883\nAPI URL         https://andon.example\n\
             Client id       wizard\nRefresh token   family.secret\n\
             Token endpoint  https://andon.example/oauth2/token\n\n\
             The private key of the device is not in this letter: it is with the device alone.\n\n\
             Whoever has the refresh token may act as the client: keep it, and delete this letter.\n"
        );
    }

    #[test]
    fn waits_grow_up_to_an_hour_and_end() {
        let (mut letter, mut now) = (letter(), NOW);
        let mut waits = Vec::new();
        while letter.status == LetterStatus::Waiting {
            letter = letter.taken(now).not_sent(problem(), false, now);
            waits.push(letter.due.since(now));
            now = letter.due;
        }
        assert_eq!(waits[..3], [2, 4, 8].map(Duration::from_secs));
        assert_eq!(waits[..49].iter().max(), Some(&MAX_WAIT));
        assert!(waits[..49].iter().sum::<Duration>() > Duration::from_hours(36));
        assert_eq!((letter.attempts, letter.status, waits[49]), (MAX_ATTEMPTS, LetterStatus::GivenUp, KEPT));
    }

    #[test]
    fn what_has_ended_is_not_tried_again() {
        let refused = letter().taken(NOW).not_sent(problem(), true, NOW);
        assert_eq!((refused.status, refused.due.since(NOW)), (LetterStatus::GivenUp, KEPT));
        let sent = letter().taken(NOW).not_sent(problem(), false, NOW).taken(NOW).sent(NOW);
        assert_eq!((sent.status, sent.problem.as_ref(), sent.attempts), (LetterStatus::Sent, None, 2));
        let within = |hours: u64| sent.is_under_way(NOW.after(Duration::from_hours(hours)));
        assert!(within(0) && within(23) && !within(24) && !refused.is_under_way(NOW) && letter().is_under_way(NOW));
    }
}
