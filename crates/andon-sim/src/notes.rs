//! The part of the books that is no documents: calls that were made, kept in order and bounded.

use std::sync::Mutex;

use crate::lock::hold;
use crate::sap::{Books, DevicePatch, LlmCall, RuleCall};

/// Most notes of each kind; what comes after is not noted.
const MAX_NOTES: usize = 100_000;

/// The notes.
#[derive(Default)]
pub(crate) struct Notes {
    patches: Mutex<Vec<DevicePatch>>,
    llm: Mutex<Vec<LlmCall>>,
    rules: Mutex<Vec<RuleCall>>,
}

impl Notes {
    pub(crate) fn patch(&self, patch: DevicePatch) {
        keep(&self.patches, patch);
    }

    pub(crate) fn llm(&self, call: LlmCall) {
        keep(&self.llm, call);
    }

    pub(crate) fn rule(&self, call: RuleCall) {
        keep(&self.rules, call);
    }

    /// Adds the notes to a report, of each kind those that pass.
    pub(crate) fn add_to(&self, books: &mut Books, contains: Option<&str>) {
        let passes = |text: &str| contains.is_none_or(|needle| text.contains(needle));
        books.device_patches.clone_from(&hold(&self.patches));
        books.device_patches.retain(|patch| passes(&patch.device) || passes(&patch.properties.to_string()));
        books.llm_calls.clone_from(&hold(&self.llm));
        books.llm_calls.retain(|call| passes(&call.prompt));
        books.rule_calls.clone_from(&hold(&self.rules));
        books.rule_calls.retain(|call| passes(&call.vocabulary.to_string()));
    }

    pub(crate) fn forget(&self) {
        hold(&self.patches).clear();
        hold(&self.llm).clear();
        hold(&self.rules).clear();
    }
}

fn keep<T>(notes: &Mutex<Vec<T>>, note: T) {
    let mut notes = hold(notes);
    if notes.len() < MAX_NOTES {
        notes.push(note);
    }
}
