-- Schema version 6: the registry of devices.

-- The revision of the newest change.
CREATE TABLE registry_head (
    id       {key},
    revision BIGINT NOT NULL
);
INSERT INTO registry_head (id, revision) VALUES (1, 0);

-- Every entry with its last change; one that was removed leaves its row without text, for the change feed.
-- sealed is as in the table secrets, and empty where there is no secret.
CREATE TABLE registry (
    kind     TEXT    NOT NULL,
    name     {ordered} NOT NULL,
    revision BIGINT  NOT NULL,
    removed  BIGINT  NOT NULL,
    body     TEXT    NOT NULL,
    sealed   {bytes} NOT NULL,
    PRIMARY KEY (kind, name)
);
CREATE UNIQUE INDEX registry_changes ON registry (revision);

CREATE TABLE device_labels (
    label  TEXT NOT NULL,
    device {ordered} NOT NULL,
    PRIMARY KEY (label, device)
) {clustered};
CREATE INDEX labels_of_devices ON device_labels (device);

CREATE TABLE device_certificates (
    serial      TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    device      {ordered} NOT NULL
);
CREATE INDEX certificates_of_devices ON device_certificates (device);

-- Outlives the device and the certificate.
CREATE TABLE revocations (
    serial    TEXT   PRIMARY KEY,
    at        BIGINT NOT NULL,
    reason    TEXT   NOT NULL,
    not_after BIGINT NOT NULL
);
CREATE INDEX revocations_by_end ON revocations (not_after);
