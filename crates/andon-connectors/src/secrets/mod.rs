//! Secrets that live outside: AWS Secrets Manager and the parameter store of AWS Systems Manager.
//!
//! **Constraints.** One signed request per fetch, by TLS that is always verified, with limits on time and
//! size. Nothing is kept here; whoever needs a secret keeps it with its own credentials. Problems hold the
//! service's words, never the secret.
//!
//! **Life of a fetch.** The credentials of the process are found (environment, web identity, container,
//! instance), the request is signed with them, and the answer's text is handed over as a
//! [`andon_model::Secret`].

mod aws;
mod call;

pub(crate) use aws::fetch;
pub use aws::{AwsReference, AwsStore};
use reqwest::Url;

/// Whether nobody on the way can read along: TLS, or an address of this machine.
pub(crate) fn is_private(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}
