//! Onboarding many: a file with a device on each line, as CSV or as JSON Lines.
//!
//! A line that cannot be read is a fault with its number and stops nothing. Since the same request again means the same
//! enrolment, a file that was interrupted is simply read again; whoever wants to save the work goes on after the last line
//! of the report.
//!
//! ```text
//! device,profile,groups,attributes.plant,csr          {"device": "pump-01", "profile": "s1-sensor",
//! pump-01,s1-sensor,line-4;hall-7,1710,                "groups": ["line-4"], "attributes": {"plant": "1710"}}
//! ```

use std::collections::{BTreeMap, BTreeSet};

use andon_model::{Code, Problem};
use csv::StringRecord;
use serde::{Deserialize, Serialize};

use super::{EnrolmentRequest, EnrolmentStatus, RequestedKey};
use crate::pki::{KeyKind, SigningRequest};
use crate::{Attributes, DeviceName, GroupName, ProfileName};

/// Most lines of one file.
pub const MAX_BULK_LINES: u64 = 1_000_000;

/// Longest line, in bytes.
pub const MAX_BULK_LINE_BYTES: usize = 64 * 1024;

/// Most faults that a report names; the others are counted.
const MAX_NAMED_FAULTS: usize = 1_000;

/// Opens the name of a column that holds an attribute.
const ATTRIBUTE_COLUMN: &str = "attributes.";

/// Between the values of a column that holds several.
const BETWEEN: char = ';';

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BulkFormat {
    /// Comma-separated, with a header.
    Csv,
    /// One JSON object on each line.
    JsonLines,
}

/// A device of a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    device: DeviceName,
    #[serde(default)]
    profile: Option<ProfileName>,
    #[serde(default)]
    groups: BTreeSet<GroupName>,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default)]
    on_behalf_of: BTreeSet<DeviceName>,
    /// A signing request in PEM.
    #[serde(default)]
    csr: Option<String>,
    /// The kind of key to make where there is no signing request.
    #[serde(default)]
    key: Option<KeyKind>,
}

/// A line with its number, from 1, and what it asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkLine {
    /// Its number in the file.
    pub line: u64,
    /// The request, or what is wrong with the line.
    pub request: Result<EnrolmentRequest, Problem>,
}

/// Reads a file, line by line. Empty lines are skipped; what comes after [`MAX_BULK_LINES`] is one fault.
pub fn bulk_lines(format: BulkFormat, bytes: &[u8]) -> Box<dyn Iterator<Item = BulkLine> + '_> {
    let lines: Box<dyn Iterator<Item = BulkLine>> = match format {
        BulkFormat::JsonLines => Box::new(json_lines(bytes)),
        BulkFormat::Csv => Box::new(csv_lines(bytes)),
    };
    let mut over = false;
    Box::new(lines.map_while(move |line| match (line.line > MAX_BULK_LINES, over) {
        (false, _) => Some(line),
        (true, true) => None,
        (true, false) => {
            over = true;
            Some(BulkLine { request: Err(Problem::new(Code::TooLarge, "too many lines")), ..line })
        }
    }))
}

fn fault(line: u64, code: Code, detail: impl Into<String>) -> Problem {
    Problem::new(code, detail).at(format!("line {line}"))
}

fn json_lines(bytes: &[u8]) -> impl Iterator<Item = BulkLine> + '_ {
    let numbered = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    let filled = numbered.filter(|(_, text)| !text.trim_ascii().is_empty());
    filled.map(|(line, text)| BulkLine { line, request: json_request(line, text) })
}

fn json_request(line: u64, text: &[u8]) -> Result<EnrolmentRequest, Problem> {
    if text.len() > MAX_BULK_LINE_BYTES {
        return Err(fault(line, Code::TooLarge, format!("{} bytes in one line", text.len())));
    }
    let row: Row = serde_json::from_slice(text).map_err(|error| fault(line, Code::Undecodable, error.to_string()))?;
    request(row).map_err(|problem| problem.at(format!("line {line}")))
}

