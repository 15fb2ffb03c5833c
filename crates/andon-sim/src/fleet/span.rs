//! Spans and sizes as people write them: `250ms`, `2s`, `5m`, `1h`; `300`, `64k`, `1M`.

use std::time::Duration;

/// Longest span that may be asked for.
const MAX_SPAN: Duration = Duration::from_hours(24 * 7);
/// Largest payload that may be asked for: MQTT's own limit.
const MAX_BYTES: usize = 268_435_455;

/// Reads a span of at most a week.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a span: write 250ms, 2s, 5m or 1h");
    let text = text.trim();
    let end_of_digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (digits, unit) = text.split_at(end_of_digits);
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    let span = Duration::from_millis(count.saturating_mul(millis));
    if span <= MAX_SPAN { Ok(span) } else { Err("a span is at most a week".to_owned()) }
}

/// Reads a number of bytes.
pub(super) fn parse_bytes(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let (digits, factor) = match (text.strip_suffix('k'), text.strip_suffix('M')) {
        (Some(digits), _) => (digits, 1 << 10),
        (None, Some(digits)) => (digits, 1 << 20),
        (None, None) => (text, 1),
    };
    let count: usize = digits.parse().map_err(|_| format!("{text:?} is not a size: write 300, 64k or 1M"))?;
    let bytes = count.saturating_mul(factor);
    if bytes <= MAX_BYTES { Ok(bytes) } else { Err(format!("MQTT carries at most {MAX_BYTES} bytes")) }
}

/// A span as it is read back.
pub(super) fn show_span(span: Duration) -> String {
    let millis = span.as_millis();
    match millis {
        _ if !millis.is_multiple_of(1_000) => format!("{millis}ms"),
        _ if !millis.is_multiple_of(60_000) => format!("{}s", millis / 1_000),
        _ => format!("{}m", millis / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let check = |text: &str, expect: Result<u64, &str>| {
            let found = parse_span(text).map(|span| u64::try_from(span.as_millis()).unwrap());
            assert_eq!(found.as_ref().map_err(String::as_str), expect.as_ref().map_err(|text| *text), "{text:?}");
        };
        check("250ms", Ok(250));
        check("2s", Ok(2_000));
        check(" 5m ", Ok(300_000));
        check("1h", Ok(3_600_000));
        check("7", Err("\"7\" is not a span: write 250ms, 2s, 5m or 1h"));
        check("s", Err("\"s\" is not a span: write 250ms, 2s, 5m or 1h"));
        check("1d", Err("\"1d\" is not a span: write 250ms, 2s, 5m or 1h"));
        check("9999h", Err("a span is at most a week"));
        for millis in [1, 250, 1_500, 2_000, 60_000, 90_000] {
            let span = Duration::from_millis(millis);
            assert_eq!(parse_span(&show_span(span)), Ok(span));
        }
    }

    #[test]
    fn sizes() {
        let check = |text: &str, expect: Option<usize>| assert_eq!(parse_bytes(text).ok(), expect, "{text:?}");
        check("300", Some(300));
        check("64k", Some(65_536));
        check("1M", Some(1_048_576));
        check("300M", None);
        check("-1", None);
        check("k", None);
    }
}
