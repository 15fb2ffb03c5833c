//! How an object or line names its equipment.

use std::fmt::Write;
use std::str::FromStr;

/// A text with placeholders: `{1}` is the first folder below the prefix, `{2}` the second, and so on;
/// `{component}` is the component of the line's strongest sensor; other text stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EquipmentNaming(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// Counted from 1.
    Folder(usize),
    Component,
}

impl FromStr for EquipmentNaming {
    type Err = String;

    fn from_str(pattern: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = pattern;
        while let Some((text, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("'{' without '}'")?;
            pieces.extend((!text.is_empty()).then(|| Piece::Text(text.to_owned())));
            pieces.push(placeholder(name)?);
            rest = after;
        }
        pieces.extend((!rest.is_empty()).then(|| Piece::Text(rest.to_owned())));
        if pieces.is_empty() {
            return Err("an empty text names no equipment".into());
        }
        Ok(Self(pieces))
    }
}

fn placeholder(name: &str) -> Result<Piece, String> {
    match (name, name.parse::<usize>()) {
        ("component", _) => Ok(Piece::Component),
        (_, Ok(number @ 1..=64)) => Ok(Piece::Folder(number)),
        _ => Err(format!("{{{name}}} is not a placeholder; use {{1}}, {{2}}, … or {{component}}")),
    }
}

impl EquipmentNaming {
    /// Whether an object in these folders can name its equipment.
    pub(super) fn check(&self, folders: &[&str]) -> Result<(), String> {
        for piece in &self.0 {
            if let Piece::Folder(number) = piece
                && folders.get(number - 1).is_none_or(|folder| folder.is_empty())
            {
                let found = folders.len();
                return Err(format!(
                    "the equipment is named by folder {number} below the source's prefix, but there are {found}; \
                     move the object or change the key equipment in [decode]"
                ));
            }
        }
        Ok(())
    }

    /// The equipment's name.
    pub(super) fn resolve(&self, folders: &[&str], component: Option<&str>) -> Result<String, String> {
        let mut name = String::new();
        for piece in &self.0 {
            let text = match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Folder(number) => folders.get(number - 1).copied().unwrap_or_default(),
                Piece::Component => component.ok_or("the component of a sensor names the equipment, none is here")?,
            };
            // Writing to a String cannot fail.
            let _ = name.write_str(text);
        }
        Ok(name)
    }
}
