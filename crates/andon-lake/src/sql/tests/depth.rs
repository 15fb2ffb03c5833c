//! No text ends the process, whatever it is made of.

use andon_journal::SqlFormat;
use andon_model::Code;
use serde_json::json;

use super::super::check_statement;
use super::{lake, query};
use crate::table::tests::{ask, bytes_of};

/// Bytes of the longest text that is read.
const TEXT: usize = 64 << 10;

/// `head`, then `part` as often as there is room, then `tail` as often.
fn chain(head: &str, part: &str, middle: &str, tail: &str) -> String {
    let count = (TEXT - head.len() - middle.len()) / (part.len() + tail.len());
    [head, &part.repeat(count), middle, &tail.repeat(count)].concat()
}

/// Heads, what is repeated, and tails.
const FLAT: &[(&str, &str, &str)] = &[
    ("SELECT ingest_id", "+ingest_id", " FROM readings"),
    ("SELECT 1", "+1", ""),
    ("SELECT 'a'", "||'a'", ""),
    ("SELECT device", "||device", " FROM readings"),
    ("SELECT 1", "::int", ""),
    ("SELECT 1", "::int[]", ""),
    ("SELECT 1::int", "[]", ""),
    ("SELECT device", "[1]", " FROM readings"),
    ("SELECT device", ".a", " FROM readings"),
    ("SELECT device", "->'a'", " FROM readings"),
    ("SELECT 1", " IS NULL", ""),
    ("SELECT ts", " AT TIME ZONE 'UTC'", " FROM readings"),
    ("SELECT 'a'", " COLLATE x", ""),
    ("SELECT 1", " BETWEEN 0 AND 2", ""),
    ("SELECT 'a'", " LIKE 'a'", ""),
    ("SELECT 1", ",*", " FROM readings"),
    ("SELECT 1", " UNION ALL SELECT 1", ""),
    ("SELECT 1", " UNION SELECT 1", ""),
    ("SELECT 1", " EXCEPT SELECT 1", ""),
    ("SELECT 1", " |> WHERE true", ""),
    ("SELECT 1 FROM readings", ",readings", ""),
    ("SELECT 1 FROM (SELECT 1)", ",(SELECT 1)", ""),
    ("SELECT 1 FROM readings", " CROSS JOIN readings", ""),
    ("VALUES (1)", ",(1)", ""),
    ("SELECT 1 FROM readings GROUP BY CUBE(device", ",device", ")"),
    ("SELECT 1 FROM readings GROUP BY ROLLUP(device)", ",ROLLUP(device)", ""),
    ("SELECT 1 FROM readings MATCH_RECOGNIZE(PATTERN(A", "*", ") DEFINE A AS true)"),
];

/// Heads, what is repeated before the middle, the middle, and what is repeated behind it.
const NESTED: &[(&str, &str, &str, &str)] = &[
    ("SELECT ", "(", "1", ")"),
    ("SELECT ", "-", "1", ""),
    ("SELECT ", "- ", "1", ""),
    ("SELECT ", "+", "1", ""),
    ("SELECT ", "NOT ", "true", ""),
    ("SELECT ", "abs(", "1", ")"),
    ("SELECT ", "concat('a',", "'b'", ")"),
    ("SELECT ", "CASE WHEN true THEN ", "1", " END"),
    ("SELECT ", "CASE ", "1", " WHEN 1 THEN 1 END"),
    ("SELECT ", "(SELECT ", "1", ")"),
    ("SELECT * FROM ", "(SELECT * FROM ", "readings", ")"),
    ("SELECT * FROM ", "(", "readings", ")"),
    ("SELECT 1 WHERE ", "EXISTS (SELECT 1 WHERE ", "true", ")"),
    ("SELECT 1 WHERE ", "1 IN (SELECT 1 WHERE ", "true", ")"),
    ("SELECT CAST(1 AS ", "ARRAY<", "INT", ">"),
    ("SELECT CAST(1 AS ", "Nullable(", "INT", ")"),
    ("SELECT ", "[", "1", "]"),
    ("SELECT ", "{'a':", "1", "}"),
    ("", "EXPLAIN ", "SELECT 1", ""),
    ("", "(", "SELECT 1", ")"),
    ("", "WITH a AS (", "SELECT 1", ") SELECT 1"),
];

/// What is repeated behind a condition.
const CONDITIONS: [&str; 5] =
    [" OR ingest_id=2", " AND ingest_id>0", " OR ingest_id IN (SELECT 1)", "=ingest_id", "<ingest_id"];

