//! What annotations add: in V4 everything that `sap:` attributes say in V2, in newer V2 services some of it.
//!
//! Terms are told by the end of their names (`…InsertRestrictions`), since each service names its vocabularies in its
//! own way; targets are `<namespace>.<type>/<property>` and `<namespace>.<container>/<set>`, with the namespace or
//! its alias. What is not known is passed over.

use super::model::{EntitySet, Format, Metadata, Property};
use super::tree::Element;

/// Applies an `Annotations` element.
pub(super) fn apply(metadata: &mut Metadata, group: &Element, qualify: &dyn Fn(&str) -> String) {
    let Some((owner, member)) = group.attribute("Target").and_then(|target| target.split_once('/')) else { return };
    let annotations = || group.children_named("Annotation");
    if let Some(property) =
        metadata.types.get_mut(&qualify(owner)).and_then(|structure| structure.properties.get_mut(member))
    {
        annotations().for_each(|annotation| on_property(property, annotation));
    } else if let Some(set) = metadata.sets.get_mut(member) {
        annotations().for_each(|annotation| on_set(set, annotation));
    }
}

/// The last part of a term's name.
fn term(annotation: &Element) -> &str {
    annotation.attribute("Term").and_then(|term| term.rsplit('.').next()).unwrap_or("")
}

/// Whether a tagging term is meant: it is, unless it says no.
fn is_set(annotation: &Element) -> bool {
    annotation.attribute("Bool") != Some("false")
}

/// Applies an annotation of a property, whether it stands within or apart.
pub(super) fn on_property(property: &mut Property, annotation: &Element) {
    match term(annotation) {
        "Computed" if is_set(annotation) => {
            property.is_creatable = false;
            property.is_updatable = false;
        }
        "Immutable" if is_set(annotation) => property.is_updatable = false,
        "IsUpperCase" if is_set(annotation) => property.format = Format::UpperCase,
        "IsDigitSequence" if is_set(annotation) => property.format = Format::Digits,
        "FieldControl" => {
            let control = annotation.attribute("EnumMember").unwrap_or("");
            property.is_mandatory |= control.ends_with("/Mandatory");
            if control.ends_with("/ReadOnly") || control.ends_with("/Hidden") {
                property.is_creatable &= control.ends_with("/Hidden");
                property.is_updatable &= control.ends_with("/Hidden");
            }
        }
        _ => {}
    }
}

/// Applies an annotation of a set.
fn on_set(set: &mut EntitySet, annotation: &Element) {
    let flag = |name: &str| flag(annotation, name);
    let list = |name: &str| list(annotation, name);
    match term(annotation) {
        "InsertRestrictions" => {
            set.is_creatable = flag("Insertable").unwrap_or(set.is_creatable);
            set.mandatory.extend(list("RequiredProperties"));
            set.not_creatable.extend(list("NonInsertableProperties"));
        }
        "UpdateRestrictions" => {
            set.is_updatable = flag("Updatable").unwrap_or(set.is_updatable);
            set.not_updatable.extend(list("NonUpdatableProperties"));
        }
        "DeleteRestrictions" => set.is_deletable = flag("Deletable").unwrap_or(set.is_deletable),
        "ReadRestrictions" => set.is_addressable = flag("Readable").unwrap_or(set.is_addressable),
        "FilterRestrictions" => set.not_filterable.extend(list("NonFilterableProperties")),
        _ => {}
    }
}

/// The value of a member of the annotation's record.
fn value<'e>(annotation: &'e Element, name: &'e str) -> Option<&'e Element> {
    let record = annotation.children_named("Record").next()?;
    record.children_named("PropertyValue").find(|value| value.attribute("Property") == Some(name))
}

fn flag(annotation: &Element, name: &str) -> Option<bool> {
    let found = value(annotation, name)?;
    let nested = || found.children_named("Bool").next().map(|element| element.text.as_str());
    match found.attribute("Bool").or_else(nested)? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn list(annotation: &Element, name: &str) -> Vec<String> {
    let paths = value(annotation, name).and_then(|found| found.children_named("Collection").next());
    paths.into_iter().flat_map(|paths| paths.children_named("PropertyPath")).map(|path| path.text.clone()).collect()
}
