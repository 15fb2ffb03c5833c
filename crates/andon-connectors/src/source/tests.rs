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

const BROKER: &str = "[mqtt]\nurl = \"mqtts://b.example.com\"\nclient_id = \"c\"\ntopics = [\"data/#\"]\n";

fn broker(options: &str) -> MqttSpec {
    parse(&format!("decoder = \"cloudevents\"\n{BROKER}{options}")).expect("valid").mqtt.expect("a broker")
}

#[test]
fn brokers_have_defaults() {
    let spec = broker("");
    let Broker { host, port, tls, alpn } = &spec.broker;
    assert_eq!((host.as_str(), *port, *tls, alpn.as_deref()), ("b.example.com", 8_883, true, None));
    assert_eq!((spec.version, spec.qos.number(), spec.lane), (crate::MqttVersion::V5, 1, MqttLane::Events));
    assert_eq!((spec.retained, spec.inflight, spec.max_payload_bytes), (Retained::Once, 100, 1 << 20));
    assert_eq!((spec.session_expiry.as_secs(), spec.keep_alive.as_secs()), (604_800, 30));
    assert!(spec.login.is_none() && spec.identity.is_none() && spec.ca.is_none() && spec.device.is_none());
}

#[test]
fn a_full_broker_is_read() {
    let spec = broker(
        r#"
        version = "3.1.1"
        group = "andon"
        qos = 2
        device = "data/{device}/#"
        retained = "never"
        session_expiry = "1h"
        keep_alive = "1m"
        inflight = 20
        max_payload_bytes = 2000
        user = "andon"
        password = { secret = "broker" }
        certificate = { file = "/c.pem" }
        key = { secret = "key" }
        ca = { env = "CA" }
        "#,
    );
    assert_eq!((spec.version, spec.qos.number(), spec.group.as_deref()), (crate::MqttVersion::V311, 2, Some("andon")));
    assert_eq!((spec.retained, spec.inflight, spec.max_payload_bytes), (Retained::Never, 20, 2_000));
    assert_eq!(spec.device.as_ref().and_then(|device| device.name("data/p/x")), Some("p"));
    assert!(spec.login.is_some() && spec.identity.is_some() && spec.ca.is_some());
}

#[test]
fn aws_is_known_by_its_name() {
    let url = |url: &str| {
        let text = BROKER.replace("mqtts://b.example.com", url);
        let spec = parse(&format!("decoder = \"cloudevents\"\n{text}")).expect("valid").mqtt.expect("a broker");
        (spec.broker.port, spec.broker.alpn)
    };
    let aws = "mqtts://abc-ats.iot.eu-central-1.amazonaws.com";
    assert_eq!(url(aws), (8_883, None));
    assert_eq!(url(&format!("{aws}:443")), (443, Some("x-amzn-mqtt-ca".to_owned())));
    assert_eq!(url("mqtts://b.example.com:443"), (443, None));
    assert_eq!(url("mqtt://[::1]"), (1_883, None));
}

#[test]
fn readings_take_no_decoder_and_need_a_device() {
    let spec = parse(&format!("{BROKER}lane = \"readings\"\ndevice = \"plant\"")).expect("valid");
    let pushed = andon_journal::Decoder::decode(spec.decoder().as_ref(), &andon_journal::Delivery::default());
    assert_eq!((pushed.events.len(), pushed.faults[0].0.code), (0, Code::UnknownSource));
    check(&format!("{BROKER}lane = \"readings\""), "", "readings need the key device");
    let both = format!("decoder = \"json\"\n{BROKER}lane = \"readings\"\ndevice = \"plant\"");
    check(&both, " line 1 column 11", "readings are kept as they are");
    check(BROKER, "", "the key decoder is missing");
}

#[test]
fn faults_of_brokers_name_key_and_place() {
    let check_key = |options: &str, place: &str, detail: &str| {
        check(&format!("decoder = \"cloudevents\"\n{BROKER}{options}"), place, detail);
    };
    check_key("version = \"4\"", " line 6 column 11", "use \"5\" or \"3.1.1\"");
    check_key("qos = 0", " line 6 column 7", "use 1 or 2");
    check_key("group = \"a/b\"", " line 6 column 9", "a group has");
    check_key("device = \"a/b\"", " line 6 column 10", "use a name, or a pattern");
    check_key("user = \"a\"", " line 6 column 8", "user and password go together");
    check_key("key = { env = \"K\" }", " line 6 column 7", "certificate and key go together");
    check_key("inflight = 0", " line 6 column 12", "use a number from 1 to 10000");
    check_key("keep_alive = \"1s\"", " line 6 column 14", "use a time from 5s");
    check_key("retained = \"no\"", " line 6 column 12", "unknown variant `no`");
    check_key("password = \"clear\"", " line 6 column 12", "");
    check_key("clean = true", " line 6 column 1", "unknown field `clean`");
    check_key("[bucket]\nurl = \"in\"", " line 2 column 1", "a source has [bucket] or [mqtt]");
    let check_text = |from: &str, to: &str, place: &str, detail: &str| {
        check(&format!("decoder = \"cloudevents\"\n{}", BROKER.replace(from, to)), place, detail);
    };
    check_text(
        "mqtts://b.example.com",
        "mqtt://b.example.com",
        " line 3 column 7",
        "without TLS only a broker on this",
    );
    check_text("mqtts://b.example.com", "https://b.example.com", " line 3 column 7", "use an address such as mqtts://");
    check_text("mqtts://b.example.com", "mqtts://b.example.com/x", " line 3 column 7", "use an address such as");
    check_text("mqtts://b.example.com", "mqtts://u:p@b.example.com", " line 3 column 7", "user and password have keys");
    check_text("\"c\"", "\"\"", " line 4 column 13", "a client id has 1 to 128 bytes");
    check_text("[\"data/#\"]", "[]", " line 5 column 10", "give 1 to 8 topic filters");
    check_text("data/#", "data#", " line 5 column 10", "\"data#\" is no topic filter: # stands alone");
    check_text("data/#", "$share/g/data/#", " line 5 column 10", "\"$share/g/data/#\" is no topic filter: say which");
    let plain = BROKER.replace("mqtts://b.example.com", "mqtt://127.0.0.1");
    let text = format!("decoder = \"cloudevents\"\n{plain}ca = {{ env = \"CA\" }}");
    check(&text, " line 6 column 6", "this key is for mqtts:// only");
    let aws = BROKER.replace("b.example.com", "abc-ats.iot.eu-central-1.amazonaws.com");
    check(&format!("decoder = \"cloudevents\"\n{aws}qos = 2"), " line 6 column 7", "AWS IoT Core has no QoS 2");
}