fn csv_lines(bytes: &[u8]) -> impl Iterator<Item = BulkLine> + '_ {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().cloned();
    let mut number = 1;
    let mut record = StringRecord::new();
    std::iter::from_fn(move || {
        let header = match &header {
            Ok(header) => header,
            Err(error) if number == 1 => {
                number = 0;
                return Some(BulkLine { line: 1, request: Err(fault(1, Code::Undecodable, error.to_string())) });
            }
            Err(_) => return None,
        };
        let read = reader.read_record(&mut record);
        let line = record.position().map_or(number + 1, csv::Position::line);
        number = line;
        match read {
            Ok(false) => None,
            Ok(true) => Some(BulkLine { line, request: csv_request(line, header, &record) }),
            Err(error) => Some(BulkLine { line, request: Err(fault(line, Code::Undecodable, error.to_string())) }),
        }
    })
}

fn csv_request(line: u64, header: &StringRecord, record: &StringRecord) -> Result<EnrolmentRequest, Problem> {
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
    let row = csv_row(cells, attributes).map_err(|problem| problem.at(format!("line {line}")))?;
    request(row).map_err(|problem| problem.at(format!("line {line}")))
}

fn csv_row(mut cells: BTreeMap<&str, String>, attributes: BTreeMap<String, String>) -> Result<Row, Problem> {
    let device = cells.remove("device").ok_or_else(|| Problem::new(Code::DeviceValue, "no device is named"))?;
    let key = cells.remove("key").map(|kind| serde_json::from_value(kind.into())).transpose();
    let row = Row {
        device: DeviceName::new(&device)?,
        profile: cells.remove("profile").map(|name| ProfileName::new(&name)).transpose()?,
        groups: several(cells.remove("groups"), GroupName::new)?,
        attributes: Attributes::try_from(attributes)?,
        on_behalf_of: several(cells.remove("on_behalf_of"), DeviceName::new)?,
        csr: cells.remove("csr"),
        key: key.map_err(|error| Problem::new(Code::DeviceValue, error.to_string()))?,
    };
    match cells.keys().next() {
        None => Ok(row),
        Some(unknown) => Err(Problem::new(Code::Undecodable, format!("there is no column {unknown:?}"))),
    }
}

fn several<T: Ord, E>(cell: Option<String>, read: fn(&str) -> Result<T, E>) -> Result<BTreeSet<T>, E> {
    let cell = cell.unwrap_or_default();
    cell.split(BETWEEN).map(str::trim).filter(|name| !name.is_empty()).map(read).collect()
}

fn request(row: Row) -> Result<EnrolmentRequest, Problem> {
    let key = match row.csr {
        Some(pem) => RequestedKey::Given(SigningRequest::from_pem(&pem)?.key().clone()),
        None => RequestedKey::Generate(row.key.unwrap_or_default()),
    };
    let Row { device, profile, groups, attributes, on_behalf_of, .. } = row;
    Ok(EnrolmentRequest { profile, attributes, groups, on_behalf_of, ..EnrolmentRequest::new(device, key) })
}

/// A line that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkFault {
    /// Its number in the file.
    pub line: u64,
    /// The device, as far as it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceName>,
    /// What is wrong.
    pub problem: Problem,
}

/// How far a file has come, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BulkReport {
    /// The last line that was dealt with.
    pub line: u64,
    /// Devices that are there now and were not before.
    pub onboarded: u64,
    /// Devices that were there already.
    pub unchanged: u64,
    /// Lines that came to nothing.
    pub faulty: u64,
    /// The first of these, in order.
    pub faults: Vec<BulkFault>,
}

impl BulkReport {
    /// Counts a device that was there already.
    pub fn unchanged(&mut self, line: u64) {
        self.line = line;
        self.unchanged += 1;
    }

    /// Counts an enrolment that ended.
    pub fn ended(&mut self, line: u64, device: &DeviceName, status: EnrolmentStatus, problem: Option<Problem>) {
        self.line = line;
        if status == EnrolmentStatus::Done {
            self.onboarded += 1;
        } else {
            let problem = problem.unwrap_or_else(|| Problem::new(Code::Onboarding, ""));
            self.fault(line, Some(device.clone()), problem);
        }
    }

