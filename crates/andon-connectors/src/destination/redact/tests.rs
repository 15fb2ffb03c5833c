use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

fn redactor(secrets: &[&str]) -> Redactor {
    let mut redactor = Redactor::default();
    for secret in secrets {
        redactor.hide(secret);
    }
    redactor
}

#[test]
fn echoed_credentials_are_replaced() {
    let echo = "authorization: Basic cGxhbnQ6c2VjcmV0, plant 1010";
    let clean = redactor(&["cGxhbnQ6c2VjcmV0", "1010"]).clean(echo);
    assert_eq!(clean, "authorization: Basic [secret], plant 1010");
}

/// The secret in a spelling, between other words.
fn check(spelling: &str) {
    let secret = "a\"b\\c/é €𝄞<&>'z";
    let clean = redactor(&[secret]).clean(&format!("é%41 \"{spelling}\" &amp; so on"));
    assert_eq!(clean, "é%41 \"[secret]\" &amp; so on", "for {spelling}");
}

#[test]
fn every_spelling_is_found() {
    check("a\"b\\c/é €𝄞<&>'z");
    check(r#"a\"b\\c/é €𝄞<&>'z"#);
    check(r#"a\"b\\c\/\u00e9 \u20AC\ud834\udd1e\u003c\u0026\u003e\u0027z"#);
    check(r#"a\\\"b\\\\c\\\/\\u00e9 €𝄞<&>'z"#);
    check("a%22b%5Cc%2F%C3%A9%20%e2%82%ac%F0%9D%84%9E%3C%26%3E'z");
    check("a%22b%5cc/%E9+%E2%82%AC%F0%9D%84%9E%3C%26%3E%27z");
    check("a%2522b%255Cc%252F%25C3%25A9%2520%25E2%2582%25AC%25F0%259D%2584%259E%253C%2526%253E'z");
    check("a&quot;b\\c/é €𝄞&lt;&amp;&gt;&apos;z");
    check("a&#34;b&#x5c;c&#47;&#233; &#8364;&#x1D11E;&lt;&amp;&gt;&#39;z");
    check(r"a&quot;b\\c\/\u00e9 €𝄞&lt;&amp;&gt;'z");
    check("a\"b\\c/\u{fffd} €𝄞<&>'z");
}

#[test]
fn base64_is_found_whatever_stands_before_it() {
    let secret = "open-sesame-1";
    for user in ["", "A", "AB", "ABC", "müller"] {
        let word = STANDARD.encode(format!("{user}:{secret}"));
        for spelling in [word.replace('/', "\\/"), word.replace('=', "%3D"), word.clone()] {
            let clean = redactor(&[secret]).clean(&format!("Basic {spelling}"));
            assert!(clean.starts_with("Basic [secret]"), "{user}: {clean}");
            assert!(clean.len() <= "Basic [secret]%3D%3D".len(), "{user}: {clean}");
        }
    }
}

#[test]
fn texts_side_by_side_and_inside_each_other_are_replaced() {
    let redactor = redactor(&["12345678", "1234567890", "abcdefgh"]);
    assert_eq!(redactor.clean("1234567890 12345678abcdefgh 1234567"), "[secret] [secret][secret] 1234567");
}

/// One character as an encoder may write it; `choice` picks among its ways.
fn encode(character: char, encoding: usize, choice: u8) -> String {
    let escapes = choice.is_multiple_of(3);
    match (encoding, character) {
        (0, '"' | '\\') => format!("\\{character}"),
        (0, '/') if escapes => "\\/".to_owned(),
        (0, other) if other.is_control() || escapes => utf16(other),
        (1, other) if !other.is_ascii_alphanumeric() || escapes => percent(other),
        (2, '<') => "&lt;".to_owned(),
        (2, '&') => "&amp;".to_owned(),
        (2, '"') if choice.is_multiple_of(2) => "&quot;".to_owned(),
        (2, other) if escapes => format!("&#{};", u32::from(other)),
        (_, other) => other.to_string(),
    }
}

fn utf16(character: char) -> String {
    let mut units = [0; 2];
    let escapes = character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"));
    escapes.collect::<Vec<_>>().concat()
}

fn percent(character: char) -> String {
    let mut bytes = [0; 4];
    let escapes = character.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}"));
    escapes.collect::<Vec<_>>().concat()
}

fn encode_all(text: &str, encoding: usize, choices: &[u8]) -> String {
    text.chars().zip(choices.iter().cycle()).map(|(character, choice)| encode(character, encoding, *choice)).collect()
}

proptest! {
    #[test]
    fn no_encoding_brings_a_secret_back(
        secret in "[a-zA-Z0-9\"\\\\/&<>'%+ äé€𝄞\n~]{8,40}",
        layers in proptest::collection::vec(0_usize..3, 0..=2),
        choices in proptest::collection::vec(any::<u8>(), 7),
    ) {
        let echo = layers.iter().fold(secret.clone(), |text, encoding| encode_all(&text, *encoding, &choices));
        let clean = redactor(&[&secret]).clean(&format!("|{echo}|"));
        prop_assert_eq!(clean, "|[secret]|", "{:?} as {:?}", secret, echo);
    }

    #[test]
    fn what_is_not_secret_stays(text in "[ -~äé€\n]{0,200}") {
        prop_assert_eq!(redactor(&["§never in these texts§"]).clean(&text), text);
    }
}
