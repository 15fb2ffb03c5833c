//! A change set as the body of a `$batch`.
//!
//! **Constraints.** The same parts give the same bytes. No part can end the one that it stands in: the boundaries
//! are digests of the key and of everything between them, and what goes into a line holds no line end.

use std::borrow::Cow;
use std::fmt::Write as _;

use andon_act::ChangesetPart;
use andon_model::{Code, Key, Problem};
use bytes::Bytes;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::header::{HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

/// What a request line cannot carry as it is.
const TARGET: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');

/// Media type and bytes of the batch.
pub(crate) fn write(key: &Key, parts: &[ChangesetPart]) -> Result<(String, Bytes), Problem> {
    let parts = parts.iter().map(part).collect::<Result<Vec<_>, _>>()?;
    let mark = mark(key, &parts);
    let mut body = format!("--batch_{mark}\r\nContent-Type: multipart/mixed; boundary=changeset_{mark}\r\n\r\n");
    for part in &parts {
        body.extend(["--changeset_", &mark, "\r\n", part]);
    }
    body.extend(["--changeset_", &mark, "--\r\n\r\n--batch_", &mark, "--\r\n"]);
    Ok((format!("multipart/mixed; boundary=batch_{mark}"), Bytes::from(body)))
}

/// Part of both boundaries: nobody who can write into a part can know it beforehand.
fn mark(key: &Key, parts: &[String]) -> String {
    let mut digest = Sha256::new_with_prefix(key.as_str());
    for part in parts {
        digest.update(part);
    }
    hex::encode(&digest.finalize()[..16])
}

/// One request, from the headers of its part to the line end behind its body.
fn part(part: &ChangesetPart) -> Result<String, Problem> {
    let refuse = |problem: Problem| problem.at(format!("change set part {}", part.content_id));
    let body = body(part);
    let (method, target) = (method(&part.method).map_err(refuse)?, target(&part.path).map_err(refuse)?);
    let mut text = format!(
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {}\r\n\r\n{method} {target} \
         HTTP/1.1\r\n",
        part.content_id
    );
    let mut headers = vec![("Accept".to_owned(), "application/json".to_owned())];
    headers.extend(part.body.as_ref().map(|_| ("Content-Type".to_owned(), "application/json".to_owned())));
    headers.retain(|(name, _)| !has_own(part, name));
    for (name, value) in headers.iter().chain(&part.headers) {
        check_header(name, value).map_err(refuse)?;
        let _ = write!(text, "{name}: {value}\r\n");
    }
    if part.body.is_some() {
        let _ = write!(text, "Content-Length: {}\r\n", body.len());
    }
    text.extend(["\r\n", &body, "\r\n"]);
    Ok(text)
}

fn has_own(part: &ChangesetPart, name: &str) -> bool {
    part.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name))
}

/// The body on one line: there are servers that read a batch line by line and take the first for all of it. In JSON
/// a line end is never part of a value.
fn body(part: &ChangesetPart) -> Cow<'_, str> {
    let body = part.body.as_deref().unwrap_or_default();
    if has_own(part, "content-type") || !body.contains(['\r', '\n']) {
        return body.into();
    }
    body.trim().replace("\r\n", " ").replace(['\r', '\n'], " ").into()
}

fn method(method: &str) -> Result<&str, Problem> {
    let plain = !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase());
    plain.then_some(method).ok_or_else(|| Problem::new(Code::BadBody, format!("{method:?} is not an HTTP method")))
}

