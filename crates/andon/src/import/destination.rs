//! `destinations/<name>.toml`: addresses where the export has them; credentials never leave SAP BTP.

use std::fmt::Write as _;

use andon_journal::{Document, DocumentKind};
use andon_model::InvalidName;
use reqwest::Url;

use super::document;
use super::framework::Framework;
use super::plan::Plan;
use super::records::Record;
use super::report::{Entry, Note, Outcome, Report};
use super::services;
use super::text::{comment, toml_text};

/// Writes the destinations that steps use, and reports the others.
pub(super) fn write_all(
    plan: &Plan<'_>,
    framework: &Framework,
    report: &mut Report,
) -> Result<Vec<Document>, InvalidName> {
    let mut documents = Vec::new();
    for (source, name) in &plan.destinations {
        let row = row(framework, source);
        let place = row.map(|row| row.place.clone()).or_else(|| first_use(plan, source)).unwrap_or_default();
        let mut entry = Entry::new("destination", *source, place).became(format!("destinations/{name}.toml"));
        let text = text(plan, framework, source, name, &mut entry);
        documents.push(document(DocumentKind::Destination, name, text)?);
        report.add(entry);
    }
    for row in &framework.destinations {
        let name = row.get("name").unwrap_or_default();
        if !plan.destinations.contains_key(name) {
            report.add(Entry::new("destination", name, &row.place).but(Outcome::NotNeeded, "no step uses it"));
        }
    }
    Ok(documents)
}

fn row<'a>(framework: &'a Framework, name: &str) -> Option<&'a Record> {
    framework.destinations.iter().find(|row| row.get("name") == Some(name))
}

fn first_use(plan: &Plan<'_>, destination: &str) -> Option<String> {
    let mut steps = plan.actions.iter().flat_map(|action| &action.steps);
    steps.find(|step| step.source.destination == destination).map(|step| step.source.record.at("dest"))
}

fn text(plan: &Plan<'_>, framework: &Framework, source: &str, name: &str, entry: &mut Entry) -> String {
    let row = row(framework, source);
    let description = row.and_then(|row| row.get("descr")).unwrap_or(source);
    let mut text = format!("description = {}\n", toml_text(description));
    text.push_str(&address(framework, source, name, entry));
    text.push_str(&auth(row, name, entry));
    if let Some(service) = first_service(plan, source) {
        let _ = writeln!(text, "\n[odata]\ncsrf_service_document = {}", toml_text(&format!("{service}/")));
    }
    if row.and_then(|row| row.get("proxy")).is_some_and(|proxy| !proxy.eq_ignore_ascii_case("Internet")) {
        let what = "was reached through SAP BTP (Cloud Connector or Private Link); Andon needs a way of its own";
        entry.note(Outcome::Open, Note::at("", what));
    }
    text
}

fn first_service(plan: &Plan<'_>, destination: &str) -> Option<String> {
    let steps = plan.actions.iter().flat_map(|action| &action.steps);
    let mut used = steps.filter(|step| step.source.destination == destination);
    used.find_map(|step| services::gateway(&step.path.text).map(|gateway| gateway.service.to_owned()))
}

/// The address that the destination service listed, else the one that an action's form remembered.
fn address(framework: &Framework, source: &str, name: &str, entry: &mut Entry) -> String {
    let listed = row(framework, source).and_then(|row| Some((row.get("url")?, row.at("url"))));
    let remembered = framework.actions.iter().filter(|action| action.destination == source);
    let mut remembered = remembered.filter_map(|action| Some((action.record.get("url")?, action.record.at("url"))));
    let found = listed.or_else(|| remembered.next());
    if let Some((url, place)) = &found {
        match usable(url) {
            Ok(line) => return line,
            Err(why) => entry.note(Outcome::Open, Note::at(place, format!("{url:?} {why}"))),
        }
    } else {
        entry.note(Outcome::Open, Note::at("", "its address is not in the export: complete url"));
    }
    let hint = "Complete the address, with the path that the destination has in SAP BTP (as in /sap/opu/odata/sap).";
    format!("{}url = \"https://{name}.invalid\"\n", comment(hint))
}

fn usable(text: &str) -> Result<String, &'static str> {
    let url: Url = text.parse().map_err(|_| "is no address")?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("holds more than an address: complete url by hand");
    }
    let line = format!("url = {}\n", toml_text(text));
    match url.scheme() {
        "https" => Ok(line),
        "http" if loopback => Ok(line),
        "http" => Ok(format!("{line}# Others can read along; use https where that is possible.\nallow_http = true\n")),
        _ => Err("begins with neither https nor http"),
    }
}

fn auth(row: Option<&Record>, name: &str, entry: &mut Entry) -> String {
    let kind = row.and_then(|row| row.get("auth")).unwrap_or_default();
    let place = row.map(|row| row.at("auth")).unwrap_or_default();
    let (what, text) = match kind {
        "NoAuthentication" => return String::new(),
        "BasicAuthentication" => (
            format!("complete the user, and store the password: andon secret set {name}-password"),
            format!("[auth]\nkind = \"basic\"\nuser = \"ANDON\"\npassword = {{ secret = \"{name}-password\" }}\n"),
        ),
        "" => ("its credentials are not in the export: complete [auth]".to_owned(), String::new()),
        other => (format!("{other} is not carried over: complete [auth]"), String::new()),
    };
    let text = format!("\n{}{text}", comment(&format!("Credentials stay in SAP BTP: {what}.")));
    entry.note(Outcome::Open, Note::at(place, what));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_or_refused() {
        let check = |url: &str, expect: &str| assert_eq!(usable(url), Ok(expect.to_owned()), "{url}");
        check("https://s4.example.com/sap/opu/odata/sap", "url = \"https://s4.example.com/sap/opu/odata/sap\"\n");
        check("http://127.0.0.1:8481", "url = \"http://127.0.0.1:8481\"\n");
        assert!(usable("http://s4.example.com").is_ok_and(|text| text.contains("allow_http = true")));
        for url in ["<host>", "ftp://x", "https://a:b@c", "https://c?x=1"] {
            assert!(usable(url).is_err(), "{url}");
        }
    }
}