    /// Counts a line that could not be read, or a request that was not begun.
    pub fn fault(&mut self, line: u64, device: Option<DeviceName>, problem: Problem) {
        self.line = line;
        self.faulty += 1;
        if self.faults.len() < MAX_NAMED_FAULTS {
            self.faults.push(BulkFault { line, device, problem });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(format: BulkFormat, text: &str) -> Vec<String> {
        let lines = bulk_lines(format, text.as_bytes());
        let told = lines.map(|line| match line.request {
            Ok(request) => {
                let attributes: Vec<_> = request.attributes.iter().map(|(k, v)| format!("{k}={v}")).collect();
                let groups: Vec<_> = request.groups.iter().map(ToString::to_string).collect();
                format!("{} {} {} {}", line.line, request.device, groups.join("+"), attributes.join("+"))
            }
            Err(problem) => format!("{} {} {}", line.line, problem.code, problem.place.unwrap_or_default()),
        });
        told.map(|text| text.trim_end().to_owned()).collect()
    }

    #[test]
    fn both_formats_say_the_same() {
        let csv = "device,profile,groups,attributes.plant,key\n\
                   pump-01,s1,line-4; hall-7,1710,rsa_2048\n\
                   pump-02,,,,\n";
        let json = "{\"device\": \"pump-01\", \"profile\": \"s1\", \"groups\": [\"line-4\", \"hall-7\"], \
                    \"attributes\": {\"plant\": \"1710\"}, \"key\": \"rsa_2048\"}\n\n{\"device\": \"pump-02\"}\r\n";
        let requests = |format, text: &str| -> Vec<_> {
            bulk_lines(format, text.as_bytes()).map(|line| line.request.expect("good")).collect()
        };
        let read = requests(BulkFormat::Csv, csv);
        assert_eq!(read, requests(BulkFormat::JsonLines, json));
        assert_eq!(read[0].key, RequestedKey::Generate(KeyKind::Rsa2048));
        assert_eq!(told(BulkFormat::Csv, csv), ["2 pump-01 hall-7+line-4 plant=1710", "3 pump-02"]);
    }

    #[test]
    fn faults_name_their_line_and_stop_nothing() {
        let csv = "device,groups\na b,x\npump-01,x\npump-02,x,too,many\npump-03,a/b\npump-04,\n,x\n";
        let expect = [
            "2 AND-7001 line 2",
            "3 pump-01 x",
            "4 AND-1001 line 4",
            "5 AND-7001 line 5",
            "6 pump-04",
            "7 AND-7001 line 7",
        ];
        assert_eq!(told(BulkFormat::Csv, csv), expect);
        let json = "{\"device\": \"a b\"}\nno json\n{\"device\": \"pump-01\"}\n{\"device\": \"x\", \"colour\": 1}\n\
                    {\"device\": \"x\", \"csr\": \"none\"}";
        let expect = ["1 AND-1001 line 1", "2 AND-1001 line 2", "3 pump-01", "4 AND-1001 line 4", "5 AND-7002 line 5"];
        assert_eq!(told(BulkFormat::JsonLines, json), expect);
        assert_eq!(told(BulkFormat::Csv, "device,colour\npump-01,red\n"), ["2 AND-1001 line 2"]);
        assert_eq!(told(BulkFormat::Csv, ""), [] as [String; 0]);
        let long = format!("{{\"device\": \"x\", \"csr\": \"{}\"}}", "x".repeat(MAX_BULK_LINE_BYTES));
        assert_eq!(told(BulkFormat::JsonLines, &long), ["1 AND-1002 line 1"]);
    }

    #[test]
    fn a_report_counts_and_names() {
        let mut report = BulkReport::default();
        let device = DeviceName::new("pump-01").expect("a name");
        report.ended(2, &device, EnrolmentStatus::Done, None);
        report.unchanged(3);
        let refused = Problem::new(Code::Onboarding, "not on the list");
        report.ended(4, &device, EnrolmentStatus::Refused, Some(refused.clone()));
        (5..2_000).for_each(|line| report.fault(line, None, refused.clone()));
        assert_eq!((report.line, report.onboarded, report.unchanged, report.faulty), (1_999, 1, 1, 1_996));
        assert_eq!((report.faults.len(), report.faults[0].line), (MAX_NAMED_FAULTS, 4));
    }
}
