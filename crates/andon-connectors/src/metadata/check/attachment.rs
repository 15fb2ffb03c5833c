//! Attachment steps: where the bytes go.

use std::collections::BTreeMap;

use toml::Spanned;

use super::path::{Place, Target};
use super::{Check, Service, WrittenStep};

/// The set of files of SAP's attachment service, for steps that name none.
const FILES: &str = "AttachmentContentSet";

impl<'a> Check<'a> {
    /// Checks that the step's path leads to a set of files.
    pub(super) fn attachment(&mut self, step: &'a WrittenStep, service: Service<'a>) {
        let Some(text) = step.path.as_ref().or(step.service.as_ref()).filter(|_| step.is_attachment()) else { return };
        let Some(target) = self.attached_to(step, service) else { return };
        let Some(structure) = target.structure else { return };
        let what = match target.place {
            Place::Set if !structure.is_media => format!("the entities of {} are no files", target.name),
            Place::Entity => format!("a file is made in a set: leave out the key of {}", target.name),
            Place::Operation => format!("{} is a function, no set of files", target.name),
            Place::Set | Place::Elsewhere => return,
        };
        self.error(text, 0, what);
    }

    /// Where the bytes go; reports what does not exist.
    pub(super) fn attached_to(&mut self, step: &'a WrittenStep, service: Service<'a>) -> Option<Target<'a>> {
        let made = BTreeMap::new();
        if let Some(path) = &step.path {
            return self.target(service, path, &made);
        }
        let span = step.service.as_ref()?.span();
        self.target(service, &Spanned::new(span, FILES.to_owned()), &made)
    }
}
