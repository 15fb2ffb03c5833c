//! The event of a certificate that ends soon, as a `CloudEvent` that a scenario may make a notification of.

use andon_devices::{Device, ExpiryAlarm, ExpiryTerms};
use andon_model::Event;
use serde_json::json;

/// `source` of events about devices.
const SOURCE: &str = "/andon/devices";

/// `type` of the event.
const KIND: &str = "andon.certificate.expiry";

/// The same alarm gives the same event, whenever and by whomever it is made: its id is of certificate and level, its time
/// is when the alarm came on.
pub(super) fn of_alarm(device: &Device, alarm: &ExpiryAlarm, terms: ExpiryTerms) -> Event {
    let data = json!({
        "device": alarm.device,
        "certificate": alarm.certificate,
        "level": alarm.level,
        "not_after": alarm.not_after,
        "profile": device.profile,
        "groups": device.groups,
        "attributes": device.attributes,
    });
    let id = format!("certificate-expiry-{}-{}", alarm.certificate, alarm.level.word());
    let mut event = Event::new(SOURCE, id, KIND, data);
    event.subject = Some(alarm.device.to_string());
    event.time = Some(alarm.since(terms));
    event.datacontenttype = Some("application/json".to_owned());
    event
}
