//! Mail by SMTP: one letter at a time is handed to the mail server that the settings name.
//!
//! **Constraints.** The connection is encrypted and the server's certificate verified before anything is said; the only
//! exception is a server on a loopback address. The password is fetched for each letter and is in no problem.
//!
//! **Life of a letter.** A connection is made for it, encrypted, and signed in; the server takes the letter, refuses it for
//! good ([`Code::LetterRefused`]), or neither ([`Code::MailServer`]). A letter that the server took but whose answer was lost
//! is told as not taken: whoever sends it again gives it the same message id, by which receivers know it.

mod settings;
mod trust;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use andon_journal::Secrets;
use andon_model::{Code, Problem, Secret, Timestamp};
use lettre::Address;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;

use crate::destination::Redactor;

pub use settings::{Encryption, SmtpSettings};

/// How long the mail server may take to say good-bye; by then it has the letter.
const GOOD_BYE: Duration = Duration::from_secs(1);

/// Longest text of the mail server that is kept, in characters.
const MAX_SAID: usize = 300;

/// A letter to hand over.
#[derive(Debug)]
pub struct Outgoing<'a> {
    /// The address that it goes to.
    pub to: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// Its text, plain.
    pub text: &'a Secret,
    /// The left part of its message id; the right part is the sender's domain.
    pub id: &'a str,
    /// When it was written.
    pub date: Timestamp,
}

/// The mail server.
pub struct Smtp {
    settings: SmtpSettings,
    from: Address,
    /// None for a server on this machine that does not encrypt.
    tls: Option<TlsParameters>,
    secrets: Arc<dyn Secrets>,
}

impl Smtp {
    /// Checks the settings and reads the authorities; connects to nobody yet.
    ///
    /// # Errors
    /// [`Code::Setting`], with the key.
    pub fn new(settings: SmtpSettings, secrets: Arc<dyn Secrets>) -> Result<Self, Problem> {
        let wrong = |key: &str, why: &str| Problem::new(Code::Setting, why).at(format!("[mail] {key}"));
        settings.check().map_err(|(key, why)| wrong(key, why))?;
        let from = settings.from.parse().map_err(|_| wrong("from", "it is not an address"))?;
        let tls = trust::parameters(&settings).map_err(|why| wrong("ca", &why))?;
        Ok(Self { settings, from, tls, secrets })
    }

    /// Host and port of the mail server.
    pub fn address(&self) -> String {
        format!("{}:{}", self.settings.host, self.settings.port())
    }

    /// Hands a letter over. `Ok`: the mail server has taken it.
    ///
    /// # Errors
    /// [`Code::LetterRefused`]: it will never take it as it is. Any other: it may take it later.
    pub async fn send(&self, letter: &Outgoing<'_>) -> Result<(), Problem> {
        let message = self.message(letter).map_err(|why| self.problem(Code::LetterRefused, &why))?;
        let mut connection = self.in_time(self.connect()).await?;
        let sent = self.in_time(async {
            let sent = connection.send(message.envelope(), &message.formatted()).await;
            sent.map_err(|error| {
                let for_good = error.is_permanent() || error.is_client();
                self.problem(if for_good { Code::LetterRefused } else { Code::MailServer }, &error.to_string())
            })
        });
        sent.await?;
        let _ = timeout(GOOD_BYE, connection.quit()).await;
        Ok(())
    }

    /// Connects and signs in, and goes again.
    ///
    /// # Errors
    /// What [`Self::send`] would meet before it says anything of a letter.
    pub async fn greet(&self) -> Result<(), Problem> {
        let mut connection = self.in_time(self.connect()).await?;
        let _ = timeout(GOOD_BYE, connection.quit()).await;
        Ok(())
    }

    /// Connecting and handing over have half of the time each.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
        let late = |_| Err(self.problem(Code::MailServer, "no answer in time"));
        timeout(self.settings.timeout / 2, work).await.unwrap_or_else(late)
    }

    fn message(&self, letter: &Outgoing<'_>) -> Result<Message, String> {
        let to: Address = letter.to.parse().map_err(|_| format!("{:?} is not an address", letter.to))?;
        let micros = u64::try_from(letter.date.as_micros()).unwrap_or_default();
        let built = Message::builder()
            .from(Mailbox::new(Some("Andon".to_owned()), self.from.clone()))
            .to(Mailbox::new(None, to))
            .subject(letter.subject)
            .date(UNIX_EPOCH + Duration::from_micros(micros))
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.expose().to_owned());
        built.map_err(|error| error.to_string())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Problem> {
        let credentials = self.credentials().await?;
        let mut redactor = Redactor::default();
        if let Some((_, password)) = &credentials {
            redactor.hide(password.expose());
        }
        let connected = self.signed_in(credentials).await;
        connected.map_err(|error| self.problem(Code::MailServer, &redactor.clean(&error.to_string())))
    }

    async fn credentials(&self) -> Result<Option<(String, Secret)>, Problem> {
        let (Some(user), Some(password)) = (&self.settings.user, &self.settings.password) else { return Ok(None) };
        let secrets = self.secrets.as_ref();
        Ok(Some((user.resolve(secrets).await?, password.resolve(secrets).await?)))
    }

    /// A connection on which a letter can be handed over.
    async fn signed_in(&self, credentials: Option<(String, Secret)>) -> Result<AsyncSmtpConnection, Error> {
        let (place, name) = ((self.settings.host.as_str(), self.settings.port()), self.own_name());
        let wrapper = self.tls.clone().filter(|_| self.settings.encryption == Encryption::Tls);
        let mut connection = AsyncSmtpConnection::connect_tokio1(place, None, &name, wrapper, None).await?;
        if self.settings.encryption == Encryption::Starttls
            && let Some(tls) = self.tls.clone()
        {
            connection.starttls(tls, &name).await?;
        }
        if let Some((user, password)) = credentials {
            connection.auth(DEFAULT_MECHANISMS, &Credentials::new(user, password.expose().to_owned())).await?;
        }
        Ok(connection)
    }

    /// As whom we introduce ourselves: the sender's domain, which says more than the name of a container.
    fn own_name(&self) -> ClientId {
        ClientId::Domain(self.from.domain().to_owned())
    }

    fn problem(&self, code: Code, why: &str) -> Problem {
        Problem::new(code, why.chars().take(MAX_SAID).collect::<String>()).at(self.address())
    }
}

#[cfg(test)]
mod tests;
