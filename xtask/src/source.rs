//! What the checks need to know about one Rust file, read from its syntax tree.
//!
//! Test code is told apart by `#[cfg(test)]` and `#[test]` on an item, by `tests.rs` and by folders
//! called `tests`; it is measured neither in size nor for forbidden calls.

use anyhow::{Result, anyhow};
use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Ident, Signature, Visibility};

/// Methods that panic on what a caller sent.
const FORBIDDEN_METHODS: &[&str] = &["unwrap"];

/// Macros that have no place in a product.
const FORBIDDEN_MACROS: &[&str] = &["todo", "unimplemented", "dbg"];

/// A function with its length.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name; methods carry the name of their type, as in `Type::method`.
    pub name: String,
    /// First line, counted from 1.
    pub line: usize,
    /// Lines from signature to closing brace.
    pub lines: usize,
}

/// A place in a file, and what was found there.
#[derive(Debug, PartialEq, Eq)]
pub struct Spot {
    /// Line, counted from 1.
    pub line: usize,
    /// What: a call, or the name of a type.
    pub what: String,
}

/// Facts about the product code of one file.
#[derive(Debug, Default)]
pub struct Facts {
    /// Lines without tests.
    pub lines: usize,
    /// Functions outside tests.
    pub functions: Vec<Function>,
    /// Forbidden calls outside tests.
    pub forbidden: Vec<Spot>,
    /// Public structs, enums, traits, unions and aliases.
    pub public_types: Vec<Spot>,
}

/// Whether everything in the file at `path` is test code.
pub fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.contains("/benches/") || path.starts_with("fuzz/")
}

/// Reads the facts of a file's text.
pub fn facts(text: &str) -> Result<Facts> {
    let file = syn::parse_file(text).map_err(|e| anyhow!("line {}: {e}", e.span().start().line))?;
    let mut reader = Reader::default();
    reader.visit_file(&file);
    reader.facts.lines = text.lines().count().saturating_sub(reader.test_lines);
    Ok(reader.facts)
}

#[derive(Default)]
struct Reader {
    facts: Facts,
    test_lines: usize,
    owner: Option<String>,
}

impl Reader {
    fn skip(&mut self, span: Span) {
        self.test_lines += lines(span);
    }

    fn function(&mut self, signature: &Signature, block: &Block) {
        let name = match &self.owner {
            Some(owner) => format!("{owner}::{}", signature.ident),
            None => signature.ident.to_string(),
        };
        let line = signature.span().start().line;
        self.facts.functions.push(Function { name, line, lines: block.span().end().line - line + 1 });
    }

    fn public_type(&mut self, visibility: &Visibility, name: &Ident) {
        if matches!(visibility, Visibility::Public(_)) {
            self.facts.public_types.push(Spot { line: name.span().start().line, what: name.to_string() });
        }
    }

    fn forbid(&mut self, span: Span, what: String) {
        self.facts.forbidden.push(Spot { line: span.start().line, what });
    }

    fn inside(&mut self, owner: Option<String>, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.owner, owner);
        visit(self);
        self.owner = outer;
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if attributes(item).iter().any(is_test_attribute) {
            return self.skip(item.span());
        }
        match item {
            syn::Item::Struct(i) => self.public_type(&i.vis, &i.ident),
            syn::Item::Enum(i) => self.public_type(&i.vis, &i.ident),
            syn::Item::Trait(i) => self.public_type(&i.vis, &i.ident),
            syn::Item::Type(i) => self.public_type(&i.vis, &i.ident),
            syn::Item::Union(i) => self.public_type(&i.vis, &i.ident),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let owner = match item.self_ty.as_ref() {
            syn::Type::Path(path) => path.path.segments.last().map(|s| s.ident.to_string()),
            _ => None,
        };
        self.inside(owner, |reader| visit::visit_item_impl(reader, item));
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.inside(Some(item.ident.to_string()), |reader| visit::visit_item_trait(reader, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if item.attrs.iter().any(is_test_attribute) {
            return self.skip(item.span());
        }
        self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if FORBIDDEN_METHODS.iter().any(|m| call.method == m) {
            self.forbid(call.method.span(), format!(".{}()", call.method));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        if let Some(segment) = mac.path.segments.last()
            && FORBIDDEN_MACROS.iter().any(|m| segment.ident == m)
        {
            self.forbid(segment.ident.span(), format!("{}!", segment.ident));
        }
        visit::visit_macro(self, mac);
    }
}

fn lines(span: Span) -> usize {
    span.end().line - span.start().line + 1
}

fn attributes(item: &syn::Item) -> &[Attribute] {
    match item {
        syn::Item::Mod(i) => &i.attrs,
        syn::Item::Fn(i) => &i.attrs,
        syn::Item::Impl(i) => &i.attrs,
        syn::Item::Struct(i) => &i.attrs,
        syn::Item::Enum(i) => &i.attrs,
        syn::Item::Use(i) => &i.attrs,
        syn::Item::Const(i) => &i.attrs,
        syn::Item::Macro(i) => &i.attrs,
        _ => &[],
    }
}

/// `#[test]`, `#[tokio::test]` and every `#[cfg(…)]` that names `test` without `not`.
fn is_test_attribute(attribute: &Attribute) -> bool {
    match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string();
            condition.split(|c: char| !c.is_alphanumeric()).any(|word| word == "test") && !condition.contains("not")
        }
        meta => meta.path().segments.last().is_some_and(|s| s.ident == "test"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "\
pub struct Kept;
impl Kept {
    fn long(&self) {
        self.x.unwrap();
        todo!()
    }
}
#[cfg(test)]
mod tests {
    fn quick() { x.unwrap() }
}
";

    #[test]
    fn test_code_is_left_out() {
        let facts = facts(SAMPLE).expect("parses");
        assert_eq!(facts.lines, 7);
        assert_eq!(facts.functions, [Function { name: "Kept::long".into(), line: 3, lines: 4 }]);
        let found: Vec<_> = facts.forbidden.iter().map(|s| (s.line, s.what.as_str())).collect();
        assert_eq!(found, [(4, ".unwrap()"), (5, "todo!")]);
        assert_eq!(facts.public_types, [Spot { line: 1, what: "Kept".into() }]);
    }

    #[test]
    fn faults_name_the_line() {
        let error = facts("fn a() {}\nfn b( {}\n").expect_err("must not parse").to_string();
        assert!(error.starts_with("line 2"), "{error}");
    }
}
