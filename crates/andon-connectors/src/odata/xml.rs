//! Reading small XML documents by the paths of their texts.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

/// Most texts that are looked at.
const MAX_TEXTS: usize = 500;

/// As [`exact_texts`], without blanks around the texts.
pub(super) fn texts(document: &str) -> Vec<(String, String)> {
    exact_texts(document).into_iter().map(|(path, text)| (path, text.trim().to_owned())).collect()
}

/// The text of every innermost element that is not blank, with the local names of the elements around it,
/// outermost first, joined by `/`. A document that ends early or is not well-formed gives what was there
/// before.
pub(crate) fn exact_texts(document: &str) -> Vec<(String, String)> {
    let mut reader = Reader::from_str(document);
    let (mut path, mut found, mut text) = (Vec::<String>::new(), Vec::new(), String::new());
    while found.len() < MAX_TEXTS {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                path.push(element.local_name().as_ref().to_owned());
                text.clear();
            }
            Ok(Event::Text(part)) => text.push_str(&part.xml10_content()),
            Ok(Event::CData(part)) => text.push_str(&part.xml10_content()),
            Ok(Event::GeneralRef(reference)) => text.extend(character(&reference)),
            Ok(Event::End(_)) => {
                let content = std::mem::take(&mut text);
                found.extend((!content.trim().is_empty()).then(|| (path.join("/"), content)));
                path.pop();
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    found
}

/// The character of a reference such as `&lt;` or `&#228;`; only XML's own are known.
fn character(reference: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(found)) = reference.resolve_char_ref() {
        return Some(found);
    }
    match reference.xml10_content().as_ref() {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_with_their_path() {
        let found = texts("<a:e xmlns:a='x'><c>1 &lt; &#228;</c><d><c> </c><f><![CDATA[<2>]]></f></d><g/><h>cut");
        let expect = [("e/c", "1 < ä"), ("e/d/f", "<2>")].map(|(path, text)| (path.to_owned(), text.to_owned()));
        assert_eq!(found, expect);
    }
}
