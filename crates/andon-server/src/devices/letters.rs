//! Letters: queued in the registry, sent by the postman.
//!
//! **Constraints.** Nobody who asks for a letter waits for a mail server. A letter and the refresh token that it brings are
//! stored in one commit; in clear the token is in the letter alone.
//!
//! **Life of a letter.** It is stored, and the postman is woken. He takes it (so that another process does not), mails it,
//! and notes what came of it; the note erases the token of what has ended, and revokes that of what nobody got. Killed between mailing and noting, he mails it
//! again with the same message id. A week after its end it is forgotten.

use std::sync::Arc;
use std::time::Duration;

use andon_devices::registry::{
    Changes, Expected, Kind, Letter, LetterStatus, MAX_ENTRIES, RegistryError, Versioned, Write, get, list, put,
};
use andon_devices::token::{Client, ClientId, FamilyId, GrantKind, RefreshFamily};
use andon_devices::{Device, DeviceName};
use andon_model::{Code, Problem, Secret};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::Office;
use crate::mailer::{Mail, Mailer};

/// How long the postman rests at most: another process may have written a letter.
const ROUND: Duration = Duration::from_secs(10);

/// Most letters that wait or are kept: one page.
const MAX_LETTERS: usize = MAX_ENTRIES;

/// Most letters that are with the mail server at once, so that one that hangs there does not stop the others.
const AT_ONCE: usize = 8;

/// The letter that is wanted: about a device, with a refresh token for a client, or both.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LetterWish {
    to: String,
    #[serde(default)]
    device: Option<DeviceName>,
    #[serde(default)]
    client: Option<ClientId>,
    /// Whether it is written although the same one waits or was sent within a day.
    #[serde(default)]
    again: bool,
}

/// Whether the mail server answers.
#[derive(Debug, Serialize)]
pub(crate) struct MailTest {
    /// Its host and port; none when none is set.
    server: Option<String>,
    /// Why letters have to wait.
    problem: Option<Problem>,
}

impl LetterWish {
    fn check(&self) -> Result<(), Problem> {
        if !Letter::is_address(&self.to) {
            return Err(Problem::new(Code::BadRequest, "the recipient is not an address").at("to"));
        }
        if self.device.is_none() && self.client.is_none() {
            return Err(Problem::new(Code::BadRequest, "a letter is about a device, a client, or both"));
        }
        Ok(())
    }
}

impl Office {
    /// Whether such a letter can be written, were its device there; the same letter, if it is under way already.
    ///
    /// # Errors
    /// [`Code::Conflict`] without a mail server, or when the client may not refresh; [`Code::NotFound`] for an unknown
    /// client; [`Code::BackPressure`] when too many letters are kept.
    pub(crate) async fn check_letter(&self, wish: &LetterWish) -> Result<Option<Letter>, Problem> {
        wish.check()?;
        if self.mailer.is_none() {
            return Err(Problem::new(Code::Conflict, "no mail server is set: see [mail] in the settings"));
        }
        if let Some(client) = &wish.client {
            self.public_client(client).await?;
        }
        let kept = self.letters("", MAX_LETTERS).await?;
        let is_full = kept.len() == MAX_LETTERS;
        match self.same_letter(wish, kept).await? {
            None if is_full => Err(Problem::new(Code::BackPressure, format!("{MAX_LETTERS} letters wait or are kept"))),
            same => Ok(same),
        }
    }

    /// The same letter, if it is under way. One about a device that had the name before is another.
    async fn same_letter(&self, wish: &LetterWish, kept: Vec<Versioned<Letter>>) -> Result<Option<Letter>, Problem> {
        if wish.again {
            return Ok(None);
        }
        let since = match &wish.device {
            None => None,
            Some(device) => match get::<Device>(self.registry.as_ref(), device.as_str()).await? {
                None => return Ok(None),
                Some(device) => Some(device.value.created),
            },
        };
        let now = self.now();
        let is_same = |letter: &Letter| {
            (&letter.to, &letter.device, &letter.client) == (&wish.to, &wish.device, &wish.client)
                && since.is_none_or(|since| letter.created >= since)
        };
        let mut kept = kept.into_iter().map(|found| found.value);
        Ok(kept.find(|letter| is_same(letter) && letter.is_under_way(now)))
    }

