//! What the templates of a step may name: answers of earlier steps, under the stage they ran in, and a
//! model's text only where it can do no harm.

use andon_model::{Code, Name, Problem};

use super::{Step, is_summary};
use crate::template::Use;

/// What the text of a summary step may do in a template. Whoever writes into an event can write into
/// the prompt of a model, and so perhaps its answer: that answer stays a text among texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Summaries {
    /// Not be there: paths, headers, keys, questions to decisions.
    Refused,
    /// Stand as it is within a JSON text.
    AsText,
    /// Stand anywhere: the template gives a text that is cleaned itself.
    Anywhere,
}

/// Everything among the paths that the step names and may not.
pub(super) fn check(
    place: &str,
    own: &Name,
    uses: impl Iterator<Item = Use>,
    earlier: &[Step],
    summaries: Summaries,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for used in uses {
        let path = &used.path;
        let mut parts = path.splitn(3, ['.', '[']);
        let (Some(stage @ ("pre" | "main" | "post")), Some(name)) = (parts.next(), parts.next()) else { continue };
        let named = |step: &&Step| step.definition.stage.as_str() == stage && step.definition.name.as_str() == name;
        let Some(step) = earlier.iter().find(named) else {
            let detail = format!("${{{{{path}}}}} in step {own} names no earlier {stage} step {name:?}");
            problems.push(Problem::new(Code::ConfigurationReference, detail).at(place));
            continue;
        };
        let harmless = summaries == Summaries::Anywhere || (summaries == Summaries::AsText && used.as_text);
        if is_summary(step) && !harmless {
            let detail = format!(
                "${{{{{path}}}}} in step {own} is written by a model: it may only stand, as it is, within a text of a \
                 JSON body, as in \"LongText\": \"${{{{{path}}}}}\""
            );
            problems.push(Problem::new(Code::ConfigurationReference, detail).at(place));
        }
    }
    problems
}
