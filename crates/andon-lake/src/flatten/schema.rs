//! The tables and columns that there are, in the order in which they appeared.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::names::{self, MAX_NAME_BYTES};
use super::node::Node;
use super::{FlattenFault, FlattenLimits};

/// Columns that every row of the root table has, beside those of the payload.
pub(super) const OF_ROOT: [&str; 8] = ["ingest_id", "ts", "topic", "device", "year", "month", "day", "hour"];

/// Columns that every row of a child table has.
pub(super) const OF_CHILD: [&str; 7] = ["id", "index", "ingest_id", "year", "month", "day", "hour"];

/// What stands for the elements of an array in paths.
const ELEMENT: &str = "val";

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A whole number of 64 bits, signed.
    Int,
    /// Any other number.
    Double,
    /// Text.
    String,
    /// A join id (text): the rows of a child table with this `id` are the array's elements.
    Array,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [Self::Boolean, Self::Int, Self::Double, Self::String, Self::Array];

    /// What stands behind the plain name.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Double => "double",
            Self::String => "string",
            Self::Array => "array",
        }
    }
}

/// A column that a payload gave rise to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name, unique in the table.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// The members that lead to it, as devices spell them, from the root of the payload.
    pub path: Vec<String>,
}

/// A table: the root, or one for the elements of an array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name, unique.
    pub name: String,
    /// The table with the array and the array's column there, both as positions; `None` for the root.
    pub parent: Option<(usize, usize)>,
    /// Its columns, beside the fixed ones.
    pub columns: Vec<Column>,
}

/// Every table; the root comes first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Version of the format: 1.
    v: u8,
    /// The tables, in order of first appearance.
    pub tables: Vec<Table>,
}

impl Schema {
    /// Only the root table, without columns.
    pub fn new(root: &str) -> Self {
        Self { v: 1, tables: vec![Table { name: root.to_owned(), parent: None, columns: Vec::new() }] }
    }
}

/// The schema with what makes looking up quick.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) schema: Schema,
    pub(super) limits: FlattenLimits,
    columns_taken: Vec<HashSet<String>>,
    tables_taken: HashSet<String>,
}

impl Known {
    /// With the places that `schema` knows, by table.
    pub(super) fn new(schema: Schema, limits: FlattenLimits) -> (Self, Vec<Node>) {
        let taken = |table: &Table| {
            let fixed: &[&str] = if table.parent.is_some() { &OF_CHILD } else { &OF_ROOT };
            let fixed = fixed.iter().map(|name| (*name).to_owned());
            fixed.chain(table.columns.iter().map(|c| c.name.clone())).collect()
        };
        let columns_taken = schema.tables.iter().map(taken).collect();
        let tables_taken = schema.tables.iter().map(|t| t.name.clone()).collect();
        let nodes = nodes(&schema);
        (Self { schema, limits, columns_taken, tables_taken }, nodes)
    }

    /// The column for values of `kind` at `node`, whose path from the root of the payload is `path`.
    pub(super) fn column(
        &mut self,
        table: usize,
        node: &mut Node,
        path: &[&str],
        kind: Kind,
    ) -> Result<usize, FlattenFault> {
        if let Some(column) = node.columns[kind as usize] {
            return Ok(column);
        }
        let Table { name, columns, .. } = &mut self.schema.tables[table];
        let limit = self.limits.columns;
        if columns.len() >= limit {
            return Err(FlattenFault::Columns { table: name.clone(), limit, path: path.join(".") });
        }
        let is_first = node.columns.iter().all(Option::is_none);
        let suffix = (!is_first).then(|| kind.suffix());
        let name = names::of_path(path.iter().copied().chain(suffix));
        let name = names::unique(short(name, path)?, &self.columns_taken[table]);
        self.columns_taken[table].insert(name.clone());
        columns.push(Column { name, kind, path: path.iter().map(|&part| part.to_owned()).collect() });
        node.columns[kind as usize] = Some(columns.len() - 1);
        Ok(columns.len() - 1)
    }

    /// The table for the elements of the array at `node`, whose column is `column` of `parent`.
    pub(super) fn elements(
        &mut self,
        (parent, column): (usize, usize),
        node: &mut Node,
        path: &[&str],
    ) -> Result<usize, FlattenFault> {
        if let Some(table) = node.elements {
            return Ok(table);
        }
        let limit = self.limits.tables;
        if self.schema.tables.len() >= limit {
            return Err(FlattenFault::Tables { limit, path: path.join(".") });
        }
        let name = format!("{}_{}", self.schema.tables[0].name, names::of_path(path.iter().copied()));
        let name = names::unique(short(name, path)?, &self.tables_taken);
        self.tables_taken.insert(name.clone());
        self.columns_taken.push(OF_CHILD.iter().map(|name| (*name).to_owned()).collect());
        self.schema.tables.push(Table { name, parent: Some((parent, column)), columns: Vec::new() });
        node.elements = Some(self.schema.tables.len() - 1);
        Ok(self.schema.tables.len() - 1)
    }

    /// Forgets tables and columns beyond those that were there; gives the places that are left.
    pub(super) fn back_to(&mut self, columns: &[usize]) -> Vec<Node> {
        let mut schema = self.schema.clone();
        schema.tables.truncate(columns.len());
        for (table, columns) in schema.tables.iter_mut().zip(columns) {
            table.columns.truncate(*columns);
        }
        let (known, nodes) = Self::new(schema, self.limits);
        *self = known;
        nodes
    }

    /// How many columns each table has.
    pub(super) fn counts(&self) -> Vec<usize> {
        self.schema.tables.iter().map(|table| table.columns.len()).collect()
    }
}

fn short(name: String, path: &[&str]) -> Result<String, FlattenFault> {
    // Room for what makes it unique.
    let limit = MAX_NAME_BYTES - 8;
    if name.len() <= limit {
        return Ok(name);
    }
    let path = path.join(".").chars().take(40).collect();
    Err(FlattenFault::Name { path, bytes: name.len(), limit })
}

/// The path that the elements of a table have, from the root of the payload.
pub(super) fn elements_path(array: &[String]) -> Vec<String> {
    array.iter().cloned().chain([ELEMENT.to_owned()]).collect()
}

fn nodes(schema: &Schema) -> Vec<Node> {
    let mut nodes: Vec<Node> = schema.tables.iter().map(|_| Node::default()).collect();
    for (table, node) in schema.tables.iter().zip(&mut nodes) {
        let skip = prefix_len(schema, table);
        for (position, column) in table.columns.iter().enumerate() {
            place(node, column.path.get(skip..).unwrap_or_default()).columns[column.kind as usize] = Some(position);
        }
    }
    for (position, table) in schema.tables.iter().enumerate() {
        let Some((parent, column)) = table.parent else { continue };
        let Some(array) = schema.tables.get(parent).and_then(|t| t.columns.get(column)) else { continue };
        let skip = prefix_len(schema, &schema.tables[parent]);
        place(&mut nodes[parent], array.path.get(skip..).unwrap_or_default()).elements = Some(position);
    }
    nodes
}

/// How many members of a column's path lead to the table itself.
fn prefix_len(schema: &Schema, table: &Table) -> usize {
    let array = table.parent.and_then(|(parent, column)| schema.tables.get(parent)?.columns.get(column));
    array.map_or(0, |array| array.path.len() + 1)
}

fn place<'a>(node: &'a mut Node, path: &[String]) -> &'a mut Node {
    path.iter().fold(node, |node, member| {
        let position = node.position(member).unwrap_or_else(|| node.add(member));
        node.at(position)
    })
}
