//! The answer to a batch with one change set.
//!
//! **Constraints.** Done means that every part says so. Whatever cannot be told apart is an error, and the fate of
//! the change set then unknown: an answer that ends early, parts that are missing or come twice, some that were
//! done beside others that were not.

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// Most parts of an answer that are looked at; a change set has fewer.
const MAX_PARTS: usize = 200;

/// Most headers of one part.
const MAX_HEADERS: usize = 100;

/// What an answer says about its change set.
#[derive(Debug)]
pub(crate) enum SetAnswer {
    /// All of it was done: the answers, in the order of the requests.
    Done(Vec<PartAnswer>),
    /// Nothing of it was done, because of this.
    Failed(PartAnswer),
}

/// The answer to one request of a change set.
#[derive(Debug)]
pub(crate) struct PartAnswer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    content_id: Option<usize>,
}

/// Reads the answer to a change set of `expected` requests. The error says why its fate cannot be told.
pub(crate) fn read(content_type: &str, text: &str, expected: usize) -> Result<SetAnswer, String> {
    let outer = boundary(content_type).ok_or("it is not of the type multipart/mixed")?;
    let [part] = pieces(text, &outer)?[..] else { return Err("it does not hold exactly one part".to_owned()) };
    let (headers, rest) = head(part)?;
    let answers = match boundary(text_of(&headers, "content-type")) {
        Some(inner) => {
            let pieces = pieces(rest, &inner)?;
            pieces
                .into_iter()
                .map(|piece| head(piece).and_then(|(h, rest)| answer(&h, rest)))
                .collect::<Result<_, _>>()?
        }
        None => vec![answer(&headers, rest)?],
    };
    judge(answers, expected)
}

/// All done, nothing done, or not to be told.
fn judge(answers: Vec<PartAnswer>, expected: usize) -> Result<SetAnswer, String> {
    let (done, failed): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status.is_success());
    match (done.len(), failed.into_iter().next()) {
        (0, Some(failed)) if failed.status.as_u16() >= 400 => Ok(SetAnswer::Failed(failed)),
        (n, None) if n == expected => ordered(done).map(SetAnswer::Done),
        (n, None) => Err(format!("it holds {n} answers to {expected} requests")),
        (n, Some(failed)) => Err(format!("{n} of {expected} requests were done, another gave HTTP {}", failed.status)),
    }
}

/// In the order of the requests: by `Content-ID`, which counts from 1, or as they came where none has one.
fn ordered(mut answers: Vec<PartAnswer>) -> Result<Vec<PartAnswer>, String> {
    if answers.iter().all(|answer| answer.content_id.is_none()) {
        return Ok(answers);
    }
    answers.sort_by_key(|answer| answer.content_id);
    let complete = (1..).zip(&answers).all(|(n, answer)| answer.content_id == Some(n));
    if complete { Ok(answers) } else { Err("its parts do not say which requests they answer".to_owned()) }
}

/// An HTTP answer within a part whose own headers were read.
fn answer(outer: &HeaderMap, text: &str) -> Result<PartAnswer, String> {
    if !text_of(outer, "content-type").to_ascii_lowercase().starts_with("application/http") {
        return Err("a part is not of the type application/http".to_owned());
    }
    let (status, rest) = line(text.trim_start_matches(['\r', '\n']));
    let mut words = status.split_ascii_whitespace();
    let status = match (words.next(), words.next().map(str::parse)) {
        (Some(version), Some(Ok(status))) if version.starts_with("HTTP/1.") => status,
        _ => return Err("a part has no status line".to_owned()),
    };
    let (headers, body) = head(rest)?;
    let ids = [outer, &headers].map(|headers| text_of(headers, "content-id"));
    let content_id = match ids.into_iter().find(|id| !id.is_empty()) {
        None => None,
        Some(id) => Some(id.trim_matches(['<', '>']).parse().map_err(|_| format!("a part has the Content-ID {id:?}"))?),
    };
    Ok(PartAnswer { status, headers, body: body.trim_end_matches(['\r', '\n']).to_owned(), content_id })
}

/// What stands between the boundaries. An answer without its last one was cut.
fn pieces<'t>(text: &'t str, boundary: &str) -> Result<Vec<&'t str>, String> {
    let (mut found, mut begin, mut at) = (Vec::new(), None, 0);
    for line in text.split_inclusive('\n') {
        let mark = line.strip_prefix("--").and_then(|rest| rest.trim_end().strip_prefix(boundary));
        if let Some(end @ ("" | "--")) = mark {
            found.extend(begin.and_then(|begin| text.get(begin..at)));
            if end == "--" {
                return Ok(found);
            }
            if found.len() >= MAX_PARTS {
                return Err(format!("it has more than {MAX_PARTS} parts"));
            }
            begin = Some(at + line.len());
        }
        at += line.len();
    }
    Err("it ends before its last boundary".to_owned())
}

/// Headers up to the empty line, and what follows.
fn head(text: &str) -> Result<(HeaderMap, &str), String> {
    let (mut headers, mut rest) = (HeaderMap::new(), text);
    for _ in 0..=MAX_HEADERS {
        let (row, after) = line(rest);
        if row.is_empty() {
            return Ok((headers, after));
        }
        let unreadable = || "a part has a line that is no header".to_owned();
        let (name, value) = row.split_once(':').ok_or_else(unreadable)?;
        let name = name.trim().parse::<HeaderName>().map_err(|_| unreadable())?;
        let value = HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| unreadable())?;
        headers.append(name, value);
        rest = after;
    }
    Err(format!("a part has more than {MAX_HEADERS} headers"))
}

