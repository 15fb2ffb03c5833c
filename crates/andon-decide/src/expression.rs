//! ZEN expressions: compiled once, refused with the position of the fault.
//!
//! Besides syntax, an expression is refused when it reads a name that is not there (a forgotten quote, most often) and
//! when its result would not be the same for the same event: random numbers and the present time (invariant C1).

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use zen_expression::compiler::Opcode;
use zen_expression::functions::{DateMethod, FunctionKind, InternalFunction, MethodKind};
use zen_expression::intellisense::diagnostic::{Diagnostic, DiagnosticSource};
use zen_expression::intellisense::{IntelliSense, ReadDependency};
use zen_expression::parser::Node;
use zen_expression::variable::VariableType;
use zen_expression::{Isolate, IsolateError};

/// Longest expression, in bytes.
pub(crate) const MAX_BYTES: usize = 4 * 1024;
/// Deepest nesting of brackets in an expression.
const MAX_DEPTH: usize = 64;
/// Longest list that a range is made.
const MAX_RANGE: u32 = 10_000;

/// A compiled expression.
pub(crate) type Code = Arc<[Opcode]>;

/// What expressions may read at their top: a name, and the members that it can have when those are known.
pub(crate) type Names = BTreeMap<String, Option<BTreeSet<String>>>;

/// How an expression is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A test of the column's value, such as `> 5` or `"a", "b"`.
    Unary,
    /// Any value.
    Standard,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("position {position}: {what}")]
pub(crate) struct Fault {
    /// Character in the expression, counted from 1.
    pub(crate) position: usize,
    /// What, and what to do.
    pub(crate) what: String,
}

/// Compiles the expressions of one document; equal texts are compiled once.
pub(crate) struct Compiler {
    isolate: Isolate,
    intellisense: IntelliSense,
    /// What is there to read; `None` when that is not known beforehand.
    names: Option<Names>,
    seen: HashMap<(Kind, Box<str>), Result<Code, Fault>>,
}

impl Compiler {
    /// A compiler for expressions that read `names`, or whatever when that is `None`.
    pub(crate) fn new(names: Option<Names>) -> Self {
        Self { isolate: Isolate::new(), intellisense: IntelliSense::new(), names, seen: HashMap::new() }
    }

    /// ZEN's analysis of expressions.
    pub(crate) fn intellisense(&mut self) -> &mut IntelliSense {
        &mut self.intellisense
    }

    /// Compiles one expression.
    pub(crate) fn compile(&mut self, source: &str, kind: Kind) -> Result<Code, Fault> {
        if let Some(known) = self.seen.get(&(kind, Box::from(source))) {
            return known.clone();
        }
        let result = self.compile_new(source, kind);
        self.seen.insert((kind, source.into()), result.clone());
        result
    }

    fn compile_new(&mut self, source: &str, kind: Kind) -> Result<Code, Fault> {
        guard_size(source)?;
        let compiled = match kind {
            Kind::Unary => self.isolate.compile_unary(source).map(|e| Arc::clone(e.bytecode())),
            Kind::Standard => self.isolate.compile_standard(source).map(|e| Arc::clone(e.bytecode())),
        };
        let code = compiled.map_err(|error| self.explain(source, kind, &error))?;
        self.guard_nodes(source, kind)?;
        self.guard_names(source, kind)?;
        Ok(code)
    }

    fn explain(&mut self, source: &str, kind: Kind, error: &IsolateError) -> Fault {
        let analysis = match kind {
            Kind::Unary => self.intellisense.analyze_unary(source, &VariableType::Any),
            Kind::Standard => self.intellisense.analyze(source, &VariableType::Any),
        };
        let parsing = |d: &&Diagnostic| d.source != DiagnosticSource::TypeCheck;
        match analysis.diagnostics.iter().filter(parsing).max_by_key(|d| d.span.0) {
            Some(found) if found.code == Some("expr.unterminated-string") => {
                fault_at(source, found.span.0, "the text that begins here is not closed")
            }
            Some(found) => fault_at(source, found.span.0, without_span(&found.message)),
            None => fault_at(source, 0, without_span(&error.to_string())),
        }
    }

