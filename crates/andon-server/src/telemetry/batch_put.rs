//! Batches of values in the shape of `BatchPutAssetPropertyValue` of AWS IoT SiteWise.
//!
//! Shape, limits and error codes:
//! <https://docs.aws.amazon.com/iot-sitewise/latest/APIReference/API_BatchPutAssetPropertyValue.html>.
//!
//! **Constraints.** Pure. What can be known of an entry before it is kept is answered here, entry by entry; what is good is
//! put together again in the same shape, to be kept as one reading. An alias that no property has is no fault where the
//! pattern of a model fits: the value is kept, and makes the asset.

use std::collections::BTreeSet;
use std::time::Duration;

use andon_assets::{DataType, Given, MAX_TEXT_BYTES, ValueView};
use andon_model::Timestamp;
use serde_json::{Value, json};

use crate::schema::{PropertyBatch, PropertyEntry, PropertyError, PropertyErrorEntry, TimeInNanos};

/// Most entries of a batch, and most values of an entry.
pub(crate) const MAX_ENTRIES: usize = 10;
const MAX_ENTRY_ID_BYTES: usize = 64;
const OLDEST: Duration = Duration::from_hours(7 * 24);
const NEWEST: Duration = Duration::from_mins(10);

const INVALID: &str = "InvalidRequestException";
const NOT_FOUND: &str = "ResourceNotFoundException";
const OUT_OF_RANGE: &str = "TimestampOutOfRangeException";

/// What is wrong with one value.
struct Fault {
    code: &'static str,
    message: String,
    time: Option<TimeInNanos>,
}

/// A batch, sorted.
pub(crate) struct Sorted {
    /// What is kept, in SiteWise's shape; `None` when nothing is.
    pub(crate) kept: Option<Value>,
    /// What is not taken.
    pub(crate) errors: Vec<PropertyErrorEntry>,
}

/// Why a batch as a whole is refused.
pub(crate) fn refusal(batch: &PropertyBatch) -> Option<String> {
    let count = batch.entries.len();
    if !(1..=MAX_ENTRIES).contains(&count) {
        return Some(format!("a batch has 1 to {MAX_ENTRIES} entries, this one {count}"));
    }
    let mut ids = BTreeSet::new();
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    for PropertyEntry { entry_id, .. } in &batch.entries {
        if entry_id.is_empty() || entry_id.len() > MAX_ENTRY_ID_BYTES || !entry_id.chars().all(legal) {
            return Some(format!("{entry_id:?} is no entryId: 1 to {MAX_ENTRY_ID_BYTES} letters, digits, _ and -"));
        }
        if !ids.insert(entry_id) {
            return Some(format!("two entries have the entryId {entry_id}"));
        }
    }
    None
}

/// Sorts a batch at `now`; `find` knows the property that an entry names.
pub(crate) fn sort(batch: PropertyBatch, now: Timestamp, find: impl Fn(&PropertyEntry) -> Found) -> Sorted {
    let (mut kept, mut errors) = (Vec::new(), Vec::new());
    for entry in batch.entries {
        let (good, faults) = values(&entry, now, find(&entry));
        let takes = !good.is_empty() && (faults.is_empty() || batch.enable_partial_entry_processing);
        if !faults.is_empty() {
            let entry_id = entry.entry_id.clone();
            errors.push(PropertyErrorEntry { entry_id, errors: faults.into_iter().map(Fault::told).collect() });
        }
        if takes {
            kept.push(PropertyEntry { property_values: good, ..entry });
        }
    }
    Sorted { kept: (!kept.is_empty()).then(|| json!({ "entries": kept })), errors }
}

/// What an entry names.
pub(crate) enum Found {
    /// A property that is known.
    Property(Box<ValueView>),
    /// An alias that becomes one with the value.
    NewAlias,
    /// Nothing that there is.
    Nothing,
    /// Nothing, or two things.
    Unclear,
}

