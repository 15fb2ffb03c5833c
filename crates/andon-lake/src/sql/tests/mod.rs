//! Queries: what is answered, how, and what is refused.

mod depth;
mod memory;
mod steps;

use std::time::Duration;

use andon_journal::{Lake as _, SqlFormat, SqlQuery};
use andon_model::Code;
use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::ipc::reader::StreamReader;
use deltalake::parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use serde_json::{Value, json};

use super::SqlLimits;
use crate::table::tests::{ask, bytes_of, fill, log_of, memory, open, settings};
use crate::table::{DeltaLake, LakeSettings};

const PAYLOADS: &[&str] = &[
    r#"{"device":{"capabilityModelId":"hobo"},"measurements":{"temperature":20.5},"note":"a, \"b\"\nc"}"#,
    r#"{"device":{"capabilityModelId":"hobo"},"measurements":{"temperature":21.5}}"#,
    r#"{"device":{"capabilityModelId":"s1"},"measurements":{"values":[1,2]}}"#,
];

async fn lake() -> DeltaLake {
    let lake = open(&memory(), &log_of(PAYLOADS).await).await;
    fill(&lake, 2).await;
    lake
}

async fn limited(limits: SqlLimits) -> DeltaLake {
    let settings = LakeSettings { sql: limits, ..settings() };
    let clock = std::sync::Arc::new(andon_model::SystemClock);
    let lake = DeltaLake::open(memory(), log_of(PAYLOADS).await, clock, settings).await.expect("a lake");
    fill(&lake, 10).await;
    lake
}

