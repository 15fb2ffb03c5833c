//! Checks a body against the field facts and takes it into a row.

use http::StatusCode;
use serde_json::{Map, Value};

use super::cell::Cell;
use super::config::NotCreatable;
use super::dialect::Dialect;
use super::failure::Failure;
use super::fields::{EntityType, Field};
use super::row::Row;

/// Most children in one collection.
const MAX_CHILDREN: usize = 500;

/// What the body is for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// A new entity.
    Create(&'a NotCreatable),
    /// Changing an existing one.
    Change,
}

/// The properties of a body: the object itself or what is wrapped in `{"d":{…}}`.
pub(crate) fn properties(body: &Value) -> Result<&Map<String, Value>, Failure> {
    let Value::Object(outer) = body else { return Err(Failure::malformed("The request body is not a JSON object")) };
    match outer.get("d") {
        Some(Value::Object(inner)) if outer.len() == 1 => Ok(inner),
        _ => Ok(outer),
    }
}

/// A new row from a body.
pub(crate) fn create(
    kind: &'static EntityType,
    dialect: Dialect,
    body: &Map<String, Value>,
    policy: &NotCreatable,
) -> Result<Row, Failure> {
    let mut row = Row::new(kind);
    take(&mut row, dialect, body, Purpose::Create(policy))?;
    match kind.fields.iter().find(|field| field.required && row.text(field.name).is_empty()) {
        Some(missing) => Err(mandatory(missing)),
        None => Ok(row),
    }
}

/// Takes the properties of a body into a row.
pub(crate) fn take(
    row: &mut Row,
    dialect: Dialect,
    body: &Map<String, Value>,
    purpose: Purpose<'_>,
) -> Result<(), Failure> {
    for (name, value) in body.iter().filter(|(name, _)| *name != "__metadata" && !name.starts_with('@')) {
        match row.kind.position(name) {
            Some(position) => take_field(row, dialect, position, value, purpose)?,
            None => take_children(row, dialect, name, value, purpose)?,
        }
    }
    Ok(())
}

fn take_field(
    row: &mut Row,
    dialect: Dialect,
    position: u8,
    value: &Value,
    purpose: Purpose<'_>,
) -> Result<(), Failure> {
    let field = row.kind.field(position);
    if !allowed(field, purpose)? {
        return Ok(());
    }
    let misfit = |what| Failure::malformed(format!("The value of property '{}' {what}", field.name));
    let cell = dialect.read(field, value).map_err(misfit)?;
    if field.required && matches!(purpose, Purpose::Change) && is_blank(cell.as_ref()) {
        return Err(mandatory(field));
    }
    row.put(position, cell);
    Ok(())
}

fn allowed(field: &Field, purpose: Purpose<'_>) -> Result<bool, Failure> {
    let reject = |what: &str| Err(Failure::malformed(format!("Property '{}' is read-only: {what}", field.name)));
    match purpose {
        Purpose::Create(_) if field.creatable => Ok(true),
        Purpose::Create(NotCreatable::Ignore) => Ok(false),
        Purpose::Create(NotCreatable::RejectExcept(ignored)) if ignored.contains(field.name) => Ok(false),
        Purpose::Create(NotCreatable::RejectExcept(_)) => reject("it cannot be set on create"),
        Purpose::Change if field.updatable => Ok(true),
        Purpose::Change => reject("it cannot be changed"),
    }
}

fn take_children(
    row: &mut Row,
    dialect: Dialect,
    name: &str,
    value: &Value,
    purpose: Purpose<'_>,
) -> Result<(), Failure> {
    let Some(at) = row.kind.navigation(name) else {
        return Err(Failure::malformed(format!("Property '{name}' is invalid for {}", row.kind.name)));
    };
    let Purpose::Create(policy) = purpose else {
        return Err(Failure::framework(StatusCode::NOT_IMPLEMENTED, "A change cannot carry children"));
    };
    let navigation = &row.kind.navigations[at];
    let children = if navigation.single { std::slice::from_ref(value) } else { collection(dialect, name, value)? };
    for child in children {
        let Value::Object(child) = child else { return Err(not_a_collection(name)) };
        row.children[at].push(create(navigation.target, dialect, child, policy)?);
    }
    Ok(())
}

/// A collection is written as an array or, in V2, as `{"results":[…]}`.
fn collection<'a>(dialect: Dialect, name: &str, value: &'a Value) -> Result<&'a [Value], Failure> {
    let list = match value {
        Value::Array(list) => list,
        Value::Object(object) if dialect == Dialect::V2 => {
            object.get("results").and_then(Value::as_array).ok_or_else(|| not_a_collection(name))?
        }
        _ => return Err(not_a_collection(name)),
    };
    if list.len() > MAX_CHILDREN {
        return Err(Failure::malformed(format!("'{name}' holds more than {MAX_CHILDREN} entities")));
    }
    Ok(list)
}

fn not_a_collection(name: &str) -> Failure {
    Failure::malformed(format!("'{name}' is not a list of entities, plain or under results"))
}

fn mandatory(field: &Field) -> Failure {
    Failure::application("IM/302", format!("Enter a value for the mandatory field {}", field.name), field.name)
}

fn is_blank(cell: Option<&Cell>) -> bool {
    match cell {
        Some(Cell::Text(text)) => text.is_empty(),
        other => other.is_none(),
    }
}
