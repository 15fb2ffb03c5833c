-- Schema version 7: what the MQTT door finds again after a restart.

CREATE TABLE door_memory (
    kind  TEXT NOT NULL,
    owner {ordered} NOT NULL,
    name  {ordered} NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (owner, kind, name)
) {clustered};
