-- The audit log: who changed what, from where. Entries are only ever added, each with the hash of the one before it.
-- Times are microseconds since 1970 in UTC. The hash is described byte for byte in docs/audit.md.

CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at BIGINT NOT NULL,
    -- The id of a user, `cli:` and the name of whoever gave the command, `speaker:` and an id; NULL: nobody was signed in.
    user_id TEXT,
    session TEXT,
    address TEXT,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- JSON, without secrets.
    details TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
-- No holes, and nothing put in the place of another (INSERT OR REPLACE).
CREATE TRIGGER audit_has_no_holes BEFORE INSERT ON audit
WHEN NEW.number IS NOT (SELECT COALESCE(MAX(number), 0) + 1 FROM audit)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;

-- What each speaker last saw of the log's length and end; of the longest it ever saw.
CREATE TABLE audit_witnesses (
    speaker TEXT PRIMARY KEY,
    entries BIGINT NOT NULL,
    hash TEXT NOT NULL,
    seen BIGINT NOT NULL
);
