//! What a template says before there is an event: its text as a tree whose leaves are literals and insertions.
//!
//! **Purpose.** A check of the configuration compares a body with the metadata of a service: which members it
//! has, which of them are texts, how long their literal parts are, and what an insertion gives for values that
//! are known already (a row of a decision table, a row of a lookup).
//!
//! **Constraints.** Reads only; a template that [`Template::compile`] has accepted is never refused here. No deeper
//! than the JSON parser lets a template be.

use std::fmt;

use super::expression::Expression;
use super::path::{Path, Root, Segment};
use super::pieces::{self, Piece};
use super::translate::translate;
use super::{Form, Part, Template};
use crate::Stage;

/// A JSON value of a body.
#[derive(Debug)]
pub struct Node<'t> {
    /// Byte offset in the template's source.
    pub at: usize,
    /// What stands there.
    pub shape: Shape<'t>,
}

/// What a JSON value of a body is.
#[derive(Debug)]
pub enum Shape<'t> {
    /// `null`
    Null,
    /// `true` or `false`
    Flag(bool),
    /// A number, as written.
    Number(String),
    /// A text; whatever is inserted, it stays one.
    Text(Vec<Fragment<'t>>),
    /// An insertion outside of quotes: any JSON value.
    Value(Inserted<'t>),
    /// A list.
    List(Vec<Node<'t>>),
    /// An object, its members in order.
    Object(Vec<Member<'t>>),
}

/// A member of an object.
#[derive(Debug)]
pub struct Member<'t> {
    /// Its name; `None` when something is inserted into the name.
    pub name: Option<String>,
    /// Byte offset of the name in the template's source.
    pub at: usize,
    /// Its value.
    pub value: Node<'t>,
}

/// A part of a text.
#[derive(Debug)]
pub enum Fragment<'t> {
    /// Stands as it is; in JSON with its escapes resolved.
    Literal(String),
    /// Is inserted.
    Inserted(Inserted<'t>),
}

/// An insertion, `${{…}}`.
#[derive(Clone, Copy)]
pub struct Inserted<'t> {
    pub(super) expression: &'t Expression,
    source: &'t str,
    start: usize,
    end: usize,
}

impl fmt::Debug for Inserted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${{{{{}}}}}", self.source)
    }
}

/// A path that an insertion reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPath {
    /// What it starts from.
    pub root: PathRoot,
    /// Names of members, and `[0]` for entries of lists, from the root on.
    pub keys: Vec<String>,
    /// Whether the template itself says what happens when there is nothing: `default(…)`, `is defined`.
    pub provided: bool,
    /// The whole path as text: `decision.priority`.
    pub text: String,
}

/// What a path starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathRoot {
    /// The event.
    Event,
    /// The output of the decision table's row.
    Decision,
    /// The results of the decision's lookups.
    Lookups,
    /// The run itself, with its key.
    Run,
    /// The episode that the run belongs to.
    Episode,
    /// The answers of a stage's steps.
    Answer(Stage),
}

impl From<Root> for PathRoot {
    fn from(root: Root) -> Self {
        match root {
            Root::Event => Self::Event,
            Root::Decision => Self::Decision,
            Root::Lookups => Self::Lookups,
            Root::Run => Self::Run,
            Root::Episode => Self::Episode,
            Root::Answer(stage) => Self::Answer(stage),
        }
    }
}

impl<'t> Inserted<'t> {
    /// The expression as written.
    pub fn source(&self) -> &'t str {
        self.source
    }

    /// Byte offset of `${{` in the template's source.
    pub fn at(&self) -> usize {
        self.start
    }

    /// The paths that it reads, in order.
    pub fn paths(&self) -> Vec<NamedPath> {
        let translated = translate(self.source).map(|translation| translation.text).unwrap_or_default();
        let words: Vec<&str> = translated.split(|c: char| !super::path::is_word(c)).collect();
        let provided = |at: usize| words.contains(&format!("u{at}").as_str());
        self.expression.paths().iter().enumerate().map(|(at, path)| named(path, provided(at))).collect()
    }
}

