use super::*;
use andon_model::Code;

fn parse(text: &str) -> Result<SourceSpec, Problem> {
    SourceSpec::parse(&Name::new("press").expect("name"), text)
}

/// The place (without the file) and the start of the detail.
fn check(text: &str, place: &str, detail: &str) {
    let problem = parse(text).expect_err(text);
    assert_eq!(problem.place.as_deref(), Some(format!("sources/press.toml{place}").as_str()), "for {text}: {problem}");
    assert!(problem.detail.starts_with(detail), "for {text}: {}", problem.detail);
}

#[test]
fn a_full_document_is_read() {
    let spec = parse(
        r#"
        description = "results"
        decoder = "lookout-equipment"
        [bucket]
        url = "s3://plant-7/inference/out/"
        suffix = ".jsonl"
        poll = "500ms"
        endpoint = "http://127.0.0.1:9000"
        allow_http = true
        access_key = { env = "ID" }
        secret_key = { secret = "key" }
        [decode]
        equipment = "{1}"
        utc_offset = "+01:00"
        [auth]
        hmac_secret = "press-hmac"
        signature_header = "X-Sig"
        "#,
    )
    .expect("valid");
    let bucket = spec.bucket.as_ref().expect("bucket");
    assert_eq!((bucket.location.bucket(), bucket.location.prefix()), (Some("plant-7"), "inference/out"));
    assert_eq!((bucket.poll, bucket.settle), (Duration::from_millis(500), Duration::from_secs(2)));
    let IntakeAuth::Hmac { signature_header, timestamp_header, tolerance_seconds, .. } = spec.auth else {
        panic!("hmac expected")
    };
    assert_eq!((signature_header.as_str(), timestamp_header.as_str()), ("x-sig", "x-andon-timestamp"));
    assert_eq!(tolerance_seconds, 300);
}

#[test]
fn short_documents_have_defaults() {
    let spec = parse("decoder = \"cloudevents\"").expect("valid");
    assert!(spec.bucket.is_none() && spec.auth == IntakeAuth::Token);
    let spec = parse("decoder = \"json\"\nbucket = { url = \"inbox\" }\ndecode = { type = \"t\" }").expect("valid");
    assert_eq!(spec.bucket.map(|b| b.location), Some(Location::Folder("inbox".into())));
}

#[test]
fn results_with_pictures_wait_for_them() {
    let images = |options: &str| {
        let spec = parse(&format!("decoder = \"lookout-vision\"\n[bucket]\nurl = \"in\"\n{options}")).expect("valid");
        spec.bucket.and_then(|bucket| bucket.images).map(|images| (images.required, images.wait.as_secs()))
    };
    assert_eq!(images(""), Some((true, 60)));
    assert_eq!(images("image = \"optional\"\nimage_wait = \"0s\""), Some((false, 0)));
    let other = parse("decoder = \"cloudevents\"\nbucket = { url = \"in\" }").expect("valid");
    assert_eq!(other.bucket.and_then(|bucket| bucket.images), None);
}

