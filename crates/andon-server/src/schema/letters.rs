//! Letters.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Problem;

/// The letter that is wanted: about a device, for a client, or both.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WantedLetter {
    /// The address that it goes to.
    pub to: String,
    /// The device that it tells of.
    pub device: Option<String>,
    /// The client for which it brings a new refresh token.
    pub client: Option<String>,
    /// Whether it is written although the same one waits or was sent within a day; false when absent.
    pub again: Option<bool>,
}

/// Whether a letter was written already.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct KnownLetter {
    /// The same letter, which waits or was sent within a day.
    pub known: Option<Letter>,
}

/// A letter, and how far it is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Letter {
    /// Version tag of this form.
    pub v: u8,
    /// Its id, which is also the left part of its message id.
    pub id: String,
    /// The address that it goes to.
    pub to: String,
    /// The device that it tells of.
    pub device: Option<String>,
    /// The client whose refresh token it brings.
    pub client: Option<String>,
    /// Where the API is.
    pub api_url: String,
    /// Host and port that devices connect to.
    pub endpoint: String,
    /// When it was written.
    pub created: String,
    /// `waiting`, `sent` or `given_up`.
    pub status: String,
    /// When it is tried next, or forgotten.
    pub due: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was not sent so far.
    pub problem: Option<Problem>,
}

/// A page of letters.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LetterPage {
    /// The letters.
    pub letters: Vec<Letter>,
    /// What `after` is for the next page; none after the last.
    pub next: Option<String>,
}

/// Whether the mail server answers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MailTest {
    /// Its host and port; none when none is set.
    pub server: Option<String>,
    /// Why letters have to wait; none when it answers.
    pub problem: Option<Problem>,
}
