//! One word per thing: public types do not carry a second word for it.

use super::{Finding, Product};

/// A word that a type's name may not end in, and the word to use instead.
const WORDS: &[(&str, &str)] = &[
    ("Rule", "Decision"),
    ("Job", "Run"),
    ("Sink", "Destination"),
    ("Alert", "Event or Detection"),
    ("Incident", "Event or Detection"),
    ("Command", "Action or Step"),
];

/// Where a word means something else: subcommands of the command line.
const ELSEWHERE: &[(&str, &str)] = &[("crates/andon/", "Command"), ("bench/", "Command")];

/// Looks at the names of public types.
pub(super) fn check(products: &[Product<'_>]) -> Vec<Finding> {
    let names = products.iter().flat_map(|p| p.facts.public_types.iter().map(move |t| (p.path, t)));
    names
        .filter_map(|(path, spot)| {
            let instead = instead(path, &spot.what)?;
            Some(Finding::at_line(path, spot.line, format!("{}: say {instead}", spot.what)))
        })
        .collect()
}

fn instead(path: &str, name: &str) -> Option<&'static str> {
    let (word, instead) = WORDS.iter().find(|(word, _)| name.ends_with(word))?;
    let elsewhere = ELSEWHERE.iter().any(|(folder, other)| path.starts_with(folder) && word == other);
    (!elsewhere).then_some(instead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_words_are_named() {
        assert_eq!(instead("crates/andon-act/src/a.rs", "RetryRule"), Some("Decision"));
        assert_eq!(instead("crates/andon-act/src/a.rs", "RetryPolicy"), None);
        assert_eq!(instead("crates/andon/src/cli.rs", "RunsCommand"), None);
    }
}
