use super::*;
use crate::value::Scalar;

/// `t` and `u` are series, `limit` is an attribute, `on` and `name` are series of other types.
fn known(name: &str) -> Option<Variable> {
    let input = ["t", "u", "limit", "on", "name"].iter().position(|known| *known == name)?;
    Some(Variable { input, attribute: name == "limit" })
}

fn read(slot: &Slot) -> Option<Scalar> {
    match slot {
        Slot::Value(0) => Some(Scalar::Double(41.5)),
        Slot::Value(1) => Some(Scalar::Integer(-3)),
        Slot::Value(2) => Some(Scalar::Double(40.0)),
        Slot::Value(3) => Some(Scalar::Boolean(true)),
        Slot::Value(4) => Some(Scalar::String("Press 1".into())),
        Slot::Time(0) => Some(Scalar::Integer(1_772_719_200)),
        Slot::Aggregate(Function::Avg, inputs) => Some(Scalar::Double(10.0 * inputs.len() as f64)),
        Slot::Aggregate(Function::Count, _) => Some(Scalar::Integer(4)),
        Slot::TimeOf(Function::Latest, 0) => Some(Scalar::Integer(60)),
        _ => None,
    }
}

fn value(place: Place, text: &str) -> String {
    let formula = match Formula::compile(text, place, &known) {
        Ok(formula) => formula,
        Err(fault) => return fault.to_string(),
    };
    match formula.evaluate(read) {
        Ok(Some(value)) => serde_json::to_string(&value).expect("serialises"),
        Ok(None) => "none".into(),
        Err(what) => format!("cannot: {what}"),
    }
}

fn check(text: &str, expect: &str) {
    assert_eq!(value(Place::Transform, text), expect, "transform {text:?}");
}

fn check_metric(text: &str, expect: &str) {
    assert_eq!(value(Place::Metric, text), expect, "metric {text:?}");
}

#[test]
fn arithmetic_and_comparisons() {
    for (text, expect) in [
        ("t", "41.5"),
        ("9/5 * t + 32", "106.7"),
        ("-u % 2", "1"),
        ("(t - 1.5) ^ 2", "1600"),
        ("t > 40", "true"),
        ("gt(t, limit) and not lte(t, limit)", "true"),
        ("eq(u, -3)", "true"),
        ("neq(u, -3)", "false"),
        ("GTE(t, 41.5)", "true"),
        ("t > 1 and (u < 3)", "true"),
        ("t < 1 OR (u < 3)", "true"),
        ("not (u == 3)", "true"),
        ("not t > 50", "true"),
        ("not t > 40 or on", "true"),
        ("on and not t > 40", "false"),
        ("not on ? 1 : 2", "2"),
        ("not not on", "true"),
        ("!(t > 40)", "false"),
        ("abs(u) == 3 and not(on)", "false"),
        ("lt(t, 1e2)", "true"),
        ("t > 40 ? 1 : 0", "1"),
        ("pow(u, 2)", "9"),
        ("sqrt(16)", "4.0"),
        ("abs(u) + ceil(t) + floor(t) + round(t) + trunc(t)", "169"),
        ("pi > 3.1 and e < 2.8", "true"),
        ("t + on", "42.5"),
        ("sum(on, on) * 2", "4"),
        ("if(on, t + on, 0)", "42.5"),
        ("on", "true"),
        ("on == true", "true"),
    ] {
        check(text, expect);
    }
}

#[test]
fn conditions_texts_and_times() {
    for (text, expect) in [
        ("if(gt(t, 40), 1, 0)", "1"),
        ("if(on, t, u)", "41.5"),
        ("if(t < 40, t)", "none"),
        ("if(u, 'yes', 'no')", "\"yes\""),
        ("none", "none"),
        ("if(contains(lower(name), 'press'), len(name), 0)", "7"),
        ("upper('it''s')", "\"IT'S\""),
        ("timestamp(t) + 1", "1772719201"),
        ("max(t, u, 50)", "50"),
        ("min(t, u)", "-3"),
        ("avg(t, 42.5)", "42"),
        ("sum(t, u)", "38.5"),
        ("timestamp(u)", "none"),
    ] {
        check(text, expect);
    }
}

#[test]
fn metrics_read_windows() {
    for (text, expect) in [
        ("avg(t)", "10.0"),
        ("avg(t, u) / count(t)", "5"),
        ("count(name)", "4"),
        ("if(gt(avg(t), limit), 1, 0)", "0"),
        ("timestamp(latest(t)) - 1", "59"),
        ("sum(t)", "none"),
    ] {
        check_metric(text, expect);
    }
}

#[test]
fn faults_name_the_position() {
    for (text, expect) in [
        ("", "position 1: a value is expected"),
        ("t + heat", "position 5: heat is neither a variable nor a property"),
        ("sin(t)", "position 1: there is no function sin here"),
        ("t + (1", "position 7: \")\" is expected"),
        ("t )", "position 3: a bracket or comma that nothing goes with"),
        ("not", "position 4: a value is expected"),
        ("not and on", "position 5: a value is expected"),
        ("gt(t)", "position 1: gt takes 2 values"),
        ("if(t)", "position 1: if takes a condition and one or two values"),
        ("'open", "position 1: the text that begins here is not closed"),
        ("[1, 2]", "position 1: '[' is not known in formulas"),
        ("t.len()", "position 2: . is not a number"),
        ("rand(3)", "position 1: there is no function rand here"),
        ("timestamp(3)", "position 11: timestamp takes variables that have a series of values, and nothing else"),
        ("1e40", "position 1: 1e40 is beyond the 28 digits of numbers in formulas"),
        ("1e400 * t", "position 1: 1e400 is beyond the 28 digits of numbers in formulas"),
        ("\"a\\\"", "position 1: a text in a formula has neither double quotes nor backslashes"),
    ] {
        check(text, expect);
    }
    check_metric("t + 1", "position 1: a metric reads t through a function, such as avg(t)");
    check_metric("avg(t + 1)", "position 7: \")\" is expected");
    check_metric("avg(limit)", "position 5: avg takes variables that have a series of values, and nothing else");
    check_metric(
        "timestamp(t)",
        "position 11: in a metric, timestamp takes first(…), last(…), earliest(…) or latest(…)",
    );
}

#[test]
fn what_cannot_be_computed_says_so() {
    check("t / (u + 3)", "none");
    assert!(value(Place::Transform, "name + 1").starts_with("cannot: "));
    assert!(value(Place::Transform, "t +").starts_with("position 1: cannot be computed"));
}

#[test]
fn long_and_deep_formulas_end_in_a_fault_or_compile() {
    for unit in ["(", "!", "-", "not ", "t+", "if(", "abs(", "t ? t : ", "'", "(t", "t ^ ", "t,", "max("] {
        let text = unit.repeat(MAX_BYTES / unit.len());
        let _ = Formula::compile(&text, Place::Transform, &known);
        let _ = Formula::compile(&format!("{}t", &text[..text.len() - 1]), Place::Metric, &known);
    }
    assert!(Formula::compile(&"1".repeat(MAX_BYTES + 1), Place::Transform, &known).is_err());
}
