//! Permissions: the policies of one connection, ready to be asked.

use super::document::{Effect, Resource, Statement};
use super::matcher::{Glob, PatternSet};
use super::mqtt::{InvalidTopic, check_filter, check_topic};
use super::{Connection, Policy, PolicyAction, ResourceKind};

/// Longest client id, in bytes, as with AWS IoT Core.
const MAX_CLIENT_ID_BYTES: usize = 128;

/// The answer to a request of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A statement allows it, none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement allows it.
    NotAllowed,
    /// The topic or filter is none; MQTT asks to end the connection.
    Invalid(InvalidTopic),
}

impl Verdict {
    /// Whether it may be done.
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed)
    }

    /// The verdict on one thing under two names: a denial of either counts, a permission of either is enough.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Denied, _) | (_, Self::Denied) => Self::Denied,
            (Self::Allowed, _) | (_, Self::Allowed) => Self::Allowed,
            _ => Self::NotAllowed,
        }
    }
}

/// The statements of one effect for one action.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Statements {
    about: PatternSet,
    /// Of `NotResource`: a statement is about what none of its patterns matches.
    about_all_but: Vec<PatternSet>,
}

impl Statements {
    fn apply_to(&self, name: &str) -> bool {
        self.about.matches(name) || self.about_all_but.iter().any(|except| !except.matches(name))
    }
}

/// What statements of one effect come to while they are collected.
#[derive(Default)]
struct Collected {
    globs: Vec<Glob>,
    about_all_but: Vec<PatternSet>,
}

/// What a connection may do. Asking takes no allocation and, for usual policies, a few comparisons of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    client_id: String,
    /// Allow and Deny, by the place of the action in [`PolicyAction::ALL`].
    actions: [[Statements; 2]; 5],
}

impl Permissions {
    /// Takes the policies of a connection together. Order and origin of policies make no difference.
    pub fn bind<'p>(policies: impl IntoIterator<Item = &'p Policy>, connection: &Connection<'_>) -> Self {
        let statements: Vec<_> = policies.into_iter().flat_map(|policy| &policy.statements).collect();
        let statements: Vec<_> = statements.into_iter().filter(|s| s.conditions.hold(connection)).collect();
        let actions = PolicyAction::ALL.map(|action| {
            [Effect::Allow, Effect::Deny].map(|effect| {
                let of_both = statements.iter().filter(|s| s.effect == effect && s.actions.contains(&action));
                let mut collected = Collected::default();
                of_both.for_each(|statement| collected.add(statement, action.resource(), connection));
                Statements { about: PatternSet::new(collected.globs), about_all_but: collected.about_all_but }
            })
        });
        Self { client_id: connection.client_id.to_owned(), actions }
    }

    /// The verdict on an action whose resource is called `name`, as it stands: without a look at MQTT's own rules.
    pub fn decide(&self, action: PolicyAction, name: &str) -> Verdict {
        let [allow, deny] = &self.actions[action as usize];
        if deny.apply_to(name) {
            Verdict::Denied
        } else if allow.apply_to(name) {
            Verdict::Allowed
        } else {
            Verdict::NotAllowed
        }
    }

    /// Whether the client may connect under its id.
    pub fn connect(&self) -> Verdict {
        if self.client_id.is_empty() || self.client_id.len() > MAX_CLIENT_ID_BYTES {
            return Verdict::NotAllowed;
        }
        self.decide(PolicyAction::Connect, &self.client_id)
    }

    /// Whether it may publish to `topic`, and leave the payload there if `retain`. A will is asked for the same way, when
    /// the client connects and again when it is sent.
    pub fn publish(&self, topic: &str, retain: bool) -> Verdict {
        if let Err(invalid) = check_topic(topic) {
            return Verdict::Invalid(invalid);
        }
        match self.decide(PolicyAction::Publish, topic) {
            Verdict::Allowed if retain => self.decide(PolicyAction::RetainPublish, topic),
            verdict => verdict,
        }
    }

    /// Whether it may subscribe to `filter`. A shared subscription counts under its whole name and under its filter.
    pub fn subscribe(&self, filter: &str) -> Verdict {
        match check_filter(filter) {
            Err(invalid) => Verdict::Invalid(invalid),
            Ok(inner) if inner.len() == filter.len() => self.decide(PolicyAction::Subscribe, filter),
            Ok(inner) => self.decide(PolicyAction::Subscribe, filter).or(self.decide(PolicyAction::Subscribe, inner)),
        }
    }

    /// Whether what was published to `topic` may be delivered to it. Asked at every delivery, as a subscription that is
    /// allowed may cover more than it may receive.
    pub fn receive(&self, topic: &str) -> Verdict {
        self.decide(PolicyAction::Receive, topic)
    }
}

impl Collected {
    fn add(&mut self, statement: &Statement, kind: ResourceKind, connection: &Connection<'_>) {
        let allows = statement.effect == Effect::Allow;
        let mut globs = Vec::new();
        let mut resolved = true;
        for resource in &statement.resources {
            match resource {
                Resource::Everything => globs.push(Glob::of_text("*")),
                Resource::Named(of, name) if *of == kind => {
                    let bound = name.bind(connection);
                    resolved &= bound.resolved;
                    // A variable that stayed as text allows nothing, not even a topic that spells it out.
                    globs.extend(bound.globs.into_iter().filter(|_| bound.resolved || !allows || statement.negated));
                }
                Resource::Named(..) | Resource::Foreign(_) => {}
            }
        }
        match (statement.negated, allows && !resolved) {
            (false, _) => self.globs.extend(globs),
            // What is excepted cannot be told, so nothing is allowed.
            (true, true) => {}
            (true, false) => self.about_all_but.push(PatternSet::new(globs)),
        }
    }
}
