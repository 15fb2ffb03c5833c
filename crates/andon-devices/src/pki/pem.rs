//! PEM blocks (RFC 7468): one of a known label, read and written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use x509_parser::pem::Pem;

use super::PkiError;

/// Characters of base64 in a line.
const LINE: usize = 64;

/// Writes `der` as one block.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(LINE.min(rest.len()));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out + "-----END " + label + "-----\n"
}

/// Reads the one block of `text`, whose label is `expected` or one of `also`.
pub(super) fn decode(text: &str, expected: &'static str, also: &[&str]) -> Result<Vec<u8>, PkiError> {
    let refuse = |found: String| PkiError::Pem { expected, found };
    let mut blocks = Pem::iter_from_buffer(text.as_bytes());
    let first = blocks.next().ok_or_else(|| refuse("found none".to_owned()))?.map_err(|e| refuse(e.to_string()))?;
    if blocks.next().is_some() {
        return Err(refuse("found more than one".to_owned()));
    }
    if first.label != expected && !also.contains(&first.label.as_str()) {
        return Err(refuse(format!("found {:?}", first.label.chars().take(40).collect::<String>())));
    }
    Ok(first.contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for bytes in [&[][..], &[0; 47], &[1; 48], &[2; 49], &[3; 500]] {
            let text = encode("THING", bytes);
            assert_eq!(decode(&text, "THING", &[]).as_deref(), Ok(bytes), "{text}");
            assert!(text.lines().all(|line| line.len() <= LINE));
        }
    }

    #[test]
    fn other_blocks_are_refused() {
        let check = |text: &str, expect: &str| {
            let error = decode(text, "THING", &["THING TOO"]).expect_err("refused").to_string();
            assert_eq!(error, format!("expected one PEM block \"THING\": {expect}"));
        };
        check("", "found none");
        check(&encode("OTHER", b"x"), "found \"OTHER\"");
        check(&(encode("THING", b"x") + &encode("THING", b"y")), "found more than one");
    }
}
