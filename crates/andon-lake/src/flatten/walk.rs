//! From a payload to rows.

use andon_model::{IngestId, Reading};
use serde_json::{Number, Value};

use super::node::Node;
use super::schema::{Kind, Known, Schema, elements_path};
use super::{FlattenFault, FlattenLimits};

/// What stands for a payload that is not an object.
pub(super) const WHOLE: &str = "value";

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// Of a column of [`Kind::Boolean`].
    Boolean(bool),
    /// Of a column of [`Kind::Int`].
    Int(i64),
    /// Of a column of [`Kind::Double`].
    Double(f64),
    /// Of a column of [`Kind::String`].
    String(String),
    /// Of a column of [`Kind::Array`]: the join id.
    Array(String),
}

impl Scalar {
    /// The type of the column that it belongs to.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Boolean(_) => Kind::Boolean,
            Self::Int(_) => Kind::Int,
            Self::Double(_) => Kind::Double,
            Self::String(_) => Kind::String,
            Self::Array(_) => Kind::Array,
        }
    }

    /// Whole numbers beyond 64 bits are doubles, as in JSON's own world.
    fn of_number(number: &Number) -> Self {
        number.as_i64().map_or_else(|| Self::Double(number.as_f64().unwrap_or(f64::NAN)), Self::Int)
    }
}

/// A row of one of the schema's tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Position of the table in the schema.
    pub table: usize,
    /// Join id and index, for rows of child tables. The join id is the ingest id; for arrays in arrays the index of
    /// each element above follows, behind dots.
    pub element: Option<(String, i64)>,
    /// Values by position of the column; what is not named is null.
    pub values: Vec<(usize, Scalar)>,
}

/// What a reading became.
#[derive(Debug, Clone, PartialEq)]
pub struct Flat {
    /// The row of the root table first.
    pub rows: Vec<Row>,
    /// Whether tables or columns were added: the schema must be kept before the rows are.
    pub schema_grew: bool,
}

/// Turns readings into rows, in the order of the log.
#[derive(Debug)]
pub struct Flattener {
    known: Known,
    /// What is known of the payloads, by table.
    nodes: Vec<Node>,
}

impl Flattener {
    /// Goes on with the names that `schema` has.
    pub fn new(schema: Schema, limits: FlattenLimits) -> Self {
        let (known, nodes) = Known::new(schema, limits);
        Self { known, nodes }
    }

    /// The tables as they are by now.
    pub const fn schema(&self) -> &Schema {
        &self.known.schema
    }

    /// What is known of the payloads, by table, and the limits.
    pub(super) fn places(&mut self) -> (&mut [Node], FlattenLimits) {
        (&mut self.nodes, self.known.limits)
    }

    /// Marks the places where the time of an event may stand, as far as they are known.
    pub(super) fn mark_time(&mut self, path: &str) {
        if let (Some(root), false) = (self.nodes.first_mut(), path.is_empty()) {
            root.mark_time(path);
        }
    }

    /// The rows of `reading`. After an error the schema is as before.
    pub fn flatten(&mut self, reading: &Reading) -> Result<Flat, FlattenFault> {
        let payload: Value =
            serde_json::from_slice(&reading.payload).map_err(|e| FlattenFault::NotJson(e.to_string()))?;
        let before = self.known.counts();
        match self.rows(reading.id, &payload) {
            Ok(rows) => Ok(Flat { rows, schema_grew: self.known.counts() != before }),
            Err(fault) => {
                if self.known.counts() != before {
                    self.nodes = self.known.back_to(&before);
                }
                Err(fault)
            }
        }
    }

    fn rows(&mut self, id: IngestId, payload: &Value) -> Result<Vec<Row>, FlattenFault> {
        let mut rows = vec![Row { table: 0, element: None, values: Vec::new() }];
        let mut arrays = self.walk_into(&mut rows[0], &[], id.to_string(), payload)?;
        // Breadth first: elements of an array stand together, and the arrays in them follow.
        while !arrays.is_empty() {
            let mut inner = Vec::new();
            for array in arrays {
                self.elements(&mut rows, &mut inner, &array)?;
            }
            arrays = inner;
        }
        Ok(rows)
    }

