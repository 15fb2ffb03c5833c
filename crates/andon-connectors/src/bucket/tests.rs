use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use andon_journal::{Append, Batch, Journal, ObjectReader, Source};
use andon_model::{Clock, Code, Name, SystemClock, Timestamp};
use andon_testkit::memory_journal::MemoryJournal;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::*;
use crate::source::SourceSpec;

mod pictures;

const ANOMALY: &str = r#"{"timestamp":"2026-02-03T10:02:00","prediction":1}"#;

fn name(text: &str) -> Name {
    Name::new(text).expect("name")
}

fn bucket(text: &str, folder: &Path) -> (SourceSpec, Arc<Bucket>) {
    let spec = SourceSpec::parse(&name("press"), text).expect("valid source");
    let bucket = spec.bucket.clone().expect("a bucket");
    (spec, Bucket::new(name("press"), bucket, folder, Arc::new(MemoryJournal::new())))
}

fn source(text: &str, folder: &Path, journal: &Arc<MemoryJournal>) -> BucketSource {
    let (spec, bucket) = bucket(text, folder);
    BucketSource::new(bucket, spec.decoder(), Arc::clone(journal) as _, Arc::new(SystemClock))
}

fn folder_source(options: &str) -> String {
    format!(
        "decoder = \"lookout-equipment\"\ndecode = {{ equipment = \"{{1}}\" }}\n[bucket]\nurl = \"inbox\"\n\
         suffix = \".jsonl\"\npoll = \"100ms\"\nsettle = \"0s\"\n{options}"
    )
}

fn write(folder: &Path, path: &str, text: &str) {
    let full = folder.join("inbox").join(path);
    std::fs::create_dir_all(full.parent().expect("parent")).expect("folder");
    std::fs::write(full, text).expect("file");
}

/// Takes a batch the way the engine does: makes it durable, then acknowledges.
async fn take(source: &mut BucketSource, journal: &MemoryJournal) -> Batch {
    let batch = source.next().await.expect("a batch");
    let stored = batch.clone();
    let append = Append {
        source: Some(name("press")),
        events: stored.events,
        attachments: stored.attachments,
        quarantine: stored.quarantine,
        marks: stored.marks,
        checkpoint: stored.checkpoint,
        at: Timestamp::default(),
    };
    journal.append(append).await.expect("durable");
    source.acknowledge().await.expect("acknowledged");
    batch
}

fn subjects(batch: &Batch) -> Vec<&str> {
    batch.events.iter().filter_map(|event| event.subject.as_deref()).collect()
}

#[tokio::test]
async fn new_files_are_read_once_and_grown_files_again() {
    let folder = tempfile::tempdir().expect("folder");
    let journal = Arc::new(MemoryJournal::new());
    write(folder.path(), "fan-07/results.jsonl", ANOMALY);
    write(folder.path(), "fan 08 ü/results.jsonl", &format!("{ANOMALY}\n{ANOMALY}\n"));
    write(folder.path(), "fan-09/results.jsonl.tmp", ANOMALY);
    write(folder.path(), "odd\u{1}name/results.jsonl", ANOMALY);
    let mut source = source(&folder_source(""), folder.path(), &journal);
    let first = take(&mut source, &journal).await;
    let mut found = subjects(&first);
    found.sort_unstable();
    assert_eq!((found, first.marks.len()), (vec!["fan 08 ü", "fan 08 ü", "fan-07"], 2));
    write(folder.path(), "fan-07/results.jsonl", &format!("{ANOMALY}\n{ANOMALY}\n"));
    let again = take(&mut source, &journal).await;
    assert_eq!(again.events.len(), 2);
    assert!(first.events.iter().any(|event| event.key() == again.events[0].key()));
}

#[tokio::test]
async fn a_batch_is_repeated_until_it_is_acknowledged_and_survives_a_restart() {
    let folder = tempfile::tempdir().expect("folder");
    let journal = Arc::new(MemoryJournal::new());
    write(folder.path(), "fan-07/results.jsonl", &format!("{ANOMALY}\n").repeat(1_200));
    let text = folder_source("");
    let mut source1 = source(&text, folder.path(), &journal);
    let mut sizes = Vec::new();
    let first = source1.next().await.expect("a batch");
    assert_eq!(first.events, source1.next().await.expect("the same batch").events);
    assert!(first.marks.is_empty(), "the mark comes with the object's last events");
    source1.acknowledge().await.expect("acknowledged");
    let mut source2 = source(&text, folder.path(), &journal);
    loop {
        let batch = take(&mut source2, &journal).await;
        sizes.push(batch.events.len());
        if !batch.marks.is_empty() {
            break;
        }
    }
    assert_eq!(sizes, [500, 500, 200]);
    write(folder.path(), "next/results.jsonl", ANOMALY);
    let mut source3 = source(&text, folder.path(), &journal);
    assert_eq!(subjects(&take(&mut source3, &journal).await), ["next"]);
}

