//! Which kind of step an action becomes, and how its answer is read afterwards.

use super::brought::{self, Brought, Form};
use super::framework::{Category, SourceAction};
use super::model::{ModelCall, TEXT_PATHS};
use super::vocabulary;

/// What an action becomes.
#[derive(Debug)]
pub(super) enum Role<'b, 'a> {
    /// A request by HTTP or `OData`.
    Request,
    /// A question to a decision service that stays where it is.
    Rules,
    /// A row of a table that came along.
    Row(&'b Brought<'a>),
    /// A decision by a table that came along.
    Table(&'b Brought<'a>),
    /// A text by a language model.
    Summary(ModelCall),
}

/// How later steps read a step's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// As the service gave it.
    AsIs,
    /// `Result[0].<object>.<attribute>` is the column of this name.
    Row,
    /// The same, an output of this name.
    Output,
    /// The text of a language model.
    Text,
}

impl<'b, 'a> Role<'b, 'a> {
    /// What a step becomes; `ids` are what the templates of its action call it, `readers` these templates.
    pub(super) fn of(source: &SourceAction, brought: &'b [Brought<'a>], ids: [&str; 2], readers: &Readers<'_>) -> Self {
        let payload = source.payload.as_deref().unwrap_or_default();
        if source.category != Category::Child || source.method != "POST" {
            return Self::Request;
        }
        if let Some(table) = brought::of(brought, source) {
            return if matches!(table.form, Form::Lookup(_)) { Self::Row(table) } else { Self::Table(table) };
        }
        if vocabulary::is_call(payload) {
            return Self::Rules;
        }
        match ModelCall::read(payload, &source.path) {
            Some(call) if readers.read_text_alone(ids) => Self::Summary(call),
            _ => Self::Request,
        }
    }

    pub(super) const fn reading(&self) -> Reading {
        match self {
            Self::Request | Self::Rules => Reading::AsIs,
            Self::Row(_) => Reading::Row,
            Self::Table(_) => Reading::Output,
            Self::Summary(_) => Reading::Text,
        }
    }
}

/// The templates of a main action and its related ones.
#[derive(Debug, Default)]
pub(super) struct Readers<'a> {
    pub(super) bodies: Vec<&'a str>,
    pub(super) paths: Vec<&'a str>,
}

impl Readers<'_> {
    /// Whether all that is read of an answer is the text of a model, in bodies: a summary offers nothing else, and
    /// nowhere else.
    fn read_text_alone(&self, ids: [&str; 2]) -> bool {
        let ids = || ids.into_iter().filter(|id| !id.is_empty()).map(|id| format!(".{id}"));
        let goes_on = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || "_-".contains(c));
        let uses = |text: &str, id: &str| -> Vec<String> {
            text.split(id).skip(1).filter(|rest| !goes_on(rest)).map(str::to_owned).collect()
        };
        let in_paths = self.paths.iter().any(|path| ids().any(|id| !uses(path, &id).is_empty()));
        let is_text = |rest: &String| {
            let path: String = rest.chars().take_while(|c| c.is_alphanumeric() || "_.[]".contains(*c)).collect();
            TEXT_PATHS.contains(&path.as_str())
        };
        let plain = |body: &&str| ids().all(|id| uses(body, &id).iter().all(is_text));
        !in_paths && self.bodies.iter().all(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read_as_a_text_in_bodies_alone() {
        let check = |bodies: &[&str], paths: &[&str], expect: bool| {
            let readers = Readers { bodies: bodies.to_vec(), paths: paths.to_vec() };
            assert_eq!(readers.read_text_alone(["r-1", "a-1"]), expect, "{bodies:?} {paths:?}");
        };
        check(&["${{pre.r-1.content[0].text}} ${{pre.x.y}}"], &["/a"], true);
        check(&["${{pre.a-1.choices[0].message.content}}"], &[], true);
        check(&[], &[], true);
        check(&["${{pre.a-1.content[0].text}} ${{pre.a-12.usage}}"], &[], true);
        check(&["${{pre.r-1.usage.input_tokens}}"], &[], false);
        check(&["${{stringify(pre.r-1)}}"], &[], false);
        check(&[], &["/x/${{pre.r-1.content[0].text}}"], false);
    }
}
