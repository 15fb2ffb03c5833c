//! Who calls, and whether they may: tokens with roles, and signatures of sources.
//!
//! **Constraints.** Tokens are known by their SHA-256 only. Neither tokens nor signatures are logged;
//! comparisons take the same time wherever the first difference is.

mod caller;
mod credentials;
mod signature;
mod token_book;
mod token_text;

pub(crate) use caller::{Administer, Ask, Caller, Deliver, Enrol, ManageDevices, Operate, Read, SeeDevices};
pub(crate) use signature::{ClaimedSignature, SignatureRules};
pub(crate) use token_book::TokenBook;
pub use token_text::{fresh_token, token_from_bytes, token_hash};
