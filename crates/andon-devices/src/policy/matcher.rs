//! Matching without surprises: one pattern, and a set of patterns that answers in a few comparisons.

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Exactly this text.
    Text(String),
    /// Any run of characters, also none.
    Run,
    /// One character.
    One,
}

/// A pattern of texts and wildcards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Glob(Vec<Token>);

impl Glob {
    /// A pattern in which neighbouring texts and runs are one.
    pub(super) fn new(tokens: impl IntoIterator<Item = Token>) -> Self {
        let mut joined: Vec<Token> = Vec::new();
        for token in tokens {
            match (joined.last_mut(), token) {
                (_, Token::Text(text)) if text.is_empty() => {}
                (Some(Token::Text(before)), Token::Text(text)) => before.push_str(&text),
                (Some(Token::Run), Token::Run) => {}
                (_, token) => joined.push(token),
            }
        }
        Self(joined)
    }

    /// A text in which `*` and `?` are wildcards.
    pub(super) fn of_text(text: &str) -> Self {
        Self::new(text.chars().map(|c| match c {
            '*' => Token::Run,
            '?' => Token::One,
            other => Token::Text(other.to_string()),
        }))
    }

    /// Its parts as they are written in a policy.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|token| match token {
            Token::Text(text) => text.as_str(),
            Token::Run => "*",
            Token::One => "?",
        })
    }

    /// Whether all of `text` fits. Time is at most the product of both lengths.
    pub(super) fn matches(&self, text: &str) -> bool {
        let (mut rest, mut at) = (text, 0);
        let mut retry: Option<(usize, &str)> = None;
        loop {
            match self.0.get(at) {
                Some(Token::Run) if at + 1 == self.0.len() => return true,
                Some(Token::Run) => {
                    retry = Some((at, rest));
                    at += 1;
                    continue;
                }
                None if rest.is_empty() => return true,
                Some(token) if let Some(after) = consume(token, rest) => {
                    (rest, at) = (after, at + 1);
                    continue;
                }
                _ => {}
            }
            // Not here: let the last run swallow one character more.
            let Some((run, from)) = retry else { return false };
            let Some(next) = from.chars().next() else { return false };
            let from = &from[next.len_utf8()..];
            (rest, at, retry) = (from, run + 1, Some((run, from)));
        }
    }
}

fn consume<'t>(token: &Token, rest: &'t str) -> Option<&'t str> {
    match token {
        Token::Text(text) => rest.strip_prefix(text.as_str()),
        Token::One => rest.chars().next().map(|c| &rest[c.len_utf8()..]),
        Token::Run => Some(rest),
    }
}

/// Patterns of which one must match. Fixed texts and prefixes, which most are, are found by binary search, so that a
/// gateway that speaks for a thousand devices is as quick as a single one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PatternSet {
    everything: bool,
    exact: Vec<Box<str>>,
    /// Sorted prefixes by their length in bytes.
    prefixes: Vec<(usize, Vec<Box<str>>)>,
    globs: Vec<Glob>,
}

impl PatternSet {
    /// The set of `globs`.
    pub(super) fn new(globs: impl IntoIterator<Item = Glob>) -> Self {
        let mut set = Self::default();
        globs.into_iter().for_each(|glob| set.add(glob));
        set.exact.sort_unstable();
        set.exact.dedup();
        for (_, prefixes) in &mut set.prefixes {
            prefixes.sort_unstable();
            prefixes.dedup();
        }
        set
    }

    fn add(&mut self, glob: Glob) {
        match glob.0.as_slice() {
            [] => self.exact.push("".into()),
            [Token::Run] => self.everything = true,
            [Token::Text(text)] => self.exact.push(text.as_str().into()),
            [Token::Text(prefix), Token::Run] => self.add_prefix(prefix),
            _ => self.globs.push(glob),
        }
    }

    fn add_prefix(&mut self, prefix: &str) {
        let length = prefix.len();
        match self.prefixes.iter_mut().find(|(known, _)| *known == length) {
            Some((_, prefixes)) => prefixes.push(prefix.into()),
            None => self.prefixes.push((length, vec![prefix.into()])),
        }
    }

    /// Whether one of them matches all of `text`.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.everything
            || contains(&self.exact, text)
            || self.prefixes.iter().any(|(length, known)| text.get(..*length).is_some_and(|head| contains(known, head)))
            || self.globs.iter().any(|glob| glob.matches(text))
    }
}

fn contains(sorted: &[Box<str>], text: &str) -> bool {
    sorted.binary_search_by(|known| known.as_ref().cmp(text)).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What matching means, without regard to time.
    fn matches_slowly(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|skip| matches_slowly(rest, &text[skip..])),
            Some(('?', rest)) => !text.is_empty() && matches_slowly(rest, &text[1..]),
            Some((c, rest)) => text.first() == Some(c) && matches_slowly(rest, &text[1..]),
        }
    }

    #[test]
    fn wildcards_mean_what_aws_says() {
        let check = |pattern: &str, text: &str, expect: bool| {
            assert_eq!(Glob::of_text(pattern).matches(text), expect, "{pattern} on {text}");
            assert_eq!(PatternSet::new([Glob::of_text(pattern)]).matches(text), expect, "set of {pattern} on {text}");
        };
        for (text, expect) in
            [("a/b", true), ("a/b/c", true), ("a/#", true), ("a/+/x", true), ("a/", true), ("a", false)]
        {
            check("a/*", text, expect);
        }
        check("a/#", "a/#", true);
        check("a/#", "a/b", false);
        check("a/+/c", "a/+/c", true);
        check("a/+/c", "a/b/c", false);
        check("a/?", "a/b", true);
        check("a/?", "a/", false);
        check("a/?", "a/bc", false);
        check("a/?/c", "a/ß/c", true);
        check("*/restricted/*", "cmd/x/restricted/key", true);
        check("*/restricted/*", "restricted/key", false);
        check("", "", true);
        check("", "a", false);
        check("*", "", true);
    }

    #[test]
    fn a_hostile_pattern_takes_no_exponential_time() {
        let pattern = "a*".repeat(500) + "b";
        assert!(!Glob::of_text(&pattern).matches(&"a".repeat(1_000)));
    }

    proptest! {
        #[test]
        fn matching_agrees_with_its_definition(pattern in "[ab/*?ß]{0,8}", text in "[ab/ß]{0,8}") {
            let (p, t): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(Glob::of_text(&pattern).matches(&text), matches_slowly(&p, &t));
        }

        #[test]
        fn a_set_matches_when_one_of_it_does(patterns in prop::collection::vec("[ab/*?]{0,5}", 0..8), text in "[ab/]{0,6}") {
            let globs: Vec<_> = patterns.iter().map(|p| Glob::of_text(p)).collect();
            let expect = globs.iter().any(|glob| glob.matches(&text));
            prop_assert_eq!(PatternSet::new(globs).matches(&text), expect);
        }
    }
}
