//! What DataFusion says, as a problem with a place.

use andon_model::{Code, Problem};
use deltalake::datafusion::error::DataFusionError;

/// What the reader of files says of a condition that it could not work out; what it had to say is there as text only.
const CONDITION: &str = "Error evaluating filter predicate";

/// The problem that `error` is, at the line and column that it names.
pub(crate) fn problem(error: &DataFusionError) -> Problem {
    let code = match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => Code::QueryLimit,
        DataFusionError::ParquetError(error) if error.to_string().contains(CONDITION) => {
            let is_limit =
                ["ResourcesExhausted", "Resources exhausted"].iter().any(|name| error.to_string().contains(name));
            if is_limit { Code::QueryLimit } else { Code::Query }
        }
        DataFusionError::ObjectStore(_)
        | DataFusionError::IoError(_)
        | DataFusionError::ParquetError(_)
        | DataFusionError::External(_)
        | DataFusionError::Internal(_)
        | DataFusionError::ExecutionJoin(_) => Code::Lake,
        _ => Code::Query,
    };
    let problem = Problem::new(code, words(error));
    match place(error) {
        Some(place) => problem.at(place),
        None => problem,
    }
}

/// The first line: what follows is about the program.
fn words(error: &DataFusionError) -> String {
    let text = error.strip_backtrace();
    let text = text.split("\n\nbacktrace:").next().unwrap_or_default();
    text.chars().take(2_000).collect()
}

fn place(error: &DataFusionError) -> Option<String> {
    let span = error.diagnostic().and_then(|diagnostic| diagnostic.span);
    let of_plan = span.map(|span| format!("line {}, column {}", span.start.line, span.start.column));
    of_plan.or_else(|| of_parser(&error.to_string()))
}

/// The parser tells the place in its text: `… at Line: 1, Column: 15`.
fn of_parser(text: &str) -> Option<String> {
    let (line, rest) = text.split_once("Line: ")?.1.split_once(", Column: ")?;
    let column: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(format!("line {}, column {column}", line.parse::<u64>().ok()?))
}
