-- Schema version 2: headers of what is in quarantine, retention of quarantine and marks, and the pending
-- runs in the order in which a starting engine reads them.

-- JSON: pairs of name and value.
ALTER TABLE quarantine ADD COLUMN headers TEXT NOT NULL DEFAULT '[]';
CREATE INDEX quarantine_by_time ON quarantine (is_open, received_at);

CREATE INDEX marks_by_time ON marks (marked_at);

CREATE INDEX runs_unsettled ON runs (event_offset, sequence)
    WHERE status NOT IN ('done', 'refused', 'parked', 'cancelled');
