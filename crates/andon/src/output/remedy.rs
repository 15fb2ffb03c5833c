//! One line per code: what to do. The page of the code says more.

use andon_model::{Code, Problem};

/// What to do when somebody else listens where devices are to come in.
pub(crate) const FREE_THE_DOOR: &str =
    "stop what listens there, or choose another address: `--mqtt 127.0.0.1:8893`, or `enabled = false` in [mqtt]";

/// What to do when something else listens already, or the address is not of this machine.
pub(crate) const FREE_THE_ADDRESS: &str =
    "stop what listens there, or choose another address: `--listen 127.0.0.1:8490`";

/// What to do when a claim does not allow what was asked for.
const WIDEN_THE_CLAIM: &str =
    "ask for what the claim allows, or have somebody who manages devices change it: `andon devices claims put`";

/// What to do about this problem. What a claim refuses is changed in the claim, whichever code the refusal has.
pub(crate) fn remedy_of(problem: &Problem) -> &'static str {
    match &problem.place {
        Some(place) if place.starts_with("claim ") => WIDEN_THE_CLAIM,
        _ => remedy(problem.code),
    }
}

/// What to do about an error with this code.
pub(crate) const fn remedy(code: Code) -> &'static str {
    match code {
        Code::Undecodable | Code::BadCloudEvent => {
            "correct the payload and send it again; what was kept is listed by `andon quarantine list`"
        }
        Code::TooLarge => "send less at once, or raise the limit in andon.toml",
        Code::UnknownSource => "apply a scenario that has this source, or correct its name",
        Code::BackPressure => "wait a few seconds and send again; `andon status` shows the backlog",
        Code::Unauthenticated => "put a token into ANDON_TOKEN, or name the server's data folder by --data",
        Code::Forbidden => "use a token with a higher role: `andon token create --role …`",
        Code::BadSignature => "compare the shared secret and the clocks of sender and server",
        Code::NotFound => "list what exists, then correct the name or number",
        Code::BadRequest => "correct the parameters; `--help` of the command shows them",
        Code::Conflict => "the detail says what is in the way; look at that object first, with `show` of its command",
        Code::Query => "correct the query; `SHOW TABLES` and `DESCRIBE <table>` name what there is",
        Code::QueryLimit => "ask for fewer hours or fewer rows, or aggregate",
        Code::ConfigurationSyntax | Code::ConfigurationReference | Code::ConfigurationValue | Code::ServiceMismatch => {
            "correct the file at the place named and check it: `andon check <folder>`"
        }
        Code::DecisionTable | Code::CaseFailed => "correct the table or the case, then run `andon check <folder>`",
        Code::Template => "correct the template; paths read event, lookup results and earlier steps",
        Code::LookupTable => "correct the CSV at the line named",
        Code::DecisionFailed | Code::MissingPath | Code::BadBody | Code::NothingDetermined => {
            "look at the event with `andon events show`, correct table or template, then decide or retry again"
        }
        Code::Refused => "correct the data or the customising in the destination, then `andon runs retry`",
        Code::Unreachable | Code::Busy | Code::RetriesExhausted => {
            "check the destination with `andon destinations test`, then `andon runs retry`"
        }
        Code::Lost => "look for the document in the destination, then `andon runs resolve` or `andon runs retry`",
        Code::DuplicateFound => "decide in the destination which document is valid, then `andon runs resolve`",
        Code::DestinationCredentials => "store the right password: `andon secret set`, then `andon runs retry`",
        Code::MissingSecret => "store it: `andon secret set <name>`",
        Code::TokenRefused | Code::ProvidedDestination => "see the stages: `andon destinations test <name>`",
        Code::SecretUnavailable => "nothing, if it passes; else check network and role for AWS",
        Code::MissingAttachment => {
            "look at the event with `andon events show`, then correct the action or attach the file by hand"
        }
        Code::Journal => "check disk, permissions and database; `andon doctor` shows them",
        Code::JournalHeld => "stop the other process, or name another data folder by --data",
        Code::Bucket => "check that the folder or bucket exists and may be read",
        Code::RawLog => "free space or repair the disk; it goes on by itself",
        Code::Archive => "check address, credentials and permissions of the object store",
        Code::Lake => "look after the folder or bucket of the lake; it goes on by itself from where it was",
        Code::Broker => "look whether the broker is up and can be reached; it is tried again by itself",
        Code::BrokerRefused => "change credentials, policy or client id; it is tried again by itself",
        Code::PlantMemory => "free space in the data folder, or move a damaged assets.json away",
        Code::ServerUnreachable => "start it with `andon serve`, or name its address by --url or ANDON_URL",
        Code::Setting => "correct the setting; `andon serve --help` lists where settings come from",
        Code::LocalFile => "look at the file or folder that is named: its path, its permissions, and what is in it",
        Code::DeviceValue => "correct what the detail names; `andon devices show` says what is stored",
        Code::SigningRequest => {
            "make a signing request (PKCS #10, in PEM) with a new key: `openssl req -new -newkey ec -pkeyopt \
             ec_paramgen_curve:P-256 -nodes -keyout pump-01.key -subj / -out pump-01.csr`"
        }
        Code::Authority => "see `andon doctor`, and replace the issuing authority: `andon ca rotate`",
        Code::CertificateState => "look at `andon devices show`; give the device a new one: `andon devices rotate`",
        Code::PolicyDocument => "correct the policy at the line and column named",
        Code::Onboarding => "look at the detail; delete the device first if it is to start anew under its name",
        Code::TokenIssuer => "open the issuer's /.well-known/openid-configuration from the server",
        Code::ClaimHook => "make the hook answer, or take it out of the claim",
        Code::MailServer => "correct [mail] in andon.toml; letters are tried again by themselves",
        Code::LetterRefused => "correct recipient or sender, then write the letter again",
        Code::Internal => "report it, with the log of the server",
    }
}
