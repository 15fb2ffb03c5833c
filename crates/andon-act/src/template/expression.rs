//! One compiled expression: a path (by far the most frequent), the JSON text of a path, or anything
//! that the template engine computes.

use std::borrow::Cow;
use std::sync::Arc;

use andon_model::Code;
use minijinja::value::Object;
use minijinja::{Error, ErrorKind};
use serde_json::Value;

use super::Scope;
use super::environment::ENVIRONMENT;
use super::path::Path;
use super::pieces::Fault;
use super::slot::json_of;
use super::translate::{Translation, translate};

/// Most characters of the engine's own words in an error: they may quote the event.
const MAX_DETAIL_CHARS: usize = 200;

/// A compiled expression.
pub(super) struct Expression {
    kind: Kind,
    paths: Vec<Path>,
}

enum Kind {
    /// The value at the only path, as it is.
    Path,
    /// The JSON text of the value at the only path.
    Stringify,
    /// Computed by the engine.
    Computed(minijinja::Expression<'static, 'static>),
}

/// Why there is no value, and what kind of problem that is.
pub(super) type Failure = (Code, String);

impl Expression {
    /// Compiles `source`.
    pub(super) fn compile(source: &str) -> Result<Self, Fault> {
        if source.trim().is_empty() {
            return Err(Fault::new(0, "the expression is empty"));
        }
        let Translation { text, paths } = translate(source)?;
        let kind =
            match text.trim() {
                "v0" => Kind::Path,
                "stringify(v0)" => Kind::Stringify,
                _ => Kind::Computed(ENVIRONMENT.compile_expression_owned(text).map_err(|error| {
                    Fault::new(0, format!("{:?} cannot be read: {}", source.trim(), describe(&error)))
                })?),
            };
        Ok(Self { kind, paths })
    }

    /// The paths that it names.
    pub(super) fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// Whether it is a path and nothing else.
    pub(super) fn is_path(&self) -> bool {
        matches!(self.kind, Kind::Path)
    }

    /// Its value.
    pub(super) fn evaluate<'a>(&self, scope: &'a Scope<'_>) -> Result<Cow<'a, Value>, Failure> {
        match &self.kind {
            Kind::Path => self.only_path(scope).map(Cow::Borrowed),
            Kind::Stringify => self.only_path(scope).map(|value| Cow::Owned(Value::String(json_of(value)))),
            Kind::Computed(expression) => {
                let variables = Variables(self.paths.iter().map(|path| Variable::resolve(scope, path)).collect());
                let value =
                    expression.eval(minijinja::Value::from_object(variables)).map_err(|error| failure(&error))?;
                from_engine(&value).map(Cow::Owned)
            }
        }
    }

    fn only_path<'a>(&self, scope: &'a Scope<'_>) -> Result<&'a Value, Failure> {
        let Some(path) = self.paths.first() else { return Err((Code::Internal, "an expression lost its path".into())) };
        scope.resolve(path).map_err(|what| (Code::MissingPath, what))
    }
}

/// The values of an expression's paths, by the numbered names that the translation gave them.
#[derive(Debug)]
struct Variables(Vec<Variable>);

#[derive(Debug)]
enum Variable {
    Found(minijinja::Value),
    Missing(String),
}

impl Variable {
    fn resolve(scope: &Scope<'_>, path: &Path) -> Self {
        scope.resolve(path).map_or_else(Self::Missing, |value| Self::Found(to_engine(value)))
    }
}

impl Object for Variables {
    /// A missing value is an error where it is used, unless the template provides for it (`u`).
    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<minijinja::Value> {
        let (kind, number) = name.split_at_checked(1)?;
        match self.0.get(number.parse::<usize>().ok()?)? {
            Variable::Found(value) => Some(value.clone()),
            Variable::Missing(_) if kind == "u" => Some(minijinja::Value::UNDEFINED),
            Variable::Missing(what) => Some(Error::new(ErrorKind::UndefinedError, what.clone()).into()),
        }
    }
}

fn failure(error: &Error) -> Failure {
    if error.kind() == ErrorKind::UndefinedError {
        return (Code::MissingPath, error.detail().unwrap_or("a computed part of the expression has no value").into());
    }
    (Code::BadBody, describe(error))
}

fn describe(error: &Error) -> String {
    let text = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    text.chars().take(MAX_DETAIL_CHARS).collect()
}

/// JSON as the engine's value.
pub(super) fn to_engine(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(b) => (*b).into(),
        Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(i), _) => i.into(),
            (None, Some(u)) => u.into(),
            (None, None) => n.as_f64().unwrap_or(f64::NAN).into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(entries) => entries.iter().map(to_engine).collect(),
        Value::Object(members) => {
            minijinja::Value::from_pairs(members.iter().map(|(key, value)| (key.as_str(), to_engine(value))))
        }
    }
}

/// The engine's value as JSON.
fn from_engine(value: &minijinja::Value) -> Result<Value, Failure> {
    if value.is_undefined() {
        let what = "the expression has no value: give an if its else, or use default(…)";
        return Err((Code::MissingPath, what.into()));
    }
    if let Some(text) = value.as_str() {
        return Ok(Value::String(text.to_owned()));
    }
    if value.is_number() && !value.is_integer() && !f64::try_from(value.clone()).is_ok_and(f64::is_finite) {
        return Err((Code::BadBody, "the result is not a finite number".into()));
    }
    serde_json::to_value(value).map_err(|error| (Code::BadBody, error.to_string()))
}
