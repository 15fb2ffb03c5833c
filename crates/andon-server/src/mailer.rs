//! How letters leave, as a port.

use andon_model::{Problem, Secret, Timestamp};
use futures_util::future::BoxFuture;

/// A letter as a mail server takes it.
#[derive(Debug)]
pub struct Mail<'a> {
    /// The address that it goes to.
    pub to: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// Its text, plain.
    pub text: &'a Secret,
    /// The left part of its message id: the same whenever this letter is sent.
    pub id: &'a str,
    /// When it was written.
    pub date: Timestamp,
}

/// Hands letters to a mail server. Whoever implements it verifies that server's certificate, always.
pub trait Mailer: Send + Sync {
    /// Host and port of the mail server, for people.
    fn address(&self) -> String;

    /// Hands a letter over, within two minutes. `Ok` means that the server has taken it.
    ///
    /// # Errors
    /// [`andon_model::Code::LetterRefused`] when it will never take the letter as it is; any other when it may later.
    fn mail<'a>(&'a self, mail: Mail<'a>) -> BoxFuture<'a, Result<(), Problem>>;

    /// Connects and signs in, and sends nothing.
    ///
    /// # Errors
    /// Why letters would have to wait.
    fn greet(&self) -> BoxFuture<'_, Result<(), Problem>>;
}
