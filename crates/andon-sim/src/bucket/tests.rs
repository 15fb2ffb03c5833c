use super::*;

async fn ask(
    bucket: &SimulatedBucket,
    method: &str,
    path: &str,
    header: Option<(&str, &str)>,
    body: &str,
) -> (u16, String) {
    let client = reqwest::Client::builder().build().expect("a client");
    let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
    let mut request = client.request(method, format!("{}/{path}", bucket.endpoint())).body(body.to_owned());
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

#[tokio::test]
async fn objects_are_put_once_and_read_in_part() {
    let bucket = SimulatedBucket::start().await.expect("a bucket");
    let once = Some(("if-none-match", "*"));
    for (method, path, header, body, expect) in [
        ("PUT", "b/lake/a%20b", once, "0123456789", (200, "")),
        ("PUT", "b/lake/a%20b", once, "other", (412, "")),
        ("GET", "b/lake/a%20b", None, "", (200, "0123456789")),
        ("GET", "b/lake/a%20b", Some(("range", "bytes=2-4")), "", (206, "234")),
        ("GET", "b/lake/a%20b", Some(("range", "bytes=7-")), "", (206, "789")),
        ("GET", "b/lake/a%20b", Some(("range", "bytes=-2")), "", (206, "89")),
        ("GET", "b/lake/a%20b", Some(("range", "bytes=10-")), "", (416, "")),
        ("PUT", "b/lake/a%20b", None, "new", (200, "")),
        ("GET", "b/lake/a%20b", None, "", (200, "new")),
        ("DELETE", "b/lake/a%20b", None, "", (204, "")),
        ("GET", "b/lake/a%20b", None, "", (404, "")),
    ] {
        let (status, text) = ask(&bucket, method, path, header, body).await;
        assert_eq!((status, text.as_str()), expect, "{method} {path} {header:?}");
    }
}

#[tokio::test]
async fn keys_are_listed_by_folder() {
    let bucket = SimulatedBucket::start().await.expect("a bucket");
    for key in ["t/_log/1", "t/_log/2", "t/x", "u/y"] {
        ask(&bucket, "PUT", &format!("b/{key}"), None, "").await;
    }
    let (_, flat) = ask(&bucket, "GET", "b?list-type=2&prefix=t%2F&start-after=t%2F_log%2F1", None, "").await;
    let keys = |page: &str| {
        page.split("<Key>").skip(1).map(|rest| rest[..rest.find('<').expect("an end")].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&flat), ["t/_log/2", "t/x"]);
    let (_, folders) = ask(&bucket, "GET", "b?list-type=2&prefix=t%2F&delimiter=%2F", None, "").await;
    assert_eq!(keys(&folders), ["t/x"]);
    assert!(folders.contains("<CommonPrefixes><Prefix>t/_log/</Prefix></CommonPrefixes>"), "{folders}");
}

#[tokio::test]
async fn a_silent_bucket_answers_when_it_speaks_again() {
    let bucket = SimulatedBucket::start().await.expect("a bucket");
    bucket.set_pace(BucketPace::Silent);
    let waiting = ask(&bucket, "PUT", "b/k", None, "v");
    let spoken = async {
        tokio::task::yield_now().await;
        bucket.set_pace(BucketPace::Slow(Duration::from_millis(1)));
    };
    let ((status, _), ()) = tokio::join!(waiting, spoken);
    assert_eq!((status, bucket.objects()), (200, 1));
}