#[test]
fn faults_name_key_and_place() {
    check("decoder = \"xml\"", " line 1 column 11", "\"xml\" is not a decoder; known are cloudevents, eventbridge,");
    check("decoder = \"json\"\n", "", "the decoder json needs the key type");
    check("decoder = \"lookout-equipment\"", "", "the decoder lookout-equipment needs the key equipment");
    check(
        "decoder = \"json\"\n[decode]\ntype = 5",
        " line 3 column 8",
        "invalid type: integer `5`, expected a text, or",
    );
    check("decoder = \"json\"\n[decode]\ntype = { pointer = \"x\" }", " line 3 column 8", "a JSON pointer is empty");
    check("decoder = \"json\"\n[decode]\ntype = \"t\"\nid = \"1\"", " line 4 column 6", "with a constant id");
    check("decoder = \"framework\"\n[decode]\nlines = true", " line 3 column 1", "unknown field `lines`");
    check("decoder = \"cloudevents\"\nsecret = 1", " line 2 column 1", "unknown field `secret`");
    let lookout = "decoder = \"lookout-equipment\"\n[decode]\n";
    check(&format!("{lookout}equipment = \"{{x}}\""), " line 3 column 13", "{x} is not a placeholder");
    check(&format!("{lookout}equipment = \"x\"\nutc_offset = \"1h\""), " line 4 column 14", "use an offset");
    let bucket = "decoder = \"cloudevents\"\n[bucket]\n";
    check(&format!("{bucket}url = \"ftp://x\""), " line 3 column 7", "use s3://bucket/prefix");
    check(&format!("{bucket}url = \"in\"\nregion = \"r\""), " line 4 column 10", "this key is for s3:// only");
    check(&format!("{bucket}url = \"s3://b\"\nendpoint = \"http://h\""), " line 4 column 12", "for plain HTTP say");
    check(&format!("{bucket}url = \"s3://b\"\naccess_key = {{ env = \"A\" }}"), " line 4 column 14", "access_key and");
    check(&format!("{bucket}url = \"in\"\npoll = \"1ms\""), " line 4 column 8", "use a time from");
    check(&format!("{bucket}url = \"in\"\nimage = \"optional\""), " line 4 column 9", "the source's decoder reads no");
    check(&format!("{bucket}url = \"in\"\nimage_wait = \"1s\""), " line 4 column 14", "the source's decoder reads no");
    let vision = bucket.replace("cloudevents", "lookout-vision");
    check(&format!("{vision}url = \"in\"\nimage = \"never\""), " line 4 column 9", "unknown variant `never`");
    check(&format!("{vision}url = \"in\"\nimage_wait = \"2h\""), " line 4 column 14", "use a time from");
    let problem = parse("decoder = ").expect_err("syntax");
    assert_eq!(problem.code, Code::ConfigurationSyntax);
}

#[test]
fn options_of_decoders_are_checked() {
    let check_options = |decoder: &str, options: &str, place: &str, detail: &str| {
        check(&format!("decoder = \"{decoder}\"\n[decode]\n{options}"), place, detail);
    };
    check_options("monitron", "states = []", " line 3 column 10", "at least one text");
    check_options("monitron", "state = \"ALARM\"", " line 3 column 1", "unknown field `state`, expected `states`");
    check_options("sitewise-alarm", "states = [\"\"]", " line 3 column 10", "at least one text");
    check_options("rekognition-ppe", "required = [\"SHOES\"]", " line 3 column 13", "unknown variant `SHOES`");
    check_options("rekognition-ppe", "required = []", " line 3 column 12", "with nothing required");
    check_options("rekognition-ppe", "min_confidence = 101", " line 3 column 18", "use a number from 0 to 100");
    check_options("rekognition-ppe", "path = \"{plant}/{file}\"", " line 3 column 8", "the pattern lacks {camera}");
    check_options("lookout-vision", "path = \"{equipment}/{image}\"", " line 3 column 8", "{image} is taken");
    check_options("lookout-vision", "image = \"x.jpg\"", " line 3 column 9", "use {stem}");
    check_options("eventbridge", "inner = \"xml\"", " line 3 column 9", "\"xml\" is not a decoder");
    check_options(
        "eventbridge",
        "inner = \"eventbridge\"\noptions = { inner = \"json\" }",
        " line 4 column 21",
        "one envelope",
    );
    check_options(
        "eventbridge",
        "options = { states = [] }",
        " line 3 column 11",
        "these are options of an inner decoder",
    );
    check_options(
        "eventbridge",
        "inner = \"monitron\"\noptions = { states = [] }",
        " line 4 column 22",
        "at least one",
    );
}

#[test]
fn companions_are_known_through_the_source() {
    let companion = |text: &str| parse(text).expect("valid").decoder().companion("in/7.json");
    assert_eq!(companion("decoder = \"lookout-vision\"").as_deref(), Some("in/7.jpg"));
    assert_eq!(
        companion("decoder = \"rekognition-ppe\"\ndecode = { image = \"/raw/{stem}.png\" }").as_deref(),
        Some("raw/7.png")
    );
    assert_eq!(companion("decoder = \"cloudevents\""), None);
}
