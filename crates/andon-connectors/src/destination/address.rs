//! The address of one request.

use andon_model::{Code, Problem};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

/// What stands as it is in a query: RFC 3986's unreserved characters and those that `OData` reads.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b'*');

/// `base` + `path` + query parameters. The path is percent-encoded and may bring a query of its own; it
/// cannot leave the destination.
pub(crate) fn join<'a>(
    base: &Url,
    path: &str,
    query: impl IntoIterator<Item = &'a (String, String)>,
) -> Result<Url, Problem> {
    let refuse = |what: &str| Problem::new(Code::BadBody, format!("the path {path:?} {what}"));
    if !path.starts_with('/') {
        return Err(refuse("must begin with /"));
    }
    if path.contains(['#', '\\']) || path.chars().any(char::is_control) {
        return Err(refuse("holds a character that must be percent-encoded"));
    }
    let own_path = path.split('?').next().unwrap_or_default();
    if own_path.split('/').any(is_dots) {
        return Err(refuse("must not leave the destination by .."));
    }
    let mut text = format!("{}{path}", base.as_str().trim_end_matches('/'));
    let mut separator = if path.contains('?') { '&' } else { '?' };
    for (name, value) in query {
        text.push(separator);
        text.extend(utf8_percent_encode(name, QUERY));
        text.push('=');
        text.extend(utf8_percent_encode(value, QUERY));
        separator = '&';
    }
    text.parse().map_err(|_| refuse("makes no valid address"))
}

/// The address that the link of a page leads to. Only its path and query count: a service behind a proxy may call
/// itself by another name, and credentials go nowhere but to the destination.
pub(crate) fn follow(base: &Url, from: &Url, link: &str) -> Result<Url, Problem> {
    let refuse = || Problem::new(Code::Undecodable, format!("the link {link:?} to the next page leads elsewhere"));
    let there = from.join(link).map_err(|_| refuse())?;
    let (path, root) = (there.path(), base.path().trim_end_matches('/'));
    if !path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/')) {
        return Err(refuse());
    }
    let mut url = base.clone();
    url.set_path(path);
    url.set_query(there.query());
    Ok(url)
}

fn is_dots(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, query: &[(&str, &str)], expect: &str) {
        let base: Url = "https://s4.example.com/gateway".parse().expect("url");
        let query: Vec<_> = query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let found = join(&base, path, &query).map_or_else(|problem| problem.code.to_string(), |url| url.to_string());
        assert_eq!(found, expect, "for {path}");
    }

    #[test]
    fn addresses_are_joined_and_encoded() {
        check("/a/B('1%202')", &[], "https://s4.example.com/gateway/a/B('1%202')");
        check(
            "/a",
            &[("$filter", "F eq 'Ä&1'"), ("sap-client", "100")],
            "https://s4.example.com/gateway/a?$filter=F%20eq%20%27%C3%84%261%27&sap-client=100",
        );
        check("/a?x=1", &[("y", "2")], "https://s4.example.com/gateway/a?x=1&y=2");
    }

    #[test]
    fn links_are_followed_within_the_destination() {
        let base: Url = "https://s4.example.com/gateway".parse().expect("url");
        let from = join(&base, "/api/Set?$top=2", &[]).expect("url");
        let check = |link: &str, expect: &str| {
            let found = follow(&base, &from, link).map_or_else(|p| p.code.to_string(), |url| url.to_string());
            assert_eq!(found, expect, "for {link}");
        };
        let next = "https://s4.example.com/gateway/api/Set?$skiptoken=2";
        check("https://s4.example.com/gateway/api/Set?$skiptoken=2", next);
        check("http://internal:8000/gateway/api/Set?$skiptoken=2", next);
        check("Set?$skiptoken=2", next);
        check("https://evil.example.com/other/Set", "AND-1001");
        check("/gatewayother/Set", "AND-1001");
        check("../../../x", "AND-1001");
        check("https://[", "AND-1001");
    }

    #[test]
    fn paths_stay_in_the_destination() {
        for path in ["a", "/../x", "/a/%2E%2e/x", "/a#b", "/a\\b", "/a\nb"] {
            check(path, &[], "AND-3003");
        }
    }
}
