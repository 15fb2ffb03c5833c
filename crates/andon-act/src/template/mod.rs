//! The template language of actions: text with `${{…}}` where values of the event, of the decision
//! and of earlier answers are inserted, in the syntax of SAP's events-to-business-actions framework.
//!
//! **Purpose.** `"ShortText": "${{event.data.equipment | left(40)}}"` becomes a request to SAP.
//! Whatever an event holds, the result is well-formed: every inserted value is escaped for the place
//! where it stands, it is never read as a template again, and a value that is not there is an error
//! that names the path, how far it leads and which keys there are.
//!
//! **Constraints.** No I/O, no clock, no loops: `{% %}`, `{{ }}` and `{# #}` are plain text. A template
//! has at most 256 KiB, an expression at most 2 KiB, a rendered text at most 4 MiB. No template and no
//! event makes it panic.
//!
//! **Life of a template.** [`Template::compile`] cuts the source into literal text and insertions
//! (`pieces`), finds out what surrounds each insertion (`slot`), and compiles each expression: paths
//! are kept as they are (`path`), the rest is translated (`translate`) for the engine, minijinja, which
//! computes filters, operators and conditions (`environment`, `filters`, `expression`). [`Template::render`] walks the
//! paths over the JSON of a [`Scope`] and writes each value into its slot.
//!
//! # What can be inserted
//!
//! | written | is |
//! |---|---|
//! | `${{event.data.a.b[0].c}}` | a value of the event; also `event.id`, `event.source`, `event.type`, `event.subject`, `event.time` and extension attributes |
//! | `${{decision.x}}`, `${{default.<id>.x}}` | the output of the decision table's row; the framework's default action is the decision |
//! | `${{lookups.<alias>.x}}` | what a lookup of the decision found |
//! | `${{pre.<step>.x}}`, `${{main.<step>.x}}`, `${{post.<step>.x}}` | the answer of an earlier step |
//! | `${{open-check.<step>.x}}`, `${{update.<step>.x}}` | the same, in update steps of an episode |
//! | `${{episode.document}}`, `episode.count`, `episode.opened_at`, `episode.key` | the episode that the event joins |
//! | `${{key}}` | the step's duplicate-guard key, 20 characters |
//! | `${{run.id}}`, `${{run.event_offset}}` | the run, and the event's place in the journal |
//! | `${{stringify(event.data)}}` | the JSON text of any value |
//!
//! The first word is case-insensitive. Names with other characters than letters, digits and `_` are
//! written `event.data['bucket name']`; names of steps may carry hyphens. `[0]` is the first entry of a
//! list, `[-1]` the last.
//!
//! An expression may also compute: `+ - * / // % ~` (`~` puts texts together), comparisons,
//! `and or not in`, `a if condition else b`, `is defined`, and filters. Minus needs spaces around it
//! after a step's name. Both sides of `*` must be numbers.
//!
//! # Missing and empty
//!
//! A path that leads nowhere is an error, unless `| default(…)`, `is defined` or `is undefined` follows
//! directly. `null` is a value: nothing within a text, `null` as a JSON value. `default(x, true)` also
//! replaces `null`, `""`, `0` and `false`.
//!
//! # Forms
//!
//! | form | used for | an inserted value |
//! |---|---|---|
//! | [`Form::Json`] within a string literal | bodies | is escaped as string content; objects and lists as their JSON text |
//! | [`Form::Json`] elsewhere | bodies | stays a JSON value: a text brings its quotes, an object stays one |
//! | [`Form::UrlPath`] | paths | is percent-encoded, so that no `/` passes; between single quotes, quotes are doubled; empty only between single quotes; `.` and `..` are refused as segments |
//! | [`Form::Query`] | query values | stays as it is, since the request is encoded when it is sent; between single quotes, quotes are doubled |
//! | [`Form::Header`] | headers | stays as it is; control characters are refused |
//! | [`Form::Text`] | other bodies | stays as it is |
//!
//! # Filters
//!
//! | filter | result |
//! |---|---|
//! | `default(x)`, `default(x, true)` | `x` where the path leads nowhere; with `true` also for empty values |
//! | `left(n)` | the first `n` characters, for the lengths of SAP fields |
//! | `truncate(n)` | the same, ending in `...` when something was cut off |
//! | `pad_left(n, '0')` | filled up to `n` characters from the left, as in SAP's internal numbers |
//! | `upper`, `lower`, `trim`, `replace(a, b)`, `split(s)`, `join(s)`, `string` | text |
//! | `round(n)`, `int`, `float`, `abs`, `bool` | numbers; `int` and `float` read texts and take `default=` |
//! | `first`, `last`, `length`, `min`, `max`, `sum`, `sort`, `unique`, `list` | of a list |
//! | `map(attribute='name')`, `selectattr('value', 'gt', 0.5)`, `rejectattr(…)` | of a list of objects |
//! | `from_json` | the value that a JSON text holds: `(event.data.text \| from_json).x` |
//! | `odata_date` | RFC 3339 time → `/Date(1687839153000)/` |
//! | `odata_day` | RFC 3339 time → `2023-06-27T00:00:00`, the day in UTC |
//! | `odata_time` | RFC 3339 time → `PT04H12M33S`, the time of day in UTC |