    fn guard_nodes(&mut self, source: &str, kind: Kind) -> Result<(), Fault> {
        let found = self.intellisense.with_ast(source, kind == Kind::Unary, |root, _| {
            let found = Cell::new(None);
            root.walk(|node| found.set(found.get().or_else(|| forbidden(node))));
            found.get()
        });
        found.flatten().map_or(Ok(()), |what| Err(fault_at(source, 0, what)))
    }

    fn guard_names(&mut self, source: &str, kind: Kind) -> Result<(), Fault> {
        let Some(names) = &self.names else { return Ok(()) };
        let reads = match kind {
            Kind::Unary => self.intellisense.reads_unary(source),
            Kind::Standard => self.intellisense.reads(source),
        };
        for read in &reads {
            let (ReadDependency::Direct { path, span, .. }
            | ReadDependency::Unresolved { path, span }
            | ReadDependency::Iteration { collection: path, span, .. }) = read;
            if let Some(what) = unknown(path, names) {
                return Err(fault_at(source, span.0, what));
            }
        }
        Ok(())
    }
}

/// What is wrong with reading this path, if anything.
fn unknown(path: &[Rc<str>], names: &Names) -> Option<String> {
    let list = |names: &mut dyn Iterator<Item = &String>| names.map(String::as_str).collect::<Vec<_>>().join(", ");
    let name = path.first().filter(|name| name.as_ref() != "$root")?;
    let Some(members) = names.get(name.as_ref()) else {
        let there = list(&mut names.keys());
        return Some(format!("{name} is not there to read ({there} is); a text needs quotes: \"{name}\""));
    };
    let members = members.as_ref()?;
    let member = path.get(1).filter(|member| !members.contains(member.as_ref()))?;
    Some(format!("{name} has no column {member}; it has {}", list(&mut members.iter())))
}

fn guard_size(source: &str) -> Result<(), Fault> {
    if source.len() > MAX_BYTES {
        let what = format!("the expression has {} bytes, at most {MAX_BYTES} are allowed", source.len());
        return Err(fault_at(source, 0, what));
    }
    let mut depth = 0_usize;
    for (at, character) in source.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            let byte = u32::try_from(at).unwrap_or(0);
            return Err(fault_at(source, byte, format!("more than {MAX_DEPTH} brackets in each other")));
        }
    }
    Ok(())
}

