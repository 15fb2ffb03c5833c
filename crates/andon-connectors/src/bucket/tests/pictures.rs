//! Results with the picture that they are about.

use std::time::Duration;

use andon_journal::{Attachments, Decoded, Delivery};
use serde_json::json;

use super::*;

const ANOMALOUS: &str = r#"{"DetectAnomalyResult":{"IsAnomalous":true,"Confidence":0.9}}"#;
const IMAGE: &str = "cam-2/2200/M-9/7.jpg";
const RESULT: &str = "cam-2/2200/M-9/7.json";

fn vision(options: &str) -> String {
    format!(
        "decoder = \"lookout-vision\"\n[bucket]\nurl = \"inbox\"\nsuffix = \".json\"\npoll = \"100ms\"\n\
         settle = \"0s\"\n{options}"
    )
}

#[tokio::test]
async fn a_picture_is_attached_and_kept_with_its_event() {
    let folder = tempfile::tempdir().expect("folder");
    let journal = Arc::new(MemoryJournal::new());
    write(folder.path(), IMAGE, "picture");
    write(folder.path(), RESULT, ANOMALOUS);
    let batch = take(&mut source(&vision(""), folder.path(), &journal), &journal).await;
    let attachment = &batch.attachments[0];
    let image = json!({"path": IMAGE, "digest": attachment.digest, "name": "7.jpg", "content_type": "image/jpeg",
        "bytes": 7});
    assert_eq!((&batch.events[0].data["image"], batch.marks.len()), (&image, 1));
    let kept = journal.attachment(&attachment.digest).await.expect("read").expect("kept");
    assert_eq!(kept.bytes.as_ref(), b"picture");
}

#[tokio::test]
async fn a_result_waits_for_its_picture_and_holds_up_nobody() {
    let folder = tempfile::tempdir().expect("folder");
    let journal = Arc::new(MemoryJournal::new());
    write(folder.path(), RESULT, ANOMALOUS);
    write(folder.path(), "cam-3/2200/M-9/8.json", ANOMALOUS);
    write(folder.path(), "cam-3/2200/M-9/8.jpg", "other");
    let mut source = source(&vision("image_wait = \"1h\""), folder.path(), &journal);
    let first = take(&mut source, &journal).await;
    assert_eq!((subjects(&first), first.quarantine.len()), (vec!["cam-3"], 0));
    write(folder.path(), IMAGE, "picture");
    let second = take(&mut source, &journal).await;
    assert_eq!((subjects(&second), second.attachments.len()), (vec!["cam-2"], 1));
}

/// What comes of a result whose picture is not there when the time to wait is over.
async fn check_lacking(options: &str, picture: Option<&[u8]>, events: usize, codes: &[Code]) {
    let folder = tempfile::tempdir().expect("folder");
    let journal = Arc::new(MemoryJournal::new());
    write(folder.path(), RESULT, ANOMALOUS);
    if let Some(picture) = picture {
        std::fs::write(folder.path().join("inbox").join(IMAGE), picture).expect("file");
    }
    let options = format!("image_wait = \"0s\"\n{options}");
    let batch = take(&mut source(&vision(&options), folder.path(), &journal), &journal).await;
    let found: Vec<Code> = batch.quarantine.iter().map(|entry| entry.problem.code).collect();
    assert_eq!((batch.events.len(), found.as_slice(), batch.marks.len()), (events, codes, 1), "for {options}");
    assert!(batch.attachments.is_empty());
    for entry in &batch.quarantine {
        assert_eq!((entry.raw.as_ref(), entry.path.as_str()), (ANOMALOUS.as_bytes(), RESULT));
    }
    for event in &batch.events {
        assert_eq!(event.data["image"], json!({ "path": IMAGE }));
    }
}

#[tokio::test]
async fn without_a_picture_the_source_says_what_becomes_of_a_result() {
    check_lacking("", None, 0, &[Code::Undecodable]).await;
    check_lacking("image = \"optional\"", None, 1, &[]).await;
    let too_large = vec![0; andon_journal::MAX_ATTACHMENT_BYTES + 1];
    check_lacking("", Some(&too_large), 0, &[Code::TooLarge]).await;
    check_lacking("image = \"optional\"", Some(&too_large), 1, &[]).await;
    check_lacking("", Some(b""), 0, &[Code::Undecodable]).await;
}

/// What attaching says of an object whose event names `path`, `seconds` after it was first seen.
async fn attach_at(bucket: &Bucket, path: &str, seconds: i64) -> Result<Decoded, Code> {
    let mut event = andon_model::Event::new("/cam", "1", "t", json!({"image": {"path": path}}));
    event.subject = Some("cam-2".into());
    let decoded = Decoded { events: vec![event], ..Decoded::default() };
    let object = Delivery { path: RESULT.into(), version: path.into(), body: "{}".into(), ..Delivery::default() };
    let now = Timestamp::from_micros(4_000_000_000_000_000).after(Duration::from_secs(seconds.unsigned_abs()));
    bucket.attach(&object, decoded, now).await.map_err(|error| error.0.code)
}

#[tokio::test]
async fn a_push_is_asked_for_again_until_the_time_is_over() {
    let folder = tempfile::tempdir().expect("folder");
    write(folder.path(), "other.jpg", "picture");
    let (_, bucket) = bucket(&vision("image_wait = \"10s\""), folder.path());
    assert_eq!(attach_at(&bucket, IMAGE, 0).await.expect_err("not yet"), Code::Bucket);
    assert_eq!(attach_at(&bucket, IMAGE, 9).await.expect_err("not yet"), Code::Bucket);
    let over = attach_at(&bucket, IMAGE, 10).await.expect("over");
    assert_eq!((over.events.len(), over.faults.len()), (0, 1));
    let attached = attach_at(&bucket, "other.jpg", 0).await.expect("attached");
    assert_eq!((attached.attachments.len(), attached.faults.len()), (1, 0));
    let outside = attach_at(&bucket, "../secret.jpg", 0).await.expect("a fault");
    assert_eq!((outside.events.len(), outside.faults[0].0.code), (0, Code::Undecodable));
}
