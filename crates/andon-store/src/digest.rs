//! Fixed-size keys for texts of any length: SHA-256 over length-prefixed parts.

use andon_journal::Mark;
use andon_model::{EventKey, Name};
use sha2::{Digest, Sha256};

/// The digest of `parts`; a part cannot run into its neighbour.
fn digest(parts: &[&str]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().to_vec()
}

/// What makes an event the same event again (J4).
pub(crate) fn of_event(key: &EventKey) -> Vec<u8> {
    digest(&[&key.source, &key.id])
}

/// A member of a source's set of marks.
pub(crate) fn of_mark(source: Option<&Name>, mark: &Mark) -> Vec<u8> {
    digest(&[source.map_or("", Name::as_str), &mark.key, &mark.version])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_eq!(digest(&["ab", "c"]).len(), 32);
    }
}
