//! What went wrong, where, and what to do: the shape of every operator-facing error.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; nothing is refused because of it.
    Warning,
    /// Refused until it is changed.
    Error,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $title:literal;)*) => {
        /// The code of an operator-facing error. Each has a page `docs/errors/<code>.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// Every code, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as written in logs, answers and file names.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// A short sentence that is the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// The page that explains it, in Markdown: what it means, what became of the data, what to do.
            pub const fn page(self) -> &'static str {
                match self { $(Self::$name => include_str!(concat!("../../../docs/errors/", $text, ".md")),)* }
            }
        }
    };
}

codes! {
    /// The body is not what the decoder reads.
    Undecodable = "AND-1001", "the payload cannot be decoded";
    /// A limit on size, count or depth.
    TooLarge = "AND-1002", "the payload exceeds a limit";
    /// A required `CloudEvents` attribute is missing or malformed.
    BadCloudEvent = "AND-1003", "not a valid CloudEvent";
    /// No such source, or it does not take deliveries.
    UnknownSource = "AND-1004", "no such source";
    /// Too much undecided work.
    BackPressure = "AND-1005", "too much work is waiting, try again later";
    /// Credentials are missing or wrong.
    Unauthenticated = "AND-1101", "credentials are missing or not accepted";
    /// The role does not allow it.
    Forbidden = "AND-1102", "the token's role does not allow this";
    /// A signature does not match or is too old.
    BadSignature = "AND-1103", "the signature is not accepted";
    /// A path, id or name leads nowhere.
    NotFound = "AND-1201", "not found";
    /// The request's parameters are not of the right form.
    BadRequest = "AND-1202", "the request is not of the right form";
    /// The object is not in a state that allows the call.
    Conflict = "AND-1203", "not possible in the present state";
    /// A query that is not understood, or that would change something.
    Query = "AND-1301", "the query cannot be answered";
    /// A query that takes too long, too much memory, or gives too many rows.
    QueryLimit = "AND-1302", "the query exceeds a limit";
    /// A configuration file cannot be parsed.
    ConfigurationSyntax = "AND-2001", "the configuration cannot be parsed";
    /// A configuration file names something that does not exist.
    ConfigurationReference = "AND-2002", "the configuration names something that does not exist";
    /// A decision table has a fault.
    DecisionTable = "AND-2003", "the decision table has a fault";
    /// A template has a fault.
    Template = "AND-2004", "the template has a fault";
    /// A lookup has a fault.
    LookupTable = "AND-2005", "the lookup has a fault";
    /// A test case of a decision failed.
    CaseFailed = "AND-2006", "a test case of the decision failed";
    /// A value in a configuration file is out of its limits or in contradiction to another.
    ConfigurationValue = "AND-2007", "a configuration value cannot be used";
    /// An action contradicts the metadata of the service that it is sent to.
    ServiceMismatch = "AND-2008", "the action does not fit the service's metadata";
    /// Deciding an event failed.
    DecisionFailed = "AND-3001", "the decision could not be made";
    /// A template met an event or an answer that lacks a path.
    MissingPath = "AND-3002", "a template names a path that is not there";
    /// A rendered body is not what its content type says.
    BadBody = "AND-3003", "the rendered request is not valid";
    /// A step asked a lookup, a decision table or a rule service, and there is no answer.
    NothingDetermined = "AND-3004", "a lookup or decision of the run has no result";
    /// The destination answered that a person must change something.
    Refused = "AND-4001", "the destination refused the request";
    /// The destination cannot be reached.
    Unreachable = "AND-4002", "the destination cannot be reached";
    /// The outcome is unknown.
    Lost = "AND-4003", "the outcome of the request is unknown";
    /// Retries are used up.
    RetriesExhausted = "AND-4004", "the destination did not answer in time, retries are used up";
    /// More than one document carries the key.
    DuplicateFound = "AND-4005", "more than one document carries the key";
    /// The destination's credentials are not accepted.
    DestinationCredentials = "AND-4006", "the destination does not accept the credentials";
    /// The destination is overloaded or asks to come back.
    Busy = "AND-4007", "the destination asks to come back later";
    /// A secret is not there.
    MissingSecret = "AND-4008", "a secret is not there";
    /// The token service refuses, or answers without a token.
    TokenRefused = "AND-4009", "the token service gives no token";
    /// The destination service has no such destination, or one that cannot be used.
    ProvidedDestination = "AND-4010", "the destination service gives no usable destination";
    /// The service that keeps a secret cannot be asked at present.
    SecretUnavailable = "AND-4011", "a secret cannot be read at present";
    /// The bytes that a step is to send are not kept.
    MissingAttachment = "AND-4012", "an attachment is not there";
    /// The journal cannot be written or read.
    Journal = "AND-5001", "the journal cannot be used";
    /// Another process holds the journal.
    JournalHeld = "AND-5002", "another process holds the journal";
    /// A bucket or folder cannot be read.
    Bucket = "AND-5003", "the bucket cannot be read";
    /// The raw log's folder cannot be written or read.
    RawLog = "AND-5004", "the raw log cannot be used";
    /// The archive of the raw log's segments cannot be written or read.
    Archive = "AND-5005", "the archive of the raw log cannot be used";
    /// A broker outside is away or broke the connection; waiting helps.
    Broker = "AND-5006", "the broker cannot be reached";
    /// A broker outside does not let us in or does not grant the subscription; a person must act.
    BrokerRefused = "AND-5007", "the broker refuses the source";
    /// The lake's tables cannot be written or read.
    Lake = "AND-5008", "the lake cannot be used";
    /// The snapshot of the assets cannot be read or written.
    PlantMemory = "AND-5009", "the snapshot of the assets cannot be used";
    /// The command line finds no server at its address.
    ServerUnreachable = "AND-6001", "the Andon server cannot be reached";
    /// A setting in `andon.toml`, the environment or a flag.
    Setting = "AND-6002", "a setting cannot be used";
    /// A file or folder named on the command line.
    LocalFile = "AND-6003", "a file or folder cannot be used";
    /// A device's name, attribute or list.
    DeviceValue = "AND-7001", "a value of a device cannot be used";
    /// A signing request or certificate that is not accepted.
    SigningRequest = "AND-7002", "the signing request or certificate is not accepted";
    /// The certificate authority is missing, expired or not what it should be.
    Authority = "AND-7003", "the certificate authority cannot be used";
    /// A certificate's state does not allow the change.
    CertificateState = "AND-7004", "the state of the certificate does not allow this";
    /// A policy document has a fault.
    PolicyDocument = "AND-7005", "the policy has a fault";
    /// An onboarding that is not allowed, or that contradicts an earlier one.
    Onboarding = "AND-7006", "the device cannot be onboarded";
    /// The external issuer of access tokens, or its keys.
    TokenIssuer = "AND-7007", "the issuer of access tokens does not give its keys";
    /// The hook of a claim.
    ClaimHook = "AND-7008", "the hook of a claim does not answer";
    /// The mail server is away, is not who it should be, or does not let us in; waiting or a person helps.
    MailServer = "AND-7009", "the mail server cannot be used";
    /// The mail server will not take a letter as it is.
    LetterRefused = "AND-7010", "the mail server refuses the letter";
    /// A fault in Andon itself.
    Internal = "AND-9001", "internal error";
}