mod environment;
mod expression;
mod filters;
mod hidden;
mod json;
mod known;
mod lookahead;
mod outline;
mod path;
mod pieces;
mod place;
mod redact;
mod scope;
mod slot;
mod surroundings;
mod translate;

#[cfg(test)]
mod tests;

use std::fmt;

use andon_model::{Code, Problem};

use expression::Expression;
use pieces::{Fault, Insertion, Piece};
use slot::{Cursor, Slot};
use surroundings::{Surroundings, is_name};

pub use known::{Facts, KnownRow, KnownTable, Origin, Seen, SeenAnswer};
pub use outline::{Fragment, Inserted, Member, NamedPath, Node, PathRoot, Shape};
pub use place::Place;
pub(crate) use place::Written;
pub(crate) use redact::Redaction;
pub use scope::Scope;

/// Most bytes of a template's source.
const MAX_SOURCE_BYTES: usize = 256 * 1024;

/// Most bytes of a rendered text.
const MAX_RENDERED_BYTES: usize = 4 * 1024 * 1024;

/// Where the rendered text goes: decides how inserted values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A JSON body.
    Json,
    /// A body of another kind.
    Text,
    /// A path, percent-encoded.
    UrlPath,
    /// The value of one query parameter, not yet percent-encoded.
    Query,
    /// The value of one header.
    Header,
}

/// A compiled template.
pub struct Template {
    form: Form,
    source: Box<str>,
    place: Place,
    parts: Vec<Part>,
}

enum Part {
    Literal(Box<str>),
    Insert {
        expression: Expression,
        slot: Slot,
        /// Byte offset in the source, and length there.
        at: usize,
        length: usize,
    },
}

impl Template {
    /// Compiles `source`. `place` is where it is written; errors add line and column, in the file where that is known,
    /// else within the template.
    ///
    /// # Errors
    /// [`Code::Template`] for anything wrong in it, also when a JSON template would not be JSON.
    pub fn compile(source: &str, form: Form, place: impl Into<Place>) -> Result<Self, Problem> {
        let place = place.into();
        match compile_parts(source, form) {
            Ok(parts) => Ok(Self { form, source: source.into(), place, parts }),
            Err(fault) => Err(Problem::new(Code::Template, fault.what).at(place.within(source, fault.at))),
        }
    }

    /// Renders it. In the scope of a preview, what is not known yet stays as it is written.
    ///
    /// # Errors
    /// [`Code::MissingPath`] when a path leads nowhere, [`Code::BadBody`] when a value cannot stand
    /// where it is inserted or an expression cannot be computed, [`Code::TooLarge`] above 4 MiB.
    pub fn render(&self, scope: &Scope<'_>) -> Result<String, Problem> {
        let mut out = String::with_capacity(self.source.len());
        let mut is_open = false;
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Insert { expression, at, length, .. } if scope.leaves_open(expression.paths()) => {
                    is_open = true;
                    out.push_str(&self.source[*at..*at + *length]);
                }
                Part::Insert { expression, slot, at, .. } => insert(expression, *slot, scope, &mut out)
                    .map_err(|(code, what)| Problem::new(code, what).at(self.place_at(*at)))?,
            }
            if out.len() > MAX_RENDERED_BYTES {
                let what = format!("the rendered text has more than {MAX_RENDERED_BYTES} bytes");
                return Err(Problem::new(Code::TooLarge, what).at(self.place.whole()));
            }
        }
        if is_open {
            return Ok(out);
        }
        check_whole(self.form, &out).map_err(|what| Problem::new(Code::BadBody, what).at(self.place.whole()))?;
        Ok(out)
    }

    /// The paths that it names, in order: `event.data.equipment`, `pre.plant.Result[0].X`. First words
    /// are in lower case, `default.<id>.x` is `decision.x`, `key` is `run.key`.
    pub fn paths(&self) -> Vec<String> {
        let expressions = self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Insert { expression, .. } => Some(expression),
        });
        expressions.flat_map(Expression::paths).map(ToString::to_string).collect()
    }
}

