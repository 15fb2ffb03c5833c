//! Policies: what a connected device may do, in the documents and with the semantics of AWS IoT Core.
//!
//! **Constraints.** Deny wins over Allow, and what no statement allows is denied. In a policy `*` is any run of
//! characters, slashes included, and `?` is one character; `+` and `#`, the wildcards of MQTT, stand for themselves.
//! So `topicfilter/a/#` allows the subscription `a/#` and not `a/b`, while a subscription `a/#` that is allowed delivers
//! whatever `iot:Receive` does not refuse: both are asked.
//!
//! **Life of a policy.** [`Policy::parse`] reads a document and names faults by line and column. When a device connects,
//! [`Permissions::bind`] takes its policies, evaluates the conditions and fills in the variables, once; what is left
//! are fixed texts and patterns, which every publish, subscribe and delivery is compared with. When a policy, the device
//! or its groups change, the session is bound anew.

mod action;
mod condition;
mod connection;
mod defaults;
mod document;
mod error;
mod matcher;
mod mqtt;
mod permissions;
mod template;
#[cfg(test)]
mod tests;
mod variable;
mod warnings;

pub use action::{PolicyAction, ResourceKind};
pub use connection::Connection;
pub use defaults::{DefaultPolicies, TopicPrefix};
pub use document::{MAX_POLICY_BYTES, MAX_POLICY_CHARACTERS, Policy};
pub use error::PolicyError;
pub use mqtt::{InvalidTopic, MAX_TOPIC_BYTES, MAX_TOPIC_LEVELS, check_filter, check_topic, filter_matches};
pub use permissions::{Permissions, Verdict};

/// Whether all of `text` fits `pattern`, in which `*` is any run of characters and `?` is one.
pub(crate) fn matches_pattern(pattern: &str, text: &str) -> bool {
    matcher::Glob::of_text(pattern).matches(text)
}
