use super::*;

/// `{"n": 1}` is the event 1, `{"skip": 1}` is passed over, `{"many": [1, 2]}` gives several.
fn read(record: Record<'_>) -> Found {
    let members = match record.object() {
        Ok(members) => members,
        Err(problem) => return Err(problem).into(),
    };
    let event = |n: &Value| Ok(Some(Event::new("s", n.to_string(), "t", Value::Null)));
    let mut found = Found::default();
    match (members.get("n"), members.get("many").and_then(Value::as_array)) {
        (Some(n), _) => found.add(event(n)),
        (_, Some(many)) => many.iter().for_each(|n| found.add(event(n))),
        _ if members.contains_key("skip") => found.add(Ok(None)),
        _ => found.add(Err(record.fault(".n", "missing"))),
    }
    found
}

fn check(body: &str, events: &[&str], passed: usize, faults: &[&str]) {
    let body = Bytes::copy_from_slice(body.as_bytes());
    for max_events in [1, 2, 100] {
        let (mut at, mut whole) = (Some(Position::default()), Decoded::default());
        while let Some(from) = at {
            let part = decode_records(&body, from, max_events, read);
            whole.events.extend(part.decoded.events);
            whole.faults.extend(part.decoded.faults);
            whole.passed += part.decoded.passed;
            at = part.next;
        }
        let ids: Vec<_> = whole.events.iter().map(|event| event.id.as_str()).collect();
        let places: Vec<_> = whole.faults.iter().filter_map(|(problem, _)| problem.place.as_deref()).collect();
        assert_eq!((ids.as_slice(), whole.passed, places.as_slice()), (events, passed, faults), "{body:?}");
    }
}

#[test]
fn values_follow_one_another_in_any_way() {
    check("", &[], 0, &[]);
    check("\u{feff} \n", &[], 0, &[]);
    check("{\"n\":1}{\"n\":2}{\"skip\":0}{\"n\":3}", &["1", "2", "3"], 1, &[]);
    check("{\"n\":1}\n\u{feff}{\"n\":2}\u{feff}\n", &["1", "2"], 0, &[]);
    check("{\"n\":1}\r\n\n{\"n\":2},\t{\"n\":3}\n", &["1", "2", "3"], 0, &[]);
    check("{\n  \"n\":\n 1\n}\n{\n \"many\": [2, 3, 4]\n}", &["1", "2", "3", "4"], 0, &[]);
}

#[test]
fn a_damaged_value_leaves_the_lines_behind_it_alone() {
    check("{\"n\":1}\n{\"n\":\n{\"n\":2}\n", &["1", "2"], 0, &["line 4, column 0"]);
    check("{\"n\":1}\n{\"n\" 5}\n{\"n\":2}\n", &["1", "2"], 0, &["line 2, column 6"]);
    check("{\"n\":1}{\"n\":2}garbage{\"n\":3}", &["1", "2"], 0, &["line 1, column 15"]);
    check("{\"n\":1}{\"n\" 5}{\"n\":2} {\"n\":3}", &["1", "2", "3"], 0, &["line 1, column 13"]);
    check("{\"n\":1}{\"n\":{\"n\":2}{\"n\":3}{\"n\":4}", &["1", "3", "4"], 0, &["line 1, column 20"]);
    check("{\"n\":tru,\"t\":\"}{ x\"}{\"n\":2}", &["2"], 0, &["line 1, column 9", "line 1, column 18"]);
    check("{\"n\":[{\"a\":tru},{\"n\":5}]}{\"n\":2}", &["2"], 0, &["line 1, column 15"]);
    check("{\"n\":1}[]{\"x\":1}{\"n\":2}", &["1", "2"], 0, &["record 2, $", "record 3, $.n"]);
}

#[test]
fn the_bytes_of_faults_are_kept() {
    let body = Bytes::from("{\"n\":1}{\"n\":tail\nof it");
    let decoded = decode_records(&body, Position::default(), 9, read).decoded;
    assert_eq!(decoded.faults[0].1, "{\"n\":tail\nof it");
}

#[test]
fn faults_are_limited_and_the_rest_is_kept() {
    let body = Bytes::from("{}".repeat(250));
    let decoded = decode_records(&body, Position::default(), 10, read).decoded;
    assert_eq!(decoded.faults.len(), MAX_FAULTS + 1);
    let kept: usize = decoded.faults.iter().map(|(_, raw)| raw.len()).sum();
    assert_eq!(kept, body.len());
}

#[test]
fn large_and_deep_records_are_refused() {
    let large = format!("{{\"n\":1}}\n{{\"n\":\"{}\"}}\n{{\"n\":2}}", "x".repeat(MAX_EVENT_BYTES));
    check(&large, &["1", "2"], 0, &["record 2"]);
    let deep = format!("{{\"n\":{}1{}}}{{\"n\":2}}", "[".repeat(200), "]".repeat(200));
    check(&deep, &["2"], 0, &["record 1, column 132"]);
}
