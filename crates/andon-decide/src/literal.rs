//! What an output cell is known to say without evaluating it.

use zen_expression::intellisense::IntelliSense;
use zen_expression::parser::Node;

/// The texts that an expression can have as its value or in its list; `None` when that cannot be told.
pub(crate) fn texts(intellisense: &mut IntelliSense, source: &str) -> Option<Vec<String>> {
    intellisense
        .with_ast(source, false, |root, _| {
            let mut found = Vec::new();
            collect(root, &mut found).map(|()| found)
        })
        .flatten()
}

fn collect(node: &Node<'_>, found: &mut Vec<String>) -> Option<()> {
    match node {
        Node::Null => Some(()),
        Node::String(text) => {
            found.push((*text).to_owned());
            Some(())
        }
        Node::Array(items) => items.iter().try_for_each(|item| collect(item, found)),
        Node::Parenthesized(inner) => collect(inner, found),
        Node::Conditional { on_true, on_false, .. } => {
            collect(on_true, found)?;
            collect(on_false, found)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_or_not_told() {
        let check = |source: &str, expect: Option<&[&str]>| {
            let found = texts(&mut IntelliSense::new(), source);
            assert_eq!(
                found.as_deref().map(|f| f.iter().map(String::as_str).collect::<Vec<_>>()),
                expect.map(<[_]>::to_vec),
                "{source}"
            );
        };
        check("\"a\"", Some(&["a"]));
        check("[\"a\", \"b\"]", Some(&["a", "b"]));
        check("event.x > 1 ? \"a\" : null", Some(&["a"]));
        check("null", Some(&[]));
        check("event.x", None);
        check("\"a\" + event.x", None);
        check("5", None);
    }
}
