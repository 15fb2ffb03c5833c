//! Documents name what exists: crates, files, error codes and code.

use std::collections::BTreeSet;

use andon_model::Code;

use super::Finding;
use crate::workspace::{TextFile, Workspace};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const ERROR_PAGES: &str = "docs/errors/";

/// Tops of paths that are checked when a document names them.
const TOPS: &[&str] = &["crates/", "docs/", "xtask/", "bench/", "scenarios/", "fuzz/", ".ci/", ".config/"];

/// Documents whose identifiers must occur in the code.
const NAMES_CODE: &[&str] = &[ARCHITECTURE, "CONTRIBUTING.md", "docs/guide/"];

/// Checks every Markdown file.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = crates_are_named(workspace);
    findings.extend(error_pages(workspace));
    let words = code_words(workspace);
    for file in workspace.with_extension(".md") {
        findings.extend(paths_exist(workspace, file));
        findings.extend(links_lead_somewhere(workspace, file));
        if NAMES_CODE.iter().any(|top| file.path.starts_with(top)) {
            findings.extend(code_exists(&words, file));
        }
    }
    findings
}

/// `ARCHITECTURE.md` names every crate, and none that is not there.
fn crates_are_named(workspace: &Workspace) -> Vec<Finding> {
    let Some(file) = workspace.file(ARCHITECTURE) else {
        return vec![Finding::new(ARCHITECTURE, "is missing")];
    };
    let named: BTreeSet<&str> = code_spans(&file.text).map(|(_, span)| span).collect();
    let crates: BTreeSet<&str> = workspace.packages.iter().map(|p| p.name.as_str()).collect();
    let missing = crates.iter().filter(|c| !named.contains(*c)).map(|c| format!("does not name the crate {c}"));
    let gone = named.iter().filter(|n| n.starts_with("andon-") && is_crate_name(n) && !crates.contains(*n));
    let gone = gone.map(|n| format!("names the crate {n}, which does not exist"));
    missing.chain(gone).map(|what| Finding::new(ARCHITECTURE, what)).collect()
}

fn is_crate_name(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

/// Each code has a page that opens with its number and title; no page is left over.
fn error_pages(workspace: &Workspace) -> Vec<Finding> {
    let page = |code: &Code| format!("{ERROR_PAGES}{}.md", code.as_str());
    let faults = Code::ALL.iter().filter_map(|code| {
        let expect = format!("# {}: {}", code.as_str(), code.title());
        let opening = workspace.file(&page(code)).and_then(|f| f.text.lines().next());
        (opening != Some(&expect)).then(|| Finding::new(page(code), format!("must open with {expect:?}")))
    });
    let known: BTreeSet<String> = Code::ALL.iter().map(page).collect();
    let pages = workspace.files.iter().filter(|f| f.path.starts_with(&format!("{ERROR_PAGES}AND-")));
    let left_over = pages.filter(|f| !known.contains(&f.path)).map(|f| Finding::new(&f.path, "no such code"));
    faults.chain(left_over).collect()
}

/// Paths in code spans exist, unless they hold a placeholder.
fn paths_exist<'a>(workspace: &'a Workspace, file: &'a TextFile) -> impl Iterator<Item = Finding> + 'a {
    let paths = code_spans(&file.text).filter(|(_, s)| TOPS.iter().any(|t| s.starts_with(t)) && !is_pattern(s));
    paths
        .filter(|(_, path)| !workspace.root.join(path.split(['#', ':']).next().unwrap_or(path)).exists())
        .map(|(line, path)| Finding::at_line(&file.path, line, format!("{path} does not exist")))
}

fn is_pattern(text: &str) -> bool {
    text.contains(['<', '*', '{', ' ', '…']) || text.contains("NNNN") || text.contains("xxxx")
}

/// Relative links lead to files.
fn links_lead_somewhere<'a>(workspace: &'a Workspace, file: &'a TextFile) -> impl Iterator<Item = Finding> + 'a {
    let folder = workspace.root.join(&file.path).parent().map(ToOwned::to_owned).unwrap_or_default();
    links(&file.text)
        .filter(move |(_, link)| !folder.join(link.split('#').next().unwrap_or(link)).exists())
        .map(|(line, link)| Finding::at_line(&file.path, line, format!("the link {link} leads nowhere")))
}

/// Relative links of a Markdown text with their lines.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    prose(text).flat_map(|(number, line)| {
        let ends = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        ends.filter(|l| !l.contains("://") && !l.starts_with('#')).map(move |link| (number, link))
    })
}

/// Identifiers in code spans occur in the code.
fn code_exists<'a>(words: &'a BTreeSet<&'a str>, file: &'a TextFile) -> impl Iterator<Item = Finding> + 'a {
    code_spans(&file.text).flat_map(move |(line, span)| {
        let parts = identifiers(span).filter(|part| !words.contains(part));
        parts.map(move |part| Finding::at_line(&file.path, line, format!("the code has no {part}")))
    })
}

/// Parts of a span that are names of code: `Type`, `Type::method`, `andon_metric`.
fn identifiers(span: &str) -> impl Iterator<Item = &str> {
    let whole = span.split("::").all(|part| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_'));
    let path = whole && span.contains("::");
    let camel = whole && span.starts_with(char::is_uppercase) && span.contains(char::is_lowercase);
    let metric = whole && span.starts_with("andon_");
    span.split("::").filter(move |_| path || camel || metric)
}

/// Every word of every Rust file.
fn code_words(workspace: &Workspace) -> BTreeSet<&str> {
    let texts = workspace.with_extension(".rs").map(|f| f.text.as_str());
    texts.flat_map(|t| t.split(|c: char| !c.is_alphanumeric() && c != '_')).collect()
}

/// Code spans of a Markdown text, outside fenced blocks, with their lines.
fn code_spans(text: &str) -> impl Iterator<Item = (usize, &str)> {
    prose(text).flat_map(|(number, line)| line.split('`').skip(1).step_by(2).map(move |span| (number, span)))
}

/// Lines outside fenced blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(i, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((i + 1, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_links_are_read_outside_fences() {
        let text = "see `a` and `b c`\n```sh\n`no` [x](no.md)\n```\n[y](docs/y.md#z) [z](https://z)\n";
        assert_eq!(code_spans(text).collect::<Vec<_>>(), [(1, "a"), (1, "b c")]);
        assert_eq!(links(text).collect::<Vec<_>>(), [(5, "docs/y.md#z")]);
    }

    #[test]
    fn identifiers_are_told_from_words() {
        let check = |span, expect: &[&str]| assert_eq!(identifiers(span).collect::<Vec<_>>(), expect, "{span}");
        check("Journal::append", &["Journal", "append"]);
        check("RunStatus", &["RunStatus"]);
        check("andon_events_total", &["andon_events_total"]);
        check("andon serve", &[]);
        check("SQL", &[]);
        check("crates/a.rs", &[]);
    }
}
