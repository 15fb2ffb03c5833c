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
//!
//! Whoever sends a file in parts reads it by [`bulk_rows`], changes the rows and sends them as JSON Lines: each says the
//! `line` that it was, and what could not be read says its `problem`, so that the report is that of the file.

mod reading;
mod report;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use andon_model::{Code, Problem};
use serde::{Deserialize, Serialize};

use super::{EnrolmentRequest, RequestedKey};
use crate::pki::{KeyKind, SigningRequest};
use crate::{Attributes, CertificateId, DeviceName, GroupName, ProfileName};

pub use report::{BulkFault, BulkReport};

/// Most lines of one file.
pub const MAX_BULK_LINES: u64 = 1_000_000;

/// Longest line, in bytes.
pub const MAX_BULK_LINE_BYTES: usize = 64 * 1024;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BulkFormat {
    /// Comma-separated, with a header.
    Csv,
    /// One JSON object on each line.
    JsonLines,
}

/// A device of a file, as a line of JSON Lines has it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BulkRow {
    /// Its number in the file that it was taken from; its place in this one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Why it could not be read where it was taken from. The line is a fault then, whatever else it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// The device; a line without one is a fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceName>,
    /// Its profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileName>,
    /// Its groups.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<GroupName>,
    /// Its attributes.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// Devices that it speaks for.
    #[serde(rename = "speaks_for", default, skip_serializing_if = "BTreeSet::is_empty")]
    pub on_behalf_of: BTreeSet<DeviceName>,
    /// A signing request in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csr: Option<String>,
    /// The kind of key to make where there is no signing request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyKind>,
}

/// A line with its number, from 1, and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedRow {
    /// Its number in the file.
    pub line: u64,
    /// What it says, or why it cannot be read.
    pub row: Result<BulkRow, Problem>,
}

/// A line with its number, from 1, and what it asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkLine {
    /// Its number in the file.
    pub line: u64,
    /// The request, or what is wrong with the line.
    pub request: Result<EnrolmentRequest, Problem>,
}

/// What a file is known by: its SHA-256, in hex.
pub fn file_digest(bytes: &[u8]) -> String {
    CertificateId::of(bytes).as_str().to_owned()
}

/// Reads a file, line by line, and verifies its signing requests. Empty lines are skipped; what comes after
/// [`MAX_BULK_LINES`] is one fault.
pub fn bulk_lines(format: BulkFormat, bytes: &[u8]) -> impl Iterator<Item = BulkLine> + '_ {
    bulk_rows(format, bytes).map(|NumberedRow { line, row }| {
        let asked = row.and_then(|row| row.request().map_err(|problem| problem.at(format!("line {line}"))));
        BulkLine { line, request: asked }
    })
}

/// The rows of a file, whose signing requests nobody has looked at yet.
pub fn bulk_rows(format: BulkFormat, bytes: &[u8]) -> Box<dyn Iterator<Item = NumberedRow> + '_> {
    let rows: Box<dyn Iterator<Item = NumberedRow>> = match format {
        BulkFormat::JsonLines => Box::new(reading::json_rows(bytes)),
        BulkFormat::Csv => Box::new(reading::csv_rows(bytes)),
    };
    let mut over = false;
    Box::new(rows.map_while(move |row| match (row.line > MAX_BULK_LINES, over) {
        (false, _) => Some(row),
        (true, true) => None,
        (true, false) => {
            over = true;
            Some(NumberedRow { row: Err(Problem::new(Code::TooLarge, "too many lines")), ..row })
        }
    }))
}

impl BulkRow {
    /// What the line asks for.
    ///
    /// # Errors
    /// The problem that it says; [`Code::DeviceValue`] without a device; what is wrong with its signing request.
    pub fn request(self) -> Result<EnrolmentRequest, Problem> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let device = self.device.ok_or_else(|| Problem::new(Code::DeviceValue, "no device is named"))?;
        let key = match self.csr {
            Some(pem) => RequestedKey::Given(SigningRequest::from_pem(&pem)?.key().clone()),
            None => RequestedKey::Generate(self.key.unwrap_or_default()),
        };
        let Self { profile, groups, attributes, on_behalf_of, .. } = self;
        Ok(EnrolmentRequest { profile, attributes, groups, on_behalf_of, ..EnrolmentRequest::new(device, key) })
    }
}