/// A path that a template names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    /// As in [`Template::paths`].
    pub(crate) path: String,
    /// Whether the value stands as it is, not computed with, within a JSON text that is a value and plain: no
    /// member's name, and no JSON or XML of its own.
    pub(crate) as_text: bool,
    /// Byte offset of the insertion in the template.
    pub(crate) at: usize,
}

impl Template {
    /// Where a byte offset of its source is, for people.
    pub(crate) fn place_at(&self, at: usize) -> String {
        self.place.within(&self.source, at)
    }

    /// The paths that it names, with what becomes of their values.
    pub(crate) fn uses(&self) -> Vec<Use> {
        let (mut uses, mut surroundings) = (Vec::new(), Surroundings::default());
        for (number, part) in self.parts.iter().enumerate() {
            match part {
                Part::Literal(text) => surroundings.pass(text),
                Part::Insert { expression, slot, at, .. } => {
                    let stands = *slot == Slot::JsonText && expression.is_path();
                    let as_text = stands && !surroundings.is_structured() && !is_name(self.literals_after(number));
                    uses.extend(expression.paths().iter().map(|path| Use { path: path.to_string(), as_text, at: *at }));
                    surroundings.insert();
                }
            }
        }
        uses
    }

    fn literals_after(&self, number: usize) -> impl Iterator<Item = &str> {
        self.parts.iter().skip(number + 1).filter_map(|part| match part {
            Part::Literal(text) => Some(&**text),
            Part::Insert { .. } => None,
        })
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("form", &self.form).field("source", &self.source).finish_non_exhaustive()
    }
}

fn compile_parts(source: &str, form: Form) -> Result<Vec<Part>, Fault> {
    if source.len() > MAX_SOURCE_BYTES {
        return Err(Fault::new(0, format!("a template has at most {MAX_SOURCE_BYTES} bytes")));
    }
    let (mut parts, mut cursor, mut skeleton) = (Vec::new(), Cursor::new(form), String::new());
    for piece in pieces::cut(source)? {
        match piece {
            Piece::Literal(text) => {
                cursor.pass(text);
                skeleton.push_str(text);
                parts.push(Part::Literal(text.into()));
            }
            Piece::Insertion(insertion) => {
                let slot = cursor.slot().map_err(|what| Fault::new(insertion.at, what))?;
                stand_in(slot, insertion.length, &mut skeleton);
                parts.push(compile_insertion(&insertion, slot)?);
            }
        }
    }
    check_skeleton(form, &skeleton)?;
    Ok(parts)
}

fn compile_insertion(insertion: &Insertion<'_>, slot: Slot) -> Result<Part, Fault> {
    let expression = Expression::compile(insertion.expression)
        .map_err(|fault| Fault::new(insertion.inner + fault.at, fault.what))?;
    Ok(Part::Insert { expression, slot, at: insertion.at, length: insertion.length })
}

/// Writes something of the same length that is as well-formed as any value would be.
fn stand_in(slot: Slot, length: usize, skeleton: &mut String) {
    let (value, fill) = if slot == Slot::JsonValue { ("\"\"", ' ') } else { ("", 'x') };
    skeleton.push_str(value);
    skeleton.extend(std::iter::repeat_n(fill, length - value.len()));
}

/// Checks the literal text of a template, so that its faults come to light before the first event.
/// The skeleton is as long as the source, so offsets are the same.
fn check_skeleton(form: Form, skeleton: &str) -> Result<(), Fault> {
    match form {
        Form::Json => json::check(skeleton)
            .map_err(|fault| Fault::new(fault.at, format!("the template is not JSON: {}", fault.what))),
        Form::Header if !slot::is_header_text(skeleton) => {
            Err(Fault::new(0, "a header must not carry control characters"))
        }
        _ => Ok(()),
    }
}

fn insert(expression: &Expression, slot: Slot, scope: &Scope<'_>, out: &mut String) -> Result<(), expression::Failure> {
    let value = expression.evaluate(scope)?;
    slot.write(&value, out).map_err(|what| (Code::BadBody, what.to_owned()))
}

/// What can only be said about the rendered text as a whole.
fn check_whole(form: Form, text: &str) -> Result<(), String> {
    match form {
        Form::Json => json::check(text).map_err(|fault| fault.describe(text)),
        Form::UrlPath if slot::has_dot_segment(text) => Err("the path has a segment . or ..".into()),
        _ => Ok(()),
    }
}
