//! A payload for `$batch` becomes a change set: the parts of the one set that it holds.

use std::fmt::Write as _;

use super::text::{toml_literal, toml_text};

/// Most parts of a change set.
const MAX_PARTS: usize = 100;

/// One request of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) method: String,
    /// Below the service.
    pub(super) path: String,
    pub(super) body: Option<String>,
}

/// The parts of a payload; `None` when it holds no set, several, or anything beside one.
pub(super) fn read(payload: &str) -> Option<Vec<Part>> {
    let payload = payload.replace("\r\n", "\n");
    let [set] = <[&str; 1]>::try_from(sections(&payload, first_boundary(&payload)?)?).ok()?;
    let (head, inner) = set.split_once("\n\n")?;
    let boundary = head.split("boundary=").nth(1)?.lines().next()?.split(';').next()?.trim().trim_matches('"');
    let parts: Option<Vec<Part>> = sections(inner, boundary)?.into_iter().map(part).collect();
    parts.filter(|parts| (1..=MAX_PARTS).contains(&parts.len()))
}

fn first_boundary(payload: &str) -> Option<&str> {
    payload.trim_start().lines().next()?.trim_end().strip_prefix("--").filter(|boundary| !boundary.is_empty())
}

/// What stands between the delimiters of a boundary, which must be closed.
fn sections<'a>(text: &'a str, boundary: &str) -> Option<Vec<&'a str>> {
    let delimiter = format!("--{boundary}");
    let (inside, _) = text.split_once(&format!("{delimiter}--"))?;
    Some(inside.split(&delimiter).skip(1).map(|section| section.trim_start_matches('\n')).collect())
}

/// Headers of the part, an empty line, then the request.
fn part(section: &str) -> Option<Part> {
    let (_, request) = section.split_once("\n\n")?;
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let mut words = head.lines().next()?.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.trim_start_matches('/').to_owned());
    let changes = matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "MERGE" | "DELETE");
    let body = Some(body.trim().to_owned()).filter(|body| !body.is_empty());
    changes.then_some(Part { method, path, body })
}

/// `changeset = […]`
pub(super) fn lines(parts: &[Part]) -> String {
    let mut text = String::from("changeset = [\n");
    for part in parts {
        let _ = write!(text, "  {{ method = {}, path = {}", toml_text(&part.method), toml_text(&part.path));
        if let Some(body) = &part.body {
            let _ = write!(text, ", body = {}", toml_literal(body));
        }
        text.push_str(" },\n");
    }
    text + "]\n"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SET: &str = "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n\
        Content-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\nPOST A_Order HTTP/1.1\r\nContent-Type: application/json\r\n\r\n\
        {\"Text\": \"${{event.data.x}}\"}\r\n--c\r\nContent-Type: application/http\r\n\r\nPOST $1/to_Item HTTP/1.1\r\n\r\n{}\r\n\
        --c--\r\n--b--\r\n";

    #[test]
    fn a_set_is_read_and_anything_else_is_not() {
        let parts = read(SET).unwrap();
        let shown: Vec<_> = parts.iter().map(|p| (p.method.as_str(), p.path.as_str(), p.body.as_deref())).collect();
        assert_eq!(
            shown,
            [("POST", "A_Order", Some("{\"Text\": \"${{event.data.x}}\"}")), ("POST", "$1/to_Item", Some("{}"))]
        );
        let expect = "changeset = [\n  { method = \"POST\", path = \"$1/to_Item\", body = '{}' },\n]\n";
        assert_eq!(lines(&parts[1..]), expect);
        for other in [
            "",
            "{}",
            "--b",
            "--b\n\nGET A HTTP/1.1\n--b--",
            &SET.replace("--b--", ""),
            &SET.replace("POST A", "GET A"),
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_payload_is_read_or_left(text in "(--[bc]|--|boundary=c|\n|\r\n|POST |x|é| ){0,40}") {
            let _ = read(&text);
        }
    }
}
