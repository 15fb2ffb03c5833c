-- Schema version 1. Words in braces differ per database: see schema.rs.
-- Times are microseconds since 1970-01-01T00:00:00Z. Free text is escaped as text.rs says.

-- Counters, checkpoint of deciding, and lease: one row, locked by every write.
CREATE TABLE head (
    id              {key},
    writes          BIGINT NOT NULL,
    epoch           BIGINT NOT NULL,
    lease_owner     TEXT   NOT NULL,
    lease_at        BIGINT NOT NULL,
    last_offset     BIGINT NOT NULL,
    decided_up_to   BIGINT NOT NULL,
    events_kept     BIGINT NOT NULL,
    last_run        BIGINT NOT NULL,
    runs_kept       BIGINT NOT NULL,
    last_quarantine BIGINT NOT NULL
);
INSERT INTO head VALUES (1, 0, 0, '', 0, 0, 0, 0, 0, 0, 0);

CREATE TABLE events (
    event_offset {key},
    received_at  BIGINT NOT NULL,
    source       TEXT   NOT NULL,
    event_id     TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    subject      TEXT,
    body         TEXT   NOT NULL
);
-- Prefixes, because PostgreSQL cannot index a text of any length.
CREATE INDEX events_by_kind ON events (substr(kind, 1, 200), event_offset);
CREATE INDEX events_by_subject ON events (substr(subject, 1, 200), event_offset);
CREATE INDEX events_by_time ON events (received_at);

-- SHA-256 of source and id; outlives its event, so that a late duplicate is still known.
CREATE TABLE event_keys (
    digest       {bytes} PRIMARY KEY,
    event_offset BIGINT NOT NULL,
    received_at  BIGINT NOT NULL
) {clustered};
CREATE INDEX event_keys_by_time ON event_keys (received_at);

CREATE TABLE decisions (
    event_offset {key},
    decided_at   BIGINT NOT NULL,
    decisions    TEXT   NOT NULL,
    failure      TEXT
);
CREATE INDEX decisions_failed ON decisions (event_offset) WHERE failure IS NOT NULL;

CREATE TABLE runs (
    sequence     {key},
    id           TEXT   NOT NULL UNIQUE,
    event_offset BIGINT NOT NULL,
    action       TEXT   NOT NULL,
    revision     BIGINT NOT NULL,
    subject      TEXT   NOT NULL,
    status       TEXT   NOT NULL,
    due          BIGINT,
    state        TEXT   NOT NULL,
    documents    TEXT   NOT NULL,
    summary      TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX runs_by_event ON runs (event_offset);
CREATE INDEX runs_by_action ON runs (action, sequence);
CREATE INDEX runs_by_status ON runs (status, sequence);

-- Entries count from 0 in each run.
CREATE TABLE timeline (
    event_offset BIGINT NOT NULL,
    run_id       TEXT   NOT NULL,
    entry        BIGINT NOT NULL,
    body         TEXT   NOT NULL,
    PRIMARY KEY (event_offset, run_id, entry)
) {clustered};

CREATE TABLE checkpoints (
    name     TEXT   PRIMARY KEY,
    position BIGINT NOT NULL,
    note     TEXT   NOT NULL
);

-- SHA-256 of source, key and version: a member of the source's set of read objects.
CREATE TABLE marks (
    digest     {bytes} PRIMARY KEY,
    source     TEXT   NOT NULL,
    object_key TEXT   NOT NULL,
    version    TEXT   NOT NULL,
    marked_at  BIGINT NOT NULL
) {clustered};

CREATE TABLE quarantine (
    id           {key},
    source       TEXT    NOT NULL,
    problem      TEXT    NOT NULL,
    content_type TEXT,
    path         TEXT    NOT NULL,
    received_at  BIGINT  NOT NULL,
    is_open      BIGINT  NOT NULL,
    size         BIGINT  NOT NULL,
    raw          {bytes} NOT NULL
);
CREATE INDEX quarantine_open ON quarantine (id) WHERE is_open = 1;

CREATE TABLE revisions (
    revision  {key},
    author    TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    documents BIGINT NOT NULL
);

-- A removal is a row with removed = 1; it keeps the version of the text that it removed.
CREATE TABLE documents (
    kind     TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    revision BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    removed  BIGINT NOT NULL,
    body     TEXT   NOT NULL,
    PRIMARY KEY (kind, name, revision)
);

CREATE TABLE tokens (
    name       TEXT   PRIMARY KEY,
    role       TEXT   NOT NULL,
    sha256     TEXT   NOT NULL,
    expires_at BIGINT,
    created_at BIGINT NOT NULL
);

-- Nonce (24 bytes) and XChaCha20-Poly1305 ciphertext with its tag.
CREATE TABLE secrets (
    name       TEXT    PRIMARY KEY,
    sealed     {bytes} NOT NULL,
    changed_at BIGINT  NOT NULL
);