/// The first line without its end, and what follows.
fn line(text: &str) -> (&str, &str) {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    (line.trim_end_matches('\r'), rest)
}

fn text_of<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn boundary(content_type: &str) -> Option<String> {
    let mut parameters = content_type.split(';').map(str::trim);
    parameters.next().filter(|kind| kind.eq_ignore_ascii_case("multipart/mixed"))?;
    let named = |parameter: &str| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    };
    parameters.find_map(named).filter(|boundary| !boundary.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TYPE: &str = "multipart/mixed; boundary=b";

    fn http(id: &str, status: &str, body: &str) -> String {
        format!("Content-Type: application/http\r\n{id}\r\nHTTP/1.1 {status}\r\nX: y\r\n\r\n{body}\r\n")
    }

    /// A batch answer around parts of its change set.
    fn nested(parts: &[String]) -> String {
        let head = "--b\r\nContent-Type: multipart/mixed; boundary=\"c\"\r\n\r\n";
        let mut text = head.to_owned();
        for part in parts {
            text.extend(["--c\r\n", part]);
        }
        text + "--c--\r\n\r\n--b--\r\n"
    }

    /// `done <status>=<body> …`, `failed <status>=<body>`, or the error.
    fn check(text: &str, expected: usize, expect: &str) {
        let one = |part: &PartAnswer| format!(" {}={}", part.status.as_u16(), part.body);
        let found = match read(TYPE, text, expected) {
            Ok(SetAnswer::Done(parts)) => format!("done{}", parts.iter().map(one).collect::<String>()),
            Ok(SetAnswer::Failed(part)) => format!("failed{}", one(&part)),
            Err(why) => why,
        };
        assert_eq!(found, expect, "for {text}");
    }

    #[test]
    fn a_set_that_was_done_is_answered_part_by_part() {
        let (one, two) =
            (http("Content-ID: 1\r\n", "201 Created", "{1}"), http("content-id: 2\r\n", "204 No Content", ""));
        check(&nested(&[one.clone(), two.clone()]), 2, "done 201={1} 204=");
        check(&nested(&[two, one]), 2, "done 201={1} 204=");
        check(&nested(&[http("", "201 Created", "a"), http("", "200 OK", "b")]), 2, "done 201=a 200=b");
        check(&nested(&[http("", "201 Created", "a")]).replace("\r\n", "\n"), 1, "done 201=a");
        check(&format!("--b\r\n{}--b--", http("", "201 Created", "a")), 1, "done 201=a");
    }

    #[test]
    fn a_set_that_fell_is_answered_by_one_part() {
        check(&format!("--b\r\n{}--b--", http("", "400 Bad Request", "why")), 2, "failed 400=why");
        check(&nested(&[http("Content-ID: 2\r\n", "423 Locked", "by whom")]), 2, "failed 423=by whom");
    }

    #[test]
    fn what_cannot_be_told_is_an_error() {
        let (one, two) = (http("Content-ID: 1\r\n", "201 Created", "a"), http("Content-ID: 2\r\n", "500 X", "b"));
        check(
            &nested(&[one.clone(), two]),
            2,
            "1 of 2 requests were done, another gave HTTP 500 Internal Server Error",
        );
        check(&nested(std::slice::from_ref(&one)), 2, "it holds 1 answers to 2 requests");
        check(&nested(&[one.clone(), one.clone()]), 2, "its parts do not say which requests they answer");
        check(&nested(&[http("Content-ID: x\r\n", "201 Created", "")]), 1, "a part has the Content-ID \"x\"");
        check(&nested(&[one]).replace("--b--", ""), 1, "it ends before its last boundary");
        check("", 1, "it ends before its last boundary");
        check("--b--", 1, "it does not hold exactly one part");
        check("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--", 1, "a part is not of the type application/http");
        check("--b\r\nContent-Type: application/http\r\n\r\nOK\r\n--b--", 1, "a part has no status line");
        check("--b\r\nnothing\r\n\r\n--b--", 1, "a part has a line that is no header");
        check(&format!("--b\r\n{}\r\n--b--", "a: b\r\n".repeat(200)), 1, "a part has more than 100 headers");
        check(&"--b\r\n".repeat(300), 1, "it has more than 200 parts");
        assert_eq!(read("application/json", "{}", 1).err().as_deref(), Some("it is not of the type multipart/mixed"));
    }

    proptest! {
        #[test]
        fn no_text_panics(
            text in "(--b|--c|--|\r\n|\n|: |Content-Type: multipart/mixed; boundary=c|application/http|HTTP/1.1 201 X|Content-ID: 1){0,40}",
            expected in 0usize..3,
        ) {
            if let Ok(SetAnswer::Done(parts)) = read(TYPE, &text, expected) {
                prop_assert_eq!(parts.len(), expected);
            }
        }

        #[test]
        fn every_cut_of_an_answer_is_seen(bodies in prop::collection::vec("[a-z{}\"\r\n-]{0,20}", 1..4), at in any::<prop::sample::Index>()) {
            // A sender chooses a boundary that no body holds.
            prop_assume!(bodies.iter().all(|body| !body.contains("--")));
            let parts: Vec<String> = bodies.iter().map(|body| http("", "201 Created", body)).collect();
            let whole = nested(&parts);
            let Ok(SetAnswer::Done(found)) = read(TYPE, &whole, parts.len()) else { panic!("unreadable: {whole}") };
            for (found, sent) in found.iter().zip(&bodies) {
                prop_assert_eq!(found.body.as_str(), sent.trim_end_matches(['\r', '\n']));
            }
            let cut = whole.trim_end().len() - 1;
            prop_assert!(read(TYPE, &whole[..at.index(cut)], parts.len()).is_err());
        }
    }
}
