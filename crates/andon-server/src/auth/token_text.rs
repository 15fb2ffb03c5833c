//! The text form of a token and its hash.

use andon_model::{Code, Problem, Secret};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Marks the text as a token of Andon, for people and for scanners of leaked credentials.
const PREFIX: &str = "andon_";
/// Random bytes in a token.
const TOKEN_BYTES: usize = 32;

/// Makes a token of 256 fresh random bits: its text, to be shown once, and the hash to be stored.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn fresh_token() -> Result<(Secret, String), Problem> {
    let mut bytes = [0_u8; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|e| Problem::new(Code::Internal, format!("no randomness: {e}")))?;
    Ok(token_from_bytes(&bytes))
}

/// The text form of 256 random bits (`andon_` and 43 characters of base64url) and its hash.
pub fn token_from_bytes(bytes: &[u8; TOKEN_BYTES]) -> (Secret, String) {
    let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
    let hash = token_hash(&text);
    (Secret::new(text), hash)
}

/// The SHA-256 of a token's text in lower-case hex, as [`andon_journal::NewToken`] stores it.
pub fn token_hash(text: &str) -> String {
    hex::encode(digest(text))
}

pub(super) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_hash_are_stable() {
        let (text, hash) = token_from_bytes(&[0; 32]);
        assert_eq!(text.expose(), "andon_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(hash, token_hash(text.expose()));
        // FIPS 180-2, appendix B.1.
        assert_eq!(token_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn fresh_tokens_differ() {
        let (one, other) = (fresh_token().unwrap(), fresh_token().unwrap());
        assert_ne!(one.0.expose(), other.0.expose());
        assert_ne!(one.1, other.1);
    }
}
