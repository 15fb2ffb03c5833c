//! One line of results, checked.

use andon_model::{Problem, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::decode::lines::Line;
use crate::decode::text::{fault, kind_of, parse_line};

/// A sensor's share in the deviation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Diagnostic {
    /// As it stands in the line: `component\sensor`.
    name: String,
    /// Left of the first backslash; sensor names may contain more of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<String>,
    /// Right of the first backslash, or the whole name.
    sensor: String,
    /// Share, 0 to 1; the shares of a line add up to about 1.
    value: f64,
}

/// What a line says.
#[derive(Debug)]
pub(super) struct Inference {
    /// The line's own text for the time.
    pub(super) timestamp: String,
    pub(super) time: Timestamp,
    pub(super) anomalous: bool,
    pub(super) anomaly_score: Option<f64>,
    pub(super) prediction_reason: Option<String>,
    /// Strongest first.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Members that the format does not know.
    pub(super) other: Option<Map<String, Value>>,
}

impl Inference {
    /// Reads and checks a line; a fault's place is `line L, column C` or `line L, $.member`.
    pub(super) fn read(line: Line<'_>, utc_offset: &str) -> Result<Self, Problem> {
        let mut members = Members { line: line.number, map: object(line)? };
        let timestamp =
            members.text("timestamp")?.ok_or_else(|| members.wrong("timestamp", "the member is missing"))?;
        Ok(Self {
            time: time(&timestamp, utc_offset).ok_or_else(|| members.wrong("timestamp", NO_TIME))?,
            timestamp,
            anomalous: members.prediction()?,
            anomaly_score: members.share("anomaly_score")?,
            prediction_reason: members.text("prediction_reason")?,
            diagnostics: members.diagnostics()?,
            other: (!members.map.is_empty()).then_some(members.map),
        })
    }

    /// The component of the strongest sensor.
    pub(super) fn component(&self) -> Option<&str> {
        self.diagnostics.first()?.component.as_deref()
    }
}

const NO_TIME: &str = "a time such as 2026-03-05T14:00:00.000000 is expected";

/// The line's time carries no zone; a line that does carry one is believed.
fn time(text: &str, utc_offset: &str) -> Option<Timestamp> {
    let text = text.trim().replacen(' ', "T", 1);
    text.parse().or_else(|_| format!("{text}{utc_offset}").parse()).ok()
}

fn object(line: Line<'_>) -> Result<Map<String, Value>, Problem> {
    match parse_line(line.number, line.text)? {
        Value::Object(map) => Ok(map),
        other => {
            let what = format!("a line is an object, this is {}; JSON Lines expected", kind_of(&other));
            Err(fault(format!("line {}, $", line.number), what))
        }
    }
}

/// The members of a line that are not read yet.
struct Members {
    line: usize,
    map: Map<String, Value>,
}

impl Members {
    fn wrong(&self, member: &str, what: impl Into<String>) -> Problem {
        fault(format!("line {}, $.{member}", self.line), what)
    }

    fn take(&mut self, member: &str) -> Option<Value> {
        self.map.shift_remove(member).filter(|value| !value.is_null())
    }

    fn text(&mut self, member: &str) -> Result<Option<String>, Problem> {
        match self.take(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(member, format!("a text is expected, this is {}", kind_of(&other)))),
        }
    }

    fn prediction(&mut self) -> Result<bool, Problem> {
        let value = self.take("prediction").ok_or_else(|| self.wrong("prediction", "the member is missing"))?;
        match value.as_f64() {
            Some(0.0) => Ok(false),
            Some(1.0) => Ok(true),
            _ => Err(self.wrong("prediction", "0 or 1 is expected")),
        }
    }

    fn share(&mut self, member: &str) -> Result<Option<f64>, Problem> {
        let Some(value) = self.take(member) else { return Ok(None) };
        match value.as_f64() {
            Some(share) if (0.0..=1.0).contains(&share) => Ok(Some(share)),
            _ => Err(self.wrong(member, "a number from 0 to 1 is expected")),
        }
    }

    fn diagnostics(&mut self) -> Result<Vec<Diagnostic>, Problem> {
        let Some(value) = self.take("diagnostics") else { return Ok(Vec::new()) };
        let Value::Array(entries) = value else {
            return Err(self.wrong("diagnostics", format!("an array is expected, this is {}", kind_of(&value))));
        };
        let read = |(at, entry): (usize, Value)| {
            diagnostic(entry).map_err(|(member, what)| self.wrong(&format!("diagnostics[{at}]{member}"), what))
        };
        let mut diagnostics = entries.into_iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
        diagnostics.sort_by(|a, b| b.value.total_cmp(&a.value));
        Ok(diagnostics)
    }
}

fn diagnostic(entry: Value) -> Result<Diagnostic, (&'static str, &'static str)> {
    let Value::Object(entry) = entry else { return Err(("", "an object is expected")) };
    let name = entry.get("name").and_then(Value::as_str).ok_or((".name", "a text is expected"))?;
    let value = entry.get("value").and_then(Value::as_f64).ok_or((".value", "a number is expected"))?;
    let (component, sensor) = match name.split_once('\\') {
        Some((component, sensor)) => (Some(component.to_owned()), sensor),
        None => (None, name),
    };
    Ok(Diagnostic { name: name.to_owned(), component, sensor: sensor.to_owned(), value })
}
