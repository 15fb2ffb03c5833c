//! Nothing half-done, nothing of one machine: no notes to self, no panicking calls, no private paths.

use super::{Finding, Product};
use crate::workspace::{TextFile, Workspace};

/// Least lines of `//!` that open a crate.
const MIN_CRATE_DOC_LINES: usize = 5;

/// Files that other tools write.
const GENERATED: &[&str] = &["Cargo.lock", "package-lock.json", "LICENSE"];

/// Notes to self. Written in halves, so that this file does not contain them.
const NOTES: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];

/// Registries, which are a choice of the machine and not of the project; in halves as well.
const HOSTS: &[&str] = &[
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("registry.", "npmjs.org"),
    concat!("registry.", "yarnpkg.com"),
    concat!("files.", "pythonhosted.org"),
    concat!("proxy.", "golang.org"),
    concat!("deb.", "debian.org"),
];

/// Folders of one person's machine; in halves as well.
const HOMES: &[&str] = &[concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Use", "rs/"), concat!("/wo", "rk/")];

/// Looks at every text and at every product file.
pub(super) fn check(workspace: &Workspace, products: &[Product<'_>]) -> Vec<Finding> {
    let texts = workspace.files.iter().filter(|f| !GENERATED.iter().any(|g| f.path.ends_with(g)));
    let lines = texts.flat_map(check_lines);
    let calls = products.iter().flat_map(forbidden_calls);
    let docs = workspace.packages.iter().filter_map(|p| workspace.file(&format!("{}/src/lib.rs", p.folder)));
    lines.chain(calls).chain(docs.filter_map(crate_doc)).collect()
}

fn check_lines(file: &TextFile) -> impl Iterator<Item = Finding> + '_ {
    let numbered = file.text.lines().enumerate();
    numbered.filter_map(|(i, line)| Some(Finding::at_line(&file.path, i + 1, fault(line)?)))
}

fn fault(line: &str) -> Option<String> {
    if let Some(note) = NOTES.iter().find(|note| line.contains(*note)) {
        return Some(format!("{note}: do it, or open an issue"));
    }
    if let Some(host) = HOSTS.iter().find(|host| line.contains(*host)) {
        return Some(format!("names the registry {host}"));
    }
    let home = HOMES.iter().find(|home| line.match_indices(*home).any(|(at, _)| starts_path(line, at)))?;
    Some(format!("names a path below {home}, which exists on one machine only"))
}

/// Whether a path starts at byte `at`, rather than going on there.
fn starts_path(line: &str, at: usize) -> bool {
    line[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && !"/._-}>)*".contains(c))
}

fn forbidden_calls<'a>(product: &'a Product<'a>) -> impl Iterator<Item = Finding> + 'a {
    let spots = product.facts.forbidden.iter();
    spots.map(|s| Finding::at_line(product.path, s.line, format!("{} outside tests", s.what)))
}

fn crate_doc(file: &TextFile) -> Option<Finding> {
    let lines = file.text.lines().take_while(|l| l.starts_with("//!")).count();
    let what = format!("opens with {lines} lines of //!; say purpose, constraints and what flows through");
    (lines < MIN_CRATE_DOC_LINES).then(|| Finding::new(file.path.clone(), what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: bool) {
        assert_eq!(fault(line).is_some(), expect, "{line:?}");
    }

    #[test]
    fn private_paths_and_hosts_are_found() {
        check(&format!("let p = \"{}x\";", HOMES[0]), true);
        check(&format!("see docs{}x", HOMES[3]), false);
        check(&format!("https://{}/x", HOSTS[0]), true);
        check(&format!("// {} later", NOTES[0]), true);
        check("an ordinary line", false);
    }
}
