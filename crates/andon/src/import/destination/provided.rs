//! Destinations that stay in SAP BTP: Andon asks the destination service for address and credentials.

use std::fmt::Write as _;

use super::super::records::Record;
use super::super::report::{Entry, Note, Outcome};
use super::super::text::{comment, toml_text};
use super::{authentication, proxy};

/// Under these names the service keys are stored.
const DESTINATION_KEY: &str = "btp-destination-key";
const CONNECTIVITY_KEY: &str = "btp-connectivity-key";

/// Ways to log on that need no person.
const TECHNICAL: [&str; 5] = [
    "NoAuthentication",
    "BasicAuthentication",
    "ClientCertificateAuthentication",
    "OAuth2ClientCredentials",
    "OAuth2Password",
];

/// Whether the destination service can be asked for a destination of this name.
pub(super) fn is_name(source: &str) -> bool {
    (1..=200).contains(&source.len()) && source.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// The section `[provider]`, with what is to be done.
pub(super) fn lines(source: &str, row: Option<&Record>, entry: &mut Entry) -> String {
    let place = |column: &str| row.map(|row| row.at(column)).unwrap_or_default();
    let store = |key: &str, of: &str| {
        format!("store a service key of the {of} service: andon secret set {key} --from-file key.json")
    };
    entry.note(Outcome::Open, Note::at("", store(DESTINATION_KEY, "destination")));
    let mut text = String::new();
    if row.and_then(|row| row.get("url")).is_some_and(|url| url.starts_with("http://"))
        && proxy(row) != Some("OnPremise")
    {
        entry.note(
            Outcome::Adapted,
            Note::at(place("url"), "its address is not encrypted: use https where that is possible"),
        );
        text.push_str(&comment("Others can read along; use https where that is possible."));
        text.push_str("allow_http = true\n");
    }
    text.push_str(&comment("Address and credentials stay in SAP BTP; its destination service is asked for them."));
    let _ = write!(
        text,
        "[provider]\nkind = \"btp-destination-service\"\nname = {}\nservice_key = {{ secret = \"{DESTINATION_KEY}\" }}\n",
        toml_text(source)
    );
    let connectivity = format!("connectivity_key = {{ secret = \"{CONNECTIVITY_KEY}\" }}\n");
    match proxy(row) {
        Some(way) if way.eq_ignore_ascii_case("OnPremise") => {
            entry.note(Outcome::Open, Note::at(place("proxy"), store(CONNECTIVITY_KEY, "connectivity")));
            text.push_str(&connectivity);
        }
        Some(way) if way.eq_ignore_ascii_case("Internet") => {}
        Some(way) => {
            let what = format!("ProxyType {way} is not supported; Internet and OnPremise are");
            entry.note(Outcome::Open, Note::at(place("proxy"), what));
        }
        None => {
            let _ = write!(text, "# With ProxyType OnPremise also:\n# {connectivity}");
        }
    }
    if let Some(kind) = authentication(row).filter(|kind| !TECHNICAL.contains(kind)) {
        let what = format!(
            "{kind} is for a user who is signed in, and events have none: give the destination a technical user"
        );
        entry.note(Outcome::Open, Note::at(place("auth"), what));
    }
    text
}
