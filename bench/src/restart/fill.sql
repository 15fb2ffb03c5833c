-- Multiplies what a journal holds: COPIES more of every event with its key, decision, runs and timeline.
-- Fast and without a net: only for a file that is thrown away.
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -2000000;
PRAGMA temp_store = MEMORY;

CREATE TEMP TABLE size AS SELECT last_offset AS events, last_run AS runs FROM head;
CREATE TEMP TABLE copies AS
    WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < COPIES) SELECT n FROM counted;
CREATE TEMP TABLE base_events AS SELECT * FROM events ORDER BY event_offset;
CREATE TEMP TABLE base_decisions AS SELECT * FROM decisions ORDER BY event_offset;
CREATE TEMP TABLE base_runs AS SELECT * FROM runs ORDER BY sequence;
CREATE TEMP TABLE base_timeline AS SELECT * FROM timeline ORDER BY event_offset, run_id, entry;

BEGIN;
INSERT INTO events
    SELECT event_offset + n * size.events, received_at, source, event_id || '-' || n, kind, subject || '-' || n,
           replace(body, '"' || event_id || '"', '"' || event_id || '-' || n || '"')
    FROM size CROSS JOIN copies CROSS JOIN base_events;
INSERT INTO event_keys
    SELECT randomblob(32), event_offset + n * size.events, received_at
    FROM size CROSS JOIN copies CROSS JOIN base_events;
INSERT INTO decisions
    SELECT event_offset + n * size.events, decided_at, decisions, failure
    FROM size CROSS JOIN copies CROSS JOIN base_decisions;
INSERT INTO runs
    SELECT sequence + n * size.runs, substr(id, 1, 18) || printf('%08d', n), event_offset + n * size.events, action,
           revision, subject || '-' || n, status, due,
           replace(state, id, substr(id, 1, 18) || printf('%08d', n)), documents, summary, created_at, updated_at,
           episode || '-' || n, holds_episode
    FROM size CROSS JOIN copies CROSS JOIN base_runs;
INSERT INTO timeline
    SELECT event_offset + n * size.events, substr(run_id, 1, 18) || printf('%08d', n), entry, body
    FROM size CROSS JOIN copies CROSS JOIN base_timeline;
UPDATE head SET last_offset = last_offset * (COPIES + 1), decided_up_to = decided_up_to * (COPIES + 1),
    events_kept = events_kept * (COPIES + 1), last_run = last_run * (COPIES + 1), runs_kept = runs_kept * (COPIES + 1);
COMMIT;
PRAGMA journal_mode = WAL;