fn named(path: &Path, provided: bool) -> NamedPath {
    let key = |segment: &Segment| match segment {
        Segment::Key(key) => key.to_string(),
        Segment::Index(index) => format!("[{index}]"),
    };
    let keys = path.segments.iter().map(key).collect();
    NamedPath { root: path.root.into(), keys, provided, text: path.to_string() }
}

impl Template {
    /// The body as a tree; `None` for a template that is not JSON.
    pub fn outline(&self) -> Option<Node<'_>> {
        if self.form != Form::Json {
            return None;
        }
        let insertions = self.insertions();
        let mut reader = Reader { source: &self.source, at: 0, insertions: insertions.iter().peekable() };
        reader.node()
    }

    /// The template as text, cut at its insertions.
    pub fn fragments(&self) -> Vec<Fragment<'_>> {
        let (mut fragments, mut from) = (Vec::new(), 0);
        for inserted in self.insertions() {
            push_literal(&mut fragments, &self.source[from..inserted.start]);
            fragments.push(Fragment::Inserted(inserted));
            from = inserted.end;
        }
        push_literal(&mut fragments, &self.source[from..]);
        fragments
    }

    /// Every insertion, in order.
    pub fn insertions(&self) -> Vec<Inserted<'_>> {
        let expressions = self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Insert { expression, .. } => Some(expression),
        });
        let pieces = pieces::cut(&self.source).unwrap_or_default().into_iter().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Insertion(insertion) => Some(insertion),
        });
        let inserted = |(expression, piece): (_, pieces::Insertion<'_>)| Inserted {
            expression,
            source: &self.source[piece.inner..piece.inner + piece.expression.len()],
            start: piece.at,
            end: piece.at + piece.length,
        };
        expressions.zip(pieces).map(inserted).collect()
    }
}

fn push_literal(fragments: &mut Vec<Fragment<'_>>, text: &str) {
    if !text.is_empty() {
        fragments.push(Fragment::Literal(text.to_owned()));
    }
}

/// Reads the JSON of a template. Every `None` means that the text is not what compiling has checked.
struct Reader<'r, 't> {
    source: &'t str,
    at: usize,
    insertions: std::iter::Peekable<std::slice::Iter<'r, Inserted<'t>>>,
}

impl<'t> Reader<'_, 't> {
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.source[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.source.as_bytes().get(self.at).copied()
    }

    /// Passes the separator or bracket; whether it was there.
    fn pass(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn insertion(&mut self) -> Option<Inserted<'t>> {
        let inserted = *self.insertions.next_if(|inserted| inserted.start == self.at)?;
        self.at = inserted.end;
        Some(inserted)
    }

    fn node(&mut self) -> Option<Node<'t>> {
        let first = self.peek()?;
        let at = self.at;
        let shape = match first {
            b'{' => Shape::Object(self.members()?),
            b'[' => Shape::List(self.entries()?),
            b'"' => Shape::Text(self.text()?),
            b'$' => Shape::Value(self.insertion()?),
            _ => self.word()?,
        };
        Some(Node { at, shape })
    }

    fn members(&mut self) -> Option<Vec<Member<'t>>> {
        let mut members = Vec::new();
        self.pass(b'{');
        while self.peek()? != b'}' {
            let at = self.at;
            let name = whole(self.text()?);
            self.pass(b':').then_some(())?;
            members.push(Member { name, at, value: self.node()? });
            self.pass(b',');
        }
        self.pass(b'}');
        Some(members)
    }

    fn entries(&mut self) -> Option<Vec<Node<'t>>> {
        let mut entries = Vec::new();
        self.pass(b'[');
        while self.peek()? != b']' {
            entries.push(self.node()?);
            self.pass(b',');
        }
        self.pass(b']');
        Some(entries)
    }

    fn word(&mut self) -> Option<Shape<'t>> {
        let rest = &self.source[self.at..];
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}')).unwrap_or(rest.len());
        self.at += end;
        Some(match &rest[..end] {
            "null" => Shape::Null,
            "true" => Shape::Flag(true),
            "false" => Shape::Flag(false),
            "" => return None,
            number => Shape::Number(number.to_owned()),
        })
    }

    /// The text that begins with a quote here.
    fn text(&mut self) -> Option<Vec<Fragment<'t>>> {
        self.pass(b'"').then_some(())?;
        let (mut fragments, mut from) = (Vec::new(), self.at);
        loop {
            if let Some(inserted) = { self.insertions.peek().filter(|next| next.start == self.at).copied().copied() } {
                push_literal(&mut fragments, &unescaped(&self.source[from..self.at])?);
                fragments.push(Fragment::Inserted(inserted));
                self.insertion();
                from = self.at;
                continue;
            }
            match self.source.as_bytes().get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        push_literal(&mut fragments, &unescaped(&self.source[from..self.at])?);
        self.at += 1;
        Some(fragments)
    }
}

