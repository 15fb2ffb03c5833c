//! What expressions make is bounded, by each of the ways to make much of little.

use andon_journal::SqlFormat;
use andon_model::Code;
use serde_json::json;

use super::super::SqlLimits;
use super::{lake, limited, query};
use crate::table::tests::{ask, bytes_of};

/// Functions that make much of little, and arrays by any name, are not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there() {
    let lake = lake().await;
    for text in [
        "SELECT repeat('x', 2000000000)",
        "SELECT lpad('x', 2000000000)",
        "SELECT rpad('x', 2000000000)",
        "SELECT replace(device, 'd', device) FROM readings",
        "SELECT regexp_replace(device, '.', device) FROM readings",
        "SELECT concat_ws(device, device, device, device) FROM readings",
        "SELECT overlay(device PLACING device FROM 1 FOR 0) FROM readings",
        "SELECT array_repeat(1, 1000000000)",
        "SELECT make_array(1, 2)",
        "SELECT array_concat(make_array(1), make_array(1))",
        "SELECT [1, 2]",
        "SELECT ARRAY[1, 2]",
        "SELECT {'a': 1}",
        "SELECT struct(1, 2)",
        "SELECT named_struct('a', 1)",
        "SELECT ROW(1, 2)",
        "SELECT MAP {'a': 1}",
        "SELECT range(1, 1000000000)",
        "SELECT regexp_match(device, '.') FROM readings",
        "SELECT string_to_array(device, 'd') FROM readings",
        "SELECT arrow_cast(device, 'List(Utf8)') FROM readings",
        "SELECT array_agg(device) FROM readings",
        "SELECT string_agg(device, ',') FROM readings",
        "SELECT approx_percentile_cont(0.5, 10000000000) WITHIN GROUP (ORDER BY ingest_id) FROM readings",
        "SELECT count(*) FROM readings WHERE regexp_like('a', '\\w{100}' || device)",
        "SELECT count(*) FROM readings WHERE device ~ note",
        "SELECT * FROM UNNEST(readings)",
        "SELECT device::text[] FROM readings",
    ] {
        let problem = bytes_of(&lake, query(text, SqlFormat::Csv)).await.expect_err(text);
        assert_eq!(problem.code, Code::Query, "{text}: {problem}");
    }
}

/// What is wrong with a condition is the query's, also where the reader of files works it out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_can_be_wrong() {
    let lake = lake().await;
    let text = "SELECT count(*) FROM readings WHERE regexp_like(device, '((a{1000}){1000}){1000}')";
    let problem = bytes_of(&lake, query(text, SqlFormat::Csv)).await.expect_err("too large");
    assert_eq!(problem.code, Code::Query, "{problem}");
}

