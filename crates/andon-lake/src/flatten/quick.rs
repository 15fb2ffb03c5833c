//! The short way: a payload whose places are all known goes from its text straight into columns.
//!
//! **Constraints.** The schema is not touched, and no tree of the payload is built. Whatever the schema does not know
//! yet, an object that has a member twice, a limit that is reached, text that is not JSON: this way gives up, and the
//! other, which knows all names and faults, is taken with the same reading. So both need not agree on anything but what
//! is known, and there a test holds them together.
//!
//! **Life of a value.** The parser hands it over where it stands; the place is found by the order of members, as it was
//! the last time, and knows its column.

use std::fmt::{self, Write as _};

use andon_model::{IngestId, Timestamp};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::cells::{Cell, TableCells};
use super::event_time;
use super::node::Node;
use super::walk::WHOLE;

/// Where a reading goes, and how far its way has come.
pub(super) struct Quick<'w> {
    pub(super) tables: &'w mut [TableCells],
    pub(super) nodes: &'w mut [Node],
    /// Rows that the reading may still give, beside that of the root table.
    pub(super) rows_left: usize,
    /// Counts rows, for ever.
    pub(super) stamp: &'w mut u64,
    /// The reading's position in the batch, and its id.
    pub(super) reading: (u32, IngestId),
    /// The time of the event, where it is one.
    pub(super) time: Option<Timestamp>,
    /// Whether a place was met where it stands. A second one needs the other way: the first of them counts.
    pub(super) met_time: bool,
    /// What arrays are joined by that stand in the row being filled; empty until there is one.
    pub(super) join: &'w mut String,
}

/// The row that is being filled.
#[derive(Clone, Copy)]
struct Place {
    table: usize,
    row: u32,
    stamp: u64,
}

impl Quick<'_> {
    /// Puts the payload into the tables. `None`: the other way must be taken, and what was put is to be taken back.
    pub(super) fn take(&mut self, payload: &[u8]) -> Option<()> {
        // Checked once for all, the texts in it need not be checked one by one.
        let mut json = serde_json::Deserializer::from_str(std::str::from_utf8(payload).ok()?);
        let is_object = payload.trim_ascii_start().starts_with(b"{");
        let mut root = std::mem::take(self.nodes.first_mut()?);
        self.join.clear();
        let place = self.begin(0, None);
        let done = if is_object {
            At { quick: self, node: &mut root, place }.deserialize(&mut json).ok()
        } else {
            self.whole(&mut root, place, &mut json)
        };
        self.nodes[0] = root;
        done?;
        json.end().ok()
    }

    fn whole<'de>(&mut self, root: &mut Node, place: Place, json: impl Deserializer<'de>) -> Option<()> {
        let position = root.position(WHOLE)?;
        At { quick: self, node: root.at(position), place }.deserialize(json).ok()
    }

    fn begin(&mut self, table: usize, index: Option<i64>) -> Place {
        *self.stamp += 1;
        let element = index.map(|index| (self.join.as_str(), index));
        Place { table, row: self.tables[table].begin(self.reading.0, element), stamp: *self.stamp }
    }

    fn put(&mut self, node: &Node, place: Place, cell: Cell<'_>) -> Option<()> {
        let column = node.columns[cell.kind() as usize]?;
        if node.is_time {
            if std::mem::replace(&mut self.met_time, true) {
                return None;
            }
            self.time = event_time::of_cell(cell);
        }
        self.tables[place.table].put(place.row, column, cell);
        Some(())
    }

    /// Puts the join id of an array, and returns the table of its elements.
    fn array(&mut self, node: &Node, place: Place) -> Option<usize> {
        let column = node.columns[super::Kind::Array as usize]?;
        if self.join.is_empty() {
            let _ = write!(self.join, "{}", self.reading.1);
        }
        self.tables[place.table].put(place.row, column, Cell::Array(self.join));
        node.elements
    }

    fn elements<'de, A: SeqAccess<'de>>(&mut self, table: usize, mut elements: A) -> Result<(), A::Error> {
        let mut node = std::mem::take(&mut self.nodes[table]);
        let mut index = 0;
        let done = loop {
            match elements.next_element_seed(Element { quick: self, node: &mut node, table, index }) {
                Ok(Some(())) => index += 1,
                Ok(None) => break Ok(()),
                Err(e) => break Err(e),
            }
        };
        self.nodes[table] = node;
        done
    }
}

/// Nothing is told: the other way says what is the matter.
fn give_up<E: serde::de::Error>() -> E {
    E::custom(String::new())
}

/// A value at a place that is known.
struct At<'a, 'w> {
    quick: &'a mut Quick<'w>,
    node: &'a mut Node,
    place: Place,
}

impl At<'_, '_> {
    fn put<E: serde::de::Error>(self, cell: Cell<'_>) -> Result<(), E> {
        self.quick.put(self.node, self.place, cell).ok_or_else(give_up)
    }

    /// The value of the member whose name came last.
    fn member<'de, A: MapAccess<'de>>(&mut self, known: Option<usize>, members: &mut A) -> Result<(), A::Error> {
        let Some(position) = known else { return members.next_value_seed(Nothing) };
        let node = self.node.at(position);
        if node.met == self.place.stamp {
            return Err(give_up());
        }
        node.met = self.place.stamp;
        members.next_value_seed(At { quick: self.quick, node, place: self.place })
    }
}

impl<'de> DeserializeSeed<'de> for At<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, truth: bool) -> Result<(), E> {
        self.put(Cell::Boolean(truth))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.put(Cell::Int(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.put(i64::try_from(number).map_or(Cell::Double(number as f64), Cell::Int))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<(), E> {
        self.put(Cell::Double(number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.put(Cell::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<(), A::Error> {
        let table = self.quick.array(self.node, self.place).ok_or_else(give_up)?;
        self.quick.elements(table, elements)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        while let Some(known) = members.next_key_seed(Name(self.node))? {
            self.member(known, &mut members)?;
        }
        Ok(())
    }
}

/// An element of an array: a row of its own.
struct Element<'a, 'w> {
    quick: &'a mut Quick<'w>,
    node: &'a mut Node,
    table: usize,
    index: i64,
}

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        let Self { quick, node, table, index } = self;
        quick.rows_left = quick.rows_left.checked_sub(1).ok_or_else(|| D::Error::custom(""))?;
        let place = quick.begin(table, Some(index));
        let len = quick.join.len();
        let _ = write!(quick.join, ".{index}");
        At { quick: &mut *quick, node, place }.deserialize(json)?;
        quick.join.truncate(len);
        Ok(())
    }
}

/// The name of a member: where it is.
struct Name<'a>(&'a Node);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<usize>, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.position(name))
    }
}

/// Below a member that is not known: only what is no value can be passed over.
struct Nothing;

impl<'de> DeserializeSeed<'de> for Nothing {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nothing {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key::<serde::de::IgnoredAny>()?.is_some() {
            members.next_value_seed(Self)?;
        }
        Ok(())
    }
}
