//! The kinds of faults, and which requests can meet them.

/// What can go wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// 500, 502 or 504, nothing committed.
    ServerError,
    /// A delay before or after the commit.
    Slow,
    /// Committed, then the connection is reset without an answer.
    CommitThenDrop,
    /// The connection is reset without an answer, nothing committed.
    DropBefore,
    /// Committed, then answered with 500.
    CommitThen500,
    /// The session is gone: 403 with `x-csrf-token: Required`.
    TokenExpired,
    /// 401 with an HTML page.
    Unauthorized,
    /// 503 or 429 with `Retry-After`.
    Busy,
    /// The connection is reset and new ones are refused for a while.
    RefuseToConnect,
    /// 412: somebody else changed the entity a moment before. Changes of one entity only.
    EtagMoved,
    /// 423: the object is locked by a user. Creates, changes and functions of OData services.
    Locked,
    /// 428: `If-Match` is asked for, though it was sent. Changes of one entity only.
    PreconditionRequired,
    /// The last part of a `$batch` fails, what stands before it is committed.
    PartialBatch,
    /// Committed; the bytes of the answer trickle.
    SlowDrip,
    /// 500 with an HTML page, nothing committed.
    HtmlError,
    /// 500 with an XML document though JSON was asked for, nothing committed.
    XmlError,
    /// 500 with plain text, nothing committed.
    TextError,
    /// The rule service finds nothing: `{"Result":[]}`.
    EmptyResult,
    /// The token endpoint refuses: 401 in OAuth's shape.
    TokenDenied,
    /// The destination service answers 200 with an error instead of a token.
    AuthTokenError,
    /// The mesh delivers once more what was acknowledged.
    Redeliver,
    /// The language model answers 200 with JSON that breaks off.
    LlmBrokenJson,
    /// The language model answers with ten megabytes of text.
    LlmHuge,
    /// The language model answers with instructions, template syntax and control characters.
    LlmInjection,
    /// The language model accepts the request and does not answer.
    LlmSilent,
    /// 429 in the shape of the model's provider.
    LlmRateLimited,
    /// The language model refuses to answer, with status 200.
    LlmRefusal,
}

/// What a request asks of the simulator, as far as it decides which faults it can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Creates, and calls a function of, an OData service.
    Create,
    /// Changes one entity of an OData service.
    Change,
    Batch,
    Rules,
    Tokens,
    Destinations,
    Mesh,
    Llm,
    /// Everything else.
    Plain,
}

impl FaultKind {
    /// All kinds, in the order of the text form.
    pub const ALL: [Self; 27] = [
        Self::ServerError,
        Self::Slow,
        Self::CommitThenDrop,
        Self::DropBefore,
        Self::CommitThen500,
        Self::TokenExpired,
        Self::Unauthorized,
        Self::Busy,
        Self::RefuseToConnect,
        Self::EtagMoved,
        Self::Locked,
        Self::PreconditionRequired,
        Self::PartialBatch,
        Self::SlowDrip,
        Self::HtmlError,
        Self::XmlError,
        Self::TextError,
        Self::EmptyResult,
        Self::TokenDenied,
        Self::AuthTokenError,
        Self::Redeliver,
        Self::LlmBrokenJson,
        Self::LlmHuge,
        Self::LlmInjection,
        Self::LlmSilent,
        Self::LlmRateLimited,
        Self::LlmRefusal,
    ];

    /// The name in text form and statistics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServerError => "server_error",
            Self::Slow => "slow",
            Self::CommitThenDrop => "commit_then_drop",
            Self::DropBefore => "drop_before",
            Self::CommitThen500 => "commit_then_500",
            Self::TokenExpired => "token_expired",
            Self::Unauthorized => "unauthorized",
            Self::Busy => "busy",
            Self::RefuseToConnect => "refuse_to_connect",
            Self::EtagMoved => "etag_moved",
            Self::Locked => "locked",
            Self::PreconditionRequired => "precondition_required",
            Self::PartialBatch => "partial_batch",
            Self::SlowDrip => "slow_drip",
            Self::HtmlError => "html_error",
            Self::XmlError => "xml_error",
            Self::TextError => "text_error",
            Self::EmptyResult => "empty_result",
            Self::TokenDenied => "token_denied",
            Self::AuthTokenError => "auth_token_error",
            Self::Redeliver => "redeliver",
            Self::LlmBrokenJson => "llm_broken_json",
            Self::LlmHuge => "llm_huge",
            Self::LlmInjection => "llm_injection",
            Self::LlmSilent => "llm_silent",
            Self::LlmRateLimited => "llm_rate_limited",
            Self::LlmRefusal => "llm_refusal",
        }
    }

    /// Position in [`Self::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// Whether a request of this scope can meet the fault; the general kinds are met anywhere.
    pub(crate) const fn fits(self, scope: Scope) -> bool {
        match self {
            Self::EtagMoved | Self::PreconditionRequired => matches!(scope, Scope::Change),
            Self::Locked => matches!(scope, Scope::Create | Scope::Change),
            Self::PartialBatch => matches!(scope, Scope::Batch),
            Self::EmptyResult => matches!(scope, Scope::Rules),
            Self::TokenDenied => matches!(scope, Scope::Tokens),
            Self::AuthTokenError => matches!(scope, Scope::Destinations),
            Self::Redeliver => matches!(scope, Scope::Mesh),
            Self::LlmBrokenJson
            | Self::LlmHuge
            | Self::LlmInjection
            | Self::LlmSilent
            | Self::LlmRateLimited
            | Self::LlmRefusal => matches!(scope, Scope::Llm),
            _ => true,
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}
