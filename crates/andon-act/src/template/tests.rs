//! The language as a user meets it: a template, a scope, a result.

use andon_model::{Code, Key, Problem};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Form, Scope, Template};
use crate::Stage;

/// Renders against a fixed scope whose `event` is given.
fn render_with(form: Form, source: &str, event: &Value) -> Result<String, Problem> {
    let decision = json!({"priority": "1", "Result": [{"ActionId": "a7"}]});
    let lookups = json!({"plant": {"name": "Süd"}, "none": null});
    let body = json!({"Result": [{"Plant": "1010", "IsOpen": true}]});
    let mut scope = Scope::new(event.clone(), &decision, &lookups);
    scope.add_answer(Stage::Pre, "fetch-plant", &body);
    scope.add_answer(Stage::Pre, "6f1c0e1e-3b0e", &body);
    scope.set_run(json!({"id": "01J", "event_offset": 12}), &Key::new("ABCDEFGHIJ2345672345"));
    Template::compile(source, form, "t")?.render(&scope)
}

fn sample() -> Value {
    json!({"id": "e1", "time": "2023-06-27T04:12:33Z", "data": {
        "equipment": "pump-01", "score": 0.98765, "note": "say \"hi\"\n\\ ${{key}} $& $1", "none": null,
        "bucket-name": "b", "x y": "z", "count": 3, "empty": "",
        "names": [{"name": "t1", "value": 0.9}, {"name": "t2", "value": 0.1}],
    }})
}

fn check_form(form: Form, source: &str, expect: &str) {
    let shown = match render_with(form, source, &sample()) {
        Ok(text) => text,
        Err(problem) => format!("{} {} [{}]", problem.code, problem.detail, problem.place.unwrap_or_default()),
    };
    assert_eq!(shown, expect, "for {source:?}");
}

fn check(source: &str, expect: &str) {
    check_form(Form::Text, source, expect);
}

