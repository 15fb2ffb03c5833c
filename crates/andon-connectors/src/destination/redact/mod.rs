//! Keeping credentials out of everything that is stored or shown (invariant K1).
//!
//! **Constraints.** A server that echoes a request wraps it in the syntax of its answer: JSON and XML escape
//! characters, addresses percent-encode them, a `Basic` header comes as Base64. The text is therefore not
//! searched for spellings of a secret, of which there are too many, but read through the [`encoding`]s, one
//! or two deep, and compared character by character. What is shorter than [`SHORTEST`] is left alone.
//!
//! **Life of a text.** Every place where a secret could begin is tried; what it covers, in whatever
//! spelling, is replaced by [`PLACEHOLDER`]; the rest stays as it was, byte for byte.

mod base64;
mod encoding;

use std::sync::Arc;

use encoding::{Encoding, same};

/// Shortest text that is taken out of an answer; shorter ones occur by chance, as `1010` does in plants.
const SHORTEST: usize = 8;

/// What stands in the place of a secret.
const PLACEHOLDER: &str = "[secret]";

/// The credentials that went out with a request. An answer may echo them, as error pages do.
#[derive(Clone, Default)]
pub(crate) struct Redactor(Vec<Arc<Pattern>>);

/// Characters that must not be seen again.
struct Pattern {
    first: char,
    rest: String,
    /// Whether it is a part of what Base64 makes of a secret.
    in_base64: bool,
}

impl Redactor {
    /// Adds a text that must not be seen again.
    pub(crate) fn hide(&mut self, secret: &str) {
        if secret.len() >= SHORTEST {
            self.push(secret, false);
            for core in base64::cores(secret.as_bytes()) {
                self.push(&core, true);
            }
        }
    }

    /// Adds everything that another keeps out.
    pub(crate) fn hide_all(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    fn push(&mut self, text: &str, in_base64: bool) {
        let mut characters = text.chars();
        if let Some(first) = characters.next() {
            self.0.push(Arc::new(Pattern { first, rest: characters.as_str().to_owned(), in_base64 }));
        }
    }

    /// The text with every hidden one replaced, however it is encoded.
    pub(crate) fn clean(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        let (views, begins) = (encoding::views(text), self.beginnings());
        let mut clean = String::with_capacity(text.len());
        let (mut kept, mut at) = (0, 0);
        while let Some(byte) = text.as_bytes().get(at) {
            let may_begin = begins[usize::from(*byte)] && self.may_begin(text.as_bytes(), at);
            let found = may_begin.then(|| self.covers(text, at, &views)).flatten();
            let Some((start, end)) = found else {
                at += 1;
                continue;
            };
            clean.push_str(text.get(kept..start).unwrap_or_default());
            clean.push_str(PLACEHOLDER);
            (kept, at) = (end, end);
        }
        clean.push_str(&text[kept..]);
        clean
    }

    /// The bytes that a secret can begin with: its own, those of escapes, and whatever is not ASCII.
    fn beginnings(&self) -> [bool; 256] {
        let mut begins = [false; 256];
        for (byte, begins) in (0..=u8::MAX).zip(&mut begins) {
            *begins = may_stand_for_others(byte);
        }
        for byte in self.0.iter().filter_map(|pattern| u8::try_from(pattern.first).ok()) {
            begins[usize::from(byte)] = true;
        }
        begins
    }

    /// Whether the first two bytes leave open that a secret begins here: most places are ruled out by them.
    fn may_begin(&self, text: &[u8], at: usize) -> bool {
        let open = |at: usize| text.get(at).is_none_or(|byte| may_stand_for_others(*byte));
        let is = |at: usize, wanted: Option<char>| text.get(at).map(|byte| char::from(*byte)) == wanted;
        let begins = |pattern: &Pattern| {
            is(at, Some(pattern.first)) && (open(at + 1) || is(at + 1, pattern.rest.chars().next()))
        };
        open(at) || self.0.iter().any(|pattern| begins(pattern))
    }

    /// Start and end of the longest secret that is spelled from `at` on.
    fn covers(&self, text: &str, at: usize, views: &[&[Encoding]]) -> Option<(usize, usize)> {
        let readings = views.iter().filter_map(|view| Some((*view, encoding::read(text, at, view)?)));
        let found = readings.flat_map(|(view, (first, next))| {
            let fitting = self.0.iter().filter(move |pattern| same(first, pattern.first, view));
            fitting.filter_map(move |pattern| pattern.covers(text, (at, next), view))
        });
        found.max_by_key(|(_, end)| *end)
    }
}

/// Whether a byte can be read as something else than the character it is: those of escapes, and whatever is not ASCII.
fn may_stand_for_others(byte: u8) -> bool {
    !byte.is_ascii() || b"\\%&+".contains(&byte)
}

impl Pattern {
    /// Start and end of what it covers, when its first character stands at `from` and the rest behind it.
    fn covers(&self, text: &str, from: (usize, usize), view: &[Encoding]) -> Option<(usize, usize)> {
        let end = self.rest.chars().try_fold(from.1, |at, wanted| {
            let (found, next) = encoding::read(text, at, view)?;
            same(found, wanted, view).then_some(next)
        })?;
        Some(if self.in_base64 { base64::whole(text, from.0, end) } else { (from.0, end) })
    }
}

#[cfg(test)]
mod tests;
