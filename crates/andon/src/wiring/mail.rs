//! Letters leave by the mail server of the settings.

use std::pin::Pin;
use std::sync::Arc;

use andon_connectors::{Outgoing, Smtp};
use andon_model::Problem;
use andon_server::{Mail, Mailer};
use andon_store::SqlStore;

use crate::config::Settings;

type Answer<'a> = Pin<Box<dyn Future<Output = Result<(), Problem>> + Send + 'a>>;

/// The port, on SMTP.
struct BySmtp(Smtp);

impl Mailer for BySmtp {
    fn address(&self) -> String {
        self.0.address()
    }

    fn mail<'a>(&'a self, mail: Mail<'a>) -> Answer<'a> {
        let Mail { to, subject, text, id, date } = mail;
        Box::pin(async move { self.0.send(&Outgoing { to, subject, text, id, date }).await })
    }

    fn greet(&self) -> Answer<'_> {
        Box::pin(self.0.greet())
    }
}

/// None without `[mail]`.
pub(super) fn mailer(settings: &Settings, store: &Arc<SqlStore>) -> anyhow::Result<Option<Arc<dyn Mailer>>> {
    let Some(mail) = &settings.mail else { return Ok(None) };
    let smtp = Smtp::new(mail.clone(), store.clone())?;
    Ok(Some(Arc::new(BySmtp(smtp))))
}
