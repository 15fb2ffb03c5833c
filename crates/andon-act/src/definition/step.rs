//! A step as it is written: one flat table of options. Which of them belong to which kind stands in
//! [`super::options`].

use std::collections::BTreeMap;
use std::time::Duration;

use andon_model::Name;
use serde::{Deserialize, Serialize};

use super::{Guard, RetryPolicy};
use crate::StepKind;

/// What a step is to its action; `pre`, `main` and `post` are the reference framework's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Asks whether the document of an episode is still open.
    OpenCheck,
    /// In place of the business action while the document of the episode is open.
    Update,
    /// Before the business action: reads and enrichment.
    Pre,
    /// The business action.
    Main,
    /// After it.
    Post,
}

impl Stage {
    /// The word under which later templates find the step's answer.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenCheck => "open-check",
            Self::Update => "update",
            Self::Pre => "pre",
            Self::Main => "main",
            Self::Post => "post",
        }
    }
}

/// One step as written. Texts marked *template* may hold `${{…}}`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepDefinition {
    /// Unique within the action.
    pub name: Name,
    /// `pre`, `main` or `post`; in actions with an episode also `open-check` and `update`.
    pub stage: Stage,
    /// `http`, `odata`, `odata-v4`, `attachment`, `decision`, `lookup` or `summary`.
    pub kind: StepKind,
    /// Name of the destination; steps that send nothing have none.
    #[serde(default)]
    pub destination: Option<Name>,
    /// HTTP method.
    #[serde(default)]
    pub method: Option<String>,
    /// `OData` steps: path of the service, beginning with `/`.
    #[serde(default)]
    pub service: Option<String>,
    /// Template. Path below the destination's address; for `OData` steps below the service.
    #[serde(default)]
    pub path: Option<String>,
    /// Templates. Query parameters.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Templates. Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Media type of the body; `application/json` when there is a body. For `attachment` a template.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Template. The body.
    #[serde(default)]
    pub body: Option<String>,
    /// Whether a CSRF token is needed; by default for `OData` steps with a changing method.
    #[serde(default)]
    pub csrf: Option<bool>,
    /// How to find out what became of a lost request. Needed for `POST`.
    #[serde(default)]
    pub guard: Option<Guard>,
    /// When to try again.
    #[serde(default)]
    pub retry: Option<RetryPolicy>,
    /// How long to wait for the complete answer: 30 s; for `summary` 10 s, at most 60 s.
    #[serde(default, with = "humantime_serde")]
    pub timeout: Option<Duration>,
    /// Where the document number stands in the answer: `d.MaintenanceNotification`.
    #[serde(default)]
    pub document: Option<String>,
    /// `open-check` steps: what the answer must say for the document to be open; by default, that there is one.
    #[serde(default)]
    pub open_while: Option<OpenWhile>,
    /// `odata`, `odata-v4`: the requests of one atomic change set, sent as one `$batch`.
    #[serde(default)]
    pub changeset: Option<Vec<ChangesetEntry>>,
    /// `read`: the entity's `ETag` is read first and sent as `If-Match`.
    #[serde(default)]
    pub if_match: Option<crate::IfMatch>,
    /// `attachment`. Template. SHA-256 in hexadecimal of bytes that Andon keeps.
    #[serde(default)]
    pub attachment: Option<String>,
    /// `attachment`. Template. Name of the file, sent as header `Slug`.
    #[serde(default)]
    pub file_name: Option<String>,
    /// `attachment`. Most bytes to send; 20 MiB by default.
    #[serde(default)]
    pub max_bytes: Option<u64>,
    /// `lookup`. Name of the lookup.
    #[serde(default)]
    pub lookup: Option<Name>,
    /// `lookup`. Templates. Cells of the key, by the names of the key columns.
    #[serde(default)]
    pub key: BTreeMap<String, String>,
    /// `lookup`. What a key that is not listed leads to; `refuse` by default.
    #[serde(default)]
    pub missing: Option<WhenMissing>,
    /// `decision` without a destination. Name of the decision.
    #[serde(default)]
    pub table: Option<Name>,
    /// `decision` with `table`. JSON template. What the table sees as `event.data`; by default the event's own.
    #[serde(default)]
    pub input: Option<String>,
    /// `decision`. What it leads to when no row hits, or a rule service answers without a result; `refuse` by default.
    #[serde(default)]
    pub empty: Option<WhenEmpty>,
    /// `summary`. Whose form request and answer have.
    #[serde(default)]
    pub api: Option<SummaryApi>,
    /// `summary`. The model, as the endpoint calls it.
    #[serde(default)]
    pub model: Option<String>,
    /// `summary`. Template. What the model is asked.
    #[serde(default)]
    pub prompt: Option<String>,
    /// `summary`. What the model is told to be; there is a default.
    #[serde(default)]
    pub system: Option<String>,
    /// `summary`. Template. The text to use when the model gives none.
    #[serde(default)]
    pub fallback: Option<String>,
    /// `summary`. Longest text, in characters as SAP counts them; 1333 by default.
    #[serde(default)]
    pub max_chars: Option<usize>,
    /// `summary`. Longest answer that the model is asked for, in tokens; 512 by default.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// `summary`. The name by which the model's API takes `max_tokens`.
    #[serde(default)]
    pub token_limit: Option<TokenLimit>,
    /// `summary`. Paths that the model must not see: `event.data.reporter`.
    #[serde(default)]
    pub redact: Vec<String>,
    /// `summary`. How often the model may be asked.
    #[serde(default)]
    pub budget: Option<Budget>,
}

/// What an answer says of a document that is open.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenWhile {
    /// Where the status stands in the answer: `d.NotifProcessingPhase`.
    pub path: String,
    /// Its values while the document is open, as texts.
    pub values: Vec<String>,
}

/// One request of a change set, as written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangesetEntry {
    /// `POST`, `PUT`, `PATCH`, `MERGE` (V2) or `DELETE`.
    pub method: String,
    /// Template. Path below the service; `$1/…` leads on from what the first request makes.
    pub path: String,
    /// Templates. Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Template. The body, JSON.
    #[serde(default)]
    pub body: Option<String>,
}

/// What a key that is not listed leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenMissing {
    /// The run is refused.
    #[default]
    Refuse,
    /// The run goes on; the step's answer is `null`.
    Null,
}

/// What a decision without a result leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenEmpty {
    /// The run is refused.
    #[default]
    Refuse,
    /// The run goes on.
    Continue,
}

/// Whose form a summary's request and answer have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SummaryApi {
    /// Chat completions, as `OpenAI` and many others have them.
    Openai,
    /// Anthropic's messages, as Amazon Bedrock and SAP AI Core take them at `/invoke`.
    Anthropic,
}

/// What an `OpenAI` API calls the limit of an answer; a model that knows the one refuses the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimit {
    /// `max_tokens`: what is compatible with `OpenAI`, and its older models.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`: models that reason before they answer.
    MaxCompletionTokens,
}

impl TokenLimit {
    /// The member's name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
        }
    }
}

/// How often a model may be asked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Most calls …
    pub calls: u32,
    /// … within this time.
    #[serde(with = "humantime_serde")]
    pub per: Duration,
}
