//! Free text in SQL columns.
//!
//! PostgreSQL's `text` cannot hold U+0000, which JSON strings may contain. Columns with text from
//! outside therefore hold it escaped: U+0000 as U+001A `0`, and U+001A itself as U+001A `1`. All other
//! text stays as it is, for both databases alike.

use std::borrow::Cow;

const ESCAPE: char = '\u{1a}';

/// The form in which `text` is stored.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(ESCAPE, "\u{1a}1").replace('\0', "\u{1a}0"))
}

/// The text that is stored as `stored`.
pub(crate) fn unescape(stored: String) -> String {
    if !stored.contains(ESCAPE) {
        return stored;
    }
    stored.replace("\u{1a}0", "\0").replace("\u{1a}1", "\u{1a}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_text_is_not_copied() {
        assert!(matches!(escape("pump-01 \u{1f4a7}"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn every_text_comes_back_without_nul(text in "[a01\u{0}\u{1a}ü]{0,12}") {
            let stored = escape(&text).into_owned();
            prop_assert!(!stored.contains('\0'));
            prop_assert_eq!(unescape(stored), text);
        }
    }
}
