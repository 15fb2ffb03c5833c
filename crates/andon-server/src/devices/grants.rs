//! What an access token is good for.

use andon_devices::token::{ClientId, Scopes, Verified};
use andon_journal::Role;
use andon_model::Name;

/// Every scope that there is: the roles of API tokens, onboarding and managing devices, and claiming.
pub(super) const SCOPES: &str = "andon/admin andon/claim andon/devices andon/intake andon/operator andon/viewer";

pub(super) fn all_scopes() -> Scopes {
    SCOPES.parse().unwrap_or_default()
}

/// What a token is good for.
#[derive(Debug, Clone)]
pub(crate) struct Grants {
    /// The author of changes.
    pub(crate) name: Name,
    /// The client that the token was given to.
    pub(crate) client: Option<ClientId>,
    /// Roles as API tokens have them.
    pub(crate) roles: Vec<Role>,
    /// Whether it may onboard and manage devices.
    pub(crate) devices: bool,
    /// Whether it may make use of its client's claim.
    pub(crate) claim: bool,
}

impl Grants {
    /// `None` where its subject can be no author.
    pub(super) fn of(verified: &Verified) -> Option<Self> {
        let has = |scope: &str| verified.scopes.contains(&format!("andon/{scope}"));
        let roles =
            [("admin", Role::Admin), ("operator", Role::Operator), ("viewer", Role::Viewer), ("intake", Role::Intake)];
        let roles = roles.into_iter().filter(|(scope, _)| has(scope)).map(|(_, role)| role).collect();
        let client = verified.client_id.as_deref().and_then(ClientId::new);
        Some(Self { name: author(&verified.subject)?, client, roles, devices: has("devices"), claim: has("claim") })
    }
}

/// The subject as far as it can be a name; authors are names.
fn author(subject: &str) -> Option<Name> {
    let legal = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c) { c } else { '-' };
    let text: String = subject.to_ascii_lowercase().chars().take(40).map(legal).collect();
    Name::new(&text).or_else(|_| Name::new(&format!("client-{text}"))).ok()
}
