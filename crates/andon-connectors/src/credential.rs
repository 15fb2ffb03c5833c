//! Where a password or key comes from: a stored secret, the environment, a file, or AWS.
//!
//! **Constraints.** The text itself never stands in configuration, and no problem quotes it (invariant K1).
//! A file is read up to [`MAX_FILE_BYTES`].
//!
//! **Life of a reference.** It is checked when the document is read, resolved when a destination needs its
//! credentials, and resolved anew when they are refused or have been kept for a while; see
//! `destination::kept`.

mod shape;

use std::fmt;
use std::path::{Path, PathBuf};

use andon_journal::Secrets;
use andon_model::{Code, Name, Problem, Secret};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncReadExt;

use crate::secrets::{self, AwsReference};

/// Largest file that is read as a secret; chains of certificates are the longest.
const MAX_FILE_BYTES: u64 = 256 << 10;

/// A reference to a secret text. In TOML one of `{ secret = "name" }`, `{ env = "VARIABLE" }`,
/// `{ file = "/path" }`, `{ aws_secret = "name or ARN" }`, `{ aws_parameter = "/name" }`; with
/// `key = "member"` the text is JSON and the member of that name is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Where the text is.
    pub place: SecretPlace,
    /// The member of a JSON text that is meant; without it the whole text.
    pub key: Option<String>,
}

/// Where a secret text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// A secret that was stored with Andon, encrypted.
    Stored(Name),
    /// An environment variable of the process.
    Env(String),
    /// A file; a line end at its end does not belong to the secret.
    File(PathBuf),
    /// AWS Secrets Manager or the parameter store of AWS Systems Manager.
    Aws(Box<AwsReference>),
}

/// A text that may stand in the document, but may come from where secrets are as well: user names and
/// client ids.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "use a text, or say where it is as in { secret = \"name\" }")]
pub enum Given {
    /// As it stands.
    Text(String),
    /// To be fetched.
    Secret(Credential),
}

impl Given {
    /// The text. Fails as [`Credential::resolve`] does.
    pub async fn resolve(&self, secrets: &dyn Secrets) -> Result<String, Problem> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Secret(credential) => Ok(credential.resolve(secrets).await?.expose().to_owned()),
        }
    }
}

impl Credential {
    /// Fetches the secret text. Fails with [`Code::MissingSecret`] when a person must do something and with
    /// another code when it may be there later; a problem names the reference only.
    pub async fn resolve(&self, secrets: &dyn Secrets) -> Result<Secret, Problem> {
        let text = self.text(secrets).await?;
        let found = match &self.key {
            None => text,
            Some(key) => self.member(&text, key)?,
        };
        // An empty text is a variable or file that somebody meant to fill, and would be tried as a password.
        if found.expose().is_empty() { Err(self.missing("it is empty")) } else { Ok(found) }
    }

    async fn text(&self, secrets: &dyn Secrets) -> Result<Secret, Problem> {
        match &self.place {
            SecretPlace::Stored(name) => match secrets.secret(name).await {
                Ok(found) => found.ok_or_else(|| self.missing("store it first")),
                Err(error) => Err(Problem::from(&error)),
            },
            SecretPlace::Env(variable) => {
                std::env::var(variable).map(Secret::new).map_err(|_| self.missing("set it and start again"))
            }
            SecretPlace::File(path) => match read(path).await {
                Ok(text) => Ok(Secret::new(text.trim_end_matches(['\r', '\n']))),
                Err(error) => Err(self.missing(&error.to_string())),
            },
            SecretPlace::Aws(reference) => secrets::fetch(reference).await,
        }
    }

    /// One member of a text that is a JSON object.
    fn member(&self, text: &Secret, key: &str) -> Result<Secret, Problem> {
        let object: Value =
            serde_json::from_str(text.expose()).map_err(|_| self.missing("it is not JSON, but a key is asked for"))?;
        match object.get(key) {
            Some(Value::String(text)) => Ok(Secret::new(text.as_str())),
            Some(Value::Number(number)) => Ok(Secret::new(number.to_string())),
            _ => Err(self.missing(&format!("it has no member {key:?} that is a text"))),
        }
    }

    /// The problem of a secret that cannot be used; `remedy` must not quote it.
    pub(crate) fn missing(&self, remedy: &str) -> Problem {
        Problem::new(Code::MissingSecret, format!("{self} cannot be read: {remedy}"))
    }
}

async fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    tokio::fs::File::open(path).await?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).await?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(std::io::Error::other(format!("it is longer than {MAX_FILE_BYTES} bytes")));
    }
    Ok(text)
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            SecretPlace::Stored(name) => write!(f, "secret {name}"),
            SecretPlace::Env(variable) => write!(f, "environment variable {variable}"),
            SecretPlace::File(path) => write!(f, "file {}", path.display()),
            SecretPlace::Aws(reference) => write!(f, "{reference}"),
        }
    }
}

#[cfg(test)]
mod tests;
