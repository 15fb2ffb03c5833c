//! The body of a `$batch`, cut into operations.

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

/// Most parts in one batch or changeset.
const MAX_PARTS: usize = 1_000;

/// A part of a batch.
#[derive(Debug)]
pub(super) enum Item {
    Single(Operation),
    /// Operations that stand or fall together.
    Changeset(Vec<Operation>),
}

/// A request inside a batch.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: Method,
    /// Relative to the service, or `$<Content-ID>…`.
    target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) content_id: Option<String>,
}

impl Operation {
    /// The target, with a reference to what an earlier part created replaced by its address.
    pub(super) fn resolve(&self, created: &HashMap<String, String>) -> String {
        let Some(rest) = self.target.strip_prefix('$') else { return self.target.clone() };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (id, rest) = rest.split_at(end);
        created.get(id).map_or_else(|| self.target.clone(), |address| format!("{address}{rest}"))
    }
}

/// Reads a body; the error says what is wrong.
pub(super) fn read(content_type: &str, body: &Bytes) -> Result<Vec<Item>, String> {
    let boundary = boundary(content_type).ok_or("A batch is of type multipart/mixed with a boundary")?;
    let text = std::str::from_utf8(body).map_err(|_| "The batch is not UTF-8")?;
    parts(text, &boundary)?.into_iter().map(item).collect()
}

fn item(part: &str) -> Result<Item, String> {
    let (headers, rest) = head(part)?;
    let content_type = text(&headers, header::CONTENT_TYPE.as_str());
    match boundary(content_type) {
        Some(boundary) => {
            let operations = parts(rest, &boundary)?.into_iter().map(|part| {
                let (headers, rest) = head(part)?;
                operation(&headers, rest)
            });
            let operations: Vec<Operation> = operations.collect::<Result<_, String>>()?;
            match operations.iter().find(|operation| operation.method == Method::GET) {
                Some(_) => Err("A changeset holds no reads".to_owned()),
                None => Ok(Item::Changeset(operations)),
            }
        }
        None => operation(&headers, rest).map(Item::Single),
    }
}

fn operation(outer: &HeaderMap, rest: &str) -> Result<Operation, String> {
    if !text(outer, header::CONTENT_TYPE.as_str()).starts_with("application/http") {
        return Err("A part of a batch is of type application/http".to_owned());
    }
    let rest = rest.trim_start_matches(['\r', '\n']);
    let (line, rest) = line(rest);
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(format!("{line:?} is not a request line"));
    };
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| format!("{method:?} is not a method"))?;
    let (headers, body) = head(rest)?;
    let content_id = [outer, &headers].into_iter().map(|map| text(map, "content-id")).find(|id| !id.is_empty());
    let body = body.trim_end_matches(['\r', '\n']);
    Ok(Operation {
        method,
        target: target.to_owned(),
        content_id: content_id.map(str::to_owned),
        body: Bytes::copy_from_slice(body.as_bytes()),
        headers,
    })
}

/// What stands between the boundaries.
fn parts<'t>(text: &'t str, boundary: &str) -> Result<Vec<&'t str>, String> {
    let mark = format!("--{boundary}");
    let mut pieces = text.split(mark.as_str()).skip(1);
    let mut found = Vec::new();
    loop {
        let piece = pieces.next().ok_or_else(|| format!("The closing boundary {mark}-- is missing"))?;
        if piece.starts_with("--") {
            return Ok(found);
        }
        if found.len() == MAX_PARTS {
            return Err(format!("A batch has at most {MAX_PARTS} parts"));
        }
        found.push(piece.trim_start_matches(['\r', '\n']));
    }
}

/// Headers up to the empty line, and what follows.
fn head(text: &str) -> Result<(HeaderMap, &str), String> {
    let mut headers = HeaderMap::new();
    let mut rest = text;
    loop {
        let (row, after) = line(rest);
        if row.is_empty() {
            return Ok((headers, after));
        }
        let (name, value) = row.split_once(':').ok_or_else(|| format!("{row:?} is not a header"))?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| format!("{name:?} is not a header"))?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| format!("The value of {name} is malformed"))?;
        headers.insert(name, value);
        rest = after;
    }
}

fn line(text: &str) -> (&str, &str) {
    text.split_once('\n').map_or((text.trim_end_matches('\r'), ""), |(row, rest)| (row.trim_end_matches('\r'), rest))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn boundary(content_type: &str) -> Option<String> {
    let rest = content_type.strip_prefix("multipart/mixed")?;
    let value = rest.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="))?;
    let value = value.trim_matches('"');
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TYPE: &str = "multipart/mixed; boundary=b";

    fn check(body: &str, expect: &str) {
        let found = read(TYPE, &Bytes::copy_from_slice(body.as_bytes()));
        let shown = match found {
            Ok(items) => items.iter().map(show).collect::<Vec<_>>().join(" "),
            Err(what) => what,
        };
        assert_eq!(shown, expect, "for {body:?}");
    }

    fn show(item: &Item) -> String {
        let one = |o: &Operation| format!("{} {} {:?}", o.method, o.target, String::from_utf8_lossy(&o.body));
        match item {
            Item::Single(operation) => one(operation),
            Item::Changeset(all) => format!("[{}]", all.iter().map(one).collect::<Vec<_>>().join(" ")),
        }
    }

    #[test]
    fn bodies_are_cut() {
        let get = "--b\r\nContent-Type: application/http\r\n\r\nGET A?$top=1 HTTP/1.1\r\nAccept: x\r\n\r\n\r\n";
        check(&format!("{get}--b--"), r#"GET A?$top=1 """#);
        let set = "--b\nContent-Type: multipart/mixed; boundary=\"c\"\n\n--c\nContent-Type: application/http\n\
                   Content-ID: 1\n\nPOST A HTTP/1.1\nContent-Type: application/json\n\n{}\n--c--\n";
        check(&format!("{set}{get}--b--"), r#"[POST A "{}"] GET A?$top=1 """#);
        check("--b--", "");
    }

    #[test]
    fn malformed_bodies_say_what_is_wrong() {
        check("", "The closing boundary --b-- is missing");
        check("--b\nContent-Type: text/plain\n\nx\n--b--", "A part of a batch is of type application/http");
        check("--b\nContent-Type: application/http\n\nGET\n\n--b--", r#""GET" is not a request line"#);
        check("--b\nnothing\n\n--b--", r#""nothing" is not a header"#);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(--b|--c|\\n|: |Content-Type|multipart/mixed; boundary=c|application/http|GET A){0,30}") {
            let _ = read(TYPE, &Bytes::from(text));
        }
    }
}