/// The good values of an entry, and what is wrong with the others.
fn values(entry: &PropertyEntry, now: Timestamp, found: Found) -> (Vec<Value>, Vec<Fault>) {
    let whole = |code, message: &str| (Vec::new(), vec![Fault { code, message: message.to_owned(), time: None }]);
    let data_type = match found {
        Found::Unclear => return whole(INVALID, "name the property by propertyAlias, or by assetId and propertyId"),
        Found::Nothing => return whole(NOT_FOUND, "there is no such asset or property"),
        Found::Property(property) if property.kind != "measurement" => {
            return whole(INVALID, "only measurements take values");
        }
        Found::Property(property) => Some(property.data_type),
        Found::NewAlias => None,
    };
    if !(1..=MAX_ENTRIES).contains(&entry.property_values.len()) {
        return whole(INVALID, "an entry has 1 to 10 propertyValues");
    }
    let (mut good, mut faults) = (Vec::new(), Vec::new());
    for value in &entry.property_values {
        match fault(value, data_type, now) {
            None => good.push(value.clone()),
            Some(fault) => faults.push(fault),
        }
    }
    (good, faults)
}

fn fault(value: &Value, data_type: Option<DataType>, now: Timestamp) -> Option<Fault> {
    let time = time(value);
    let at = time.as_ref().map(TimeInNanos::timestamp);
    let (code, message) = match (given(&value["value"]), at) {
        (_, None) => (INVALID, "timestamp has timeInSeconds, and offsetInNanos below 1,000,000,000"),
        (_, Some(at)) if at < now.before(OLDEST) || at > now.after(NEWEST) => {
            (OUT_OF_RANGE, "times are from 7 days in the past to 10 minutes in the future")
        }
        (None, _) => (INVALID, "value has one of doubleValue, integerValue, booleanValue and stringValue"),
        (Some(Given::Text(text)), _) if text.len() > MAX_TEXT_BYTES => (INVALID, "stringValue has at most 1024 bytes"),
        (Some(given), _) if data_type.is_some_and(|kind| kind.accept(given).is_none()) => {
            (INVALID, "the value is not of the property's type")
        }
        _ if !is_quality(&value["quality"]) => (INVALID, "quality is GOOD, BAD or UNCERTAIN"),
        _ => return None,
    };
    Some(Fault { code, message: message.to_owned(), time })
}

fn is_quality(value: &Value) -> bool {
    matches!(value, Value::Null) || ["GOOD", "BAD", "UNCERTAIN"].iter().any(|word| value == word)
}

fn time(value: &Value) -> Option<TimeInNanos> {
    let time: TimeInNanos = serde_json::from_value(value["timestamp"].clone()).ok()?;
    (time.offset_in_nanos < 1_000_000_000).then_some(time)
}

/// SiteWise's integers have 32 bits.
fn given(variant: &Value) -> Option<Given<'_>> {
    let members = variant.as_object().filter(|members| members.len() == 1)?;
    let (name, value) = members.iter().next()?;
    match name.as_str() {
        "stringValue" => value.as_str().map(Given::Text),
        "booleanValue" => value.as_bool().map(Given::Boolean),
        "doubleValue" => value.as_f64().map(Given::Double),
        "integerValue" => value.as_i64().filter(|n| i32::try_from(*n).is_ok()).map(Given::Integer),
        _ => None,
    }
}

impl TimeInNanos {
    fn timestamp(&self) -> Timestamp {
        let micros = self.time_in_seconds.saturating_mul(1_000_000);
        Timestamp::from_micros(micros.saturating_add(i64::from(self.offset_in_nanos / 1_000)))
    }
}

