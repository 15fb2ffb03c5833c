//! The policies that devices have unless somebody gives them others.
//!
//! A device connects under its own name, publishes below `<root>/<its name>`, and subscribes to and receives what is
//! below `<commands>/<its name>`. A gateway may do the same for the devices that it speaks for; which these are stands
//! with the gateway, so that the list may change without a change of the policy.

use std::fmt::Write;

use super::{Policy, PolicyError};

/// Longest prefix, in bytes.
const MAX_PREFIX_BYTES: usize = 128;

/// The first levels of topics, such as `data` or `plant/1710/data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPrefix(String);

impl TopicPrefix {
    /// Checks a prefix: levels of `a-z A-Z 0-9 _ - . :`, none of them empty. `data/#`, the form in which a root topic is
    /// configured, is read as `data`.
    pub fn new(text: &str) -> Option<Self> {
        let prefix = text.strip_suffix("/#").unwrap_or(text);
        let legal =
            |level: &str| !level.is_empty() && level.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b));
        (prefix.len() <= MAX_PREFIX_BYTES && prefix.split('/').all(legal)).then(|| Self(prefix.to_owned()))
    }

    /// The prefix without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where devices publish, and where their commands come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultPolicies {
    /// The root topic of what devices report.
    pub root: TopicPrefix,
    /// The root topic of what they are told.
    pub commands: TopicPrefix,
}

const THING_NAME: &str = "${iot:Connection.Thing.ThingName}";
const ON_BEHALF_OF: &str = "${andon:OnBehalfOf}";

impl DefaultPolicies {
    /// The policy of a device that speaks for itself.
    pub fn device(&self) -> Result<Policy, PolicyError> {
        Policy::parse(&self.document(&[THING_NAME]))
    }

    /// The policy of a gateway, which speaks for the devices behind it as well.
    pub fn gateway(&self) -> Result<Policy, PolicyError> {
        Policy::parse(&self.document(&[THING_NAME, ON_BEHALF_OF]))
    }

    fn document(&self, speakers: &[&str]) -> String {
        let (root, commands) = (self.root.as_str(), self.commands.as_str());
        let mut text = String::from("{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n");
        text += &statement(&["iot:Connect"], &[format!("client/{THING_NAME}")]);
        text += ",\n";
        text += &statement(&["iot:Publish", "iot:RetainPublish"], &names("topic", root, speakers));
        text += ",\n";
        text += &statement(&["iot:Subscribe"], &names("topicfilter", commands, speakers));
        text += ",\n";
        text += &statement(&["iot:Receive"], &names("topic", commands, speakers));
        text + "\n  ]\n}\n"
    }
}

fn names(kind: &str, prefix: &str, speakers: &[&str]) -> Vec<String> {
    let of_one = |speaker: &&str| [format!("{kind}/{prefix}/{speaker}"), format!("{kind}/{prefix}/{speaker}/*")];
    speakers.iter().flat_map(of_one).collect()
}

fn statement(actions: &[&str], resources: &[String]) -> String {
    let list = |texts: &mut dyn Iterator<Item = &str>| {
        texts.fold(String::new(), |mut list, text| {
            let comma = if list.is_empty() { "" } else { ", " };
            // Writing to a text cannot fail.
            let _ = write!(list, "{comma}\"{text}\"");
            list
        })
    };
    let actions = list(&mut actions.iter().copied());
    let resources = list(&mut resources.iter().map(String::as_str));
    format!("    {{\"Effect\": \"Allow\", \"Action\": [{actions}],\n     \"Resource\": [{resources}]}}")
}
