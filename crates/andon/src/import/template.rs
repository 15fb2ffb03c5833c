//! Identifiers in templates become names: `${{pre.<id>.Equipment}}` becomes `${{pre.equipment-details.Equipment}}`.
//!
//! The framework keeps answers of pre and post actions under the identifier of their relation, those of the main and
//! default action under the action's own. Everything else of a template stays as it is written.

use std::fmt::Write as _;

use super::model::TEXT_PATHS;
use super::report::Outcome;
use super::role::Reading;
use super::table::{ACTION_FIELD, output_field};

/// The first words whose second word is an identifier.
const ROOTS: [&str; 4] = ["default", "pre", "main", "post"];

/// A step whose answer templates may read.
#[derive(Debug)]
pub(super) struct Answering<'a> {
    /// `pre`, `main` or `post`.
    pub(super) stage: &'static str,
    /// Identifiers of the relation and of the action.
    pub(super) ids: [&'a str; 2],
    /// Its name.
    pub(super) name: &'a str,
    pub(super) reading: Reading,
}

/// What identifiers mean in one action.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) steps: Vec<Answering<'a>>,
    /// Name of the decision.
    pub(super) decision: &'a str,
    /// The part of the decision's result that names the action, as in `ActionId`.
    pub(super) action_attribute: &'a str,
}

/// A template with names.
#[derive(Debug, Default)]
pub(super) struct Rewritten {
    pub(super) text: String,
    /// Names of the steps that it reads.
    pub(super) reads: Vec<String>,
    /// What differs, and what could not be resolved.
    pub(super) notes: Vec<(Outcome, String)>,
}

impl Scope<'_> {
    /// Rewrites every insertion of a text.
    pub(super) fn rewrite(&self, source: &str) -> Rewritten {
        let mut out = Rewritten::default();
        let mut rest = source;
        while let Some((literal, after)) = rest.split_once("${{") {
            out.text.push_str(literal);
            out.text.push_str("${{");
            let Some((inner, after)) = after.split_once("}}") else {
                out.notes.push((Outcome::Open, "an insertion ${{ is not closed".into()));
                rest = after;
                break;
            };
            note_stringify(inner, &mut out);
            self.rewrite_expression(inner, &mut out);
            out.text.push_str("}}");
            rest = after;
        }
        out.text.push_str(rest);
        out
    }

    fn rewrite_expression(&self, source: &str, out: &mut Rewritten) {
        let mut rest = source;
        let mut before = None;
        while let Some(c) = rest.chars().next() {
            let word = leading(rest, is_word);
            if word.is_empty() {
                out.text.push(c);
                rest = &rest[c.len_utf8()..];
                before = Some(c);
                continue;
            }
            rest = &rest[word.len()..];
            let root = ROOTS.iter().find(|root| root.eq_ignore_ascii_case(word));
            match root.filter(|_| !matches!(before, Some('.' | '\'' | '"')) && rest.starts_with('.')) {
                Some(root) => rest = self.rewrite_path(root, &rest[1..], out),
                None => out.text.push_str(word),
            }
            before = word.chars().last();
        }
    }

    /// Rewrites what follows `pre.`; gives what follows the identifier.
    fn rewrite_path<'t>(&self, root: &str, source: &'t str, out: &mut Rewritten) -> &'t str {
        let id = leading(source, |c| is_word(c) || c == '-' || c == '<' || c == '>');
        let rest = &source[id.len()..];
        if root == "default" {
            return self.rewrite_default(rest, out);
        }
        let step =
            self.steps.iter().find(|s| s.stage == root && s.ids.iter().any(|known| known.eq_ignore_ascii_case(id)));
        let Some(step) = step else {
            let what = format!("${{{{{root}.{id}}}}} names no {root} action of this main action");
            out.notes.push((Outcome::Open, what));
            let _ = write!(out.text, "{root}.{id}");
            return rest;
        };
        out.reads.push(step.name.to_owned());
        let _ = write!(out.text, "{root}.{}", step.name);
        step.rewrite_answer(rest, out)
    }

    /// `default.<id>.Result[0].ActionInfo.Priority` is the decision's output `Priority`.
    fn rewrite_default<'t>(&self, source: &'t str, out: &mut Rewritten) -> &'t str {
        let path = leading(source, |c| is_word(c) || ".[]".contains(c));
        let attribute = path.rsplit('.').next().unwrap_or_default();
        let field = if attribute == self.action_attribute { ACTION_FIELD.to_owned() } else { output_field(attribute) };
        let _ = write!(out.text, "default.{}.{field}", self.decision);
        &source[path.len()..]
    }
}

