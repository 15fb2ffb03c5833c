//! The actions of a policy, and the kind of resource that each is about.

use super::matcher::Glob;

/// What a device may want to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyAction {
    /// Connect under a client id.
    Connect,
    /// Publish to a topic.
    Publish,
    /// Leave a retained payload at a topic, in addition to publishing it.
    RetainPublish,
    /// Subscribe to a filter.
    Subscribe,
    /// Have something delivered that was published to a topic.
    Receive,
}

impl PolicyAction {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Connect, Self::Publish, Self::RetainPublish, Self::Subscribe, Self::Receive];

    /// The word that policies use.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connect => "iot:Connect",
            Self::Publish => "iot:Publish",
            Self::RetainPublish => "iot:RetainPublish",
            Self::Subscribe => "iot:Subscribe",
            Self::Receive => "iot:Receive",
        }
    }

    /// What it is done to.
    pub const fn resource(self) -> ResourceKind {
        match self {
            Self::Connect => ResourceKind::Client,
            Self::Publish | Self::RetainPublish | Self::Receive => ResourceKind::Topic,
            Self::Subscribe => ResourceKind::TopicFilter,
        }
    }
}

/// What an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResourceKind {
    /// A client id.
    Client,
    /// A topic.
    Topic,
    /// A topic filter, as the client wrote it.
    TopicFilter,
}

/// What the word before the slash of a resource stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResourceWord {
    /// One of our kinds.
    Ours(ResourceKind),
    /// A kind of AWS IoT Core that only actions have which Andon does not have.
    Foreign,
}

impl ResourceWord {
    /// What `word` stands for.
    pub(super) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "client" => Self::Ours(ResourceKind::Client),
            "topic" => Self::Ours(ResourceKind::Topic),
            "topicfilter" => Self::Ours(ResourceKind::TopicFilter),
            "thing" | "thinggroup" | "rolealias" | "cert" | "job" | "provisioningtemplate" => Self::Foreign,
            _ => return None,
        })
    }
}

/// Actions of AWS IoT Core that Andon does not have: a policy may name them, to no effect.
const FOREIGN: &[&str] = &[
    "iot:GetRetainedMessage",
    "iot:ListRetainedMessages",
    "iot:GetThingShadow",
    "iot:UpdateThingShadow",
    "iot:DeleteThingShadow",
    "iot:ListNamedShadowsForThing",
    "iot:DescribeJobExecution",
    "iot:GetPendingJobExecutions",
    "iot:StartNextPendingJobExecution",
    "iot:UpdateJobExecution",
    "iot:AssumeRoleWithCertificate",
    "iotjobsdata:*",
    "iotjobsdata:DescribeJobExecution",
    "iotjobsdata:GetPendingJobExecutions",
    "iotjobsdata:StartNextPendingJobExecution",
    "iotjobsdata:UpdateJobExecution",
    "greengrass:*",
    "greengrass:Discover",
];

/// What an `Action` of a statement stands for: our actions, none where it is one of AWS alone.
pub(super) fn actions(text: &str) -> Result<Vec<PolicyAction>, String> {
    let glob = Glob::of_text(text);
    let ours: Vec<_> = PolicyAction::ALL.into_iter().filter(|action| glob.matches(action.word())).collect();
    if !ours.is_empty() || FOREIGN.iter().any(|foreign| *foreign == text || glob.matches(foreign)) {
        return Ok(ours);
    }
    Err(format!(
        "{text} is not an action of devices; there are {}",
        PolicyAction::ALL.map(PolicyAction::word).join(", ")
    ))
}
