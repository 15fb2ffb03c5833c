-- Schema version 4: episodes, and the part that a run has in one.

-- The newest episode of each action and key.
CREATE TABLE episodes (
    action      TEXT   NOT NULL,
    episode_key TEXT   NOT NULL,
    document    TEXT   NOT NULL,
    run_id      TEXT   NOT NULL,
    opened_at   BIGINT NOT NULL,
    touched_at  BIGINT NOT NULL,
    joined      BIGINT NOT NULL,
    PRIMARY KEY (action, episode_key)
) {clustered};
CREATE INDEX episodes_by_time ON episodes (touched_at);

ALTER TABLE runs ADD COLUMN episode TEXT;
ALTER TABLE runs ADD COLUMN holds_episode BIGINT NOT NULL DEFAULT 0;
CREATE INDEX runs_holding ON runs (event_offset, sequence) WHERE holds_episode = 1;
