//! Entries as what they are, instead of as text.

use andon_model::Secret;

use super::{Entry, Expected, Record, Registry, RegistryError, Write};

/// A value with the revision of its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The revision.
    pub revision: i64,
    /// The value.
    pub value: T,
}

impl<R: Record> Versioned<R> {
    /// Reads an entry.
    pub fn of(entry: &Entry) -> Result<Self, RegistryError> {
        let value = R::from_body(&entry.body).map_err(|cause| RegistryError::corrupt(R::KIND, &entry.key, &cause))?;
        Ok(Self { revision: entry.revision, value })
    }
}

/// What a write has to expect when `stored` was read before.
pub fn expecting<T>(stored: Option<&Versioned<T>>) -> Expected {
    stored.map_or(Expected::Absent, |stored| Expected::Revision(stored.revision))
}

/// The record of this name.
pub async fn get<R: Record>(registry: &dyn Registry, key: &str) -> Result<Option<Versioned<R>>, RegistryError> {
    registry.entry(R::KIND, key).await?.as_ref().map(Versioned::of).transpose()
}

/// Up to `limit` records whose names come after `after`.
pub async fn list<R: Record>(
    registry: &dyn Registry,
    after: &str,
    limit: usize,
) -> Result<Vec<Versioned<R>>, RegistryError> {
    registry.entries(R::KIND, after, limit).await?.iter().map(Versioned::of).collect()
}

/// The write that stores `record`, which is not a device, with `secret` beside it.
pub fn put<R: Record>(record: &R, secret: Option<Secret>, expected: Expected) -> Result<Write, RegistryError> {
    let body = record.to_body().map_err(|cause| RegistryError::corrupt(R::KIND, record.key(), &cause))?;
    Ok(Write::Entry { kind: R::KIND, key: record.key().to_owned(), body, secret, expected })
}