impl Fault {
    fn told(self) -> PropertyError {
        let timestamps = self.time.into_iter().collect();
        PropertyError { error_code: self.code.to_owned(), error_message: self.message, timestamps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    #[expect(clippy::needless_pass_by_value, reason = "callers write it as a literal")]
    fn batch(partial: bool, entries: Value) -> PropertyBatch {
        let body = json!({ "enablePartialEntryProcessing": partial, "entries": entries });
        serde_json::from_value(body).expect("a batch")
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write it as a literal")]
    fn value(member: &str, value: Value, seconds: i64) -> Value {
        json!({ "value": { member: value }, "timestamp": { "timeInSeconds": seconds } })
    }

    fn property(data_type: DataType, kind: &'static str) -> Found {
        Found::Property(Box::new(ValueView {
            asset: "a".into(),
            property: "p".into(),
            kind,
            data_type,
            unit: None,
            alias: None,
            latest: None,
            values: 0,
            late: 0,
            refused: 0,
            faults: 0,
            fault: None,
            too_late: 0,
        }))
    }

    /// The code of the one error of a batch with `values`, and how many are kept.
    #[expect(clippy::needless_pass_by_value, reason = "callers write it as a literal")]
    fn check(found: impl Fn() -> Found, values: Value, expect: (&str, usize)) {
        let sorted = sort(
            batch(true, json!([{ "entryId": "1", "propertyAlias": "/a", "propertyValues": values }])),
            Timestamp::from_micros(NOW * 1_000_000),
            |_| found(),
        );
        let code = sorted.errors.first().map_or("", |entry| &entry.errors[0].error_code);
        let kept =
            sorted.kept.as_ref().map_or(0, |kept| kept["entries"][0]["propertyValues"].as_array().unwrap().len());
        assert_eq!((code, kept), expect, "{values}");
    }

    #[test]
    fn values_are_taken_or_told() {
        let double = || property(DataType::Double, "measurement");
        let good = value("doubleValue", json!(1.5), NOW);
        check(double, json!([good]), ("", 1));
        check(double, json!([good, value("stringValue", json!("warm"), NOW)]), (INVALID, 1));
        check(double, json!([value("doubleValue", json!(1), NOW - 8 * 86_400)]), (OUT_OF_RANGE, 0));
        check(double, json!([value("doubleValue", json!(1), NOW + 700)]), (OUT_OF_RANGE, 0));
        check(double, json!([value("integerValue", json!(3_000_000_000_i64), NOW)]), (INVALID, 0));
        check(double, json!([{ "value": { "doubleValue": 1 } }]), (INVALID, 0));
        check(double, json!([1]), (INVALID, 0));
        check(double, json!([]), (INVALID, 0));
        check(double, json!(vec![good.clone(); 11]), (INVALID, 0));
        check(|| property(DataType::Double, "metric"), json!([good]), (INVALID, 0));
        check(|| Found::Nothing, json!([good]), (NOT_FOUND, 0));
        check(|| Found::Unclear, json!([good]), (INVALID, 0));
        check(|| Found::NewAlias, json!([value("stringValue", json!("x".repeat(1_025)), NOW)]), (INVALID, 0));
        check(|| Found::NewAlias, json!([value("booleanValue", json!(true), NOW)]), ("", 1));
        let mut odd = good;
        odd["quality"] = json!("FAIR");
        check(double, json!([odd]), (INVALID, 0));
    }

    #[test]
    fn an_entry_is_taken_as_a_whole_unless_parts_are_wanted() {
        let values = json!([value("doubleValue", json!(1), NOW), value("stringValue", json!("x"), NOW)]);
        let entries = json!([{ "entryId": "1", "propertyAlias": "/a", "propertyValues": values }]);
        let now = Timestamp::from_micros(NOW * 1_000_000);
        let sorted = sort(batch(false, entries), now, |_| property(DataType::Double, "measurement"));
        assert_eq!((sorted.kept.is_none(), sorted.errors.len()), (true, 1));
    }

    #[test]
    fn a_batch_has_limits() {
        let entry = |id: &str| json!({ "entryId": id, "propertyAlias": "/a", "propertyValues": [] });
        let check = |entries: Value, words: Option<&str>| {
            let found = refusal(&batch(false, entries));
            assert_eq!(found.is_some(), words.is_some(), "{found:?}");
            assert!(found.unwrap_or_default().contains(words.unwrap_or_default()));
        };
        check(json!([entry("a-1")]), None);
        check(json!([]), Some("1 to 10 entries"));
        check(json!((0..11).map(|n| entry(&n.to_string())).collect::<Vec<_>>()), Some("this one 11"));
        check(json!([entry("a"), entry("a")]), Some("two entries"));
        check(json!([entry("ä")]), Some("is no entryId"));
    }
}