/// Why a node may not be evaluated, if so.
fn forbidden(node: &Node<'_>) -> Option<&'static str> {
    unrepeatable(node).or_else(|| unbounded(node))
}

/// Whether a range could be made as long a list as an event likes.
fn unbounded(node: &Node<'_>) -> Option<&'static str> {
    let open = match node {
        Node::FunctionCall { kind: FunctionKind::Closure(_), arguments: [list, ..] } => holds_wide_range(list),
        Node::Assignments { list, .. } => list.iter().any(|(_, value)| holds_wide_range(value)),
        _ => false,
    };
    open.then_some("a range that is made a list needs two whole numbers as its ends, at most 10000 apart")
}

fn holds_wide_range(node: &Node<'_>) -> bool {
    let found = Cell::new(false);
    node.walk(|node| {
        if let Node::Interval { left, right, .. } = node {
            let (Node::Number(left), Node::Number(right)) = (left, right) else { return found.set(true) };
            let apart = right.checked_sub(*left);
            found.set(found.get() || apart.is_none_or(|apart| apart > MAX_RANGE.into()));
        }
    });
    found.get()
}

/// Why the node's value may differ the next time, if so.
fn unrepeatable(node: &Node<'_>) -> Option<&'static str> {
    match node {
        Node::FunctionCall { kind: FunctionKind::Internal(InternalFunction::Rand), .. } => {
            Some("rand() gives another number each time; the same event must always decide the same")
        }
        Node::FunctionCall { kind: FunctionKind::Internal(InternalFunction::Date), arguments } => {
            let is_now = match arguments {
                [] => true,
                [Node::String(text), ..] => !text.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '-'),
                _ => false,
            };
            is_now.then_some("d() reads the present time here; the same event must always decide the same")
        }
        Node::MethodCall {
            kind: MethodKind::DateMethod(DateMethod::IsToday | DateMethod::IsTomorrow | DateMethod::IsYesterday),
            ..
        } => Some("isToday() and its like read the present time; the same event must always decide the same"),
        _ => None,
    }
}

fn fault_at(source: &str, byte: u32, what: impl Into<String>) -> Fault {
    let byte = usize::try_from(byte).unwrap_or(usize::MAX);
    let position = source.char_indices().take_while(|(at, _)| *at < byte).count() + 1;
    Fault { position, what: what.into() }
}

/// ZEN's message without its own ` at (3, 5)`.
fn without_span(message: &str) -> String {
    let Some(from) = message.find(" at (") else { return message.to_owned() };
    let Some(length) = message[from..].find(')') else { return message.to_owned() };
    format!("{}{}", &message[..from], &message[from + length + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, kind: Kind, expect: &str) {
        let names = [("event".into(), None), ("asset".into(), Some(["plant".into()].into()))].into();
        let found = Compiler::new(Some(names)).compile(source, kind).map(|_| ()).map_err(|f| f.to_string());
        assert_eq!(found.err().unwrap_or_default(), expect, "for {source:?}");
    }

    #[test]
    fn good_expressions_compile() {
        for unary in [
            "> 5",
            "\"a\", \"b\"",
            "[1..5)",
            "null",
            "!= null",
            "$ > 3 and $ < event.data.limit",
            "len($) > 2",
            "some($, # > 3)",
        ] {
            check(unary, Kind::Unary, "");
        }
        for standard in [
            "\"a\"",
            "event.data.x + 1",
            "asset.plant ?? \"1010\"",
            "d(event.time).year()",
            "map(event.data.xs, # * 2)",
        ] {
            check(standard, Kind::Standard, "");
        }
    }

    #[test]
    fn faults_name_the_position() {
        check("> ", Kind::Unary, "position 2: Expected a literal");
        check("\"a", Kind::Unary, "position 2: the text that begins here is not closed");
        check(
            "rain",
            Kind::Unary,
            "position 1: rain is not there to read (asset, event is); a text needs quotes: \"rain\"",
        );
        check(
            "event.x + rain",
            Kind::Standard,
            "position 11: rain is not there to read (asset, event is); a text needs quotes: \"rain\"",
        );
        check("asset.plnt", Kind::Standard, "position 1: asset has no column plnt; it has plant");
        check("nofunction(1)", Kind::Standard, "position 1: Unknown function `nofunction`");
    }

    #[test]
    fn what_differs_each_time_is_refused() {
        for source in ["rand(10)", "d()", "d(\"Europe/Berlin\")", "d(event.time).isToday()", "1 + rand(5) > 3"] {
            let fault = Compiler::new(None).compile(source, Kind::Standard).expect_err("refused");
            assert!(fault.what.ends_with("the same event must always decide the same"), "{source}: {fault}");
        }
        check("d(\"2024-03-05\") < d(event.time)", Kind::Standard, "");
    }

    #[test]
    fn ranges_that_become_lists_have_an_end() {
        for source in ["map([0..event.data.n], #)", "sum(map((0..99999], #))", "xs = [1..event.n]; len(map(xs, #))"] {
            let fault = Compiler::new(None).compile(source, Kind::Standard).expect_err("refused");
            assert!(fault.what.contains("at most 10000 apart"), "{source}: {fault}");
        }
        for source in
            ["map([1..12], # * 2)", "event.data.n in [1..event.data.limit]", "some(event.xs, # in [1..99999])"]
        {
            check(source, Kind::Standard, "");
        }
    }

    #[test]
    fn long_and_deep_expressions_end_in_a_fault_or_compile() {
        let repeat = |unit: &str| unit.repeat(MAX_BYTES / unit.len());
        for unit in [
            "(", "[", "{", "!", "-", "not ", "1+", "a.", "a?b:", "1 and ", "a(", "\"x\",", "a ?? ", "`${", "1 in ",
            "[1..",
        ] {
            let text = repeat(unit);
            for kind in [Kind::Unary, Kind::Standard] {
                let _ = Compiler::new(Some(Names::new())).compile(&text, kind);
                let _ = Compiler::new(None).compile(&format!("{}1", &text[..text.len() - 1]), kind);
            }
        }
        assert!(Compiler::new(None).compile(&"1".repeat(MAX_BYTES + 1), Kind::Standard).is_err());
    }
}
