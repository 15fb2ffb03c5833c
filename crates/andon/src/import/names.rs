//! Names: `Create PM Notification` becomes `create-pm-notification`, once.

use std::collections::BTreeSet;

/// Longest name that is made of a text; a number may follow.
const MAX_SLUG_BYTES: usize = 60;

/// Gives out names, each once.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// A name that reads like `text`; `fallback` when nothing of it can stand in a name.
    pub(super) fn give(&mut self, text: &str, fallback: &str) -> String {
        let slug = slug(text);
        let base = if slug.is_empty() { fallback.to_owned() } else { slug };
        let (mut name, mut number) = (base.clone(), 2u32);
        while !self.taken.insert(name.clone()) {
            name = format!("{base}-{number}");
            number += 1;
        }
        name
    }
}

/// Lower-case letters and digits of a text, its words parted by hyphens.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::new();
    let mut before = None;
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        let next_is_lower = letters.peek().is_some_and(char::is_ascii_lowercase);
        if is_boundary(before, c, next_is_lower) && !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        }
        before = Some(c);
    }
    shorten(slug.trim_matches('-'))
}

/// Whether a word begins: after something that is no letter, or at the hump of `camelCase` and `PMNotification`.
fn is_boundary(before: Option<char>, c: char, next_is_lower: bool) -> bool {
    let Some(before) = before else { return false };
    let hump =
        c.is_ascii_uppercase() && (before.is_ascii_lowercase() || (before.is_ascii_uppercase() && next_is_lower));
    hump || !c.is_ascii_alphanumeric() || !before.is_ascii_alphanumeric()
}

/// At most [`MAX_SLUG_BYTES`], ending with a whole word where there is one.
fn shorten(slug: &str) -> String {
    if slug.len() <= MAX_SLUG_BYTES {
        return slug.to_owned();
    }
    let cut = &slug[..MAX_SLUG_BYTES];
    cut.rsplit_once('-').map_or(cut, |(words, _)| words).trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_names() {
        let check = |text: &str, expect: &str| assert_eq!(slug(text), expect, "{text:?}");
        check("Create PM Notification", "create-pm-notification");
        check("FetchEquipmentDetails", "fetch-equipment-details");
        check("PMNotification v2", "pm-notification-v2");
        check("ACTION_MODELER_S4", "action-modeler-s4");
        check("  (Störung) -- melden! ", "st-rung-melden");
        check("工単", "");
        let long = "Ask the language model for a summary of everything that the sensors said";
        assert_eq!(slug(long), "ask-the-language-model-for-a-summary-of-everything-that-the");
        assert!(slug(&"x".repeat(500)).len() <= MAX_SLUG_BYTES);
    }

    #[test]
    fn each_name_is_given_once() {
        let mut names = Names::default();
        let given: Vec<String> = ["A b", "a-B", "", "!"].iter().map(|text| names.give(text, "action")).collect();
        assert_eq!(given, ["a-b", "a-b-2", "action", "action-2"]);
    }
}
