//! Policy documents: from text to statements.
//!
//! ```text
//! {"Version": "2012-10-17",
//!  "Statement": [{"Effect": "Allow"|"Deny", "Action": text|[text], "Resource"|"NotResource": text|[text],
//!                 "Condition"?: {operator: {key: value|[value]}}}]}
//! ```
//! A resource is `client/<id>`, `topic/<topic>` or `topicfilter/<filter>`, or an ARN that ends in one of these. Partition,
//! region and account of an ARN are not compared: there is one plant.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::action::{ResourceWord, actions};
use super::condition::Conditions;
use super::template::Template;
use super::{PolicyAction, PolicyError, ResourceKind};

/// Longest document, in characters that are not white space, as with AWS IoT Core.
pub const MAX_POLICY_CHARACTERS: usize = 2_048;

/// Longest document with its white space, in bytes.
pub const MAX_POLICY_BYTES: usize = 64 * 1024;

/// A policy, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    text: String,
    pub(super) statements: Vec<Statement>,
}

impl Policy {
    /// Reads a document.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let characters = text.chars().filter(|c| !c.is_whitespace()).count();
        if text.len() > MAX_POLICY_BYTES || characters > MAX_POLICY_CHARACTERS {
            let why = format!(
                "{characters} characters without white space, {} bytes: at most {MAX_POLICY_CHARACTERS} and \
                 {MAX_POLICY_BYTES} are accepted",
                text.len()
            );
            return Err(PolicyError { line: 1, column: 1, why });
        }
        let document: Document = serde_json::from_str(text)?;
        Ok(Self { text: text.to_owned(), statements: document.statements })
    }

    /// The document as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// What a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resource {
    /// Anything.
    Everything,
    /// Names of one kind.
    Named(ResourceKind, Template),
    /// Something that Andon does not have.
    Foreign(String),
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) effect: Effect,
    pub(super) actions: Vec<PolicyAction>,
    /// Actions of AWS that Andon does not have.
    pub(super) foreign: Vec<String>,
    pub(super) resources: Vec<Resource>,
    /// Whether it is about everything but its resources.
    pub(super) negated: bool,
    pub(super) conditions: Conditions,
}

impl Statement {
    fn has_variable(&self) -> bool {
        let named = |resource: &Resource| matches!(resource, Resource::Named(_, name) if name.has_variable());
        self.resources.iter().any(named) || self.conditions.has_variable()
    }
}

/// The versions of the policy language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
enum Version {
    #[serde(rename = "2012-10-17")]
    Current,
    #[default]
    #[serde(rename = "2008-10-17")]
    WithoutVariables,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDocument {
    #[serde(rename = "Version", default)]
    version: Version,
    #[serde(rename = "Id", default)]
    _id: Option<String>,
    #[serde(rename = "Statement")]
    statements: OneOrMany<Statement>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStatement {
    #[serde(rename = "Sid", default)]
    _sid: Option<String>,
    #[serde(rename = "Effect")]
    effect: Effect,
    #[serde(rename = "Action")]
    actions: OneOrMany<Actions>,
    #[serde(rename = "Resource", default)]
    resources: Option<OneOrMany<Resource>>,
    #[serde(rename = "NotResource", default)]
    not_resources: Option<OneOrMany<Resource>>,
    #[serde(rename = "Condition", default)]
    conditions: Conditions,
}

struct Document {
    statements: Vec<Statement>,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = WrittenDocument::deserialize(deserializer)?;
        let statements = written.statements.0;
        if written.version == Version::WithoutVariables && statements.iter().any(Statement::has_variable) {
            return Err(de::Error::custom("variables need \"Version\": \"2012-10-17\""));
        }
        Ok(Self { statements })
    }
}

impl<'de> Deserialize<'de> for Statement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = WrittenStatement::deserialize(deserializer)?;
        let (resources, negated) = match (written.resources, written.not_resources) {
            (Some(resources), None) => (resources.0, false),
            (None, Some(resources)) => (resources.0, true),
            _ => return Err(de::Error::custom("a statement has either Resource or NotResource")),
        };
        let (mut actions, mut foreign) = (Vec::new(), Vec::new());
        for named in written.actions.0 {
            if named.ours.is_empty() {
                foreign.push(named.written);
            }
            actions.extend(named.ours);
        }
        Ok(Self { effect: written.effect, actions, foreign, resources, negated, conditions: written.conditions })
    }
}

/// What one text in `Action` stands for.
struct Actions {
    written: String,
    ours: Vec<PolicyAction>,
}

impl<'de> Deserialize<'de> for Actions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = String::deserialize(deserializer)?;
        let ours = actions(&written).map_err(de::Error::custom)?;
        Ok(Self { written, ours })
    }
}

impl<'de> Deserialize<'de> for Resource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        resource(&text).map_err(de::Error::custom)
    }
}

fn resource(text: &str) -> Result<Resource, String> {
    let named = if text.starts_with("arn:") { after_arn(text)? } else { text };
    if named == "*" {
        return Ok(Resource::Everything);
    }
    let kind = named.split_once('/').and_then(|(word, name)| Some((ResourceWord::parse(word)?, name)));
    match kind {
        Some((ResourceWord::Ours(kind), name)) => Template::parse(name).map(|name| Resource::Named(kind, name)),
        Some((ResourceWord::Foreign, _)) => Ok(Resource::Foreign(text.to_owned())),
        None => Err(format!("{text:?} is not a resource: client/…, topic/…, topicfilter/…, an ARN of these, or *")),
    }
}

/// What follows `arn:<partition>:iot:<region>:<account>:`.
fn after_arn(text: &str) -> Result<&str, String> {
    let mut parts = text.splitn(6, ':').skip(2);
    let (service, resource) = (parts.next(), parts.nth(2));
    match (service, resource) {
        (Some("iot" | "*"), Some(resource)) => Ok(resource),
        _ => Err(format!("{text:?} is not of the form arn:<partition>:iot:<region>:<account>:<resource>")),
    }
}

/// A value, or a list of at least one.
pub(super) struct OneOrMany<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData)).map(Self)
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list of at least one")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
        Ok(vec![T::deserialize(text.into_deserializer())?])
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Vec<T>, E> {
        Ok(vec![T::deserialize(truth.into_deserializer())?])
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
        Ok(vec![T::deserialize(MapAccessDeserializer::new(map))?])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        if values.is_empty() { Err(de::Error::invalid_length(0, &self)) } else { Ok(values) }
    }
}

/// The members of an object in their order, none twice.
pub(super) struct Members<T>(pub(super) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor(PhantomData)).map(Self)
    }
}

struct MembersVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MembersVisitor<T> {
    type Value = Vec<(String, T)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Self::Value = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, T>()? {
            if members.iter().any(|(known, _)| *known == name) {
                return Err(de::Error::custom(format!("{name} stands there twice")));
            }
            members.push((name, value));
        }
        Ok(members)
    }
}
