//! What is told of a mail server's reply.
//!
//! **Constraints.** A server may quote the letter that it does not like, in any encoding, and the letter holds a token. So
//! nothing that it says is repeated but its numbers: the reply code, and the enhanced status code (RFC 3463) after it.

use std::error::Error as _;

use lettre::transport::smtp::Error;

/// What went wrong, without a word of the server's.
pub(super) fn of(error: &Error) -> String {
    let Some(code) = error.status() else { return without_reply(error) };
    let code = code.to_string();
    let enhanced = error.source().and_then(|said| enhanced(&said.to_string())).map(|code| format!(" {code}"));
    let enhanced = enhanced.unwrap_or_default();
    format!("the mail server answered {code}{enhanced}: {}", meaning(&code))
}

/// An error of ours, of the network or of TLS says what it is; a reply that cannot be read is not repeated.
fn without_reply(error: &Error) -> String {
    if error.is_response() {
        return "the mail server gave no reply as SMTP has it, or went away".to_owned();
    }
    error.to_string()
}

/// `5.7.1` from `5.7.1 not from here`.
fn enhanced(said: &str) -> Option<String> {
    let first = said.split_whitespace().next()?;
    let numbers: Vec<&str> = first.split('.').collect();
    let is_number = |text: &&str| (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    (numbers.len() == 3 && matches!(numbers[0], "4" | "5") && numbers.iter().all(is_number)).then(|| first.to_owned())
}

/// RFC 5321, section 4.2.3, and RFC 4954, section 6.
fn meaning(code: &str) -> &'static str {
    match code {
        "421" => "it is not available",
        "450" | "550" => "the recipient, or we, are not welcome",
        "451" | "454" => "it cannot now",
        "452" | "552" => "it has no room for it",
        "530" => "it wants somebody to sign in, or TLS",
        "534" | "535" | "538" => "it does not take this user and password",
        "553" => "it does not take the address",
        code if code.starts_with('4') => "it may take it later",
        _ => "it refuses",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_all_that_is_repeated() {
        let check = |said: &str, expect: Option<&str>| assert_eq!(enhanced(said).as_deref(), expect, "{said:?}");
        check("5.7.1 not from here", Some("5.7.1"));
        check("4.4.2", Some("4.4.2"));
        check("5.7.s3cret", None);
        check("1.2.3 four", None);
        check("5.7.1000 four", None);
        check("Refresh token family.secret", None);
        check("", None);
    }
}
