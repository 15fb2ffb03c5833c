//! Stable identifiers: the same event, action and step always give the same key.

use andon_model::{EventKey, Key, Name, RunId};
use sha2::{Digest, Sha256};

/// Crockford's base32 without the letters that are easily misread; upper case only, because SAP folds
/// reference fields to upper case.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Length of a [`RunId`] in characters (130 bits).
const RUN_ID_CHARS: usize = 26;

/// The run of `action` for an event.
pub fn run_id(event: &EventKey, action: &Name) -> RunId {
    RunId::new(digest_text(&["run", &event.source, &event.id, action.as_str()], RUN_ID_CHARS))
}

/// The duplicate-guard key of `step` in that run.
pub fn step_key(event: &EventKey, action: &Name, step: &Name) -> Key {
    Key::new(digest_text(&["step", &event.source, &event.id, action.as_str(), step.as_str()], Key::CHARS))
}

/// A number that looks random and is the same every time: jitter without a random source.
pub(crate) fn jitter(key: &Key, attempt: u32) -> u64 {
    let digest = Sha256::digest(format!("jitter\0{key}\0{attempt}"));
    digest.iter().take(8).fold(0, |n, byte| (n << 8) | u64::from(*byte))
}

/// The first `chars` base32 characters of the SHA-256 of the length-prefixed parts.
fn digest_text(parts: &[&str], chars: usize) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let digest = hasher.finalize();
    (0..chars).map(|i| char::from(ALPHABET[usize::from(five_bits(&digest, i * 5))])).collect()
}

/// Five bits of `bytes`, beginning at bit `start`; bits beyond the end are zero.
fn five_bits(bytes: &[u8], start: usize) -> u8 {
    let byte = |i: usize| u16::from(bytes.get(i).copied().unwrap_or(0));
    let window = (byte(start / 8) << 8) | byte(start / 8 + 1);
    u8::try_from((window >> (11 - start % 8)) & 31).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str) -> EventKey {
        EventKey { source: "/pump".into(), id: id.into() }
    }

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    #[test]
    fn keys_fit_a_sap_reference_field_and_never_change() {
        let key = step_key(&event("1"), &name("notify"), &name("create"));
        assert_eq!(key.as_str(), "GH0ZRMCWWDF36MS8RN8Z", "a changed derivation would forget documents that exist");
        assert!(key.as_str().len() == Key::CHARS && key.as_str().bytes().all(|b| ALPHABET.contains(&b)));
    }

    #[test]
    fn every_part_counts() {
        let base = step_key(&event("1"), &name("a"), &name("b"));
        assert_ne!(base, step_key(&event("2"), &name("a"), &name("b")));
        assert_ne!(base, step_key(&event("1"), &name("b"), &name("b")));
        assert_ne!(base, step_key(&event("1"), &name("a"), &name("a")));
        assert_ne!(run_id(&event("1"), &name("a")), run_id(&event("1"), &name("b")));
    }

    #[test]
    fn bits_are_taken_from_the_left() {
        assert_eq!(
            (0..4).map(|i| five_bits(&[0b1111_1000, 0b0000_0111, 0b1100_0000], i * 5)).collect::<Vec<_>>(),
            [31, 0, 3, 28]
        );
    }
}