/// The text when nothing is inserted into it.
fn whole(fragments: Vec<Fragment<'_>>) -> Option<String> {
    let mut text = String::new();
    for fragment in fragments {
        match fragment {
            Fragment::Literal(literal) => text.push_str(&literal),
            Fragment::Inserted(_) => return None,
        }
    }
    Some(text)
}

/// The content of a JSON text literal.
fn unescaped(content: &str) -> Option<String> {
    serde_json::from_str(&format!("\"{content}\"")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> String {
        let template = Template::compile(source, Form::Json, "t").expect("valid");
        template.outline().map_or_else(|| "none".to_owned(), |node| show(&node))
    }

    fn show(node: &Node<'_>) -> String {
        match &node.shape {
            Shape::Null => "null".to_owned(),
            Shape::Flag(flag) => flag.to_string(),
            Shape::Number(number) => number.clone(),
            Shape::Text(fragments) => format!("{fragments:?}"),
            Shape::Value(inserted) => format!("{inserted:?}"),
            Shape::List(entries) => format!("[{}]", entries.iter().map(show).collect::<Vec<_>>().join(";")),
            Shape::Object(members) => members
                .iter()
                .map(|member| {
                    format!("{}@{}={}", member.name.as_deref().unwrap_or("?"), member.at, show(&member.value))
                })
                .collect::<Vec<_>>()
                .join(" "),
        }
    }

    #[test]
    fn bodies_are_seen_as_trees() {
        let check = |source: &str, expect: &str| assert_eq!(shown(source), expect, "for {source}");
        check(r#"{"a": null, "b":true ,"c":-1.5e3}"#, "a@1=null b@12=true c@22=-1.5e3");
        check(r#"{"a": ["x", ${{event.id}}]}"#, r#"a@1=[[Literal("x")];${{event.id}}]"#);
        check(
            r#"{"a": "\u00fc \"${{ event.id }}\" }"}"#,
            r#"a@1=[Literal("ü \""), Inserted(${{ event.id }}), Literal("\" }")]"#,
        );
        check(r#"{"a-${{key}}": {}}"#, "?@1=");
        check("${{event.data}}", "${{event.data}}");
        check("[ ]", "[]");
    }

    #[test]
    fn paths_say_whether_their_absence_is_provided_for() {
        let source = "${{decision.a | default(lookups.b.c)}} ${{pre.x.d.results[0].E}}";
        let template = Template::compile(source, Form::Text, "t").expect("valid");
        let paths: Vec<_> = template.insertions().iter().flat_map(Inserted::paths).collect();
        let shown: Vec<_> = paths.iter().map(|p| format!("{:?} {} {}", p.root, p.keys.join("/"), p.provided)).collect();
        assert_eq!(
            shown,
            ["Decision a true", "Lookups b/c false", "Answer(Pre) x/d/results/[0]/E false"].map(str::to_owned)
        );
        assert_eq!(template.fragments().len(), 3);
    }
}
