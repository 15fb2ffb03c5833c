//! Where the database is: a path, a `sqlite:` URL or a `postgres:` URL.

use std::fmt;
use std::path::{Path, PathBuf};

use sqlx::any::AnyConnectOptions;

use crate::OpenError;

/// Which SQL dialect is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// A checked location.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// Absolute path of the database file.
    Sqlite(PathBuf),
    /// The URL as given; may contain a password.
    Postgres(String),
}

impl Location {
    pub(crate) fn parse(text: &str) -> Result<Self, OpenError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = ["sqlite://", "sqlite:"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
        if path.is_empty() || path.contains("://") || path.starts_with(":memory:") {
            return Err(OpenError::Location { location: without_password(text) });
        }
        let absolute = std::path::absolute(Path::new(path));
        absolute.map(Self::Sqlite).map_err(|_| OpenError::Location { location: text.to_owned() })
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// What the driver is given.
    pub(crate) fn connect_options(&self) -> Result<AnyConnectOptions, OpenError> {
        let url = match self {
            Self::Sqlite(path) => format!("sqlite://{}?mode=rwc", percent_encoded(path)),
            Self::Postgres(url) => url.clone(),
        };
        url.parse().map_err(|cause: sqlx::Error| OpenError::database(self, &cause))
    }
}

/// For errors and logs: never with a password (K1).
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

/// `url` without user, password and parameters.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let address = rest.rsplit_once('@').map_or(rest, |(_, address)| address);
    format!("{scheme}://{}", address.split('?').next().unwrap_or_default())
}

/// The path with everything escaped that a URL gives a meaning to.
fn percent_encoded(path: &Path) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b);
    let bytes = path.as_os_str().as_encoded_bytes().iter();
    bytes.map(|&b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, shown: &str) {
        let found = Location::parse(text).map_or_else(|e| e.to_string(), |l| l.to_string());
        assert_eq!(found, shown, "for {text:?}");
    }

    #[test]
    fn paths_and_urls_are_told_apart() {
        check("/var/lib/andon.db", "/var/lib/andon.db");
        check("sqlite:///var/lib/andon.db", "/var/lib/andon.db");
        check("sqlite:/var/lib/andon.db", "/var/lib/andon.db");
        check("postgres://u:pw@db:5432/andon?sslmode=require", "postgres://db:5432/andon");
        check("postgresql://db/andon", "postgresql://db/andon");
    }

    #[test]
    fn other_places_are_refused_without_their_password() {
        let refused = |what: &str| {
            format!(
                "{what:?} is not a place for the journal: give a file path, sqlite:///path or postgres://user@host/database"
            )
        };
        check("mysql://u:pw@db/andon", &refused("mysql://db/andon"));
        check("", &refused(""));
        check("sqlite::memory:", &refused("sqlite::memory:"));
    }

    #[test]
    fn special_characters_of_a_path_survive() {
        assert_eq!(percent_encoded(Path::new("/a b/50%?.db")), "/a%20b/50%25%3F.db");
    }
}
