//! The port `Attachments`.

use std::collections::{BTreeMap, HashMap, HashSet};

use andon_journal::{AttachmentInfo, Attachments, JournalError, NewAttachment, StoredAttachment};
use andon_model::{EventKey, Offset};
use async_trait::async_trait;
use bytes::Bytes;

use super::MemoryJournal;

const READING: &str = "reading attachments";

/// Bytes by digest, and which event has which of them.
#[derive(Default)]
pub(super) struct MemoryAttachments {
    contents: HashMap<String, Bytes>,
    of_events: BTreeMap<(Offset, String), AttachmentInfo>,
}

impl MemoryAttachments {
    /// Keeps what belongs to the events that are new.
    pub(super) fn keep(&mut self, new: &HashMap<EventKey, Offset>, attachments: Vec<NewAttachment>) {
        for attachment in attachments {
            let Some(offset) = new.get(&attachment.event) else { continue };
            let info = attachment.info();
            self.contents.entry(attachment.digest.clone()).or_insert(attachment.bytes);
            self.of_events.entry((*offset, attachment.digest)).or_insert(info);
        }
    }

    /// The attachments of an event, by name.
    pub(super) fn of(&self, event: Offset) -> Vec<AttachmentInfo> {
        let from = (event, String::new());
        let of_event = self.of_events.range(from..).take_while(|((of, _), _)| *of == event);
        let mut infos: Vec<AttachmentInfo> = of_event.map(|(_, info)| info.clone()).collect();
        infos.sort_by(|a, b| a.name.cmp(&b.name));
        infos
    }

    /// Takes the names of an event that goes.
    pub(super) fn forget(&mut self, event: Offset) {
        self.of_events.retain(|(of, _), _| *of != event);
    }

    /// Takes the bytes that no event names, and says how many.
    pub(super) fn forget_unnamed(&mut self) -> usize {
        let named: HashSet<&String> = self.of_events.keys().map(|(_, digest)| digest).collect();
        let before = self.contents.len();
        self.contents.retain(|digest, _| named.contains(digest));
        before - self.contents.len()
    }

    fn stored(&self, digest: &str) -> Option<StoredAttachment> {
        let bytes = self.contents.get(digest)?.clone();
        let AttachmentInfo { content_type, name, .. } =
            self.of_events.values().find(|info| info.digest == digest)?.clone();
        Some(StoredAttachment { content_type, name, bytes })
    }
}

#[async_trait]
impl Attachments for MemoryJournal {
    async fn attachment(&self, digest: &str) -> Result<Option<StoredAttachment>, JournalError> {
        Ok(self.read(READING)?.attachments.stored(digest))
    }

    async fn attachments_of(&self, event: Offset) -> Result<Vec<AttachmentInfo>, JournalError> {
        Ok(self.read(READING)?.attachments.of(event))
    }
}