#[tokio::test]
async fn what_cannot_be_used_goes_to_quarantine_and_is_not_asked_for_again() {
    let folder = tempfile::tempdir().expect("folder");
    let journal = Arc::new(MemoryJournal::new());
    write(folder.path(), "fan-07/big.jsonl", &" ".repeat(100_000));
    write(folder.path(), "fan-07/bad.jsonl", &format!("{ANOMALY}\n{{\n"));
    let mut source = source(&folder_source("max_object_bytes = 99999\n"), folder.path(), &journal);
    let batch = take(&mut source, &journal).await;
    let mut codes: Vec<_> = batch.quarantine.iter().map(|entry| (entry.problem.code, entry.raw.len())).collect();
    codes.sort_unstable_by_key(|(code, _)| code.as_str());
    assert_eq!(codes, [(Code::Undecodable, 1), (Code::TooLarge, 64 << 10)]);
    assert_eq!((batch.events.len(), batch.marks.len()), (1, 2));
}

#[tokio::test]
async fn a_missing_folder_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("folder");
    let journal = Arc::new(MemoryJournal::new());
    let text = "decoder = \"cloudevents\"\nbucket = { url = \"file:///nowhere/at/all\" }";
    let error = source(text, folder.path(), &journal).next().await.expect_err("no folder");
    assert_eq!((error.0.code, error.0.place.as_deref()), (Code::Bucket, Some("/nowhere/at/all")));
}

#[tokio::test]
async fn single_objects_are_read_by_path() {
    let folder = tempfile::tempdir().expect("folder");
    write(folder.path(), "fan-07/results.jsonl", ANOMALY);
    let (_, bucket) = bucket(&folder_source(""), folder.path());
    let delivery = bucket.read("fan-07/results.jsonl").await.expect("read").expect("there");
    assert_eq!((delivery.body.as_ref(), delivery.path.as_str()), (ANOMALY.as_bytes(), "fan-07/results.jsonl"));
    for outside in ["fan-07/other.txt", "gone/results.jsonl"] {
        assert!(bucket.read(outside).await.expect("read").is_none(), "{outside} must not be read");
    }
    assert!(bucket.read("../results.jsonl").await.expect("read").is_none());
}

/// Objects of the stand-in for S3: key as it stands in a listing, and content; without it reading is refused.
type Objects = Arc<Mutex<Vec<(&'static str, Option<&'static str>)>>>;

/// A stand-in for S3: one bucket.
async fn s3(State(objects): State<Objects>, uri: Uri) -> Response {
    let objects = objects.lock().expect("lock").clone();
    if uri.path() == "/plant-7" {
        let entry = |(key, content): &(&str, Option<&str>)| {
            let size = content.unwrap_or("refused").len();
            format!(
                "<Contents><Key>{key}</Key><LastModified>2026-02-03T10:00:00.000Z</LastModified><ETag>\"e1\"</ETag>\
                 <Size>{size}</Size></Contents>"
            )
        };
        let entries: String = objects.iter().map(entry).collect();
        assert!(uri.query().is_some_and(|query| query.contains("prefix=in%2F")), "{uri}");
        return format!("<ListBucketResult><Name>plant-7</Name>{entries}</ListBucketResult>").into_response();
    }
    let found = objects.into_iter().find(|(key, _)| uri.path().strip_prefix("/plant-7/") == Some(*key));
    let modified = ("last-modified", "Tue, 03 Feb 2026 10:00:00 GMT");
    match found {
        Some((_, Some(content))) => ([modified, ("etag", "\"e1\"")], content).into_response(),
        Some((_, None)) => StatusCode::FORBIDDEN.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A source over the stand-in, with a clock of its own.
async fn s3_source(
    folder: &Path,
    journal: &Arc<MemoryJournal>,
    clock: Arc<dyn Clock>,
    objects: &Objects,
) -> BucketSource {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    let app = Router::new().fallback(s3).with_state(Arc::clone(objects));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let (id, key) = (folder.join("id"), folder.join("key"));
    std::fs::write(&id, "AKIA\n").expect("file");
    std::fs::write(&key, "key\n").expect("file");
    let text = format!(
        "decoder = \"lookout-equipment\"\ndecode = {{ equipment = \"{{1}}\" }}\n[bucket]\nurl = \"s3://plant-7/in/\"\n\
         poll = \"100ms\"\nsuffix = \".jsonl\"\nregion = \"eu-central-1\"\nendpoint = \"http://{address}\"\nallow_http = true\n\
         access_key = {{ file = \"{}\" }}\nsecret_key = {{ file = \"{}\" }}\n",
        id.display(),
        key.display(),
    );
    let (spec, bucket) = bucket(&text, folder);
    BucketSource::new(bucket, spec.decoder(), Arc::clone(journal) as _, clock)
}

#[tokio::test]
async fn s3_buckets_are_read_the_same_way() {
    let (folder, journal) = (tempfile::tempdir().expect("folder"), Arc::new(MemoryJournal::new()));
    let objects = Objects::new(Mutex::new(vec![("in/fan-07/r.jsonl", Some(ANOMALY))]));
    let mut source = s3_source(folder.path(), &journal, Arc::new(SystemClock), &objects).await;
    let batch = take(&mut source, &journal).await;
    assert_eq!(subjects(&batch), ["fan-07"]);
    assert_eq!((batch.marks[0].key.as_str(), batch.marks[0].version.as_str()), ("in/fan-07/r.jsonl", "e1"));
}

#[tokio::test]
async fn a_key_that_cannot_be_named_is_reported_once_and_hides_nothing() {
    let (folder, journal) = (tempfile::tempdir().expect("folder"), Arc::new(MemoryJournal::new()));
    let keys = ["in//odd.jsonl", "in/a/r.jsonl", "in/b&#7;/odd.jsonl", "in/b/r.jsonl", "in/c//other.txt"];
    let objects = Objects::new(Mutex::new(keys.map(|key| (key, Some(ANOMALY))).into()));
    let mut source = s3_source(folder.path(), &journal, Arc::new(SystemClock), &objects).await;
    let batch = take(&mut source, &journal).await;
    assert_eq!((subjects(&batch), batch.marks.len()), (vec!["a", "b"], 4));
    let told: Vec<_> = batch.quarantine.iter().map(|entry| (entry.path.as_str(), entry.problem.code)).collect();
    assert_eq!(told, [("in//odd.jsonl", Code::Bucket), ("in/b\u{7}/odd.jsonl", Code::Bucket)]);
    assert!(batch.quarantine[0].problem.detail.starts_with("rename it"), "{}", batch.quarantine[0].problem);
    objects.lock().expect("lock").push(("in/d/r.jsonl", Some(ANOMALY)));
    let next = take(&mut source, &journal).await;
    assert_eq!((subjects(&next), next.quarantine.len()), (vec!["d"], 0));
}

/// A clock that goes on two minutes with every look at it.
#[derive(Default)]
struct Hurried(AtomicI64);

impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(120_000_000, Ordering::Relaxed))
    }
}