    /// Stores a letter to be sent, and says that it is a new one. The same letter that is under way comes back as it is.
    /// `port` is that of the door for devices.
    ///
    /// # Errors
    /// Those of [`Self::check_letter`], and [`Code::NotFound`] for an unknown device.
    pub(crate) async fn write_letter(&self, wish: LetterWish, port: u16) -> Result<(Letter, bool), Problem> {
        let same = self.check_letter(&wish).await?;
        if let Some(device) = &wish.device {
            self.device(device).await?;
        }
        if let Some(same) = same {
            return Ok((same, false));
        }
        let (id, api_url) = (self.fresh_id().as_str().to_owned(), self.settings.issuer().to_owned());
        let mut letter = Letter::new(id, wish.to, api_url, self.settings.endpoint_at(port), self.now());
        letter.device = wish.device;
        let (mut changes, mut token) = (Changes::default(), None);
        if let Some(client) = &wish.client {
            let (family, secret) = self.token_for_letter(client, &letter.to).await?;
            changes = changes.and(family);
            (letter.client, token) = (wish.client, Some(secret));
        }
        self.registry.commit(changes.and(put(&letter, token, Expected::Absent)?)).await?;
        self.letter_written.notify_one();
        Ok((letter, true))
    }

    /// A new refresh token on behalf of whoever gets the letter, and what stores it.
    async fn token_for_letter(&self, client: &ClientId, to: &str) -> Result<(Write, Secret), Problem> {
        let client = self.public_client(client).await?;
        let (family, token) = self.begin_family(&client, &to.chars().take(128).collect::<String>())?;
        Ok((put(&family, None, Expected::Absent)?, token))
    }

    /// The client, which may refresh without a secret: that would be in no letter.
    async fn public_client(&self, client: &ClientId) -> Result<Client, Problem> {
        let client = self.refreshing_client(client).await?;
        match client.secret {
            None => Ok(client),
            Some(_) => {
                Err(Problem::new(Code::Conflict, format!("the client {} has a secret: name a public one", client.id)))
            }
        }
    }

    /// The client, which may refresh.
    async fn refreshing_client(&self, client: &ClientId) -> Result<Client, Problem> {
        self.gives_tokens().map_err(|problem| Problem::new(Code::Conflict, problem.detail))?;
        let client = self.client(client).await?.value;
        if !client.grants.contains(&GrantKind::RefreshToken) {
            return Err(Problem::new(Code::Conflict, format!("the client {} may not refresh", client.id)));
        }
        Ok(client)
    }

    /// Letters whose ids come after `after`, in their order.
    pub(crate) async fn letters(&self, after: &str, limit: usize) -> Result<Vec<Versioned<Letter>>, Problem> {
        Ok(list(self.registry.as_ref(), after, limit).await?)
    }

    /// Tries the mail server.
    pub(crate) async fn test_mail(&self) -> MailTest {
        let Some(mailer) = &self.mailer else { return MailTest { server: None, problem: None } };
        MailTest { server: Some(mailer.address()), problem: mailer.greet().await.err() }
    }

    /// Sends what is due and forgets what has ended. How long nothing is due then.
    async fn post(&self, mailer: &dyn Mailer) -> Result<Duration, Problem> {
        let mut rest = ROUND;
        let mut due = Vec::new();
        for found in self.letters("", MAX_LETTERS).await? {
            match (found.value.is_due(self.now()), found.value.status) {
                (false, _) => rest = rest.min(found.value.due.since(self.now())),
                (true, LetterStatus::Waiting) => due.push(found),
                (true, _) => self.forget(&found).await?,
            }
        }
        let mut letters = stream::iter(due).map(|found| self.mail(found, mailer)).buffer_unordered(AT_ONCE);
        while let Some(letter) = letters.next().await {
            rest = rest.min(letter?.due.since(self.now()));
        }
        Ok(rest)
    }