impl Answering<'_> {
    /// Rewrites what is read of the answer, where the step's kind gives another one; gives what follows it.
    fn rewrite_answer<'t>(&self, source: &'t str, out: &mut Rewritten) -> &'t str {
        let path = leading(source, |c| is_word(c) || ".[]".contains(c));
        let is_result = path.starts_with(".Result[0].");
        let field = output_field(path.rsplit('.').next().unwrap_or_default());
        match self.reading {
            Reading::AsIs => return source,
            _ if path.is_empty() => {}
            Reading::Row if is_result => drop(write!(out.text, ".{field}")),
            Reading::Output if is_result => drop(write!(out.text, ".output.{field}")),
            Reading::Text if TEXT_PATHS.contains(&path) => out.text.push_str(".text"),
            _ => {
                let what = format!("{path} is not in the answer of {} any more; see docs/guide/steps.md", self.name);
                out.notes.push((Outcome::Open, what));
                out.text.push_str(path);
            }
        }
        &source[path.len()..]
    }
}

/// The framework prints `event.data.eventData` whatever the path in `stringify(event…)` says.
fn note_stringify(inner: &str, out: &mut Rewritten) {
    let path = inner.trim().strip_prefix("stringify(").and_then(|rest| rest.strip_suffix(')'));
    let Some(path) = path.filter(|path| path.trim() != "event.data.eventData") else { return };
    let what = format!(
        "stringify({path}) prints what it names; the framework printed event.data.eventData instead, whatever stood there"
    );
    out.notes.push((Outcome::Adapted, what));
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn leading(text: &str, accept: impl Fn(char) -> bool) -> &str {
    let end = text.find(|c| !accept(c)).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RELATION: &str = "4be0a3c2-0000-4000-8000-00000000000a";
    const ACTION: &str = "77c1e9d0-0000-4000-8000-00000000000b";

    fn scope() -> Scope<'static> {
        let steps = vec![
            Answering { stage: "pre", ids: [RELATION, ACTION], name: "equipment", reading: Reading::AsIs },
            Answering { stage: "main", ids: ["", "9"], name: "create", reading: Reading::AsIs },
            Answering { stage: "pre", ids: ["row-1", ""], name: "plant", reading: Reading::Row },
            Answering { stage: "pre", ids: ["table-1", ""], name: "group", reading: Reading::Output },
            Answering { stage: "pre", ids: ["text-1", ""], name: "summary", reading: Reading::Text },
        ];
        Scope { steps, decision: "decide", action_attribute: "ActionId" }
    }

    fn check(source: &str, expect: &str, notes: usize) {
        let found = scope().rewrite(source);
        assert_eq!((found.text.as_str(), found.notes.len()), (expect, notes), "{source}: {:?}", found.notes);
    }

    #[test]
    fn identifiers_become_names() {
        check(&format!("a ${{{{pre.{RELATION}.Result[0].E.Id}}}} b"), "a ${{pre.equipment.Result[0].E.Id}} b", 0);
        check(&format!("${{{{PRE.{}.x}}}}", ACTION.to_uppercase()), "${{pre.equipment.x}}", 0);
        check("${{main.9.d.Number}}", "${{main.create.d.Number}}", 0);
        check(&format!("${{{{ stringify(pre.{RELATION}) }}}}"), "${{ stringify(pre.equipment) }}", 1);
        check(
            "${{event.data.pre.x}} ${{stringify(event.data.eventData)}}",
            "${{event.data.pre.x}} ${{stringify(event.data.eventData)}}",
            0,
        );
        check("pre.9.x", "pre.9.x", 0);
    }

    #[test]
    fn the_default_actions_answer_is_the_decision() {
        check("${{default.abc-1.Result[0].ActionInfo.Priority}}", "${{default.decide.Priority}}", 0);
        check("${{default.abc-1.Result[0].ActionInfo.ActionId}}", "${{default.decide.action}}", 0);
    }

    #[test]
    fn answers_of_other_kinds_are_read_as_these_give_them() {
        check("${{pre.row-1.Result[0].Details.Plant}}!", "${{pre.plant.Plant}}!", 0);
        check("${{pre.table-1.Result[0].Details.Group}}", "${{pre.group.output.Group}}", 0);
        check("${{pre.text-1.content[0].text}}", "${{pre.summary.text}}", 0);
        check("${{pre.text-1.choices[0].message.content}}", "${{pre.summary.text}}", 0);
        check("${{pre.text-1.usage}}", "${{pre.summary.usage}}", 1);
        check("${{pre.row-1.Details}}", "${{pre.plant.Details}}", 1);
    }

    #[test]
    fn what_cannot_be_resolved_is_told() {
        check("${{pre.<paste_here>.x}}", "${{pre.<paste_here>.x}}", 1);
        check("${{post.9.x}}", "${{post.9.x}}", 1);
        check("${{pre.", "${{pre.", 1);
        check("${{stringify(event.data)}}", "${{stringify(event.data)}}", 1);
        assert_eq!(scope().rewrite(&format!("${{{{pre.{RELATION}.a}}}}")).reads, ["equipment"]);
    }

    proptest! {
        #[test]
        fn any_text_is_rewritten(text in "(\\$\\{\\{|\\}\\}|pre\\.|default\\.|é|[a-z.'(]){0,30}") {
            let _ = scope().rewrite(&text);
        }
    }
}