    fn elements<'a>(
        &mut self,
        rows: &mut Vec<Row>,
        inner: &mut Vec<FoundArray<'a>>,
        array: &FoundArray<'a>,
    ) -> Result<(), FlattenFault> {
        let prefix = elements_path(&array.path);
        for (element, index) in array.elements.iter().zip(0_i64..) {
            let limit = self.known.limits.rows;
            if rows.len() >= limit {
                return Err(FlattenFault::Rows { limit });
            }
            let mut row = Row { table: array.table, element: Some((array.id.clone(), index)), values: Vec::new() };
            inner.extend(self.walk_into(&mut row, &prefix, format!("{}.{index}", array.id), element)?);
            rows.push(row);
        }
        Ok(())
    }

    /// Puts the values of `value` into `row`; `id` is what arrays in it are joined by.
    fn walk_into<'a>(
        &mut self,
        row: &mut Row,
        prefix: &[String],
        id: String,
        value: &'a Value,
    ) -> Result<Vec<FoundArray<'a>>, FlattenFault> {
        let mut node = std::mem::take(&mut self.nodes[row.table]);
        let path = prefix.iter().map(String::as_str).collect();
        let mut walk = Walk { known: &mut self.known, row, path, id, arrays: Vec::new() };
        let done = match (value, prefix) {
            (Value::Object(_), _) | (_, [_, ..]) => walk.value(&mut node, value),
            _ => walk.member(&mut node, WHOLE, value),
        };
        let (table, arrays) = (walk.row.table, walk.arrays);
        self.nodes[table] = node;
        self.nodes.resize_with(self.known.schema.tables.len(), Node::default);
        done.map(|()| arrays)
    }
}

/// An array whose elements become rows.
struct FoundArray<'a> {
    table: usize,
    id: String,
    path: Vec<String>,
    elements: &'a [Value],
}

/// One row's way through a value.
struct Walk<'a: 'p, 'p, 'w> {
    known: &'w mut Known,
    row: &'w mut Row,
    /// From the root of the payload to here.
    path: Vec<&'p str>,
    id: String,
    arrays: Vec<FoundArray<'a>>,
}

impl<'a> Walk<'a, '_, '_> {
    fn value(&mut self, node: &mut Node, value: &'a Value) -> Result<(), FlattenFault> {
        let scalar = match value {
            Value::Null => return Ok(()),
            Value::Object(members) => {
                return members.iter().try_for_each(|(name, value)| self.member(node, name, value));
            }
            Value::Array(elements) => return self.array(node, elements),
            Value::Bool(truth) => Scalar::Boolean(*truth),
            Value::Number(number) => Scalar::of_number(number),
            Value::String(text) => Scalar::String(text.clone()),
        };
        self.put(node, scalar).map(|_| ())
    }

    fn member(&mut self, node: &mut Node, name: &'a str, value: &'a Value) -> Result<(), FlattenFault> {
        let known = node.position(name);
        // Names that never have a value must not fill the memory, nor those for which there is no room.
        if known.is_none() && !has_value(value) {
            return Ok(());
        }
        let position = known.unwrap_or_else(|| node.add(name));
        self.path.push(name);
        let done = self.value(node.at(position), value);
        self.path.pop();
        if done.is_err() && known.is_none() {
            node.forget_last();
        }
        done
    }

    fn array(&mut self, node: &mut Node, elements: &'a [Value]) -> Result<(), FlattenFault> {
        let column = self.put(node, Scalar::Array(self.id.clone()))?;
        let table = self.known.elements((self.row.table, column), node, &self.path)?;
        let path = self.path.iter().map(|&part| part.to_owned()).collect();
        self.arrays.push(FoundArray { table, id: self.id.clone(), path, elements });
        Ok(())
    }

    fn put(&mut self, node: &mut Node, value: Scalar) -> Result<usize, FlattenFault> {
        let column = self.known.column(self.row.table, node, &self.path, value.kind())?;
        self.row.values.push((column, value));
        Ok(column)
    }
}

/// Whether anything in `value` becomes a column.
fn has_value(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(members) => members.values().any(has_value),
        _ => true,
    }
}
