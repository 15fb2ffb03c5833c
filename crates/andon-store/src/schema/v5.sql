-- Schema version 5: the runs of an episode, and who holds it, are found by its key.

CREATE INDEX runs_of_episodes ON runs (action, episode, sequence) WHERE episode IS NOT NULL;
CREATE INDEX runs_holding_keys ON runs (action, episode) WHERE holds_episode = 1;
