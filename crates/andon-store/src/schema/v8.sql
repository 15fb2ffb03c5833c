-- Schema version 8: who issued a revoked certificate, by the identifier of its key; empty where it is not known.

ALTER TABLE revocations ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
