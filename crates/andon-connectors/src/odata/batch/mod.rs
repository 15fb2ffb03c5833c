//! Change sets: several requests that are done all or not at all, as one `$batch` (`multipart/mixed`).
//!
//! Source of the format: OData 2.0 batch processing (`odata.org`), which OData 4.0 part 1, section 11.7 keeps. A
//! batch holds one change set; the change set holds the requests, each an `application/http` part with a
//! `Content-ID` by which later ones refer to it (`$1`). Of a change set that was done the answer holds every part
//! ([`read::SetAnswer::Done`]); one that was not done is answered by a single part ([`read::SetAnswer::Failed`]).

pub(crate) mod read;
mod write;

pub(crate) use write::write;
