//! What SAP BTP offers around S/4HANA: access tokens, the destination service, the rule service.
//!
//! All three are described by data that tests may replace: [`RuleService`]s, and the properties of
//! destinations.

pub(crate) mod destinations;
pub(crate) mod rules;
pub(crate) mod tokens;

pub(crate) use destinations::{Destinations, usual_destinations};
pub use rules::{RuleRow, RuleService};
pub(crate) use rules::{Rules, usual_rules};
pub(crate) use tokens::Tokens;
