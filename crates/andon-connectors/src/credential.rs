//! Where a password or key comes from: a stored secret, the environment, or a file.

use std::fmt;
use std::path::PathBuf;

use andon_journal::Secrets;
use andon_model::{Code, Name, Problem, Secret};
use serde::Deserialize;

/// A reference to a secret text. In TOML one of `{ secret = "name" }`, `{ env = "VARIABLE" }`,
/// `{ file = "/path" }`; the text itself never stands in configuration (invariant K1).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Shape")]
pub enum Credential {
    /// A secret that was stored with Andon, encrypted.
    Secret(Name),
    /// An environment variable of the process.
    Env(String),
    /// A file; a line end at its end does not belong to the secret.
    File(PathBuf),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    secret: Option<Name>,
    env: Option<String>,
    file: Option<PathBuf>,
}

impl TryFrom<Shape> for Credential {
    type Error = String;
    fn try_from(shape: Shape) -> Result<Self, String> {
        match (shape.secret, shape.env, shape.file) {
            (Some(name), None, None) => Ok(Self::Secret(name)),
            (None, Some(variable), None) => Ok(Self::Env(variable)),
            (None, None, Some(path)) => Ok(Self::File(path)),
            _ => Err("say where the secret is by exactly one of secret, env or file".into()),
        }
    }
}

impl Credential {
    /// Fetches the secret text. Fails with [`Code::MissingSecret`], naming the reference only.
    pub async fn resolve(&self, secrets: &dyn Secrets) -> Result<Secret, Problem> {
        match self {
            Self::Secret(name) => match secrets.secret(name).await {
                Ok(found) => found.ok_or_else(|| self.missing("store it first")),
                Err(error) => Err(Problem::from(&error)),
            },
            Self::Env(variable) => {
                std::env::var(variable).map(Secret::new).map_err(|_| self.missing("set it and start again"))
            }
            Self::File(path) => match tokio::fs::read_to_string(path).await {
                Ok(text) => Ok(Secret::new(text.trim_end_matches(['\r', '\n']))),
                Err(error) => Err(self.missing(&error.to_string())),
            },
        }
    }

    fn missing(&self, remedy: &str) -> Problem {
        Problem::new(Code::MissingSecret, format!("{self} cannot be read: {remedy}"))
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(name) => write!(f, "secret {name}"),
            Self::Env(variable) => write!(f, "environment variable {variable}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}
