//! Destinations of Andon's own: addresses where the export has them, and names for the secrets that are to be stored.

use std::fmt::Write as _;

use reqwest::Url;

use super::super::framework::Framework;
use super::super::records::Record;
use super::super::report::{Entry, Note, Outcome};
use super::super::text::{comment, toml_text};
use super::{authentication, proxy};

/// Address and credentials, with what is to be completed.
pub(super) fn lines(
    framework: &Framework,
    source: &str,
    name: &str,
    row: Option<&Record>,
    entry: &mut Entry,
) -> String {
    let way = proxy(row).unwrap_or("Internet");
    let on_premise = way.eq_ignore_ascii_case("OnPremise");
    let mut text = address(framework, source, name, row, on_premise, entry);
    text.push_str(&auth(row, name, entry));
    if on_premise {
        let what =
            format!("store a service key of the connectivity service: andon secret set btp-connectivity-key ({way})");
        entry.note(Outcome::Open, Note::at("", what));
        text.push_str("\n[on_premise]\nservice_key = { secret = \"btp-connectivity-key\" }\n");
        if let Some(id) = row.and_then(|row| row.get("cloudconnectorlocationid")) {
            let _ = writeln!(text, "location_id = {}", toml_text(id));
        }
    } else if !way.eq_ignore_ascii_case("Internet") {
        let what = format!("was reached by {way}; Andon needs a way of its own");
        entry.note(Outcome::Open, Note::at("", what));
    }
    text
}

/// The address that the destination service listed, else the one that an action's form remembered.
fn address(
    framework: &Framework,
    source: &str,
    name: &str,
    row: Option<&Record>,
    on_premise: bool,
    entry: &mut Entry,
) -> String {
    let listed = row.and_then(|row| Some((row.get("url")?, row.at("url"))));
    let remembered = framework.actions.iter().filter(|action| action.destination == source);
    let mut remembered = remembered.filter_map(|action| Some((action.record.get("url")?, action.record.at("url"))));
    let found = listed.or_else(|| remembered.next());
    if let Some((url, place)) = &found {
        match usable(url, on_premise) {
            Ok(line) => return line,
            Err(why) => entry.note(Outcome::Open, Note::at(place, format!("{url:?} {why}"))),
        }
    } else {
        entry.note(Outcome::Open, Note::at("", "its address is not in the export: complete url"));
    }
    let hint = "Complete the address, with the path that the destination has in SAP BTP (as in /sap/opu/odata/sap).";
    let scheme = if on_premise { "http" } else { "https" };
    format!("{}url = \"{scheme}://{name}.invalid\"\n", comment(hint))
}

fn usable(text: &str, on_premise: bool) -> Result<String, &'static str> {
    let url: Url = text.parse().map_err(|_| "is no address")?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("holds more than an address: complete url by hand");
    }
    let line = format!("url = {}\n", toml_text(text));
    match url.scheme() {
        "https" if on_premise => Err("is a virtual host of a Cloud Connector, which is called by http: complete url"),
        "https" => Ok(line),
        "http" if loopback || on_premise => Ok(line),
        "http" => Ok(format!("{line}# Others can read along; use https where that is possible.\nallow_http = true\n")),
        _ => Err("begins with neither https nor http"),
    }
}

/// The section `[auth]` of the same kind, with names for its secrets.
fn auth(row: Option<&Record>, name: &str, entry: &mut Entry) -> String {
    let kind = authentication(row).unwrap_or_default();
    let place = row.map(|row| row.at("auth")).unwrap_or_default();
    let (what, text) = match kind {
        "NoAuthentication" => return key(row, name, entry),
        "BasicAuthentication" => (stored(name, &["password"]), basic(row, name)),
        "OAuth2ClientCredentials" => (stored(name, &["client-secret"]), oauth("oauth2-client-credentials", row, name)),
        "OAuth2Password" => {
            let user = user_lines(row, name);
            let secrets = stored(name, &["client-secret", "password"]);
            (secrets, oauth("oauth2-password", row, name) + user.as_str())
        }
        "ClientCertificateAuthentication" => (stored(name, &["certificate", "key"]), certificate(name)),
        "" => ("its credentials are not in the export: complete [auth]".to_owned(), String::new()),
        other => (format!("{other} needs a signed-in user, and events have none: complete [auth]"), String::new()),
    };
    let text = format!("\n{}{text}", comment(&format!("Credentials stay in SAP BTP: {what}.")));
    entry.note(Outcome::Open, Note::at(place, what));
    text
}

fn stored(name: &str, secrets: &[&str]) -> String {
    let commands: Vec<String> = secrets.iter().map(|secret| format!("andon secret set {name}-{secret}")).collect();
    format!("compare what is written here, and store what is secret: {}", commands.join(", "))
}

fn user_lines(row: Option<&Record>, name: &str) -> String {
    let user = row.and_then(|row| row.get("user")).unwrap_or("ANDON");
    format!("user = {}\npassword = {{ secret = \"{name}-password\" }}\n", toml_text(user))
}

fn basic(row: Option<&Record>, name: &str) -> String {
    format!("[auth]\nkind = \"basic\"\n{}", user_lines(row, name))
}

fn certificate(name: &str) -> String {
    format!(
        "[auth]\nkind = \"client-certificate\"\ncertificate = {{ secret = \"{name}-certificate\" }}\n\
         key = {{ secret = \"{name}-key\" }}\n"
    )
}

fn oauth(kind: &str, row: Option<&Record>, name: &str) -> String {
    let property = |name: &str| row.and_then(|row| row.get(name));
    let token_url =
        property("tokenserviceurl").filter(|url| url.starts_with("https://") && !url.contains(['?', '#', '@']));
    let token_url = token_url.map_or_else(|| format!("https://{name}.invalid/oauth/token"), str::to_owned);
    let mut text = format!(
        "[auth]\nkind = \"{kind}\"\ntoken_url = {}\nclient_id = {}\nclient_secret = {{ secret = \"{name}-client-secret\" }}\n",
        toml_text(&token_url),
        toml_text(property("clientid").unwrap_or("complete me")),
    );
    if let Some(scope) = property("scope") {
        let _ = writeln!(text, "scope = {}", toml_text(scope));
    }
    text
}

/// Without authentication a key may stand in a header, as for SAP's sandboxes.
fn key(row: Option<&Record>, name: &str, entry: &mut Entry) -> String {
    let Some(row) = row.filter(|row| row.get("url.headers.apikey").is_some()) else { return String::new() };
    entry.note(Outcome::Open, Note::at(row.at("URL.headers.APIKey"), stored(name, &["key"])));
    format!("\n[auth]\nkind = \"api-key\"\nheader = \"APIKey\"\nvalue = {{ secret = \"{name}-key\" }}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_or_refused() {
        let check = |url: &str, expect: &str| assert_eq!(usable(url, false), Ok(expect.to_owned()), "{url}");
        check("https://s4.example.com/sap/opu/odata/sap", "url = \"https://s4.example.com/sap/opu/odata/sap\"\n");
        check("http://127.0.0.1:8481", "url = \"http://127.0.0.1:8481\"\n");
        assert!(usable("http://s4.example.com", false).is_ok_and(|text| text.contains("allow_http = true")));
        assert!(usable("http://virtual:44300", true).is_ok_and(|text| !text.contains("allow_http")));
        assert!(usable("https://virtual:44300", true).is_err());
        for url in ["<host>", "ftp://x", "https://a:b@c", "https://c?x=1"] {
            assert!(usable(url, false).is_err(), "{url}");
        }
    }
}
