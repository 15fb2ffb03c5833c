//! What every expression is evaluated in: the names of the language and what they stand for.

use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior, filters, tests};

use super::filters as own;

/// The filters, by name.
pub(super) const FILTERS: &[&str] = &[
    "abs",
    "bool",
    "count",
    "d",
    "default",
    "first",
    "float",
    "from_json",
    "int",
    "join",
    "last",
    "left",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "odata_date",
    "odata_day",
    "odata_time",
    "pad_left",
    "rejectattr",
    "replace",
    "round",
    "selectattr",
    "sort",
    "split",
    "string",
    "sum",
    "trim",
    "truncate",
    "unique",
    "upper",
];

/// The tests (`is …`), by name.
pub(super) const TESTS: &[&str] = &[
    "defined",
    "endingwith",
    "even",
    "false",
    "integer",
    "mapping",
    "none",
    "number",
    "odd",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
];

/// What every expression is evaluated in. It has no loader, no state and no access to anything.
pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_debug(false);
    add_engine_filters(&mut environment);
    add_own_filters(&mut environment);
    add_tests(&mut environment);
    environment
});

fn add_engine_filters(environment: &mut Environment<'static>) {
    environment.add_filter("abs", filters::abs);
    environment.add_filter("bool", filters::bool);
    environment.add_filter("count", filters::length);
    environment.add_filter("d", filters::default);
    environment.add_filter("default", filters::default);
    environment.add_filter("first", filters::first);
    environment.add_filter("float", filters::float);
    environment.add_filter("int", filters::int);
    environment.add_filter("last", filters::last);
    environment.add_filter("length", filters::length);
    environment.add_filter("list", filters::list);
    environment.add_filter("map", filters::map);
    environment.add_filter("max", filters::max);
    environment.add_filter("min", filters::min);
    environment.add_filter("rejectattr", filters::rejectattr);
    environment.add_filter("round", filters::round);
    environment.add_filter("selectattr", filters::selectattr);
    environment.add_filter("sort", filters::sort);
    environment.add_filter("split", filters::split);
    environment.add_filter("sum", filters::sum);
    environment.add_filter("unique", filters::unique);
}

fn add_own_filters(environment: &mut Environment<'static>) {
    environment.add_filter("from_json", own::from_json);
    environment.add_filter("join", own::join);
    environment.add_filter("left", own::left);
    environment.add_filter("lower", own::lower);
    environment.add_filter("odata_date", own::odata_date);
    environment.add_filter("odata_day", own::odata_day);
    environment.add_filter("odata_time", own::odata_time);
    environment.add_filter("pad_left", own::pad_left);
    environment.add_filter("replace", own::replace);
    environment.add_filter("string", own::string);
    environment.add_filter("trim", own::trim);
    environment.add_filter("truncate", own::truncate);
    environment.add_filter("upper", own::upper);
    environment.add_filter("_number", own::number);
    environment.add_filter("_text", own::operand_of_concat);
    environment.add_function("stringify", own::json);
}

fn add_tests(environment: &mut Environment<'static>) {
    environment.add_test("defined", tests::is_defined);
    environment.add_test("endingwith", tests::is_endingwith);
    environment.add_test("even", tests::is_even);
    environment.add_test("false", tests::is_false);
    environment.add_test("integer", tests::is_integer);
    environment.add_test("mapping", tests::is_mapping);
    environment.add_test("none", tests::is_none);
    environment.add_test("number", tests::is_number);
    environment.add_test("odd", tests::is_odd);
    environment.add_test("sequence", tests::is_sequence);
    environment.add_test("startingwith", tests::is_startingwith);
    environment.add_test("string", tests::is_string);
    environment.add_test("true", tests::is_true);
    environment.add_test("undefined", tests::is_undefined);
    // Named in the arguments of `selectattr` and `rejectattr`.
    environment.add_test("eq", tests::is_eq);
    environment.add_test("ge", tests::is_ge);
    environment.add_test("gt", tests::is_gt);
    environment.add_test("in", tests::is_in);
    environment.add_test("le", tests::is_le);
    environment.add_test("lt", tests::is_lt);
    environment.add_test("ne", tests::is_ne);
}

#[cfg(test)]
mod tests_of_names {
    use minijinja::ErrorKind;
    use minijinja::value::Value;

    use super::*;

    #[test]
    fn every_name_is_registered() {
        for name in FILTERS {
            let failed =
                ENVIRONMENT.compile_expression_owned(format!("1|{name}")).expect("well-formed").eval(Value::UNDEFINED);
            assert_ne!(failed.err().map(|e| e.kind()), Some(ErrorKind::UnknownFilter), "{name}");
        }
        for name in TESTS {
            let failed = ENVIRONMENT
                .compile_expression_owned(format!("1 is {name}"))
                .expect("well-formed")
                .eval(Value::UNDEFINED);
            assert_ne!(failed.err().map(|e| e.kind()), Some(ErrorKind::UnknownTest), "{name}");
        }
    }
}
