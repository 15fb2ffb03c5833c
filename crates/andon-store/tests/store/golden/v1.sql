-- A journal as schema version 1 wrote it on SQLite, one row in each table. Never change it.
CREATE TABLE andon_schema (version BIGINT NOT NULL);
INSERT INTO "andon_schema" VALUES(1);
CREATE TABLE checkpoints (
    name     TEXT   PRIMARY KEY,
    position BIGINT NOT NULL,
    note     TEXT   NOT NULL
);
INSERT INTO "checkpoints" VALUES('bucket',7,'token0');
CREATE TABLE decisions (
    event_offset INTEGER PRIMARY KEY,
    decided_at   BIGINT NOT NULL,
    decisions    TEXT   NOT NULL,
    failure      TEXT
);
INSERT INTO "decisions" VALUES(1,3000000,'[{"table":{"name":"severity","version":1},"revision":1,"at":"1970-01-01T00:00:03Z","rows":[{"row":1,"id":"r1","saw":{"score":0.93},"output":{"action":"notify"}}],"actions":["notify"]}]',NULL);
CREATE TABLE documents (
    kind     TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    revision BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    removed  BIGINT NOT NULL,
    body     TEXT   NOT NULL,
    PRIMARY KEY (kind, name, revision)
);
INSERT INTO "documents" VALUES('actions','notify',1,1,0,'a = 1
');
CREATE TABLE event_keys (
    digest       BLOB PRIMARY KEY,
    event_offset BIGINT NOT NULL,
    received_at  BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO "event_keys" VALUES(X'2D2FA4CB2655FD845C9A19E2A613738D97D935FD9C0AEF935B319423CF499E8B',1,2000000);
CREATE TABLE events (
    event_offset INTEGER PRIMARY KEY,
    received_at  BIGINT NOT NULL,
    source       TEXT   NOT NULL,
    event_id     TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    subject      TEXT,
    body         TEXT   NOT NULL
);
INSERT INTO "events" VALUES(1,2000000,'/plant/1010','e-1','com.example.alarm',NULL,'{"id":"e-1","source":"/plant/1010","type":"com.example.alarm","data":{"score":0.93}}');
CREATE TABLE head (
    id              INTEGER PRIMARY KEY,
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
INSERT INTO "head" VALUES(1,6,1,'andon@plant',1000000,1,1,1,1,1,1);
CREATE TABLE marks (
    digest     BLOB PRIMARY KEY,
    source     TEXT   NOT NULL,
    object_key TEXT   NOT NULL,
    version    TEXT   NOT NULL,
    marked_at  BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO "marks" VALUES(X'73B5E492D11B0F5F7996A976AF9D8E9F7BC3D49CCB941A1A7212F411F65C0904','bucket','in/a.json','etag',2000000);
CREATE TABLE quarantine (
    id           INTEGER PRIMARY KEY,
    source       TEXT    NOT NULL,
    problem      TEXT    NOT NULL,
    content_type TEXT,
    path         TEXT    NOT NULL,
    received_at  BIGINT  NOT NULL,
    is_open      BIGINT  NOT NULL,
    size         BIGINT  NOT NULL,
    raw          BLOB NOT NULL
);
INSERT INTO "quarantine" VALUES(1,'bucket','{"code":"AND-1001","detail":"expected a number","place":"line 3"}',NULL,'in/b.json',2000000,1,3,X'00FF7B');
CREATE TABLE revisions (
    revision  INTEGER PRIMARY KEY,
    author    TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    documents BIGINT NOT NULL
);
INSERT INTO "revisions" VALUES(1,'ada',1,1);
CREATE TABLE runs (
    sequence     INTEGER PRIMARY KEY,
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
INSERT INTO "runs" VALUES(1,'AAAAAAAAAAAAAAAAAAAAAAAAAA',1,'notify',1,'pump-01','waiting',9000000,'{"documents":[{"step":"main","number":"10000023"}]}','10000023','busy',3000000,3000000);
CREATE TABLE secrets (
    name       TEXT    PRIMARY KEY,
    sealed     BLOB NOT NULL,
    changed_at BIGINT  NOT NULL
);
INSERT INTO "secrets" VALUES('sap',X'8764FCEFCAFD7F45FA5BD74D1C9ED4A7792FCED69E0D6BD76D0EBD1F4C03A51AC3400CB40F0F4098CB9BF0581827',1);
CREATE TABLE timeline (
    event_offset BIGINT NOT NULL,
    run_id       TEXT   NOT NULL,
    entry        BIGINT NOT NULL,
    body         TEXT   NOT NULL,
    PRIMARY KEY (event_offset, run_id, entry)
) WITHOUT ROWID;
INSERT INTO "timeline" VALUES(1,'AAAAAAAAAAAAAAAAAAAAAAAAAA',0,'{"at":"1970-01-01T00:00:03Z","kind":"busy","step":"main","attempt":1,"detail":{"status":503}}');
CREATE TABLE tokens (
    name       TEXT   PRIMARY KEY,
    role       TEXT   NOT NULL,
    sha256     TEXT   NOT NULL,
    expires_at BIGINT,
    created_at BIGINT NOT NULL
);
INSERT INTO "tokens" VALUES('erp','"intake"','ab',NULL,1);
CREATE INDEX events_by_kind ON events (substr(kind, 1, 200), event_offset);
CREATE INDEX events_by_subject ON events (substr(subject, 1, 200), event_offset);
CREATE INDEX events_by_time ON events (received_at);
CREATE INDEX event_keys_by_time ON event_keys (received_at);
CREATE INDEX decisions_failed ON decisions (event_offset) WHERE failure IS NOT NULL;
CREATE INDEX runs_by_event ON runs (event_offset);
CREATE INDEX runs_by_action ON runs (action, sequence);
CREATE INDEX runs_by_status ON runs (status, sequence);
CREATE INDEX quarantine_open ON quarantine (id) WHERE is_open = 1;
