//! A request before and after the change, as a unified diff.

use andon_act::Request;
use andon_engine::Part;
use andon_model::{Name, Offset};
use serde::Deserialize;
use serde_json::Value;

/// Longest side that is compared line by line; a longer one is shown as wholly replaced.
const MAX_LINES: usize = 400;
/// Lines around a change.
const CONTEXT: usize = 3;

/// One side of a request part.
#[derive(Deserialize)]
struct Side {
    destination: Name,
    request: Request,
}

/// The text for people, under a line that names event, action, step and the document that SAP has.
pub(super) fn of_request(offset: Offset, part: &Part) -> String {
    let step = part.step.as_ref().map(ToString::to_string).unwrap_or_default();
    let document = part.document.as_ref().map(|number| format!(", document {number}")).unwrap_or_default();
    let assumed = if part.assumed { ", by the recorded answer to another request" } else { "" };
    let (before, after) = (lines(part.before.as_ref()), lines(part.after.as_ref()));
    format!("\nevent {offset}, action {}, step {step}{document}{assumed}\n{}", part.name, unified(&before, &after))
}

fn lines(side: Option<&Value>) -> Vec<String> {
    let side = side.and_then(|side| Side::deserialize(side).ok());
    side.map(|side| text(&side)).unwrap_or_default()
}

fn text(side: &Side) -> Vec<String> {
    let request = &side.request;
    let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let mut text = vec![format!("{} {}{query} to {}", request.method, request.path, side.destination)];
    text.extend(request.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    text.extend(body(request.body.as_deref()));
    for part in &request.changeset {
        text.push(format!("{} {}", part.method, part.path));
        text.extend(body(part.body.as_deref()));
    }
    text.extend(request.attachment.iter().map(|attachment| format!("attachment {}", attachment.digest)));
    text
}

/// JSON member by member; anything else as it is.
fn body(body: Option<&str>) -> Vec<String> {
    let Some(body) = body else { return Vec::new() };
    let pretty = serde_json::from_str::<Value>(body).ok().and_then(|json| serde_json::to_string_pretty(&json).ok());
    pretty.as_deref().unwrap_or(body).lines().map(str::to_owned).collect()
}

/// Lines with `-` before, `+` after and a blank where both have them; far from a change they are left out.
fn unified(before: &[String], after: &[String]) -> String {
    let lines = aligned(before, after);
    let changed: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].0 != ' ').collect();
    let is_near = |at: usize| changed.iter().any(|change| change.abs_diff(at) <= CONTEXT);
    let mut text = Vec::new();
    for (at, (sign, line)) in lines.iter().enumerate() {
        if is_near(at) {
            text.push(format!("{sign}{line}"));
        } else if text.last().is_none_or(|last| last != "…") {
            text.push("…".to_owned());
        }
    }
    text.join("\n")
}

/// Every line of both sides with its sign, by the longest common subsequence.
fn aligned<'a>(before: &'a [String], after: &'a [String]) -> Vec<(char, &'a str)> {
    if before.len().max(after.len()) > MAX_LINES {
        let removed = before.iter().map(|line| ('-', line.as_str()));
        return removed.chain(after.iter().map(|line| ('+', line.as_str()))).collect();
    }
    let common = common(before, after);
    let (mut b, mut a, mut lines) = (0, 0, Vec::new());
    while b < before.len() || a < after.len() {
        if b < before.len() && a < after.len() && before[b] == after[a] {
            lines.push((' ', before[b].as_str()));
            (b, a) = (b + 1, a + 1);
        } else if a == after.len() || (b < before.len() && common[b + 1][a] >= common[b][a + 1]) {
            lines.push(('-', before[b].as_str()));
            b += 1;
        } else {
            lines.push(('+', after[a].as_str()));
            a += 1;
        }
    }
    lines
}

/// How many lines the rests of both sides have in common, by the beginnings of the rests.
fn common(before: &[String], after: &[String]) -> Vec<Vec<u32>> {
    let mut common = vec![vec![0; after.len() + 1]; before.len() + 1];
    for b in (0..before.len()).rev() {
        for a in (0..after.len()).rev() {
            let skipped = common[b + 1][a].max(common[b][a + 1]);
            common[b][a] = if before[b] == after[a] { common[b + 1][a + 1] + 1 } else { skipped };
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn owned(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn lines_are_aligned() {
        let check = |before: &str, after: &str, expected: &str| {
            assert_eq!(unified(&owned(before), &owned(after)).replace('\n', ","), expected, "{before} | {after}");
        };
        check("a b c", "a x c", " a,-b,+x, c");
        check("", "a", "+a");
        check("a", "", "-a");
        check("a b c d e f g", "a b c d e f h", "…, d, e, f,-g,+h");
    }

    proptest! {
        #[test]
        fn both_sides_are_in_the_diff(before in "([abc] ){0,9}", after in "([abc] ){0,9}") {
            let (before, after) = (owned(&before), owned(&after));
            let lines = aligned(&before, &after);
            let side = |gone: char| lines.iter().filter(move |(sign, _)| *sign != gone).map(|(_, line)| *line);
            prop_assert_eq!(side('+').collect::<Vec<_>>(), before.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(side('-').collect::<Vec<_>>(), after.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}