fn chains() -> impl Iterator<Item = String> {
    let flat = FLAT.iter().map(|(head, part, tail)| chain(head, part, "", "") + tail);
    let nested = NESTED.iter().map(|(head, part, middle, tail)| chain(head, part, middle, tail));
    let head = "SELECT ingest_id FROM readings WHERE ingest_id=1";
    flat.chain(nested).chain(CONDITIONS.iter().map(move |part| chain(head, part, "", "")))
}

/// What ends here ends the test's process too, and with it all tests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_is_too_deep() {
    let lake = lake().await;
    for text in chains() {
        let head: String = text.chars().take(60).collect();
        let text = text.chars().take(TEXT).collect::<String>();
        let problem = bytes_of(&lake, query(&text, SqlFormat::Csv)).await.err();
        assert!(problem.is_none_or(|problem| matches!(problem.code, Code::Query | Code::QueryLimit)), "{head}");
    }
    assert_eq!(ask(&lake, "SELECT 1 AS n").await, [json!({ "n": 1 })]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_named_twice_at_each_level_is_refused() {
    let lake = lake().await;
    let first = "WITH a0 AS (SELECT 1 AS x)".to_owned();
    let doubled = |join: &str| {
        let level = |text: String, n: usize| format!("{text}, a{n} AS ({})", join.replace('?', &format!("a{}", n - 1)));
        (1..40).fold(first.clone(), level) + " SELECT * FROM a39"
    };
    for join in [
        "SELECT p.x FROM ? p, ? q",
        "SELECT x FROM ? UNION ALL SELECT x FROM ?",
        "SELECT x FROM ? WHERE x IN (SELECT x FROM ?)",
    ] {
        let problem = bytes_of(&lake, query(&doubled(join), SqlFormat::Csv)).await.expect_err(join);
        assert_eq!(problem.code, Code::QueryLimit, "{join}: {problem}");
    }
}

/// The deepest and widest statements that are read are answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_too_deep_is_answered() {
    let lake = lake().await;
    let check =
        async |text: String, expect: i64| assert_eq!(ask(&lake, &text).await, [json!({ "n": expect })], "{text}");
    check(format!("SELECT ingest_id{} AS n FROM readings WHERE ingest_id = 1", "+ingest_id".repeat(390)), 391).await;
    check(format!("SELECT ingest_id{} AS n FROM readings WHERE ingest_id = 1", "::bigint".repeat(390)), 1).await;
    check(format!("SELECT count(*) AS n FROM readings WHERE ingest_id = 1{}", " OR ingest_id = 2".repeat(390)), 2)
        .await;
    check(format!("SELECT count(*) AS n FROM readings WHERE ingest_id IN (1{})", ",2".repeat(20_000)), 2).await;
    check(format!("SELECT sum(x) AS n FROM (SELECT 1 AS x{})", " UNION ALL SELECT 1".repeat(120)), 121).await;
    check(format!("SELECT {}1{} AS n", "abs(".repeat(20), ")".repeat(20)), 1).await;
}

/// A condition is moved to below what makes its columns, which would double with each level.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expressions_do_not_swell() {
    let lake = lake().await;
    let levels = |step: &str, count: usize| {
        let level = |text: String, n: usize| format!("{text}, a{n} AS ({})", step.replace('?', &format!("a{}", n - 1)));
        (1..=count).fold("WITH a0 AS (SELECT ingest_id AS x FROM readings)".to_owned(), level)
    };
    for step in [
        "SELECT x + x AS x FROM ?",
        "SELECT x + x AS x FROM ? GROUP BY x + x",
        "SELECT x + y AS x FROM (SELECT x AS x, x AS y FROM ?)",
        "SELECT x + x AS x FROM ? WHERE x > 0 ORDER BY x LIMIT 5",
        "SELECT x + x AS x FROM ? UNION ALL SELECT 1",
    ] {
        let text = levels(step, 20) + " SELECT * FROM a20 WHERE x > 1";
        let problem = bytes_of(&lake, query(&text, SqlFormat::Csv)).await.expect_err(step);
        assert_eq!(problem.code, Code::QueryLimit, "{step}: {problem}");
    }
    let text = levels("SELECT x + x AS x FROM ?", 10) + " SELECT min(x) AS n FROM a10 WHERE x > 1";
    assert_eq!(ask(&lake, &text).await, [json!({ "n": 1024 })]);
}

/// A saved query is refused when it is applied, not each time that it is asked.
#[test]
fn a_text_that_is_too_long_to_be_asked_is_not_kept() {
    let text = |bytes: usize| format!("SELECT 1{}", " ".repeat(bytes - "SELECT 1".len()));
    assert!(check_statement(&text(TEXT)).is_ok());
    let problem = check_statement(&text(TEXT + 1)).expect_err("too long");
    assert_eq!(problem.code, Code::QueryLimit, "{problem}");
}