fn query(text: &str, format: SqlFormat) -> SqlQuery {
    SqlQuery { text: text.to_owned(), format, ..SqlQuery::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_ask() {
    let lake = lake().await;
    let check = async |text: &str, expect: Value| assert_eq!(Value::from(ask(&lake, text).await), expect, "{text}");
    check(
        r#"SELECT "device.capabilitymodelid" AS type, round(avg("measurements.temperature"), 1) AS t FROM readings
           WHERE ts >= '2026-03-05T14:00:00Z' AND "measurements.temperature" IS NOT NULL GROUP BY 1"#,
        json!([{"type": "hobo", "t": 21.0}]),
    )
    .await;
    check(
        r#"SELECT r.device, v."measurements.values.val" AS v FROM readings r
           JOIN "readings_measurements.values" v ON v.id = r."measurements.values" ORDER BY v.index"#,
        json!([{"device": "d1", "v": 1}, {"device": "d1", "v": 2}]),
    )
    .await;
    check("WITH x AS (SELECT 1 AS a) SELECT a + 1 AS b FROM x", json!([{"b": 2}])).await;
    check("SELECT count(*) AS n FROM readings WHERE year = 2026 AND month = 3 AND hour = 14", json!([{"n": 3}])).await;
    check("SELECT count(*) AS n FROM readings WHERE hour = 15", json!([{"n": 0}])).await;
    check("SELECT min(ingest_id) AS a, max(ts) AS t FROM readings", json!([{"a": 1, "t": "2026-03-05T14:00:03Z"}]))
        .await;
    assert!(ask(&lake, "EXPLAIN SELECT * FROM readings").await.len() > 1);
    assert_eq!(ask(&lake, "DESCRIBE readings").await[0]["column_name"], "ingest_id");
    let tables = ask(&lake, "SHOW TABLES").await;
    assert!(tables.iter().any(|table| table["table_name"] == "readings_measurements.values"), "{tables:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_and_where() {
    let lake = lake().await;
    let check = async |text: &str, place: Option<&str>, expect: &str| {
        let problem = lake.query(query(text, SqlFormat::Json)).await.err().expect(text);
        assert_eq!((problem.code, problem.place.as_deref()), (Code::Query, place), "{text}: {problem}");
        assert!(problem.detail.contains(expect), "{text}: {problem}");
    };
    let only = "only SELECT, WITH, EXPLAIN, SHOW and DESCRIBE are answered";
    for text in [
        "DELETE FROM readings",
        "INSERT INTO readings SELECT * FROM readings",
        "UPDATE readings SET device = 'x'",
        "DROP TABLE readings",
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "COPY readings TO '/tmp/x.csv'",
        "EXPLAIN ANALYZE COPY readings TO '/tmp/x.csv'",
        "SET datafusion.execution.batch_size = 1",
        "BEGIN",
        "PREPARE x AS SELECT 1",
    ] {
        check(text, None, only).await;
    }
    check("SELECT 1 INTO x", None, "").await;
    check("SELECT 1; SELECT 2", None, "single").await;
    check("SELECT 1 +, 2", Some("line 1, column 11"), "expression").await;
    check("SELECT 1,\n  heat FROM readings", Some("line 2, column 3"), "heat").await;
    check("SELECT * FROM '/etc/passwd'", None, "not found").await;
    check("SELECT * FROM others", Some("line 1, column 15"), "not found").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn formats() {
    let lake = lake().await;
    let text = "SELECT ingest_id, note FROM readings ORDER BY 1 LIMIT 2";
    let bytes = async |format| bytes_of(&lake, query(text, format)).await.expect("answered");
    let answer: Value = serde_json::from_slice(&bytes(SqlFormat::Json).await).expect("JSON");
    assert_eq!(
        answer,
        json!({
            "columns": [{"name": "ingest_id", "type": "Int64"}, {"name": "note", "type": answer["columns"][1]["type"]}],
            "rows": [{"ingest_id": 1, "note": "a, \"b\"\nc"}, {"ingest_id": 2, "note": null}],
            "truncated": false,
        })
    );
    let csv = String::from_utf8(bytes(SqlFormat::Csv).await).expect("text");
    assert_eq!(csv, "ingest_id,note\n1,\"a, \"\"b\"\"\nc\"\n2,\n");
    let arrow = bytes(SqlFormat::Arrow).await;
    let rows = |batches: Vec<RecordBatch>| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
    let batches = StreamReader::try_new(arrow.as_slice(), None).expect("a stream").collect::<Result<_, _>>();
    assert_eq!(rows(batches.expect("batches")), 2);
    let parquet = bytes::Bytes::from(bytes(SqlFormat::Parquet).await);
    let batches = ParquetRecordBatchReader::try_new(parquet, 10).expect("a file").collect::<Result<_, _>>();
    assert_eq!(rows(batches.expect("batches")), 2);
    let none = "SELECT device FROM readings WHERE false";
    assert_eq!(bytes_of(&lake, query(none, SqlFormat::Csv)).await.expect("answered"), b"device\n");
}

/// Whole numbers and others are columns of their own; a statement puts them together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_of_two_types() {
    let lake = open(&memory(), &log_of(&[r#"{"m":{"t":20}}"#, r#"{"m":{"t":20.5}}"#]).await).await;
    fill(&lake, 2).await;
    assert_eq!(ask(&lake, r#"SELECT avg("m.t") AS t FROM readings"#).await, [json!({ "t": 20.0 })]);
    let both = r#"SELECT avg(coalesce(CAST("m.t" AS DOUBLE), "m.t.double")) AS t FROM readings"#;
    assert_eq!(ask(&lake, both).await, [json!({ "t": 20.25 })]);
}

/// Columns of the same name are all in the answer, in each format.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_of_the_same_name() {
    let lake = lake().await;
    let text = "SELECT r.ingest_id, q.ingest_id, q.ingest_id AS \"ingest_id__2\" FROM readings r \
        JOIN readings q ON q.ingest_id = r.ingest_id + 1 ORDER BY 1 LIMIT 1";
    assert_eq!(ask(&lake, text).await, [json!({ "ingest_id": 1, "ingest_id__3": 2, "ingest_id__2": 2 })]);
    let csv = bytes_of(&lake, query(text, SqlFormat::Csv)).await.expect("answered");
    assert_eq!(csv, b"ingest_id,ingest_id__3,ingest_id__2\n1,2,2\n");
    let parquet = bytes::Bytes::from(bytes_of(&lake, query(text, SqlFormat::Parquet)).await.expect("answered"));
    let batch = ParquetRecordBatchReader::try_new(parquet, 10).expect("a file").next().expect("rows").expect("rows");
    assert_eq!(batch.schema().field(1).name(), "ingest_id__3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits() {
    let lake = limited(SqlLimits { rows: 2, text_bytes: 1_000, ..SqlLimits::default() }).await;
    let all = "SELECT ingest_id FROM readings";
    let answer: Value =
        serde_json::from_slice(&bytes_of(&lake, query(all, SqlFormat::Json)).await.expect("cut")).expect("JSON");
    assert_eq!((answer["rows"].as_array().expect("rows").len(), &answer["truncated"]), (2, &json!(true)));
    let fewer = SqlQuery { rows: Some(1), ..query(all, SqlFormat::Json) };
    let answer: Value = serde_json::from_slice(&bytes_of(&lake, fewer).await.expect("cut")).expect("JSON");
    assert_eq!(answer["rows"].as_array().expect("rows").len(), 1);
    let refused = async |lake: &DeltaLake, text: &str, format, expect: &str| {
        let problem = bytes_of(lake, query(text, format)).await.expect_err(text);
        assert_eq!(problem.code, Code::QueryLimit, "{problem}");
        assert!(problem.detail.contains(expect), "{problem}");
    };
    refused(&lake, all, SqlFormat::Csv, "more than 2 rows").await;
    for format in [SqlFormat::Csv, SqlFormat::Arrow, SqlFormat::Parquet] {
        let asked = SqlQuery { rows: Some(1), ..query(all, format) };
        assert!(!bytes_of(&lake, asked).await.expect("as many as were asked for").is_empty());
        let more = SqlQuery { rows: Some(3), ..query(all, format) };
        assert_eq!(bytes_of(&lake, more).await.expect_err("more than there may be").code, Code::QueryLimit);
    }
    refused(&lake, &format!("SELECT '{}'", "x".repeat(1_000)), SqlFormat::Csv, "at most 1000").await;
    let sorted = "SELECT value FROM generate_series(1, 1000000) ORDER BY value % 7, value DESC";
    let lake = limited(SqlLimits { memory_bytes: 1 << 16, ..SqlLimits::default() }).await;
    refused(&lake, sorted, SqlFormat::Csv, "").await;
    let lake = limited(SqlLimits { time: Duration::ZERO, ..SqlLimits::default() }).await;
    refused(&lake, all, SqlFormat::Csv, "it takes longer than 0 s").await;
}

/// Queries that leave no thread free stop nobody but each other.
#[tokio::test]
async fn who_does_not_ask_does_not_wait() {
    let lake = std::sync::Arc::new(limited(SqlLimits { threads: 1, ..SqlLimits::default() }).await);
    let busy = "SELECT count(*) FROM generate_series(1, 3000) a CROSS JOIN generate_series(1, 3000000) b WHERE a.value * b.value < 0";
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let lake = lake.clone();
        asking.spawn(async move { bytes_of(&lake, query(busy, SqlFormat::Csv)).await });
    }
    // On this test's only thread: it would not come back before the queries were through.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(asking.try_join_next().is_none(), "they take minutes");
}

/// A query that is dropped gives its place to the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_an_answer_ends_it() {
    let lake = limited(SqlLimits { at_once: 1, ..SqlLimits::default() }).await;
    for _ in 0..3 {
        let endless = "SELECT value FROM generate_series(1, 100000000000)";
        let mut answer = lake.query(query(endless, SqlFormat::Csv)).await.expect("begun");
        assert!(answer.next().await.expect("some").is_some());
    }
}