    /// Hands a letter to the mail server; the letter as it is afterwards.
    async fn mail(&self, found: Versioned<Letter>, mailer: &dyn Mailer) -> Result<Letter, Problem> {
        let letter = found.value.taken(self.now());
        let Some(revision) = self.note_letter(&letter, None, found.revision, None).await? else { return Ok(letter) };
        let token = self.registry.secret(Kind::Letter, &letter.id).await?;
        let (subject, text) = (letter.subject(), letter.text(token.as_ref()));
        let mail = Mail { to: &letter.to, subject: &subject, text: &text, id: &letter.id, date: letter.created };
        let after = match mailer.mail(mail).await.map_err(|problem| without(problem, token.as_ref())) {
            Ok(()) => letter.sent(self.now()),
            Err(problem) => {
                let for_good = problem.code == Code::LetterRefused;
                letter.not_sent(problem, for_good, self.now())
            }
        };
        tell(&after);
        let erased = (token.is_some() && after.status != LetterStatus::Waiting).then(|| Secret::new(""));
        let unsent = token.as_ref().filter(|_| after.status == LetterStatus::GivenUp);
        let revoked = self.revoking(unsent).await?;
        self.note_letter(&after, erased, revision, revoked).await?;
        Ok(after)
    }

    /// What revokes a token that nobody got, as far as we know. It may have been read on its way.
    async fn revoking(&self, token: Option<&Secret>) -> Result<Option<Write>, Problem> {
        let Some(id) = token.and_then(FamilyId::of_token) else { return Ok(None) };
        let found = get::<RefreshFamily>(self.registry.as_ref(), id.as_str()).await?;
        let Some(Versioned { revision, value: mut family }) = found else { return Ok(None) };
        family.revoke(self.now());
        Ok(Some(put(&family, None, Expected::Revision(revision))?))
    }

    /// Stores a letter, and `beside` with it. The new revision; none when another process was faster.
    async fn note_letter(
        &self,
        letter: &Letter,
        secret: Option<Secret>,
        was: i64,
        beside: Option<Write>,
    ) -> Result<Option<i64>, Problem> {
        let write = put(letter, secret, Expected::Revision(was))?;
        let writes = beside.into_iter().chain([write]).collect();
        match self.registry.commit(Changes { writes, ..Changes::default() }).await {
            Ok(revision) => Ok(Some(revision)),
            Err(RegistryError::Changed { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn forget(&self, found: &Versioned<Letter>) -> Result<(), Problem> {
        let (key, expected) = (found.value.id.clone(), Expected::Revision(found.revision));
        match self.registry.commit(Changes::default().and(Write::Remove { kind: Kind::Letter, key, expected })).await {
            Ok(_) | Err(RegistryError::Changed { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A mail server may quote what it does not like.
fn without(problem: Problem, token: Option<&Secret>) -> Problem {
    let Some(token) = token.filter(|token| !token.expose().is_empty()) else { return problem };
    Problem { detail: problem.detail.replace(token.expose(), "[secret]"), ..problem }
}

fn tell(letter: &Letter) {
    match (&letter.problem, letter.status) {
        (Some(problem), LetterStatus::Waiting) => {
            tracing::warn!(letter = letter.id, %problem, due = %letter.due, "a letter was not sent, it is tried again");
        }
        (Some(problem), _) => tracing::error!(letter = letter.id, %problem, "a letter cannot be sent"),
        (None, _) => tracing::info!(letter = letter.id, "a letter is sent"),
    }
}

/// Goes round after round, and at once when a letter was written, until `stop` is true. A stop does not wait for a letter:
/// what was not noted is sent again.
pub(crate) async fn postman(office: Arc<Office>, mut stop: watch::Receiver<bool>) {
    let Some(mailer) = office.mailer.clone() else { return };
    loop {
        let round = async {
            let rest = office.post(mailer.as_ref()).await.unwrap_or_else(|problem| {
                tracing::warn!(%problem, "letters are looked for again later");
                ROUND
            });
            let _ = tokio::time::timeout(rest, office.letter_written.notified()).await;
        };
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = round => {}
        }
    }
}

#[cfg(test)]
mod tests;