#[test]
fn the_reference_syntax_is_read() {
    check("${{event.data.equipment}} ${{ Event.data.equipment }}", "pump-01 pump-01");
    check("${{pre.fetch-plant.Result[0].Plant}}/${{pre.6f1c0e1e-3b0e.Result[0].Plant}}", "1010/1010");
    check("${{default.any-id.Result[0].ActionId}} ${{decision.priority}}", "a7 1");
    check("${{key}} ${{run.id}} ${{run.event_offset}}", "ABCDEFGHIJ2345672345 01J 12");
    check("${{stringify(event.data.names[1])}}", r#"{"name":"t2","value":0.1}"#);
    check("${{event.data['bucket-name']}}${{event.data[\"x y\"]}}", "bz");
    check("${{lookups.plant.name}}", "Süd");
    check("{{ x }} {% if %} {# #} $ ${ }}", "{{ x }} {% if %} {# #} $ ${ }}");
}

#[test]
fn expressions_compute() {
    check("${{event.data.score | round(2)}} ${{event.data.score * 100 | int}}", "0.99 98.765");
    check("${{(event.data.score * 100) | int}}", "98");
    check("${{event.data.equipment | upper | left(4)}}", "PUMP");
    check("${{event.data.nothing.at.all | default('x')}}", "x");
    check("${{event.data.none | default('x')}}|${{event.data.none | default('x', true)}}", "|x");
    check("${{'high' if event.data.score > 0.9 else event.data.missing}}", "high");
    check("${{'yes' if event.data.missing is not defined else 'no'}}", "yes");
    check("${{event.data.none ~ event.data.count ~ 'x' ~ true}}", "3xtrue");
    check("${{event.data.names | selectattr('value', 'gt', 0.5) | map(attribute='name') | join(', ')}}", "t1");
    check("${{ {'a': {'b': event.data.count}} }}", r#"{"a":{"b":3}}"#);
    check("${{event.data.names[event.data.count - 2].name}}", "t2");
    check("${{event.time | odata_date}} ${{event.time | odata_time}}", "/Date(1687839153000)/ PT04H12M33S");
    check("${{event.data.count in [1, 3]}}", "true");
    check("${{'n=' ~ event.data.count / 2 ~ [none, 1]}}", "n=1.5[null,1]");
    check(
        "${{event.data.equipment * 2}}",
        "AND-3003 * needs numbers, this is a string: use int or float [t, line 1 column 1]",
    );
}

#[test]
fn values_are_never_templates() {
    check("${{event.data.note}}", "say \"hi\"\n\\ ${{key}} $& $1");
    check_form(Form::Json, r#"{"a":"<${{event.data.note}}>"}"#, r#"{"a":"<say \"hi\"\n\\ ${{key}} $& $1>"}"#);
}

#[test]
fn json_stays_json() {
    check_form(Form::Json, r#"{"a":${{event.data.equipment}}}"#, r#"{"a":"pump-01"}"#);
    check_form(Form::Json, r#"{"a":${{event.data.names[0]}}}"#, r#"{"a":{"name":"t1","value":0.9}}"#);
    check_form(Form::Json, r#"{"a":${{event.data.none}},"b":"${{event.data.none}}"}"#, r#"{"a":null,"b":""}"#);
    check_form(Form::Json, r#"{"a":"n=${{event.data.count}}","b":${{event.data.count}}}"#, r#"{"a":"n=3","b":3}"#);
    check_form(Form::Json, r#"{"a":"${{stringify(event.data.names[0].name)}}"}"#, r#"{"a":"\"t1\""}"#);
    check_form(Form::Json, "${{event.data.count}}", "3");
}

#[test]
fn addresses_and_headers_are_safe() {
    check_form(Form::UrlPath, "/Set('${{event.data['x y'] ~ \"/'\"}}')", "/Set('z%2F%27%27')");
    check_form(Form::Query, "Name eq '${{event.data['x y'] ~ \"'&\"}}'", "Name eq 'z''&'");
    let refusal = "AND-3003 the value is empty, so that the path would name something else [t, line 1 column 4]";
    check_form(Form::UrlPath, "/a/${{event.data.empty}}", refusal);
    check_form(Form::UrlPath, "/a/${{'..'}}/b", "AND-3003 the path has a segment . or .. [t]");
    let refusal = "AND-3003 the value has control characters, which a header must not carry [t, line 1 column 1]";
    check_form(Form::Header, "${{event.data.note}}", refusal);
    check_form(Form::Header, "a\nb", "AND-2004 a header must not carry control characters [t, line 1 column 1]");
}

#[test]
fn missing_paths_are_named() {
    check(
        "a\nb ${{event.data.names[0].unit}}",
        "AND-3002 event.data.names[0].unit: event.data.names[0] has no \"unit\" (it has: name, value) [t, line 2 column 3]",
    );
    let missing = "AND-3002 lookups.none.x: lookups.none is null, it has no \"x\" [t, line 1 column 1]";
    check("${{lookups.none.x | upper}}", missing);
    check("${{(lookups.none.x ~ 'a') | default('b')}}", missing);
    check("${{lookups.none.x == 1}}", missing);
    check("${{stringify(lookups.none.x)}}", missing);
    let absent = "AND-3002 the expression has no value: give an if its else, or use default(…) [t, line 1 column 1]";
    check("${{'x' if false}}", absent);
    check(
        "${{event.data.names[event.data.count].name}}",
        "AND-3002 a computed part of the expression has no value [t, line 1 column 1]",
    );
}

#[test]
fn faulty_templates_are_refused_when_compiled() {
    check("a ${{event.x", "AND-2004 ${{ has no }} that closes it; is a quote left open inside? [t, line 1 column 3]");
    check("${{ }}", "AND-2004 the expression is empty [t, line 1 column 4]");
    check(
        "${{event.a b}}",
        "AND-2004 nothing is called \"b\"; a path begins with event, decision, default, lookups, pre, main, post, open-check, update, episode, run, key; a name with other characters than letters, digits and _ is written ['…'] [t, line 1 column 12]",
    );
    check(
        "${{event.a +}}",
        "AND-2004 \"event.a +\" cannot be read: unexpected end of input, expected expression [t, line 1 column 4]",
    );
    check_form(
        Form::Json,
        "{\n \"a\": \"${{key}}\n}",
        "AND-2004 the template is not JSON: control character (\\u0000-\\u001F) found while parsing a string [t, line 2 column 15]",
    );
    check_form(
        Form::Json,
        r#"{"a": 1${{key}}}"#,
        "AND-2004 the template is not JSON: expected `,` or `}` [t, line 1 column 8]",
    );
    check_form(
        Form::Json,
        r#"{"a": "\u00${{key}}"}"#,
        "AND-2004 the template is not JSON: invalid escape [t, line 1 column 13]",
    );
    let long = Template::compile(&"x".repeat(super::MAX_SOURCE_BYTES + 1), Form::Text, "t").expect_err("too long");
    assert_eq!(long.detail, "a template has at most 262144 bytes");
}

#[test]
fn rendered_texts_are_bounded() {
    let event = json!({"data": "x".repeat(3 << 20)});
    let problem = render_with(Form::Text, "${{event.data}}${{event.data}}", &event).expect_err("too large");
    assert_eq!(problem.code, Code::TooLarge);
}

#[test]
fn paths_are_listed() {
    let source = "${{Event.data['x y']}} ${{pre.a-1.b[0] | default(key)}} ${{default.id.x}}";
    let template = Template::compile(source, Form::Text, "t").expect("well-formed");
    assert_eq!(template.paths(), ["event.data[\"x y\"]", "pre.a-1.b[0]", "run.key", "decision.x"]);
}

#[test]
fn templates_are_shared_between_threads() {
    fn is_shareable<T: Send + Sync + 'static>() {}
    is_shareable::<Template>();
}

/// Expressions as deep as they may be, and deeper ones, on a quarter of the stack that a thread has.
#[test]
fn deep_expressions_do_not_exhaust_the_stack() {
    let units = [
        "+1",
        "|d",
        "-",
        "not ",
        "[0]",
        " if 1",
        " if 1 else 1",
        "[",
        "(",
        "{1:",
        "<1",
        "**1",
        " is defined",
        ".a",
        "~-1",
    ];
    let render_all = move || {
        for (start, unit) in units.iter().flat_map(|unit| [("", unit), ("1", unit), ("event", unit)]) {
            for count in [16, 66, 99, 198, 2_000 / unit.len()] {
                let source = format!("${{{{{start}{}}}}}", unit.repeat(count.min(2_000 / unit.len())));
                let _ = render_with(Form::Text, &source, &sample());
            }
        }
    };
    std::thread::Builder::new().stack_size(512 * 1024).spawn(render_all).unwrap().join().unwrap();
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|n| Value::from(f64::from(n) / 1_000.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6).prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

/// What the language is made of, separated by `¦`.
const FRAGMENTS: &str = "event.data¦event.data.s¦event.data.v¦pre.fetch-plant.Result¦key¦decision.x-y¦lookups.none¦\
    .a¦[0]¦['x']¦[-1]¦[¦]¦(¦)¦{¦}¦:¦,¦'¦\"¦\\¦1¦0¦2.5¦1e9¦99999999999999999999¦none¦true¦ + ¦ - ¦ * ¦ / ¦ // ¦ % ¦ ** ¦ ~ ¦\
    == ¦ < ¦ in ¦ and ¦ not ¦ if ¦ else ¦ is ¦defined¦=¦$¦ü¦\n¦}}¦${{¦stringify(¦|default('x')¦|upper¦|left(3)¦\
    |pad_left(9,'0')¦|join(',')¦|round(2)¦|int¦|sum¦|from_json¦|replace('','x')¦|truncate(2)¦|odata_date¦\
    |map(attribute='a')¦|first¦|last¦|sort¦|split('x')";

/// Fragments in any order.
fn any_expression() -> impl Strategy<Value = String> {
    let fragment = prop::sample::select(FRAGMENTS.split('¦').collect::<Vec<_>>());
    prop::collection::vec(fragment, 0..12).prop_map(|fragments| fragments.concat())
}

fn any_form() -> impl Strategy<Value = Form> {
    prop::sample::select(vec![Form::Json, Form::Text, Form::UrlPath, Form::Query, Form::Header])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_survives_a_json_string(s in any::<String>()) {
        let event = json!({"data": {"s": s.as_str()}});
        for source in [r#"{"a":"${{event.data.s}}"}"#, r#"{"a":"${{event.data.s | string}}"}"#, r#"{"a":${{event.data.s ~ ''}}}"#] {
            let text = render_with(Form::Json, source, &event).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap()["a"], s.as_str());
        }
    }

    #[test]
    fn any_value_survives_as_json(v in any_json()) {
        let event = json!({"data": {"v": v}});
        for source in [r#"{"a":${{event.data.v}}}"#, r#"{"a":${{event.data.v if true else 1}}}"#] {
            let text = render_with(Form::Json, source, &event).unwrap();
            prop_assert_eq!(&text, &format!("{{\"a\":{v}}}"));
            prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap()["a"], &v);
        }
    }

    #[test]
    fn stringified_values_can_be_read_again(v in any_json()) {
        let event = json!({"data": {"v": v}});
        let text = render_with(Form::Json, r#"{"a":"${{stringify(event.data.v)}}"}"#, &event).unwrap();
        let outer: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::from_str::<Value>(outer["a"].as_str().unwrap()).unwrap(), v);
    }

    #[test]
    fn a_path_segment_stays_one(s in any::<String>()) {
        let event = json!({"data": {"s": s.as_str()}});
        if let Ok(path) = render_with(Form::UrlPath, "/a/${{event.data.s}}/b", &event) {
            let segments: Vec<&str> = path.split('/').collect();
            prop_assert_eq!(segments.len(), 4);
            prop_assert!(path.bytes().all(|b| b.is_ascii_graphic() && !b"?#'\\".contains(&b)));
            prop_assert_eq!(percent_encoding::percent_decode_str(segments[2]).decode_utf8().unwrap(), s.as_str());
        }
    }

    #[test]
    fn no_template_panics(form in any_form(), expressions in prop::collection::vec(any_expression(), 1..3), v in any_json()) {
        let event = json!({"data": {"s": "O'N", "v": v}});
        let source = format!("'${{{{{}}}}}\"", expressions.join("}}\"'${{"));
        let _ = render_with(form, &source, &event);
        let _ = render_with(Form::Text, &format!("${{{{{}}}}}", expressions[0]), &event);
    }

    #[test]
    fn no_text_panics(form in any_form(), source in any::<String>()) {
        let _ = render_with(form, &source, &sample());
        let _ = render_with(form, &format!("${{{{{source}}}}}"), &sample());
    }
}