#[tokio::test]
async fn an_object_that_cannot_be_read_waits_alone_and_is_told() {
    let (folder, journal) = (tempfile::tempdir().expect("folder"), Arc::new(MemoryJournal::new()));
    let objects = Objects::new(Mutex::new(vec![("in/a/bad.jsonl", None), ("in/b/r.jsonl", Some(ANOMALY))]));
    let mut source = s3_source(folder.path(), &journal, Arc::new(Hurried::default()), &objects).await;
    assert_eq!(subjects(&take(&mut source, &journal).await), ["b"]);
    objects.lock().expect("lock").push(("in/c/r.jsonl", Some(ANOMALY)));
    assert_eq!(subjects(&take(&mut source, &journal).await), ["c"]);
    let told = take(&mut source, &journal).await;
    assert_eq!((told.quarantine[0].path.as_str(), told.marks.len()), ("in/a/bad.jsonl", 0));
    objects.lock().expect("lock")[0].1 = Some(ANOMALY);
    assert_eq!(subjects(&take(&mut source, &journal).await), ["a"], "it is still tried");
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, text.as_bytes()).expect("in memory");
    encoder.finish().expect("in memory")
}

#[tokio::test]
async fn packed_files_are_unpacked_up_to_the_limit() {
    let folder = tempfile::tempdir().expect("folder");
    let journal = Arc::new(MemoryJournal::new());
    let whole = packed(&format!("{ANOMALY}\n{}", ANOMALY.replace("1}", "0}")));
    for (path, bytes) in [("a/1.jsonl", whole.as_slice()), ("b/2.jsonl", &whole[..whole.len() - 9])] {
        write(folder.path(), path, "");
        std::fs::write(folder.path().join("inbox").join(path), bytes).expect("file");
    }
    write(folder.path(), "c/3.jsonl", "");
    std::fs::write(folder.path().join("inbox/c/3.jsonl"), packed(&" ".repeat(5_000))).expect("file");
    let mut source = source(&folder_source("max_object_bytes = 4096\n"), folder.path(), &journal);
    let batch = take(&mut source, &journal).await;
    assert_eq!((subjects(&batch), batch.passed, batch.marks.len()), (vec!["a"], 1, 3));
    let mut codes: Vec<_> = batch.quarantine.iter().map(|entry| (entry.path.as_str(), entry.problem.code)).collect();
    codes.sort_unstable_by_key(|(path, _)| *path);
    assert_eq!(codes, [("b/2.jsonl", Code::Undecodable), ("c/3.jsonl", Code::TooLarge)]);
}
