//! A connection in the making: what was tried, what must not be seen again, and how long all of it is good.

use andon_act::TestLine;
use andon_model::{Problem, Timestamp};

use super::kept::Life;
use super::redact::Redactor;

/// What comes together while a connection is made.
pub(super) struct Draft {
    /// One line per stage, as `destinations test` shows them.
    pub(super) lines: Vec<TestLine>,
    /// Everything secret that goes out with a request.
    pub(super) redactor: Redactor,
    /// The shortest of the lives of its parts.
    pub(super) life: Life,
    /// The time at which all of it is made.
    pub(super) now: Timestamp,
}

impl Draft {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { lines: Vec::new(), redactor: Redactor::default(), life: Life::of_secret(now), now }
    }

    /// Notes what came of a stage, and passes it on.
    pub(super) fn stage<T>(
        &mut self,
        what: &str,
        result: Result<T, Problem>,
        detail: impl FnOnce(&T) -> String,
    ) -> Result<T, Problem> {
        self.lines.push(match &result {
            Ok(found) => line(what, Ok(detail(found))),
            Err(problem) => line(what, Err(problem.to_string())),
        });
        result
    }

    /// Something that the connection needs is good for this long.
    pub(super) fn needs(&mut self, life: Life) {
        self.life = self.life.and(life);
    }
}

/// One line of a test.
pub(super) fn line(what: &str, result: Result<String, String>) -> TestLine {
    let ok = result.is_ok();
    let (Ok(detail) | Err(detail)) = result;
    TestLine { what: what.to_owned(), ok, detail }
}
