use super::*;
use crate::decode::CloudEvents;
use bytes::Bytes;
use serde_json::json;

const EVENT_PART: &str = "Content-Disposition: form-data; name=\"event\"\r\n\r\n\
    {\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/cam\",\"type\":\"t\",\"data\":{\"score\":0.9}}";
const IMAGE_PART: &str = "Content-Disposition: form-data; name=\"image\"; filename=\"in/7.jpg\"\r\n\
    Content-Type: image/jpeg\r\n\r\n\u{1}picture";

fn delivery(parts: &[&str]) -> Delivery {
    let body: String = parts.iter().flat_map(|part| ["--B\r\n", part, "\r\n"]).collect();
    Delivery {
        content_type: Some("multipart/form-data; boundary=B".into()),
        body: Bytes::from(body + "--B--\r\n"),
        ..Delivery::default()
    }
}

fn decode(delivery: &Delivery) -> Decoded {
    FormData(Arc::new(CloudEvents)).decode(delivery)
}

#[test]
fn parts_beside_the_event_are_attached_under_their_names() {
    let decoded = decode(&delivery(&[IMAGE_PART, EVENT_PART]));
    let [attachment] = decoded.attachments.as_slice() else { panic!("one attachment: {decoded:?}") };
    assert_eq!((attachment.bytes.as_ref(), &attachment.event), (&b"\x01picture"[..], &decoded.events[0].key()));
    let image = json!({"digest": attachment.digest, "name": "7.jpg", "content_type": "image/jpeg", "bytes": 8});
    assert_eq!(decoded.events[0].data, json!({"score": 0.9, "image": image}));
    assert!(decoded.faults.is_empty());
}

#[test]
fn a_form_without_attachments_and_other_bodies_are_just_decoded() {
    assert_eq!(decode(&delivery(&[EVENT_PART])).events[0].data, json!({"score": 0.9}));
    let plain = Delivery {
        content_type: Some("application/cloudevents+json".into()),
        body: Bytes::from(EVENT_PART.split_once("\r\n\r\n").expect("a body").1),
        ..Delivery::default()
    };
    assert_eq!(decode(&plain).events.len(), 1);
}

#[test]
fn attributes_may_stand_in_headers() {
    let headers = [("ce-id", "1"), ("ce-source", "/cam"), ("ce-type", "t"), ("ce-specversion", "1.0")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let data = "Content-Disposition: form-data; name=\"event\"\r\n\r\n{\"a\":1}";
    let decoded = decode(&Delivery { headers, ..delivery(&[data, IMAGE_PART]) });
    assert_eq!((&decoded.events[0].data["a"], decoded.attachments.len()), (&json!(1), 1));
}

/// The whole body is the fault's, so that nothing of it is lost.
fn check_fault(parts: &[&str], place: &str) {
    let delivery = delivery(parts);
    let decoded = decode(&delivery);
    let [(problem, raw)] = decoded.faults.as_slice() else { panic!("one fault for {parts:?}: {decoded:?}") };
    assert_eq!((problem.place.as_deref(), raw), (Some(place), &delivery.body), "{problem}");
    assert!(decoded.events.is_empty() && decoded.attachments.is_empty());
}

#[test]
fn a_form_with_a_fault_is_kept_whole() {
    check_fault(&[IMAGE_PART], "form");
    check_fault(&[EVENT_PART, &EVENT_PART.replace("\"1\"", "\"2\"")], "form, part 2");
    check_fault(&[&EVENT_PART.replace("\"id\"", "\"di\""), IMAGE_PART], "part event, $.id");
    check_fault(&[&EVENT_PART.replace("{\"score\":0.9}", "[1]"), IMAGE_PART], "part image");
    check_fault(&[&EVENT_PART.replace("score", "image"), IMAGE_PART], "part image");
    let many: Vec<String> = (0..17).map(|n| IMAGE_PART.replace("\"image\"", &format!("\"image{n}\""))).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    check_fault(&[&[EVENT_PART], many.as_slice()].concat(), "form");
}
