//! How an error is shown: code, what, where, what to do, page.

use std::fmt;
use std::path::Path;

use andon_journal::Finding;
use andon_model::{Code, Problem, Severity};
use serde_json::{Value, json};

use super::remedy::remedy_of;

/// Why a command ends without having done its work.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// What, where and what to do.
    pub(crate) problem: Problem,
    /// What a check found, one by one.
    pub(crate) findings: Vec<Finding>,
    /// What to do here, when it is more than the code alone can say.
    pub(crate) remedy: Option<&'static str>,
}

impl Failure {
    /// A failure without findings.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self::from(Problem::new(code, detail))
    }

    /// The same failure, at a place.
    pub(crate) fn at(mut self, place: impl Into<String>) -> Self {
        self.problem.place = Some(place.into());
        self
    }

    /// The same failure, with what to do in this very case.
    pub(crate) fn remedy(mut self, remedy: &'static str) -> Self {
        self.remedy = Some(remedy);
        self
    }

    /// The same failure, as one of this file among others.
    pub(crate) fn about(mut self, file: &Path) -> Self {
        let file = file.display().to_string();
        self.problem.place = match self.problem.place {
            Some(place) if place.starts_with(&file) => Some(place),
            Some(place) => Some(format!("{file}: {place}")),
            None => Some(file),
        };
        self
    }

    /// Whether every other request would fail for the same reason.
    pub(crate) fn is_general(&self) -> bool {
        use Code::{BackPressure, Forbidden, Journal, ServerUnreachable, Unauthenticated, UnknownSource};
        let general = [ServerUnreachable, Unauthenticated, Forbidden, UnknownSource, BackPressure, Journal];
        general.contains(&self.problem.code)
    }

    /// The error, with what to do here if it has this code.
    pub(crate) fn advise(error: anyhow::Error, code: Code, remedy: &'static str) -> anyhow::Error {
        match error.downcast::<Self>() {
            Ok(failure) if failure.problem.code == code => failure.remedy(remedy).into(),
            Ok(failure) => failure.into(),
            Err(error) => error,
        }
    }

    fn to_do(&self) -> &'static str {
        self.remedy.unwrap_or_else(|| remedy_of(&self.problem))
    }

    /// The failure inside an error; an error of another kind becomes an internal one with its whole story.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if let Some(failure) = error.downcast_ref::<Self>() {
            return failure.clone();
        }
        match error.downcast_ref::<Problem>() {
            Some(problem) => Self::from(problem.clone()),
            None => Self::new(Code::Internal, format!("{error:#}")),
        }
    }

    /// The failure for machines: the members of a problem document, with `page` and `remedy`.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "code": self.problem.code,
            "title": self.problem.code.title(),
            "detail": self.problem.detail,
            "place": self.problem.place,
            "remedy": self.to_do(),
            "page": page(self.problem.code),
            "findings": self.findings,
        })
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem, findings: Vec::new(), remedy: None }
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { code, detail, place } = &self.problem;
        write!(f, "error {code}: {}", code.title())?;
        if !detail.is_empty() {
            write!(f, "\n  what:  {detail}")?;
        }
        if let Some(place) = place {
            write!(f, "\n  where: {place}")?;
        }
        for finding in &self.findings {
            write!(f, "\n  - {}", finding_line(finding))?;
        }
        write!(f, "\n  to do: {}\n  more:  andon explain {code}", self.to_do())
    }
}

/// One finding as a line.
fn finding_line(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    format!("{severity} {}", finding.problem)
}

/// The page that explains a code.
fn page(code: Code) -> String {
    format!("docs/errors/{code}.md")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_where_and_what_to_do() {
        let failure = Failure::new(Code::NotFound, "run X does not exist").at("GET /api/v1/runs/X");
        let text = Failure::of(&anyhow::Error::new(failure)).to_string();
        for part in ["error AND-1201: not found", "what:  run X", "where: GET", "to do: ", "andon explain AND-1201"] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
    }

    #[test]
    fn a_place_gives_its_own_advice() {
        let check = |code: Code, expect: bool| {
            let error = Failure::advise(Failure::new(code, "x").into(), Code::Conflict, "rotate it");
            assert_eq!(Failure::of(&error).to_do() == "rotate it", expect, "{code}");
        };
        check(Code::Conflict, true);
        check(Code::NotFound, false);
    }

    #[test]
    fn what_a_claim_refuses_is_allowed_by_the_claim() {
        let check = |code: Code, place: &str, expect: &str| {
            let told = Failure::new(code, "x").at(place).to_do();
            assert!(told.contains(expect), "{code} at {place}: {told}");
        };
        check(Code::Forbidden, "claim installers", "andon devices claims put");
        check(Code::Onboarding, "claim installers", "andon devices claims put");
        check(Code::Forbidden, "POST /api/v1/devices", "a higher role");
    }

    #[test]
    fn an_unexpected_error_keeps_its_story() {
        let error = anyhow::anyhow!("disk full").context("the file cannot be written");
        assert!(Failure::of(&error).problem.detail.ends_with("the file cannot be written: disk full"));
    }
}
