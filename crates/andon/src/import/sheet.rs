//! CSV as spreadsheets and CAP write it: separated by semicolon, comma or tab, with a header.

use std::sync::Arc;

use super::encoding;
use super::report::Note;

/// Most rows of one file.
const MAX_ROWS: usize = 20_000;
/// Most columns.
const MAX_COLUMNS: usize = 200;
/// Longest cell, in bytes: as long as a template may be.
const MAX_CELL_BYTES: usize = 256 * 1024;

/// A table with a header.
#[derive(Debug)]
pub(super) struct Sheet {
    /// The file's label.
    pub(super) file: Arc<str>,
    /// Names of the columns, trimmed.
    pub(super) header: Vec<String>,
    /// The rows that have as many cells as the header.
    pub(super) rows: Vec<Row>,
}

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    /// Line of the file where it begins, counted from 1.
    pub(super) line: u64,
    /// Its cells, as written.
    pub(super) cells: Vec<String>,
}

impl Sheet {
    /// Where a row stands.
    pub(super) fn row_place(&self, row: &Row) -> String {
        format!("{} line {}", self.file, row.line)
    }

    /// Where a cell stands.
    pub(super) fn cell_place(&self, row: &Row, column: usize) -> String {
        let name = self.header.get(column).map_or("", String::as_str);
        format!("{} line {} column {name}", self.file, row.line)
    }
}

/// Reads a file. Rows that cannot be read are told to `faults` and left out; `None` when there is no header.
pub(super) fn read(file: &Arc<str>, bytes: &[u8], faults: &mut Vec<Note>) -> Option<Sheet> {
    // With one kind of line end the reader's positions are the beginnings of records.
    let text = encoding::text(file, bytes).map_err(|note| faults.push(note)).ok()?.replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new().delimiter(separator(&text)).flexible(true).from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().ok()?.iter().map(|name| name.trim().to_owned()).collect();
    if header.len() > MAX_COLUMNS || header.iter().all(String::is_empty) {
        let what = format!("a header of 1 to {MAX_COLUMNS} columns is expected, this has {}", header.len());
        faults.push(Note::at(format!("{file} line 1"), what));
        return None;
    }
    let mut sheet = Sheet { file: file.clone(), header, rows: Vec::new() };
    let mut lines = Lines { text: &text, at: 0, line: 1 };
    for record in reader.records() {
        if sheet.rows.len() == MAX_ROWS {
            faults.push(Note::at(&**file, format!("only the first {MAX_ROWS} rows were read")));
            break;
        }
        match row(&sheet, &mut lines, record) {
            Ok(row) => sheet.rows.push(row),
            Err(note) => faults.push(note),
        }
    }
    Some(sheet)
}

/// Tells lines of ascending positions.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the record that begins at a position, which may be that of empty lines before it.
    fn line_at(&mut self, position: Option<&csv::Position>) -> u64 {
        let bytes = self.text.as_bytes();
        let mut end =
            position.and_then(|p| usize::try_from(p.byte()).ok()).unwrap_or(self.at).clamp(self.at, bytes.len());
        end += bytes[end..].iter().take_while(|byte| **byte == b'\n').count();
        let passed = self.text.get(self.at..end).unwrap_or_default();
        self.line += passed.split('\n').skip(1).map(|_| 1).sum::<u64>();
        self.at = end;
        self.line
    }
}

fn row(sheet: &Sheet, lines: &mut Lines<'_>, record: Result<csv::StringRecord, csv::Error>) -> Result<Row, Note> {
    let record = record.map_err(|error| Note::at(&*sheet.file, error.to_string()))?;
    let row = Row { line: lines.line_at(record.position()), cells: record.iter().map(str::to_owned).collect() };
    if row.cells.len() != sheet.header.len() {
        let what = format!("{} cells where the header has {}", row.cells.len(), sheet.header.len());
        return Err(Note::at(sheet.row_place(&row), what));
    }
    match row.cells.iter().position(|cell| cell.len() > MAX_CELL_BYTES) {
        Some(column) => {
            let what = format!("the cell has more than {MAX_CELL_BYTES} bytes");
            Err(Note::at(sheet.cell_place(&row, column), what))
        }
        None => Ok(row),
    }
}

/// The separator that the header uses most; a comma when it has one column.
fn separator(text: &str) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0usize), (b';', 0), (b'\t', 0)];
    for byte in text.bytes().take_while(|b| *b != b'\n') {
        quoted ^= byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(candidate, _)| !quoted && *candidate == byte) {
            *count += 1;
        }
    }
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(byte, _)| *byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &[u8], header: &[&str], rows: &[(u64, &[&str])], faults: &[&str]) {
        let mut found = Vec::new();
        let sheet = read(&"x.csv".into(), text, &mut found);
        let told: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(told, faults, "{:?}", String::from_utf8_lossy(text));
        let Some(sheet) = sheet else { return assert!(header.is_empty()) };
        let cells: Vec<(u64, Vec<&str>)> =
            sheet.rows.iter().map(|r| (r.line, r.cells.iter().map(String::as_str).collect())).collect();
        let expect: Vec<(u64, Vec<&str>)> = rows.iter().map(|(line, cells)| (*line, cells.to_vec())).collect();
        assert_eq!((sheet.header, cells), (header.iter().map(|h| (*h).to_owned()).collect(), expect));
    }

    #[test]
    fn separators_and_quotes_are_told_apart() {
        check(b"ID;name\n1;a, b\n", &["ID", "name"], &[(2, &["1", "a, b"])], &[]);
        check(
            b"\xef\xbb\xbfID,name\r\n1,\"x\ny\"\r\n2,\"q\"\"q\"\r\n",
            &["ID", "name"],
            &[(2, &["1", "x\ny"]), (4, &["2", "q\"q"])],
            &[],
        );
        check(b"\"a;b\",c\n1,2\n", &["a;b", "c"], &[(2, &["1", "2"])], &[]);
        check(b"a;b\r\n\r\n1;2\r\n", &["a", "b"], &[(3, &["1", "2"])], &[]);
        check(b"a\tb\n1\t2", &["a", "b"], &[(2, &["1", "2"])], &[]);
        check(b"only\nx\n", &["only"], &[(2, &["x"])], &[]);
    }

    #[test]
    fn bad_rows_are_named_and_left_out() {
        check(b"a;b\n1\n2;3\n", &["a", "b"], &[(3, &["2", "3"])], &["x.csv line 2: 1 cells where the header has 2"]);
        check(b"a;b\n\xff;1\n", &[], &[], &["x.csv line 2: the file is not UTF-8; save it as CSV UTF-8"]);
        check(b"", &[], &[], &["x.csv line 1: a header of 1 to 200 columns is expected, this has 0"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut faults = Vec::new();
            if let Some(sheet) = read(&"x.csv".into(), &bytes, &mut faults) {
                prop_assert!(sheet.rows.iter().all(|row| row.cells.len() == sheet.header.len()));
            } else {
                prop_assert_eq!(faults.len(), 1);
            }
        }
    }
}