/// The path as it stands in a request line: below the service, which it cannot leave.
fn target(path: &str) -> Result<String, Problem> {
    let refuse = |what| Err(Problem::new(Code::BadBody, format!("the path {path:?} {what}")));
    if path.is_empty() || path.starts_with('/') {
        return refuse("must stand below the service");
    }
    if path.contains(['#', '\\']) || path.chars().any(char::is_control) {
        return refuse("holds a character that must be percent-encoded");
    }
    let own_path = path.split('?').next().unwrap_or_default();
    if own_path
        .split('/')
        .any(|segment| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."))
    {
        return refuse("must not leave the service by ..");
    }
    Ok(utf8_percent_encode(path, TARGET).to_string())
}

fn check_header(name: &str, value: &str) -> Result<(), Problem> {
    let valid = name.parse::<HeaderName>().is_ok() && HeaderValue::from_str(value).is_ok();
    let framing = ["content-length", "transfer-encoding"].iter().any(|framing| name.eq_ignore_ascii_case(framing));
    if valid && !framing {
        return Ok(());
    }
    Err(Problem::new(Code::BadBody, format!("the header {name:?} cannot be sent in a change set")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Vec<ChangesetPart> {
        let part = |content_id, method: &str, path: &str, body: Option<&str>| ChangesetPart {
            content_id,
            method: method.into(),
            path: path.into(),
            headers: Vec::new(),
            body: body.map(str::to_owned),
        };
        vec![part(1, "POST", "A_Order", Some("{\"a\":\"ä\"}")), part(2, "DELETE", "$1/to_Item('ü 1')", None)]
    }

    #[test]
    fn a_change_set_is_written_as_odata_has_it() {
        let mut parts = parts();
        parts[1].headers.push(("If-Match".into(), "*".into()));
        let (content_type, body) = write(&Key::new("K1"), &parts).expect("written");
        let mark = content_type.strip_prefix("multipart/mixed; boundary=batch_").expect("boundary").to_owned();
        let expect = format!(
            "--batch_{mark}\r\nContent-Type: multipart/mixed; boundary=changeset_{mark}\r\n\r\n\
             --changeset_{mark}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\
             Content-ID: 1\r\n\r\nPOST A_Order HTTP/1.1\r\nAccept: application/json\r\n\
             Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{{\"a\":\"ä\"}}\r\n\
             --changeset_{mark}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\
             Content-ID: 2\r\n\r\nDELETE $1/to_Item('%C3%BC%201') HTTP/1.1\r\nAccept: application/json\r\n\
             If-Match: *\r\n\r\n\r\n--changeset_{mark}--\r\n\r\n--batch_{mark}--\r\n"
        );
        assert_eq!(String::from_utf8_lossy(&body), expect);
    }

    #[test]
    fn json_stands_on_one_line() {
        let line = |headers: &[(&str, &str)], body: &str| {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let part = ChangesetPart { headers, body: Some(body.to_owned()), ..parts().remove(0) };
            super::body(&part).into_owned()
        };
        assert_eq!(line(&[], "\n{\r\n  \"a\":\n\"x\\ny\"\n}\n"), "{   \"a\": \"x\\ny\" }");
        assert_eq!(line(&[], "{\"a\": 1}"), "{\"a\": 1}");
        assert_eq!(line(&[("Content-Type", "text/plain")], "a\nb"), "a\nb");
    }

    #[test]
    fn boundaries_depend_on_key_and_content_alone() {
        let mark = |key: &str, parts: &[ChangesetPart]| write(&Key::new(key), parts).expect("written").0;
        assert_eq!(mark("K1", &parts()), mark("K1", &parts()));
        assert_ne!(mark("K1", &parts()), mark("K2", &parts()));
        assert_ne!(mark("K1", &parts()), mark("K1", &parts()[..1]));
        assert!(mark("K1", &parts()).len() - "multipart/mixed; boundary=".len() <= 70, "as RFC 2046 allows");
    }

    #[test]
    fn what_would_break_its_line_is_refused() {
        let check = |change: fn(&mut ChangesetPart)| {
            let mut parts = parts();
            change(&mut parts[0]);
            assert_eq!(
                write(&Key::new("K"), &parts).map_err(|problem| problem.code),
                Err(Code::BadBody),
                "{:?}",
                parts[0]
            );
        };
        check(|part| part.method = "POST A HTTP/1.1\r\n".into());
        check(|part| part.path = "A\r\nHost: x".into());
        check(|part| part.path = "/absolute".into());
        check(|part| part.path = "A/%2e%2E/../B".into());
        check(|part| part.path = String::new());
        check(|part| part.headers = vec![("x".into(), "a\r\nb".into())]);
        check(|part| part.headers = vec![("a b".into(), "c".into())]);
        check(|part| part.headers = vec![("Content-Length".into(), "1".into())]);
    }
}
