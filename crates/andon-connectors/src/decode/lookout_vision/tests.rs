use super::*;
use bytes::Bytes;
use serde_json::json;

fn decoder(min_confidence: f64) -> LookoutVision {
    LookoutVision {
        path: "{equipment}/{plant}/{material}/{file}".parse().expect("pattern"),
        prefix: "in".into(),
        image: "{stem}.jpg".parse().expect("pattern"),
        min_confidence,
    }
}

fn result(anomalous: bool, confidence: f64) -> Value {
    json!({"DetectAnomalyResult": {"Source": {"Type": "direct"}, "IsAnomalous": anomalous, "Confidence": confidence,
        "Anomalies": [{"Name": "background", "PixelAnomaly": {"TotalPercentageArea": 0.9, "Color": "#FFFFFF"}},
            {"Name": "chip", "PixelAnomaly": {"TotalPercentageArea": 0.01, "Color": "#112233"}},
            {"Name": "crack", "PixelAnomaly": {"TotalPercentageArea": 0.09}}], "AnomalyMask": "aGVsbG8="}})
}

fn decode(min_confidence: f64, path: &str, body: &Value) -> Decoded {
    let body = Bytes::from(body.to_string());
    decoder(min_confidence).decode(&Delivery { path: path.into(), body, ..Delivery::default() })
}

#[test]
fn anomalous_results_are_events() {
    let check = |anomalous, confidence, min, events| {
        let decoded = decode(min, "in/cam-2/2200/M-9/7.json", &result(anomalous, confidence));
        assert_eq!((decoded.events.len(), decoded.passed, decoded.faults.len()), (events, 1 - events, 0));
    };
    check(true, 0.5, 0.0, 1);
    check(true, 0.5, 0.6, 0);
    check(false, 0.99, 0.0, 0);
}

#[test]
fn the_path_says_what_was_inspected() {
    let event = decode(0.0, "in/cam-2/2200/M-9/7.json", &result(true, 0.75)).events.remove(0);
    let expect = json!({"equipment": "cam-2", "plant": "2200", "material": "M-9", "file": "7.json",
        "confidence": 0.75,
        "anomalies": [{"name": "crack", "area": 0.09}, {"name": "chip", "area": 0.01, "color": "#112233"}],
        "image": {"path": "in/cam-2/2200/M-9/7.jpg"}, "object": "in/cam-2/2200/M-9/7.json"});
    assert_eq!(event.data, expect);
    assert_eq!((event.source.as_str(), event.subject.as_deref()), ("/lookout-vision/cam-2", Some("cam-2")));
    assert_eq!(decoder(0.0).companion("in/cam-2/2200/M-9/7.json").as_deref(), Some("in/cam-2/2200/M-9/7.jpg"));
}

#[test]
fn the_same_picture_is_the_same_event() {
    let id = |path: &str, confidence| decode(0.0, path, &result(true, confidence)).events.remove(0).id;
    assert_eq!(id("in/c/1/m/a.json", 0.5), id("in/c/1/m/a.json", 0.5));
    assert_ne!(id("in/c/1/m/a.json", 0.5), id("in/c/1/m/b.json", 0.5));
    assert_ne!(id("in/c/1/m/a.json", 0.5), id("in/c/1/m/a.json", 0.6));
}

#[test]
fn a_pushed_result_is_named_by_its_picture() {
    let mut body = result(true, 0.5);
    let place = |body: &Value| decode(0.0, "", body).faults[0].0.place.clone();
    assert_eq!(place(&body).as_deref(), Some("delivery"));
    body["Image"] = json!({"S3Object": {"Bucket": "b", "Name": "in/cam-2/2200/M-9/7.jpg"}});
    let event = decode(0.0, "", &body).events.remove(0);
    assert_eq!(
        (&event.data["image"]["path"], &event.data["file"]),
        (&json!("in/cam-2/2200/M-9/7.jpg"), &json!("7.jpg"))
    );
    assert!(event.data.get("object").is_none());
}
