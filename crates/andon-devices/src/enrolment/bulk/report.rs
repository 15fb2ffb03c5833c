//! What came of the lines of a file: counts, and the first faults.

use andon_model::{Code, Problem};
use serde::{Deserialize, Serialize};

use super::super::EnrolmentStatus;
use crate::DeviceName;

/// Most faults that a report names; the others are counted.
const MAX_NAMED_FAULTS: usize = 1_000;

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
    /// Devices that are there now and were not before; of a file that was imported several times, by all of these.
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
