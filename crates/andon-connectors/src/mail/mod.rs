//! Mail by SMTP: one letter at a time is handed to the mail server that the settings name.
//!
//! **Constraints.** The connection is encrypted and the server's certificate verified before anything is said; the only
//! exception is a server on a loopback address. The password is fetched for each letter and is in no problem; nor is a word
//! of what the server says, which may quote the letter. What it says at once is bounded.
//!
//! **Life of a letter.** A connection is made for it, encrypted, and signed in; the server takes the letter, refuses it for
//! good ([`Code::LetterRefused`]), or neither ([`Code::MailServer`]). A letter that the server took but whose answer was lost
//! is told as not taken: whoever sends it again gives it the same message id, by which receivers know it.

mod bounded;
mod settings;
mod trust;
mod words;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use andon_journal::Secrets;
use andon_model::{Code, Problem, Secret, Timestamp};
use lettre::Address;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, Message};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use bounded::Bounded;
pub use settings::{Encryption, SmtpSettings};

/// How long the mail server may take to say good-bye; by then it has the letter.
const GOOD_BYE: Duration = Duration::from_secs(1);

/// Longest text of a problem, in characters.
const MAX_TOLD: usize = 300;

/// Longest line of a letter that is sent as it is, in bytes (RFC 5322, section 2.1.1).
const MAX_LINE: usize = 998;

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
    tls: trust::Tls,
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
        let tls = trust::Tls::of(&settings).map_err(|why| wrong("ca", &why))?;
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
                self.problem(if for_good { Code::LetterRefused } else { Code::MailServer }, &words::of(&error))
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
            .body(body(letter.text.expose()));
        built.map_err(|error| error.to_string())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Problem> {
        let credentials = self.credentials().await?;
        self.signed_in(credentials).await.map_err(|why| self.problem(Code::MailServer, &why))
    }

    async fn credentials(&self) -> Result<Option<(String, Secret)>, Problem> {
        let (Some(user), Some(password)) = (&self.settings.user, &self.settings.password) else { return Ok(None) };
        let secrets = self.secrets.as_ref();
        Ok(Some((user.resolve(secrets).await?, password.resolve(secrets).await?)))
    }

    /// A connection on which a letter can be handed over; or why there is none.
    async fn signed_in(&self, credentials: Option<(String, Secret)>) -> Result<AsyncSmtpConnection, String> {
        let (stream, name) = (self.stream().await.map_err(|error| error.to_string())?, self.own_name());
        let told = |error| words::of(&error);
        let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &name).await.map_err(told)?;
        if let trust::Tls::Later(tls) = &self.tls {
            connection.starttls(tls.clone(), &name).await.map_err(told)?;
        }
        if let Some((user, password)) = credentials {
            let credentials = Credentials::new(user, password.expose().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(told)?;
        }
        Ok(connection)
    }

    /// A bounded stream, with TLS around it where that comes first.
    async fn stream(&self) -> std::io::Result<Box<dyn AsyncTokioStream>> {
        let host = self.settings.host.as_str();
        let stream = TcpStream::connect((host, self.settings.port())).await?;
        let peer = stream.peer_addr()?;
        let trust::Tls::First(config) = &self.tls else { return Ok(Box::new(Bounded::new(stream, peer))) };
        let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
        let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await?;
        Ok(Box::new(Bounded::new(stream, peer)))
    }

    /// As whom we introduce ourselves: the sender's domain, which says more than the name of a container.
    fn own_name(&self) -> ClientId {
        ClientId::Domain(self.from.domain().to_owned())
    }

    fn problem(&self, code: Code, why: &str) -> Problem {
        Problem::new(code, why.chars().take(MAX_TOLD).collect::<String>()).at(self.address())
    }
}

/// The text as it is where every mail server takes it so; what is encoded is what servers quote in unexpected forms.
fn body(text: &str) -> Body {
    let is_plain = text.is_ascii() && !text.contains('\0') && text.lines().all(|line| line.len() <= MAX_LINE);
    if !is_plain {
        return Body::new(text.to_owned());
    }
    let lines: String = text.lines().flat_map(|line| [line, "\r\n"]).collect();
    Body::dangerous_pre_encoded(lines.into_bytes(), ContentTransferEncoding::SevenBit)
}

#[cfg(test)]
mod tests;
