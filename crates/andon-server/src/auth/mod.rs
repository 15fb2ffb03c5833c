//! Who calls, and whether they may: tokens with roles, access tokens of ours or of an external issuer, and signatures of
//! sources.
//!
//! **Constraints.** Tokens are known by their SHA-256 only. Neither tokens nor signatures are logged;
//! comparisons take the same time wherever the first difference is.

mod caller;
mod credentials;
mod issuer;
mod oidc;
mod signature;
mod token_book;
mod token_text;

pub(crate) use caller::{
    Administer, Ask, Caller, Deliver, Enrol, ManageDevices, Operate, Read, SeeAuthorities, SeeDevices,
};
pub(crate) use issuer::ExternalIssuer;
pub use oidc::OidcSettings;
pub(crate) use signature::{ClaimedSignature, SignatureRules, sign};
pub(crate) use token_book::TokenBook;
pub use token_text::{fresh_token, token_from_bytes, token_hash};
