//! The grammar of `multipart/form-data`: RFC 7578 on top of RFC 2046, section 5.1.
//!
//! Strict where leniency would let one body mean two things: lines end in CR LF, the closing delimiter must be
//! there, every part has a name of its own. What stands before the first delimiter and after the closing one
//! is passed over, as RFC 2046 says.

use std::collections::HashSet;

use andon_journal::MAX_ATTACHMENTS;
use andon_model::{Code, Problem};
use bytes::Bytes;

use crate::decode::text::fault;

/// Longest header section of a part.
const MAX_HEADER_BYTES: usize = 4 << 10;

/// Longest name of a part.
const MAX_NAME_BYTES: usize = 64;

/// Longest boundary, by RFC 2046.
const MAX_BOUNDARY_BYTES: usize = 70;

/// Most parts of a form: the event and its attachments; one more is looked for, to be told of.
const MAX_PARTS: usize = MAX_ATTACHMENTS + 2;

/// A part of a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FormPart {
    /// Letters, digits, `_` and `-`.
    pub(super) name: String,
    /// Without folders.
    pub(super) file_name: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) bytes: Bytes,
}

/// The boundary that a media type names. `None`: it is no form; a problem: it is one without a usable boundary.
pub(super) fn boundary(content_type: &str) -> Option<Result<String, Problem>> {
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let found = parameter(parameters, "boundary").filter(|text| (1..=MAX_BOUNDARY_BYTES).contains(&text.len()));
    let found = found.filter(|text| text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') && !text.ends_with(' '));
    Some(found.ok_or_else(|| fault("header content-type", "the boundary of the form is missing or not legal")))
}

/// The parts of a body, in order.
pub(super) fn split(body: &Bytes, boundary: &str) -> Result<Vec<FormPart>, Problem> {
    let delimiter = format!("\r\n--{boundary}");
    let mut at = first_end(body, &delimiter).ok_or_else(|| cut_off(0))?;
    let (mut parts, mut names) = (Vec::new(), HashSet::new());
    while !body[at..].starts_with(b"--") {
        let place = format!("form, part {}", parts.len() + 1);
        let start =
            line_end(body, at).ok_or_else(|| fault(place.as_str(), "the boundary is not followed by a line break"))?;
        let next = end_of(body, start, delimiter.as_bytes()).ok_or_else(|| cut_off(parts.len()))?;
        let part = part(&body.slice(start..next - delimiter.len()), &place)?;
        if !names.insert(part.name.clone()) {
            return Err(fault(place, format!("the name {:?} is taken by an earlier part", part.name)));
        }
        parts.push(part);
        if parts.len() == MAX_PARTS {
            return Err(Problem::new(Code::TooLarge, format!("a form has at most {} parts", MAX_PARTS - 1)).at("form"));
        }
        at = next;
    }
    Ok(parts)
}

/// Where the first delimiter ends, which may stand at the very beginning, without its line break.
fn first_end(body: &[u8], delimiter: &str) -> Option<usize> {
    let bare = delimiter.trim_start().as_bytes();
    if body.starts_with(bare) { Some(bare.len()) } else { end_of(body, 0, delimiter.as_bytes()) }
}

fn cut_off(parts: usize) -> Problem {
    fault("form", format!("the closing boundary is missing; the body broke off after {parts} whole parts"))
}

/// Where the first `needle` from `from` on ends.
fn end_of(body: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    let mut at = from;
    while let Some(step) = body.get(at..)?.iter().position(|byte| *byte == needle[0]) {
        at += step;
        if body[at..].starts_with(needle) {
            return Some(at + needle.len());
        }
        at += 1;
    }
    None
}

/// The start of the line after `at`, where nothing but blanks may stand before the line break.
fn line_end(body: &[u8], at: usize) -> Option<usize> {
    let blanks = body[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    body[at + blanks..].starts_with(b"\r\n").then_some(at + blanks + 2)
}

/// Headers, an empty line, and the bytes.
fn part(whole: &Bytes, place: &str) -> Result<FormPart, Problem> {
    let head_end = end_of(&whole[..whole.len().min(MAX_HEADER_BYTES)], 0, b"\r\n\r\n");
    let head_end = head_end.ok_or_else(|| fault(place, "the part has no headers, or too long ones"))?;
    let head = std::str::from_utf8(&whole[..head_end]).map_err(|_| fault(place, "the headers are not UTF-8"))?;
    let header = |wanted: &str| {
        let pairs = head.split("\r\n").filter_map(|line| line.split_once(':'));
        pairs.clone().find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition").and_then(|value| value.split_once(';'));
    let disposition = disposition.filter(|(kind, _)| kind.trim().eq_ignore_ascii_case("form-data"));
    let (_, parameters) =
        disposition.ok_or_else(|| fault(place, "a header Content-Disposition: form-data is expected"))?;
    if header("content-transfer-encoding").is_some_and(|value| !is_plain(value)) {
        return Err(fault(place, "send the part without a transfer encoding"));
    }
    Ok(FormPart {
        name: name(parameter(parameters, "name"), place)?,
        file_name: parameter(parameters, "filename").map(|path| last_segment(&path).to_owned()),
        content_type: header("content-type").filter(|value| !value.is_empty()).map(str::to_owned),
        bytes: whole.slice(head_end..),
    })
}

fn is_plain(encoding: &str) -> bool {
    ["binary", "8bit", "7bit"].iter().any(|plain| encoding.eq_ignore_ascii_case(plain))
}

/// A name that templates can follow.
fn name(given: Option<String>, place: &str) -> Result<String, Problem> {
    let legal = |name: &String| {
        let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        letters && (1..=MAX_NAME_BYTES).contains(&name.len())
    };
    let what = format!("a part's name has 1 to {MAX_NAME_BYTES} letters, digits, '_' and '-'");
    given.filter(legal).ok_or_else(|| fault(place, what))
}

fn last_segment(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The value of a parameter in `; name="value"; other=value`. In quotes, `\` stands before what is meant as it
/// is; browsers write `%22` for a quote, which stays as it is.
fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = value(after.trim_start());
        if name.trim_matches([';', ' ', '\t']).eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
}

/// A value and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        return (value.trim().to_owned(), rest);
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return (value, &quoted[at + 1..]),
            c => {
                value.push(c);
                escaped = false;
            }
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The boundary; `-` for what is no form, the problem's place for one that cannot be cut.
    fn check_boundary(content_type: &str, expected: &str) {
        let found = match boundary(content_type) {
            None => "-".to_owned(),
            Some(Ok(boundary)) => boundary,
            Some(Err(problem)) => problem.place.unwrap_or_default(),
        };
        assert_eq!(found, expected, "for {content_type:?}");
    }

    #[test]
    fn the_media_type_names_the_boundary() {
        check_boundary("application/json; boundary=x", "-");
        check_boundary("multipart/mixed; boundary=x", "-");
        check_boundary("Multipart/Form-Data; charset=utf-8; Boundary=a.b", "a.b");
        check_boundary("multipart/form-data; boundary=\"a b;c\"; x=y", "a b;c");
        check_boundary("multipart/form-data", "header content-type");
        check_boundary("multipart/form-data; boundary=", "header content-type");
        check_boundary(&format!("multipart/form-data; boundary={}", "x".repeat(71)), "header content-type");
    }

    /// Name, file name and text of each part.
    type Parts<'a> = &'a [(&'a str, Option<&'a str>, &'a str)];

    fn check(body: &str, expected: Result<Parts<'_>, &str>) {
        let body = Bytes::from(body.replace('\n', "\r\n"));
        match (split(&body, "B"), expected) {
            (Ok(found), Ok(expected)) => {
                let text = |part: &FormPart| String::from_utf8_lossy(&part.bytes).replace("\r\n", "\n");
                let texts: Vec<String> = found.iter().map(text).collect();
                let seen = found.iter().zip(&texts);
                let seen: Vec<_> = seen.map(|(p, text)| (&*p.name, p.file_name.as_deref(), text.as_str())).collect();
                assert_eq!(seen, expected, "for {body:?}");
            }
            (Err(problem), Err(part)) => assert!(problem.to_string().contains(part), "for {body:?}: {problem}"),
            (found, expected) => panic!("for {body:?}: {found:?} instead of {expected:?}"),
        }
    }

    const A: &str = "--B\nContent-Disposition: form-data; name=\"a\"\n\nhello\n";

    #[test]
    fn parts_are_cut_at_the_boundary() {
        check("--B--", Ok(&[]));
        check(&format!("{A}--B--\nepilogue"), Ok(&[("a", None, "hello")]));
        check(&format!("preamble\n{A}--B--"), Ok(&[("a", None, "hello")]));
        let file =
            "--B  \nX: y\ncontent-disposition: form-data; filename=\"C:\\\\x\\\\\\\"7\\\".jpg\"; name=b\n\n\n-B\n\n";
        check(&format!("{A}{file}--B--"), Ok(&[("a", None, "hello"), ("b", Some("\"7\".jpg"), "\n-B\n")]));
    }

    #[test]
    fn what_is_not_a_form_names_the_place() {
        check("", Err("broke off after 0 whole parts"));
        check("hello", Err("broke off after 0 whole parts"));
        check(A, Err("broke off after 0 whole parts"));
        check(&format!("{A}--B\n"), Err("broke off after 1 whole parts"));
        check("--Bx\n\n--B--", Err("part 1): the boundary is not followed"));
        check("--B\n\n--B--", Err("part 1): the part has no headers"));
        check("--B\nA: b\n\n\n--B--", Err("part 1): a header Content-Disposition"));
        check(&format!("{A}{A}--B--"), Err("part 2): the name \"a\" is taken"));
        check("--B\nContent-Disposition: form-data; name=\"a.b\"\n\n\n--B--", Err("part 1): a part's name"));
        let encoded = A.replace("\n\n", "\nContent-Transfer-Encoding: base64\n\n");
        check(&format!("{encoded}--B--"), Err("part 1): send the part without"));
        let many: String = (0..20).map(|n| A.replace("\"a\"", &format!("\"a{n}\""))).collect();
        check(&format!("{many}--B--"), Err("at most 17 parts"));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(contents in proptest::collection::vec("[\r\nB\\-a]{0,24}", 0..5)) {
            prop_assume!(contents.iter().all(|text| !format!("\r\n{text}").contains("\r\n--Bound")));
            let part = |(n, text): (usize, &String)| {
                format!("--Bound\r\nContent-Disposition: form-data; name=p{n}\r\n\r\n{text}\r\n")
            };
            let body: String = contents.iter().enumerate().map(part).collect::<String>() + "--Bound--\r\n";
            let found = split(&Bytes::from(body), "Bound").expect("a form");
            let texts: Vec<_> = found.iter().map(|part| String::from_utf8_lossy(&part.bytes).into_owned()).collect();
            prop_assert_eq!(texts, contents);
        }

        #[test]
        fn no_body_panics(body in "[\r\nB:;=\"a -]{0,80}") {
            let _ = split(&Bytes::from(format!("--B\r\n{body}")), "B");
        }
    }
}
