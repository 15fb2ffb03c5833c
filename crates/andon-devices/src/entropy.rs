//! Randomness as a parameter: nonces, serial numbers, secrets and key pairs.
//!
//! Whatever is chosen at random here comes through [`Entropy`] and [`KeySource`], so that a test or a simulation can
//! supply its own. The one exception is the nonce inside a signature, which stays within the cryptographic library:
//! one that is chosen from outside, twice the same, gives the key away.

use aws_lc_rs::rand;

use crate::pki::{KeyKind, PkiError, PrivateKey};

/// The source of randomness failed; nothing that needs it may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source of randomness failed")]
pub struct EntropyFailed;

/// Where unpredictable bytes come from.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`. Production answers must be fit for secrets.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed>;
}

/// Where fresh key pairs come from.
pub trait KeySource: Send + Sync {
    /// A key pair that was never handed out before.
    fn generate(&self, kind: KeyKind) -> Result<PrivateKey, PkiError>;
}

/// The operating system's randomness, by way of the cryptographic library.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        rand::fill(bytes).map_err(|_| EntropyFailed)
    }
}

impl KeySource for SystemEntropy {
    fn generate(&self, kind: KeyKind) -> Result<PrivateKey, PkiError> {
        PrivateKey::generate(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_gives_other_bytes_each_time() {
        let draw = || {
            let mut bytes = [0; 32];
            SystemEntropy.fill(&mut bytes).map(|()| bytes)
        };
        assert_ne!(draw(), draw());
    }
}
