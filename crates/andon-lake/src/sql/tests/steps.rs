//! Steps that look the same are all done.

use serde_json::{Value, json};

use super::lake;
use crate::table::tests::ask;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_is_done() {
    let lake = lake().await;
    let check = async |text: &str, expect: Value| assert_eq!(ask(&lake, text).await[0]["x"], expect, "{text}");
    let one = "(SELECT ingest_id AS x FROM readings WHERE ingest_id = 1)";
    let twice = |step: &str, from: &str| format!("SELECT {step} AS x FROM (SELECT {step} AS x FROM {from})");
    for (step, expect) in
        [("x + 1", 3), ("x * 2", 4), ("-x - 1", 1), ("x + x", 4), ("CASE WHEN x < 9 THEN x + 1 END", 3)]
    {
        check(&twice(step, one), json!(expect)).await;
    }
    check(&format!("SELECT x + 1 AS x FROM ({})", twice("x + 1", one)), json!(4)).await;
    check(&twice("concat(x, x)", one), json!("1111")).await;
    check(
        &twice("x || x", "(SELECT CAST(ingest_id AS VARCHAR) AS x FROM readings WHERE ingest_id = 1)"),
        json!("1111"),
    )
    .await;
    let inner = format!("SELECT x + 1 AS x FROM {one}");
    for between in ["WHERE x > 0", "ORDER BY x", "LIMIT 5", "WHERE x > 0 ORDER BY x LIMIT 5", "GROUP BY x"] {
        check(&format!("SELECT x + 1 AS x FROM (SELECT x FROM ({inner}) {between})"), json!(3)).await;
        check(&format!("SELECT x + 1 AS x FROM ({inner}) {between}"), json!(3)).await;
    }
    check(&format!("SELECT x + 1 AS x FROM (SELECT x AS x FROM ({inner}))"), json!(3)).await;
    check(&format!("SELECT x + 1 AS x FROM (SELECT x + 1 AS x, 5 AS y FROM {one})"), json!(3)).await;
    check(&format!("SELECT x FROM (SELECT x + 1 AS x, 5 AS y FROM (SELECT x + 1 AS x, 7 AS y FROM {one}))"), json!(3))
        .await;
    check(&format!("SELECT x + 1 AS x FROM (SELECT x + (3 - 2) AS x FROM {one})"), json!(3)).await;
    check(&format!("WITH t AS ({inner}), t2 AS (SELECT x + 1 AS x FROM t) SELECT x + 1 AS x FROM t2"), json!(4)).await;
    check(&format!("SELECT t.x + 1 AS x FROM (SELECT t.x + 1 AS x FROM {one} AS t) AS t"), json!(3)).await;
    check(&format!("SELECT (SELECT max(x + 1) FROM ({})) AS x", twice("x + 1", one)), json!(4)).await;
    check(
        &format!("SELECT a.x + 0 AS x FROM ({}) a JOIN readings r ON r.ingest_id = a.x", twice("x + 1", one)),
        json!(3),
    )
    .await;
    check(&format!("SELECT max(x) AS x FROM ({inner} UNION ALL {})", twice("x + 1", one)), json!(3)).await;
}

/// Columns that change places do so each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_change_places_each_time() {
    let lake = lake().await;
    let pair = "(SELECT ingest_id AS a, ingest_id + 1 AS b FROM readings WHERE ingest_id = 1)";
    let once = format!("SELECT b AS a, a AS b FROM {pair}");
    let check =
        async |text: &str, a: i64, b: i64| assert_eq!(ask(&lake, text).await, [json!({ "a": a, "b": b })], "{text}");
    check(&once, 2, 1).await;
    check(&format!("SELECT b AS a, a AS b FROM ({once})"), 1, 2).await;
    check(&format!("SELECT b AS a, a AS b FROM (SELECT b AS a, a AS b FROM ({once}))"), 2, 1).await;
}
