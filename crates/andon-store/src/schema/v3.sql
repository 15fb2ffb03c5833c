-- Schema version 3: attachments, named by the SHA-256 of their bytes in lower-case hexadecimal.

-- The bytes, once, for as long as an event has them.
CREATE TABLE attachments (
    digest  TEXT    PRIMARY KEY,
    size    BIGINT  NOT NULL,
    content {bytes} NOT NULL
);

-- Which event has which bytes, and what it calls them.
CREATE TABLE event_attachments (
    event_offset BIGINT NOT NULL,
    digest       TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    content_type TEXT   NOT NULL,
    PRIMARY KEY (event_offset, digest)
) {clustered};
CREATE INDEX event_attachments_by_digest ON event_attachments (digest, event_offset);