impl FromStr for Code {
    type Err = UnknownCode;

    /// Reads a code as people write it: `AND-4003`, `and-4003` or `4003`.
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let number = text.split_at_checked(4).filter(|(word, _)| word.eq_ignore_ascii_case("AND-"));
        let number = number.map_or(text, |(_, number)| number);
        let found = Self::ALL.iter().find(|code| &code.as_str()[4..] == number);
        found.copied().ok_or_else(|| UnknownCode(text.to_owned()))
    }
}

/// A text that is not the code of an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the code of an error, which looks like AND-4003")]
pub struct UnknownCode(String);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What went wrong (`code`, `detail`) and where (`place`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Problem {
    /// What kind.
    pub code: Code,
    /// What exactly, and what to do.
    pub detail: String,
    /// Where: file with line and column, JSON path, object name or address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

impl Problem {
    /// A problem without a place.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), place: None }
    }

    /// The same problem, at a place.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.code.title())?;
        if let Some(place) = &self.place {
            write!(f, " ({place})")?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_ordered() {
        let texts: Vec<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        let mut sorted = texts.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(texts, sorted);
    }

    #[test]
    fn codes_are_read_as_people_write_them() {
        let check = |text: &str, expect: Option<Code>| assert_eq!(text.parse().ok(), expect, "for {text:?}");
        check("AND-4003", Some(Code::Lost));
        check("and-4003", Some(Code::Lost));
        check("4003", Some(Code::Lost));
        check("AND-4999", None);
        check("AND4003", None);
        check("ändx", None);
        check("", None);
    }

    #[test]
    fn every_code_has_its_page() {
        for code in Code::ALL {
            assert!(code.page().starts_with(&format!("# {code}: {}", code.title())), "the page of {code}");
        }
    }

    #[test]
    fn text_names_what_and_where() {
        let problem = Problem::new(Code::Undecodable, "expected a number").at("line 3, column 7");
        assert_eq!(
            problem.to_string(),
            "AND-1001: the payload cannot be decoded (line 3, column 7): expected a number"
        );
    }
}
