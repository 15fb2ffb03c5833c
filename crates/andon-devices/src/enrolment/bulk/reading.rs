//! Reading a file: its lines become rows.

use std::collections::{BTreeMap, BTreeSet};

use andon_model::{Code, Problem};
use csv::StringRecord;

use super::{BulkRow, MAX_BULK_LINE_BYTES, NumberedRow};
use crate::{Attributes, DeviceName, GroupName, ProfileName};

/// Opens the name of a column that holds an attribute.
const ATTRIBUTE_COLUMN: &str = "attributes.";

/// The columns that there are, for who wrote another.
const COLUMNS: &str = "device, profile, groups, speaks_for, csr, key, and attributes.<name> for each attribute";

/// Between the values of a column that holds several.
const BETWEEN: char = ';';

fn fault(line: u64, code: Code, detail: impl Into<String>) -> Problem {
    Problem::new(code, detail).at(format!("line {line}"))
}

pub(super) fn json_rows(bytes: &[u8]) -> impl Iterator<Item = NumberedRow> + '_ {
    let numbered = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    let filled = numbered.filter(|(_, text)| !text.trim_ascii().is_empty());
    filled.map(|(line, text)| {
        let row = json_row(line, text);
        NumberedRow { line: row.as_ref().ok().and_then(|row| row.line).unwrap_or(line), row }
    })
}

fn json_row(line: u64, text: &[u8]) -> Result<BulkRow, Problem> {
    if text.len() > MAX_BULK_LINE_BYTES {
        return Err(fault(line, Code::TooLarge, format!("{} bytes in one line", text.len())));
    }
    serde_json::from_slice(text).map_err(|error| fault(line, Code::Undecodable, error.to_string()))
}

pub(super) fn csv_rows(bytes: &[u8]) -> impl Iterator<Item = NumberedRow> + '_ {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|error| error.to_string()).and_then(distinct);
    let mut number = 1;
    let mut record = StringRecord::new();
    let unreadable = |line, error: String| NumberedRow { line, row: Err(fault(line, Code::Undecodable, error)) };
    std::iter::from_fn(move || {
        let header = match &header {
            Ok(header) => header,
            Err(error) if number == 1 => {
                number = 0;
                return Some(unreadable(1, error.clone()));
            }
            Err(_) => return None,
        };
        let read = reader.read_record(&mut record);
        let line = record.position().map_or(number + 1, csv::Position::line);
        number = line;
        match read {
            Ok(false) => None,
            Ok(true) => Some(NumberedRow { line, row: csv_record(line, header, &record) }),
            Err(error) => Some(unreadable(line, error.to_string())),
        }
    })
}

/// The names of the columns, each of which stands there once.
fn distinct(header: &StringRecord) -> Result<StringRecord, String> {
    let mut seen = BTreeSet::new();
    match header.iter().find(|name| !seen.insert(*name)) {
        None => Ok(header.clone()),
        Some(twice) => Err(format!("the column {twice:?} stands there twice")),
    }
}

fn csv_record(line: u64, header: &StringRecord, record: &StringRecord) -> Result<BulkRow, Problem> {
    if record.as_slice().len() > MAX_BULK_LINE_BYTES {
        return Err(fault(line, Code::TooLarge, format!("{} bytes in one line", record.as_slice().len())));
    }
    let mut cells = BTreeMap::new();
    let mut attributes = BTreeMap::new();
    for (name, value) in header.iter().zip(record).filter(|(_, value)| !value.is_empty()) {
        match name.strip_prefix(ATTRIBUTE_COLUMN) {
            Some(attribute) => attributes.insert(attribute.to_owned(), value.to_owned()),
            None => cells.insert(name, value.to_owned()),
        };
    }
    csv_row(cells, attributes).map_err(|problem| problem.at(format!("line {line}")))
}

fn csv_row(mut cells: BTreeMap<&str, String>, attributes: BTreeMap<String, String>) -> Result<BulkRow, Problem> {
    let key = cells.remove("key").map(|kind| serde_json::from_value(kind.into())).transpose();
    let row = BulkRow {
        device: cells.remove("device").map(|name| DeviceName::new(&name)).transpose()?,
        profile: cells.remove("profile").map(|name| ProfileName::new(&name)).transpose()?,
        groups: several(cells.remove("groups"), GroupName::new)?,
        attributes: Attributes::try_from(attributes)?,
        on_behalf_of: several(cells.remove("speaks_for"), DeviceName::new)?,
        csr: cells.remove("csr"),
        key: key.map_err(|error| Problem::new(Code::DeviceValue, error.to_string()))?,
        ..BulkRow::default()
    };
    match cells.keys().next() {
        None => Ok(row),
        Some(unknown) => {
            Err(Problem::new(Code::Undecodable, format!("there is no column {unknown:?}; there are {COLUMNS}")))
        }
    }
}

fn several<T: Ord, E>(cell: Option<String>, read: fn(&str) -> Result<T, E>) -> Result<BTreeSet<T>, E> {
    let cell = cell.unwrap_or_default();
    cell.split(BETWEEN).map(str::trim).filter(|name| !name.is_empty()).map(read).collect()
}
