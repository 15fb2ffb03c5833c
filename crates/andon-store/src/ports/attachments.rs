//! The port `Attachments`.

use andon_journal::{AttachmentInfo, Attachments, JournalError, StoredAttachment};
use andon_model::Offset;
use async_trait::async_trait;
use sqlx::{AnyPool, FromRow, query_as};

use crate::SqlStore;
use crate::error::reading;
use crate::text::unescape;

const READING: &str = "reading attachments";

const CONTENT: &str = "SELECT n.name, n.content_type, a.content FROM attachments a \
     JOIN event_attachments n ON n.digest = a.digest WHERE a.digest = $1 ORDER BY n.event_offset LIMIT 1";

const OF_EVENT: &str = "SELECT n.digest, n.name, n.content_type, a.size FROM event_attachments n \
     JOIN attachments a ON a.digest = n.digest WHERE n.event_offset = $1 ORDER BY n.name, n.digest";

#[async_trait]
impl Attachments for SqlStore {
    async fn attachment(&self, digest: &str) -> Result<Option<StoredAttachment>, JournalError> {
        let row = query_as(CONTENT).bind(digest.to_owned()).fetch_optional(self.db.readers()).await;
        let row: Option<(String, String, Vec<u8>)> = row.map_err(reading(READING))?;
        Ok(row.map(|(name, content_type, content)| StoredAttachment {
            content_type: unescape(content_type),
            name: unescape(name),
            bytes: content.into(),
        }))
    }

    async fn attachments_of(&self, event: Offset) -> Result<Vec<AttachmentInfo>, JournalError> {
        of_event(self.db.readers(), event).await
    }
}

/// What one event has, by name.
pub(super) async fn of_event(pool: &AnyPool, event: Offset) -> Result<Vec<AttachmentInfo>, JournalError> {
    let rows: Vec<InfoRecord> = query_as(OF_EVENT).bind(event.0).fetch_all(pool).await.map_err(reading(READING))?;
    Ok(rows.into_iter().map(InfoRecord::into_info).collect())
}

#[derive(FromRow)]
struct InfoRecord {
    digest: String,
    name: String,
    content_type: String,
    size: i64,
}

impl InfoRecord {
    fn into_info(self) -> AttachmentInfo {
        AttachmentInfo {
            digest: self.digest,
            name: unescape(self.name),
            content_type: unescape(self.content_type),
            bytes: u64::try_from(self.size).unwrap_or_default(),
        }
    }
}