/// `step` done again and again to a text.
fn steps(first: &str, step: &str, count: usize) -> String {
    let level = |text: String, level: usize| format!("SELECT {step} AS x FROM ({text}) AS t{level}");
    (0..count).fold(format!("SELECT {first} AS x FROM readings"), level)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_do_not_grow_without_end() {
    let lake = lake().await;
    let ten = ["x"; 10].join(", ");
    let many = vec!["x"; 3_000].join(", ");
    for first in ["'abcdefgh'", "device || 'abcdefgh'"] {
        for step in [
            "x || x",
            "concat(x, x)",
            &format!("concat({ten})"),
            "encode(concat(x, x), 'hex')",
            "translate(concat(x, x), 'a', 'ä')",
            "upper(x || x)",
            "to_char(now(), concat(x, x, '%A'))",
            "CASE WHEN length(x) > 0 THEN x || x ELSE concat(x, x) END",
            "coalesce(x || x, x)",
            "CAST(x || x AS VARCHAR)",
            "max(x || x)",
        ] {
            let problem = bytes_of(&lake, query(&steps(first, step, 16), SqlFormat::Csv)).await.expect_err(step);
            assert_eq!(problem.code, Code::QueryLimit, "{step}: {problem}");
        }
        let condition = format!("SELECT 1 FROM readings WHERE length(concat(device{})) > 1", ", device".repeat(9_000));
        let problem = bytes_of(&lake, query(&condition, SqlFormat::Csv)).await.expect_err("9,000 times");
        assert_eq!(problem.code, Code::QueryLimit, "{problem}");
        let wide = format!("SELECT concat({many}) FROM ({})", steps(first, "concat(x, x)", 4));
        let problem = bytes_of(&lake, query(&wide, SqlFormat::Csv)).await.expect_err("3,000 times");
        assert_eq!(problem.code, Code::QueryLimit, "{problem}");
    }
}

/// What no step counts is seen in the size of the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_do_not_hold_everything() {
    let lake = limited(SqlLimits { memory_bytes: 16 << 20, ..SqlLimits::default() }).await;
    let text = "SELECT v, count(*) OVER () FROM generate_series(1, 10000000000) AS t(v)";
    let problem = bytes_of(&lake, query(text, SqlFormat::Csv)).await.expect_err("too much");
    assert!(problem.code == Code::QueryLimit && problem.detail.contains("MiB"), "{problem}");
    let text = "SELECT device, max(ingest_id) FROM readings GROUP BY device ORDER BY 2 DESC LIMIT 5000000000";
    assert!(bytes_of(&lake, query(text, SqlFormat::Csv)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_share_what_there_is() {
    let lake = limited(SqlLimits { memory_bytes: 16 << 20, ..SqlLimits::default() }).await;
    let columns = |value: &str, count: usize| {
        let columns: Vec<String> = (0..count).map(|n| format!("{value} AS c{n}")).collect();
        format!("WITH t AS (SELECT '{}' AS x) SELECT {} FROM t, readings", "y".repeat(500), columns.join(", "))
    };
    let refused = async |text: &str| {
        let problem = bytes_of(&lake, query(text, SqlFormat::Csv)).await.expect_err("too much");
        assert_eq!(problem.code, Code::QueryLimit, "{problem}");
    };
    refused(&columns("x", 3_000)).await;
    refused(&columns("concat(device, x)", 100)).await;
    refused(&columns("device || x", 100)).await;
    refused(&columns("concat(device, 'a')", 2_000)).await;
    assert!(bytes_of(&lake, query(&columns("concat(device, x)", 2), SqlFormat::Csv)).await.is_ok());
    assert!(bytes_of(&lake, query(&columns("concat(device, 'a')", 100), SqlFormat::Csv)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_write_is_there() {
    let lake = lake().await;
    let check = async |value: &str, expect: serde_json::Value| {
        let text = format!("SELECT {value} AS x FROM readings WHERE ingest_id = 1");
        assert_eq!(ask(&lake, &text).await, [json!({ "x": expect })], "{value}");
    };
    check("concat(device, '-', ingest_id)", json!("d1-1")).await;
    check("device || '-' || ingest_id", json!("d1-1")).await;
    check("device || NULL", json!(null)).await;
    check("upper(left(device, 1))", json!("D")).await;
    check("to_char(ts, '%Y-%m')", json!("2026-03")).await;
    check("EXTRACT(month FROM ts)", json!(3)).await;
    check("substring(device FROM 2)", json!("1")).await;
    check("position('1' IN device)", json!(2)).await;
    check("encode(device, 'hex')", json!("6431")).await;
    check("length(trim(device))", json!(2)).await;
    check("coalesce(CAST(note AS VARCHAR), device) LIKE 'a%'", json!(true)).await;
    let functions = ask(&lake, "SHOW FUNCTIONS").await;
    let is_there = |name: &str| functions.iter().any(|function| function["function_name"] == name);
    assert!(is_there("abs") && !is_there("repeat"), "{functions:?}");
    let names = ask(&lake, "SELECT device || '1' FROM readings LIMIT 1").await;
    assert!(names[0].as_object().expect("a row").keys().all(|name| !name.contains("kept")), "{names:?}");
}
